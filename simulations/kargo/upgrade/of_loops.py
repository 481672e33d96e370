"""Which behaviours of the control loop some Stages reach: loops like theirs in both releases, side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

from invariants.alike import alike
from invariants.check import check
from invariants.findings import no_property
from invariants.kargo import differences
from invariants.kargo.loops import WELL
from invariants.properties import always
from invariants.trace import Taken, Trace
from invariants.verdicts import Bounds, Verdict
from model.kargo import two_releases
from model.kargo.bundle import Bundle
from model.kargo.loop.exploration import HEALTHS, STEP, exploration, pipeline_of
from model.kargo.loop.exploration import Bounds as LoopBounds
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.manifest_types import Stage
from model.kargo.phases import HealthState
from model.kargo.releases import Behaviours
from model.kargo.requests import MATCH_UPSTREAM, FreightRequest
from model.kargo.two_releases import second
from model.system import System
from simulations.kargo.upgrade.really import Half, taken_really
from simulations.kargo.upgrade.topics import Where, differing, topic

LIMITS = Bounds(states=400_000, seconds=10.0)

LOOKED_AT = frozenset(
    ("phase", "current", "last", "in_use", "health", "verified", "freight", "carried", "stage_requeue")
)
"""The variables that a person looks at, or that decide when a Stage is looked at again."""


class Shape(NamedTuple):
    """What decides how a Stage goes in the control loop, as far as it is explored.

    `soaks` and `matches` are of requests for Freight from another Stage: after a time, or what it has at present.
    """

    origins: int = 1
    verification: bool = False
    auto: bool = False
    soaks: bool = False
    matches: bool = False

    def __str__(self) -> str:
        words = ["a Stage dev"]
        words += ["that wants Freight from two Warehouses"] if self.origins > 1 else []
        words += ["with verification"] if self.verification else []
        words += ["that promotes by itself"] if self.auto else []
        words += ["and a Stage prod in which its Freight comes after a time"] if self.soaks else []
        words += ["and a Stage prod that promotes what it has"] if self.matches else []
        return " ".join(words)


@dataclass(frozen=True)
class LoopRun:
    """The shortest run after which two releases differ, and in what: (of what, here, then) in words.

    `made_up` is the one of them that is made up, to see what a behaviour does alone; None where both are real.
    """

    shape: Shape
    steps: tuple[str, ...]
    differ: tuple[tuple[str, str, str], ...]
    trace: Trace
    made_up: Half | None = None


@dataclass
class LoopComparer:
    """Compares small control loops in two releases."""

    one: Behaviours
    other: Behaviours
    known: dict[Shape, dict[str, LoopRun]] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)

    def reached(self, shape: Shape) -> dict[str, LoopRun]:
        """The behaviours that a Stage of that shape reaches, each with the shortest run."""
        if shape not in self.known:
            self.known[shape] = self._reached(shape)
        return self.known[shape]

    def _reached(self, shape: Shape) -> dict[str, LoopRun]:
        names = [n for n in differing(self.one, self.other) if topic(n).where is Where.LOOP]
        explored = {b: _explored(shape, b) for b in (self.one, self.other)}
        found: dict[str, LoopRun] = {}
        for name in names:
            if run := self._alone(shape, name, Half.THEN, explored):
                real = self._real(run)
                found[name] = real or self._real(self._alone(shape, name, Half.HERE, explored)) or run
        for name in (n for n in names if n not in found):
            run = self._alone(shape, name, Half.HERE, explored)
            # What others explain already is a matter of how they go together.
            if run and run.differ not in {f.differ for f in found.values()}:
                found[name] = self._real(run) or run
        return {name: found[name] for name in names if name in found}

    def _alone(self, shape: Shape, name: str, made_up: Half, explored: dict[Behaviours, System]) -> LoopRun | None:
        """The shortest run that a behaviour makes different: put into the old release, or taken out of the new."""
        first, then = (self.one, self.other) if made_up is Half.THEN else (self.other, self.one)
        changed = replace(first, **{name: getattr(then, name)})
        if alike(explored[first], _system(shape, changed)):
            return None
        trace, complete = _compared(shape, *((first, changed) if made_up is Half.THEN else (changed, first)))
        if trace is None:
            if not complete:
                self.incomplete.append(f"{shape}: {name}")
            return None
        return _run(shape, trace, made_up)

    def _real(self, run: LoopRun | None) -> LoopRun | None:
        """A run of a made-up release in the real ones, if it comes to the same there."""
        if run is None or run.made_up is None:
            return run
        both = two_releases.side_by_side(*(_system(run.shape, b) for b in (self.one, self.other)))
        trace = taken_really(both, run.trace, run.made_up.other)
        real = _run(run.shape, trace, None) if trace else None
        return real if real and set(run.differ) <= set(real.differ) else None


def shapes_of(stage: Stage, bundle: Bundle) -> tuple[Shape, ...]:
    """The shapes that a Stage is compared in; none for a control flow Stage, which has nothing to promote."""
    if not stage.steps:
        return ()
    known = bundle.around.get((stage.namespace, stage.name))
    requests = known.requests if known else ()
    auto = bundle.auto_promotes(stage)
    alone = Shape(min(2, max(1, len(requests))), bool(known and known.verification), auto)
    soaks = any(r.soak_ms for r in requests if not r.direct)
    matches = auto and any(r.matches_upstream for r in requests)
    shapes = [alone]
    if soaks or matches:
        shapes.append(Shape(auto=auto, soaks=soaks, matches=matches))
    if auto and any(not r.matches_upstream for r in requests):
        # The loops of the others have no room for what comes of several Promotions of one Warehouse's Freight.
        shapes.append(Shape(auto=True))
    return tuple(dict.fromkeys(shapes))


def loop_of(shape: Shape) -> tuple[Pipeline, LoopBounds]:
    """The smallest loop in which what can happen to a Stage of that shape can happen to one."""
    warehouses = ("w", "v")[: shape.origins]
    direct = tuple(FreightRequest(w, direct=True) for w in warehouses)
    dev = StageSpec("dev", direct, (STEP,), shape.verification)
    bounds = LoopBounds(promotions=2, freight=2, auto=shape.auto, deletions=False, healths=WELL)
    if shape.soaks or shape.matches:
        policy, soak = MATCH_UPSTREAM if shape.matches else "", 60_000 if shape.soaks else None
        prod = StageSpec("prod", (FreightRequest("w", False, ("dev",), "", soak, policy),), (STEP,))
        return pipeline_of(dev, prod), replace(bounds, promotions=1)
    if shape.origins > 1:
        return pipeline_of(dev, warehouses=warehouses), replace(bounds, freight=1, promotions=3)
    if shape.auto:
        return pipeline_of(dev), replace(bounds, promotions=2 if shape.verification else 3)
    return pipeline_of(dev), replace(bounds, freight=1, healths=(*HEALTHS, HealthState.UNKNOWN))


def _system(shape: Shape, behaviours: Behaviours) -> System:
    pipeline, bounds = loop_of(shape)
    return exploration("loop", pipeline, behaviours, bounds)


def _looked_at(*systems: System) -> list[str]:
    names = [{v.name for v in s.variables if not v.local} for s in systems]
    return sorted(n for n in set.intersection(*names) if n.partition("[")[0] in LOOKED_AT)


def _explored(shape: Shape, behaviours: Behaviours) -> System:
    """A loop with every row that matters to somebody who looks asked for."""
    system = _system(shape, behaviours)
    asked = [always(is_there, name, reads={"value": name}) for name in _looked_at(system)]
    check(system, asked, strategy="saturation", transitions=False, traced=no_property, bounds=LIMITS)
    return system


def is_there(value: object) -> bool:
    """Some variable is of interest; this is true of whatever it is."""
    return value is None or value is not None


@cache
def _compared(shape: Shape, one: Behaviours, other: Behaviours) -> tuple[Trace | None, bool]:
    """The shortest run after which somebody who looks sees a difference, and whether all was seen."""
    systems = [_system(shape, b) for b in (one, other)]
    looked = _looked_at(*systems)
    report = check(
        two_releases.side_by_side(*systems),
        [differences.about(looked)],
        engine="explicit",
        transitions=False,
        stop_when_decided=True,
        bounds=LIMITS,
    )
    [judged] = report.judgements
    if judged.verdict is not Verdict.VIOLATED or judged.trace is None:
        return None, report.complete
    return judged.trace, True


def _run(shape: Shape, trace: Trace, made_up: Half | None) -> LoopRun:
    looked = sorted(n for n in trace.end if n.partition("[")[0] in LOOKED_AT and second(n) in trace.end)
    differ = tuple(_differences(trace, looked))
    return LoopRun(shape, tuple(map(_step, trace.steps)), differ, trace, made_up)


def _step(step: Taken) -> str:
    """Who did what; what is the same in both releases is said once."""
    said = step.label.split("; ")
    half = len(said) // 2
    label = "; ".join(said[:half] if len(said) % 2 == 0 and said[:half] == said[half:] else said)
    twice = dict.fromkeys(label.split("; "))
    told = f": {'; '.join(twice)}" if label and not step.action.endswith(label) else ""
    return f"{step.actor}: {step.action}{told}" if step.actor else f"{step.action}{told}"


def _differences(trace: Trace, looked: list[str]) -> Iterator[tuple[str, str, str]]:
    for name in looked:
        here, then = trace.end[name], trace.end[second(name)]
        if here != then:
            found = re.fullmatch(r"([^\[]+)\[(.+)\]", name)
            about = f"{found[2]}: {_SPOKEN.get(found[1], found[1])}" if found else name
            say = _when if name.startswith("stage_requeue") else _word
            yield about, say(here), say(then)


_SPOKEN = {
    "stage_requeue": "looked at again",
    "in_use": "Freight in use",
    "last": "last Promotion on record",
    "current": "current Promotion",
    "carried": "Freight carried",
    "freight": "Freight",
    "verified": "verified",
}


def _when(requeue: object) -> str:
    if isinstance(requeue, int):
        return f"after {requeue / 1000:g} s"
    return "by events only" if requeue is None else "by the queue's backoff, after an error"


def _word(value: object) -> str:
    return "none" if value is None else str(value) or "new"
