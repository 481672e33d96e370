"""What becomes of a Promotion that somebody asks for: its passes, what a policy makes of its end, verification.

Many runs at once: a batch of them is at a *place*, and goes on from there to other places, until all are done. The
rules of the model decide; here time passes, and the world answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from model.kargo.argocd.health import COOLDOWN_MS, LastOperation, distrust
from model.kargo.failure_policies import Hint, Response
from model.kargo.loop import responses
from model.kargo.loop.sync_promotions import hold_back
from model.kargo.phases import HealthState, PromotionPhase
from model.kargo.saving_rules import BACKOFF
from model.kargo.step_engine import Turn
from model.system import ModelError
from simulations.kargo import passes
from simulations.kargo.study.attempts import LATE_MS, NOW, SLOT, Left, Passes, Situation, takes
from simulations.kargo.study.study import OUTCOMES, UPDATE, Outcome, Study
from simulations.kargo.study.world import (
    ABORTS,
    BACK,
    HEALTH_DELAY,
    HEALTHY,
    INSTANT,
    LATENCY,
    NEVER,
    NOT_DRAWN,
    RESTARTED,
    RESTARTS,
    SUCCESSFUL,
    VERIFICATION,
    World,
    outage_until,
    ready_at,
    step_of,
    tries,
)
from simulations.stochastic.batches import RUN, Batch, Column, Source, constant, joined
from simulations.stochastic.distributions import always
from simulations.stochastic.forking import Choice
from simulations.stochastic.trees import Choose, End, Tree, follow

WANTED, PREVIOUS = "wanted", "previous"
"""What a policy's rules call the Freight that is promoted, and the one that the Stage has."""

WAKES = "wakes"
"""The column with the time of the next pass that comes by itself."""

PASSED = "passed"
"""The column with the time at which the last pass was over."""

GOOD = frozenset({Turn.SUCCEEDED, Turn.SKIPPED_ITSELF, Turn.WAITS})
"""The ways an attempt can end that is of use, unless all begins anew."""

MEASURES = (
    "begun",
    "over",
    "known",
    "outcome",
    "attempts",
    "useful",
    "work",
    "useful_work",
    "promotions",
    "starts",
)
"""Columns with what is measured; times are milliseconds, negative until they are known."""


class Begins(NamedTuple):
    """Somebody, or a policy, has created a Promotion."""


class Waits(NamedTuple):
    """The next pass comes to a Promotion."""

    situation: Situation


class Asks(NamedTuple):
    """In a pass, an attempt comes about which somebody else decides."""

    choose: Choose[Left]
    begins: frozenset[int]


class Ended(NamedTuple):
    """A Promotion has ended."""

    phase: PromotionPhase
    hint: Hint | None


class Done(NamedTuple):
    """It is over, whatever it was."""


Place = Begins | Waits | Asks | Ended | Done
Going = Iterator[tuple[Place, Batch]]


