"""Claims that two releases, side by side, look the same to whoever looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from invariants.kargo.spreads import Spread
from invariants.properties import Property, always, every_step
from model.kargo.phases import StepStatus
from model.kargo.plan import Plan, did, stored
from model.kargo.step_engine import RAN, Entry, Turn
from model.kargo.two_releases import second


def both_end_alike(phase: object, phase_then: object, **steps: Any) -> bool:
    """The phase of the Promotion and the statuses of its steps are the same."""
    return phase is phase_then and all(_status(a) is _status(b) for a, b in _pairs(steps))


def both_run_the_step(next_did: Turn, next_did_then: Turn) -> bool:
    """In each pass a step is run in both, or in neither."""
    return (next_did in RAN) is (next_did_then in RAN)


def both_come_back_at_the_same_time(next_requeue: object, next_requeue_then: object) -> bool:
    """After each pass the next one is asked for at the same time."""
    return next_requeue == next_requeue_then


def both_look_alike(**fields: Any) -> bool:
    """Everything that a person looks at is the same."""
    return all(a == b for a, b in _pairs(fields))


def _pairs(values: dict[str, Any]) -> Iterable[tuple[Any, Any]]:
    here = [v for name, v in values.items() if name.removeprefix("next_").startswith("here")]
    then = [v for name, v in values.items() if name.removeprefix("next_").startswith("then")]
    return zip(here, then, strict=True)


def _status(entry: Entry | None) -> StepStatus | None:
    return entry.status if entry else None


def _twice(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for k, name in enumerate(names):
        found |= {f"here_{k}": name, f"then_{k}": second(name)}
    return found


def claims(plan: Plan) -> tuple[Property, ...]:
    """About a Promotion: its ends, what it does, step by step, and when, in the order in which they matter."""
    entries = _twice(stored("entry", alias) for alias in plan.aliases)
    turns = [did(k, step.rules.alias) for k, step in enumerate(plan.steps)]
    ends = always(Spread(both_end_alike, tuple(entries)), "ends", reads={"phase_then": second("phase"), **entries})
    work = (
        every_step(both_run_the_step, f"work {k}", by=("reconcile",), did=turn, did_then=second(turn))
        for k, turn in enumerate(turns)
    )
    times = every_step(both_come_back_at_the_same_time, "times", by=("reconcile",), requeue_then=second("requeue"))
    return ends, *work, times


def about(variables: Iterable[str]) -> Property:
    """About these variables of any system: that they are the same."""
    reads = _twice(variables)
    return always(Spread(both_look_alike, tuple(reads)), "looks", reads=reads)
