"""The engine's way with steps that have others within: loops, fan-outs, and calls of other workflows.

Source: `specify_cli/workflows/engine.py: WorkflowEngine._execute_steps`, `_run_fan_out` up to 1.1.2;
`_execution.py: Execution.execute_step`, `fan_out`, `workflow` since. Items of a fan-out come one after the
other here, whatever its `max_concurrency`.
"""

from __future__ import annotations

from typing import Any

from model.speckit import places
from model.speckit.control_steps import call_outputs, fan_out_output, goes_on, most_passes
from model.speckit.engine_rules import Verdict, store
from model.speckit.expressions import ExpressionError
from model.speckit.releases import Behaviours
from model.speckit.results import Seen
from model.speckit.seeing import Sight
from model.speckit.statuses import RunStatus, StepStatus
from model.speckit.values import (
    Ending,
    Frame,
    Halt,
    Named,
    Place,
    Record,
    Result,
    from_text,
    named,
    to_text,
)
from model.speckit.workflow import Step, Workflow
from model.system import NOT_ENABLED, Outcomes, Value, only


def come_to_end(
    status: RunStatus, alive: bool, place: Place, halting: Halt | None, *, step: Step, workflow: Workflow
) -> Outcomes:
    """Enabled when a list within `step` is at its end: the step itself is asked what comes next."""
    ready = status is RunStatus.RUNNING and alive and halting is None
    return only() if ready and places.is_at_end_of(place, step, workflow) else NOT_ENABLED


def ask_again(sight: Sight, place: Place, seen: Seen, values: Any) -> Outcomes:
    """A loop: its condition is asked, unless the passes are used up; then it is over.

    An error in the condition ends the run. Resumed, it is asked again.
    """
    frame, step, behaviours = place[-1], sight.step, sight.behaviours
    try:
        more = frame.turn + 1 < most_passes(step, behaviours) and goes_on(step, seen, behaviours)
    except ExpressionError as problem:
        changes: dict[str, Value] = {"current": frame.name} if behaviours.keeps_a_tree else {}
        return only("error", verdict=Verdict.RAISE, halting=Halt(RunStatus.FAILED, str(problem), 0), **changes)
    if not more:
        return only("over", place=place[:-1], finished=step.key)
    turn = frame.turn + 1
    return only(
        f"pass {turn + 1}", place=(*place[:-1], frame._replace(at=0, turn=turn, path=(*frame.path[:-1], turn)))
    )


def collect(
    place: Place,
    record: Record | None,
    passes: Named,
    items: Named,
    *,
    step: Step,
    template: Step,
    workflow: Workflow,
    behaviours: Behaviours,
) -> Outcomes:
    """A fan-out: an item is done; the next one comes, or all outputs are recorded in the order of the items."""
    frame, outer = place[-1], place[:-1]
    found = _item_record(frame, items, template)
    changes = _published(outer, items, found, frame, template)
    outer = changes.pop("place", outer)
    results = (*frame.results, found.output if found else to_text({}))
    turn = frame.turn + 1
    if turn < len(from_text(frame.items)):
        path = (*frame.path[:-1], turn)
        following = frame._replace(
            at=0, turn=turn, results=results, path=path, scope=frame.fresh, recorded=None, item_forgotten=False
        )
        return only(f"item {turn + 1}", place=(*outer, following), **changes)
    done = _with_results(outer, record, passes, results, frame, step=step, behaviours=behaviours)
    outer = done.pop("place", outer)
    if not behaviours.keeps_a_tree:
        outer = _forgetting(outer, workflow)
    return only("over", place=outer, finished=step.key, **changes, **done)


def leave_items(
    place: Place,
    record: Record | None,
    passes: Named,
    items: Named,
    halting: Halt | None,
    *,
    step: Step,
    template: Step,
    workflow: Workflow,
    behaviours: Behaviours,
) -> Outcomes:
    """A fan-out in which an item has halted: the outputs so far are recorded, that of the item among them."""
    if halting is None:
        return NOT_ENABLED
    depth = halting.depth
    frame, outer, inner = place[depth - 1], place[: depth - 1], place[depth - 1 :]
    found = _item_record(frame, items, template)
    changes = _published(outer, items, found, frame, template)
    outer = changes.pop("place", outer)
    results = (*frame.results, found.output if found else to_text({}))
    done = _with_results(outer, record, passes, results, frame, step=step, behaviours=behaviours)
    outer = done.pop("place", outer)
    return only("halted", place=(*outer, *inner), halting=halting._replace(depth=depth - 1), **changes, **done)


