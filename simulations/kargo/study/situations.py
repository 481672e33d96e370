"""What of a Promotion's columns can still matter at a place: two rows with the same are in the same situation."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulations.kargo.study.attempts import NOW, Situation, takes
from simulations.kargo.study.life import Asks, Life, Place, Waits
from simulations.kargo.study.measures import ATTEMPTS, PROMOTIONS, STARTS, TO_THE_END, WORK
from simulations.kargo.study.study import Outcome
from simulations.kargo.study.world import ABORTS, NEVER, NOT_DRAWN, RESTARTS, outage_until, ready_at
from simulations.stochastic.batches import Batch, Column
from simulations.stochastic.forking import Unknown

SECOND_MS = 1000
"""Status keeps whole seconds: how far into one an instant is matters."""

GATHERED = {TO_THE_END: NOW, ATTEMPTS: "attempts", PROMOTIONS: "promotions", STARTS: "starts", WORK: "work"}
"""What is gathered on the way through a chain, and the column that counts it."""

OVER, ALL_PROMOTED = "over", "all_promoted"
"""What the ends of a chain are called, and those where all Stages of a branch are promoted."""


def label(outcome: Outcome, stage: str = "") -> str:
    """What the outcome of a Stage is called in a chain, a word for other tools."""
    return f"{stage}_{outcome.name.lower()}" if stage else outcome.name.lower()


def time_of(stage: str) -> str:
    """What the time of a Stage is called in a chain."""
    return f"{TO_THE_END} of {stage}" if stage else TO_THE_END


def kept(life: Life, place: Place, rows: Batch, shift: Column, now: Column) -> dict[str, Column]:
    """The columns that can still matter, the present aside, with instants less `shift`, a number of whole seconds.

    `now` is when it goes on at the earliest, less `shift`. Instants are let go of where they are too long before
    that to be told apart.
    """
    found = {"rolling": rows["rolling"], "attempt": rows["attempt"]}
    for name in (ABORTS, RESTARTS):
        coming = np.where(rows[name] < NEVER, np.maximum(rows[name] - shift, now), NEVER)
        found[name] = np.where(rows[name] != NOT_DRAWN, coming, NOT_DRAWN)
    steps = range(len(life.study.steps))
    begins = place.begins if isinstance(place, Asks) else frozenset(steps)
    needed = set(life.passes.instants)
    if isinstance(place, Waits):
        begins, needed = place.situation.begins, _unknowns(place.situation)
    for name in needed:
        found[name] = np.maximum(rows[name] - shift, now - _horizon(life, name))
    for k in steps:
        drawn = rows[outage_until(k)] != NOT_DRAWN
        found[outage_until(k)] = np.where(drawn, np.maximum(rows[outage_until(k)] - shift, now), NOT_DRAWN)
        if k not in begins:
            under_way = rows[ready_at(k)] != NOT_DRAWN
            found[ready_at(k)] = np.where(under_way, np.maximum(rows[ready_at(k)] - shift, now), NOT_DRAWN)
        if isinstance(place, Asks):
            found[takes(k)] = rows[takes(k)]
    return found


def _horizon(life: Life, instant: str) -> int:
    alias = instant.partition("[")[2].rpartition("]")[0]
    return life.passes.plan.horizon_ms(alias) + SECOND_MS


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
