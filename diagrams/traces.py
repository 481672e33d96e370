"""Traces as stories: numbered steps, who acted, what changed, and the values that break the claim."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from diagrams.values import plain, show
from invariants.lassos import never_taken
from invariants.properties import Kind, Property
from invariants.trace import Taken, Trace
from model.system import System, Value

NAMED = 3
"""Of the steps of a fairness so many are named."""

Shown = Callable[[str], bool]


def everything(variable: str) -> bool:
    """Show every variable."""
    return True


def story(trace: Trace, *, shown: Shown = everything) -> Iterator[str]:
    """A line for each step, and one below it for what changed. `shown` picks the variables to speak of."""
    if not trace.steps:
        state = said((n, f"= {show(v)}") for n, v in trace.start.items() if shown(n))
        yield f" 0  at the start: {state}"
    for number, step in enumerate(trace.steps, start=1):
        if trace.loop == number - 1:
            yield "    again and again, for ever:"
        who = f"{step.actor}: " if step.actor else ""
        how = f": {step.label}" if step.label and not step.action.endswith(step.label) else ""
        yield f"{number:2}  {who}{step.action}{how}"
        changed = [(n, f"{show(a)} -> {show(b)}") for n, (a, b) in step.changes.items() if shown(n)]
        if changed:
            yield f"      {said(changed)}"
    if trace.loop == len(trace.steps):
        yield "    and nothing more happens"


def fairness(system: System, claim: Property, trace: Trace) -> Iterator[str]:
    """What never happens in the loop of a trace although it should, and why that is fair: a line for each why."""
    found: dict[str, list[str]] = {}
    for fair, enabled in never_taken(system, claim, trace):
        more = f" or {len(fair.steps) - NAMED} more" if fair.steps[NAMED:] else ""
        if not enabled:
            why = "not enabled any more"
        else:
            why = "not enabled all the time" + (f": after step {enabled[0]} it is" if enabled[0] else "")
        found.setdefault(why, []).append(", ".join(fair.steps[:NAMED]) + more)
    yield from (f"never: {'; '.join(named)} ({why})" for why, named in found.items())


def verdict_of(claim: Property, trace: Trace) -> str:
    """The values that the claim speaks of, where the trace ends; of one about steps, before and after the last."""
    if claim.kind is not Kind.EVERY_STEP:
        seen = {variable: trace.end[variable] for variable in claim.variables}
        return said((n, f"= {show(v)}") for n, v in seen.items())
    last = trace.steps[-1]
    after: dict[str, Value] = {**last.after, **last.record}
    reads = [found for _, found in claim.reads]
    early = said((variable, f"= {show(last.before[variable])}") for variable, late in reads if not late)
    later = said((variable, f"= {show(after[variable])}") for variable, late in reads if late)
    if not early:
        return later
    return f"before the last step: {early}" + (f"; after it: {later}" if later else "")


def said(what: Iterable[tuple[str, str]]) -> str:
    """What is said of each variable, those of one object together: `dev.1: phase none -> new, used no -> yes`."""
    objects: dict[str, list[str]] = {}
    for variable, words in what:
        found = re.fullmatch(r"([^\[]+)\[(.+)\]", variable)
        field, owner = (found[1], found[2]) if found else (variable, "")
        objects.setdefault(owner, []).append(f"{field.replace('_', ' ')} {words}")
    return "; ".join(
        f"{owner}: {', '.join(words)}" if owner else ", ".join(words) for owner, words in objects.items()
    )


def as_json(trace: Trace) -> dict[str, object]:
    """The trace for programs: the initial state, then the steps with what they changed."""
    return {
        "start": {n: plain(v) for n, v in trace.start.items()},
        "steps": [_step(step) for step in trace.steps],
        "loop": trace.loop,
    }


def _step(step: Taken) -> dict[str, object]:
    return {
        "action": step.action,
        "actor": step.actor,
        "label": step.label,
        "changes": {n: {"before": plain(a), "after": plain(b)} for n, (a, b) in step.changes.items()},
    }
