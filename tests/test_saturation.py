"""Saturation by blocks finds what breadth-first search finds, wherever the borders are."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invariants import blocks, encoding, symbolic
from invariants.blocks import Block, blocks_of
from invariants.check import Bounds, Verdict, check
from invariants.properties import Kind, Property
from model.system import NOT_ENABLED, Action, Outcomes, Sequence, System, only, variable
from model.toys.dining_philosophers import dining_philosophers
from tests.naive import explore
from tests.random_systems import Maker
from tests.test_random_systems import agree, fresh


def grow(mine: int, above: int, last: int) -> Outcomes:
    return only(mine=mine + 1) if mine < min(above, last) else NOT_ENABLED


def chain(length: int, last: int) -> System:
    """Counters, each of which goes no further than the one before."""
    names = [f"n{i}" for i in range(length)]
    steps = [
        Action(f"grow {name}", grow, (("mine", name), ("above", above)), (("mine", name),), (("last", last),))
        for above, name in pairwise(names)
    ]
    return System("chain", (variable("n0", last), *(variable(n, 0) for n in names[1:])), tuple(steps))


def narrowed(step: Action | Sequence, above: frozenset[str]) -> Action | Sequence:
    """The step without its writes to variables of the systems above."""
    if isinstance(step, Sequence):
        return replace(step, parts=tuple(replace(p, body=narrowed(p.body, above)) for p in step.parts))
    taken = frozenset(n for n, v in step.writes if v in above)
    return replace(step, writes=tuple((n, v) for n, v in step.writes if n not in taken), ignored=taken)


def stacked(random: Random, count: int) -> tuple[System, tuple[Property, ...]]:
    """Systems made at random, one below the other; each reads some variables of those above."""
    variables = []
    steps = []
    properties = []
    above: list[str] = []
    for k in range(count):
        maker = Maker(random)
        maker.values = 2
        maker.functions = [maker._rows() for _ in range(3)]
        mine = [f"{name}.{k}" for name in maker.globals[:2]]
        maker.globals = [*mine, *random.sample(above, min(len(above), 2))]
        maker.locals = [f"{name}.{k}" for name in maker.locals]
        system = maker.system()
        variables += [v for v in system.variables if v.name not in above]
        steps += [replace(narrowed(s, frozenset(above)), name=f"{s.name} of {k}") for s in system.actions]
        properties += [replace(p, name=f"{p.name} of {k}", by=()) for p in maker.properties(system)]
        above += mine
    return System("stacked", tuple(variables), tuple(steps)), tuple(properties)


@given(
    seed=st.integers(0, 2**32 - 1),
    many=st.sampled_from((1, 2, 100)),
    classes=st.sampled_from((1, 2, 12)),
    cache=st.sampled_from((64, 1 << 16)),
)
@settings(max_examples=100, deadline=None)
def test_systems_below_each_other(seed: int, many: int, classes: int, cache: int) -> None:
    system, properties = stacked(Random(seed), 3)
    truth = explore(system, properties)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "STEPS", 1)
        patch.setattr(blocks, "MANY", many)
        patch.setattr(symbolic, "CACHE_PER_VARIABLE", 1)
        patch.setattr(encoding, "CLASSES", classes)
        patch.setattr(symbolic, "CACHE", cache)
        report = check(fresh(system), properties, strategy="saturation", sliced=False)

    agree(truth, report)


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1), many=st.sampled_from((1, 100)))
@settings(max_examples=60, deadline=None)
def test_what_was_seen_in_all_blocks_counts_when_it_is_stopped(seed: int, share: float, many: int) -> None:
    system, properties = stacked(Random(seed), 3)
    truth = explore(system, properties)
    most = max(1, int(truth.states * share))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "STEPS", 1)
        patch.setattr(blocks, "MANY", many)
        report = check(fresh(system), properties, strategy="saturation", sliced=False, bounds=Bounds(states=most))

    assert min(most, truth.states) <= report.states <= truth.states
    for judgement in report.judgements:
        sought = Verdict.HOLDS if judgement.property.kind is Kind.SOMETIMES else Verdict.VIOLATED
        true, _ = truth.verdicts[judgement.property.name]
        assert judgement.verdict in (true, Verdict.BOUNDED)
        assert report.complete or judgement.verdict in (sought, Verdict.BOUNDED)


def test_borders_lie_where_no_step_writes_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "STEPS", 1)

    assert blocks_of(chain(4, 2)) == (
        Block(0, ("grow n1",)),
        Block(2, ("grow n2",)),
        Block(3, ("grow n3",)),
    )


def test_a_block_has_no_fewer_steps_than_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "STEPS", 2)

    steps = [block.steps for block in blocks_of(chain(6, 2))]

    assert steps == [("grow n1", "grow n2"), ("grow n3", "grow n4", "grow n5")]


def test_where_every_border_is_crossed_there_is_one_after_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "STEPS", 1)
    ring = dining_philosophers(4)
    monkeypatch.setattr(blocks, "MANY", 100)

    assert len(blocks_of(ring)) == 1

    monkeypatch.setattr(blocks, "MANY", 5)

    assert blocks_of(ring) == (
        Block(0, ("loop 1", "loop 4", "eat 1", "eat 4", "think 1")),
        Block(4, ("loop 2", "eat 2", "think 2", "loop 3", "eat 3")),
        Block(10, ("think 3", "think 4")),
    )


def test_there_are_no_more_blocks_than_calls_go_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "STEPS", 1)
    monkeypatch.setattr(blocks, "MOST", 3)

    assert [len(block.steps) for block in blocks_of(chain(9, 2))] == [3, 5]
    assert len(blocks_of(chain(8, 2))) <= 3


@pytest.mark.parametrize("many", [10, 100])
def test_a_ring_of_many_is_seen_whole_wherever_it_is_cut(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MANY", many)
    system = dining_philosophers(12)

    report = check(system, (), strategy="saturation")

    assert report.states == check(system, (), strategy="layers").states
