"""The rules of a Promotion pass around its steps: opening it, moving on, the final phase, writing it back.

The pass works on a copy of the status, as the controller does: rules with `load` in their name make the copy,
those with `save` write it to the API server, and what happens if it cannot be written is that nothing of the
pass is left but its side effects.

Source: `pkg/controller/promotions/promotions.go: Reconcile, promote, terminatePromotion,
calculateRequeueInterval`, `pkg/promotion/orchestrator.go: DetermineFinalPhase`
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from model.kargo import attempts
from model.kargo.attempts import UNKNOWN_OUTPUT, Attempt
from model.kargo.lifecycles import PROMOTION
from model.kargo.phases import PromotionPhase, StepStatus
from model.kargo.releases import Behaviours, Cancellation
from model.kargo.step_engine import (
    CONTEXT_CANCELED,
    INCOMPLETE,
    Condition,
    Entry,
    StepRules,
    Turn,
    has_failed,
    move,
)
from model.system import Outcomes, only


class Place(Enum):
    """Where a pass is when it is not at one of the steps."""

    __hash__ = object.__hash__

    OUTSIDE = "no pass is under way"
    TERMINATING = "the Promotion is being aborted"
    LOADING = "the status has been read"
    WAITING = "a step is not done"
    CANCELLED = "the controller is shutting down"
    PANICKED = "the engine panicked"


DEFAULT_REQUEUE_MS = 300_000
"""How often a Running Promotion is looked at if nothing else asks for it. `defaultRequeueInterval`"""

BACKOFF = "error"
"""A requeue by the queue's exponential backoff, because the reconciler returned an error."""


# Opening the pass


def remember(phase: PromotionPhase) -> Outcomes:
    """Note the phase before the pass."""
    return only(was=phase)


def cancel() -> Outcomes:
    """The controller is told to shut down; its context is cancelled."""
    return only("the controller is shutting down", cancelled=True)


def open_pass(phase: PromotionPhase, abort_requested: bool) -> Outcomes:
    """Enabled while the Promotion has not ended. An abort goes first; else it is Running from here on."""
    if phase.terminal:
        return ()
    if abort_requested:
        return only("abort", phase=PROMOTION.after(phase, "abort"), at=Place.TERMINATING)
    for event in ("acknowledge", "start"):
        if event in PROMOTION.leaving(phase):
            phase = PROMOTION.after(phase, event)
    return only(phase=phase, at=Place.LOADING)


def abort_current_step(
    entry: Entry | None,
    following: Entry | None,
    current_step: int,
    was: PromotionPhase,
    now: int,
    *,
    index: int,
) -> Outcomes:
    """Abort the step that is Running, if it is the last one reached; a step waiting for its retry is left as it is.

    Source: `pkg/api/promotion.go: AbortPromotion`, `pkg/controller/promotions/promotions.go: terminatePromotion`
    """
    last_reached = current_step == index and following is None
    if was is PromotionPhase.RUNNING and last_reached and entry and entry.status is StepStatus.RUNNING:
        return only("step aborted", entry=move(entry, "abort")._replace(finished_at=now))
    return ()


def open_work_dir(work_dir: bool, was: PromotionPhase) -> Outcomes:
    """Make the work directory if it is not there."""
    if work_dir:
        return ()
    return only("starts over" if was is PromotionPhase.RUNNING else "", work_dir=True, fresh=True)


def go_to_step(fresh: bool, current_step: int) -> Outcomes:
    """Resume at the current step; start over in a fresh work directory."""
    return only(at=0 if fresh else current_step)


def load_entry(entry: Entry | None, fresh: bool) -> Outcomes:
    """A fresh work directory forgets the metadata of the steps."""
    return only(working=None if fresh else entry)


def load_text(text: str, fresh: bool) -> Outcomes:
    """A fresh work directory forgets the messages of the steps."""
    return only(working="" if fresh else text)


def load_output(output: str | None) -> Outcomes:
    """Outputs survive the loss of the work directory."""
    return only(working=output)


def count_failure(entry: Entry | None, failing: int, *, continue_on_error: bool) -> Outcomes:
    """One more failed entry. Enabled for an entry that has failed."""
    return only(failing=failing + 1) if has_failed(entry, continue_on_error) else ()


# After each step


def keep_output(turn: Turn, attempt: Attempt | None) -> Outcomes:
    """The output of an attempt replaces the one before it, whatever came of the attempt.

    Source: `propagateStepOutput`
    """
    return only(output=attempts.output(attempt)) if turn is Turn.RAN and attempt else ()


def forget_output(turn: Turn) -> Outcomes:
    """In 1.8 a step whose context cannot be built has no output either.

    Source: `propagateStepOutput`
    """
    return only(output="null") if turn is Turn.CONTEXT_FAILED else ()


def forget_shared_output(turn: Turn, shared: str | None) -> Outcomes:
    """In 1.8 a step whose context cannot be built still makes room for its task's outputs.

    Source: `propagateStepOutput`
    """
    return only(shared="{}") if turn is Turn.CONTEXT_FAILED and shared is None else ()


