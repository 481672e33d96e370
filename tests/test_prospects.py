"""What becomes of a goal: who has to help, told apart on graphs, at random, and in a Stage that is stuck."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invariants.check import Bounds, check
from invariants.kargo import loops
from invariants.properties import Property, always, eventually, weak
from invariants.prospects import Prospect, by_actors, outlook, starting_at
from invariants.trace import true_of
from invariants.verdicts import Verdict
from model.kargo.loop.values import Verification
from model.kargo.releases import LATEST
from model.system import ModelError, Outcomes, System, action, only, variable
from tests.naive_runs import graph_of, holds
from tests.random_systems import Maker


def go(at: str, edges: tuple[tuple[str, str], ...]) -> Outcomes:
    """Every edge from here."""
    return tuple(o for a, b in edges if a == at for o in only(f"{a} to {b}", at=b))


def arrives(at: str, where: str) -> bool:
    """The goal."""
    return at == where


GOAL = always(arrives, constants={"where": "z"})


def system() -> System:
    """The controller gets there from `a`, and may from `d`; from `b` a person must help; from `c` nobody can."""
    steps = {
        "controller": (("a", "z"), ("d", "z"), ("d", "c")),
        "person": (("b", "a"), ("a", "c")),
    }
    made = (action(go, who, actor=who, constants={"edges": edges}) for who, edges in steps.items())
    return System("graph", (variable("at", "a"),), tuple(made))


@pytest.mark.parametrize(
    ("at", "prospect", "way"),
    [
        ("z", Prospect.MET, None),
        ("a", Prospect.COMES, ["controller"]),
        ("d", Prospect.MAY_COME, ["controller"]),
        ("b", Prospect.NEEDS_HELP, ["person", "controller"]),
        ("c", Prospect.OUT_OF_REACH, None),
    ],
)
def test_who_has_to_help(at: str, prospect: Prospect, way: list[str] | None) -> None:
    alone = by_actors(system(), ["controller"])
    found = outlook(system(), {"at": at}, GOAL, alone=alone, fair=[weak("controller")])
    assert found.prospect is prospect
    assert (found.way and [step.action for step in found.way.steps]) == way
    assert (found.never is not None) is (prospect not in (Prospect.MET, Prospect.COMES))


def test_without_fairness_nothing_comes_by_itself() -> None:
    assert outlook(system(), {"at": "a"}, GOAL, alone=["controller"]).prospect is Prospect.MAY_COME


def test_a_bound_leaves_it_open() -> None:
    found = outlook(system(), {"at": "b"}, GOAL, alone=["controller"], bounds=Bounds(depth=1))
    assert found.prospect is Prospect.UNKNOWN


def test_a_state_that_lacks_a_variable_is_refused() -> None:
    with pytest.raises(ModelError, match="no value for 'at'"):
        starting_at(system(), {})


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_prospects_are_what_graphs_say(seed: int) -> None:
    """By search in the graph of the system, from a state drawn at random."""
    random = Random(seed)
    maker = Maker(random)
    made = maker.system()
    claim = next(iter(maker.claims_about_runs(made)))
    goal = always(claim.function, "goal", constants=dict(claim.constants), **{p: v for p, (v, _) in claim.reads})
    alone = random.sample([s.name for s in made.actions], random.randint(0, len(made.actions)))
    state = dict(random.choice([*graph_of(made).states.values()]))
    found = outlook(made, state, goal, alone=alone, fair=claim.fair).prospect

    here = graph_of(starting_at(made, state))
    (start,) = here.starts
    met = {n for n, s in here.states.items() if true_of(goal, s, s)}
    by_itself = nx.DiGraph((a, b) for a, name, b in here.edges if name in alone)
    by_itself.add_node(start)
    whole = nx.DiGraph((a, b) for a, _, b in here.edges)
    whole.add_node(start)
    awaited = eventually(claim.function, "x", fair=claim.fair, by=tuple(alone), constants=dict(claim.constants))
    expected = _expected(
        start in met,
        bool(alone) and holds(here, _bound(awaited, goal)),
        not met.isdisjoint(nx.descendants(by_itself, start)),
        not met.isdisjoint(nx.descendants(whole, start)),
    )
    assert found is expected


def _bound(claim: Property, goal: Property) -> Property:
    return replace(claim, reads=goal.reads)


def _expected(met: bool, comes: bool, may_come: bool, helped: bool) -> Prospect:
    if met:
        return Prospect.MET
    if comes:
        return Prospect.COMES
    if may_come:
        return Prospect.MAY_COME
    return Prospect.NEEDS_HELP if helped else Prospect.OUT_OF_REACH


def is_verified(verification: Verification | None) -> bool:
    """A verification is over."""
    return verification is not None and verification.phase.terminal


def test_a_stage_that_waits_for_ever_for_its_verification_needs_somebody() -> None:
    """What is stuck for good (F1): the controller alone never gets there; a person who promotes again does."""
    subject = loops.subject("verification", LATEST, promotions=3, freight=1)
    (claim,) = (p for p in subject.properties if p.function.__name__ == "its_verification_is_over")
    (judgement,) = check(subject.system, (claim,), strategy="saturation", transitions=False).judgements
    assert judgement.verdict is Verdict.VIOLATED
    assert judgement.trace is not None

    goal = always(is_verified, verification="verification[dev]")
    alone = by_actors(subject.system, ["controller", "application"])
    fair = [weak(name) for name in alone if name.startswith(("reconcile", "AnalysisRun"))]
    found = outlook(subject.system, judgement.trace.end, goal, alone=alone, fair=fair)
    assert found.prospect is Prospect.NEEDS_HELP
    assert found.way is not None
    assert next(step.action for step in found.way.steps if step.actor == "person") == "promote a1 to dev"
