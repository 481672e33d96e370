"""Chance on the rules of a model: random numbers, unknown instants, trees, tallies and chains, on toys."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from model.system import ModelError, Outcomes, System, action, local, only, outcome, sequence, variable
from simulations.stochastic import chains
from simulations.stochastic.batches import RUN, Batch, Enumerated, Sampled
from simulations.stochastic.chains import Chain, NeverEndsError, Option
from simulations.stochastic.distributions import (
    DistributionError,
    Sometimes,
    UncountableError,
    Values,
    continuous,
    names,
    shapes_of,
)
from simulations.stochastic.forking import PATH, Choice, Unknown, forking, unknown, ways
from simulations.stochastic.philox import philox, uniforms
from simulations.stochastic.tallies import Histogram, Moments, share
from simulations.stochastic.trees import End, follow, tree_of
from tests.studies import storm

# Random numbers


def words(*values: int) -> tuple[np.ndarray, ...]:
    return tuple(np.array([value], np.uint64) for value in values)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_random_words_are_those_of_the_authors(
    counter: tuple[int, ...], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    a, b, c, d = words(*counter)

    assert tuple(int(w[0]) for w in philox((a, b, c, d), key)) == expected


def test_a_random_number_depends_on_what_it_is_for_and_on_nothing_else() -> None:
    runs = np.arange(1000)
    together = uniforms(7, runs, 3, runs % 5)
    alone = uniforms(7, runs[123:124], 3, runs[123:124] % 5)

    assert alone[0] == together[123]
    others = (uniforms(8, runs, 3, runs % 5), uniforms(7, runs, 4, runs % 5), uniforms(7, runs, 3, runs % 5 + 1))
    assert [(other == together).any() for other in others] == [False] * 3


def test_random_numbers_are_spread_evenly_and_independent() -> None:
    runs = np.arange(20_000)
    first, second = (uniforms(1, runs, 0, np.full(20_000, n)) for n in (0, 1))

    assert 0 < first.min() < 1e-3 < 1 - 1e-3 < first.max() < 1
    assert stats.kstest(first, "uniform").pvalue > 1e-3
    assert abs(stats.pearsonr(first, second).statistic) < 0.03


# Distributions

PARAMETERS: dict[str, dict[str, float]] = {"truncnorm": {"a": -1, "b": 3, "loc": 20, "scale": 10}}
SHAPES = {"b": 3.0, "a": 2.0, "s": 0.5, "c": 0.7, "d": 2.0, "mu": 0.8, "df": 4.0}


@pytest.mark.parametrize("name", [n for n in names() if n != "norm"])
def test_every_distribution_that_is_offered_can_be_had_and_has_its_mean(name: str) -> None:
    shapes: dict[str, float] = {shape: SHAPES[shape] for shape in shapes_of(name)}
    parameters = PARAMETERS.get(name, {**shapes, "loc": 0.0, "scale": 1000.0})
    found = continuous(name, parameters)
    drawn = found.at(uniforms(5, np.arange(40_000), 1, np.zeros(40_000, np.int64)))
    median = getattr(stats, name)(**parameters).median()

    assert drawn.min() >= 0
    assert np.median(drawn) == pytest.approx(median, rel=0.05)


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("normal", {}, "no distribution 'normal'; there are: uniform, expon"),
        ("norm", {"loc": 5000.0, "scale": 1000.0}, "can be negative"),
        ("uniform", {"loc": -1.0, "scale": 10.0}, "can be negative"),
        ("gamma", {"scale": 3.0}, "gamma needs 'a'"),
        ("expon", {"rate": 3.0}, "expon has no parameter 'rate'; its parameters are: loc, scale"),
        ("lognorm", {"s": -1.0}, "not defined"),
    ],
)
def test_what_is_no_distribution_of_times_is_refused(name: str, parameters: dict[str, float], said: str) -> None:
    with pytest.raises(DistributionError, match=said):
        continuous(name, parameters)


def test_enumerating_and_sampling_agree() -> None:
    distribution = Sometimes(0.25, Values("v", {10: 1.0, 30: 3.0}))
    one = Batch({RUN: np.zeros(1, np.int64)}, 1, np.ones(1))
    batch, values = Enumerated().draw(one, distribution, 0, np.zeros(1, np.int64))
    assert batch.weight is not None
    exact = dict(zip(values.tolist(), batch.weight.tolist(), strict=True))
    many = Batch({RUN: np.arange(40_000)}, 40_000)
    _, drawn = Sampled(3).draw(many, distribution, 0, np.zeros(40_000, np.int64))

    assert exact == {0: 0.75, 10: 0.0625, 30: 0.1875}
    for value, times in Counter(drawn.tolist()).items():
        assert times / 40_000 == pytest.approx(exact[value], abs=0.01)


def test_what_has_no_end_cannot_be_enumerated() -> None:
    with pytest.raises(UncountableError, match="expon has no end of values"):
        continuous("expon", {"scale": 5.0}).atoms()


# Rules on what is not known


@given(st.integers(-5000, 5000), st.integers(-5000, 5000), st.integers(1, 2000))
def test_a_rule_on_unknown_numbers_says_what_it_says_on_each(x: int, y: int, limit: int) -> None:
    def rule(start: int, now: int) -> int:
        kept = start // 1000 * 1000
        if now - start > limit:
            return max(kept + limit - now, 0)
        return -kept * 2 if kept < now <= 3000 else limit

    columns = {"x": np.array([x]), "y": np.array([y])}
    taken = [
        result
        for met, result in ways(lambda: rule(unknown("x"), unknown("y")))
        if all((test.of.at(columns, 1)[0] > 0) == test.holds for test in met)
    ]

    assert len(taken) == 1
    found = taken[0]
    assert (found.value.at(columns, 1)[0] if isinstance(found, Unknown) else found) == rule(x, y)


def test_unknown_numbers_that_cancel_are_known() -> None:
    x, y = unknown("x"), unknown("y")

    assert x + 5 - x == 5
    assert x + y == y + x
    assert hash(x - y) == hash(-(y - x))
    assert x + 1 != x


def test_a_comparison_that_nobody_follows_is_an_error() -> None:
    with pytest.raises(ModelError, match="nobody goes both ways"):
        assert unknown("x") > 3
    with pytest.raises(ModelError, match="zero"):
        assert unknown("x")


def toss(now: int) -> Outcomes:
    """A coin shows either side."""
    return (outcome("heads", now=now + 10, side="heads"), outcome("tails", now=now + 20, side="tails"))


def ring(now: int, limit: int) -> Outcomes:
    """A bell rings once it is late."""
    return only("rings", rung=True) if now > limit else ()


def coin() -> System:
    step = sequence("toss and ring", action(toss, writes=("side",)), action(ring, writes=("rung",)))
    clock = (variable("now", 0), variable("limit", 0), variable("side", ""), variable("rung", False))
    return System("coin", (*clock, local(PATH, ())), (forking(step),))


def test_a_step_becomes_a_tree_that_decides_as_the_step_does() -> None:
    system = coin()
    state = {**next(system.initial_states()), "now": unknown("now"), "limit": unknown("limit")}
    tree = tree_of((s.record[PATH], s.state) for s in system.perform(system.actions[0], state))
    limits = np.array([100, 105, 115, 125])

    def choose(choice: Choice, batch: Batch) -> list[tuple[int, Batch]]:
        assert choice.ways == ("heads", "tails")
        return [(0, batch), (1, batch)]

    found = set()
    for end, rows in follow(tree, Batch({"now": np.full(4, 100), "limit": limits}, 4), choose):
        assert isinstance(end, End)
        found |= {(end.result["side"], end.result["rung"], int(limit)) for limit in rows["limit"]}
    late = {"heads": 110, "tails": 120}

    assert found == {(side, late[side] > int(limit), int(limit)) for side, limit in product(late, limits)}


# Tallies


@given(st.lists(st.integers(0, 1 << 45), min_size=1, max_size=200), st.sampled_from((0.01, 0.5, 0.95)))
def test_a_quantile_is_right_to_within_its_bin(values: list[int], part: float) -> None:
    histogram = Histogram()
    histogram.add(np.array(values, np.int64))
    found = histogram.quantile(part, 0.95)
    exact = sorted(values)[max(0, math.ceil(part * len(values)) - 1)]

    assert found is not None
    assert found.value == pytest.approx(exact, rel=1 / 128, abs=0.5)
    assert found.low <= found.value <= found.high


def test_tallies_do_not_depend_on_how_runs_are_divided() -> None:
    values = uniforms(2, np.arange(3000), 0, np.zeros(3000, np.int64))
    times = (values * 1e12).astype(np.int64)
    parts = (times[:10], times[10:2000], times[2000:])
    whole, pieces = (Histogram(), Moments(2)), (Histogram(), Moments(2))
    whole[0].add(times)
    whole[1].add((times, np.ones_like(times)))
    for part in reversed(parts):
        histogram, moments = Histogram(), Moments(2)
        histogram.add(part)
        moments.add((part, np.ones_like(part)))
        pieces[0].merge(histogram)
        pieces[1].merge(moments)

    assert (whole[0].counts == pieces[0].counts).all()
    assert whole[1] == pieces[1]
    mean = whole[1].ratio(0.95)
    assert mean is not None
    assert mean.value == pytest.approx(times.mean())
    assert mean.high - mean.value == pytest.approx(1.959964 * times.std(ddof=1) / math.sqrt(3000), rel=1e-6)


def test_paired_differences_are_sharper_than_two_means() -> None:
    luck = (uniforms(2, np.arange(3000), 0, np.zeros(3000, np.int64)) * 1000).astype(np.int64)
    ones = np.ones_like(luck)
    pair, alone = Moments(4), Moments(2)
    pair.add((luck, ones, luck + 3 + luck % 2, ones))
    alone.add((luck, ones))
    difference, mean = pair.difference(0.95), alone.ratio(0.95)

    assert difference is not None
    assert mean is not None
    assert difference.low < 3.5 < difference.high
    assert difference.high - difference.low < (mean.high - mean.low) / 100


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_intervals_hold_the_truth_as_often_as_they_say(confidence: float) -> None:
    held = {"share": 0, "median": 0, "mean": 0}
    studies, size = 400, 300
    for study in range(studies):
        drawn = continuous("expon", {"scale": 1e5}).at(
            uniforms(study, np.arange(size), 0, np.zeros(size, np.int64))
        )
        successes = int((drawn < 20_000).sum())
        histogram, moments = Histogram(), Moments(2)
        histogram.add(drawn)
        moments.add((drawn, np.ones_like(drawn)))
        estimates = {
            "share": (share(successes, size, confidence), 1 - math.exp(-0.2)),
            "median": (histogram.quantile(0.5, confidence), 1e5 * math.log(2)),
            "mean": (moments.ratio(confidence), 1e5),
        }
        for name, (estimate, truth) in estimates.items():
            assert estimate is not None
            held[name] += estimate.low <= truth <= estimate.high

    assert all(abs(times / studies - confidence) < 0.06 for times in held.values()), held


# Chains


def gambler(chance: float, goal: int) -> Chain:
    """Who has 1 and plays for 1 each time, until there is nothing left or as much as `goal`."""
    chain = Chain()
    order = [1, 0, *range(2, goal + 1)]
    at = {money: k for k, money in enumerate(order)}
    for money in order:
        if money in (0, goal):
            chain.labels[at[money]] = ("ruined" if money == 0 else "rich",)
            chain.options.append([])
        else:
            targets, chances = [at[money + 1], at[money - 1]], [chance, 1 - chance]
            chain.options.append([Option(targets, chances, {"games": [1.0, 1.0], "won": [1.0, 0.0]})])
    return chain


@pytest.mark.parametrize(("chance", "goal"), [(0.5, 10), (0.4, 6), (0.7, 30)])
def test_the_gambler_is_ruined_as_often_and_as_late_as_the_books_say(chance: float, goal: int) -> None:
    odds = (1 - chance) / chance
    rich = 1 / goal if chance == 0.5 else (1 - odds) / (1 - odds**goal)
    games = goal - 1 if chance == 0.5 else (1 - goal * rich) / (1 - 2 * chance)
    chain = gambler(chance, goal)

    assert chains.probability(chain, "rich").least == pytest.approx(rich)
    assert chains.probability(chain, "ruined").greatest == pytest.approx(1 - rich)
    assert chains.expected(chain, "games").least == pytest.approx(games)
    assert chains.expected_if(chain, "won", "rich") == pytest.approx(
        (chains.expected_if(chain, "games", "rich") + goal - 1) / 2
    )


def test_what_nobody_knows_gives_bounds() -> None:
    sure = Option([1], [1.0], {"steps": [1.0]})
    risky = Option([2, 3], [0.5, 0.5], {"steps": [1.0, 1.0]})
    again = Option([0], [1.0], {"steps": [1.0]})
    chain = Chain(
        [[risky, sure], [Option([2, 3], [0.9, 0.1], {"steps": [2.0, 2.0]})], [], []], {2: ("good",), 3: ("bad",)}
    )
    found = chains.probability(chain, "good")

    assert found.least == pytest.approx(0.5)
    assert found.greatest == pytest.approx(0.9)
    assert chains.expected(chain, "steps") == chains.Bounds(1.0, 3.0)
    with pytest.raises(ValueError, match="before all is decided"):
        chains.expected_if(chain, "steps", "good")
    endless = Chain([[again]], {})
    assert chains.probability(endless, "good") == chains.Bounds(0.0, 0.0)
    with pytest.raises(NeverEndsError):
        chains.expected(endless, "steps")


def test_storm_agrees_about_the_gambler(tmp_path: Path) -> None:
    chain = gambler(0.4, 6)
    asked = storm(chain, {"games": "games"}, tmp_path)

    assert asked('P=? [F "rich"]') == pytest.approx(chains.probability(chain, "rich").least, rel=1e-6)
    assert asked('R{"games"}=? [F ("rich" | "ruined")]') == pytest.approx(
        chains.expected(chain, "games").least, rel=1e-5
    )


def test_storm_agrees_about_what_nobody_knows(tmp_path: Path) -> None:
    ends = Option([1, 2], [0.5, 0.5], {"steps": [1.0, 1.0]})
    longer = Option([0, 1, 2], [0.5, 0.4, 0.1], {"steps": [1.0, 1.0, 1.0]})
    chain = Chain([[ends, longer], [], []], {1: ("good",), 2: ("bad", "poor")})
    found, steps = chains.probability(chain, "good"), chains.expected(chain, "steps")
    asked = {
        'Pmin=? [F "good"]': found.least,
        'Pmax=? [F "good"]': found.greatest,
        'Pmin=? [F "poor"]': chains.probability(chain, "bad").least,
        'R{"steps"}min=? [F ("good" | "bad")]': steps.least,
        'R{"steps"}max=? [F ("good" | "bad")]': steps.greatest,
    }
    answer = storm(chain, {"steps": "steps"}, tmp_path)

    for formula, value in asked.items():
        assert answer(formula) == pytest.approx(value, rel=1e-5), formula
