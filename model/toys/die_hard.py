"""Die Hard: measure four gallons with a jug of five, a jug of three, and a tap.

After Lamport's DieHard.tla (tlaplus/Examples, specifications/DieHard).
"""

from __future__ import annotations

from model.system import Outcomes, System, action, only, variable

BIG, SMALL = 5, 3
"""Gallons that the jugs hold."""


def fill_big() -> Outcomes:
    """Always enabled: the big jug is full."""
    return only(big=BIG)


def fill_small() -> Outcomes:
    """Always enabled: the small jug is full."""
    return only(small=SMALL)


def empty_big() -> Outcomes:
    """Always enabled: the big jug is empty."""
    return only(big=0)


def empty_small() -> Outcomes:
    """Always enabled: the small jug is empty."""
    return only(small=0)


def small_to_big(big: int, small: int) -> Outcomes:
    """Always enabled: pour until the small jug is empty or the big one full."""
    poured = min(small, BIG - big)
    return only(big=big + poured, small=small - poured)


def big_to_small(big: int, small: int) -> Outcomes:
    """Always enabled: pour until the big jug is empty or the small one full."""
    poured = min(big, SMALL - small)
    return only(big=big - poured, small=small + poured)


def die_hard() -> System:
    """The two jugs, empty at first."""
    return System(
        "Die Hard",
        (
            variable("big", 0, domain=range(BIG + 1)),
            variable("small", 0, domain=range(SMALL + 1)),
        ),
        (
            action(fill_big, "fill the big jug", writes=["big"]),
            action(fill_small, "fill the small jug", writes=["small"]),
            action(empty_big, "empty the big jug", writes=["big"]),
            action(empty_small, "empty the small jug", writes=["small"]),
            action(small_to_big, "small to big"),
            action(big_to_small, "big to small"),
        ),
    )
