"""Exploring templates for the questions that are asked of them, each essence once in each release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from invariants import direct
from invariants.direct import Seen, Way, decides, taken, taken_by_choices
from invariants.direct_programs import Alike
from invariants.kargo.manifest_claims import Question, questions
from invariants.properties import Kind, Property
from invariants.towards import Choices, labelled
from invariants.trace import Trace, true_of
from invariants.verdicts import Bounds
from model.kargo import promotion
from model.kargo.phases import StepPhase, StepStatus
from model.kargo.plan import Plan, stored
from model.kargo.releases import Behaviours
from model.kargo.step_engine import Entry
from model.system import State, Successor, System, Tables, Value
from simulations.kargo.lint.same_releases import FIELDS, settings
from simulations.kargo.lint.shapes import shape_of
from simulations.kargo.lint.wanted import Essence, Wanted, alone

LIMITS = Bounds(states=300_000, seconds=20.0)
"""How far one template is explored; what was not seen then is said."""


Numbered = tuple[tuple[int, Choices], ...]
"""A way by the numbers of its actions, and the choices in each."""


@dataclass(frozen=True)
class Told:
    """The answer to a question that is worth telling, with the shortest run that shows it, and that in numbers."""

    question: Question
    shown: Trace | None
    way: Numbered | None = None


@dataclass(frozen=True)
class Answers:
    """What came of the questions asked: those worth telling, by what was wanted; `complete` if all was seen.

    `looked_at` are the behaviours that it depends on.
    """

    told: dict[Wanted, Told]
    complete: bool
    looked_at: frozenset[str]


Key = tuple[Essence, str, frozenset[Wanted], bool]
"""The essence of a shape, the release, what is asked about that shape, and whether the controller restarts."""


@dataclass(frozen=True)
class Known:
    """What came of an exploration, and of which essence."""

    essence: Essence
    answers: Answers


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
            return Answers({}, complete=True, looked_at=FIELDS)
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

        Where the run that shows it can be taken there, too, that is the proof. What never happens to a step on its
        own does not happen in a template. Else that release is explored.
        """
        shape = shape_of(essence, behaviours.release)
        key = (shape.essence, behaviours.release, frozenset(map(shape.hide, told)), restart)
        if key not in self.known:
            one = (shape.essence, behaviours.release, shape.hide(wanted), restart)
            if one not in self.proved:
                by_run = told[wanted].question.shows is None
                self.proved[one] = (
                    _goes_the_same_way(essence, behaviours, wanted, told[wanted], restart=restart)
                    if by_run
                    else self._never_alone(essence, behaviours, wanted)
                )
            if self.proved[one]:
                return True
            found = _explore(essence, behaviours, frozenset(told), restart=restart, traced=False)
            self.known[key] = Known(essence, found)
        known = self.known[key]
        first = shape_of(known.essence, behaviours.release)
        return shape.hide(wanted) in map(first.hide, known.answers.told)

    def _never_alone(self, essence: Essence, behaviours: Behaviours, wanted: Wanted) -> bool:
        """Whether it never happens even to a step that is alone, whatever its `if` and its config come to."""
        rule, index, _ = wanted
        on_its_own = alone(essence, index)
        if on_its_own is None:
            return False
        key = (on_its_own, behaviours.release, (rule, 0, ""), False)
        if key not in self.proved:
            found = _explore(on_its_own, behaviours, frozenset({key[2]}), restart=False, traced=False)
            self.proved[key] = key[2] in found.told
        return self.proved[key]


def _explore(
    essence: Essence, behaviours: Behaviours, wanted: frozenset[Wanted], *, restart: bool, traced: bool
) -> Answers:
    ordered = sorted(wanted)
    plan, system = _system(essence, behaviours, restart)
    asked = dict(zip(ordered, questions(plan, ordered), strict=True))
    claims = [q.asked for q in asked.values()] + [q.shows for q in asked.values() if q.shows]
    seen = direct.explore(system, claims, alike=_alike(plan, ordered), bounds=LIMITS)
    told = {w: q for w, q in asked.items() if _worth_telling(q, seen)}
    if not traced:
        return Answers({w: Told(q, None) for w, q in told.items()}, seen.complete, FIELDS)
    shown = {w: q.shows or q.asked for w, q in told.items()}
    ways = {w: _by_number(seen.ways[claim], system) for w, claim in shown.items() if claim in seen.ways}
    found = {w: Told(q, taken(system, seen, shown[w]), ways.get(w)) for w, q in told.items()}
    return Answers(found, seen.complete, settings(seen.looked_at or system))