def is_left(place: Place, alive: bool, halting: Halt | None, *, step: Step) -> Outcomes:
    """Enabled when a halt on its way out has come to `step`."""
    found = halting is not None and alive and halting.depth > 0 and place[halting.depth - 1].owner == step.key
    return only() if found else NOT_ENABLED


def _item_record(frame: Frame, items: Named, template: Step) -> Record | None:
    """What the template has come to for the item under way; None if there is no record of it."""
    if frame.scope is not None:
        return frame.recorded
    return dict(items).get(f"{frame.name}:{template.name}:{frame.turn}")


def _published(outer: Place, items: Named, found: Record | None, frame: Any, template: Step) -> dict[str, Any]:
    """Outside of the item's own scope, its result goes by a name of its own."""
    if frame.scope is None or found is None:
        return {}
    name = f"{frame.name}:{template.name}:{frame.turn}"
    around = places.scope_of(outer)
    if around is None:
        return {"items": named(items, name, found)}
    return {"place": places.with_scope(outer, around._replace(records=named(around.records, name, found)))}


def _with_results(
    outer: Place,
    record: Record | None,
    passes: Named,
    results: tuple[str, ...],
    frame: Frame,
    *,
    step: Step,
    behaviours: Behaviours,
) -> dict[str, Any]:
    """The record of a fan-out with the outputs of its items; up to 1.1.2 whatever has its name by now gets them."""
    name = frame.name
    before = fan_out_output(step, from_text(frame.items), behaviours)
    output = to_text({**before, "results": [from_text(r) for r in results]})
    own = Record(StepStatus.COMPLETED, output, None, step.key)
    named_so = record if name == step.name else dict(passes).get(name)
    if not behaviours.keeps_a_tree and named_so is not None:
        own = named_so._replace(output=output)
    return store(outer, record, passes, name, own, step=step, behaviours=behaviours)


def _forgetting(outer: Place, workflow: Workflow) -> Place:
    """Up to 1.1.2 a fan-out leaves no item behind, even inside of an item."""
    around = [i for i, frame in enumerate(outer) if places.kind_of(frame, workflow) == places.FAN_OUT]
    if not around:
        return outer
    at = around[-1]
    return (*outer[:at], outer[at]._replace(item_forgotten=True), *outer[at + 1 :])


def come_back(sight: Sight, place: Place, seen: Seen, values: Any) -> Outcomes:
    """A call: the workflow that was called is through; its outputs are the result of the call."""
    scope = place[-1].scope
    if scope is None or (called := sight.workflow.called(scope.workflow)) is None:
        return NOT_ENABLED
    output: dict[str, Any] = {"workflow": scope.workflow, "status": "completed"}
    try:
        output |= call_outputs(called, seen, sight.behaviours)
    except ExpressionError as problem:
        broken = Result(ending=Ending.RAISES, error=str(problem))
        return only("error", result=broken, current=place[-1].name)
    return only("over", place=place[:-1], result=Result(output=to_text(output)))


_STATUS = {RunStatus.PAUSED: StepStatus.PAUSED}


def come_out(place: Place, halting: Halt | None) -> Outcomes:
    """A call in which something has halted: that is its own result, to be judged by its own flag."""
    if halting is None:
        return NOT_ENABLED
    depth = halting.depth
    frame = place[depth - 1]
    output: dict[str, Any] = {
        "workflow": frame.scope.workflow if frame.scope else "",
        "status": str(halting.outcome),
    }
    if halting.outcome is RunStatus.ABORTED:
        output["aborted"] = True
    if halting.error is not None:
        output["error"] = halting.error
    status = _STATUS.get(halting.outcome, StepStatus.FAILED)
    result = Result(status, to_text(output), halting.error)
    return only(
        str(halting.outcome), place=place[: depth - 1], within=place[depth - 1 :], result=result, halting=None
    )


def keep_within(place: Place, within: Place, verdict: Verdict) -> Outcomes:
    """What was under way in the call is kept for a resumption, unless the call's failure was passed over."""
    return NOT_ENABLED if verdict is Verdict.CONTINUE else only(place=(*place, *within))
