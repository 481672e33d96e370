"""The order of variables: it changes what an exploration costs, and nothing that it says."""

from __future__ import annotations

from random import Random

import pytest

from invariants.check import Report, check
from invariants.kargo import loops
from invariants.ordering import footprints_of, force, ordered, spans
from invariants.symbolic import Symbolic
from invariants.toys import CLAIMS
from invariants.toys import subject as toy
from model.kargo.releases import LATEST
from model.system import ModelError, System
from model.toys import TOYS


def shuffled(system: System) -> System:
    """The system with its variables in an order that nobody would choose."""
    variables = [*system.variables]
    Random(1).shuffle(variables)
    return System(system.name, tuple(variables), system.actions)


def names(system: System) -> list[str]:
    return [v.name for v in system.variables]


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("order", ["declared", "force", "auto"])
def test_verdicts_sizes_and_ways_do_not_depend_on_the_order(name: str, order: str) -> None:
    found = toy(name)
    plain = check(found.system, found.properties)
    other = check(shuffled(found.system), CLAIMS[name](), order=order)
    assert (other.states, other.transitions, other.levels) == (plain.states, plain.transitions, plain.levels)
    assert said(plain) == said(other)


def said(report: Report) -> list[object]:
    """The verdicts, with the states on the ways to them."""
    return [(j.property.name, j.verdict, j.trace and [*map(dict, j.trace.states)]) for j in report.judgements]


def test_force_finds_neighbours_again() -> None:
    """Round a table everybody has two: a good order is about as short as that."""
    table = TOYS["dining-philosophers"](30)
    footprints = [*footprints_of(table)]
    lost = shuffled(table)
    assert spans(names(lost), footprints) > 10 * spans(names(table), footprints)
    assert spans(force(lost), footprints) < 5 * spans(names(table), footprints)


def test_what_is_declared_is_kept_unless_it_is_bad() -> None:
    for name in ("single", "dev-prod"):
        system = loops.subject(name, LATEST).system
        assert names(ordered(system, "declared")) == names(system)
    table = TOYS["dining-philosophers"](30)
    assert names(ordered(table, "auto")) == names(table)
    assert names(ordered(shuffled(table), "auto")) == force(shuffled(table))


def test_a_good_order_makes_small_diagrams() -> None:
    """Counted in nodes: what they stand for is the same."""

    def nodes(system: System) -> int:
        engine = Symbolic(system)
        engine.run_saturation(lambda _: None)
        return int(engine.reach.node_count())

    lost = shuffled(TOYS["dining-philosophers"](12))
    assert 4 * nodes(ordered(lost, "auto")) < nodes(lost)


def test_an_order_of_ones_own() -> None:
    found = toy("tcommit")
    backwards = names(found.system)[::-1]
    assert names(ordered(found.system, backwards)) == backwards
    assert names(ordered(found.system, ["stranger", *backwards])) == backwards
    with pytest.raises(ModelError, match="lacks 'rm1'"):
        ordered(found.system, backwards[:-1])
    with pytest.raises(ModelError, match="no order 'best'"):
        ordered(found.system, "best")
