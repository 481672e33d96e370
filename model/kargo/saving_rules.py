"""The rules of the end of a Promotion pass: the final phase, writing the status back, asking for the next pass.

Source: `pkg/promotion/orchestrator.go: DetermineFinalPhase`,
`pkg/controller/promotions/promotions.go: Reconcile, calculateRequeueInterval`
"""

from __future__ import annotations

import json
from typing import Any

from model.kargo.attempts import UNKNOWN_OUTPUT
from model.kargo.lifecycles import PROMOTION
from model.kargo.phases import PromotionPhase, StepStatus
from model.kargo.promotion_rules import Place
from model.kargo.releases import Behaviours
from model.kargo.step_engine import CONTEXT_CANCELED, Entry
from model.system import Outcomes, only

DEFAULT_REQUEUE_MS = 300_000
"""How often a Running Promotion is looked at if nothing else asks for it. `defaultRequeueInterval`"""

WITHOUT_RESULT = (Place.PANICKED, Place.REFUSED)
"""Where a pass ends the Promotion, and the engine has returned nothing."""

BACKOFF = "error"
"""A requeue by the queue's exponential backoff, because the reconciler returned an error."""

SEVERITY = {
    StepStatus.SUCCEEDED: 0,
    StepStatus.SKIPPED: 1,
    StepStatus.RUNNING: 2,
    StepStatus.ABORTED: 3,
    StepStatus.FAILED: 4,
    StepStatus.ERRORED: 5,
}
"""Source: `api/v1alpha1/promotion_types.go: PromotionStepStatus.Compare`"""

END_WHEN_WORST_IS = {
    StepStatus.SUCCEEDED: "succeed",
    StepStatus.SKIPPED: "succeed",
    StepStatus.RUNNING: "err",
    StepStatus.ABORTED: "abort",
    StepStatus.FAILED: "fail",
    StepStatus.ERRORED: "err",
}
"""How a Promotion ends, as an event of its lifecycle, by the worst status of the steps that count.

Source: `pkg/promotion/orchestrator.go: DetermineFinalPhase`
"""


def weigh(entry: Entry | None, worst: StepStatus) -> Outcomes:
    """Enabled for an entry that is worse than all before it."""
    if entry is None or SEVERITY[entry.status] <= SEVERITY[worst]:
        return ()
    return only(worst=entry.status)


def weigh_text(entry: Entry | None, worst: StepStatus, text: str) -> Outcomes:
    """The message of the first entry that is as bad as the worst one is that of the Promotion."""
    if entry is None or SEVERITY[entry.status] <= SEVERITY[worst]:
        return ()
    return only(worst_text=text)


def conclude(at: object, worst: StepStatus, stopped_at: int, *, steps: int) -> Outcomes:
    """The phase and step that the pass arrives at: still Running, through with the steps, or broken off."""
    if at is Place.WAITING:
        return only(new_phase=PromotionPhase.RUNNING, new_step=stopped_at)
    event = END_WHEN_WORST_IS[worst] if at == steps else "err"
    phase = PROMOTION.after(PromotionPhase.RUNNING, event)
    return only(phase.value, new_phase=phase, new_step=steps - 1 if at == steps else stopped_at)


NIL_MAP = "assignment to entry in nil map"


def conclude_message(at: object, worst_text: str, refusal: str, *, steps: int) -> Outcomes:
    """The message the engine returns for the Promotion, or why the engine was not even asked."""
    if at is Place.REFUSED:
        return only(new_message=refusal)
    if at is Place.CANCELLED:
        return only(new_message=f"execution canceled: {CONTEXT_CANCELED}")
    if at is Place.PANICKED:
        return only(new_message=NIL_MAP)
    return only(new_message=worst_text if at == steps else "")


def conclude_error(at: object, new_phase: PromotionPhase, new_message: str, *, behaviours: Behaviours) -> Outcomes:
    """Where the release returns an Errored end as an error too, that error; there is none without a result."""
    if at not in WITHOUT_RESULT and new_phase is PromotionPhase.ERRORED and behaviours.final_error_returned:
        return only(engine_error=new_message)
    return ()


def note_new_status(
    message: str,
    new_message: str,
    engine_error: str | None,
    current_step: int,
    new_step: int,
    health_checks: tuple[str, ...],
    checks: tuple[str, ...],
    fresh: bool,
) -> Outcomes:
    """Enabled where the pass has more to write than the metadata and outputs of steps."""
    same_checks = health_checks == kept_checks(health_checks, checks, fresh)
    if current_step == new_step and message == kept_message(new_message, engine_error) and same_checks:
        return ()
    return only(changed=True)


def assume_new_status() -> Outcomes:
    """Where it is not compared, every pass is taken to have something to write."""
    return only(changed=True)


def note_new_entry(entry: Entry | None, working: Entry | None) -> Outcomes:
    """Enabled where the metadata of a step, as the API server would keep it, is new."""
    return only(changed=True) if entry != kept_entry(working) else ()


def note_new_text(text: str, working: str) -> Outcomes:
    """Enabled where the message of a step is new."""
    return only(changed=True) if text != working else ()


