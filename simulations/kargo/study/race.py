"""Stages that push to one branch, at the same time: whoever comes late is rejected.

A *field* of runs goes on in the order of time, in each run the Stage whose turn it is: a pass begins when a worker
of its controller is free, a clone sees the branch as it is, a push pulls, and lands. The Promotions are lives like
any other (`life.py`), which ask when they come to these steps; what a pull and a push come to is decided by the
rules of `model.kargo.shared_branch`, those that the checker explores. Where a controller is restarted, it is for
all of its Stages: pushes that have not arrived never do, and nobody has the lock any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from model.kargo import shared_branch
from model.kargo.phases import PromotionPhase
from model.kargo.push_retries import JITTER
from model.kargo.shared_branch import Branching, Step
from model.kargo.step_kinds import Result
from model.system import Outcomes
from simulations.kargo.study.attempts import NOW
from simulations.kargo.study.life import PASSED, Asks, Begins, Done, Going, Life, Place, Waits, asked_of, fresh
from simulations.kargo.study.study import Branch, Study
from simulations.kargo.study.world import (
    APART,
    BACK,
    CONFLICT,
    INTEGRATES,
    JITTERED,
    NEVER,
    RESTARTED,
    RESTARTS,
    RESULT,
    TAKES,
    World,
    stream,
    tries,
)
from simulations.stochastic.batches import RUN, Batch, Column, Enumerated, Source, Weights, constant, joined
from simulations.stochastic.distributions import Continuous, UncountableError

OVER, PASSES, ASKED, TRIES, LANDS = range(5)
"""What a Stage does next: nothing; a pass; a step that has to do with the branch; a try of a push; its arrival."""

KIND, DUE, SINCE = "kind", "due", "since"
"""The columns with what a Stage does next, when at the earliest, and since when it wants that."""

BASE, REJECTED, BEGAN = "base", "rejected", "began"
"""The columns with where a commit begins, how often its push was rejected, and when that push began."""

CLOCK = "clock"
"""The column with the time in the middle of a push; the time of a batch is that at which its pass began."""

HEAD, LOCK = "head", "lock"
"""The columns with the head of the branch, and until when somebody has the lock."""

PUSHES, REJECTIONS = "pushes", "rejections"
"""The columns that count pushes that arrived, and those that were rejected."""

COUNT, NEXT, CAME = "restarts of", "restart of", "start of"
"""The columns with how many restarts of a controller are known, when the last of these is, and its start before."""

OF_STAGES = (KIND, DUE, SINCE, BASE, REJECTED, BEGAN, CLOCK, PUSHES, REJECTIONS)
WORLD, STAGE, CONTROLLER = "world", "stage", "controller"
AT_ONCE = -NEVER
"""A push that arrives comes before all else that happens at that moment."""

MOST_REJECTIONS = 16


class Jitter(Continuous):
    """The part of a wait that is added to it, in millionths."""

    def atoms(self) -> tuple[tuple[int, float], ...]:
        """There is no end of values."""
        raise UncountableError("git-push waits a random time after it was rejected, which has no end of values")


JITTERS = Jitter("uniform", {"scale": JITTER * 1_000_000})


def setting_of(study: Study) -> Branching:
    """How the pushes of a study go."""
    branch = study.branch
    assert branch is not None, "only of studies of a branch"
    behaviours = study.behaviours
    found = shared_branch.branching(
        behaviours, branch.stages, max_attempts=branch.attempts, gitlab=branch.gitlab
    )._replace(shared=branch.shared, controllers=branch.controllers, conflicts=branch.conflicts.only != 0)
    return shared_branch.plain(found) if branch.retries is False else found


@lru_cache(maxsize=1024)
def pulled(moved: bool, setting: Branching) -> Outcomes:
    """What a pull comes to, by the model's rule."""
    return shared_branch.integrate(
        PromotionPhase.RUNNING, Step.PUSH, 0, int(moved), None, stage="", conflicts=setting.conflicts
    )


