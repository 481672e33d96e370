"""The step engine: what it does with one step when a pass comes to it.

A pass over a Promotion comes to its steps in order. With each it goes through the same turns: find or make
the metadata entry, stop if the controller is being shut down, decide whether to skip, look up the runner,
start, build the context, run, keep the output, judge the result. Each turn is a rule below; `turn` says which
is next, or how it ended. `model.kargo.promotion` strings them together.

The metadata of a step is an `Entry`, found by alias: steps that share an alias share it. Its message is a
variable of its own, written by rules of its own, because hardly anything reads it.

Source: `pkg/promotion/simple_engine.go` (1.8), `pkg/promotion/local_orchestrator.go` (since 1.9)
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from model.kargo import attempts
from model.kargo.attempts import Attempt
from model.kargo.durations import format_duration
from model.kargo.lifecycles import STEP
from model.kargo.phases import StepPhase, StepStatus
from model.kargo.releases import Behaviours, Cancellation
from model.system import Outcomes, only


class Turn(Enum):
    """How far the engine is with a step, or what it made of it in this pass."""

    __hash__ = object.__hash__

    NOT_REACHED = "not reached"
    REACHED = "reached"
    TO_EVALUATE = "about to evaluate its `if`"
    TO_START = "about to start"
    TO_CONFIGURE = "about to build its context"
    TO_RUN = "about to run"
    RAN = "ran"

    CANCELLED = "not run: the controller is shutting down"
    CUT_OFF = "errored: the controller is shutting down"
    SKIPPED_AFTER_FAILURE = "skipped: a step has failed, and this one has no `if`"
    SKIPPED_BY_IF = "skipped: its `if` is false"
    IF_FAILED = "errored: its `if` cannot be evaluated"
    UNKNOWN_KIND = "errored: no runner is registered for its kind"
    CONTEXT_FAILED = "errored: its vars or config cannot be evaluated"
    INVALID_STATUS = "errored: the runner returned no valid status"
    SUCCEEDED = "ran and succeeded"
    SKIPPED_ITSELF = "ran and found nothing to do"
    FAILED_FOR_GOOD = "ran and failed with a terminal error"
    THRESHOLD_MET = "ran and failed once too often"
    TIMED_OUT = "ran, is not done, and its time is over"
    WILL_BE_RETRIED = "ran and failed; it will be retried"
    WAITS = "ran and is not done; it will be polled"
    PANICKED = "the engine itself panicked"


SKIPPED_BY_ENGINE = frozenset({Turn.SKIPPED_AFTER_FAILURE, Turn.SKIPPED_BY_IF})
INCOMPLETE = frozenset({Turn.WILL_BE_RETRIED, Turn.WAITS})
"""The ways a turn can end after which the pass does not go on to the next step."""

RAN = frozenset(
    {
        Turn.INVALID_STATUS,
        Turn.SUCCEEDED,
        Turn.SKIPPED_ITSELF,
        Turn.FAILED_FOR_GOOD,
        Turn.THRESHOLD_MET,
        Turn.TIMED_OUT,
        Turn.WILL_BE_RETRIED,
        Turn.WAITS,
    }
)
"""The ways a turn can end in which the step's runner was called (and the engine did not panic)."""


class Entry(NamedTuple):
    """The metadata of a step, without its message. Times are instants in milliseconds.

    Source: `api/v1alpha1/promotion_types.go: StepExecutionMetadata`
    """

    phase: StepPhase
    started_at: int | None = None
    finished_at: int | None = None
    error_count: int = 0

    @property
    def status(self) -> StepStatus:
        """What the API shows of the phase."""
        return self.phase.status

    def __str__(self) -> str:
        words = self.phase.value or "reached"
        if self.error_count:
            words += f", {self.error_count} error{'s' if self.error_count > 1 else ''}"
        running = self.started_at is not None and self.started_at < 0 and not self.phase.over
        return words + (f", started {format_duration(-(self.started_at or 0))} ago" if running else "")


class StepRules(NamedTuple):
    """What is fixed about a step: its alias and whatever decides how its results are judged.

    `error_threshold` and `timeout_ms` are effective: the step's own, or the runner's defaults. A timeout that
    is not positive is none. `continue_on_error` is the step's; the entry keeps that of the step that made it.
    """

    alias: str
    kind: str
    registered: bool
    has_if: bool
    error_threshold: int
    timeout_ms: int
    propagates_output: bool = False


class Condition(NamedTuple):
    """What a step's `if` came to: a boolean, or the error's text with `met` None."""

    met: bool | None
    error: str = ""


def has_failed(entry: Entry | None, continue_on_error: bool) -> bool:
    """Whether an entry counts as a failure for the steps after it.

    Source: `api/v1alpha1/promotion_types.go: StepExecutionMetadataList.HasFailures`
    """
    failures = (StepStatus.ERRORED, StepStatus.FAILED)
    return entry is not None and not continue_on_error and entry.status in failures


def move(entry: Entry, event: str, *, findings: bool = False) -> Entry:
    """The entry after an event of its step's lifecycle.

    A step that shares the alias of an earlier one goes on with that one's entry, over as it is: its life
    begins there.
    """
    phase = StepPhase.NEW if entry.phase.over else entry.phase
    return entry._replace(phase=STEP.after(phase, event, findings=findings))