def _by_number(way: Way, system: System) -> Numbered:
    numbers = {action.name: number for number, action in enumerate(system.actions)}
    return tuple((numbers[name], made) for name, made in way.moves)


@lru_cache(maxsize=16)
def _system(essence: Essence, behaviours: Behaviours, restart: bool) -> tuple[Plan, System]:
    """The plan, and all that can happen to a Promotion of it; made once for all that is asked of a template."""
    if not restart:
        plan, system = _system(essence, behaviours, True)
        return plan, replace(system, actions=tuple(a for a in system.actions if a.actor != "fault"))
    plan = essence.plan(behaviours)
    return plan, promotion.exploration("template", plan, abort=False, tables=_tables(essence))


@lru_cache(maxsize=4)
def _tables(essence: Essence) -> Tables:
    """What the rules answered about a template; most of them the same in every release, restarts or none."""
    return Tables()


def _worth_telling(question: Question, seen: Seen) -> bool:
    """Whether the answer is worth telling.

    That something never happens is known only if all was seen, and nothing to tell of if the step never is begun.
    """
    if question.shows is None:
        return question.asked in seen.ways
    return question.asked not in seen.ways and question.shows in seen.ways and seen.complete


TELL_SKIPPED = frozenset({"repeated-by-restart", "retry-never-happens"})
"""The rules that tell whether a step was skipped or succeeded; and so does whether anything was done."""


def _alike(plan: Plan, wanted: Iterable[Wanted]) -> Alike:
    """What may be taken for one another: ends of a step that are as good, or as bad, for all that comes after them.

    Only expressions that read metadata or ask for the status, and steps that share an alias, could tell.
    """
    expressions = [e for step in plan.steps for e in (step.condition, step.config) if e]
    read = {alias for e in expressions for alias in (*e.texts, *e.entries)}
    rules = [*wanted]
    whole = any(rule == "nothing-done" for rule, _, _ in rules)
    exact = {plan.steps[index].rules.alias for rule, index, _ in rules if rule in TELL_SKIPPED}
    return {
        stored("entry", alias): _ended if whole or alias in exact else _over
        for alias in plan.aliases
        if alias not in read and not plan.shared_later(alias)
    }


def _ended(entry: Value) -> Value:
    if not isinstance(entry, Entry) or not entry.phase.over:
        return entry
    begun = None if entry.started_at is None else 0
    return Entry(StepPhase.ERRORED if entry.phase is StepPhase.FAILED else entry.phase, begun)


def _over(entry: Value) -> Value:
    ended = _ended(entry)
    skipped = isinstance(ended, Entry) and ended.phase.over and ended.status is StepStatus.SKIPPED
    return Entry(StepPhase.SUCCEEDED) if skipped else ended


def _goes_the_same_way(
    essence: Essence, behaviours: Behaviours, wanted: Wanted, told: Told, *, restart: bool
) -> bool:
    """Whether the run that shows a violation can be taken in a release, and shows it there."""
    if told.shown is None or told.way is None:
        return False
    plan, system = _system(essence, behaviours, restart)
    [question] = questions(plan, [wanted])
    moves = tuple((step.action, made) for step, (_, made) in zip(told.shown.steps, told.way, strict=True))
    again = taken_by_choices(system, Way({}, moves))
    if again and decides(question.asked, again):
        return True
    actions = {action.name: action for action in system.actions}
    state: State = next(system.initial_states())
    last = len(told.shown.steps) - 1
    for number, step in enumerate(told.shown.steps):
        ways = labelled(system, actions[step.action], state, step.label) if step.action in actions else []
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
        shown = None
        if told.way is not None:
            moves = tuple((system.actions[number].name, made) for number, made in told.way)
            shown = taken_by_choices(system, Way({}, moves))
            if shown is None or not decides(question.shows or question.asked, shown):
                return None
        found[again] = Told(question, shown, told.way)
    return Answers(found, known.answers.complete, known.answers.looked_at)
