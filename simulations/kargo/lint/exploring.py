"""Exploring templates for the questions that are asked of them, each essence once in each release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from invariants.check import check
from invariants.findings import no_property
from invariants.kargo.manifest_claims import Question, questions
from invariants.properties import Property
from invariants.trace import Trace
from invariants.verdicts import Bounds, Judgement, Verdict
from model.kargo import promotion
from model.kargo.releases import Behaviours
from model.system import System
from simulations.kargo.lint.wanted import Essence, Wanted

LIMITS = Bounds(states=300_000, seconds=20.0)
"""How far one template is explored; what was not seen then is said."""


@dataclass(frozen=True)
class Told:
    """The answer to a question that is worth telling, with the shortest run that shows it."""

    question: Question
    shown: Trace | None


@dataclass(frozen=True)
class Answers:
    """What came of the questions asked: those worth telling, by what was wanted; `complete` if all was seen."""

    told: dict[Wanted, Told]
    complete: bool = True


Key = tuple[Essence, str, frozenset[Wanted], bool]


@dataclass
class Explorer:
    """Explores, and remembers what came of it."""

    known: dict[Key, Answers] = field(default_factory=dict)

    def ask(
        self, essence: Essence, behaviours: Behaviours, wanted: Iterable[Wanted], *, restart: bool = False
    ) -> Answers:
        """The answers, with the runs that show them; after a `restart` the work directory is lost."""
        asked = frozenset(wanted)
        if not asked:
            return Answers({})
        key = (essence, behaviours.release, asked, restart)
        if key not in self.known:
            self.known[key] = _explore(essence, behaviours, asked, restart=restart, traced=True)
        return self.known[key]

    def breaks(
        self, essence: Essence, behaviours: Behaviours, wanted: Wanted, told: Iterable[Wanted], *, restart: bool
    ) -> bool:
        """Whether a question, one of all those `told`, is worth telling in another release as well."""
        key = (essence, behaviours.release, frozenset(told), restart)
        if key not in self.known:
            self.known[key] = _explore(essence, behaviours, frozenset(told), restart=restart, traced=False)
        return wanted in self.known[key].told


def _explore(
    essence: Essence, behaviours: Behaviours, wanted: frozenset[Wanted], *, restart: bool, traced: bool
) -> Answers:
    plan = essence.plan(behaviours)
    ordered = sorted(wanted)
    asked = dict(zip(ordered, questions(plan, ordered), strict=True))
    system = promotion.exploration("template", plan, restart=restart, abort=False)
    seen, complete = _judge(system, [q.asked for q in asked.values()])
    told = {w: q for w, q in asked.items() if seen[q.asked].verdict is _worth(q, complete)}
    runs = _runs(system, told.values()) if traced else {}
    return Answers({w: Told(q, runs.get(q)) for w, q in told.items()}, complete)


def _worth(question: Question, complete: bool) -> Verdict | None:
    """The verdict that is worth telling; that something never happens is known only if all was seen."""
    if question.shows is None:
        return Verdict.VIOLATED
    return Verdict.HOLDS if complete else None


def _judge(system: System, asked: list[Property]) -> tuple[dict[Property, Judgement], bool]:
    report = check(system, asked, engine="explicit", transitions=False, traced=no_property, bounds=LIMITS)
    return {judgement.property: judgement for judgement in report.judgements}, report.complete


def _runs(system: System, told: Iterable[Question]) -> dict[Question, Trace]:
    """The shortest run for each question."""
    wanted = {question.shows or question.asked: question for question in told}
    if not wanted:
        return {}
    report = check(
        system, list(wanted), engine="explicit", transitions=False, stop_when_decided=True, bounds=LIMITS
    )
    return {wanted[j.property]: j.trace for j in report.judgements if j.trace is not None}
