"""Claims about the workflow engine, each bound to the steps of a plan.

Most are what the proposal of `continue_on_error` promises (github/spec-kit #2663), taken at its word; the
others are what somebody who reads it may rely on. Which of them hold in which release is for the checker to
say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from invariants.properties import Property, always, every_step, sometimes
from model.speckit import places
from model.speckit.lifecycles import RUN
from model.speckit.plan import Plan
from model.speckit.run_rules import OUTSIDE
from model.speckit.seeing import of_step
from model.speckit.statuses import RunStatus, StepStatus
from model.speckit.values import Ending, Halt, Happenings, Record, Result, from_text
from model.speckit.workflow import LOOPS, Step

OVER = frozenset(RUN.final)
DONE = frozenset({StepStatus.COMPLETED, StepStatus.SKIPPED})
RESOLUTIONS = frozenset({"step_failed", "step_continue_on_error", "workflow_aborted"})
"""The lines of the log of which one says what became of a failure."""


def has_failed(result: Result) -> bool:
    """Whether the step's code came back and said that it failed."""
    return result.ending is Ending.RETURNS and result.status is StepStatus.FAILED


def is_halted(status: RunStatus, halting: Halt | None) -> bool:
    """Whether the run has halted, or is about to."""
    return halting is not None or status in (RunStatus.PAUSED, RunStatus.FAILED, RunStatus.ABORTED)


# Claims about a failure and the flag


def a_failure_without_the_flag_halts_the_run(
    next_result: Result, next_status: RunStatus, next_halting: Halt | None
) -> bool:
    """Where `continue_on_error` is omitted, or anything but the value true, a failure halts, as it always did."""
    return not has_failed(next_result) or is_halted(next_status, next_halting)


def a_failure_with_the_flag_is_passed_over(
    next_result: Result, next_status: RunStatus, next_halting: Halt | None
) -> bool:
    """A step with `continue_on_error: true` that fails does not keep the run from going on, unless aborted."""
    return not has_failed(next_result) or next_result.aborted or not is_halted(next_status, next_halting)


def a_failure_is_recorded(next_result: Result, next_record: Record | None) -> bool:
    """A step that fails has a record that says so, with its output."""
    if not has_failed(next_result):
        return True
    return next_record is not None and next_record[:3] == (StepStatus.FAILED, next_result.output, next_result.error)


def what_is_aborted_halts_the_run(next_result: Result, next_status: RunStatus, next_halting: Halt | None) -> bool:
    """A step whose output is marked as aborted ends the run as aborted, whatever else is said of it."""
    if next_result.ending is not Ending.RETURNS or not next_result.aborted:
        return True
    outcome = next_halting.outcome if next_halting else next_status
    return outcome is RunStatus.ABORTED


def a_failure_marked_as_aborted_beats_the_flag(
    next_result: Result, next_status: RunStatus, next_halting: Halt | None
) -> bool:
    """A step that fails, and whose output is marked as aborted, ends the run as aborted."""
    if not has_failed(next_result) or not next_result.aborted:
        return True
    outcome = next_halting.outcome if next_halting else next_status
    return outcome is RunStatus.ABORTED


def one_line_says_what_became_of_a_failure(next_result: Result, next_events: Happenings) -> bool:
    """For each failure the log has one line that says how the run went on, and for anything else none."""
    return sum(line.event in RESOLUTIONS for line in next_events) == int(has_failed(next_result))


def a_failure_within_a_call_is_told_only_once(next_events: Happenings) -> bool:
    """What became of a failure in a called workflow is said there, and not once more by the call."""
    return not any(line.event in RESOLUTIONS for line in next_events)


def whatever_ends_badly_is_resolved_in_the_log(next_result: Result, next_events: Happenings) -> bool:
    """A step whose code raises an error has a line that says what became of it, too."""
    if next_result.ending is not Ending.RAISES:
        return True
    return any(line.event in RESOLUTIONS for line in next_events)


def a_failure_in_the_log_was_completed_before(next_events: Happenings) -> bool:
    """No line says what became of a step without one that says that its code came back."""
    events = [line.event for line in next_events]
    return "step_completed" in events or not RESOLUTIONS & set(events)


