"""Questions about where the engine is: which step is next, what it is called there, whose records it sees."""

from __future__ import annotations

from typing import Any

from model.speckit.releases import Behaviours
from model.speckit.values import Frame, Place, Scope, from_text
from model.speckit.workflow import LOOPS, Step, Workflow

CALL, FAN_OUT = "workflow", "fan-out"
PASSED_THROUGH = frozenset({"if", "switch"})
"""Steps whose list is left without asking anything."""


def is_exhausted(frame: Frame, workflow: Workflow) -> bool:
    """Whether the list of `frame` is at its end."""
    return frame.at >= len(workflow.all_lists[frame.steps])


def kind_of(frame: Frame, workflow: Workflow) -> str:
    """The type of the step that the list of `frame` belongs to; empty for the list of the run itself."""
    return workflow.by_key[frame.owner].kind if frame.owner else ""


def next_step(place: Place, workflow: Workflow) -> Step | None:
    """The step that the engine comes to next; None at the end of a list."""
    if not place or is_exhausted(place[-1], workflow):
        return None
    return workflow.all_lists[place[-1].steps][place[-1].at]


def is_at(place: Place, step: Step, workflow: Workflow) -> bool:
    """Whether the engine comes to `step` next."""
    found = next_step(place, workflow)
    return found is not None and found.key == step.key


def is_at_end_of(place: Place, step: Step, workflow: Workflow) -> bool:
    """Whether a list within `step` is at its end."""
    return bool(place) and place[-1].owner == step.key and is_exhausted(place[-1], workflow)


def called(place: Place, step: Step, workflow: Workflow) -> str:
    """What `step` is called in the log: in a later pass of its loop, and for an item, its id is made unique.

    Source: `_execution.py: qualified_id`; before, `_execute_steps` and `_run_fan_out`.
    """
    frame = place[-1]
    kind = kind_of(frame, workflow)
    if kind == FAN_OUT or (kind in LOOPS and frame.turn > 0):
        return f"{frame.name}:{step.name}:{frame.turn}"
    return step.name


def shown(place: Place, step: Step, workflow: Workflow, behaviours: Behaviours) -> str:
    """What `step` is called in its own messages: its id, or up to 1.1.2 what the log calls it."""
    return step.name if behaviours.keeps_a_tree else called(place, step, workflow)


def scope_of(place: Place) -> Scope | None:
    """The innermost scope of its own; None if the records of the run itself are seen."""
    return next((frame.scope for frame in reversed(place) if frame.scope is not None), None)


def inputs_of(place: Place, inputs: str) -> str:
    """The inputs that are seen: those of the workflow that is called, or the run's own, which are `inputs`."""
    found = (frame.scope.inputs for frame in reversed(place) if frame.scope and frame.scope.inputs is not None)
    return next(found, inputs)


def with_scope(place: Place, scope: Scope) -> Place:
    """`place` with its innermost scope changed."""
    at = max(i for i, frame in enumerate(place) if frame.scope is not None)
    return (*place[:at], place[at]._replace(scope=scope), *place[at + 1 :])


def callers(place: Place, workflow: Workflow) -> tuple[str, ...]:
    """The workflows that have called each other up to here, the run's own first."""
    scope = scope_of(place)
    return scope.called_by if scope and scope.called_by else (workflow.name,)


def inside_fan_out(place: Place, workflow: Workflow) -> bool:
    """Whether some fan-out is around."""
    return any(kind_of(frame, workflow) == FAN_OUT for frame in place)


def item(place: Place, workflow: Workflow) -> Any:
    """The item that expressions see; null outside of a fan-out, and in a workflow that is called."""
    for frame in reversed(place):
        kind = kind_of(frame, workflow)
        if kind == CALL or (kind == FAN_OUT and frame.item_forgotten):
            return None
        if kind == FAN_OUT:
            return from_text(frame.items)[frame.turn]
    return None


def path_into(place: Place, step: Step) -> tuple[int | str, ...]:
    """The way in the engine's tree to the first list within the step that is next."""
    frame = place[-1]
    here = (*frame.path, frame.at)
    if step.kind == CALL:
        return (*here, "workflow")
    return (*here, "item", 0) if step.kind == FAN_OUT else (*here, 0)


def advanced(place: Place) -> Place:
    """`place` with the step that was next behind it."""
    return (*place[:-1], place[-1]._replace(at=place[-1].at + 1, hidden=None))
