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
from simulations.kargo.loop.cluster import Cluster
from simulations.kargo.loop.controllers import Controllers, Happened
from simulations.kargo.loop.plans import scripted_plans
from simulations.kargo.loop.programs import read_program
from simulations.kargo.loop.results import Passed
from simulations.kargo.loop.view import View
from simulations.kargo.loop.waking import item_of_stage

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
        pipeline, freight = self.program.pipeline, self.program.freight
        plans = scripted_plans(pipeline.project, self.program.script, behaviours)
        self.cluster = Cluster(pipeline, behaviours, plans, tables or Tables(), freight)
        self.view = View(self.cluster)
        self.controllers = Controllers(self.cluster, self.view)
        self.queue = self.controllers.queue
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
        happened = self.controllers.do(lambda: change(self.cluster, event))
        return {"r": happened.result, "d": self.view.tell(happened.changed), "q": happened.woken}

    def _time_as(self, name: str) -> Json:
        """The time under that name, if it has moved since it was last told."""
        if self.cluster.now == self._time_told:
            return {}
        self._time_told = self.cluster.now
        return {name: _seconds(self._time_told)}

    def _item(self, stage: str) -> str:
        return item_of_stage(self.cluster.pipeline, stage)

    # Time and faults

    def _sleep(self, event: Json) -> Json:
        self.controllers.pass_time(event["seconds"] * 1000)
        return {}

    def _stale(self, event: Json) -> Json:
        self._writes_back, self._stale_reads = event["back"], event.get("times", 1)
        return {}

    def _restart(self, event: Json) -> Json:
        return {"q": self.controllers.restart()}

    # Passes

    def _told(self, happened: Happened[Passed] | None) -> Json:
        """What came of a pass; nothing, if another controller is in charge, or the object is gone."""
        if happened is None:
            return {}
        told = {"r": self._result(happened.result), "d": self.view.tell(happened.changed), "q": happened.woken}
        return {k: v for k, v in told.items() if v}

    def _pass(self, item: str) -> Json:
        return self._told(self.controllers.reconcile(item, self._back(item)))

    def _back(self, item: str) -> int:
        """How many writes ago the pass sees its Promotion."""
        if not self._stale_reads or not item.startswith("Promotion/"):
            return 0
        self._stale_reads -= 1
        return self._writes_back

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
            self.controllers.pass_time(1000)
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
        while self.controllers.wait_for_work(end) and len(steps) < MOST_PASSES and self.cluster.now <= end:
            item = self.queue.take()
            steps.append({"who": item} | self._time_as("at") | self._worked_on(item) | self._time_as("t"))
        return {"steps": steps or None, "left": list(self.queue.items)}

    def _worked_on(self, item: str) -> Json:
        return self._told(self.controllers.work_on(item, self._back(item)))


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
