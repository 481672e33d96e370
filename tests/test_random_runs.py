"""Every engine agrees with graphs of dictionaries about runs, on systems made at random."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invariants import symbolic
from invariants.check import check
from invariants.properties import Property
from invariants.verdicts import Verdict
from model.system import System
from tests.naive_runs import graph_of, holds, violates
from tests.random_systems import Maker

ENGINES = (("symbolic", "layers"), ("symbolic", "saturation"), ("explicit", "layers"))


def agrees(engine: str, strategy: str, seed: int) -> None:
    """Verdicts are those of the graph, and every run that is shown violates its claim."""
    maker = Maker(Random(seed))
    system = maker.system()
    claims = (*maker.claims_about_runs(system), *maker.properties(system))
    graph = graph_of(system)

    for sliced in (False, True):
        fresh = System(system.name, system.variables, system.actions)
        report = check(fresh, claims, engine=engine, strategy=strategy, sliced=sliced)
        assert report.complete
        for judgement in report.judgements:
            claim, trace = judgement.property, judgement.trace
            if claim.kind.value not in ("eventually", "leads to", "stays possible"):
                continue
            assert (judgement.verdict is Verdict.HOLDS) is holds(graph, claim)
            assert (trace is None) is (judgement.verdict is Verdict.HOLDS)
            if trace is not None and not sliced:
                assert violates(system, graph, claim, trace)


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_every_engine_judges_runs_as_graphs_do(engine: str, strategy: str, seed: int) -> None:
    agrees(engine, strategy, seed)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_moving_to_larger_memories_changes_nothing(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(symbolic, "CACHE", 64)
        patch.setattr(symbolic, "RESERVED", 1)
        agrees("symbolic", "saturation", seed)


def otherwise(claim: Property) -> Property:
    """The claim with strong fairness in place of weak, and the other way round."""
    return replace(claim, fair=tuple(replace(fairness, strong=not fairness.strong) for fairness in claim.fair))


RINGS = [Maker(Random(seed)).ring() for seed in range(60)]


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
def test_it_matters_what_is_fair_and_how(engine: str, strategy: str) -> None:
    for system, claim in RINGS:
        graph = graph_of(system)
        (judgement,) = check(system, (claim,), engine=engine, strategy=strategy).judgements
        assert (judgement.verdict is Verdict.HOLDS) is holds(graph, claim)


def test_there_are_rings_where_it_does_matter() -> None:
    truths = [[holds(graph_of(s), c) for c in (claim, otherwise(claim))] for s, claim in RINGS]

    assert {(True, True), (True, False), (False, True), (False, False)} == set(map(tuple, truths))
