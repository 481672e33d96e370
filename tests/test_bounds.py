"""Bounds: a verdict that was not earned is never given, and what was seen stays seen."""

from __future__ import annotations

from typing import Any

import pytest

from invariants.check import Bounds, Progress, Report, Verdict, check
from invariants.encoding import RESERVED
from invariants.properties import always, every_step, sometimes
from model.system import NOT_ENABLED, ModelError, Outcomes, System, action, only, variable
from model.toys.two_phase_commit import two_phase_commit

ENGINES = [("symbolic", "layers"), ("symbolic", "saturation"), ("explicit", "layers")]


def count(n: int, last: int) -> Outcomes:
    return only(n=n + 1) if n < last else NOT_ENABLED


def counter(last: int) -> System:
    return System("counter", (variable("n", 0),), (action(count, constants={"last": last}),))


def below(n: int, limit: int) -> bool:
    return n < limit


def grows(n: int, next_n: int) -> bool:
    return next_n == n + 1


def small_steps(n: int, next_n: int, limit: int) -> bool:
    return next_n < limit


def verdicts(report: Report) -> list[Verdict]:
    return [j.verdict for j in report.judgements]


PROPERTIES = (
    always(below, "below 5", constants={"limit": 5}),
    always(below, "below 1000", constants={"limit": 1000}),
    sometimes(below, "at first", constants={"limit": 1}),
    every_step(grows),
    every_step(small_steps, "steps below 5", constants={"limit": 5}),
    every_step(small_steps, "steps below 1000", constants={"limit": 1000}),
)
EXPECTED = [
    Verdict.VIOLATED,
    Verdict.BOUNDED,
    Verdict.HOLDS,
    Verdict.BOUNDED,
    Verdict.VIOLATED,
    Verdict.BOUNDED,
]


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
def test_a_bound_on_states(engine: str, strategy: str) -> None:
    report = check(counter(500), PROPERTIES, engine=engine, strategy=strategy, bounds=Bounds(states=20))

    assert not report.complete
    assert verdicts(report) == EXPECTED
    assert 20 <= report.states < 500
    assert report.bound is not None
    assert "the bound of 20 states was hit" in report.bound
    assert len(report.judgements[0].trace.steps if report.judgements[0].trace else ()) == 5


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_a_bound_on_levels(engine: str) -> None:
    report = check(counter(500), PROPERTIES, engine=engine, bounds=Bounds(depth=10))

    assert verdicts(report) == EXPECTED
    assert (report.states, report.levels, report.transitions) == (10, 10, 10)
    assert report.bound == "the bound of 10 levels was hit; the steps of 1 of the 10 states seen were not taken"


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
def test_a_bound_on_seconds(engine: str, strategy: str) -> None:
    report = check(two_phase_commit(40), engine=engine, strategy=strategy, bounds=Bounds(seconds=0.05))

    assert not report.complete
    assert report.bound is not None
    assert report.bound.startswith("the bound of 0.05 seconds was hit")


@pytest.mark.parametrize(
    ("engine", "strategy", "size"), [(*e, n) for e, n in zip(ENGINES, (20, 30, 9), strict=True)]
)
def test_a_bound_on_memory(engine: str, strategy: str, size: int) -> None:
    limit = always(lambda tm: tm in ("init", "committed", "aborted"), "decides", reads={"tm": "tm"})

    report = check(two_phase_commit(size), [limit], engine=engine, strategy=strategy, bounds=Bounds(memory=1 << 18))

    assert not report.complete
    assert verdicts(report) == [Verdict.BOUNDED]
    assert report.bound is not None
    assert report.bound.startswith("the bound of memory was hit")
    assert report.states > 0


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
def test_an_interruption_ends_in_a_report(engine: str, strategy: str) -> None:
    def interrupted(n: int, last: int) -> Outcomes:
        if n == 50:
            raise KeyboardInterrupt
        return count(n, last)

    system = System("interrupted", (variable("n", 0),), (action(interrupted, constants={"last": 99}),))

    report = check(system, PROPERTIES, engine=engine, strategy=strategy)

    assert verdicts(report) == EXPECTED
    assert report.states == 51
    assert report.bound is not None
    assert report.bound.startswith("it was interrupted")


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
def test_values_may_outgrow_their_bits_and_the_places_reserved(engine: str, strategy: str) -> None:
    last = 3 << RESERVED

    report = check(
        counter(last),
        (always(below, constants={"limit": last}), every_step(grows)),
        engine=engine,
        strategy=strategy,
    )

    assert (last + 1, last + 1) == (report.states, report.transitions)
    assert verdicts(report) == [Verdict.VIOLATED, Verdict.HOLDS]
    assert last == len(report.judgements[0].trace.steps if report.judgements[0].trace else ())


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
def test_progress_is_told(engine: str, strategy: str) -> None:
    told: list[Progress] = []

    check(counter(100), engine=engine, strategy=strategy, progress=told.append)

    assert told
    assert (told[0].level, told[0].states) == (1, 1)
    assert (told[0].nodes is None) is (engine == "explicit")


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_an_exploration_can_stop_when_all_is_decided(engine: str) -> None:
    report = check(counter(500), PROPERTIES[:1], engine=engine, stop_when_decided=True)

    assert report.states == 6
    assert not report.complete
    assert verdicts(report) == [Verdict.VIOLATED]
    assert report.bound is not None
    assert report.bound.startswith("every property was decided")


def test_transitions_need_not_be_counted() -> None:
    assert check(counter(5), transitions=False).transitions is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"engine": "magic"}, "no engine 'magic'; the engines are: symbolic, explicit"),
        ({"strategy": "magic"}, "no strategy 'magic'"),
        ({"engine": "explicit", "strategy": "saturation"}, "no strategy 'saturation' of the explicit engine"),
        ({"properties": [PROPERTIES[0], PROPERTIES[0]]}, "property 'below 5' exists twice"),
        ({"properties": [always(below, constants={"limit": 1}, n="m")]}, "below reads the variable 'm'"),
        ({"properties": [every_step(grows, by=("jump",))]}, "grows is about the action 'jump'"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        check(counter(3), **arguments)


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_a_value_outside_its_domain_is_an_error(engine: str) -> None:
    system = System("narrow", (variable("n", 0, domain=range(3)),), (action(count, constants={"last": 5}),))

    with pytest.raises(ModelError, match="n becomes 3, which is not in its domain"):
        check(system, engine=engine)


def test_the_profile_says_what_each_function_took() -> None:
    report = check(two_phase_commit(3))

    rows = {c.function: (c.rows, c.calls, len(c.images)) for c in report.profile}
    assert rows["note_prepared"] == (5, 5, 3)
    assert len(rows) >= 7
