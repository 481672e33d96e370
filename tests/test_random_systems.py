"""Every engine agrees with a search by dictionaries, on systems made at random."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invariants import symbolic
from invariants.check import Report, check
from invariants.verdicts import Verdict
from model.system import System
from tests.naive import Truth, explore
from tests.random_systems import Maker

ENGINES = (("symbolic", "layers"), ("symbolic", "saturation"), ("explicit", "layers"))


def fresh(system: System) -> System:
    """The system with nothing learned."""
    return System(system.name, system.variables, system.actions)


def agree(truth: Truth, report: Report) -> None:
    assert truth.states == report.states
    assert truth.transitions == report.transitions
    assert report.levels in (truth.levels, None)
    agree_on_verdicts(truth, report)


def agree_on_verdicts(truth: Truth, report: Report) -> None:
    assert report.complete
    assert report.bound is None
    for judgement in report.judgements:
        length = None if judgement.trace is None else len(judgement.trace.steps)
        assert (judgement.property.name, *truth.verdicts[judgement.property.name]) == (
            judgement.property.name,
            judgement.verdict,
            length,
        )


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_every_engine_finds_what_a_search_by_dictionaries_finds(engine: str, strategy: str, seed: int) -> None:
    maker = Maker(Random(seed))
    system = maker.system()
    properties = maker.properties(system)
    truth = explore(system, properties)

    agree(truth, check(fresh(system), properties, engine=engine, strategy=strategy, sliced=False))
    agree_on_verdicts(truth, check(fresh(system), properties, engine=engine, strategy=strategy))


@pytest.mark.parametrize("strategy", ["layers", "saturation"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_moving_to_larger_memories_and_starting_again_change_nothing(strategy: str, seed: int) -> None:
    maker = Maker(Random(seed))
    system = maker.system()
    properties = maker.properties(system)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(symbolic, "CACHE", 64)
        patch.setattr(symbolic, "RESERVED", 1)
        report = check(fresh(system), properties, strategy=strategy, sliced=False)
        early = check(fresh(system), properties, strategy=strategy, stop_when_decided=True)

    truth = explore(system, properties)
    agree(truth, report)
    assert {n: v for n, (v, _) in truth.verdicts.items()} == {j.property.name: j.verdict for j in early.judgements}


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_stopping_when_all_is_decided_changes_no_verdict(seed: int) -> None:
    maker = Maker(Random(seed))
    system = maker.system()
    properties = maker.properties(system)
    truth = explore(system, properties)

    report = check(system, properties, stop_when_decided=True)

    for judgement in report.judgements:
        verdict, length = truth.verdicts[judgement.property.name]
        assert verdict is judgement.verdict
        assert length == (None if judgement.trace is None else len(judgement.trace.steps))
        assert judgement.verdict is not Verdict.BOUNDED
