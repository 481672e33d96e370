"""Stages that push to one branch as a chain: every situation that they can come to together.

A situation is where each of the Stages is, what it does next and when, and whether the branch has moved since its
commit. In a step of the chain whoever's turn it is goes on (`race.py`), every way that it can.
"""

from __future__ import annotations

import numpy as np

from simulations.kargo.study import measures, race
from simulations.kargo.study.attempts import NOW, takes
from simulations.kargo.study.life import PASSED, Asks, Place, Waits
from simulations.kargo.study.measures import PROMOTED, TO_THE_END
from simulations.kargo.study.race import BASE, BEGAN, CAME, COUNT, DUE, HEAD, KIND, LOCK, NEXT, SINCE, Field, Race
from simulations.kargo.study.situations import ALL_PROMOTED, GATHERED, OVER, SECOND_MS, kept, label, time_of
from simulations.kargo.study.study import OUTCOMES, Branch, Study
from simulations.kargo.study.world import ABORTS, RESTARTED, RESTARTS, outage_until, ready_at, step_of
from simulations.stochastic.batches import RUN, Batch, Column, Enumerated, constant
from simulations.stochastic.chains import Chain, Option, Situations

COUNTED = {name: column for name, column in GATHERED.items() if column != NOW}
COUNTED |= {measures.PUSHED: race.PUSHES, measures.REJECTED: race.REJECTIONS}
"""What is gathered besides time, and the column that counts it."""

AT_A_TIME = 4096
"""Situations that go on at a time."""


def names(branch: Branch) -> tuple[str, ...]:
    """What the Stages are called in a chain."""
    return tuple(f"s{k}" for k in range(1, branch.stages + 1))


def build(study: Study, most: int) -> Chain:
    """The chain of the Stages of a study.

    Raises UncountableError where a value has no end of values, TooManyError past `most` situations.
    """
    return _Builder(Race(study, Enumerated()), most).build()


