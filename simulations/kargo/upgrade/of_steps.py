"""Which behaviours some templates reach: the steps of a Promotion in both releases, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from invariants import direct
from invariants.direct_programs import Alike
from invariants.kargo import differences
from invariants.properties import Property
from invariants.trace import Taken, Trace
from invariants.verdicts import Bounds
from model.kargo import promotion, two_releases
from model.kargo.attempts import Attempt
from model.kargo.plan import Plan, did, said, stored
from model.kargo.releases import Behaviours
from model.kargo.runner_results import config_of, poll_ms
from model.kargo.step_engine import Entry, Turn
from model.kargo.step_kinds import Result
from model.kargo.templates import StepSpec, Template
from model.kargo.two_releases import second
from model.system import System, Value
from simulations.kargo.lint.same_releases import FIELDS, settings
from simulations.kargo.lint.units import Unit
from simulations.kargo.upgrade.really import Half, taken_really
from simulations.kargo.upgrade.topics import Where, differing, topic

Mark = Callable[[str], str]
"""What turns the name of a variable into that of one of the two releases."""

LIMITS = Bounds(states=200_000, seconds=20.0)
SEEN = ("ends", "work", "times")
"""What is compared, what matters more first."""


class Did(NamedTuple):
    """What a pass did with a step in each of the releases; `came_back` is what the world answered."""

    alias: str
    came_back: str
    here: str
    then: str


class Line(NamedTuple):
    """A step of a run: a pass with what it did, or something else that happened."""

    what: str
    steps: tuple[Did, ...] = ()


@dataclass(frozen=True)
class StepRun:
    """The shortest run after which two releases differ, in what, and where they are then.

    `made_up` is the one of them that is made up, to see what a behaviour does alone; None where both are real.
    """

    differs_in: str
    lines: tuple[Line, ...]
    here: str
    then: str
    made_up: Half | None = None


@dataclass(frozen=True)
class Shape:
    """What decides how a template goes in two releases; `polled` has what says how soon its steps are run again."""

    template: Template
    names: tuple[object, ...]
    allowed: tuple[tuple[str, frozenset[Result]], ...]
    polled: tuple[StepSpec, ...] = ()


@dataclass
class Comparer:
    """Compares templates in two releases, each shape once."""

    one: Behaviours
    other: Behaviours
    known: dict[Shape, dict[str, StepRun]] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)

    def reached(self, unit: Unit) -> dict[str, StepRun]:
        """The behaviours that a template reaches, each with the shortest run that comes out differently for it."""
        shape = shape_of(unit, self.one, self.other)
        if shape not in self.known:
            self.known[shape] = dict(self._reached(shape, unit.subject))
        return self.known[shape]

    def _reached(self, shape: Shape, subject: str) -> Iterator[tuple[str, StepRun]]:
        whole, complete, looked_at = _compared(shape, self.one, self.other)
        if not complete:
            self.incomplete.append(subject)
        if whole is None and complete:
            return
        for name in differing(self.one, self.other):
            if topic(name).where not in (Where.STEPS, Where.LANGUAGE):
                continue
            if name != "release" and name not in looked_at:
                continue
            found = self._alone(shape, name)
            if found:
                yield name, found

    def _alone(self, shape: Shape, name: str) -> StepRun | None:
        """The run that one behaviour alone makes different: put into the old release, or taken out of the new."""
        found = None
        for made_up in (Half.THEN, Half.HERE):
            run, real = self._run_alone(shape, name, made_up)
            if real:
                return real
            found = found or run
        return found

    def _run_alone(self, shape: Shape, name: str, made_up: Half) -> tuple[StepRun | None, StepRun | None]:
        """A run of a made-up release, and the same in the real ones, if it comes to the same there."""
        pair = [self.one, self.other]
        pair[made_up is Half.THEN] = replace(
            self.one if made_up is Half.THEN else self.other,
            **{name: getattr(self.other if made_up is Half.THEN else self.one, name)},
        )
        found = _compared(shape, *pair).found
        if found is None:
            return None, None
        both, plans = _both(shape, self.one, self.other)
        told = _run(found.what, found.trace, _aliases(plans[0]))
        real = taken_really(both, found.trace, made_up.other)
        same = real is not None and _run(found.what, real, _aliases(plans[0])) == told
        return replace(told, made_up=made_up), told if same else None


def shape_of(unit: Unit, one: Behaviours, other: Behaviours) -> Shape:
    """The template without all that no comparison depends on, where both releases agree on what that is."""
    first, then = unit.essence(one), unit.essence(other)
    same = first.template == then.template and first.names == then.names
    template = first.template if same else unit.template
    names = first.names if same else (template.project, template.stage, template.promotion, template.requested)
    results = dict(then.results)
    allowed = tuple((alias, _in_both(found, results[alias])) for alias, found in first.results)
    return Shape(template, names, allowed, tuple(_polled(step) for step in unit.template.steps))


def _in_both(here: frozenset[Result], then: frozenset[Result]) -> frozenset[Result]:
    """What a runner can come back with in both releases; where only one has it, what it can there."""
    return here & then if here and then else here | then


def _polled(step: StepSpec) -> StepSpec:
    interval = config_of(step).get("pollInterval")
    return StepSpec(step.alias, step.kind, config=json.dumps({"pollInterval": interval}) if interval else None)


class Found(NamedTuple):
    """What two releases were found to differ in, and the shortest run after which they do."""

    what: str
    trace: Trace


class Compared(NamedTuple):
    """What they differ in, whether all was seen, and the behaviours that may decide what is compared."""

    found: Found | None
    complete: bool
    looked_at: frozenset[str]


def _both(shape: Shape, one: Behaviours, other: Behaviours) -> tuple[System, list[Plan]]:
    """The steps of a Promotion in two releases side by side, and their plans."""
    allowed = dict(shape.allowed)
    plans = [
        two_releases.plan_of(shape.template, b, allowed, {s.alias: poll_ms(s, b) for s in shape.polled})
        for b in (one, other)
    ]
    explored = (promotion.exploration("template", p, abort=False) for p in plans)
    return two_releases.side_by_side(*explored), plans


@lru_cache(maxsize=512)
def _compared(shape: Shape, one: Behaviours, other: Behaviours) -> Compared:
    """What two releases differ in that matters most."""
    both, plans = _both(shape, one, other)
    claims = differences.claims(plans[0])
    seen = direct.explore(both, claims, alike=_alike(plans[0]), bounds=LIMITS)
    shown = sorted((c for c in claims if c in seen.ways), key=lambda c: (_what(c), len(seen.ways[c].moves)))
    trace = direct.taken(both, seen, shown[0]) if shown else None
    # What no rule mentions at all may still decide how the plan is made.
    looked_at = settings(seen.looked_at or both) | (FIELDS - settings(both))
    return Compared(Found(SEEN[_what(shown[0])], trace) if trace else None, seen.complete, looked_at)


def _aliases(plan: Plan) -> list[str]:
    return [step.rules.alias for step in plan.steps]


def _what(claim: Property) -> int:
    """What a claim compares, as a number: what matters more first."""
    return SEEN.index(claim.name.partition(" ")[0])


def _alike(plan: Plan) -> Alike:
    """What may be taken for one another: after how many errors, and when, a step came to the same end."""
    expressions = [e for step in plan.steps for e in (step.condition, step.config) if e]
    read = {alias for e in expressions for alias in (*e.texts, *e.entries)}
    free = (stored("entry", a) for a in plan.aliases if a not in read and not plan.shared_later(a))
    return {mark(name): _ended for name in free for mark in (str, second)}


def _ended(entry: Value) -> Value:
    return Entry(entry.phase) if isinstance(entry, Entry) and entry.phase.over else entry


def _run(name: str, trace: Trace, aliases: list[str]) -> StepRun:
    lines = tuple(_line(step, aliases) for step in trace.steps)
    here, then = (_end(trace, aliases, name, mark) for mark in (str, second))
    return StepRun(name, lines, here, then)


def _line(step: Taken, aliases: list[str]) -> Line:
    if step.action != "reconcile":
        return Line(f"{step.actor}: {step.action}")
    steps = []
    for k, alias in enumerate(aliases):
        turns = [step.record.get(mark(did(k, alias)), Turn.NOT_REACHED) for mark in (str, second)]
        answers = (step.record.get(mark(said(k, alias))) for mark in (str, second))
        answer = next((a for a in answers if isinstance(a, Attempt)), None)
        if any(turn is not Turn.NOT_REACHED for turn in turns):
            steps.append(Did(alias, str(answer) if answer else "", turns[0].value, turns[1].value))
    return Line("controller: reconcile", tuple(steps))


def _end(trace: Trace, aliases: list[str], name: str, mark: Mark) -> str:
    """Where a release is at the end of a run: the phase, and what differs."""
    state = trace.end
    phase = state[mark("phase")]
    words = str(phase.value) or "new"
    if name == "ends":
        for alias in dict.fromkeys(aliases):
            entries = [state.get(m(stored("entry", alias))) for m in (str, second)]
            statuses = [e.status if isinstance(e, Entry) else None for e in entries]
            mine = state.get(mark(stored("entry", alias)))
            if statuses[0] is not statuses[1]:
                words += f", {alias} is {mine.status.value or 'new' if isinstance(mine, Entry) else 'not there'}"
    if name == "times":
        words += f", and is looked at again {_when(state[mark('requeue')])}"
    return words


def _when(requeue: object) -> str:
    if isinstance(requeue, int):
        return f"after {requeue / 1000:g} s"
    return "never by itself" if requeue is None else "by the queue's backoff, within milliseconds at first"
