"""Runs of a workflow, as text and as JSON: what each step came back with, and what the engine made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from diagrams.yaml_text import yaml_text
from model.inputs import printable
from model.speckit.advice import Advice
from model.speckit.engine_rules import Verdict
from model.speckit.statuses import RunStatus
from model.speckit.values import Happening, from_text, to_text
from simulations.speckit.runs import Look, Move


@dataclass(frozen=True)
class Told:
    """A run to be told: of which workflow, in which release, what could be seen after each call, and advice."""

    workflow: str
    release: str
    looks: Sequence[Look]
    advice: Sequence[Advice]


def headline(told: Told) -> str:
    """The answer in one line."""
    last = told.looks[-1]
    calls = f"{len(told.looks) - 1} resumption{'' if len(told.looks) == 2 else 's'}"
    after = f" after {calls}" if len(told.looks) > 1 else ""
    line = f"{last.status}{after}: {printable(told.workflow)}, spec-kit {told.release}"
    passed = list(
        dict.fromkeys(h.step for look in told.looks for h in look.log if h.event == "step_continue_on_error")
    )
    if passed:
        line += f"; passed over: {', '.join(map(printable, passed))}"
    if last.raised and last.status is RunStatus.FAILED:
        line += "; an error came out of the engine"
    return line


def lines(told: Told) -> Iterator[str]:
    """Each call of the engine: what it did with each step, then what it had saved; at the end the advice."""
    for number, look in enumerate(told.looks):
        yield ""
        yield "executed" if not number else f"resumed {number}"
        yield from (f"  {text}" for text in moves(look))
        yield f"  {_end(look)}"
    yield ""
    yield "records:"
    records = {name: _record(record) for name, record in told.looks[-1].records.items()}
    text = yaml_text(records)
    yield from (f"  {line}" for line in text.splitlines())
    if told.advice:
        yield ""
        yield from advised(told.advice)


def moves(look: Look) -> Iterator[str]:
    """What was done with each step, a line each."""
    done = list(steps(look))
    width = max((len(step) for step, _, _ in done), default=0)
    yield from (f"{step:{width}}  {printable(what, 200)}" for step, what, _ in done)


def steps(look: Look) -> Iterator[tuple[str, str, Move]]:
    """What was done with each step: its name, what it was in words, and the move."""
    yield from ((_step(move), _what(move), move) for move in look.moves if _step(move))


def called(number: int) -> str:
    """How the engine was called, the first time with 0."""
    return f"resume {number}" if number else "execute"


def end(look: Look) -> str:
    """How the engine left it, in words."""
    return _end(look)


def advised(advice: Iterable[Advice]) -> Iterator[str]:
    """What to know about the workflow: swallowed failures first."""
    found = sorted(advice, key=lambda a: not a.swallowed)
    yield "to know:"
    yield from (f"  {printable(a.step)}: {a.text}" for a in found)


def _step(move: Move) -> str:
    started = next((line for line in move.events if line.step), None)
    return started.step if started else move.name.removeprefix("after ") if move.name.startswith("after ") else ""


_WHY = {
    Verdict.CONTINUE: "it may fail, so the next step comes",
    Verdict.FAIL: "it may not, so the run halts",
    Verdict.ABORT: "its output is marked as aborted, which halts the run whatever else is said",
    Verdict.RAISE: "nothing is recorded, and `continue_on_error` is not asked",
    Verdict.INTERRUPT: "the run stops at once and can be resumed",
    Verdict.PAUSE: "the run waits to be resumed",
}


def _what(move: Move) -> str:
    result, verdict = move.result, move.verdict
    if not result.known:
        return f"{result.error}; the run halts, and `continue_on_error` is not asked"
    if verdict is Verdict.RAISE:
        return f"raised an error: {result.error}; {_WHY[verdict]}"
    if verdict is Verdict.INTERRUPT:
        return f"interrupted by Ctrl+C; {_WHY[verdict]}"
    if move.name.startswith("after "):
        return move.label
    said = str(result.status) + (f": {result.error.rstrip('.')}" if result.error else "")
    chosen = _chosen(result.output)
    said += f", {chosen}" if chosen else ""
    return f"{said}; {_WHY[verdict]}" if verdict in _WHY else said


def _chosen(output: str) -> str:
    """What a step that controls others has decided, or a person at a gate."""
    found = from_text(output)
    if found.get("choice") is not None:
        return f"the answer is {found['choice']}"
    if "condition_result" in found:
        return f"the condition is {'met' if found['condition_result'] else 'not met'}"
    if "matched_case" in found:
        return "no case" if found["matched_case"] == "__default__" else f"case {found['matched_case']}"
    return f"{found['item_count']} items" if "item_count" in found else ""


def _end(look: Look) -> str:
    if look.raised and not look.moves:
        return f"refused: {printable(look.raised, 200)}"
    where = f", at {look.current}" if look.status not in (RunStatus.COMPLETED, RunStatus.CREATED) else ""
    return f"status: {look.status}{where}"


def _record(record: Any) -> dict[str, Any]:
    shown = ("status", "error", "output")
    found = {key: record[key] for key in shown if record.get(key) not in (None, {})}
    copied: dict[str, Any] = from_text(to_text(found))  # values that are the same object would be shown as aliases
    return copied


def as_json(told: Told) -> dict[str, object]:
    """A run for programs; see docs/json.md."""
    return {
        "workflow": told.workflow,
        "spec-kit": told.release,
        "status": str(told.looks[-1].status),
        "calls": [_call(look) for look in told.looks],
        "advice": [{"step": a.step, "text": a.text, "swallowed": a.swallowed} for a in told.advice],
    }


def _call(look: Look) -> dict[str, object]:
    return {
        "status": str(look.status),
        "currentStepIndex": look.index,
        "currentStep": look.current or None,
        "error": look.error,
        "raised": look.raised,
        "ran": [move.result.ran for move in look.moves if move.result.ran is not None],
        "log": [_logged(line) for line in look.log],
        "records": dict(look.records),
    }


def _logged(line: Happening) -> dict[str, object]:
    found = {"event": line.event, "step": line.step, "type": line.kind, "status": line.status, "error": line.error}
    return {key: value for key, value in found.items() if value}
