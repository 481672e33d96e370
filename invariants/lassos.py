"""Lassos: runs that come back to where they were, and are fair."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol, TypeVar

from invariants.properties import Fairness

S = TypeVar("S")
Moves = list[tuple[str, S]]
"""Steps by name, each with the state that it leads to."""


class Need(Enum):
    """What a fairness wants of a run that goes round in some states for ever."""

    NOTHING = auto()
    DISABLED = auto()
    TAKEN = auto()


class Component(Protocol[S]):
    """A strongly connected set of states, and shortest ways inside it."""

    def need(self, number: int) -> Need:
        """What the fairness of that number wants of a run that visits all of these states again and again."""

    def disabled(self, number: int, state: S) -> bool:
        """Whether the steps of that fairness are all disabled in a state."""

    def to_disabled(self, here: S, number: int) -> Moves[S]:
        """A way to a state where the steps of that fairness are all disabled."""

    def to_taken(self, here: S, number: int) -> Moves[S]:
        """A way whose last step is one of that fairness."""

    def back(self, here: S, home: S, *, moving: bool) -> Moves[S]:
        """A way from here to home, with one step at least if `moving`."""


def round_trip(component: Component[S], home: S, fair: Sequence[Fairness]) -> Moves[S]:
    """A way from `home` back to it that does what every fairness wants: short, not always shortest."""
    moves: Moves[S] = []
    here = home
    for number, fairness in enumerate(fair):
        need = component.need(number)
        if need is Need.TAKEN and not any(name in fairness.steps for name, _ in moves):
            moves += component.to_taken(here, number)
        elif need is Need.DISABLED and not any(
            component.disabled(number, s) for s in (home, *(s for _, s in moves))
        ):
            moves += component.to_disabled(here, number)
        here = moves[-1][1] if moves else home
    return [*moves, *component.back(here, home, moving=not moves)]
