"""What begins a run, takes it up again, and kills it; and what a step's own code does when it is called.

Source: `specify_cli/workflows/engine.py: WorkflowEngine.execute`, `resume`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from model.speckit import control_steps, leaf_steps, places
from model.speckit.expressions import ExpressionError
from model.speckit.inputs import resolved
from model.speckit.lifecycles import RUN
from model.speckit.releases import Behaviours
from model.speckit.results import Seen
from model.speckit.seeing import Sight
from model.speckit.statuses import RunStatus
from model.speckit.values import (
    EMPTY,
    Answer,
    Ending,
    Frame,
    Happening,
    Place,
    Result,
    Scope,
    from_text,
    to_text,
)
from model.speckit.workflow import Step, Workflow
from model.system import NOT_ENABLED, Outcomes, only

CONTROL: dict[str, Callable[[Step, Seen, Behaviours], Result]] = {
    "if": control_steps.if_step,
    "switch": control_steps.switch_step,
    "while": control_steps.while_step,
    "do-while": control_steps.do_while_step,
    "fan-out": control_steps.fan_out_step,
    "fan-in": control_steps.fan_in_step,
    "slot": control_steps.slot_step,
}
OUTSIDE: dict[str, Callable[[Step, Seen, Answer, Behaviours], Result]] = {
    "command": leaf_steps.dispatched,
    "prompt": leaf_steps.dispatched,
    "shell": leaf_steps.shell_step,
    "gate": leaf_steps.gate_step,
}
"""Steps whose code asks the world."""


def is_known(kind: str, behaviours: Behaviours) -> bool:
    """Whether a release has steps of this type, among those that are modelled."""
    if kind == "slot":
        return behaviours.slots
    if kind == places.CALL:
        return behaviours.keeps_a_tree
    return kind in CONTROL or kind in OUTSIDE


def execute_step(sight: Sight, place: Place, seen: Seen, values: Any, answer: Answer | None = None) -> Outcomes:
    """The step's own code is called. An error in an expression comes out of it."""
    step, behaviours = sight.step, sight.behaviours
    try:
        if step.kind in OUTSIDE:
            result = OUTSIDE[step.kind](step, seen, answer or Answer(), behaviours)
        elif step.kind == places.CALL:
            result = control_steps.call_step(step, seen, behaviours, sight.workflow)
        else:
            result = CONTROL[step.kind](step, seen, behaviours)
    except ExpressionError as problem:
        result = Result(ending=Ending.RAISES, error=str(problem))
    if step.kind == places.FAN_OUT and result.body and behaviours.keeps_a_tree:
        result = result._replace(scope=_copied(sight, place, values))
    return only(_label(result, answer), result=result)


def _label(result: Result, answer: Answer | None) -> str:
    """How it came back, unless that is what the world said anyway."""
    if result.ending is not Ending.RETURNS:
        return "" if answer and answer.ending is result.ending else result.ending.value
    return "" if answer and not answer.choice and answer.status is result.status else str(result.status)


def _copied(sight: Sight, place: Place, values: Any) -> Scope:
    """What the items of a fan-out see of the records when they begin."""
    around = places.scope_of(place)
    if around is not None:
        return around._replace(inputs=None)
    records = tuple(sight.named(values).items())
    return Scope(sight.workflow.name, records, called_by=(sight.workflow.name,))


def take_verdict_back(place: Place, inputs: str, result: Result) -> Outcomes:
    """A gate that is to be asked again forgets the answer that its input gave."""
    if not result.reset_input:
        return NOT_ENABLED
    scope = places.scope_of(place)
    changed = to_text({**from_text(places.inputs_of(place, inputs)), result.reset_input: ""})
    if scope is not None:  # of a call: items have no gates that take their answer from an input
        return only(place=places.with_scope(place, scope._replace(inputs=changed)))
    return only(inputs=changed)


def begin(status: RunStatus, *, workflow: Workflow) -> Outcomes:
    """Enabled once: the run sets out from its first step."""
    if status is not RunStatus.CREATED:
        return NOT_ENABLED
    return only(status=RUN.after(status, "execute"), alive=True, place=(Frame(workflow.root),))


def resume(
    status: RunStatus,
    index: int,
    place: Place,
    inputs: str,
    *,
    given: str,
    workflow: Workflow,
    behaviours: Behaviours,
) -> Outcomes:
    """Enabled for a run that is paused or has failed.

    Up to 1.1.2 the top-level step that was under way begins anew. From 1.1.3 on the run goes on exactly where
    it was; calls that it is in are announced again. `given` are new values of inputs; if they do not fit,
    nothing happens.
    """
    if status not in (RunStatus.PAUSED, RunStatus.FAILED):
        return NOT_ENABLED
    if given != EMPTY and not behaviours.resume_takes_inputs:
        return only("refused", refusal="inputs cannot be given to a run that is resumed")
    try:
        if given != EMPTY:
            inputs = to_text(resolved(workflow.inputs, {**from_text(inputs), **from_text(given)}))
    except ValueError as problem:
        return only(f"refused: {problem}", refusal=str(problem))
    taken_up = place if behaviours.keeps_a_tree else (Frame(workflow.root, index),)
    lines = tuple(
        Happening("step_started", frame.name, places.CALL, path=_path(place[:i]), workflow=_caller(place[:i]))
        for i, frame in enumerate(taken_up)
        if places.kind_of(frame, workflow) == places.CALL
    )
    return only(
        status=RUN.after(status, "resume"),
        alive=True,
        resumed=True,
        error=None,
        place=taken_up,
        inputs=inputs,
        events=lines,
    )


def _path(place: Place) -> tuple[int | str, ...]:
    return (*place[-1].path, place[-1].at) if _caller(place) else ()


def _caller(place: Place) -> str:
    scope = places.scope_of(place)
    return scope.called_by[-1] if scope and len(scope.called_by) > 1 else ""


def kill(status: RunStatus, alive: bool) -> Outcomes:
    """Enabled while a process works: it is killed, and leaves everything as it was saved last."""
    return only(alive=False) if status is RunStatus.RUNNING and alive else NOT_ENABLED


def play(calls: int, *, script: tuple[Answer, ...]) -> Outcomes:
    """The next answer of a script; the last one again once it is over."""
    answer = script[min(calls, len(script) - 1)]
    return only(str(answer), answer=answer, calls=calls + 1)


def choose(*, answers: tuple[Answer, ...]) -> Outcomes:
    """Any of several answers."""
    return tuple(outcome for answer in answers for outcome in only(str(answer), answer=answer))