@lru_cache(maxsize=1024)
def landed(moved: bool, rejected: int, setting: Branching) -> tuple[int, PromotionPhase | None]:
    """By how much a push moves the head, and how git-push ends by it, if it does, by the model's rule."""
    when = Step.PUSHING if setting.integrates else Step.PUSH
    [found] = shared_branch.push(
        PromotionPhase.RUNNING, when, 0, int(moved), rejected, when=when, tries=setting.tries, force=False
    )
    ended = found.changes.get("new_phase")
    assert ended is None or isinstance(ended, PromotionPhase)
    return int(str(found.changes.get("head", 0))), ended


class Field:
    """Runs side by side: a row for each, a column for each Stage."""

    def __init__(self, runs: Column, weight: Weights | None) -> None:
        self.runs = runs
        self.weight = weight
        self.cells: dict[str, Column] = {}
        self.shared: dict[str, Column] = {}
        self.places = constant(0, 0)

    def __len__(self) -> int:
        return len(self.runs)

    def take(self, rows: Column) -> Field:
        """Some runs; one may come more than once."""
        found = Field(self.runs[rows], None if self.weight is None else self.weight[rows])
        found.cells = {name: of[rows] for name, of in self.cells.items()}
        found.shared = {name: of[rows] for name, of in self.shared.items()}
        found.places = self.places[rows]
        return found


class Shared(World):
    """The world of Stages that have controllers in common.

    Whoever is the first to be over with a restart says when the controller is back, and when the next restart is.
    Nobody is over with that one before all are over with this one.
    """

    def next_restart(self, batch: Batch) -> Batch:
        """As another Stage of the controller has found it, or as is found now."""
        known, new = batch.split(batch[RESTARTED] < batch[COUNT])
        known = known.set({RESTARTED: known[COUNT], RESTARTS: known[NEXT], BACK: known[CAME]})
        # The luck is that of the controller.
        own = super().next_restart(new.set({RUN: new[RUN] - new[STAGE] + new[CONTROLLER]}))
        luck = own[RUN] - own[CONTROLLER] + own[STAGE]
        own = own.set({RUN: luck, COUNT: own[RESTARTED], NEXT: own[RESTARTS], CAME: own[BACK]})
        return joined([known, own])

    def started(self, batch: Batch) -> Column:
        """Controllers run from the first moment on, whenever Promotions are created."""
        return constant(0, len(batch))


