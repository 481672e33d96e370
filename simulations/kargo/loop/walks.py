"""A program under way: its events, done to a cluster one after the other, and the passes of the controllers.

Source: the format of the recordings, as their README describes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from model.kargo.loop.values import of
from model.kargo.releases import Behaviours
from model.system import Tables
from simulations.kargo.loop import events
from simulations.kargo.loop.cluster import Cluster, Passed
from simulations.kargo.loop.programs import read_program
from simulations.kargo.loop.queue import WorkQueue
from simulations.kargo.loop.view import View
from simulations.kargo.loop.waking import Changes, item_of_stage

Json = dict[str, Any]

MOST_ROUNDS = 30
"""After how many rounds settling is given up."""

MOST_PASSES = 150
"""After how many passes a run is given up."""


class Walk:
    """A program under way: its cluster, the queue of its controllers, and what has been told of it.

    Raises RecordingError for a program that is not as it should be.
    """

    def __init__(self, program: Json, behaviours: Behaviours, tables: Tables | None = None) -> None:
        self.program = read_program(program)
        scripts, freight = self.program.script, self.program.freight
        self.cluster = Cluster(self.program.pipeline, behaviours, scripts, tables or Tables(), freight)
        self.view = View(self.cluster)
        self.queue = WorkQueue()
        self._time_told = 0
        self._stale_reads = 0
        self._writes_back = 0
        for stage, enabled in self.program.policies:
            self.cluster.state[of("policy", stage)] = enabled

    # Telling

    def begin(self) -> Json:
        """What there is before the first event, and who is woken by it."""
        order = [self._item(stage) for stage in self.cluster.pipeline.names]
        self.queue.add(order)
        return {"init": self.view.tell(self.view.changed()), "q": order}

    def do(self, event: Json) -> Json:
        """One event, as a recording tells it."""
        change = events.CHANGES.get(event["do"])
        told = _OWN[event["do"]](self, event) if change is None else self._changed(change, event)
        told |= self._time_as("t")
        return {k: v for k, v in told.items() if v not in ({}, []) or k == "steps"}

    def _changed(self, change: Callable[[Cluster, Json], Json], event: Json) -> Json:
        before, old = dict(self.cluster.state), self.cluster.pipeline
        result = change(self.cluster, event)
        changed = self.view.changed()
        order = Changes(self.cluster, before, old, changed).woken()
        self.queue.add(order)
        return {"r": result, "d": self.view.tell(changed), "q": order}

    def _time_as(self, name: str) -> Json:
        """The time under that name, if it has moved since it was last told."""
        if self.cluster.now == self._time_told:
            return {}
        self._time_told = self.cluster.now
        return {name: _seconds(self._time_told)}

    def _item(self, stage: str) -> str:
        return item_of_stage(self.cluster.pipeline, stage)

    # Time and faults

    def _pass_time(self, milliseconds: int) -> None:
        self.cluster.state["now"] += milliseconds

    def _sleep(self, event: Json) -> Json:
        self._pass_time(event["seconds"] * 1000)
        return {}

    def _stale(self, event: Json) -> Json:
        self._writes_back, self._stale_reads = event["back"], event.get("times", 1)
        return {}

    def _restart(self, event: Json) -> Json:
        """Work directories are lost, and the controllers get to know of all objects as if they were new."""
        made = [p for p in self.cluster.made if self.cluster.phase(p) is not None]
        self.cluster.state |= {of("work_dir", promotion): False for promotion in made}
        self.queue.forget()
        order = [*map(self._item, self.cluster.existing_stages()), *(f"Promotion/{p}" for p in made)]
        self.queue.add(order)
        return {"q": order}

    # Passes

    def _pass(self, item: str) -> Json:
        """One pass, and what came of it; nothing, if another controller is in charge, or the object is gone."""
        kind, _, name = item.partition("/")
        before, old = self.cluster.state, self.cluster.pipeline
        if kind == "Promotion":
            done = self._promotion_pass(name)
        elif events.exists(self.cluster, name) and self._item(name) == item:
            done = self.cluster.reconcile_stage(name)
        else:
            return {}
        changed = self.view.changed()
        order = Changes(self.cluster, before, old, changed).woken()
        self.queue.add(order)
        told = {"r": self._result(done), "d": self.view.tell(changed), "q": order}
        return {k: v for k, v in told.items() if v}

    def _promotion_pass(self, promotion: str) -> Passed:
        """A pass over a Promotion, which may see it as it was some writes ago."""
        if not self._stale_reads:
            return self.cluster.reconcile_promotion(promotion)
        self._stale_reads -= 1
        return self.cluster.reconcile_promotion(promotion, self._writes_back)

    def _result(self, done: Passed) -> Json:
        if done.error is not None:
            return {"err": self.view.text(done.error)}
        return {"after": _seconds(done.after_ms)} if done.after_ms else {}

    def _reconcile_stage(self, event: Json) -> Json:
        if not events.exists(self.cluster, event["stage"]):
            return {"r": events.NONE}
        return self._pass(self._item(event["stage"]))

    def _reconcile_promotion(self, event: Json) -> Json:
        promotion = events.find_promotion(self.cluster, event["promo"])
        if promotion is None:
            return {"r": events.NONE}
        told = self._pass(f"Promotion/{promotion}")
        return told | {"r": told.get("r", {}) | events.named(event["promo"], promotion)}

    def _settle(self, event: Json) -> Json:
        """Rounds over everything, until one changes nothing. Passes of which nothing came are not told."""
        steps: list[Json] = []
        for number in range(1, MOST_ROUNDS + 1):
            changed = False
            for item in self._round():
                told = self._pass(item)
                changed = changed or "d" in told
                if told.keys() & {"d", "q"} or "err" in told.get("r", {}):
                    who = item.replace("Gate/", "Stage/")
                    steps.append({"round": number, "who": who} | told | self._time_as("t"))
            self._pass_time(1000)
            if not changed:
                return {"rounds": number, "settled": True, "steps": steps or None}
        return {"rounds": MOST_ROUNDS, "steps": steps or None}

    def _round(self) -> Iterator[str]:
        yield from map(self._item, self.cluster.existing_stages())
        for stage in self.cluster.pipeline.names:
            for promotion in [p for p in self.cluster.existing(stage) if not self.cluster.is_over(p)]:
                yield f"Promotion/{promotion}"

    def _run(self, event: Json) -> Json:
        """The controllers work on their own for a while."""
        end = self.cluster.now + event["seconds"] * 1000
        steps: list[Json] = []
        while self._wait_for_work(end) and len(steps) < MOST_PASSES and self.cluster.now <= end:
            item = self.queue.take()
            steps.append({"who": item} | self._time_as("at") | self._work_on(item) | self._time_as("t"))
        return {"steps": steps or None, "left": list(self.queue.items)}

    def _wait_for_work(self, end: int) -> bool:
        """Let time pass until something is in the queue: a millisecond more than a timer asks for, as timers do."""
        self.queue.add_due(self.cluster.now)
        while not self.queue.items:
            due = self.queue.next_due()
            if due is None or due > end:
                self._pass_time(max(0, end - self.cluster.now))
                return False
            self._pass_time(due + 1 - self.cluster.now)
            self.queue.add_due(self.cluster.now)
        return True

    def _work_on(self, item: str) -> Json:
        told = self._pass(item)
        result = told.get("r", {})
        if "err" in result:
            self.queue.back_off(item, self.cluster.now)
        else:
            self.queue.come_back(item, self.cluster.now, round(result.get("after", 0) * 1000))
        return told


_OWN: dict[str, Callable[[Walk, Json], Json]] = {
    "sleep": Walk._sleep,
    "stale": Walk._stale,
    "restart": Walk._restart,
    "reconcile_stage": Walk._reconcile_stage,
    "reconcile_promotion": Walk._reconcile_promotion,
    "settle": Walk._settle,
    "run": Walk._run,
}
"""The events that are no changes of objects."""


def _seconds(milliseconds: int) -> float:
    whole, rest = divmod(milliseconds, 1000)
    return whole if rest == 0 else milliseconds / 1000
