"""Making a case smaller for as long as something stays true of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from simulations.speckit.cases import Case

MOST_TRIES = 3_000

_KEPT = frozenset(
    {"id", "type", "script", "run", "prompt", "command", "condition", "expression", "cases", "items", "step"}
)
_KEPT |= {"steps", "then", "wait_for", "message", "workflow"}
_PLAIN: dict[str, tuple[Any, ...]] = {
    "condition": (True, False),
    "expression": ("0",),
    "run": ("do",),
    "prompt": ("do",),
    "message": ("Go on?",),
    "items": ([1], [1, 2]),
    "max_iterations": (1, 2),
}


def smallest(case: Case, still: Callable[[Case], bool]) -> Case:
    """A case of which `still` is true, as it is of `case`, and of nothing that is a little smaller."""
    tries = 0
    better: Case | None = case
    while better is not None:
        case, better = better, None
        for candidate in smaller(case):
            tries += 1
            if tries > MOST_TRIES:
                return case
            if still(candidate):
                better = candidate
                break
    return case


def smaller(case: Case) -> Iterator[Case]:
    """Every case that is a little smaller, the much smaller ones first."""
    yield from (replace(case, resumes=case.resumes[:n]) for n in range(len(case.resumes)))
    yield from (
        replace(case, resumes=[*case.resumes[:i], {}, *case.resumes[i + 1 :]])
        for i, g in enumerate(case.resumes)
        if g
    )
    if case.inputs:
        yield replace(case, inputs={})
    for name in case.callable:
        yield replace(case, callable={k: v for k, v in case.callable.items() if k != name})
    yield from (replace(case, workflow=w) for w in _smaller_workflow(case.workflow))
    for name, data in case.callable.items():
        yield from (replace(case, callable={**case.callable, name: w}) for w in _smaller_workflow(data))
    yield from _smaller_scripts(case)


def _smaller_scripts(case: Case) -> Iterator[Case]:
    used = _scripts_of(case)
    if unused := [name for name in case.scripts if name not in used]:
        yield replace(case, scripts={k: v for k, v in case.scripts.items() if k not in unused})
    for name, script in case.scripts.items():
        yield from (replace(case, scripts={**case.scripts, name: script[:n]}) for n in range(1, len(script)))


def _scripts_of(case: Case) -> set[str]:
    return {
        step["script"]
        for data in (case.workflow, *case.callable.values())
        for step in _steps(data)
        if "script" in step
    }


def _steps(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        if "id" in found or "type" in found:
            yield found
        for value in found.values():
            yield from _steps(value)
    elif isinstance(found, list):
        for value in found:
            yield from _steps(value)


def _smaller_workflow(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The workflow without one step, with the steps within one in its place, or with one field less."""
    if "outputs" in workflow:
        yield {k: v for k, v in workflow.items() if k != "outputs"}
    for number in range(sum(1 for _ in _lists(workflow))):
        for edit in (_without, _hoisted):
            for index in range(len(_nth(_lists(workflow), number))):
                changed = copy.deepcopy(workflow)
                if edit(_nth(_lists(changed), number), index):
                    yield changed
    count = sum(1 for _ in _steps(workflow.get("steps")))
    for number in range(count):
        yield from _simpler(workflow, number)


def _simpler(workflow: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    step = _nth(_steps(workflow["steps"]), number)
    for key in step:
        values = _PLAIN.get(key, ())
        for value in [v for v in values if step[key] not in values]:
            changed = copy.deepcopy(workflow)
            _nth(_steps(changed["steps"]), number)[key] = value
            yield changed
        if key not in _KEPT:
            changed = copy.deepcopy(workflow)
            del _nth(_steps(changed["steps"]), number)[key]
            yield changed
    cases = step.get("cases")
    for case in cases if isinstance(cases, dict) else ():
        changed = copy.deepcopy(workflow)
        del _nth(_steps(changed["steps"]), number)["cases"][case]
        yield changed


def _nth(found: Iterator[Any], number: int) -> Any:
    return next(item for i, item in enumerate(found) if i == number)


def _lists(found: Any) -> Iterator[list[Any]]:
    """Every list of steps in a workflow."""
    if isinstance(found, dict):
        for value in found.values():
            yield from _lists(value)
    elif isinstance(found, list):
        if found and all(isinstance(item, dict) and "id" in item for item in found):
            yield found
        for value in found:
            yield from _lists(value)


def _without(steps: list[Any], index: int) -> bool:
    if len(steps) == 1:
        return False
    del steps[index]
    return True


def _hoisted(steps: list[Any], index: int) -> bool:
    within = next(_lists(list(steps[index].values())), None)
    if within is None:
        return False
    steps[index : index + 1] = within
    return True
