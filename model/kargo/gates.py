"""What a Stage does when a Promotion of its own has ended: the gates that open, one after the other.

Source: `pkg/controller/stages/regular_stages.go: syncPromotions, assessHealth, verifyStageFreight,
markFreightVerifiedForStage`
"""

from __future__ import annotations

from model.kargo.phases import PromotionPhase


def gates_after(phase: PromotionPhase) -> tuple[str, ...]:
    """What follows by itself once a Promotion has ended in `phase`, in order; nothing while it has not ended."""
    if not phase.terminal:
        return ()
    if phase is not PromotionPhase.SUCCEEDED:
        return ("the Stage keeps its current Freight", "health is not assessed until a Promotion succeeds")
    return (
        "the Stage takes the Freight for its current one",
        "health is assessed",
        "verification starts as soon as the Stage is healthy",
        "Freight that passes is verified, and available to the Stages downstream",
    )
