"""Runs of a workflow as timelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagrams.pictures import shortened
from diagrams.speckit.lifecycles import RUN_KINDS, STEP_KINDS
from diagrams.speckit.runs import end, steps
from diagrams.theme import Kind
from diagrams.timelines import Lane, Note, Row, Timeline, used
from model.speckit.engine_rules import Verdict
from model.speckit.statuses import RunStatus
from simulations.speckit.runs import Look, Move

PERSON, ENGINE, STEP, RUN = "person", "engine", "step", "run"

LANES = (Lane(PERSON, "person"), Lane(ENGINE, "engine"), Lane(STEP, "step"), Lane(RUN, "run"))

WORDS = 160
"""What a step came back with is told in so many characters."""


def timeline(name: str, title: str, about: str, looks: Sequence[Look], verdict: str = "") -> Timeline:
    """What the engine did each time it was called, and how it left the run."""
    rows = tuple(row for number, look in enumerate(looks) for row in _rows(number, look))
    good = looks[-1].status is RunStatus.COMPLETED
    return Timeline(name, title, about, used(LANES, rows), rows, verdict or end(looks[-1]), good)


def _rows(number: int, look: Look) -> Iterator[Row]:
    said = "execute" if not number else f"resume, for the {number}. time"
    kind = RUN_KINDS.get(look.status, Kind.PLAIN)
    yield Row(PERSON, said, (), str(number + 1))
    for at, (step, what, move) in enumerate(steps(look), start=1):
        words = (shortened(what, WORDS),)
        yield Row(ENGINE, shortened(step, WORDS), (Note(STEP, "", words, _kind(move)),), f"{number + 1}.{at}")
    yield Row(ENGINE, "return", (Note(RUN, "", (end(look),), kind),))


def _kind(move: Move) -> Kind:
    if move.verdict is Verdict.RAISE:
        return Kind.BROKEN
    return STEP_KINDS.get(move.result.status, Kind.PLAIN) if move.result.known else Kind.BROKEN
