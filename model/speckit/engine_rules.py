"""The engine's way with one step: it is reached, called, recorded, judged, and left.

These rules are the same in both generations, unless they say otherwise. Source:
`specify_cli/workflows/engine.py: WorkflowEngine._execute_steps` up to 1.1.2, `_execution.py: Execution` since.
"""

from __future__ import annotations

from enum import Enum

from model.speckit import places
from model.speckit.lifecycles import RUN, STEP
from model.speckit.releases import Behaviours
from model.speckit.statuses import RunStatus, StepStatus
from model.speckit.values import (
    Ending,
    Frame,
    Halt,
    Happening,
    Happenings,
    Named,
    Place,
    Record,
    Result,
    Scope,
    named,
)
from model.speckit.workflow import LOOPS, Step, Workflow
from model.system import NOT_ENABLED, Outcomes, Value, only


class Verdict(Enum):
    """What the engine makes of a result."""

    __hash__ = object.__hash__

    NONE = "nothing yet"
    GO_IN = "go into the list within"
    GO_ON = "go on with the next step"
    CONTINUE = "go on although it failed"
    PAUSE = "pause"
    FAIL = "fail"
    ABORT = "abort"
    RAISE = "let the error out"
    INTERRUPT = "stop at once"


HALTS = {Verdict.PAUSE: RunStatus.PAUSED, Verdict.FAIL: RunStatus.FAILED, Verdict.ABORT: RunStatus.ABORTED}
"""Verdicts that halt the run, and the status it then has."""

BREAKS = {Verdict.RAISE: RunStatus.FAILED, Verdict.INTERRUPT: RunStatus.PAUSED}
"""The same, for those after which nothing else is done."""

EVENTS = {
    RunStatus.COMPLETED: "complete",
    RunStatus.PAUSED: "pause",
    RunStatus.FAILED: "fail",
    RunStatus.ABORTED: "abort",
}
"""The event of the run's lifecycle by the status it leads to."""

_CODE_SAYS = {
    StepStatus.COMPLETED: "complete",
    StepStatus.FAILED: "fail",
    StepStatus.SKIPPED: "skip",
    StepStatus.PAUSED: "pause",
}


def happening(event: str, place: Place, step: Step, workflow: Workflow) -> Happening:
    """A line of the log about `step`; inside of a workflow that is called it says which, and where."""
    scope = places.scope_of(place)
    inner = scope is not None and len(scope.called_by) > 1
    path = (*place[-1].path, place[-1].at) if inner else ()
    name = scope.called_by[-1] if inner and scope else ""
    return Happening(event, places.called(place, step, workflow), path=path, workflow=name)


def reach(
    status: RunStatus, alive: bool, place: Place, halting: Halt | None, *, step: Step, workflow: Workflow
) -> Outcomes:
    """Enabled when the engine comes to `step`: it says so in the log, and saves where it is."""
    if (
        status is not RunStatus.RUNNING
        or not alive
        or halting is not None
        or not places.is_at(place, step, workflow)
    ):
        return NOT_ENABLED
    started = happening("step_started", place, step, workflow)._replace(kind=step.kind)
    changes: dict[str, Value] = {"current": started.step, "events": (started,)}
    if len(place) == 1:
        changes["index"] = place[0].at
    return only(**changes)


def recall(place: Place) -> Outcomes:
    """From 1.1.3 on a step that has halted a later pass shows its earlier pass again, until it comes back.

    To take a run up again the engine goes through what was done, and records it once more.
    """
    return only(record=place[-1].hidden[0]) if place[-1].hidden else NOT_ENABLED


def refuse_unknown_type(place: Place, *, step: Step) -> Outcomes:
    """The type of the step is unknown: there is nothing to call."""
    return only(
        "unknown type", result=Result(StepStatus.FAILED, error=f"Unknown step type: {step.kind!r}", known=False)
    )


