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

from model.kargo import attempts
from model.kargo.attempts import UNKNOWN_OUTPUT, Attempt
from model.kargo.lifecycles import PROMOTION
from model.kargo.phases import PromotionPhase, StepStatus
from model.kargo.releases import Behaviours, Cancellation
from model.kargo.step_engine import (
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
    REFUSED = "its Freight cannot be promoted"


class Acknowledged(Enum):
    """Whether the Stage of a Promotion names it as its current one."""

    __hash__ = object.__hash__

    YES = "it does"
    NO = "it does not"
    NO_STAGE = "there is no such Stage"


# Opening the pass


def remember(phase: PromotionPhase) -> Outcomes:
    """Note the phase before the pass."""
    return only(was=phase)


def cancel() -> Outcomes:
    """The controller is told to shut down; its context is cancelled."""
    return only("the controller is shutting down", cancelled=True)


def open_pass(phase: PromotionPhase | None, abort_requested: bool, acknowledged: Acknowledged) -> Outcomes:
    """Enabled while there is something to do for a Promotion that exists and has not ended.

    An abort goes first. A new Promotion is Pending from here on; one that its Stage waits for is Running.
    """
    if phase is None or phase.terminal:
        return ()
    if abort_requested:
        return only("abort", phase=PROMOTION.after(phase, "abort"), at=Place.TERMINATING)
    before = phase
    if "acknowledge" in PROMOTION.leaving(phase):
        phase = PROMOTION.after(phase, "acknowledge")
    if acknowledged is not Acknowledged.YES:
        nothing = phase is before and acknowledged is Acknowledged.NO
        return () if nothing else only("" if phase is before else str(phase), phase=phase)
    if "start" in PROMOTION.leaving(phase):
        phase = PROMOTION.after(phase, "start")
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
