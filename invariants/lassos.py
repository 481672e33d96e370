"""Lassos: runs that come back to where they were, and are fair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Protocol, TypeVar

from invariants.properties import Fairness, Property
from invariants.trace import Trace
from model.system import System

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


def never_taken(system: System, claim: Property, trace: Trace) -> Iterator[tuple[Fairness, tuple[int, ...]]]:
    """The fairnesses of a claim of which no step happens in the loop of a trace, for ever.

    With each come the numbers of the states of the loop in which one of its steps is enabled: none, or, if it is
    weak, not all of them.
    """
    if trace.loop is None:
        return
    allowed = {step.name for step in system.actions if not claim.by or step.name in claim.by}
    going_round = {step.action for step in trace.steps[trace.loop :]}
    for fairness in claim.fair:
        steps = [step for step in system.actions if step.name in allowed.intersection(fairness.steps)]
        if not going_round.intersection(step.name for step in steps):
            states = range(trace.loop, max(len(trace.steps), trace.loop + 1))
            enabled = (k for k in states if any(system.perform(step, trace.states[k]) for step in steps))
            yield fairness, tuple(enabled)


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
