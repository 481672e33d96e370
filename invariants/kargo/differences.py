"""Claims that two releases, side by side, look the same to whoever looks at a Promotion."""

from __future__ import annotations

from typing import Any

from invariants.kargo.spreads import Spread
from invariants.properties import Property, always, every_step
from model.kargo.phases import StepStatus
from model.kargo.plan import Plan, did, stored
from model.kargo.step_engine import RAN, Entry
from model.kargo.two_releases import second


def both_end_alike(phase: object, phase_then: object, **steps: Any) -> bool:
    """The phase of the Promotion and the statuses of its steps are the same."""
    pairs = zip(_of(steps, "here"), _of(steps, "then"), strict=True)
    return phase is phase_then and all(_status(a) is _status(b) for a, b in pairs)


def both_run_the_same_steps(**next_steps: Any) -> bool:
    """In each pass the same steps are run."""
    pairs = zip(_of(next_steps, "next_here"), _of(next_steps, "next_then"), strict=True)
    return all((a in RAN) is (b in RAN) for a, b in pairs)


def both_come_back_at_the_same_time(next_requeue: object, next_requeue_then: object) -> bool:
    """After each pass the next one is asked for at the same time."""
    return next_requeue == next_requeue_then


def _of(values: dict[str, Any], which: str) -> list[Any]:
    return [v for name, v in values.items() if name.startswith(which)]


def _status(entry: Entry | None) -> StepStatus | None:
    return entry.status if entry else None


def claims(first: Plan) -> tuple[Property, Property, Property]:
    """Ends, work and times, in the order in which they matter."""
    entries: dict[str, str] = {}
    for k, alias in enumerate(first.aliases):
        entries |= {f"here_{k}": stored("entry", alias), f"then_{k}": second(stored("entry", alias))}
    turns: dict[str, str] = {}
    for k, step in enumerate(first.steps):
        name = did(k, step.rules.alias)
        turns |= {f"here_{k}": name, f"then_{k}": second(name)}
    ends = always(Spread(both_end_alike, tuple(entries)), "ends", reads={"phase_then": second("phase"), **entries})
    work = every_step(
        Spread(both_run_the_same_steps, tuple(f"next_{n}" for n in turns)), "work", by=("reconcile",), reads=turns
    )
    times = every_step(both_come_back_at_the_same_time, "times", by=("reconcile",), requeue_then=second("requeue"))
    return ends, work, times
