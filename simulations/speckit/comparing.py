"""The model and the real engine, compared in everything that can be seen of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from model.speckit.releases import Behaviours
from model.speckit.validation import messages
from model.speckit.values import Happening
from simulations.speckit.cases import Case, modelled
from simulations.speckit.runs import Look

ELISION = "…"
"""A text of the model that ends so says how the engine's text begins."""


def differences(case: Case, real: Mapping[str, Any], behaviours: Behaviours) -> list[str]:
    """Everything in which the model and the engine differ, in words; empty if there is nothing."""
    if "broken" in real:
        return [f"the engine cannot run it: {real['broken']}"]
    return list(_differences(case, real, behaviours))


def _differences(case: Case, real: Mapping[str, Any], behaviours: Behaviours) -> Iterator[str]:
    yield from _each("validation", messages(case.workflow, behaviours), real["messages"])
    try:
        looks = modelled(case, behaviours)
    except ValueError as problem:
        if real["looks"][0]["raised"] != str(problem):
            yield f"inputs: model {str(problem)!r}, engine {real['looks'][0]['raised']!r}"
        return
    log: list[dict[str, Any]] = []
    for number, (ours, theirs) in enumerate(zip(looks, real["looks"], strict=True)):
        when = "executed" if not number else f"resumed {number}"
        log += [as_logged(line, behaviours) for line in ours.log]
        yield from (f"{when}: {text}" for text in _look(ours, log, theirs, behaviours))


def _look(
    ours: Look, log: list[dict[str, Any]], theirs: Mapping[str, Any], behaviours: Behaviours
) -> Iterator[str]:
    yield from _each("raised", ours.raised, theirs["raised"])
    state = theirs.get("state")
    if state is None:
        yield "the engine saved nothing"
        return
    yield from _each("status", str(ours.status), state["status"])
    yield from _each("current_step_index", ours.index, state["current_step_index"])
    yield from _each("current_step_id", ours.current or None, state["current_step_id"])
    if behaviours.run_has_error:
        yield from _each("error", ours.error, state["error"])
    yield from _each("inputs", dict(ours.inputs), theirs["inputs"])
    records = state["step_results"]
    for name in dict.fromkeys((*ours.records, *records)):
        yield from _each(f"record of {name}", ours.records.get(name), records.get(name))
    real_log = [{k: v for k, v in line.items() if k != "timestamp"} for line in theirs["log"]]
    for number, (mine, line) in enumerate(zip_longest(log, real_log), 1):
        yield from _each(f"line {number} of the log", mine, line)
    yield from _each("ran", ran(ours), [text for _, text in theirs["ran"]])


def ran(look: Look) -> list[str]:
    """The texts of the commands and prompts that were really run, in order."""
    return [move.result.ran for move in look.moves if move.result.ran is not None]


def _each(what: str, mine: Any, real: Any) -> Iterator[str]:
    if not agree(mine, real):
        yield f"{what}: model {mine!r}, engine {real!r}"


def agree(mine: Any, real: Any) -> bool:
    """Whether two values are the same; a text of the model may leave its end open."""
    if isinstance(mine, str) and mine.endswith(ELISION) and isinstance(real, str):
        return real.startswith(mine[:-1])
    if isinstance(mine, Mapping) and isinstance(real, Mapping):
        return mine.keys() == real.keys() and all(agree(v, real[k]) for k, v in mine.items())
    if isinstance(mine, list) and isinstance(real, list):
        return len(mine) == len(real) and all(map(agree, mine, real))
    return type(mine) is type(real) and bool(mine == real)


def as_logged(line: Happening, behaviours: Behaviours) -> dict[str, Any]:
    """A line of the log as `log.jsonl` has it, without its time."""
    found: dict[str, Any] = {"event": line.event}
    if line.step:
        found["step_id"] = line.step
    if line.kind:
        found["type"] = line.kind
    if line.status:
        found["status"] = line.status
    says_why = line.event in _WITH_ERROR or (line.event == "workflow_aborted" and behaviours.keeps_a_tree)
    if says_why:
        found["error"] = line.error
    if line.workflow:
        found |= {"execution_path": list(line.path), "workflow_id": line.workflow}
    return found


_WITH_ERROR = frozenset({"step_failed", "step_continue_on_error", "workflow_failed", "resume_failed"})
