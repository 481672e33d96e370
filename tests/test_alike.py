"""Whether another system would have been explored in the same way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from invariants.alike import alike
from invariants.check import Report, check
from invariants.kargo import loops
from invariants.kargo.judging import Look, take, take_all
from model.kargo.releases import LATEST, RELEASES, V1_8_3, V1_8_5
from model.system import Outcomes, System, action, only, part, sequence, variable


def count(n: int, limit: int, surprise: int) -> Outcomes:
    """Count to the limit; the surprise comes only beyond five."""
    if n == limit:
        return ()
    return only(n=n + (surprise if n > 5 else 1))


def counter(limit: int, surprise: int = 1, *, first: int = 0, at: int = 0) -> System:
    """A counter, in a sequence whose part runs only where `m` is `at`."""
    body = action(count, constants={"limit": limit, "surprise": surprise})
    return System(
        "counter",
        (variable("n", first), variable("m", 0)),
        (sequence("go", part(body, m=at)), replace(body, name="go on")),
    )


@pytest.fixture
def explored() -> System:
    """A counter to five, explored."""
    system = counter(5)
    assert check(system).states == 6
    return system


def test_what_never_comes_up_makes_no_difference(explored: System) -> None:
    """Constants may differ where no answer does."""
    assert alike(explored, counter(5, surprise=7))


@pytest.mark.parametrize(
    "other", [counter(6), counter(4), counter(5, first=1), counter(5, at=1)], ids=["more", "less", "start", "when"]
)
def test_a_difference_that_comes_up_is_seen(explored: System, other: System) -> None:
    """Another answer, another start, another condition."""
    assert not alike(explored, other)


def test_other_steps_are_not_alike(explored: System) -> None:
    """A step that is missing, one that is called differently, one of another kind."""
    first, second = explored.actions
    for steps in ((first,), (first, replace(second, name="stop")), (second, first)):
        assert not alike(explored, System("counter", explored.variables, steps))


def test_releases_that_go_the_same_way_are_explored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """1.8.3 and 1.8.5 differ where there is an `if`; the newest release, in what this loop meets."""
    claims = frozenset({"the_last_promotion_changes_only_while_one_is_current"})
    looks = [Look(b, "single", (("promotions", 1),), claims) for b in (V1_8_3, V1_8_5, LATEST)]
    alone = {look: take(look) for look in looks}
    explorations = []
    plain = check

    def counted(*args: Any, **options: Any) -> Report:
        explorations.append(args)
        return plain(*args, **options)

    monkeypatch.setattr("invariants.kargo.judging.check", counted)
    assert dict(take_all(looks)) == alone
    assert len(explorations) == 2


def test_the_releases_are_told_apart_where_they_differ() -> None:
    """No release is taken for another one that a recorded run tells from it."""
    systems = {r: loops.subject("single", b, promotions=1).system for r, b in RELEASES.items()}
    for release in ("1.8.5", "1.9.9", "1.10.10", "1.11.2"):
        check(systems[release], strategy="saturation", transitions=False)
    assert not alike(systems["1.10.10"], systems["1.11.2"])
    assert not alike(systems["1.9.9"], systems["1.10.10"])
    assert alike(systems["1.11.2"], systems["main"])