class Race:
    """The lives of Promotions of several Stages that push to a branch."""

    def __init__(self, study: Study, source: Source) -> None:
        assert study.branch is not None, "only of studies of a branch"
        self.branch: Branch = study.branch
        self.setting = setting_of(study)
        self.restarts = study.disturbances.restarts is not None
        self.life = Life(study, source, frozenset({study.branch.clone, study.branch.push}), Shared)
        self.source = source
        self.places: list[Place] = [Done()]
        self.numbers: dict[Place, int] = {Done(): 0}
        stages = np.arange(self.branch.stages)
        self.controller = stages % self.branch.controllers
        self.branch_of = stages * (not self.branch.shared)
        alone = not self.setting.locks or not self.branch.shared
        self.lock_of = stages if alone else self.controller
        self.holders = {HEAD: self.branch_of, LOCK: self.lock_of}
        """Of what Stages share, which of it is that of each."""
        if self.restarts:
            self.holders |= dict.fromkeys((COUNT, NEXT, CAME), self.controller)

    # From the first moment to the last

    def run(self, runs: Column) -> list[Batch]:
        """How it goes: for each Stage a batch with a row for each run."""
        field = self.begin(runs)
        over: list[Field] = []
        while len(field):
            when, going = self.when(field), (field.cells[KIND] != OVER).any(axis=1)
            if not going.all():
                over.append(field.take(np.flatnonzero(~going)))
                kept = np.flatnonzero(going)
                field, when = field.take(kept), when[kept]
                continue
            field = self.turn(field, when)
        return self._lives(over)

    def begin(self, runs: Column) -> Field:
        """All Promotions are created."""
        enumerated = isinstance(self.source, Enumerated)
        n = self.branch.stages
        field = Field(runs, np.ones(len(runs)) if enumerated else None)
        shape = (len(runs), n)
        names = (*self.life.columns(1), *OF_STAGES, "run")
        field.cells = {name: np.zeros(shape, np.int64) for name in names}
        field.shared = {name: np.zeros(shape, np.int64) for name in self.holders}
        field.places = np.zeros(shape, np.int64)
        for stage in range(n):
            # Every Promotion of every run has luck of its own.
            batch = fresh(self.life, field.runs * n + stage)
            batch.weight = field.weight
            rows = np.arange(len(field))
            nothing = {name: constant(0, len(rows)) for name in OF_STAGES}
            batch = batch.set(nothing | self._around(field, rows, constant(stage, len(rows))))
            batch, apart = self.source.draw(batch, self.branch.apart, APART, constant(0, len(rows)))
            begun = self._free(Begins(), batch.put(created=apart, now=apart))
            field = self._put(field, begun)
        return field

    def _lives(self, over: list[Field]) -> list[Batch]:
        order = np.concatenate([of.runs for of in over])
        rows = np.argsort(order, kind="stable")
        lives = []
        for stage in range(self.branch.stages):
            columns = {name: np.concatenate([of.cells[name][:, stage] for of in over]) for name in over[0].cells}
            lives.append(Batch(columns, len(order)).take(rows))
        return lives

    # Whose turn it is

    def when(self, field: Field) -> Column:
        """When each Stage can do what it does next."""
        kind, when = field.cells[KIND], field.cells[DUE].copy()
        when[kind == OVER] = NEVER
        passing = kind > PASSES
        busy = np.where(passing, NEVER, field.cells[PASSED])
        for controller in range(self.branch.controllers):
            mine = np.flatnonzero(self.controller == controller)
            if len(mine) > self.branch.workers:
                # From the n-th latest end on, no more than n-1 workers are busy.
                at = len(mine) - self.branch.workers
                free = np.partition(busy[:, mine], at, axis=1)[:, at][:, None]
                when[:, mine] = np.where(kind[:, mine] == PASSES, np.maximum(when[:, mine], free), when[:, mine])
        if self.setting.integrates:
            free = field.shared[LOCK][:, self.lock_of]
            when = np.where(kind == TRIES, np.maximum(when, free), when)
        if self.restarts:
            when = np.where(kind == OVER, NEVER, np.minimum(when, field.cells[RESTARTS]))
        return when

    def turn(self, field: Field, when: Column) -> Field:
        """In each run, the Stage whose turn it is."""
        rows = np.arange(len(field))
        now = when.min(axis=1)
        stage = np.where(when == now[:, None], field.cells[SINCE], NEVER).argmin(axis=1)
        kind, place = field.cells[KIND][rows, stage], field.places[rows, stage]
        done: list[tuple[Place, Batch]] = []
        for key in np.unique(kind * len(self.places) + place).tolist():
            of, at = divmod(key, len(self.places))
            mine = np.flatnonzero((kind == of) & (place == at))
            batch = self._batch(field, mine, stage[mine])
            done += self._go(of, self.places[at], now[mine], batch)
        return self._put(field, done)

    def _batch(self, field: Field, rows: Column, stage: Column) -> Batch:
        columns = {name: of[rows, stage] for name, of in field.cells.items()} | self._around(field, rows, stage)
        return Batch(columns, len(rows), None if field.weight is None else field.weight[rows])

    def _around(self, field: Field, rows: Column, stage: Column) -> dict[str, Column]:
        """The columns with what these Stages share with others in these runs."""
        shared = {name: field.shared[name][rows, of[stage]] for name, of in self.holders.items()}
        return shared | {WORLD: rows, STAGE: stage, CONTROLLER: self.controller[stage]}

    def _put(self, field: Field, done: Iterable[tuple[Place, Batch]]) -> Field:
        """The runs with what some Stages have done; where that went several ways, a run for each of them."""
        parts = [(self._number(place), rows) for place, rows in done if len(rows)]
        places = np.concatenate([constant(number, len(rows)) for number, rows in parts])
        batch = joined([rows for _, rows in parts])
        if field.weight is None:
            rows = batch[WORLD]
        else:
            field, rows = field.take(batch[WORLD]), np.arange(len(batch))
            field.weight = batch.weight
        stage = batch[STAGE]
        for name, of in field.cells.items():
            of[rows, stage] = batch[name]
        for name, holder in self.holders.items():
            field.shared[name][rows, holder[stage]] = batch[name]
        field.places[rows, stage] = places
        return field

    def _number(self, place: Place) -> int:
        if place not in self.numbers:
            self.numbers[place] = len(self.places)
            self.places.append(place)
        return self.numbers[place]

    # What it does

    def _go(self, kind: int, place: Place, now: Column, batch: Batch) -> Going:
        if kind == PASSES:
            # What is due later is looked at now only because of a restart.
            yield from self._free(place, batch.put(now=np.maximum(now, batch[DUE])))
            return
        assert isinstance(place, Asks)
        if kind == ASKED:
            step, _ = asked_of(place, batch)
            if step == self.branch.clone:
                yield from self._freely(self.life.answer(place, batch.set({BASE: batch[HEAD]}), None))
            else:
                yield from self._push(place, now, batch)
            return
        if self.restarts:
            due = batch[DUE] if kind == LANDS else np.maximum(batch[DUE], batch[LOCK])
            cut, batch = batch.split(due > now)
            now = now[due <= now]
            if len(cut):
                yield from self._cut(place, cut)
        if len(batch):
            yield from (self._try if kind == TRIES else self._land)(place, now, batch)

    def _free(self, place: Place, batch: Batch) -> Going:
        return self._freely(self.life.step(place, batch))

    def _freely(self, going: Going) -> Going:
        """On, as far as the others have nothing to do with it."""
        pending = [*going]
        while pending:
            place, rows = pending.pop()
            if not len(rows):
                continue
            if isinstance(place, Done):
                yield place, rows.set({KIND: constant(OVER, len(rows))})
            elif isinstance(place, Waits):
                yield place, _next(rows, PASSES, rows[NOW], rows[NOW])
            elif isinstance(place, Asks):
                _, now = asked_of(place, rows)
                yield place, _next(rows, ASKED, now, now)
            else:
                pending += self.life.step(place, rows)

    def _push(self, place: Asks, now: Column, batch: Batch) -> Going:
        """An attempt of git-push, which may fail for reasons of its own."""
        number = self.branch.push
        world = self.life.study.steps[number]
        batch = batch.set({BEGAN: now, CLOCK: now, REJECTED: constant(0, len(batch))})
        batch, came = self.source.draw(batch, world.results, stream(number, RESULT), batch[tries(number)] + 1)
        for way, rows in batch.by(came):
            if world.possible[way] is Result.SUCCEEDED:
                yield place, _next(rows, TRIES, rows[BEGAN], rows[BEGAN])
            else:
                yield from self._freely(self.life.answer(place, rows, way))

    def _draw(self, batch: Batch, what: int) -> tuple[Batch, Column]:
        """How long it takes to push, or to pull, and the like, for this try of this attempt."""
        number = self.branch.push
        of = {
            TAKES: self.life.study.steps[number].takes,
            INTEGRATES: self.branch.integrates,
            CONFLICT: self.branch.conflicts,
            JITTERED: JITTERS,
        }
        count = batch[tries(number)] * MOST_REJECTIONS + batch[REJECTED]
        return self.source.draw(batch, of[what], stream(number, what), count)

    def _try(self, place: Asks, now: Column, batch: Batch) -> Going:
        """With the lock: what was pushed meanwhile is pulled, and the push is on its way."""
        batch = batch.set({CLOCK: now})
        if not self.setting.integrates:
            yield self._send(place, batch)
            return
        batch, pulling = self._draw(batch, INTEGRATES)
        batch = batch.set({CLOCK: batch[CLOCK] + pulling})
        same, moved = batch.split(batch[HEAD] == batch[BASE])
        if len(same):
            yield self._send(place, same)
        if len(moved):
            yield from self._pull(place, moved)

    def _pull(self, place: Asks, batch: Batch) -> Going:
        """What was pushed meanwhile is pulled, and may conflict."""
        ways = pulled(True, self.setting)
        batch, conflicts = self._draw(batch, CONFLICT)
        for conflict, rows in batch.by(conflicts):
            if ways[conflict].changes.get("new_phase") is None:
                yield self._send(place, rows.set({BASE: rows[HEAD]}))
            else:
                yield from self._end(place, self._release(rows, rows[CLOCK]), Result.FAILED_TERMINALLY)

    def _send(self, place: Asks, batch: Batch) -> tuple[Place, Batch]:
        batch, pushing = self._draw(batch, TAKES)
        arrives = batch[CLOCK] + pushing
        return place, _next(batch.set({LOCK: arrives}), LANDS, arrives, constant(AT_ONCE, len(batch)))

    def _land(self, place: Asks, now: Column, batch: Batch) -> Going:
        """A push arrives: it moves the branch, or is rejected, and then waits and tries again, or gives up."""
        batch = batch.set({CLOCK: now, PUSHES: batch[PUSHES] + 1})
        moved = (batch[HEAD] != batch[BASE]).astype(np.int64)
        for case, rows in batch.by(moved * MOST_REJECTIONS + batch[REJECTED]):
            before = case % MOST_REJECTIONS
            by, ended = landed(case >= MOST_REJECTIONS, before, self.setting)
            if ended is PromotionPhase.SUCCEEDED:
                yield from self._end(place, rows.set({HEAD: rows[HEAD] + by}), Result.SUCCEEDED)
                continue
            later = self._wait(rows.set({REJECTIONS: rows[REJECTIONS] + 1}), before)
            if ended is None:
                again = later.set({REJECTED: later[REJECTED] + 1})
                yield place, _next(again, TRIES, later[CLOCK], later[CLOCK])
            else:
                yield from self._end(place, later, Result.ERRORED)

    def _wait(self, batch: Batch, rejected: int) -> Batch:
        """As long as git-push waits after it was rejected so often before: sometimes before it gives up, too."""
        if rejected >= len(self.setting.waits_ms):
            return batch
        wait = self.setting.waits_ms[rejected]
        batch, more = self._draw(batch, JITTERED)
        return batch.set({CLOCK: batch[CLOCK] + wait + wait * more // 1_000_000})

    def _release(self, batch: Batch, at: Column) -> Batch:
        """The lock is free then, or as soon as the controller that has it is restarted."""
        return batch.set({LOCK: np.minimum(at, batch[RESTARTS]) if self.restarts else at})

    def _cut(self, place: Asks, batch: Batch) -> Going:
        """The controller is restarted while git-push waits or pushes: what has not arrived never does."""
        longer = batch[RESTARTS] - batch[BEGAN] + 1
        return self._freely(self.life.answer(place, self._release(batch, batch[LOCK]), 0, longer))

    def _end(self, place: Asks, batch: Batch, result: Result) -> Going:
        """The attempt of git-push is over."""
        way = self.life.study.steps[self.branch.push].possible.index(result)
        return self._freely(self.life.answer(place, batch, way, batch[CLOCK] - batch[BEGAN]))


def _next(batch: Batch, kind: int, due: Column, since: Column) -> Batch:
    return batch.set({KIND: constant(kind, len(batch)), DUE: due, SINCE: since})
