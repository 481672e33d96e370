"""Walks by hand: what is enabled, what a step does, the way back, what is broken, and the way to what one names."""

from __future__ import annotations

import pytest

from commands.check import Case, named
from invariants import toys
from invariants.properties import Kind, always
from invariants.trace import Path, retrace
from invariants.verdicts import Bounds
from model.kargo.phases import PromotionPhase, StepPhase
from model.system import ModelError, Outcomes, System, only, variable
from model.system import action as step
from simulations import exploring
from simulations.exploring import Choice, NotEnabledError, Standing

JUGS = toys.subject("die-hard")
RETRY = named(Case("retry", "1.8.3", None, None), None)


def choose(walk: exploring.Walk, name: str) -> exploring.Walk:
    return exploring.take_by_name(walk, name)


def test_what_is_enabled_is_what_the_system_says() -> None:
    walk = choose(exploring.begin(JUGS.system), "fill the big jug")

    enabled = [(o.taken.action, o.taken.after) for o in exploring.options(walk)]

    assert enabled == [(s.action.name, s.state) for s in JUGS.system.successors(walk.state)]


def test_a_walk_is_known_by_its_choices() -> None:
    walk = exploring.begin(JUGS.system)
    for name in ("fill the big jug", "big to small", "empty the small jug"):
        walk = choose(walk, name)

    assert exploring.follow(JUGS.system, walk.start, walk.choices) == walk
    assert walk.state == {"big": 2, "small": 0}
    moves = tuple((s.action, s.after) for s in walk.trace.steps)
    assert retrace(JUGS.system, Path(walk.trace.start, moves)) == walk.trace


def test_the_way_back_forgets_the_last_steps() -> None:
    first = choose(exploring.begin(JUGS.system), "fill the big jug")
    second = choose(first, "big to small")

    assert exploring.back(second) == first
    assert exploring.back(second, 9) == exploring.begin(JUGS.system)


@pytest.mark.parametrize("choice", [Choice(0, 1), Choice(0, -1), Choice(99, 0), Choice(-1, 0)])
def test_what_does_not_exist_cannot_be_chosen(choice: Choice) -> None:
    with pytest.raises(NotEnabledError):
        exploring.take(exploring.begin(JUGS.system), choice)


def test_what_is_not_enabled_cannot_be_chosen() -> None:
    start = exploring.begin(RETRY.system)
    wiped = next(n for n, a in enumerate(RETRY.system.actions) if a.name == "lose the work directory")

    with pytest.raises(NotEnabledError, match="can go 0 ways"):
        exploring.take(start, Choice(wiped, 0))


def test_there_are_as_many_beginnings_as_initial_states() -> None:
    two = System("two", (variable("x", 1, 2),), (step(lambda x: only(x=x + 1), "count", x="x"),))

    assert [exploring.begin(two, n).state["x"] for n in (0, 1)] == [1, 2]
    with pytest.raises(NotEnabledError):
        exploring.begin(two, 2)


def test_ways_that_are_said_alike_are_told_apart_by_their_number() -> None:
    def either(x: int) -> Outcomes:
        return (*only("it goes", x=x + 1), *only("it goes", x=x + 10))

    forked = System("forked", (variable("x", 0),), (step(either, "fork"),))
    walk = exploring.take(exploring.begin(forked), Choice(0, 1))

    assert walk.state["x"] == 10
    assert exploring.nth_of_its_name(walk, 0) == 1
    assert exploring.take_by_name(exploring.begin(forked), "fork", "it goes", 1) == walk


def test_a_claim_about_a_step_is_broken_by_the_step_that_breaks_it() -> None:
    claim = next(p for p in RETRY.properties if p.name.startswith("a_started_step_is_never_skipped"))
    way = exploring.way_to(exploring.begin(RETRY.system), claim)

    assert way.walk is not None
    assert exploring.standing(way.walk, claim) is Standing.BROKEN
    assert exploring.standing(exploring.back(way.walk), claim) is Standing.HOLDS
    assert exploring.standing(exploring.begin(RETRY.system), claim) is Standing.SILENT


def test_claims_about_states_situations_and_runs_say_where_they_stand() -> None:
    walk = exploring.begin(JUGS.system)
    small = always(lambda big: big < 5, "the_big_jug_is_not_full", big="big")
    kinds = {p.kind: p for p in JUGS.properties}

    assert exploring.standing(walk, small) is Standing.HOLDS
    assert exploring.standing(choose(walk, "fill the big jug"), small) is Standing.BROKEN
    assert exploring.standing(walk, kinds[Kind.SOMETIMES]) is Standing.NOT_HERE
    assert exploring.standing(walk, kinds[Kind.STAYS_POSSIBLE]) is Standing.AWAITED


def test_the_shortest_way_to_a_value_goes_on_from_here() -> None:
    walk = choose(exploring.begin(JUGS.system), "fill the small jug")

    way = exploring.way_to(walk, exploring.with_value("big", 4))

    assert way.walk is not None
    assert way.walk.choices[:1] == walk.choices
    assert way.walk.state["big"] == 4
    whole = exploring.way_to(exploring.begin(JUGS.system), exploring.with_value("big", 4))
    assert whole.walk is not None
    assert len(whole.walk.choices) == 6  # the known solution of the riddle


def test_a_way_may_be_to_the_phase_of_what_a_variable_holds() -> None:
    start = exploring.begin(RETRY.system)
    entry = next(name for name in start.state if name.startswith("entry["))

    way = exploring.way_to(start, exploring.in_phase(entry, StepPhase.SKIPPED))
    ended = exploring.way_to(start, exploring.in_phase("phase", PromotionPhase.SUCCEEDED))

    assert way.walk is not None
    assert ended.walk is not None
    assert way.walk.state[entry].phase is StepPhase.SKIPPED
    assert ended.walk.state["phase"] is PromotionPhase.SUCCEEDED


def test_that_there_is_no_way_is_said_only_when_everything_was_seen() -> None:
    start = exploring.begin(JUGS.system)

    assert exploring.way_to(start, exploring.with_value("big", 6)) == exploring.Way(None, None)
    bounded = exploring.way_to(start, exploring.with_value("big", 4), Bounds(depth=2))
    assert bounded.walk is None
    assert bounded.bound is not None
    assert "2 levels" in bounded.bound


def test_no_state_violates_a_claim_about_runs() -> None:
    claim = next(p for p in JUGS.properties if p.kind is Kind.STAYS_POSSIBLE)

    with pytest.raises(ModelError):
        exploring.way_to(exploring.begin(JUGS.system), claim)
