"""The way to a violation through the layers of a symbolic exploration, found backwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from invariants.encoding import Column, Diagram
from invariants.lassos import Moves
from invariants.properties import Kind, Property
from invariants.relations import Claim
from invariants.steps import Step
from invariants.symbolic import Symbolic
from invariants.trace import Path
from model.system import State, Value


class Awaited(Protocol):
    """What is known of a claim about runs: where it is violated, and how a run goes on from there."""

    def bad(self) -> Diagram:
        """The states where the premise is true and from which the goal may never be met."""

    def lasso(self, start: tuple[int, ...]) -> tuple[Moves[State], int | None]:
        """The moves from such a state, and to which of their states the run returns; 0 is the start."""


def path(
    engine: Symbolic, claims: Sequence[Claim], awaited: Mapping[Property, Awaited]
) -> tuple[Property, Path] | None:
    """A shortest way to what violates one of the claims (of a Sometimes: to a witness), None if there is none."""
    for level in range(len(engine.layers)):
        for claim in claims:
            about_runs = awaited.get(claim.property)
            way = _lasso(engine, about_runs, level) if about_runs else _path(engine, claim, level)
            if way:
                return claim.property, way
    return None


def _lasso(engine: Symbolic, awaited: Awaited, level: int) -> Path | None:
    bad = engine.layers[level] & awaited.bad()
    if not bad.satisfiable():
        return None
    codes = engine.pick(bad)
    moves, loop = awaited.lasso(codes)
    way = _back(engine, level, codes, moves)
    return way if loop is None else replace(way, loop=level + loop)


def _path(engine: Symbolic, claim: Claim, level: int) -> Path | None:
    if claim.property.kind is not Kind.EVERY_STEP:
        bad = engine.violations(claim, engine.layers[level])
        return _back(engine, level, engine.pick(bad), ()) if bad.satisfiable() else None
    for step in engine.concerned(claim):
        ends = engine.growing(partial(_bad_ends, engine, claim, step, level))
        if ends.satisfiable():
            source, end = _source(engine, claim, step, ends, engine.layers[level])
            return _back(engine, level, engine.pick(source), ((step.source.name, end),))
    return None


def _bad_ends(engine: Symbolic, claim: Claim, step: Step, level: int) -> Diagram:
    return engine.bad_ends(claim, step, engine.layers[level])


def _source(
    engine: Symbolic, claim: Claim, step: Step, ends: Diagram, layer: Diagram
) -> tuple[Diagram, dict[str, Value]]:
    """The states of `layer` from which `step` ends in one combination of those in `ends`, and that combination."""
    fields = claim.footprint.fields
    codes = engine.pick(ends, fields)
    encoding = engine.encoding
    known = zip(fields, codes, strict=True)
    literals = [(column, name, code) for (column, name), code in known]
    after = encoding.conjunction(x for x in literals if x[0] is Column.NOW)
    before = encoding.conjunction((Column.NOW, n, c) for column, n, c in literals if column is Column.BEFORE)
    sources = engine.preimage_of_ends(claim, step, after)
    end = {name: engine.numbers.values[name][code] for column, name, code in literals if column is Column.NOW}
    return sources & before & layer, end


def _back(engine: Symbolic, level: int, codes: tuple[int, ...], moves: Iterable[tuple[str, State]]) -> Path:
    """The way from the initial layer to the state of these numbers in layer `level`, followed by `moves`."""
    state = engine.encoding.state
    start, way = way_back(engine, engine.layers[:level], codes, engine.steps)
    stem = tuple((name, state(after, engine.names)) for name, after in way)
    return Path(state(start, engine.names), (*stem, *moves))


def way_back(
    engine: Symbolic, layers: Sequence[Diagram], codes: tuple[int, ...], steps: Sequence[Step]
) -> tuple[tuple[int, ...], list[tuple[str, tuple[int, ...]]]]:
    """The way to the state of these numbers by one step from each of the layers: its first state, and its moves."""
    way: list[tuple[str, tuple[int, ...]]] = []
    for earlier in reversed(layers):
        target = engine.cube(codes)
        for step in steps:
            sources = engine.stepper.preimage(step, target) & earlier
            if sources.satisfiable():
                way.insert(0, (step.source.name, codes))
                codes = engine.pick(sources)
                break
    return codes, way
