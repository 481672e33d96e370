"""Runs of a workflow as timelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from diagrams.pictures import shortened
from diagrams.speckit.lifecycles import RUN_KINDS, STEP_KINDS
from diagrams.speckit.runs import called, end, steps
from diagrams.theme import Kind
from diagrams.timelines import Lane, Note, Row, StateTable, Timeline, used
from model.speckit.engine_rules import Verdict
from model.speckit.statuses import RunStatus
from simulations.speckit.runs import Look, Move

PERSON, ENGINE, STEP, RUN = "person", "engine", "step", "run"

LANES = (Lane(PERSON, "person"), Lane(ENGINE, "engine"), Lane(STEP, "step"), Lane(RUN, "run"))

WORDS = 160
"""What a step came back with is told in so many characters."""


def timeline(
    name: str, title: str, about: str, looks: Sequence[Look], verdict: str = "", good: bool | None = None
) -> Timeline:
    """What the engine did each time it was called, and how it left the run.

    `verdict` is what comes of it, and `good` whether that is well; if they are not given, how the run ended.
    """
    rows = tuple(row for number, look in enumerate(looks) for row in _rows(number, look))
    good = looks[-1].status is RunStatus.COMPLETED if good is None else good
    return Timeline(name, title, about, used(LANES, rows), rows, verdict or end(looks[-1]), good)


def state_table(
    name: str, title: str, about: str, looks: Sequence[Look], verdict: str = "", good: bool | None = None
) -> StateTable:
    """What each call of the engine changed: the status of the run, and those of the records.

    `verdict` and `good` as in `timeline`.
    """
    seen = [{"run": RunStatus.CREATED.value}, *(dict(_saved(look)) for look in looks)]
    names = tuple(dict.fromkeys(n for saved in seen for n in saved))
    cells = [tuple(seen[0].get(n, "") for n in names)]
    for before, now in pairwise(seen):
        cells.append(tuple("" if before.get(n) == now.get(n) else now.get(n, "gone") for n in names))
    steps = ("at the start", *(called(number) for number in range(len(looks))))
    good = looks[-1].status is RunStatus.COMPLETED if good is None else good
    return StateTable(name, title, about, steps, names, tuple(cells), verdict or end(looks[-1]), good)


def _saved(look: Look) -> Iterator[tuple[str, str]]:
    yield "run", look.status.value
    yield from ((shortened(step, WORDS), str(record.get("status", ""))) for step, record in look.records.items())


def _rows(number: int, look: Look) -> Iterator[Row]:
    kind = RUN_KINDS.get(look.status, Kind.PLAIN)
    yield Row(PERSON, called(number), (), str(number + 1))
    for at, (step, what, move) in enumerate(steps(look), start=1):
        words = (shortened(what, WORDS),)
        yield Row(ENGINE, shortened(step, WORDS), (Note(STEP, "", words, _kind(move)),), f"{number + 1}.{at}")
    yield Row(ENGINE, "return", (Note(RUN, "", (end(look),), kind),))


def _kind(move: Move) -> Kind:
    if move.verdict is Verdict.RAISE:
        return Kind.BROKEN
    return STEP_KINDS.get(move.result.status, Kind.PLAIN) if move.result.known else Kind.BROKEN
