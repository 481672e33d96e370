"""Runs of a session with a clock: the rules that the checker explores, taken one after the other.

The operator does at once what it can. Its timers fire when they are due. How long a pod takes is assumed: a second
until the runner's container runs, three more until the runner listens, two until a deleted pod has stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from invariants.trace import Taken
from model.ambient.behaviours import Behaviours
from model.ambient.phases import PodPhase, SessionPhase
from model.ambient.session import BY_ITSELF, PASSES, SERVES, STARTS, STOPS, WRITES, Bounds, session
from model.ambient.values import Condition, Timer, Writing
from model.inputs import InputError
from model.system import State, Successor, System

POD_TAKES = {PodPhase.STARTING: (STARTS, 1.0), PodPhase.STARTED: (SERVES, 3.0), PodPhase.DELETING: (STOPS, 2.0)}
"""What a pod does next, and after how many seconds."""

TIMER_TAKES = {
    Timer.BACKOFF: 0.005,
    Timer.TWO_SECONDS: 2.0,
    Timer.FIVE_SECONDS: 5.0,
    Timer.HALF_A_MINUTE: 30.0,
}
"""Seconds until a timer fires; the first back-off."""


class Event(NamedTuple):
    """Something that happens `at` so many seconds: the name of a step that is not the operator's or the pod's."""

    at: float
    step: str


class Beat(NamedTuple):
    """A step of a run, `at` so many seconds."""

    at: float
    taken: Taken


@dataclass(frozen=True)
class Run:
    """What happened to a session until `until` seconds after it was created, and how it is then."""

    beats: tuple[Beat, ...]
    end: State
    until: float

    @property
    def at_rest(self) -> bool:
        """Whether nothing will change any more by itself: the last pass did nothing."""
        return bool(self.end["settled"])

    @property
    def told(self) -> bool:
        """Whether the session is Running, its runner has acknowledged the workflow, and the status says so."""
        known = self.end["acknowledged"] == self.end["workflow"]
        return self.end["phase"] is SessionPhase.RUNNING and known and self.end["condition"] is Condition.TRUE

    def count(self, words: str) -> int:
        """How many steps have these words in their label."""
        return sum(words in beat.taken.label for beat in self.beats)


def play(behaviours: Behaviours, bounds: Bounds, events: Iterable[Event] = (), until: float = 120.0) -> Run:
    """The run of a session in which nothing goes wrong by itself, and people do what `events` says.

    Raises InputError for an event that cannot happen then.
    """
    clock = _Clock(session("run", behaviours, bounds))
    waiting = sorted(events)
    while (at := clock.next_at()) <= until or waiting:
        if waiting and waiting[0].at <= at:
            clock.happen(waiting.pop(0))
        else:
            clock.go_on()
    return Run(tuple(clock.beats), clock.state, until)


@dataclass
class _Clock:
    """A state, the time, and when what is due by itself happens."""

    system: System
    now: float = 0.0
    beats: list[Beat] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        [self.state] = self.system.initial_states()
        self.steps = {step.name: step for step in self.system.actions}

    def next_at(self) -> float:
        """When something happens by itself; never is infinity."""
        if self.state["woken"] or self.state["writing"] is not Writing.NOTHING:
            return self.now
        return min(self.due.values(), default=float("inf"))

    def happen(self, event: Event) -> None:
        """Let something happen that people do."""
        self.now = max(self.now, event.at)
        ways = self.system.perform(self.steps[event.step], self.state) if event.step in self.steps else []
        if not ways or event.step in BY_ITSELF:
            raise InputError(f"after {self.now:g} s, {event.step!r} cannot happen")
        self._take(ways[0])

    def go_on(self) -> None:
        """Take the step that is due next."""
        self.now = self.next_at()
        pods = (POD_TAKES[p][0] for p in POD_TAKES if self.due.get(POD_TAKES[p][0]) == self.now)
        order: Sequence[str] = (*WRITES, *(PASSES if self._is_due() else ()), *pods)
        self._take(next(way for name in order for way in self._ways(name)))

    def _is_due(self) -> bool:
        return bool(self.state["woken"]) or self.due.get("timer") == self.now

    def _ways(self, name: str) -> list[Successor]:
        """The ways a step can go: a pass that an event asked for leaves a timer that is not due yet."""
        ways = self.system.perform(self.steps[name], self.state)
        fires = self.due.get("timer") == self.now
        return [w for w in ways if fires or "its timer fires" not in w.label] if name in PASSES else ways

    def _take(self, way: Successor) -> None:
        before = self.state
        self.state = way.state
        step = way.action
        self.beats.append(Beat(self.now, Taken(step.name, step.actor, way.label, before, way.state, way.record)))
        fired = "its timer fires" in way.label
        self._set("timer", TIMER_TAKES.get(way.state["timer"]), fired or before["timer"] is not way.state["timer"])
        for phase, (name, seconds) in POD_TAKES.items():
            mine = way.state["pod"] is phase
            self._set(name, seconds if mine else None, before["pod"] is not way.state["pod"])

    def _set(self, name: str, seconds: float | None, anew: bool) -> None:
        """Set or stop a clock, if it starts anew."""
        if seconds is None:
            self.due.pop(name, None)
        elif anew:
            self.due[name] = self.now + seconds