class _Builder:
    """The situations met so far, by number, and those that are still to be looked at."""

    def __init__(self, of: Race, most: int) -> None:
        self.race = of
        self.met = Situations(most)
        self.stages = names(of.branch)
        self.first = {**of.life.columns(1), **dict.fromkeys((*race.OF_STAGES, RUN), constant(0, 1))}
        self.rewards = (TO_THE_END, *COUNTED, *map(time_of, self.stages))
        steps = range(len(of.life.study.steps))
        self.names = (
            *(KIND, DUE, SINCE, BASE, race.REJECTED, BEGAN, PASSED, NOW, RESTARTS, RESTARTED, ABORTS),
            *("rolling", "attempt", "outcome"),
            *of.life.passes.instants,
            *(name(k) for k in steps for name in (takes, ready_at, outage_until)),
        )
        self.todo: list[tuple[int, bytes]] = []

    def build(self) -> Chain:
        """All that can be come to."""
        self.met.number(())
        field = self.race.begin(np.zeros(1, np.int64))
        self._add(field, [0], field.cells["created"])
        while self.todo:
            some, self.todo = self.todo[:AT_A_TIME], self.todo[AT_A_TIME:]
            numbers = [number for number, _ in some]
            field = self._field(numbers, [row for _, row in some])
            clock = field.cells[NOW]
            field = self.race.turn(field, self.race.when(field))
            self._add(field, numbers, clock[np.searchsorted(numbers, field.runs)])
        return self.met.chain

    def _field(self, numbers: list[int], rows: list[bytes]) -> Field:
        """The runs that are in these situations."""
        cells = np.array([np.frombuffer(row, np.int64) for row in rows]).reshape(len(rows), -1, len(self.stages))
        field = Field(np.array(numbers, np.int64), np.ones(len(rows)))
        shape = (len(rows), len(self.stages))
        field.cells = {name: np.full(shape, of[0], np.int64) for name, of in self.first.items()}
        shared = tuple(self.race.holders)
        field.cells |= {name: cells[:, k].copy() for k, name in enumerate(self.names)}
        field.shared = {name: cells[:, len(self.names) + k].copy() for k, name in enumerate(shared)}
        field.places = cells[:, -1].copy()
        return field

    def _add(self, field: Field, numbers: list[int], clock: Column) -> None:
        """What the situations with these numbers have come to, whose `clock` stood so before."""
        options = {number: Option([], [], {name: [] for name in self.rewards}) for number in numbers}
        for number, option in options.items():
            self.met.chain.options[number].append(option)
        over = field.cells[KIND] == race.OVER
        ends = over.all(axis=1)
        targets = np.zeros(len(field), np.int64)
        targets[ends] = [self._end(outcomes) for outcomes in field.cells["outcome"][ends].tolist()]
        rows, later = np.flatnonzero(~ends), field.cells[NOW].copy()
        if len(rows):
            going, shift = self._canonical(field.take(rows))
            targets[rows] = [self._number(row) for row in self._matrix(going)]
            later[rows] = np.where(over[rows], later[rows], going.cells[NOW] + shift)
        elapsed = later - clock
        assert field.weight is not None, "rows that are enumerated have weights"
        gains = {name: field.cells[column].mean(axis=1) for name, column in COUNTED.items()}
        gains |= {TO_THE_END: elapsed.mean(axis=1)}
        gains |= {time_of(stage): elapsed[:, k] for k, stage in enumerate(self.stages)}
        for k, (number, target) in enumerate(zip(field.runs.tolist(), targets.tolist(), strict=True)):
            gained = {name: float(gain[k]) for name, gain in gains.items()}
            options[number].add(target, float(field.weight[k]), gained)

    def _end(self, outcomes: list[int]) -> int:
        met = [OUTCOMES[code] for code in outcomes]
        ends = (label(outcome, stage) for stage, outcome in zip(self.stages, met, strict=True))
        promoted = (ALL_PROMOTED,) * all(outcome in PROMOTED for outcome in met)
        return self.met.number(tuple(outcomes), (*ends, *promoted, OVER))[0]

    def _number(self, row: bytes) -> int:
        number, new = self.met.number(row)
        if new:
            self.todo.append((number, row))
        return number

    def _matrix(self, field: Field) -> list[bytes]:
        columns = [*(field.cells[name] for name in self.names), *field.shared.values(), field.places]
        return [row.tobytes() for row in np.stack(columns, axis=1)]

    def _canonical(self, field: Field) -> tuple[Field, Column]:
        """The runs with nothing but what can still matter, and how much instants are less than they were."""
        next_at = self.race.when(field).min(axis=1)[:, None]
        now = next_at % SECOND_MS
        shift = next_at - now
        found = Field(field.runs, field.weight)
        cells, old = {name: np.zeros_like(field.places) for name in self.names}, field.cells
        over, pushing = old[KIND] == race.OVER, np.isin(old[KIND], (race.TRIES, race.LANDS))
        cells[KIND], cells[race.REJECTED] = old[KIND], np.where(pushing, old[race.REJECTED], 0)
        cells[BEGAN] = np.where(pushing, old[BEGAN] - shift, 0)
        cells[DUE] = np.where(over, 0, np.maximum(old[DUE] - shift, now))
        cells[SINCE] = np.where(over | (old[SINCE] == race.AT_ONCE), old[SINCE], old[SINCE] - shift)
        cells[SINCE][over] = 0
        cells[PASSED] = np.where(old[KIND] > race.PASSES, 0, np.maximum(old[PASSED] - shift, now))
        cells["outcome"] = np.where(over, old["outcome"], 0)
        for number in np.unique(field.places[~over]).tolist():
            self._of_place(self.race.places[number], field, cells, field.places == number, shift, now)
        found.cells, found.places = cells, field.places
        found.shared = self._shared(field, over, shift, now)
        return found, shift

    def _of_place(
        self, place: Place, field: Field, cells: dict[str, Column], where: Column, shift: Column, now: Column
    ) -> None:
        """What can still matter of the Stages that are at a place."""
        rows, stage = np.nonzero(where)
        batch = Batch({name: of[rows, stage] for name, of in field.cells.items()}, len(rows))
        less = shift[rows, 0]
        clock = batch[NOW] - less
        if isinstance(place, Waits):
            clock = np.maximum(clock, now[rows, 0])
        for name, of in kept(self.race.life, place, batch, less, clock).items():
            cells[name][rows, stage] = of
        cells[NOW][rows, stage] = clock
        if self.race.restarts:
            cells[RESTARTS][rows, stage] = batch[RESTARTS] - less
            behind = batch[RESTARTED] - field.shared[COUNT][rows, self.race.controller[stage]]
            cells[RESTARTED][rows, stage] = behind
        if self._has_cloned(place):
            head = field.shared[HEAD][rows, self.race.branch_of[stage]]
            cells[BASE][rows, stage] = np.where(batch[BASE] == head, 0, -1)

    def _has_cloned(self, place: Place) -> bool:
        """Whether where the commit begins matters at a place: before the clone it does not."""
        branch = self.race.branch
        if isinstance(place, Asks):
            return step_of(place.choose.choice) == branch.push
        return isinstance(place, Waits) and branch.clone not in place.situation.begins

    def _shared(self, field: Field, over: Column, shift: Column, now: Column) -> dict[str, Column]:
        found = {name: np.zeros_like(field.places) for name in self.race.holders}
        if self.race.setting.integrates:
            found[LOCK] = np.maximum(field.shared[LOCK] - shift, now)
        if not self.race.restarts:
            return found
        for stage, controller in enumerate(self.race.controller.tolist()):
            going = ~over[:, stage]
            behind = going & (field.cells[RESTARTED][:, stage] < field.shared[COUNT][:, controller])
            for name, where in ((NEXT, going), (CAME, behind)):
                at = field.shared[name][:, controller] - shift[:, 0]
                found[name][where, controller] = at[where]
        return found