def the_flag_covers_what_is_within(
    status: RunStatus, next_status: RunStatus, next_halting: Halt | None, next_result: Result
) -> bool:
    """With `continue_on_error` on a branch, a loop or a fan-out, a failure within it does not halt the run."""
    return next_result.aborted or not has_failed(next_result) or not is_halted(next_status, next_halting)


# Claims about resumption


def what_was_done_never_runs_again(record: Record | None, next_result: Result) -> bool:
    """A command, prompt or gate outside of loops that has completed is not called once more."""
    called = next_result != Result()
    return not (called and record is not None and record.status in DONE)


def a_failure_that_was_passed_over_never_runs_again(record: Record | None, next_result: Result) -> bool:
    """A step outside of loops that may fail, and did, is not called once more."""
    called = next_result != Result()
    return not (called and record is not None and record.status is StepStatus.FAILED)


def a_branch_once_taken_stays_taken(record: Record | None, next_record: Record | None) -> bool:
    """An `if` or a switch outside of loops does not decide otherwise when the run is resumed."""
    if record is None or next_record is None or record.status is not StepStatus.COMPLETED:
        return True
    return _taken(record) == _taken(next_record)


def _taken(record: Record) -> object:
    output = from_text(record.output)
    return output.get("condition_result", output.get("matched_case"))


def a_gate_that_waits_is_answered_before_the_end(status: RunStatus, record: Record | None) -> bool:
    """No run completes with a gate that has paused it and was never answered."""
    waits = record is not None and record.status is StepStatus.PAUSED
    return not (status is RunStatus.COMPLETED and waits)


# Claims about the run


def a_run_that_is_over_stays_over(status: RunStatus, next_status: RunStatus) -> bool:
    """A run that has completed or was aborted stays as it is."""
    return status not in OVER or next_status is status


def a_status_changes_as_intended(status: RunStatus, next_status: RunStatus) -> bool:
    """No step changes the status of a run in a way that its lifecycle does not know."""
    return RUN.leads_to(status, next_status)


def a_completed_run_has_no_failure(status: RunStatus, record: Record | None) -> bool:
    """A run that completed has no step whose last word is that it failed."""
    return status is not RunStatus.COMPLETED or record is None or record.status is not StepStatus.FAILED


def a_failure_that_was_passed_over_is_looked_at(
    status: RunStatus, record: Record | None, gate: Record | None
) -> bool:
    """No run completes past a failure without having asked at the gate that is there for it."""
    failed = record is not None and record.status is StepStatus.FAILED
    return not (status is RunStatus.COMPLETED and failed and gate is None)


def a_rejected_gate_halts_the_run(next_result: Result, next_status: RunStatus, next_halting: Halt | None) -> bool:
    """A gate at which somebody says no lets nothing come after it."""
    if next_result.ending is not Ending.RETURNS:
        return True
    choice = from_text(next_result.output).get("choice")
    return not (isinstance(choice, str) and choice.lower() in _NO) or is_halted(next_status, next_halting)


_NO = ("reject", "abort")


def somebody_works_on_a_running_run(status: RunStatus, alive: bool) -> bool:
    """A run that is said to be running has a process that works on it, so that one without can be resumed."""
    return status is not RunStatus.RUNNING or alive


# Witnesses


def the_run_can_be(status: RunStatus, *, reached: RunStatus) -> bool:
    """The run gets to a status."""
    return status is reached


def a_step_can_be(record: Record | None, *, reached: StepStatus) -> bool:
    """The step gets to a status."""
    return record is not None and record.status is reached


def a_run_completes_past_a_failure(status: RunStatus, record: Record | None) -> bool:
    """A run completes although a step has failed."""
    return status is RunStatus.COMPLETED and record is not None and record.status is StepStatus.FAILED


def claims(plan: Plan, *, killed: bool = False, gates: dict[str, str] | None = None) -> tuple[Property, ...]:
    """Every claim about the engine, for every step of `plan` where it is about one.

    `killed` says whether the process may be killed; `gates` names, for steps that may fail, the gate that is
    there to show it.
    """
    found = [every_step(a_run_that_is_over_stays_over), every_step(a_status_changes_as_intended)]
    found += [always(somebody_works_on_a_running_run)] if killed else []
    for step in plan.all_steps:
        found += _about(plan, step)
    for failing, gate in (gates or {}).items():
        reads = {"record": of_step("record", failing), "gate": of_step("record", gate)}
        looked_at = a_failure_that_was_passed_over_is_looked_at
        found.append(always(looked_at, f"{looked_at.__name__} [{failing}]", reads=reads))
    return tuple(found)