def record_result(
    place: Place,
    result: Result,
    record: Record | None,
    passes: Named,
    events: Happenings,
    *,
    step: Step,
    workflow: Workflow,
    behaviours: Behaviours,
) -> Outcomes:
    """What the step's code handed back is recorded and logged, whatever it is. An error is not: it is no result."""
    if result.ending is not Ending.RETURNS or not result.known or (step.kind == places.CALL and result.body):
        return NOT_ENABLED
    name = places.called(place, step, workflow)
    before = _before(place, step, name, record, passes, behaviours)
    new = Record(_moved(before, result.status, step, place, workflow), result.output, result.error, step.key)
    completed = happening("step_completed", place, step, workflow)._replace(status=str(new.status))
    stored = store(place, record, passes, name, new, step=step, behaviours=behaviours)
    replaced = () if before is None else (before,)
    return only(events=(*events, completed), replaced=replaced, **stored)


def _before(
    place: Place, step: Step, name: str, record: Record | None, passes: Named, behaviours: Behaviours
) -> Record | None:
    scope = places.scope_of(place)
    if scope is not None:
        return dict(scope.records).get(step.name)
    return record if name == step.name or behaviours.keeps_a_tree else dict(passes).get(name)


def _moved(before: Record | None, status: StepStatus, step: Step, place: Place, workflow: Workflow) -> StepStatus:
    """The new status, by way of the lifecycle."""
    repeated = any(places.kind_of(frame, workflow) in _REPEATING for frame in place)
    if before is None or before.step != step.key or repeated:
        running = STEP.after(StepStatus.PENDING, "start")
    elif before.status in (StepStatus.FAILED, StepStatus.PAUSED):
        running = STEP.after(before.status, "try_again")
    else:
        running = STEP.after(before.status, "redo", findings=True)
    return STEP.after(running, _CODE_SAYS[status])


_REPEATING = LOOPS | {places.FAN_OUT}


def store(
    place: Place,
    record: Record | None,
    passes: Named,
    name: str,
    new: Record,
    *,
    step: Step,
    behaviours: Behaviours,
) -> dict[str, Value]:
    """Where a record goes, as changes: into the innermost scope, or to the run's own records.

    What has a name of its own in this pass keeps it beside its id; up to 1.1.2 its id is left for later.
    """
    scope = places.scope_of(place)
    if scope is not None:
        inner = scope._replace(records=named(scope.records, step.name, new))
        found = places.with_scope(place, inner)
        if found[-1].scope is not None and found[-1].items:
            found = (*found[:-1], found[-1]._replace(recorded=new))
        return {"place": found}
    changes: dict[str, Value] = {}
    if name == step.name or behaviours.keeps_a_tree:
        changes["record"] = new
    if name != step.name:
        changes["passes"] = named(passes, name, new)
    return changes


def settle(
    place: Place, result: Result, events: Happenings, *, step: Step, workflow: Workflow, behaviours: Behaviours
) -> Outcomes:
    """What follows from the result. An abort comes before the flag, and only a failure asks for either."""
    verdict = judge(result, flagged=step.flagged and behaviours.continue_on_error)
    line = _LINES.get(verdict)
    if line is None:
        return only(verdict=verdict)
    error = None if verdict is Verdict.ABORT and not behaviours.keeps_a_tree else result.error
    return only(verdict=verdict, events=(*events, happening(line, place, step, workflow)._replace(error=error)))


_LINES = {
    Verdict.FAIL: "step_failed",
    Verdict.CONTINUE: "step_continue_on_error",
    Verdict.ABORT: "workflow_aborted",
}
"""The one line that says what became of a failure."""


def judge(result: Result, *, flagged: bool) -> Verdict:
    """The verdict on a result; `flagged` says whether its step may fail."""
    if result.ending is not Ending.RETURNS:
        return Verdict.INTERRUPT if result.ending is Ending.INTERRUPTED else Verdict.RAISE
    if not result.known:
        return Verdict.FAIL
    if result.status is StepStatus.PAUSED:
        return Verdict.PAUSE
    if result.status is StepStatus.FAILED:
        if result.aborted:
            return Verdict.ABORT
        return Verdict.CONTINUE if flagged else Verdict.FAIL
    return Verdict.GO_IN if result.body else Verdict.GO_ON


