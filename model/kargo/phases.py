"""The phases of Kargo's own objects, spelled as Kargo spells them.

The empty spelling stands for "nothing written yet". It is not a status that Kargo declares, but objects have
it, so the model has it too.

Source: `api/v1alpha1/promotion_types.go: PromotionStepStatus`, `PromotionPhase`
"""

from __future__ import annotations

from model.phase import Phase


class StepStatus(Phase):
    """The status in the metadata that a Promotion keeps of each step it has reached."""

    NEW = "", "The engine has reached the step and written nothing about it yet."
    RUNNING = "Running", "An attempt ended without a verdict; the step is waiting for something and polled."
    SUCCEEDED = "Succeeded", "The step did what it is for."
    FAILED = "Failed", "The step reports that it failed; it is tried again unless finished."
    ERRORED = (
        "Errored",
        "Something in or around the step went wrong; it is tried again unless finished.",
    )
    ABORTED = (
        "Aborted",
        "The step was cut off, as a rule because its Promotion was aborted while it ran.",
    )
    SKIPPED = "Skipped", "The step was passed over, by its condition or because it found nothing to do."


class PromotionPhase(Phase):
    """The phase of a Promotion."""

    NEW = "", "Created; no controller has acknowledged it yet."
    PENDING = "Pending", "Acknowledged, and waiting for its Stage to make it the current one."
    RUNNING = "Running", "The current Promotion of its Stage; its steps are being run."
    SUCCEEDED = "Succeeded", "Every step that counts succeeded or was skipped."
    FAILED = "Failed", "A step that counts reported failure, and none errored."
    ERRORED = "Errored", "A step that counts errored, or the Promotion itself could not be run."
    ABORTED = "Aborted", "A person asked for it to be terminated before it ended by itself."

    @property
    def terminal(self) -> bool:
        """Whether a Promotion in this phase has ended. Source: `PromotionPhase.IsTerminal`."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {PromotionPhase.SUCCEEDED, PromotionPhase.FAILED, PromotionPhase.ERRORED, PromotionPhase.ABORTED}
)
