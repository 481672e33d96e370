"""Traces as timelines and state tables: who did what, and what changed of what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from diagrams import traces
from diagrams.theme import Kind
from diagrams.timelines import Lane, Note, Row, StateTable, Timeline, used
from diagrams.values import show
from invariants.trace import Taken, Trace
from model.phase import Phase
from model.system import Value

Kinds = Mapping[Phase, Kind]


@dataclass(frozen=True)
class Stage:
    """Who acts in which lane, and in which lane what changes.

    `actors` gives the lane of an actor, `variables` that of a variable by its field (what stands before `[`); one
    that is not listed has the lane `rest`. `kinds` say of which kind a phase is.
    """

    lanes: tuple[Lane, ...]
    actors: Mapping[str, str]
    variables: Mapping[str, str]
    rest: str
    kinds: Kinds

    def actor(self, name: str) -> str:
        """The lane of an actor."""
        return self.actors.get(name, self.rest)

    def lane(self, variable: str) -> str:
        """The lane of a variable."""
        return self.variables.get(parts(variable)[0], self.rest)

    def kind(self, value: Value) -> Kind:
        """The kind of what a variable has become: a phase, or something that has one."""
        phase = getattr(value, "phase", value)
        return self.kinds.get(phase, Kind.PLAIN) if isinstance(phase, Phase) else Kind.PLAIN


def parts(variable: str) -> tuple[str, str]:
    """The field and the owner of a variable: `phase[dev.1]` is the phase of dev.1."""
    found = re.fullmatch(r"([^\[]+)\[(.+)\]", variable)
    return (found[1], found[2]) if found else (variable, "")


PERSON = "person"
"""Who acts in the first lane, if anybody does."""


def plainly(trace: Trace, kinds: Kinds | None = None) -> Stage:
    """The stage for a system of which nothing is known: a lane for each actor, and one for all that changes."""
    actors = {step.actor: step.actor or "system" for step in trace.steps}
    lanes = [Lane(key, key) for key in sorted(dict.fromkeys(actors.values()), key=lambda key: key != PERSON)]
    return Stage((*lanes, Lane("state", "state")), actors, {}, "state", kinds or {})


@dataclass(frozen=True)
class Told:
    """What a timeline is about: what to call it, what it shows, and what comes of it."""

    name: str
    title: str
    about: str
    verdict: str = ""
    good: bool = False
    remarks: tuple[str, ...] = ()


def timeline(
    trace: Trace, stage: Stage, told: Told, *, shown: traces.Shown = traces.everything, times: Sequence[str] = ()
) -> Timeline:
    """The timeline of a trace; `times` says when each step was taken."""
    rows: list[Row] = []
    for number, step in enumerate(trace.steps):
        if trace.loop == number:
            rows.append(Row(divider="From here on again and again, for ever:"))
        at = times[number] if times else ""
        rows.append(_row(step, str(number + 1), at, stage, shown))
    if trace.loop == len(trace.steps):
        rows.append(Row(divider="And nothing more happens."))
    lanes = used(stage.lanes, tuple(rows)) or stage.lanes
    return Timeline(told.name, told.title, told.about, lanes, tuple(rows), told.verdict, told.good, told.remarks)


def _row(step: Taken, number: str, at: str, stage: Stage, shown: traces.Shown) -> Row:
    return Row(stage.actor(step.actor), _said(step), tuple(_notes(step, stage, shown)), number, at)


def _said(step: Taken) -> str:
    return f"{step.action}: {step.label}" if step.label and not step.action.endswith(step.label) else step.action


def _notes(step: Taken, stage: Stage, shown: traces.Shown) -> Iterator[Note]:
    """What changed, that of one object together."""
    found: dict[tuple[str, str], tuple[list[str], list[Kind]]] = {}
    for variable, (before, now) in step.changes.items():
        if not shown(variable):
            continue
        field, owner = parts(variable)
        texts, kinds = found.setdefault((stage.lane(variable), owner), ([], []))
        texts.append(f"{field.replace('_', ' ')} {show(before)} → {show(now)}")
        kinds.append(stage.kind(now))
    for (lane, owner), (texts, kinds) in found.items():
        kind = next((k for k in kinds if k is not Kind.PLAIN), Kind.PLAIN)
        yield Note(lane, owner, tuple(texts), kind)


def state_table(
    trace: Trace, told: Told, *, shown: traces.Shown = traces.everything, say: Callable[[Value], str] = show
) -> StateTable:
    """The values of whatever changes on the way, step by step; only what changed is said."""
    changed = [n for n in trace.start if shown(n) and any(n in step.changes for step in trace.steps)]
    first = tuple(say(trace.start[n]) for n in changed)
    later = (tuple(say(step.after[n]) if n in step.changes else "" for n in changed) for step in trace.steps)
    steps = ("at the start", *(f"{i}  {_who(step)}{_said(step)}" for i, step in enumerate(trace.steps, start=1)))
    names = tuple(_name(n) for n in changed)
    return StateTable(told.name, told.title, told.about, steps, names, (first, *later), told.verdict, told.good)


def _who(step: Taken) -> str:
    return f"{step.actor}: " if step.actor else ""


def _name(variable: str) -> str:
    field, owner = parts(variable)
    return f"{owner}: {field.replace('_', ' ')}" if owner else field.replace("_", " ")
