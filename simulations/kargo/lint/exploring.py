"""Exploring templates for the questions that are asked of them, each essence once in each release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from invariants import direct
from invariants.direct import Alike, Seen, decides, taken
from invariants.kargo.manifest_claims import Question, questions
from invariants.properties import Kind, Property
from invariants.towards import Choices, choices, chosen, labelled
from invariants.trace import Taken, Trace, true_of
from invariants.verdicts import Bounds
from model.kargo import promotion
from model.kargo.plan import Plan, stored
from model.kargo.releases import Behaviours
from model.kargo.step_engine import Entry
from model.system import State, Successor, System, Value
from simulations.kargo.lint.shapes import shape_of
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
"""The essence of a shape, the release, what is asked about that shape, and whether the controller restarts."""


@dataclass(frozen=True)
class Known:
    """What came of an exploration, and of which essence; `made` are the choices of each run, once it is retold."""

    essence: Essence
    answers: Answers
    made: dict[Wanted, tuple[tuple[int, Choices | None], ...]] = field(default_factory=dict)


@dataclass
class Explorer:
    """Explores each shape once in each release, and remembers what came of it."""

    known: dict[Key, Known] = field(default_factory=dict)
    proved: dict[tuple[Essence, str, Wanted, bool], bool] = field(default_factory=dict)
    retold: dict[Key, Answers] = field(default_factory=dict)

    def ask(
        self, essence: Essence, behaviours: Behaviours, wanted: Iterable[Wanted], *, restart: bool = False
    ) -> Answers:
        """The answers, with the runs that show them; after a `restart` the work directory is lost."""
        asked = frozenset(wanted)
        if not asked:
            return Answers({})
        shape = shape_of(essence, behaviours.release)
        key = (shape.essence, behaviours.release, frozenset(map(shape.hide, asked)), restart)
        if key not in self.known:
            found = _explore(essence, behaviours, asked, restart=restart, traced=True)
            self.known[key] = Known(essence, found)
        known = self.known[key]
        if known.essence == essence:
            return known.answers
        own = (essence, behaviours.release, asked, restart)
        if own not in self.retold:
            self.retold[own] = _retold(known, essence, behaviours, asked, restart=restart) or _explore(
                essence, behaviours, asked, restart=restart, traced=True
            )
        return self.retold[own]

    def breaks(
        self,
        essence: Essence,
        behaviours: Behaviours,
        wanted: Wanted,
        told: Mapping[Wanted, Told],
        *,
        restart: bool,
    ) -> bool:
        """Whether a question, one of all those `told`, is worth telling in another release as well.

        Where the run that shows it can be taken there, too, that is the proof; else that release is explored.
        """
        shape = shape_of(essence, behaviours.release)
        key = (shape.essence, behaviours.release, frozenset(map(shape.hide, told)), restart)
        if key not in self.known:
            one = (shape.essence, behaviours.release, shape.hide(wanted), restart)
            if one not in self.proved:
                self.proved[one] = _goes_the_same_way(essence, behaviours, wanted, told[wanted], restart=restart)
            if self.proved[one]:
                return True
            found = _explore(essence, behaviours, frozenset(told), restart=restart, traced=False)
            self.known[key] = Known(essence, found)
        known = self.known[key]
        first = shape_of(known.essence, behaviours.release)
        return shape.hide(wanted) in map(first.hide, known.answers.told)


def _explore(
    essence: Essence, behaviours: Behaviours, wanted: frozenset[Wanted], *, restart: bool, traced: bool
) -> Answers:
    ordered = sorted(wanted)
    plan, system = _system(essence, behaviours, restart)
    asked = dict(zip(ordered, questions(plan, ordered), strict=True))
    claims = [q.asked for q in asked.values()] + [q.shows for q in asked.values() if q.shows and traced]
    seen = direct.explore(system, claims, alike=_alike(plan), bounds=LIMITS)
    told = {w: q for w, q in asked.items() if _worth_telling(q, seen)}
    shown = {w: taken(system, seen, q.shows or q.asked) if traced else None for w, q in told.items()}
    return Answers({w: Told(q, shown[w]) for w, q in told.items()}, seen.complete)


@lru_cache(maxsize=16)
def _system(essence: Essence, behaviours: Behaviours, restart: bool) -> tuple[Plan, System]:
    """The plan, and all that can happen to a Promotion of it; made once for all that is asked of a template."""
    plan = essence.plan(behaviours)
    return plan, promotion.exploration("template", plan, restart=restart, abort=False)


def _worth_telling(question: Question, seen: Seen) -> bool:
    """Whether the answer is worth telling; that something never happens is known only if all was seen."""
    return (
        question.asked in seen.ways if question.shows is None else question.asked not in seen.ways and seen.complete
    )


def _alike(plan: Plan) -> Alike:
    """What may be taken for one another: how, and after how many errors, a step is over that is so in the same way.

    Only expressions that read metadata, and steps that share an alias, could tell.
    """
    steps = [e for step in plan.steps for e in (step.condition, step.config) if e]
    read = {alias for expression in steps for alias in expression.texts}
    return {
        stored("entry", alias): _over
        for alias in plan.aliases
        if alias not in read and not plan.shared_later(alias)
    }


def _over(entry: Value) -> Value:
    if not isinstance(entry, Entry) or not entry.phase.over:
        return entry
    started, finished = (None if t is None else 0 for t in (entry.started_at, entry.finished_at))
    return Entry(entry.phase, started, finished)


def _goes_the_same_way(
    essence: Essence, behaviours: Behaviours, wanted: Wanted, told: Told, *, restart: bool
) -> bool:
    """Whether the run that shows a violation can be taken in a release, and shows it there."""
    if told.shown is None or told.question.shows is not None:
        return False
    plan, system = _system(essence, behaviours, restart)
    [question] = questions(plan, [wanted])
    actions = {action.name: action for action in system.actions}
    state: State = next(system.initial_states())
    last = len(told.shown.steps) - 1
    for number, step in enumerate(told.shown.steps):
        ways = labelled(system, actions[step.action], state, step.label)
        if not ways:
            return False
        if number == last:
            return any(_false(question.asked, state, way) for way in ways)
        state = ways[0].state
    return False


def _false(claim: Property, before: State, way: Successor) -> bool:
    """Whether a claim is false of a step, or of the state that it leads to."""
    after = {**way.state, **way.record}
    return not true_of(claim, before if claim.kind is Kind.EVERY_STEP else way.state, after)


# By other names


def _retold(
    known: Known, essence: Essence, behaviours: Behaviours, asked: frozenset[Wanted], *, restart: bool
) -> Answers | None:
    """The answers about another essence of the shape that is known; None if they do not fit.

    Every run is taken again, by the same choices, and has to show there what it shows.
    """
    first, second = (shape_of(each, behaviours.release) for each in (known.essence, essence))
    own = {second.hide(wanted): wanted for wanted in asked}
    plan, system = _system(essence, behaviours, restart)
    found: dict[Wanted, Told] = {}
    for wanted, told in known.answers.told.items():
        again = own[first.hide(wanted)]
        [question] = questions(plan, [again])
        if told.shown is None:
            found[again] = Told(question, None)
            continue
        if wanted not in known.made:
            known.made[wanted] = _made(_system(known.essence, behaviours, restart)[1], told.shown)
        shown = _taken_again(known.made[wanted], system, question.shows or question.asked)
        if shown is None:
            return None
        found[again] = Told(question, shown)
    return Answers(found, known.answers.complete)


def _made(system: System, run: Trace) -> tuple[tuple[int, Choices | None], ...]:
    """The number of each action of a run, and the choices in it."""
    numbers = {action.name: number for number, action in enumerate(system.actions)}
    actions = (system.actions[numbers[step.action]] for step in run.steps)
    return tuple(
        (numbers[step.action], choices(system, action, step.before, {**step.after, **step.record}, step.label))
        for step, action in zip(run.steps, actions, strict=True)
    )


def _taken_again(made: Iterable[tuple[int, Choices | None]], system: System, claim: Property) -> Trace | None:
    """The run that is taken by these choices, if it shows that a claim is violated, or a situation arises."""
    start = state = next(system.initial_states())
    steps: list[Taken] = []
    for number, ways in made:
        way = chosen(system, system.actions[number], state, ways) if ways is not None else None
        if way is None:
            return None
        steps.append(Taken(way.action.name, way.action.actor, way.label, state, way.state, way.record))
        state = way.state
    found = Trace(start, tuple(steps))
    return found if decides(claim, found) else None