def note_new_output(output: str | None, working: str | None) -> Outcomes:
    """Enabled where an output is new: one that is null, or holds a null, always is, because none was stored."""
    if output is None or working is None:
        return only(changed=True) if output is not working else ()
    same = UNKNOWN_OUTPUT not in (output, working) and _sorted(output) == _sorted(working)
    return () if same else only(changed=True)


def _sorted(output: str) -> str:
    return json.dumps(json.loads(output), sort_keys=True)


def can_save(cancelled: bool, changed: bool, at: object) -> Outcomes:
    """The status can be written unless the controller's context is cancelled; without a change nothing needs to be.

    Source: `pkg/kubeclient/patch.go: PatchStatus`
    """
    saved = not cancelled or (at is Place.WAITING and not changed)
    return only("" if saved else "status not written", saved=saved)


def save_entry(working: Entry | None) -> Outcomes:
    """The metadata of a step."""
    return only(entry=kept_entry(working))


def kept_entry(working: Entry | None) -> Entry | None:
    """What the API server keeps of the metadata: times lose their fraction of a second."""
    if working is None:
        return None
    return working._replace(started_at=_whole(working.started_at), finished_at=_whole(working.finished_at))


def _whole(instant: int | None) -> int | None:
    return None if instant is None else instant // 1000 * 1000


def save_text(working: str) -> Outcomes:
    """The message of a step."""
    return only(text=working)


def save_output(working: str | None) -> Outcomes:
    """What the API server keeps of an output: a merge patch cannot store a null."""
    if working is None or working == UNKNOWN_OUTPUT or "null" not in working:
        return only(output=working)
    kept = without_nulls(json.loads(working))
    return only(output=None if kept is None else json.dumps(kept, sort_keys=True))


def without_nulls(value: Any) -> Any:
    """The value a JSON merge patch leaves: members that are null are gone, also in the objects of an array.

    Elements that are null stay. Source: `github.com/evanphx/json-patch: pruneNulls, pruneAryNulls`
    """
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(element) for element in value]
    return value


def save_status(new_phase: PromotionPhase, new_step: int) -> Outcomes:
    """The phase and the current step."""
    return only(phase=new_phase, current_step=new_step)


def save_end(new_phase: PromotionPhase) -> Outcomes:
    """A pass without a result changes the phase, and otherwise only the message."""
    return only(phase=new_phase)


def save_message(new_message: str, engine_error: str | None) -> Outcomes:
    """The message of the Promotion."""
    return only(message=kept_message(new_message, engine_error))


def kept_message(new_message: str, engine_error: str | None) -> str:
    """An error takes the place of the message."""
    return new_message if engine_error is None else engine_error


def save_health_checks(health_checks: tuple[str, ...], fresh: bool, checks: tuple[str, ...]) -> Outcomes:
    """The kinds of the health checks."""
    return only(health_checks=kept_checks(health_checks, checks, fresh))


def kept_checks(health_checks: tuple[str, ...], checks: tuple[str, ...], fresh: bool) -> tuple[str, ...]:
    """The kinds of the health checks, over all passes since the work directory was made."""
    return checks if fresh else health_checks + checks


def remove_work_dir(new_phase: PromotionPhase, at: object, *, behaviours: Behaviours) -> Outcomes:
    """A terminal result removes the work directory, also where it could not be written.

    Source: `promote` up to 1.9, `Reconcile` since 1.10
    """
    if at in WITHOUT_RESULT and not behaviours.every_end_removes_work_dir:
        return ()
    return only(work_dir=False) if new_phase.terminal else ()


def ask_for_requeue(
    new_phase: PromotionPhase,
    saved: bool,
    backs_off: bool,
    retry_after: int | None,
    *,
    behaviours: Behaviours,
) -> Outcomes:
    """When the reconciler wants to be called again, in milliseconds; BACKOFF after an error, None for never.

    Source: `Reconcile`, `calculateRequeueInterval`
    """
    if not saved:
        return only(requeue=BACKOFF)
    if new_phase is not PromotionPhase.RUNNING:
        return only(requeue=None)
    if backs_off:
        return only(requeue=BACKOFF)
    if retry_after is None:
        return only(requeue=DEFAULT_REQUEUE_MS)
    floor = behaviours.shortest_poll_ms
    return only(requeue=retry_after if floor is None else max(retry_after, floor))


def requeue_at_timeout(
    entry: Entry | None,
    new_step: int,
    new_phase: PromotionPhase,
    requeue: object,
    now: int,
    *,
    index: int,
    timeout_ms: int,
) -> Outcomes:
    """Come back when the current step's time is over, if that is sooner.

    The deadline is reckoned from the stored start, which has lost its fraction of a second; so the wait can be
    zero or negative, and then nobody comes back.

    Source: `calculateRequeueInterval`
    """
    if new_step != index or new_phase is not PromotionPhase.RUNNING or not isinstance(requeue, int):
        return ()
    if entry is None or entry.started_at is None or timeout_ms == 0:
        return ()
    deadline = entry.started_at + timeout_ms
    return only(requeue=deadline - now) if deadline < now + requeue else ()
