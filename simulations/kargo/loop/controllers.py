"""The controllers of a cluster at work: their queue, their passes, and whom the watches wake after each change.

Source: the format of the recordings, as their README describes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from model.kargo.loop.pipeline import Pipeline
from model.kargo.loop.values import of
from simulations.kargo.loop.cluster import Cluster, Object, State
from simulations.kargo.loop.queue import WorkQueue
from simulations.kargo.loop.results import Passed
from simulations.kargo.loop.view import View
from simulations.kargo.loop.waking import Changes, item_of_stage

T = TypeVar("T")


@dataclass(frozen=True)
class Happened(Generic[T]):
    """What came of something that was done: the objects that changed, whom that woke, and the state before."""

    result: T
    changed: tuple[Object, ...]
    woken: list[str]
    before: State


@dataclass
class Controllers:
    """A cluster with the queue of its controllers; `view` remembers what has been seen of the objects."""

    cluster: Cluster
    view: View
    queue: WorkQueue = field(default_factory=WorkQueue)

    def do(self, act: Callable[[], T]) -> Happened[T]:
        """Do something to the cluster; the watches see it."""
        before, old = dict(self.cluster.state), self.cluster.pipeline
        return self._seen(act(), before, old)

    def _seen(self, result: T, before: State, old: Pipeline) -> Happened[T]:
        if self.cluster.state is before:
            return Happened(result, (), [], before)
        changed = self.view.changed()
        woken = Changes(self.cluster, before, old, changed).woken()
        self.queue.add(woken)
        return Happened(result, changed, woken, before)

    def reconcile(self, item: str, back: int = 0) -> Happened[Passed] | None:
        """One pass over an item; None if it is gone, or another controller is in charge of it.

        A Promotion is seen as it was `back` writes ago, in a release that may read old versions.
        """
        kind, _, name = item.partition("/")
        before, old = self.cluster.state, self.cluster.pipeline
        if kind == "Promotion":
            if name not in self.cluster.made:
                return None
            return self._seen(self.cluster.reconcile_promotion(name, back), before, old)
        if not self.is_in_charge(item, name):
            return None
        return self._seen(self.cluster.reconcile_stage(name), before, old)

    def is_in_charge(self, item: str, stage: str) -> bool:
        """Whether the Stage exists, and the item is of the controller for its kind."""
        exists = self.cluster.state.get(of("stage_exists", stage), False)
        return exists and item_of_stage(self.cluster.pipeline, stage) == item

    def work_on(self, item: str, back: int = 0) -> Happened[Passed] | None:
        """One pass over an item from the queue, and when it comes back."""
        happened = self.reconcile(item, back)
        if happened is not None and happened.result.error is not None:
            self.queue.back_off(item, self.cluster.now)
        else:
            self.queue.come_back(item, self.cluster.now, happened.result.after_ms if happened else None)
        return happened

    def wait_for_work(self, end: int) -> bool:
        """Let time pass until something is in the queue: a millisecond more than a timer asks for, as timers do.

        Whether there is something before the instant `end`, which is now if there is not.
        """
        self.queue.add_due(self.cluster.now)
        while not self.queue.items:
            due = self.queue.next_due()
            if due is None or due > end:
                self.pass_time(max(0, end - self.cluster.now))
                return False
            self.pass_time(due + 1 - self.cluster.now)
            self.queue.add_due(self.cluster.now)
        return True

    def pass_time(self, milliseconds: int) -> None:
        """Time passes, and nobody works."""
        self.cluster.state["now"] += milliseconds

    def restart(self) -> list[str]:
        """Work directories are lost, and the controllers get to know of all objects as if they were new."""
        cluster = self.cluster
        made = [p for p in cluster.made if cluster.phase(p) is not None]
        cluster.state |= {of("work_dir", promotion): False for promotion in made}
        self.queue.forget()
        stages = (item_of_stage(cluster.pipeline, stage) for stage in cluster.existing_stages())
        order = [*stages, *(f"Promotion/{p}" for p in made)]
        self.queue.add(order)
        return order
