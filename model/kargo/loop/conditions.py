"""What a Stage says of itself after each sub-reconciler: whether it is Ready, and a summary of its Freight.

Source: `pkg/controller/stages/regular_stages.go: summarizeConditions, buildFreightSummary, reconcile`
"""

from __future__ import annotations

from collections.abc import Iterator

from model.kargo.loop.scope import Scope
from model.kargo.loop.values import PANIC, Condition
from model.kargo.phases import PromotionPhase
from model.system import Action, Outcomes, Part, Sequence, only, part, sequence


def end_reconciling(soon: bool) -> Outcomes:
    """Enabled where no further pass is wanted at once: reconciling is over.

    That it has begun is never to be seen: what would say so is lost with the first sub-reconciler's result.
    """
    return () if soon else only(reconciling_condition=None)


def silence(reconciling_condition: Condition | None) -> Outcomes:
    """Enabled where an error is on show already."""
    return () if reconciling_condition is None else only(silenced=True)


def say_error(error: str, silenced: bool, generation: int) -> Outcomes:
    """An error is all there is to say; a pass that breaks down says nothing more."""
    if silenced or error == PANIC:
        return ()
    return only(
        ready_condition=Condition("False", "ReconcileError", generation, error),
        reconciling_condition=Condition("True", "RetryAfterError", generation),
    )


def note_summary(in_use: str | None, freights: tuple[str, ...]) -> Outcomes:
    """One Freight of the current collection."""
    return () if in_use is None else only(freights=(*freights, in_use))


def summarize(freights: tuple[str, ...], *, requested: int) -> Outcomes:
    """How much of what is requested the Stage has."""
    if requested == 1 and len(freights) == 1:
        return only(summary=freights[0], freights=())
    return only(summary=f"{len(freights)}/{requested} Fulfilled", freights=())


def say_ready(
    promoting_condition: Condition | None,
    last_phase: PromotionPhase | None,
    last_message: str,
    healthy_condition: Condition | None,
    verified_condition: Condition | None,
    generation: int,
) -> Outcomes:
    """A Stage is Ready if it is not promoting, its last Promotion succeeded, and it is healthy and verified."""
    if promoting_condition is not None:
        return _not_ready(promoting_condition, generation)
    if last_phase is not None and last_phase.terminal and last_phase is not PromotionPhase.SUCCEEDED:
        return _not_ready(Condition("", f"LastPromotion{last_phase}", 0, last_message), generation)
    if healthy_condition is None or healthy_condition.status != "True":
        return _not_ready(healthy_condition or Condition("", "Unhealthy", 0, "Stage is not healthy"), generation)
    if verified_condition is None or verified_condition.status != "True":
        default = Condition("", "PendingVerification", 0, "Stage is not verified")
        return _not_ready(verified_condition or default, generation)
    return only(
        ready_condition=Condition("True", verified_condition.reason, generation, verified_condition.message),
        reconciling_condition=None,
        observed_generation=generation,
    )


def _not_ready(because: Condition, generation: int) -> Outcomes:
    return only(ready_condition=because._replace(status="False", generation=generation))


def summarize_conditions(scope: Scope) -> Sequence:
    """What every sub-reconciler is followed by."""
    return sequence("summarizing conditions", *_parts(scope))


def _parts(scope: Scope) -> Iterator[Action | Part]:
    for warehouse in scope.pipeline.warehouses:
        yield part(scope.bind(note_summary, in_use=scope.of("in_use", warehouse)), failed=False)
    requested = {"requested": len(scope.stage.requests)}
    yield part(scope.bind(summarize, constants=requested, writes=("summary",)), failed=False)
    writes = ("ready_condition", "reconciling_condition", "observed_generation")
    yield part(scope.bind(say_ready, writes=writes), failed=False)