_ABOUT_THE_LOG: tuple[Callable[..., bool], ...] = (
    one_line_says_what_became_of_a_failure,
    whatever_ends_badly_is_resolved_in_the_log,
    a_failure_in_the_log_was_completed_before,
)


def _about(plan: Plan, step: Step) -> Iterator[Property]:
    title = plan.title(step)
    run = (f"run {title}",)

    def name(function: Callable[..., bool]) -> str:
        return f"{function.__name__} [{title}]"

    flagged = plan.workflow.by_key[step.key].flagged
    rule = a_failure_with_the_flag_is_passed_over if flagged else a_failure_without_the_flag_halts_the_run
    aborted = (what_is_aborted_halts_the_run, a_failure_marked_as_aborted_beats_the_flag)
    for each in (rule, *aborted, *_ABOUT_THE_LOG):
        yield every_step(each, name(each), by=run)
    if step.kind == places.CALL and plan.is_known(step):
        told = a_failure_within_a_call_is_told_only_once
        yield every_step(told, name(told), by=(f"leave {title}",))
    if step.kind == "gate":
        yield every_step(a_rejected_gate_halts_the_run, name(a_rejected_gate_halts_the_run), by=run)
    if flagged and step.body:
        within = tuple(f"run {plan.title(s)}" for s in plan.all_steps if step.key in s.ancestors)
        covers = the_flag_covers_what_is_within
        yield every_step(covers, name(covers), by=within)
    if not plan.is_private(step):
        yield from _about_record(plan, step, name, run)


def _about_record(
    plan: Plan, step: Step, name: Callable[[Callable[..., bool]], str], run: tuple[str, ...]
) -> Iterator[Property]:
    reads = {"record": of_step("record", step.name)}
    around = {plan.workflow.by_key[key].kind for key in step.ancestors}
    if places.FAN_OUT not in around:
        yield always(a_completed_run_has_no_failure, name(a_completed_run_has_no_failure), reads=reads)
    if step.kind == "gate":
        waits = a_gate_that_waits_is_answered_before_the_end
        yield always(waits, name(waits), reads=reads)
    if around & (LOOPS | {places.FAN_OUT}):
        return
    yield every_step(a_failure_is_recorded, name(a_failure_is_recorded), by=run, reads=reads)
    if step.kind in OUTSIDE:
        done = what_was_done_never_runs_again
        yield every_step(done, name(done), by=run, reads=reads)
    if step.flagged and plan.behaviours.continue_on_error:
        again = a_failure_that_was_passed_over_never_runs_again
        yield every_step(again, name(again), by=run, reads=reads)
    if step.kind in places.PASSED_THROUGH:
        taken = a_branch_once_taken_stays_taken
        yield every_step(taken, name(taken), by=run, reads=reads)


def ends() -> tuple[Property, ...]:
    """Every status in which a run can come to rest, as a question with its name."""
    statuses = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.PAUSED, RunStatus.ABORTED)
    return tuple(sometimes(the_run_can_be, str(s.value), constants={"reached": s}) for s in statuses)


def witnesses(plan: Plan) -> tuple[Property, ...]:
    """The situations without which the claims would say little."""
    all_known = all(plan.is_known(step) for step in plan.workflow.lists[plan.workflow.root])
    found = [
        sometimes(the_run_can_be, f"the run can be {s.value}", constants={"reached": s})
        for s in ((RunStatus.COMPLETED,) if all_known else ()) + (RunStatus.FAILED,)
    ]
    if not all_known:
        return tuple(found)
    for step in plan.public:
        if step.kind in OUTSIDE and not step.inside_template:
            reads = {"record": of_step("record", step.name)}
            title = plan.title(step)
            found.append(
                sometimes(
                    a_step_can_be, f"{title} can be done", constants={"reached": StepStatus.COMPLETED}, reads=reads
                )
            )
            if step.flagged and step.kind != "gate" and plan.behaviours.continue_on_error:
                past = a_run_completes_past_a_failure
                found.append(sometimes(past, f"a run completes past a failure of {title}", reads=reads))
    return tuple(found)
