"""Passes over one Promotion, one after the other, with a clock that runs on.

The world in which recordings are replayed and a user's templates are run. The rules are those the checker
explores; here every attempt follows a script, so a pass goes one way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from model.kargo import promotion, worlds
from model.kargo.attempts import UNKNOWN_OUTPUT, Attempt
from model.kargo.phases import PromotionPhase
from model.kargo.plan import Plan, did, said
from model.kargo.saving_rules import BACKOFF
from model.kargo.step_engine import RAN, Entry, Turn
from model.system import ModelError, State, System

FIRST_BACKOFF_MS = 5
LONGEST_BACKOFF_MS = 1_000_000

RECONCILE = "reconcile"
CANCELLED_RECONCILE = "reconcile while shutting down"


@dataclass(frozen=True)
class Passed:
    """A pass: when it began (milliseconds since the start), the state it left, and what happened in it."""

    at_ms: int
    state: State
    record: State


def run_system(plan: Plan, start: PromotionPhase = PromotionPhase.NEW, *, cancels: bool = False) -> System:
    """The system of one Promotion whose steps follow scripts. `plan.writes_can_fail` must be set.

    With `cancels`, passes during which the controller is shut down are among its actions.
    """
    tries = tuple(worlds.tries(alias) for alias in plan.aliases)
    actions = [promotion.reconcile(plan, RECONCILE, running_clock=True)]
    if cancels:
        actions.append(promotion.reconcile(plan, CANCELLED_RECONCILE, cancelled=True, running_clock=True))
    return System("run", (*promotion.variables(plan, running_clock=True, start=start), *tries), tuple(actions))


def begin(system: System) -> State:
    """The state before the first pass."""
    return next(system.initial_states())


def pass_over(
    system: System, state: State, after_ms: int, *, restart: bool = False, cancelled: bool = False
) -> Passed:
    """Let `after_ms` go by, then reconcile; `restart` loses the work directory just before.

    Raises ModelError if the Promotion has ended, or the pass can go more than one way.
    """
    now = state["now"]
    assert isinstance(now, int)
    before = {**state, "now": now + after_ms, "work_dir": state["work_dir"] and not restart}
    step = next(a for a in system.actions if a.name == (CANCELLED_RECONCILE if cancelled else RECONCILE))
    ways = system.perform(step, before)
    if len(ways) != 1:
        raise ModelError(f"a pass that should go one way goes {len(ways)} ways")
    return Passed(now + after_ms, ways[0].state, ways[0].record)


def wake_after(state: State, errors: int) -> int | None:
    """How many milliseconds after a pass the next one comes by itself, or None if none does.

    `errors` counts the passes in a row that ended in an error, this one included. The wait is what the
    controller asked for, before the millisecond by which a real timer is late.
    """
    requeue = state["requeue"]
    if requeue == BACKOFF:
        return min(FIRST_BACKOFF_MS << min(errors - 1, 30), LONGEST_BACKOFF_MS)
    return requeue if isinstance(requeue, int) and requeue > 0 else None


# Reading a state


def entry_of(state: State, name: str) -> Entry | None:
    """The metadata held by the variable `name`."""
    entry = state[name]
    assert entry is None or isinstance(entry, Entry)
    return entry


def turns(plan: Plan, passed: Passed) -> list[tuple[int, str, Turn, Attempt | None]]:
    """What the pass did with each step it reached: index, alias, turn, and what the runner came back with."""
    found: list[tuple[int, str, Turn, Attempt | None]] = []
    for index, step in enumerate(plan.steps):
        alias = step.rules.alias
        turn = passed.record[did(index, alias)]
        attempt = passed.record[said(index, alias)]
        assert isinstance(turn, Turn)
        assert attempt is None or isinstance(attempt, Attempt)
        if turn is not Turn.NOT_REACHED:
            found.append((index, alias, turn, attempt))
    return found


def ran(plan: Plan, passed: Passed) -> list[str]:
    """The aliases whose runner was called, in order."""
    return [alias for _, alias, turn, _ in turns(plan, passed) if called(turn)]


def called(turn: Turn) -> bool:
    """Whether the step's runner was called."""
    return turn in RAN or turn is Turn.PANICKED


def shared_state(values: dict[str, str | None]) -> dict[str, object]:
    """Outputs by key, those that are there; one of which nothing is known is shown as such."""
    return {
        key: "unknown" if value == UNKNOWN_OUTPUT else json.loads(value)
        for key, value in values.items()
        if value is not None
    }
