"""Exploring by hand: a walk through a system, one enabled step after the other, forwards and back.

A walk is a value. It is known by its choices alone: they can be told in an address or a test, and walked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice
from random import Random
from typing import NamedTuple

from invariants.check import STRATEGIES, check
from invariants.properties import ABOUT_RUNS, Kind, Property, sometimes
from invariants.prospects import starting_at
from invariants.trace import Taken, Trace, true_of
from invariants.verdicts import Bounds, Verdict, Watch
from model.phase import Phase, phase_of
from model.system import ModelError, State, Successor, System, Value

LAYERS, SATURATION = STRATEGIES

THERE_IS_ONE = "there is a way, but the shortest was not found in time"

MOST_STARTS = 64
"""So many initial states can be chosen from."""


class NotEnabledError(ModelError):
    """A step cannot be taken from the state that a walk has come to, or not in that way."""


class Choice(NamedTuple):
    """A step to take: which of the system's, and which of the ways that it can go, both counted from 0."""

    step: int
    way: int


class Option(NamedTuple):
    """A step that is enabled: how to choose it, and what it would do."""

    choice: Choice
    taken: Taken


@dataclass(frozen=True)
class Walk:
    """A way through a system: the number of the initial state, what was chosen since, and what came of it."""

    system: System
    start: int
    choices: tuple[Choice, ...]
    trace: Trace

    @property
    def state(self) -> State:
        """The state that it has come to."""
        return self.trace.end

    @property
    def last(self) -> Taken | None:
        """The last step; None at the start."""
        return self.trace.steps[-1] if self.trace.steps else None


def starts(system: System) -> tuple[State, ...]:
    """The initial states, as many as one can choose from."""
    return tuple(islice(system.initial_states(), MOST_STARTS))


def begin(system: System, start: int = 0) -> Walk:
    """A walk that is about to begin, in the initial state of that number.

    Raises NotEnabledError if there is none.
    """
    known = starts(system)
    if not 0 <= start < len(known):
        raise NotEnabledError(
            f"{system.name} has no initial state {start}; they are counted from 0 to {len(known) - 1}"
        )
    return Walk(system, start, (), Trace(known[start]))


def options(walk: Walk) -> Iterator[Option]:
    """Every step that is enabled where a walk has come to, in every way it can go."""
    for number, step in enumerate(walk.system.actions):
        for way, found in enumerate(walk.system.perform(step, walk.state)):
            yield Option(Choice(number, way), _taken(walk, found))


def _taken(walk: Walk, found: Successor) -> Taken:
    step = found.action
    return Taken(step.name, step.actor, found.label, walk.state, found.state, found.record)


def take(walk: Walk, choice: Choice) -> Walk:
    """The walk, one step further.

    Raises NotEnabledError if that step cannot be taken, or not in that way.
    """
    actions = walk.system.actions
    if not 0 <= choice.step < len(actions):
        raise NotEnabledError(f"{walk.system.name} has no step {choice.step}; they are counted from 0")
    ways = walk.system.perform(actions[choice.step], walk.state)
    if not 0 <= choice.way < len(ways):
        name, after = actions[choice.step].name, len(walk.choices)
        raise NotEnabledError(
            f"{name!r} can go {len(ways)} ways after step {after}, and none of them is {choice.way}"
        )
    taken = _taken(walk, ways[choice.way])
    trace = replace(walk.trace, steps=(*walk.trace.steps, taken))
    return Walk(walk.system, walk.start, (*walk.choices, choice), trace)


def take_by_name(walk: Walk, name: str, label: str = "", nth: int = 0) -> Walk:
    """The walk, one step further: by the step of that name, where it goes as `label` says.

    Of several ways that are said alike it is the one of that number.

    Raises NotEnabledError if there is no such way.
    """
    named = ((number, step) for number, step in enumerate(walk.system.actions) if step.name == name)
    ways = ((number, way) for number, step in named for way in enumerate(walk.system.perform(step, walk.state)))
    found = [Choice(number, way) for number, (way, after) in ways if after.label == label]
    if not 0 <= nth < len(found):
        said = f" as {label!r}" if label else ""
        raise NotEnabledError(f"{name!r} cannot go{said} after step {len(walk.choices)}")
    return take(walk, found[nth])


def nth_of_its_name(walk: Walk, number: int) -> int:
    """Of the ways that are said like step `number` (counted from 0), which one was taken: see `take_by_name`."""
    choice, taken = walk.choices[number], walk.trace.steps[number]
    ways = walk.system.perform(walk.system.actions[choice.step], taken.before)
    return sum(way.label == taken.label for way in ways[: choice.way])


def back(walk: Walk, steps: int = 1) -> Walk:
    """The walk as it was so many steps ago; at the start if it has not that many."""
    kept = max(0, len(walk.choices) - steps)
    return replace(walk, choices=walk.choices[:kept], trace=replace(walk.trace, steps=walk.trace.steps[:kept]))


def follow(system: System, start: int, choices: Iterable[Choice]) -> Walk:
    """The walk of these choices.

    Raises NotEnabledError if one of them cannot be taken.
    """
    walk = begin(system, start)
    for choice in choices:
        walk = take(walk, choice)
    return walk


WANDERINGS, LENGTH = 6, 50
"""So many walks, of so many steps, show what values variables may have."""


