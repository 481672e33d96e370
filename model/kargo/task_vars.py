"""The variables that the steps of a task get.

Every step gets those of the task, then its own. Kargo appends its own ones to one and the same Go slice for each
step in turn. Where that slice has room to spare, they all land in the same memory: each step's own variables
overwrite those of the steps before it, names and all. It depends on nothing but how many there are, so the model
does the same.

Source: `pkg/api/promotion.go: inflateTaskSteps`, `promotionTaskVarsToStepVars`; Go's `runtime.growslice`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from model.kargo.manifest_types import Vars


class Slice(NamedTuple):
    """Variables in a Go slice with room for `capacity` of them."""

    vars: Vars = ()
    capacity: int = 0


class Overwritten(NamedTuple):
    """The variable `was` of step `step` became the variable `now` of step `by` (both counted from 0)."""

    step: int
    was: str
    now: str
    by: int


def task_vars(defaults: Vars, of_promotion: Vars, of_step: Vars) -> tuple[Slice, str]:
    """What all steps of a task get, and the name of a variable that has no value, if there is one.

    A default gives way to a variable of the Promotion with a value, which is visible anyway. An empty value
    counts as none.
    """
    outside = {name for name, value in of_promotion if value}
    given = {name for name, value in of_step if value}
    found = Slice()
    for name, value in defaults:
        if name in outside:
            continue
        if value:
            found = _append(found, ((name, value),))
        elif name not in given:
            return found, name
    return _append(found, of_step), ""


def step_vars(shared: Slice, own: Sequence[Vars]) -> tuple[list[Vars], list[Overwritten]]:
    """The variables of each step, and which of them were overwritten.

    `own` are those that the steps have themselves.
    """
    room = shared.capacity - len(shared.vars)
    fits = [len(variables) <= room for variables in own]
    spare: list[tuple[tuple[str, str], int]] = []  # what is in the memory behind the slice, and whose it is
    for step, variables in enumerate(own):
        if fits[step]:
            spare[: len(variables)] = [(variable, step) for variable in variables]
    found: list[Vars] = []
    overwritten: list[Overwritten] = []
    for step, variables in enumerate(own):
        ends_as = spare[: len(variables)] if fits[step] else [(variable, step) for variable in variables]
        found.append(shared.vars + tuple(variable for variable, _ in ends_as))
        overwritten += [
            Overwritten(step, was[0], now[0], by)
            for was, (now, by) in zip(variables, ends_as, strict=True)
            if was != now
        ]
    return found, overwritten


_SIZE_CLASSES = (576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200)
_VARIABLE = 32  # bytes: two strings
_HEADER = 8  # bytes of an object above 512 that holds pointers
_EXACT = 512 // _VARIABLE


def _append(to: Slice, more: Vars) -> Slice:
    length = len(to.vars) + len(more)
    if length <= to.capacity:
        return Slice(to.vars + more, to.capacity)
    return Slice(to.vars + more, _rounded(max(length, 2 * to.capacity)))


def _rounded(wanted: int) -> int:
    """The capacity Go allocates; beyond its small sizes, where no task gets, just what is wanted."""
    if wanted <= _EXACT:
        return wanted
    bytes_ = wanted * _VARIABLE + _HEADER
    return next(((size - _HEADER) // _VARIABLE for size in _SIZE_CLASSES if size >= bytes_), wanted)
