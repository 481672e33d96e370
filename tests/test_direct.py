"""Small systems explored directly: what is found there is what a search by dictionaries finds, and can be taken."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invariants import direct
from invariants.properties import Kind, Property, always, every_step, leads_to, sometimes
from invariants.toys import subject
from invariants.verdicts import Bounds, Verdict
from model.system import ModelError, Outcomes, System, Value, action, only, outcome, sequence, variable
from tests.naive import explore
from tests.random_systems import Maker


def decided(verdict: Verdict, claim: Property) -> bool:
    return verdict is (Verdict.HOLDS if claim.kind is Kind.SOMETIMES else Verdict.VIOLATED)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_it_finds_what_a_search_by_dictionaries_finds(seed: int) -> None:
    maker = Maker(Random(seed))
    system = maker.system()
    every = tuple(step.name for step in system.actions)
    claims = [
        c if c.kind is not Kind.EVERY_STEP or c.by else replace(c, by=every) for c in maker.properties(system)
    ]
    truth = explore(system, claims).verdicts

    seen = direct.explore(System(system.name, system.variables, system.actions), claims)

    assert seen.complete
    for claim in claims:
        verdict, length = truth[claim.name]
        assert (claim in seen.ways) is decided(verdict, claim)
        if claim in seen.ways:
            run = direct.taken(system, seen, claim)
            assert run is not None
            assert (len(run.steps), direct.decides(claim, run)) == (length, True)


@pytest.mark.parametrize("toy", ["die-hard", "peterson"])
def test_toys_have_the_verdicts_that_they_are_known_for(toy: str) -> None:
    known = subject(toy)
    claims = [c for c in known.properties if c.kind in (Kind.ALWAYS, Kind.SOMETIMES)]
    truth = explore(known.system, claims).verdicts

    seen = direct.explore(known.system, claims)

    assert claims
    for claim in claims:
        assert (claim in seen.ways) is decided(truth[claim.name][0], claim)


# A counter, of which it matters only whether it is over two


def count(n: int) -> Outcomes:
    return (outcome("one", n=n + 1), outcome("two", n=n + 2)) if n < 40 else ()


def note(n: int) -> Outcomes:
    return only(over=n > 2)


def it_is_small(over: bool) -> bool:
    return not over


def never_two_at_once(n: int, next_n: int) -> bool:
    return next_n - n != 2


def counter() -> System:
    step = sequence("step", action(count), action(note, writes=("over",)))
    return System("counter", (variable("n", 0), variable("over", False)), (step,))


def over_two(n: Value) -> Value:
    return min(n, 3) if isinstance(n, int) else n


def test_values_that_make_no_difference_are_taken_for_one_another() -> None:
    system, claim = counter(), always(it_is_small)

    every = direct.explore(system, [claim, sometimes(never, n="n")])
    few = direct.explore(system, [claim, sometimes(never, n="n")], alike={"n": over_two})

    assert (every.states, few.states) == (42, 4)
    assert every.ways.keys() == few.ways.keys() == {claim}
    run = direct.taken(system, few, claim)
    assert run is not None
    assert [step.label for step in run.steps] == ["one", "two"]


def never(n: int) -> bool:
    return n < 0


def test_it_ends_when_every_claim_is_decided() -> None:
    claim = every_step(never_two_at_once, by=("step",))

    seen = direct.explore(counter(), [claim])

    assert (seen.complete, seen.states < 10, len(seen.ways[claim].moves)) == (True, True, 1)


def test_a_bound_that_is_hit_is_said() -> None:
    seen = direct.explore(counter(), [sometimes(never, n="n")], bounds=Bounds(states=10))

    assert not seen.complete
    assert "10 states" in seen.why[0]


def test_values_that_do_make_a_difference_are_noticed() -> None:
    claim = always(it_is_small)

    seen = direct.explore(counter(), [claim], alike={"n": lambda n: 3 if n else 0})

    with pytest.raises(ModelError, match="cannot be taken again"):
        direct.taken(counter(), seen, claim)


def test_claims_about_all_steps_or_runs_are_refused() -> None:
    about_all = every_step(never_two_at_once)
    about_runs = leads_to(always(it_is_small), it_is_small)

    for claim in (about_all, about_runs):
        with pytest.raises(ModelError, match="is about all steps, or about runs"):
            direct.explore(counter(), [claim])