def propagate_output(turn: Turn, attempt: Attempt | None, shared: str | None) -> Outcomes:
    """The keys of the output are copied into that of the task.

    A task whose own output is null in this very pass cannot take them: the engine panics.

    Source: `propagateStepOutput`
    """
    if turn is not Turn.RAN or attempt is None:
        return ()
    added = attempts.output(attempt)
    if shared == "null":
        return only(turn=Turn.PANICKED) if added not in ("null", "{}") else ()
    if UNKNOWN_OUTPUT in (added, shared):
        return only(shared=UNKNOWN_OUTPUT)
    merged = {**json.loads(shared or "{}"), **(json.loads(added) or {})}
    return only(shared=json.dumps(merged, sort_keys=True))


def note_health_check(turn: Turn, attempt: Attempt | None, checks: tuple[str, ...]) -> Outcomes:
    """A step that succeeded registers its health check."""
    if turn is Turn.SUCCEEDED and attempt and attempt.health_check and attempt.panic is None:
        return only(checks=(*checks, attempt.health_check))
    return ()


def back_off(turn: Turn, *, behaviours: Behaviours) -> Outcomes:
    """A step that will be retried makes the engine return an error, where the release returns it."""
    backs_off = turn is Turn.WILL_BE_RETRIED and behaviours.retryable_error_backs_off
    return only(backs_off=True) if backs_off else ()


def note_error(turn: Turn, attempt: Attempt | None, *, rules: StepRules, behaviours: Behaviours) -> Outcomes:
    """The text of that error."""
    if turn is not Turn.WILL_BE_RETRIED or attempt is None or not behaviours.retryable_error_backs_off:
        return ()
    error = attempts.error(attempt, rules.alias, behaviours)
    return only(engine_error=error.text if error else None)


def move_on(
    turn: Turn,
    entry: Entry,
    attempt: Attempt | None,
    failing: int,
    *,
    index: int,
    steps: int,
    continue_on_error: bool,
    behaviours: Behaviours,
) -> Outcomes:
    """Go to the next step, or stop the pass here; note what was done."""
    here: object = index + 1
    if turn in INCOMPLETE:
        here = Place.WAITING
    elif turn is Turn.PANICKED:
        here = Place.PANICKED
    elif turn in (Turn.CANCELLED, Turn.CUT_OFF):
        ends_promotion = behaviours.cancellation is Cancellation.ENDS_THE_PROMOTION
        here = Place.CANCELLED if ends_promotion else steps
    return only(
        at=here,
        stopped_at=index,
        did=turn,
        said=attempt,
        turn=Turn.NOT_REACHED,
        attempt=None,
        condition=Condition(None),
        context_error=None,
        failing=failing + has_failed(entry, continue_on_error),
    )


def note_retry_after(turn: Turn, attempt: Attempt | None) -> Outcomes:
    """The interval that an unfinished step asks for."""
    if turn in INCOMPLETE and attempt and attempt.panic is None:
        return only(retry_after=attempt.retry_after_ms)
    return ()


# The end of the pass

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


def conclude_message(at: object, worst_text: str, *, steps: int) -> Outcomes:
    """The message the engine returns for the Promotion."""
    if at is Place.CANCELLED:
        return only(new_message=f"execution canceled: {CONTEXT_CANCELED}")
    if at is Place.PANICKED:
        return only(new_message=NIL_MAP)
    return only(new_message=worst_text if at == steps else "")


def conclude_error(at: object, new_phase: PromotionPhase, new_message: str, *, behaviours: Behaviours) -> Outcomes:
    """Where the release returns an Errored end as an error too, that error; an engine that panics returns none."""
    if at is not Place.PANICKED and new_phase is PromotionPhase.ERRORED and behaviours.final_error_returned:
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


def save_panic(new_phase: PromotionPhase) -> Outcomes:
    """A pass that panicked changes the phase and nothing else."""
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
    if at is Place.PANICKED and not behaviours.panic_removes_work_dir:
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


# Time


def rebase(entry: Entry | None, now: int, *, horizon_ms: int, read_again: bool) -> Outcomes:
    """Reckon an entry's times from now, and let go of what nobody can read any more.

    Instants further back than `horizon_ms` are all the same to every rule; those of a step that is over, and
    shares its entry with no later one, are never read. This keeps the states finite; no comparison comes out
    differently.
    """
    if entry is None:
        return ()
    over = entry.phase.over and not read_again
    started, finished = (None if t is None else -horizon_ms for t in (entry.started_at, entry.finished_at))
    if not over and entry.started_at is not None:
        started = max(entry.started_at - now, -horizon_ms)
    return only(entry=entry._replace(started_at=started, finished_at=finished))


def run_out_of_time(entry: Entry | None, *, horizon_ms: int) -> Outcomes:
    """Enabled while a step that has begun and is not over still has time: so long passes that it has none left.

    The clocks of other steps need no turning: no other step has begun and is not over.
    """
    if entry is None or entry.started_at is None or entry.phase.over or entry.started_at <= -horizon_ms:
        return ()
    return only(entry=entry._replace(started_at=-horizon_ms))


# Environment and faults


def lose_work_dir(work_dir: bool) -> Outcomes:
    """Enabled while there is a work directory: the controller's pod is replaced and it is gone."""
    return only("work directory lost", work_dir=False) if work_dir else ()


def request_abort(phase: PromotionPhase, abort_requested: bool) -> Outcomes:
    """Enabled while the Promotion has not ended: a person asks for it to be terminated."""
    return () if phase.terminal or abort_requested else only("abort requested", abort_requested=True)
