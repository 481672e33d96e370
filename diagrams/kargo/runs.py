"""Runs of a template as timelines and state tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from diagrams.kargo.lifecycles import PROMOTION_KINDS
from diagrams.kargo.stages import CONTROLLER, LANES, PROMOTION, STEP
from diagrams.runs import headline
from diagrams.theme import Kind
from diagrams.timelines import Note, Row, StateTable, Timeline, used
from model.kargo.durations import format_duration
from model.kargo.phases import PromotionPhase
from model.kargo.step_engine import Turn
from simulations.kargo.runs import PassAccount, Run, StepAccount

_KINDS = {
    Turn.SUCCEEDED: Kind.GOOD,
    Turn.SKIPPED_ITSELF: Kind.MOOT,
    Turn.SKIPPED_BY_IF: Kind.MOOT,
    Turn.SKIPPED_AFTER_FAILURE: Kind.MOOT,
    Turn.WAITS: Kind.BUSY,
    Turn.WILL_BE_RETRIED: Kind.BROKEN,
    Turn.NOT_REACHED: Kind.WAITING,
}


def timeline(subject: str, release: str, run: Run, name: str = "run", about: str = "") -> Timeline:
    """The passes of a run: what each did with each step, and what became of the Promotion."""
    rows = tuple(_rows(run))
    good = run.phase is PromotionPhase.SUCCEEDED and not run.undone
    said = about or f"as Kargo {release} runs it"
    return Timeline(name, subject, said, used(LANES, rows), rows, headline(subject, release, run), good)


def _rows(run: Run) -> Iterator[Row]:
    before = PromotionPhase.NEW
    undone = {id(step) for step in run.undone}
    for account in run.passes:
        phase = PromotionPhase(str(account.status.get("phase", "")))
        reached = [s for s in account.steps if s.turn is not Turn.NOT_REACHED]
        notes = [Note(STEP, s.alias, (s.why,), Kind.BAD if id(s) in undone else _kind(s)) for s in reached]
        if phase is not before:
            change = f"phase {before.value or 'new'} → {phase.value}"
            notes.insert(0, Note(PROMOTION, "", (change,), PROMOTION_KINDS[phase]))
        text = f"reconcile, pass {account.number}"
        yield Row(CONTROLLER, text, tuple(notes), str(account.number), format_duration(account.at_ms))
        before = phase


def _kind(step: StepAccount) -> Kind:
    return _KINDS.get(step.turn, Kind.BAD)


def state_table(subject: str, release: str, run: Run, name: str = "run", about: str = "") -> StateTable:
    """What each pass changed in the Promotion's status, field by field."""
    seen = [{"phase": "new"}, *(dict(_fields(account)) for account in run.passes)]
    names = tuple(dict.fromkeys(n for fields in seen for n in fields))
    cells = [tuple(seen[0].get(n, "") for n in names)]
    for before, now in pairwise(seen):
        cells.append(tuple(_changed(before, now, n) for n in names))
    steps = ("at the start", *(f"pass {a.number}, at {format_duration(a.at_ms)}" for a in run.passes))
    good = run.phase is PromotionPhase.SUCCEEDED and not run.undone
    said = about or f"as Kargo {release} runs it"
    return StateTable(name, subject, said, steps, names, tuple(cells), headline(subject, release, run), good)


def _changed(before: Mapping[str, str], now: Mapping[str, str], name: str) -> str:
    if before.get(name) == now.get(name):
        return ""
    return now.get(name, "gone")


def _fields(account: PassAccount) -> Iterator[tuple[str, str]]:
    for key in ("phase", "currentStep", "message"):
        if key in account.status:
            yield key, str(account.status[key])
    entries = account.status.get("stepExecutionMetadata")
    for entry in entries if isinstance(entries, list) else ():
        for key, value in entry.items():
            if key != "alias":
                yield f"{entry['alias']}: {key}", "yes" if value is True else str(value)
    outputs = account.status.get("state")
    for key, value in outputs.items() if isinstance(outputs, dict) else ():
        yield f"output of {key}", str(value)