def proceed(
    place: Place,
    result: Result,
    verdict: Verdict,
    replaced: tuple[Record, ...],
    *,
    step: Step,
    workflow: Workflow,
    behaviours: Behaviours,
) -> Outcomes:
    """The engine goes in, goes on, or begins to halt; it halts where it is."""
    if verdict in HALTS:
        halt = Halt(HALTS[verdict], result.error, len(place))
        if not behaviours.keeps_a_tree or not result.known or place[-1].hidden is not None:
            return only(halting=halt)
        return only(halting=halt, place=(*place[:-1], place[-1]._replace(hidden=replaced)))
    if verdict in BREAKS:
        return only(halting=Halt(BREAKS[verdict], result.error, 0))
    if verdict is not Verdict.GO_IN or (step.kind != places.CALL and not workflow.all_lists[result.body]):
        return only(finished=step.key)
    name = places.called(place, step, workflow)
    scope = _scope_within(place, result, step, name)
    frame = Frame(result.body, 0, step.key, name, 0, result.items, (), scope, places.path_into(place, step), scope)
    return only(place=(*place, frame))


def _scope_within(place: Place, result: Result, step: Step, name: str) -> Scope | None:
    """The scope that comes with the result; the items of a fan-out see its record as it is before they run."""
    scope = result.scope
    if scope is None or step.kind == places.CALL:
        return scope
    own = Record(result.status, result.output, result.error, step.key)
    records = named(scope.records, step.name, own)
    public = places.scope_of(place) is None and name != step.name
    return scope._replace(records=named(records, name, own) if public else records)


def pass_on(
    finished: str,
    place: Place,
    record: Record | None,
    passes: Named,
    *,
    step: Step,
    workflow: Workflow,
    behaviours: Behaviours,
) -> Outcomes:
    """A step is done, with all that is in it: the next of its list comes; a branch at its end is done, too.

    Up to 1.1.2 this is when the id of a step in a later pass comes to name that pass.
    """
    if finished != step.key:
        return NOT_ENABLED
    frame = place[-1]
    changes: dict[str, Value] = {}
    late = places.kind_of(frame, workflow) in LOOPS and frame.turn > 0
    if late and not behaviours.keeps_a_tree and step.has_id:
        changes["record"] = dict(passes).get(places.called(place, step, workflow), record)
    after = places.advanced(place)
    top = after[-1]
    if places.is_exhausted(top, workflow) and places.kind_of(top, workflow) in places.PASSED_THROUGH:
        return only(place=after[:-1], finished=top.owner, **changes)
    return only(place=after, finished="", **changes)


def finish(
    status: RunStatus,
    place: Place,
    halting: Halt | None,
    verdict: Verdict,
    resumed: bool,
    events: Happenings,
    *,
    workflow: Workflow,
    behaviours: Behaviours,
) -> Outcomes:
    """The process ends, if there is nothing left to do or to leave; where it halted is kept from 1.1.3 on."""
    if halting is None:
        if len(place) != 1 or not places.is_exhausted(place[0], workflow):
            return NOT_ENABLED
        done = RUN.after(status, "complete")
        line = Happening("workflow_finished", status=str(done))
        return only(status=done, alive=False, place=(), error=None, events=(*events, line))
    depths = range(halting.depth, 0, -1)
    to_leave = next((d for d in depths if places.kind_of(place[d - 1], workflow) in LEFT_WITH_CARE), 0)
    if to_leave:
        return only(halting=halting._replace(depth=to_leave))
    ended = RUN.after(status, EVENTS[halting.outcome])
    return only(
        status=ended,
        alive=False,
        halting=None,
        place=place if behaviours.keeps_a_tree else (),
        error=_run_error(halting, verdict, behaviours),
        events=(*events, _last_line(ended, verdict, resumed, halting.error)),
    )


LEFT_WITH_CARE = frozenset({places.CALL, places.FAN_OUT})
"""Steps that have something to record when a halt comes out of them."""


def _run_error(halting: Halt, verdict: Verdict, behaviours: Behaviours) -> str | None:
    if verdict is Verdict.INTERRUPT or (halting.outcome is RunStatus.PAUSED and not behaviours.keeps_a_tree):
        return None
    return halting.error


def _last_line(ended: RunStatus, verdict: Verdict, resumed: bool, error: str | None) -> Happening:
    if verdict is Verdict.INTERRUPT:
        return Happening("workflow_interrupted")
    if verdict is Verdict.RAISE:
        return Happening("resume_failed" if resumed else "workflow_failed", error=error)
    return Happening("workflow_finished", status=str(ended))
