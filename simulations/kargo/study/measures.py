"""What runs came to, counted: and how one variant of a study differs from another in the same runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from simulations.kargo.study.attempts import NOW
from simulations.kargo.study.life import Life, fresh
from simulations.kargo.study.race import PUSHES, REJECTIONS, Race
from simulations.kargo.study.study import OUTCOMES, Outcome, Study
from simulations.kargo.study.world import EVERY
from simulations.stochastic.batches import RUN, Batch, Column, Sampled, constant
from simulations.stochastic.tallies import Estimate, Histogram, Moments, share

BLOCK = 1 << 14
"""Promotions that are simulated at a time: few enough for the caches, enough for NumPy. Not a matter of results."""

SIDE_BY_SIDE = 4
"""So many times as many of Stages that push to one branch, of which only one in each run goes on at a time."""

PROMOTED = (Outcome.VERIFIED, Outcome.NOT_VERIFIED, Outcome.UNHEALTHY, Outcome.OVERTAKEN)
"""The outcomes in which the Promotion that was asked for, or one like it, succeeded."""

TO_VERIFIED, BLOCKED, TO_THE_END = "time to verified", "blocked in the queue", "time to the end"
TIMES = (TO_VERIFIED, BLOCKED, TO_THE_END)
"""Times of which the whole distribution is kept, in milliseconds from when a Promotion was asked for."""

SUCCESS, WASTED, WORK, WASTED_WORK = "verified", "wasted attempts", "work", "wasted work"
ATTEMPTS, PROMOTIONS, STARTS = "attempts of steps", "Promotions created", "started again"
PUSHED, REJECTED = "pushes to the branch", "pushes rejected"
COUNTS = (SUCCESS, ATTEMPTS, WASTED, WORK, WASTED_WORK, PROMOTIONS, STARTS, PUSHED, REJECTED)
"""What is counted for each Promotion that was asked for; work in milliseconds."""

ALL, TO_THE_LAST = "all of a run promoted", "time to the end of the last"
OF_RUNS = (ALL, TO_THE_LAST)
"""Of each run: whether all its Promotions, or those like them, succeeded; and when all was over."""

MEASURES = (*TIMES, *COUNTS, *OF_RUNS)
"""Everything of which there is a mean."""

IN_TIME = frozenset({*TIMES, WORK, WASTED_WORK, TO_THE_LAST})
"""What is measured in milliseconds."""


@dataclass
class Tally:
    """What the runs of one variant came to; `against` is how it differs from the first variant in the same runs."""

    name: str
    outcomes: list[int] = field(default_factory=lambda: [0] * len(OUTCOMES))
    times: dict[str, Histogram] = field(default_factory=lambda: {name: Histogram() for name in TIMES})
    means: dict[str, Moments] = field(default_factory=lambda: {name: Moments(2) for name in MEASURES})
    against: dict[str, Moments] = field(default_factory=lambda: {name: Moments(4) for name in MEASURES})

    def merge(self, other: Tally) -> None:
        """Add what another counted."""
        self.outcomes = [a + b for a, b in zip(self.outcomes, other.outcomes, strict=True)]
        for name, histogram in self.times.items():
            histogram.merge(other.times[name])
        for mine, theirs in ((self.means, other.means), (self.against, other.against)):
            for name, moments in mine.items():
                moments.merge(theirs[name])

    @property
    def runs(self) -> int:
        """How many runs it rests on."""
        return self.means[SUCCESS].runs

    @property
    def asked(self) -> int:
        """How many Promotions were asked for."""
        return sum(self.outcomes)

    def share_of(self, outcome: Outcome, confidence: float) -> Estimate | None:
        """How many of the Promotions that were asked for came to that."""
        return share(self.outcomes[OUTCOMES.index(outcome)], self.asked, confidence, self._independent)

    def all_of_a_run(self, confidence: float) -> Estimate | None:
        """In how many of the runs all Promotions, or those like them, succeeded."""
        return share(self.means[ALL].sums[0], self.runs, confidence)

    def quantile(self, of: str, part: float, confidence: float) -> Estimate | None:
        """A quantile of one of `TIMES`."""
        return self.times[of].quantile(part, confidence, self._independent)

    def mean(self, of: str, confidence: float) -> Estimate | None:
        """The mean for each Promotion that was asked for; of times, for each that came to have that time."""
        return self.means[of].ratio(confidence)

    def difference(self, of: str, confidence: float) -> Estimate | None:
        """The mean less that of the first variant."""
        return self.against[of].difference(confidence)

    @property
    def _independent(self) -> int | None:
        """Promotions of one run wait for each other: then only runs are independent."""
        return None if self.asked == self.runs else self.runs


@dataclass(frozen=True)
class Variant:
    """A study, and what it is called among others that it is compared with."""

    name: str
    study: Study


@dataclass(frozen=True)
class Portion:
    """Some runs of a study, in several variants; they have the same number of runs, and of Promotions in each."""

    variants: tuple[Variant, ...]
    first: int
    last: int


def portions(variants: tuple[Variant, ...]) -> Iterator[Portion]:
    """All runs of a study, in portions that do not depend on who does them."""
    study = variants[0].study
    block = BLOCK * SIDE_BY_SIDE if study.branch else BLOCK
    each = max(1, block // max(variant.study.each for variant in variants))
    for first in range(0, study.runs, each):
        yield Portion(variants, first, min(study.runs, first + each))


def count(portion: Portion) -> tuple[Tally, ...]:
    """What the runs of a portion come to, in each variant."""
    tallies: list[Tally] = []
    baseline: dict[str, tuple[Column, Column]] = {}
    for variant in portion.variants:
        found = measured(simulate(variant.study, portion.first, portion.last))
        tally = _tally(variant.name, found)
        sums = {name: found.of(name) for name in MEASURES}
        for name, (over, under) in sums.items():
            tally.means[name].add((over, under))
            if baseline:
                tally.against[name].add((*baseline[name], over, under))
        baseline = baseline or sums
        tallies.append(tally)
    return tuple(tallies)


def together(counted: Iterable[tuple[Tally, ...]]) -> tuple[Tally, ...]:
    """Several portions as one."""
    total: tuple[Tally, ...] = ()
    for tallies in counted:
        if not total:
            total = tallies
        else:
            for mine, theirs in zip(total, tallies, strict=True):
                mine.merge(theirs)
    return total


def simulate(study: Study, first: int, last: int) -> list[Batch]:
    """The runs from `first` on and before `last`: for each Promotion of a run, how it went, in order of runs."""
    source = Sampled(study.seed)
    runs = np.arange(first, last, dtype=np.int64)
    if study.branch:
        return Race(study, source).run(runs)
    life = Life(study, source)
    created = constant(0, len(runs))
    free = created
    lives: list[Batch] = []
    for number in range(study.promotions):
        # Every Promotion of every run has luck of its own.
        begin = fresh(life, runs * study.promotions + number)
        if number:
            _, wait = source.draw(begin, study.every, EVERY, constant(0, len(runs)))
            created = created + wait
            lives[-1], free = _make_way(life, lives[-1], created)
        done = life.run(begin.put(created=created, now=np.maximum(created, free)))
        lives.append(done.take(np.argsort(done[RUN])))
    return lives


def _make_way(life: Life, before: Batch, created: Column) -> tuple[Batch, Column]:
    """How the Promotion before ends, and when the Stage is free, if the next one is created then.

    Where the gate is open while the Stage is not healthy yet, the next one begins, and nobody verifies the one
    before it any more.
    """
    if not life.overtakes:
        return before, before[NOW]
    promoted = np.isin(before["outcome"], [OUTCOMES.index(o) for o in PROMOTED])
    early = np.maximum(created, before["told"])
    overtaken = promoted & (early < before["known"])
    outcome = np.where(overtaken, OUTCOMES.index(Outcome.OVERTAKEN), before["outcome"])
    now = np.where(overtaken, early, before[NOW])
    return before.put(outcome=outcome, now=now), now


@dataclass(frozen=True)
class Measured:
    """What was measured of each Promotion: a row for each run, a column for each Promotion of it."""

    values: dict[str, Column]
    counted: dict[str, Column]
    outcomes: Column

    def of(self, name: str) -> tuple[Column, Column]:
        """For each run the sum of what was measured, and of how many Promotions."""
        counted = self.counted.get(name)
        values = self.values[name] if counted is None else self.values[name] * counted
        number = np.ones_like(values) if counted is None else counted
        return values.sum(axis=1), number.sum(axis=1)


def measured(lives: list[Batch]) -> Measured:
    """What is measured of lives."""

    def column(name: str) -> Column:
        return np.stack([batch[name] for batch in lives], axis=1)

    outcomes = column("outcome")
    promoted = np.isin(outcomes, [OUTCOMES.index(o) for o in PROMOTED]).astype(np.int64)
    verified = (outcomes == OUTCOMES.index(Outcome.VERIFIED)).astype(np.int64)
    pushing = PUSHES in lives[0].columns
    begun = (column("begun") >= 0).astype(np.int64)
    lasted = column(NOW) - column("created")
    values = {
        SUCCESS: verified,
        ATTEMPTS: column("attempts"),
        WASTED: column("attempts") - promoted * column("useful"),
        WORK: column("work"),
        WASTED_WORK: column("work") - promoted * column("useful_work"),
        PROMOTIONS: column("promotions"),
        STARTS: column("starts"),
        TO_VERIFIED: lasted,
        BLOCKED: column("begun") - column("created"),
        TO_THE_END: lasted,
        PUSHED: column(PUSHES) if pushing else constant(0, len(outcomes))[:, None],
        REJECTED: column(REJECTIONS) if pushing else constant(0, len(outcomes))[:, None],
        ALL: promoted.min(axis=1, keepdims=True),
        TO_THE_LAST: column(NOW).max(axis=1, keepdims=True),
    }
    return Measured(values, {TO_VERIFIED: verified, BLOCKED: begun}, outcomes)


def _tally(name: str, found: Measured) -> Tally:
    tally = Tally(name, np.bincount(found.outcomes.ravel(), minlength=len(OUTCOMES)).tolist())
    for time in TIMES:
        counted = found.counted.get(time)
        values = found.values[time].ravel()
        tally.times[time].add(values if counted is None else values[counted.ravel() > 0])
    return tally