class Life:
    """The lives of the Promotions of a study, with values from `source`."""

    def __init__(
        self, study: Study, source: Source, asks: frozenset[int] = frozenset(), world: type[World] = World
    ) -> None:
        self.study = study
        self.passes = _passes(study)
        self.world = world(study, self.passes.plan, source)
        self.asks = asks | {k for k, step in enumerate(study.steps) if step.open_to}
        """The steps about whose attempts somebody else decides."""

    def columns(self, length: int) -> dict[str, Column]:
        """Every column but the run, as it is before anything has happened."""
        steps = range(len(self.study.steps))
        names = [takes(k) for k in steps] + [tries(k) for k in steps] + [ready_at(k) for k in steps]
        names += [
            *self.passes.instants,
            NOW,
            INSTANT,
            WAKES,
            PASSED,
            RESTARTED,
            BACK,
            "created",
            "asked",
            "told",
            "rolling",
            "attempt",
            *MEASURES,
        ]
        found = {name: constant(0, length) for name in names}
        drawn_later = [outage_until(k) for k in steps] + ["begun", "over", "known", ABORTS, RESTARTS]
        return found | {name: constant(NOT_DRAWN, length) for name in drawn_later}

    def run(self, begin: Batch) -> Batch:
        """Go on until all are done."""
        pending: dict[Place, list[Batch]] = {Begins(): [begin]}
        done: list[Batch] = []
        while pending:
            place = next(iter(pending))
            for after, rows in self.step(place, joined(pending.pop(place))):
                if isinstance(after, Done):
                    done.append(rows)
                elif len(rows):
                    pending.setdefault(after, []).append(rows)
        return joined(done)

    def step(self, place: Place, batch: Batch) -> Going:
        """Where the rows come to from a place."""
        if isinstance(place, Begins):
            yield self._begin(batch)
        elif isinstance(place, Waits):
            yield from self._pass(place, batch)
        elif isinstance(place, Ended):
            yield from self._end(place, batch)
        else:
            raise ModelError(f"nothing follows {type(place).__name__}")

    # Passes

    def _begin(self, batch: Batch) -> tuple[Place, Batch]:
        """Its Stage learns of it and makes it current, and it learns of that."""
        batch = self.world.later(self.world.later(self.world.disturb(batch)))
        begun = np.where(batch["begun"] < 0, batch[NOW], batch["begun"])
        return Waits(self.passes.first), batch.put(begun=begun, promotions=batch["promotions"] + 1)

    def _pass(self, place: Waits, batch: Batch) -> Going:
        situation = place.situation
        if self.study.disturbances.restarts is not None:
            cut, batch = batch.split(batch[RESTARTS] <= batch[NOW])
            if len(cut):
                yield from self._restarted(self.passes.changed(situation, work_dir=False), cut)
        if self.study.disturbances.aborts is not None:
            unwanted, batch = batch.split(batch[ABORTS] <= batch[NOW])
            if len(unwanted):
                asked = self.passes.changed(situation, abort_requested=True)
                yield from self.through(self.passes.tree(asked), asked.begins, unwanted)
        if len(batch):
            yield from self.through(self.passes.tree(situation), situation.begins, batch)

    def through(self, tree: Tree[Left], begins: frozenset[int], batch: Batch) -> Going:
        """Where the rows come to by a tree, or from a choice in it."""

        def choose(choice: Choice, rows: Batch) -> Iterable[tuple[int, Batch]]:
            return self.world.choose(choice, rows, begins)

        for end, rows in follow(tree, batch, choose, self._asks):
            if isinstance(end, End):
                yield from self._leave(end.result, rows)
            else:
                yield Asks(end, begins), rows

    def _asks(self, choice: Choice) -> bool:
        return step_of(choice) in self.asks

    def answer(self, place: Asks, batch: Batch, way: int | None, took: Column | None = None) -> Going:
        """Where the rows come to if the attempt goes that way, where nothing else decides; None: as chance decides.

        `took` is how long it took, where that is known.
        """
        step, now = asked_of(place, batch)
        results = None if way is None else always(way)
        for came, rows in self.world.attempt(step, step in place.begins, now, batch, results, took):
            if len(rows):
                yield from self.through(place.choose.ways[came], place.begins, rows)

    def open_to(self, place: Asks) -> tuple[int, ...]:
        """The ways that an attempt may go of which nobody knows."""
        step = step_of(place.choose.choice)
        return () if step is None else self.study.steps[step].open_to

    def _leave(self, left: Left, batch: Batch) -> Going:
        """What was done counts, and the next pass is waited for."""
        length = len(batch)
        good = sum((batch[takes(k)] for k, turn in left.turns if turn in GOOD), constant(0, length))
        work = sum((batch[takes(k)] for k, turn in left.turns if _ran(turn)), constant(0, length))
        attempts = sum(_ran(turn) for _, turn in left.turns)
        useful = sum(turn in GOOD for _, turn in left.turns)
        before = constant(0 if left.fresh else 1, length)  # what was done before counts no more
        columns = {name: of.at(batch.columns, length) for name, of in left.instants}
        now = left.now.at(batch.columns, length)
        wait = None if left.wake is None else left.wake.at(batch.columns, length)
        columns |= {WAKES: constant(NEVER, length) if wait is None else now + wait + LATE_MS}
        columns |= {NOW: now, PASSED: now, "attempts": batch["attempts"] + attempts}
        columns |= {"work": batch["work"] + work, "useful": before * batch["useful"] + useful}
        columns |= {"useful_work": before * batch["useful_work"] + good}
        if left.starts_again:
            columns["starts"] = batch["starts"] + 1
        if left.cut:
            again = self.passes.changed(left.next, work_dir=False)
            yield from self._restarted(again, batch.set(columns))
        elif left.phase.terminal:
            yield Ended(left.phase, left.hint), batch.set(columns)
        else:
            yield from self._sleep(left, batch.set(columns))

    def _sleep(self, left: Left, batch: Batch) -> Going:
        """Until a timer fires, or a watch tells that what is waited for is there."""
        batch, latency = self.world.draw(batch, self.study.latency, LATENCY, batch["asked"])
        batch = batch.put(asked=batch["asked"] + 1)
        wakes, waits = batch[WAKES], left.waits_for
        if waits is not None and not left.starts_again and self.study.steps[waits].watched:
            told = batch[ready_at(waits)] + latency
            wakes = np.where(batch[ready_at(waits)] > batch[NOW], np.minimum(wakes, told), wakes)
        wakes = self._disturbed(wakes, latency, batch)
        stuck, on = wakes == NEVER, np.flatnonzero(wakes != NEVER)
        if stuck.any():
            yield self._over(batch.take(np.flatnonzero(stuck)), Outcome.STUCK)
        yield from self._until(left.next, batch.take(on), wakes[on])

    def _restarted(self, situation: Situation, batch: Batch) -> Going:
        """The controller is restarted, and looks at it when it is back."""
        batch = self.world.restart(batch)
        yield from self._until(situation, batch, batch[NOW])

    def _until(self, situation: Situation, batch: Batch, wakes: Column) -> Going:
        """The next pass comes then, unless that is too late."""
        late = wakes - batch["created"] > self.study.until_ms
        if late.any():
            yield self._over(batch.take(np.flatnonzero(late)), Outcome.UNFINISHED)
        on = np.flatnonzero(~late)
        if len(on):
            yield Waits(situation), batch.take(on).put(now=wakes[on])

    def _disturbed(self, wakes: Column, latency: Column, batch: Batch) -> Column:
        """When it is looked at if somebody aborts it before, or the controller is restarted."""
        if self.study.disturbances.aborts is not None:
            wakes = np.minimum(wakes, np.maximum(batch[ABORTS] + latency, batch[NOW]))
        if self.study.disturbances.restarts is not None:
            wakes = np.minimum(wakes, batch[RESTARTS])
        earliest: Column = np.minimum(wakes, NEVER)
        return earliest

    # The end of a Promotion

    def _end(self, place: Ended, batch: Batch) -> Going:
        if place.phase is PromotionPhase.SUCCEEDED:
            rolled_back, wanted = batch.split(batch["rolling"] > 0)
            if len(rolled_back):
                yield self._over(rolled_back, Outcome.ROLLED_BACK)
            if len(wanted):
                yield from self._settle(wanted)
            return
        for rolling, rows in batch.by(batch["rolling"]):
            for attempt, those in rows.by(rows["attempt"]):
                yield self._respond(place, bool(rolling), attempt, those)

    def _respond(self, place: Ended, rolling: bool, attempt: int, batch: Batch) -> tuple[Place, Batch]:
        """What the policy creates, by its own rule."""
        before = Response.ROLL_BACK if rolling else None
        tried = (PREVIOUS if rolling else WANTED, attempt, place.hint, before)
        [found] = responses.respond(SLOT, place.phase, None, tried, PREVIOUS, False, policy=self.study.policy)
        wanted = found.changes.get("wanted")
        if wanted is None:
            aborted = place.phase is PromotionPhase.ABORTED
            return self._over(batch, Outcome.ABORTED if aborted else Outcome.FAILED)
        length = len(batch)
        again = {"rolling": constant(wanted == PREVIOUS, length), "useful": constant(0, length)}
        again |= {"attempt": constant(int(str(found.changes["next_attempt"])), length)}
        again |= {"useful_work": constant(0, length)}
        # Whoever wanted to abort the one that failed meanwhile has not asked for this one to be aborted.
        again |= {ABORTS: np.where(batch[ABORTS] <= batch[NOW], NEVER, batch[ABORTS])}
        return Begins(), self.world.later(batch.set(again))

    def _settle(self, batch: Batch) -> Going:
        """The Promotion has succeeded: the Stage is to become healthy, and its Freight to be verified."""
        settling = self.study.settling
        ended = self.world.later(batch.put(over=batch[NOW]))
        ended, delay = self.world.draw(ended, settling.delay, HEALTH_DELAY, ended["promotions"])
        ended = ended.put(told=ended[NOW], known=self._known(ended["over"], ended["over"] + delay, ended[NOW]))
        ended, healthy = self.world.draw(ended, settling.healthy, HEALTHY, ended["promotions"])
        well, ill = ended.split(healthy > 0)
        if len(ill):
            yield self._over(ill.put(now=ill["known"]), Outcome.UNHEALTHY)
        if not len(well):
            return
        well = well.put(now=well["known"])
        if settling.verifies:
            well, took = self.world.draw(well, settling.takes, VERIFICATION, well["promotions"])
            well = self.world.later(well.put(now=well[NOW] + took))
            well, successful = self.world.draw(well, settling.successful, SUCCESSFUL, well["promotions"])
            well, failed = well.split(successful > 0)
            if len(failed):
                yield self._over(failed, Outcome.NOT_VERIFIED)
        if len(well):
            yield self._over(well, Outcome.VERIFIED)

    def _known(self, ended: Column, healthy: Column, told: Column) -> Column:
        """When the Stage is known to be healthy: not before its release trusts what Argo CD says."""
        known: Column = np.maximum(healthy, told)
        if not self.distrust_ms:
            return known
        # Meanwhile every pass fails, and the queue backs off: the first pass after the distrust is the one.
        first = told + self._waits[np.searchsorted(self._waits, np.maximum(ended + self.distrust_ms - told, 0))]
        later: Column = np.maximum(known, first)
        return later

    @cached_property
    def distrust_ms(self) -> int:
        """How long after an operation of Argo CD the release does not believe in health, whatever is seen."""
        if not any(step.kind == UPDATE for step in self.study.template.steps):
            return 0
        operation = LastOperation("Succeeded", 0, reconciled_since=True)
        return COOLDOWN_MS if distrust(operation, self.study.behaviours.health_trust) else 0

    @cached_property
    def _waits(self) -> Column:
        """How long after the first the n-th pass comes if all of them fail."""
        times = [0]
        while times[-1] <= 2 * COOLDOWN_MS:
            wait = passes.wake_after({"requeue": BACKOFF}, len(times))
            assert wait is not None
            times.append(times[-1] + wait + LATE_MS)
        return np.array(times, np.int64)

    @cached_property
    def overtakes(self) -> bool:
        """Whether the next Promotion may begin while the Stage is not healthy yet, by the release's own gate."""
        gate = self.study.behaviours.promotion_gate
        return not hold_back(True, None, HealthState.PROGRESSING, gate=gate)

    def _over(self, batch: Batch, outcome: Outcome) -> tuple[Place, Batch]:
        """The end of it all; a Promotion that did not succeed is over now."""
        ended = np.where(batch["over"] < 0, batch[NOW], batch["over"])
        known = np.where(batch["known"] < 0, batch[NOW], batch["known"])
        code = constant(OUTCOMES.index(outcome), len(batch))
        return Done(), batch.put(over=ended, known=known, outcome=code)


@lru_cache(maxsize=16)
def _passes(study: Study) -> Passes:
    """The passes, the same for all portions of a study that this process is given."""
    return Passes(study)


def _ran(turn: Turn) -> bool:
    return passes.called(turn)


def asked_of(place: Asks, batch: Batch) -> tuple[int, Column]:
    """The step whose attempt it is, and when the attempt begins."""
    step = step_of(place.choose.choice)
    assert step is not None, "only attempts are left open"
    return step, dict(place.choose.choice.numbers)[NOW].at(batch.columns, len(batch))


def fresh(life: Life, runs: Column) -> Batch:
    """A row for each of these runs, before anything has happened."""
    return Batch({RUN: runs, **life.columns(len(runs))}, len(runs))
