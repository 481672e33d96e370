"""Runs of a template, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from diagrams.yaml_text import yaml_text
from model.inputs import printable
from model.kargo.durations import format_duration
from simulations.kargo.runs import PassAccount, Run


def headline(subject: str, release: str, run: Run) -> str:
    """The answer in one line."""
    count = f"{len(run.passes)} pass{'' if len(run.passes) == 1 else 'es'}"
    line = f"{run.phase.value or 'New'} after {count}: {printable(subject)}, Kargo {release}"
    if run.undone:
        line += f"; but {run.undone[0].alias} was begun and never done"
    elif not run.phase.terminal:
        line += f"; {run.ended}"
    return line


def lines(run: Run) -> Iterator[str]:
    """Each pass: what it did with each step, the status it left, and what comes next."""
    for account in run.passes:
        yield ""
        yield f"pass {account.number}, at {format_duration(account.at_ms)}"
        width = max((len(s.alias) for s in account.steps), default=0)
        for step in account.steps:
            yield f"  {step.alias:{width}}  {printable(step.why, 200)}"
        yield f"  next: {_next(account, run)}"
        yield "  status:"
        text = yaml_text(account.status)
        yield from (f"    {line}" for line in text.splitlines())


def _next(account: PassAccount, run: Run) -> str:
    if account is run.passes[-1] and run.phase.terminal:
        return f"none; {run.ended}"
    if account.wake_ms is None:
        return "none by itself; only an event from outside brings the next pass"
    how = ", by the queue's backoff after an error" if account.backs_off else ""
    return f"in {format_duration(account.wake_ms)}{how}"


def as_json(subject: str, release: str, run: Run) -> dict[str, object]:
    """A run for programs; see docs/json.md."""
    return {
        "subject": subject,
        "kargo": release,
        "phase": run.phase.value,
        "ended": run.ended,
        "undone": [s.alias for s in run.undone],
        "passes": [
            {
                "number": p.number,
                "at": p.at_ms / 1000,
                "steps": [{"alias": s.alias, "turn": s.turn.value, "why": s.why} for s in p.steps],
                "status": p.status,
                "next": None if p.wake_ms is None else p.wake_ms / 1000,
                "backoff": p.backs_off,
            }
            for p in run.passes
        ],
    }
