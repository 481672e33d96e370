"""A study as a chain: every situation that a Promotion can come to, with what chance makes of it, instead of runs.

The same lives as in the simulation, with every value in turn in place of random ones. A situation is where a
Promotion waits for its next pass, or comes to what nobody knows; instants are reckoned from there, and let go of
where they are too long ago to be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulations.kargo.study.attempts import NOW, Situation, takes
from simulations.kargo.study.life import Asks, Begins, Done, Life, Place, Waits
from simulations.kargo.study.measures import (
    ALL,
    ATTEMPTS,
    PROMOTIONS,
    PUSHED,
    REJECTED,
    STARTS,
    TO_THE_END,
    TO_VERIFIED,
    WORK,
    measured,
)
from simulations.kargo.study.race import Race
from simulations.kargo.study.study import OUTCOMES, Outcome, Study, StudyError, TooManyError
from simulations.kargo.study.world import ABORTS, NEVER, NOT_DRAWN, RESTARTS, outage_until, ready_at
from simulations.stochastic import chains
from simulations.stochastic.batches import Batch, Column, Enumerated, constant
from simulations.stochastic.chains import Bounds, Chain, NeverEndsError, Option
from simulations.stochastic.distributions import LONGEST_MS, UncountableError
from simulations.stochastic.forking import Unknown

MOST_SITUATIONS = 200_000
"""More would take minutes to solve."""

SECOND_MS = 1000
"""Status keeps whole seconds: how far into one an instant is matters."""

GATHERED = {TO_THE_END: NOW, ATTEMPTS: "attempts", PROMOTIONS: "promotions", STARTS: "starts", WORK: "work"}
"""What is gathered on the way, and the column that counts it."""

EXPORTED = {TO_THE_END: "milliseconds"} | {n: c for n, c in GATHERED.items() if c != NOW}
"""What that is called for other tools."""

ORIGIN = "origin"


@dataclass(frozen=True)
class Exact:
    """Exact values of a study: of each outcome its probability, and of what is gathered the expected amount.

    They are bounds where something is left open that nobody knows. `verified_after` is the mean time to verified,
    in milliseconds; None where no run gets there or something is left open. `never_ends` says that a run may not
    end, so that there are no expected amounts. Of Stages that push to one branch, `all_promoted` is how likely all
    of them succeed, and the rest is the mean over them.
    """

    situations: int
    transitions: int
    outcomes: Mapping[Outcome, Bounds]
    gathered: Mapping[str, Bounds]
    verified_after: float | None
    never_ends: bool
    all_promoted: float | None = None


def exact(chain: Chain) -> Exact:
    """The exact values of a chain."""
    outcomes = {o: chains.probability(chain, label(o)) for o in OUTCOMES if label(o) in chain.labels.values()}
    try:
        gathered = {name: chains.expected(chain, name) for name in GATHERED}
    except NeverEndsError:
        gathered = {}
    verified = None
    reached = outcomes.get(Outcome.VERIFIED)
    if chain.decided and reached is not None and reached.least > 0:
        verified = chains.expected_if(chain, TO_THE_END, label(Outcome.VERIFIED))
    return Exact(len(chain.options), chain.transitions, outcomes, gathered, verified, not gathered)


def exact_of_branch(study: Study, *, most: int = MOST_SITUATIONS) -> Exact:
    """The exact values of Stages that push to one branch: every way for it to go, with how likely it is.

    Raises StudyError where times have no end of values, TooManyError past `most` ways.
    """
    _refuse_unknowns(study)
    try:
        lives, weight = Race(study, Enumerated()).run(np.zeros(1, np.int64), most)
    except UncountableError as error:
        raise _uncountable(error) from None
    assert weight is not None, "rows that are enumerated have weights"
    found = measured(lives)

    def mean(values: Column) -> float:
        return float(np.dot(weight, values.mean(axis=1)))

    met = [o for k, o in enumerate(OUTCOMES) if (found.outcomes == k).any()]
    chances = {o: mean((found.outcomes == OUTCOMES.index(o)).astype(np.int64)) for o in met}
    gathered = {name: mean(found.values[name]) for name in (*GATHERED, PUSHED, REJECTED)}
    verified = chances.get(Outcome.VERIFIED, 0.0)
    after = mean(found.values[TO_VERIFIED] * found.counted[TO_VERIFIED]) / verified if verified else None
    return Exact(
        situations=len(weight),
        transitions=len(weight),
        outcomes={o: Bounds(p, p) for o, p in chances.items()},
        gathered={name: Bounds(value, value) for name, value in gathered.items()},
        verified_after=after,
        never_ends=False,
        all_promoted=mean(found.values[ALL]),
    )


def _refuse_unknowns(study: Study) -> None:
    if not study.sampled:
        raise StudyError("of Stages that push to one branch there are no bounds for what nobody knows")


def _uncountable(error: UncountableError) -> StudyError:
    return StudyError(f"there are no exact values: {error}; give `values` or a list of times instead")


def label(outcome: Outcome) -> str:
    """What an outcome is called in a chain, a word for other tools."""
    return outcome.name.lower()


def chain_of(study: Study, *, most: int = MOST_SITUATIONS) -> Chain:
    """The chain of one Promotion of a study.

    Raises StudyError where a study has no end of values or several Promotions, TooManyError past `most` situations.
    """
    if study.branch is not None:
        raise StudyError("of Stages that push to one branch there are exact values, but no chain to write")
    if study.promotions > 1:
        raise StudyError(f"exact values are of one Promotion; the study has {study.promotions} in a run")
    try:
        return _Builder(Life(replace(study, until_ms=LONGEST_MS), Enumerated()), most).build()
    except UncountableError as error:
        raise _uncountable(error) from None


class _Builder:
    """The situations met so far, by number, and those that are still to be looked at."""

    def __init__(self, life: Life, most: int) -> None:
        self.life = life
        self.most = most
        self.chain = Chain()
        self.names = tuple(life.columns(1))
        self.numbers: dict[tuple[Place | int, bytes], int] = {}
        self.todo: dict[Place, list[tuple[int, Column]]] = {}
        self.steps = range(len(life.study.steps))

    def build(self) -> Chain:
        begin = Batch(self.life.columns(1), 1, np.ones(1))
        self._number(Begins(), self._matrix(begin)[0])
        while self.todo:
            place = next(iter(self.todo))
            states = self.todo.pop(place)
            rows = np.array([row for _, row in states])
            batch = Batch({n: rows[:, i].copy() for i, n in enumerate(self.names)}, len(rows), np.ones(len(rows)))
            batch = batch.set({ORIGIN: np.array([number for number, _ in states], np.int64)})
            for way in self.life.open_to(place) if isinstance(place, Asks) else (None,):
                self._expand(place, batch, way)
        return self.chain

    def _expand(self, place: Place, batch: Batch, way: int | None) -> None:
        """Add an option to each of the states that a batch holds."""
        options: dict[int, Option] = {}
        for number in batch[ORIGIN].tolist():
            options[number] = Option([], [], {name: [] for name in GATHERED})
            self.chain.options[number].append(options[number])
        began = batch[NOW][np.argsort(batch[ORIGIN])]
        at = np.sort(batch[ORIGIN])
        for after, rows in self._follow(place, batch, way):
            targets = self._targets(after, rows)
            elapsed = rows[NOW] - began[np.searchsorted(at, rows[ORIGIN])]
            gains = {name: (elapsed if c == NOW else rows[c]).tolist() for name, c in GATHERED.items()}
            assert rows.weight is not None
            for k, origin in enumerate(rows[ORIGIN].tolist()):
                option = options[origin]
                option.targets.append(targets[k])
                option.chances.append(float(rows.weight[k]))
                for name, gained in gains.items():
                    option.rewards[name].append(float(gained[k]))

    def _follow(self, place: Place, batch: Batch, way: int | None) -> Iterator[tuple[Place, Batch]]:
        """Where the rows come to next that is a situation, or the end."""
        if isinstance(place, Asks):
            assert way is not None
            pending = [*self.life.answer(place, batch, way)]
        else:
            pending = [*self.life.step(place, batch)]
        while pending:
            after, rows = pending.pop()
            if isinstance(after, (Waits, Asks, Done)):
                if len(rows):
                    yield after, rows
            else:
                pending += self.life.step(after, rows)

    def _targets(self, place: Place, rows: Batch) -> list[int]:
        if isinstance(place, Done):
            return [self._end(code) for code in rows["outcome"].tolist()]
        return [self._number(place, row) for row in self._matrix(self._canonical(place, rows))]

    def _end(self, code: int) -> int:
        key: tuple[Place | int, bytes] = (code, b"")
        if key not in self.numbers:
            self.numbers[key] = len(self.chain.options)
            self.chain.labels[self.numbers[key]] = label(OUTCOMES[code])
            self.chain.options.append([])
        return self.numbers[key]

    def _number(self, place: Place, row: Column) -> int:
        key = (place, row.tobytes())
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.chain.options)
            self.chain.options.append([])
            self.todo.setdefault(place, []).append((found, row))
            if found >= self.most:
                raise TooManyError(f"there are more than {self.most:,} situations")
        return found

    def _matrix(self, batch: Batch) -> Column:
        return np.ascontiguousarray(np.stack([batch[name] for name in self.names], axis=1))

    def _canonical(self, place: Place, rows: Batch) -> Batch:
        """The rows with nothing but what can still matter."""
        length = len(rows)
        now = rows[NOW] % SECOND_MS
        shift = rows[NOW] - now
        kept: dict[str, Column] = {NOW: now, "rolling": rows["rolling"], "attempt": rows["attempt"]}
        for name in (ABORTS, RESTARTS):
            coming = np.where(rows[name] < NEVER, np.maximum(rows[name] - shift, now), NEVER)
            kept[name] = np.where(rows[name] != NOT_DRAWN, coming, NOT_DRAWN)
        begins = place.begins if isinstance(place, Asks) else frozenset(self.steps)
        needed = set(self.life.passes.instants)
        if isinstance(place, Waits):
            begins, needed = place.situation.begins, _unknowns(place.situation)
        for name in needed:
            kept[name] = np.maximum(rows[name] - shift, now - self._horizon(name))
        for k in self.steps:
            drawn = rows[outage_until(k)] != NOT_DRAWN
            kept[outage_until(k)] = np.where(drawn, np.maximum(rows[outage_until(k)] - shift, now), NOT_DRAWN)
            if k not in begins:
                under_way = rows[ready_at(k)] != NOT_DRAWN
                kept[ready_at(k)] = np.where(under_way, np.maximum(rows[ready_at(k)] - shift, now), NOT_DRAWN)
            if isinstance(place, Asks):
                kept[takes(k)] = rows[takes(k)]
        return Batch({n: constant(0, length) for n in self.names} | kept, length, rows.weight)

    def _horizon(self, instant: str) -> int:
        alias = instant.partition("[")[2].rpartition("]")[0]
        return self.life.passes.plan.horizon_ms(alias) + SECOND_MS


def _unknowns(situation: Situation) -> set[str]:
    """The instants that a situation refers to, besides the present."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, Unknown):
            found.update(value.value.names())
        elif isinstance(value, tuple):
            for each in value:
                look(each)

    look(situation.values)
    return found - {NOW}
