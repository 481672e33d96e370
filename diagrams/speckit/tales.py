"""Scenarios of spec-kit as playbacks: the run move by move, and the releases in which it is so."""

from __future__ import annotations

from collections.abc import Iterator

from diagrams.pages.grids import Cell, Grid
from diagrams.pages.playbacks import Frame, Playback
from diagrams.speckit.runs import called, end, steps
from diagrams.speckit.scenarios import headline, is_good
from diagrams.theme import Kind
from invariants.speckit.systems import QUIET
from model.inputs import printable
from model.speckit import run as engine
from simulations.speckit.runs import Look
from simulations.speckit.scenarios import PROMISE, InRelease, Reproduction


def of_scenario(found: Reproduction) -> Playback:
    """A scenario, as one release tells it."""
    scenario, here = found.scenario, found.here
    promised = scenario.kind == PROMISE
    yes, no = ("kept", "not kept") if promised else ("happens", "does not happen")
    start = next(move.before for look in here.looks for move in look.moves)
    return Playback(
        scenario.name,
        scenario.about,
        f"{scenario.name}, {', '.join(scenario.reports)}, spec-kit {here.release}",
        yes if here.comes_true else no,
        Kind.GOOD if is_good(found) else Kind.BAD,
        start,
        tuple(frame for number, look in enumerate(here.looks) for frame in _frames(number, look)),
        frozenset(name for name in start if not name.startswith(QUIET)),
        end(here.looks[-1]),
        remarks=(headline(found).partition(": ")[2].capitalize() + ".",),
        grids=tuple(_grids(found, promised)),
    )


def _frames(number: int, look: Look) -> Iterator[Frame]:
    """A frame for each move of the engine; one that it refuses to make is told, too."""
    said = {id(move): what for _, what, move in steps(look)}
    if not look.moves:
        yield Frame(engine.PERSON, called(number), end(look))
    for move in look.moves:
        changes = {n: (v, move.after[n]) for n, v in move.before.items() if move.after[n] != v}
        what = called(number) if move.actor == engine.PERSON else move.name
        notes = (end(look),) if move is look.moves[-1] else ()
        told = printable(said.get(id(move), move.label), 200)
        yield Frame(move.actor, what, told, changes, notes=notes)


def _grids(found: Reproduction, promised: bool) -> Iterator[Grid]:
    claims = list(dict.fromkeys(claim for r in found.releases for claim in r.verdicts()))
    first = (Cell("as promised" if promised else "happens"), *(_so(r, promised) for r in found.releases))
    rows = [(Cell(claim), *(_verdict(r, claim) for r in found.releases)) for claim in claims]
    yield Grid("By release", ("", *(r.release for r in found.releases)), (first, *rows))


def _so(found: InRelease, promised: bool) -> Cell:
    return Cell("yes" if found.comes_true else "no", Kind.GOOD if found.comes_true is promised else Kind.BAD)


def _verdict(found: InRelease, claim: str) -> Cell:
    verdict = found.verdicts().get(claim)
    return Cell("-") if verdict is None else Cell(verdict, Kind.GOOD if verdict == "holds" else Kind.BAD)
