"""What somebody who relies on `continue_on_error` should know about a workflow, read off its text.

A failure that is passed over and that no expression looks at afterwards is swallowed: the run completes, and
nothing says why. A condition that reads an exit code sees only failures that have one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from model.speckit import places
from model.speckit.releases import Behaviours
from model.speckit.seeing import mentioned, texts
from model.speckit.workflow import LOOPS, Step, Workflow

_MISSPELLED = re.compile(r"continue[-_ ]?on[-_ ]?err(or)?s?", re.IGNORECASE)
_WITHIN = frozenset({"then", "else", "steps", "cases", "default", "step"})


@dataclass(frozen=True)
class Advice:
    """Something to know about a step; `swallowed` if its failure may be passed over without anybody looking."""

    step: str
    text: str
    swallowed: bool = False


def advice(workflow: Workflow, behaviours: Behaviours) -> tuple[Advice, ...]:
    """Everything to know about a workflow, in the order of its steps."""
    return tuple(found for step in workflow.steps for found in _about(step, workflow, behaviours))


def _about(step: Step, workflow: Workflow, behaviours: Behaviours) -> Iterator[Advice]:
    for key in step.config:
        if key != "continue_on_error" and _MISSPELLED.fullmatch(str(key)):
            yield Advice(
                step.name, f"`{key}` is no field of a step and counts for nothing; it is `continue_on_error`"
            )
    yield from _side_by_side(step)
    if not step.flagged:
        return
    if not behaviours.continue_on_error:
        yield Advice(step.name, f"spec-kit {behaviours.release} does not know `continue_on_error` and ignores it")
        return
    if step.body and step.kind != places.CALL:
        text = "its `continue_on_error` covers only its own failure; a failure of a step within it halts the run"
        yield Advice(step.name, text)
    elif step.kind == "gate" and step.config.get("on_reject", "abort") == "abort":
        yield Advice(step.name, "a rejection aborts the run, whatever `continue_on_error` says")
    else:
        yield from _looked_at(step, workflow)


def _side_by_side(step: Step) -> Iterator[Advice]:
    most = step.config.get("max_concurrency", 1)
    if step.kind == places.FAN_OUT and most not in (1, None, False):
        text = f"the engine runs up to {most} of its items side by side (since 0.12.2); here they come one by one"
        yield Advice(step.name, text)


def _looked_at(step: Step, workflow: Workflow) -> Iterator[Advice]:
    texts = [text for text in _later(step, workflow) if mentioned(text, (step.name,))]
    if not texts:
        text = "a failure of it is swallowed: it is passed over, and no expression after it looks at the step"
        yield Advice(step.name, text, swallowed=True)
        return
    fields = {found for text in texts for found in _fields(str(text), step.name)}
    if fields == {"output.exit_code"}:
        why = _without_exit_code(step)
        if why:
            yield Advice(
                step.name, f"what comes after it reads only its exit code, {why}; `status` tells every failure"
            )


def _without_exit_code(step: Step) -> str:
    if step.kind == "shell":
        return "which is 0 if it fails because its output is no JSON" if step.config.get("output_format") else ""
    return "which a step that could not be begun does not have"


def _fields(text: str, name: str) -> Iterator[str]:
    for found in re.finditer(rf"steps\.{re.escape(name)}\.([\w.]+)", text):
        yield found[1]
    if f"steps.{name}" not in text:
        yield "output"


def _later(step: Step, workflow: Workflow) -> Iterator[Any]:
    """Every expression that may be evaluated after the step: behind it, around it, and in the outputs."""
    yield from texts(workflow.outputs)
    for place, steps in workflow.lists.items():
        keys = [s.key for s in steps]
        around = (step.key, *step.ancestors)
        mine = next((key for key in around if key in keys), None)
        if mine is None:
            if any(place.startswith(key) for key in _behind(step, workflow)):
                yield from (text for s in steps for text in _own(s))
            continue
        in_a_loop = any(workflow.by_key[key].kind in LOOPS for key in around if place.startswith(key))
        for found in steps:
            if in_a_loop or keys.index(found.key) > keys.index(mine):
                yield from _own(found)
            elif found.key == mine and mine != step.key and found.kind in LOOPS:
                yield found.config.get("condition")


def _behind(step: Step, workflow: Workflow) -> Iterator[str]:
    """The places of the steps that come after the step, in its own list and those around it."""
    around = (step.key, *step.ancestors)
    loops = [key for key in step.ancestors if workflow.by_key[key].kind in LOOPS]
    yield from (f"{key}." for key in loops)
    for steps in workflow.lists.values():
        keys = [s.key for s in steps]
        mine = next((key for key in around if key in keys), None)
        if mine is not None:
            yield from (f"{key}." for key in keys[keys.index(mine) + 1 :])


def _own(step: Step) -> Iterator[Any]:
    for key, value in step.config.items():
        if key not in _WITHIN:
            yield from texts(value)