def finished(entry: Entry, now: int, behaviours: Behaviours) -> Entry:
    """The entry with its finish time noted; one that has one keeps it, where the release does.

    Source: `StepMetadata.Finished`
    """
    if behaviours.first_finish_time_kept and entry.finished_at is not None:
        return entry
    return entry._replace(finished_at=now)


def set_current_step(entry: Entry | None, failing: int, *, continue_on_error: bool) -> Outcomes:
    """Find or append the entry; from here `failing` counts the failed entries of the other steps.

    Source: `Context.SetCurrentStep`, `simpleEngine.prepareStepMetadata`
    """
    others = failing - has_failed(entry, continue_on_error)
    return only(entry=entry or Entry(StepPhase.NEW), failing=others, turn=Turn.REACHED)


def stop_if_cancelled(turn: Turn, entry: Entry, cancelled: bool, now: int, *, behaviours: Behaviours) -> Outcomes:
    """Stop where the controller's context is cancelled.

    Source: `LocalOrchestrator.ExecuteSteps`, `simpleEngine.isContextCanceled`
    """
    if turn is not Turn.REACHED or not cancelled:
        return ()
    started = entry.started_at is not None
    if behaviours.cancellation is Cancellation.ENDS_THE_STEP:
        finish = now if started else entry.finished_at
        return only(turn=Turn.CUT_OFF, entry=move(entry, "err")._replace(finished_at=finish))
    if started and entry.finished_at is None:
        return only(turn=Turn.CUT_OFF, entry=move(entry, "err")._replace(finished_at=now))
    return only(turn=Turn.CANCELLED)


def ask_whether_to_skip(
    turn: Turn,
    entry: Entry,
    failing: int,
    *,
    rules: StepRules,
    continue_on_error: bool,
    behaviours: Behaviours,
) -> Outcomes:
    """Skip a step without `if` when another one has failed; leave one with `if` to its condition.

    The failures include the step's own entry. A step that has started is asked again only where the release
    re-evaluates: then its own failed attempt makes it skip itself. `after_failure` notes whether another step
    has failed.

    Source: `StepEvaluator.ShouldSkip`, `Step.Skip`
    """
    if turn is not Turn.REACHED:
        return ()
    after = failing > 0
    if entry.started_at is not None and not behaviours.if_reevaluated_on_retry:
        return only(turn=Turn.TO_START, after_failure=after)
    if rules.has_if:
        return only(turn=Turn.TO_EVALUATE, after_failure=after)
    if failing or has_failed(entry, continue_on_error):
        passed = _passed_over(entry, behaviours)
        return only(f"{rules.alias}: skipped", turn=Turn.SKIPPED_AFTER_FAILURE, entry=passed, after_failure=after)
    return only(turn=Turn.TO_START, after_failure=after)


def _passed_over(entry: Entry, behaviours: Behaviours) -> Entry:
    """The entry of a step that is not run; one that never started is new, whatever its status says."""
    new = entry if entry.started_at is not None else entry._replace(phase=StepPhase.NEW)
    return move(new, "pass_over", findings=behaviours.if_reevaluated_on_retry)


def obey_condition(
    turn: Turn, entry: Entry, condition: Condition, *, alias: str, behaviours: Behaviours
) -> Outcomes:
    """Run, skip, or end Errored, as the `if` came out."""
    if turn is not Turn.TO_EVALUATE:
        return ()
    if condition.met is None:
        return only(f"{alias}: its if fails", turn=Turn.IF_FAILED, entry=move(entry, "err"))
    if condition.met:
        return only(turn=Turn.TO_START)
    passed = _passed_over(entry, behaviours)
    return only(f"{alias}: skipped by its if", turn=Turn.SKIPPED_BY_IF, entry=passed)


def start(turn: Turn, entry: Entry, now: int, *, rules: StepRules) -> Outcomes:
    """Look up the runner and note the time of the first attempt.

    Source: `LocalOrchestrator.ExecuteSteps`, `StepMetadata.Started`
    """
    if turn is not Turn.TO_START:
        return ()
    if not rules.registered:
        return only(f"{rules.alias}: unknown kind", turn=Turn.UNKNOWN_KIND, entry=move(entry, "err"))
    if entry.started_at is None:
        entry = entry._replace(started_at=now, error_count=0)
    return only(turn=Turn.TO_CONFIGURE, entry=entry)


def configure(
    turn: Turn, entry: Entry, context_error: str | None, now: int, *, alias: str, behaviours: Behaviours
) -> Outcomes:
    """Go on to the runner unless the context could not be built.

    Source: `StepEvaluator.BuildStepContext`, `simpleEngine.prepareStepContext`
    """
    if turn is not Turn.TO_CONFIGURE:
        return ()
    if context_error is None:
        return only(turn=Turn.TO_RUN)
    finish = now if behaviours.context_failure_is_a_result else entry.finished_at
    failed = move(entry, "err")._replace(finished_at=finish)
    return only(f"{alias}: config fails", turn=Turn.CONTEXT_FAILED, entry=failed)


