"""Playbacks: runs that one can step through, forwards and backwards, in a browser.

A counterexample of the checker is one, and so is a story. The page gets all of them in one document, in which every
name and every value is written once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from diagrams import traces
from diagrams.lifecycles import Known, phase_class
from diagrams.pages.grids import Grid
from diagrams.pictures import shortened, slug
from diagrams.theme import Kind
from diagrams.values import alone, show
from invariants.subjects import Subject
from invariants.trace import Taken, Trace
from invariants.verdicts import Judgement, Verdict
from model.phase import phase_of
from model.system import State, Value

LONGEST = 240
"""A value is shown with so many characters at most."""

Lifecycles = Mapping[type, Known[Any]]
"""The lifecycles that are drawn, by the type of their phases."""

Lane = Callable[[Taken], str]
"""Who acted in a step, as the page groups them."""


@dataclass(frozen=True)
class Frame:
    """One step of a playback.

    `lane` is who acted, `what` was done, `how` it went, `at` says when (empty where there is no clock). `changes`
    has the value of a variable before and after, `notes` are sentences about the step.
    """

    lane: str
    what: str
    how: str = ""
    changes: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    at: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Playback:
    """A run to step through: `key` is its name in the page, `title` what it shows, `about` where it was found.

    `word` is the verdict, of a `kind`. `told` are the variables that people are told of first. `end` says what the
    run comes to, `lead` and `remarks` are sentences before and after it, `grids` tables that belong to it. With a
    `loop` it goes on for ever as from the state of that number.
    """

    key: str
    title: str
    about: str
    word: str
    kind: Kind
    start: State
    frames: tuple[Frame, ...]
    told: frozenset[str]
    end: str = ""
    loop: int | None = None
    lead: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()

    def said(self, frame: Frame) -> str:
        """What people are told of the changes of a step, in words."""
        told = ((n, f"{show(a)} → {show(b)}") for n, (a, b) in frame.changes.items() if n in self.told)
        return shortened(traces.said(told), 4 * LONGEST)


def actor(step: Taken) -> str:
    """Who acted, where nothing more is known."""
    return step.actor or "system"


def of_judgement(subject: Subject, judgement: Judgement, *, lane: Lane = actor, prefix: str = "") -> Playback:
    """The counterexample of a claim (of a situation: how it arises), which must have a trace."""
    trace, claim = judgement.trace, judgement.property
    assert trace is not None
    asked = {*claim.variables}
    violated = judgement.verdict is Verdict.VIOLATED
    return Playback(
        slug("-".join(filter(None, (prefix, subject.name, claim.name)))),
        claim.claim,
        subject.name,
        "violated" if violated else "reached",
        Kind.BAD if violated else Kind.MOOT,
        trace.start,
        tuple(frame(step, lane) for step in trace.steps),
        told(subject, asked),
        traces.verdict_of(claim, trace),
        trace.loop,
        remarks=_fair(traces.fairness(subject.system, claim, trace)),
    )


def _fair(lines: Iterable[str]) -> tuple[str, ...]:
    found = tuple(lines)
    return (
        ("Nothing is held up on purpose: what never happens again cannot, or not all the time.", *found)
        if found
        else ()
    )


def told(subject: Subject, asked: Collection[str] = ()) -> frozenset[str]:
    """The variables of a system that people are told of first: those that are `asked` about, and all that speak."""
    names = (v.name for v in subject.system.variables if not v.local)
    return frozenset(n for n in names if n in asked or not n.startswith(subject.quiet))


def of_trace(subject: Subject, trace: Trace, *, key: str, lane: Lane = actor) -> Playback:
    """A run of a system that shows nothing in particular."""
    frames = tuple(frame(step, lane) for step in trace.steps)
    return Playback(key, subject.name, subject.about, "", Kind.PLAIN, trace.start, frames, told(subject))


def frame(step: Taken, lane: Lane = actor, at: str = "") -> Frame:
    """A step of a trace, as it is shown; `at` says when it was taken."""
    how = step.label if step.label and not step.action.endswith(step.label) else ""
    return Frame(lane(step) or actor(step), step.action, how, step.changes, at)


# For the page

Json = dict[str, Any]


class _Numbers:
    """Things that are written once, and called by their number from there on."""

    def __init__(self) -> None:
        self.listed: list[Any] = []
        self._known: dict[Any, int] = {}

    def of(self, thing: Any, key: Any = None) -> int:
        """The number of a thing; `key` tells it from others if it is not hashable."""
        known = self._known.setdefault(thing if key is None else key, len(self.listed))
        if known == len(self.listed):
            self.listed.append(thing)
        return known


_VARIABLE = re.compile(r"([^\[]+)\[(.+)\]")


def name(variable: str) -> tuple[str, str]:
    """A variable for people: what it holds, and of which object (empty if there is but one)."""
    found = _VARIABLE.fullmatch(variable)
    return (found[1].replace("_", " "), found[2]) if found else (variable.replace("_", " "), "")


def value(found: Value, lifecycles: Lifecycles) -> str | list[str]:
    """A value for the page: its text; of a phase that is drawn also lifecycle, class, kind, and its name."""
    text = shortened(alone(found), LONGEST)
    phase = phase_of(found)
    if phase is None or type(phase) not in lifecycles:
        return text
    known = lifecycles[type(phase)]
    return [text, known.name, phase_class(phase), known.kind(phase).value, show(phase)]


def document(playbacks: Iterable[Playback], lifecycles: Lifecycles) -> Json:
    """All playbacks for the page: names and values by their numbers, each step with what it changed."""
    names, values, starts = _Numbers(), _Numbers(), _Numbers()

    def numbered(variable: str, found: Value) -> tuple[int, int]:
        shown = value(found, lifecycles)
        return names.of(name(variable)), values.of(shown, str(shown))

    def of(playback: Playback) -> Json:
        start = tuple(numbered(n, v) for n, v in playback.start.items())
        frames = [_frame_as_json(frame, numbered) for frame in playback.frames]
        told = [names.of(name(n)) for n in playback.start if n in playback.told]
        return {
            "start": starts.of(start),
            "frames": frames,
            "told": told,
            "loop": playback.loop,
            "end": playback.end,
        }

    found = {playback.key: of(playback) for playback in playbacks}
    return {"names": names.listed, "values": values.listed, "starts": starts.listed, "playbacks": found}


def _frame_as_json(frame: Frame, numbered: Callable[[str, Value], tuple[int, int]]) -> Json:
    told = {"what": frame.what, "how": frame.how, "at": frame.at, "notes": list(frame.notes), "lane": frame.lane}
    changed: Sequence[tuple[int, int]] = [numbered(n, after) for n, (_, after) in frame.changes.items()]
    return {key: value for key, value in told.items() if value} | {"changes": changed}
