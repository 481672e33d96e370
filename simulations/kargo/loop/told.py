"""Stories, told: events done to a pipeline one after the other, with the state before and after each thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from model.kargo.releases import Behaviours
from model.system import Tables
from simulations.kargo.loop.cluster import Cluster
from simulations.kargo.loop.phrases import Event
from simulations.kargo.loop.walks import Walk

Json = dict[str, Any]
State = dict[str, Any]


class Moment(NamedTuple):
    """Something that happened: when (milliseconds), to or by whom, and what there was before and after it.

    `error` is what a pass ended with, or what a person was told.
    """

    at_ms: int
    who: str
    before: State
    after: State
    error: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything is different but the time, and when the next pass comes."""
        return any(self.before.get(n) != v for n, v in self.after.items() if not n.startswith(_WHEN))


_WHEN = ("now", "stage_requeue[", "requeue[")
"""Variables that say no more than when the next pass comes."""


@dataclass(frozen=True)
class Beat:
    """An event of a story, when it began, and all that happened in it.

    `busy` says that the controllers had still something to do when it was over.
    """

    event: Event
    at_ms: int
    moments: tuple[Moment, ...]
    busy: bool


@dataclass(frozen=True)
class Told:
    """A story to its end: its events, and the cluster as they left it."""

    beats: tuple[Beat, ...]
    cluster: Cluster

    @property
    def moments(self) -> tuple[Moment, ...]:
        """Everything that happened, in order; the last is the end."""
        found = [m for beat in self.beats for m in beat.moments]
        end = dict(self.cluster.state)
        return (*found, Moment(self.cluster.now, "clock", end, end))

    @property
    def at_rest(self) -> bool:
        """Whether the last event went by without an error, and without a change by anybody.

        If it was long enough for every poll to come, the cluster stays as it is for ever, unless somebody acts.
        """
        last = self.beats[-1]
        return not last.busy and not any(m.error or m.changed for m in last.moments)


class Telling(Walk):
    """A walk that remembers the state before and after everything that happens."""

    def __init__(self, program: Json, behaviours: Behaviours, tables: Tables) -> None:
        super().__init__(program, behaviours, tables)
        self.happened: list[Moment] = []
        self.begin()

    def tell(self, event: Event) -> Beat:
        """Let an event happen."""
        self.happened = []
        at, before = self.cluster.now, dict(self.cluster.state)
        told = self.do(event.does)
        if not self.happened and event.actor != "clock":
            error = told.get("r", {}).get("err", "")
            self.happened.append(Moment(at, event.actor, before, dict(self.cluster.state), error))
        return Beat(event, at, tuple(self.happened), "left" in told)

    def _pass(self, item: str) -> Json:
        return self._remembered(item, super()._pass)

    def _worked_on(self, item: str) -> Json:
        return self._remembered(item, super()._worked_on)

    def _remembered(self, item: str, reconcile: Callable[[str], Json]) -> Json:
        at, before = self.cluster.now, dict(self.cluster.state)
        told = reconcile(item)
        error = told.get("r", {}).get("err", "")
        self.happened.append(Moment(at, item, before, dict(self.cluster.state), error))
        return told


def tell(program: Json, events: Iterable[Event], behaviours: Behaviours, tables: Tables) -> Told:
    """Tell a story in one release. `tables` may be shared by stories of that release."""
    telling = Telling(program, behaviours, tables)
    beats = tuple(telling.tell(event) for event in events)
    return Told(beats, telling.cluster)