def judge(
    turn: Turn, entry: Entry, attempt: Attempt, now: int, *, rules: StepRules, behaviours: Behaviours
) -> Outcomes:
    """Decide what an attempt means for its step: over, to be retried, or to be polled.

    Source: `LocalOrchestrator.reconcileResultWithMetadata`, `determineStepCompletion`
    """
    if turn is not Turn.RAN:
        return ()
    if attempts.result_status(attempt) not in attempts.VALID:
        return only(turn=Turn.INVALID_STATUS, entry=finished(move(entry, "err"), now, behaviours))
    status = attempts.effective_status(attempt)
    error = attempts.error(attempt, rules.alias, behaviours)
    if status in DONE:
        ends, event = DONE[status]
        return only(turn=ends, entry=finished(move(entry, event), now, behaviours))
    failure = "fail" if status is StepStatus.FAILED and behaviours.failed_status_kept else "err"
    if error and error.terminal:
        return only(turn=Turn.FAILED_FOR_GOOD, entry=finished(move(entry, failure), now, behaviours))
    if error:
        entry = entry._replace(error_count=entry.error_count + 1)
        if entry.error_count >= rules.error_threshold:
            return only(turn=Turn.THRESHOLD_MET, entry=finished(move(entry, failure), now, behaviours))
    if is_over(entry, now, rules.timeout_ms):
        return only(turn=Turn.TIMED_OUT, entry=finished(move(entry, "err"), now, behaviours))
    entry = move(entry, "wait" if error and behaviours.shows_running_until_retried else NOT_DONE[status])
    if error:
        return only(turn=Turn.WILL_BE_RETRIED, entry=entry)
    if behaviours.error_count_resets_while_running:
        entry = entry._replace(error_count=0)
    return only(turn=Turn.WAITS, entry=entry)


DONE = {
    StepStatus.SUCCEEDED: (Turn.SUCCEEDED, "succeed"),
    StepStatus.SKIPPED: (Turn.SKIPPED_ITSELF, "find_nothing_to_do"),
}
NOT_DONE = {
    StepStatus.RUNNING: "wait",
    StepStatus.FAILED: "fail_for_now",
    StepStatus.ERRORED: "err_for_now",
    StepStatus.ABORTED: "abort_for_now",
}


def is_over(entry: Entry, now: int, timeout_ms: int) -> bool:
    """Whether a started step has used up its time: one budget for all attempts, exceeded strictly."""
    return timeout_ms > 0 and entry.started_at is not None and now - entry.started_at > timeout_ms


def say(
    turn: Turn,
    attempt: Attempt | None,
    condition: Condition,
    context_error: str | None,
    *,
    rules: StepRules,
    behaviours: Behaviours,
) -> Outcomes:
    """The message of the entry, for every way a turn can end that writes one."""
    text = message(turn, attempt, condition, context_error, rules, behaviours)
    return () if text is None else only(text=text)


def message(
    turn: Turn,
    attempt: Attempt | None,
    condition: Condition,
    context_error: str | None,
    rules: StepRules,
    behaviours: Behaviours,
) -> str | None:
    """The message for a turn, None where the entry keeps the one it had."""
    if attempt is not None and turn in RAN:
        return _result_message(turn, attempt, rules, behaviours)
    step = f'step "{rules.alias}"'
    if turn is Turn.IF_FAILED:
        return f"error checking if {step} should be skipped: {condition.error}"
    if turn is Turn.UNKNOWN_KIND:
        return behaviours.unknown_kind_text.format(kind=rules.kind)
    if turn is Turn.CONTEXT_FAILED:
        begins = (
            "an unrecoverable error occurred"
            if behaviours.context_failure_is_a_result
            else "failed to build step context"
        )
        return f"{begins}: failed to get step config: {context_error}"
    if turn is Turn.CUT_OFF:
        if behaviours.cancellation is Cancellation.ENDS_THE_STEP:
            return CONTEXT_CANCELED
        return f"{step} was canceled due to context cancellation: {CONTEXT_CANCELED}"
    return None


CONTEXT_CANCELED = "context canceled"
"""What the cancelled context says of itself."""


def _result_message(turn: Turn, attempt: Attempt, rules: StepRules, behaviours: Behaviours) -> str:
    step = f'step "{rules.alias}"'
    said = attempts.effective_message(attempt, rules.alias, behaviours)
    if turn is Turn.INVALID_STATUS:
        return f"{step} returned an invalid status: {attempt.status}"
    if turn is Turn.FAILED_FOR_GOOD:
        status = attempts.effective_status(attempt)
        plain = status is StepStatus.FAILED and behaviours.failed_status_kept
        return said if plain else f"an unrecoverable error occurred: {said}"
    if turn is Turn.THRESHOLD_MET:
        return f"{step} met error threshold of {rules.error_threshold}: {said}"
    if turn is Turn.TIMED_OUT:
        return f"{step} timed out after {format_duration(rules.timeout_ms)}"
    if turn is Turn.WILL_BE_RETRIED:
        return f"{said}; step will be retried"
    return said