def glimpse(system: System) -> Mapping[str, tuple[Value, ...]]:
    """Some values that each variable may have: those on walks that look for what is new, the same every time."""
    choose = Random(0)
    found: dict[str, dict[Value, None]] = {}

    def new(state: State) -> int:
        return sum(value not in found.get(name, ()) for name, value in state.items())

    for _ in range(WANDERINGS):
        state = choose.choice(starts(system))
        for _ in range(LENGTH):
            for name, value in state.items():
                found.setdefault(name, {})[value] = None
            after = [s.state for s in system.successors(state) if s.state != state]
            if not after:
                break
            most = max(map(new, after))
            state = choose.choice([s for s in after if new(s) == most])
    return {name: tuple(values) for name, values in found.items()}


# What is claimed


class Standing(Enum):
    """What a claim says of where a walk has come to."""

    __hash__ = object.__hash__

    HOLDS = "holds"  # it is true of this state, or of the step that was taken last
    BROKEN = "broken"  # it is false of it
    REACHED = "reached"  # of a situation: this is one
    NOT_HERE = "not here"  # of a situation: this is none
    AWAITED = "awaited"  # of runs: what has to come has not come yet
    MET = "met"  # of runs: this is what has to come
    SILENT = "says nothing"  # it is about other steps, or its premise is not met


def standing(walk: Walk, claim: Property) -> Standing:
    """What a claim says of the state that a walk has come to, or of its last step."""
    state = walk.state
    if claim.kind in ABOUT_RUNS:
        return _standing_of_runs(state, claim)
    if claim.kind is Kind.SOMETIMES:
        return Standing.REACHED if true_of(claim, state, state) else Standing.NOT_HERE
    if claim.kind is Kind.ALWAYS:
        return Standing.HOLDS if true_of(claim, state, state) else Standing.BROKEN
    last = walk.last
    if last is None or (claim.by and last.action not in claim.by):
        return Standing.SILENT
    return Standing.HOLDS if true_of(claim, last.before, {**last.after, **last.record}) else Standing.BROKEN


def _standing_of_runs(state: State, claim: Property) -> Standing:
    if true_of(claim, state, state):
        return Standing.MET
    if claim.premise is not None and not true_of(claim.premise, state, state):
        return Standing.SILENT
    return Standing.AWAITED


# Ways


@dataclass(frozen=True)
class Way:
    """What a search came to: the walk as it goes on to the goal, if there is a way.

    `bound` says what ended the search before every state was seen, None if nothing did: only then does it mean
    something that there is no way.
    """

    walk: Walk | None
    bound: str | None


def has_the_value(value: Value, wanted: Value) -> bool:
    """A variable has the value that is wanted."""
    return value == wanted


def is_in_the_phase(value: Value, wanted: Phase) -> bool:
    """What a variable holds is in the phase that is wanted."""
    return phase_of(value) is wanted


def with_value(variable: str, wanted: Value) -> Property:
    """The situation that a variable has a value."""
    return sometimes(has_the_value, f"{variable} is as wanted", constants={"wanted": wanted}, value=variable)


def in_phase(variable: str, wanted: Phase) -> Property:
    """The situation that what a variable holds is in a phase."""
    return sometimes(is_in_the_phase, f"{variable} is in the phase", constants={"wanted": wanted}, value=variable)


def way_to(walk: Walk, goal: Property, bounds: Bounds | None = None, progress: Watch | None = None) -> Way:
    """A shortest way from where a walk has come to, to what violates a claim, or to the situation it speaks of.

    Where time is bounded, half of it goes to layers, which find a way that is short; the rest to saturation, which
    tells more often that there is none.

    Raises ModelError for a claim about runs, which no state violates by itself.
    """
    if goal.kind in ABOUT_RUNS:
        raise ModelError(f"{goal.name} is about runs: no state and no step violates it")
    if bounds is None or bounds.seconds is None:
        return _sought(walk, goal, LAYERS, bounds, progress)
    half = replace(bounds, seconds=bounds.seconds / 2)
    found = _sought(walk, goal, LAYERS, half, progress)
    return found if found.bound is None else _sought(walk, goal, SATURATION, half, progress)


def _sought(walk: Walk, goal: Property, strategy: str, bounds: Bounds | None, progress: Watch | None) -> Way:
    here = starting_at(walk.system, walk.state)
    report = check(
        here,
        (goal,),
        strategy=strategy,
        transitions=False,
        stop_when_decided=strategy == LAYERS,
        bounds=bounds,
        progress=progress,
    )
    (found,) = report.judgements
    met = found.verdict is (Verdict.HOLDS if goal.kind is Kind.SOMETIMES else Verdict.VIOLATED)
    if met and found.trace is not None:
        return Way(_continued(walk, found.trace), None)
    if met:
        return Way(None, THERE_IS_ONE)
    return Way(None, None if report.complete else report.bound or "the search was not finished")


def _continued(walk: Walk, trace: Trace) -> Walk:
    for taken in trace.steps:
        found = (o.choice for o in options(walk) if _same(o.taken, taken))
        walk = take(walk, next(found))
    return walk


def _same(one: Taken, other: Taken) -> bool:
    return (one.action, one.after, one.record) == (other.action, other.after, other.record)
