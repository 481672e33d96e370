"""The way to a violation through the layers of a symbolic exploration, found backwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from invariants.encoding import Column, Diagram
from invariants.properties import Kind, Property
from invariants.relations import Claim
from invariants.steps import Step
from invariants.symbolic import Symbolic
from invariants.trace import Path
from model.system import Value


def path(engine: Symbolic, claims: Sequence[Claim]) -> tuple[Property, Path] | None:
    """A shortest way to what violates one of the claims (of a Sometimes: to a witness), None if there is none."""
    for level in range(len(engine.layers)):
        for claim in claims:
            way = _path(engine, claim, level)
            if way:
                return claim.property, way
    return None


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


def _back(
    engine: Symbolic, level: int, codes: tuple[int, ...], moves: Iterable[tuple[str, dict[str, Value]]]
) -> Path:
    """The way from the initial layer to the state of these numbers in layer `level`, followed by `moves`."""
    encoding = engine.encoding
    way = [*moves]
    for earlier in reversed(engine.layers[:level]):
        target = encoding.conjunction((Column.NOW, n, c) for n, c in zip(engine.names, codes, strict=True))
        for step in engine.steps:
            sources = engine.stepper.preimage(step, target) & earlier
            if sources.satisfiable():
                way.insert(0, (step.source.name, encoding.state(codes, engine.names)))
                codes = engine.pick(sources)
                break
    return Path(encoding.state(codes, engine.names), tuple(way))
