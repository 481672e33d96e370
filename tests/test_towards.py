"""Traces through steps that can go very many ways."""

from __future__ import annotations

from itertools import product

import pytest

from invariants.check import Bounds, Verdict, check
from invariants.properties import every_step, sometimes
from invariants.towards import chosen, labelled
from model.system import Outcomes, System, action, local, outcome, part, required, sequence, variable

COINS = 40


def toss(coin: int, total: int) -> Outcomes:
    """A coin that was not tossed yet comes up one way or the other."""
    return tuple(outcome("", coin=side, total=total + side) for side in (0, 1)) if coin < 0 else ()


def remember(total: int) -> Outcomes:
    """The sum goes into a variable that everything before it can have changed."""
    return (outcome("", sum=total),)


def one_after_the_other() -> System:
    """One step that tosses every coin: 2 ** 40 ways to go."""
    coins = tuple(variable(f"coin{i}", -1, domain=(-1, 0, 1)) for i in range(COINS))
    parts = [action(toss, f"toss {i}", coin=f"coin{i}") for i in range(COINS)]
    system_variables = (*coins, variable("sum", 0), local("total", 0))
    return System("coins", system_variables, (sequence("toss all", *parts, action(remember, writes=("sum",))),))


def all_heads(total: int) -> bool:
    """Every coin came up 1, the side that is tried last."""
    return total == COINS


def the_last_coin_never_comes_up(next_coin: int) -> bool:
    """Wrong."""
    return next_coin != 1


@pytest.mark.parametrize("claim", ["state", "step"])
def test_a_way_among_very_many_is_found(claim: str) -> None:
    wanted = {
        "state": sometimes(all_heads, total="sum"),
        "step": every_step(the_last_coin_never_comes_up, coin=f"coin{COINS - 1}"),
    }[claim]

    report = check(one_after_the_other(), [wanted], transitions=False, bounds=Bounds(seconds=60))

    [judgement] = report.judgements
    assert judgement.trace is not None
    assert (Verdict.HOLDS if claim == "state" else Verdict.VIOLATED) is judgement.verdict
    assert judgement.trace.end[f"coin{COINS - 1}"] == 1
    assert claim == "step" or judgement.trace.end["sum"] == COINS


def call(coin: int, total: int) -> Outcomes:
    """A coin comes up one way or the other, and everybody hears it."""
    return tuple(outcome(f"side {side}", coin=side, total=total + side) for side in (0, 1)) if coin < 0 else ()


def hide(coin: int) -> Outcomes:
    """A coin comes up one way or the other, and nobody hears it."""
    return tuple(outcome("", coin=side) for side in (0, 1)) if coin < 0 else ()


def aloud(coins: int, *, secret: int = 0) -> System:
    """One step that tosses every coin aloud, but for one, and some only where the first came up 1."""
    rules = [action(hide if i == secret else call, f"toss {i}", coin=f"coin{i}") for i in range(coins)]
    parts = [required(rules[0]), rules[1], sequence("others", *(part(r, coin1=1) for r in rules[2:]))]
    variables = (*(variable(f"coin{i}", -1, domain=(-1, 0, 1)) for i in range(coins)), local("total", 0))
    return System("aloud", variables, (sequence("toss all", *parts),))


@pytest.mark.parametrize("secret", range(4))
def test_the_ways_of_a_label_are_those_that_have_it_in_the_same_order(secret: int) -> None:
    system = aloud(4, secret=secret)
    [before] = system.initial_states()
    every = system.perform(system.actions[0], before)

    for label in {way.label for way in every} | {"side 2", "side", ""}:
        found = labelled(system, system.actions[0], before, label)
        assert found == [way for way in every if way.label == label]
    assert labelled(system, system.actions[0], every[0].state, every[0].label) == []


def test_ways_that_are_called_otherwise_are_not_gone() -> None:
    system = aloud(COINS)
    [before] = system.initial_states()

    found = labelled(system, system.actions[0], before, "; ".join(["side 1"] * (COINS - 1)))

    assert [way.state[f"coin{COINS - 1}"] for way in found] == [1, 1]


def test_choices_make_the_ways_in_order() -> None:
    system = aloud(4)
    [before] = system.initial_states()

    few = [(first, 0) for first in range(2)]
    all_ = [(first, 1, *others) for first in range(2) for others in product(range(2), repeat=2)]

    every = [tuple((side, 2) for side in sides) for sides in sorted([*few, *all_])]
    ways = [chosen(system, system.actions[0], before, made) for made in every]
    assert ways == system.perform(system.actions[0], before)


def test_choices_are_made_only_where_there_are_just_these() -> None:
    system = aloud(4)
    [before] = system.initial_states()
    made = ((0, 2), (1, 2), (1, 2), (1, 2))
    way = chosen(system, system.actions[0], before, made)

    assert way is not None
    assert chosen(system, system.actions[0], before, made[:1], begun=True) is not None
    assert chosen(system, system.actions[0], before, ((0, 3),), begun=True) is None
    assert chosen(system, system.actions[0], before, ((5, 2), *made[1:])) is None
    assert chosen(system, system.actions[0], before, made[:2]) is None
    assert chosen(system, system.actions[0], before, (*made, (0, 2))) is None
    assert chosen(system, system.actions[0], before, ((0, 3), *made[1:])) is None
    assert chosen(aloud(5), aloud(5).actions[0], next(aloud(5).initial_states()), made) is None
    assert chosen(system, system.actions[0], way.state, made) is None
