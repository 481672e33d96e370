"""A study as a chain: every situation that Promotions can come to, with what chance makes of it, instead of runs.

The same lives as in the simulation, with every value in turn in place of random ones. A situation is where a
Promotion waits for its next pass, or comes to what nobody knows; instants are reckoned from there, and let go of
where they are too long ago to be told apart. Of Stages that push to one branch it is where all of them are
(`branch_chain.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulations.kargo.study import branch_chain
from simulations.kargo.study.attempts import NOW
from simulations.kargo.study.life import Asks, Begins, Done, Life, Place, Waits
from simulations.kargo.study.measures import PUSHED, REJECTED, TO_THE_END
from simulations.kargo.study.situations import ALL_PROMOTED, GATHERED, OVER, SECOND_MS, kept, label, time_of
from simulations.kargo.study.study import OUTCOMES, Outcome, Study, StudyError
from simulations.stochastic import chains
from simulations.stochastic.batches import Batch, Column, Enumerated, constant
from simulations.stochastic.chains import Bounds, Chain, NeverEndsError, Option, Situations
from simulations.stochastic.distributions import LONGEST_MS, UncountableError

MOST_SITUATIONS = 200_000
"""More would take minutes to solve."""

OF_BRANCHES = {PUSHED: "pushes", REJECTED: "rejections"}
"""What is gathered of Stages that push to one branch, besides, and what it is called for other tools."""

EXPORTED = {TO_THE_END: "milliseconds"} | {n: c for n, c in GATHERED.items() if c != NOW}
"""What is gathered, and what it is called for other tools."""

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


def exact(chain: Chain, study: Study) -> Exact:
    """The exact values of the chain of a study."""
    stages = names_of(study)
    outcomes = {o: _mean([chains.probability(chain, label(o, s)) for s in stages]) for o in _met(chain, stages)}
    try:
        gathered = {name: chains.expected(chain, name) for name in exported(study)}
    except NeverEndsError:
        gathered = {}
    return Exact(
        situations=len(chain.options),
        transitions=chain.transitions,
        outcomes=outcomes,
        gathered=gathered,
        verified_after=_verified_after(chain, stages),
        never_ends=not gathered,
        all_promoted=chains.probability(chain, ALL_PROMOTED).least if study.branch else None,
    )


def names_of(study: Study) -> tuple[str, ...]:
    """What the Stages of a study are called in its chain; nothing where there is only one."""
    return branch_chain.names(study.branch) if study.branch else ("",)


def exported(study: Study) -> Mapping[str, str]:
    """What is gathered on the way of a study, and what it is called for other tools."""
    return EXPORTED | OF_BRANCHES if study.branch else EXPORTED


def _met(chain: Chain, stages: tuple[str, ...]) -> Iterator[Outcome]:
    there = {name for names in chain.labels.values() for name in names}
    return (o for o in OUTCOMES if any(label(o, stage) in there for stage in stages))


def _mean(bounds: list[Bounds]) -> Bounds:
    return Bounds(sum(b.least for b in bounds) / len(bounds), sum(b.greatest for b in bounds) / len(bounds))


def _verified_after(chain: Chain, stages: tuple[str, ...]) -> float | None:
    """The mean time of those that are verified, if any are, and nothing is left open."""
    if not chain.decided:
        return None
    chances = {s: chains.probability(chain, label(Outcome.VERIFIED, s)).least for s in stages}
    times = (
        chance * chains.expected_if(chain, time_of(stage), label(Outcome.VERIFIED, stage))
        for stage, chance in chances.items()
        if chance > 0
    )
    return sum(times) / sum(chances.values()) if any(chances.values()) else None


def chain_of(study: Study, *, most: int = MOST_SITUATIONS) -> Chain:
    """The chain of one Promotion of a study, or of the Stages that push to one branch.

    Raises StudyError where a study has no end of values or several Promotions of a Stage, TooManyError past `most`
    situations.
    """
    if study.promotions > 1:
        raise StudyError(f"exact values are of one Promotion; the study has {study.promotions} in a run")
    if study.branch and not study.sampled:
        raise StudyError("of Stages that push to one branch there are no bounds for what nobody knows")
    patient = replace(study, until_ms=LONGEST_MS)
    try:
        if study.branch:
            return branch_chain.build(patient, most)
        return _Builder(Life(patient, Enumerated()), most).build()
    except UncountableError as error:
        text = f"there are no exact values: {error}; give `values` or a list of times instead"
        raise StudyError(text) from None


class _Builder:
    """The situations met so far, by number, and those that are still to be looked at."""

    def __init__(self, life: Life, most: int) -> None:
        self.life = life
        self.met = Situations(most)
        self.names = tuple(life.columns(1))
        self.todo: dict[Place, list[tuple[int, Column]]] = {}

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
        return self.met.chain

    def _expand(self, place: Place, batch: Batch, way: int | None) -> None:
        """Add an option to each of the states that a batch holds."""
        options: dict[int, Option] = {}
        for number in batch[ORIGIN].tolist():
            options[number] = Option([], [], {name: [] for name in GATHERED})
            self.met.chain.options[number].append(options[number])
        began = batch[NOW][np.argsort(batch[ORIGIN])]
        at = np.sort(batch[ORIGIN])
        for after, rows in self._follow(place, batch, way):
            targets = self._targets(after, rows)
            elapsed = rows[NOW] - began[np.searchsorted(at, rows[ORIGIN])]
            gains = {name: (elapsed if c == NOW else rows[c]).tolist() for name, c in GATHERED.items()}
            assert rows.weight is not None
            for k, origin in enumerate(rows[ORIGIN].tolist()):
                gained = {name: float(gain[k]) for name, gain in gains.items()}
                options[origin].add(targets[k], float(rows.weight[k]), gained)

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
            ends = ((code, label(OUTCOMES[code])) for code in rows["outcome"].tolist())
            return [self.met.number(code, (name, OVER))[0] for code, name in ends]
        return [self._number(place, row) for row in self._matrix(self._canonical(place, rows))]

    def _number(self, place: Place, row: Column) -> int:
        number, new = self.met.number((place, row.tobytes()))
        if new:
            self.todo.setdefault(place, []).append((number, row))
        return number

    def _matrix(self, batch: Batch) -> Column:
        return np.ascontiguousarray(np.stack([batch[name] for name in self.names], axis=1))

    def _canonical(self, place: Place, rows: Batch) -> Batch:
        """The rows with nothing but what can still matter."""
        length = len(rows)
        now = rows[NOW] % SECOND_MS
        nothing = {n: constant(0, length) for n in self.names}
        matters = kept(self.life, place, rows, rows[NOW] - now, now) | {NOW: now}
        return Batch(nothing | matters, length, rows.weight)
