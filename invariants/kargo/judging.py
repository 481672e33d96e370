"""Judging the eight rules: what has to be looked at for a table of verdicts, and the verdicts that follow from it.

A *look* is one exploration of one system, in one release, for some claims. What was seen is all that a verdict
needs; so looks can be taken in any order, side by side, and be remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import combinations
from typing import NamedTuple

from invariants.alike import alike
from invariants.check import Bounds, check
from invariants.findings import no_property
from invariants.kargo import rules
from invariants.kargo.rules import Changes, Condition, RulePart
from invariants.properties import Kind, Property
from invariants.subjects import Subject
from invariants.verdicts import Judgement, Verdict, Watch
from model.kargo.releases import Behaviours
from model.system import System


class Look(NamedTuple):
    """What to look at: a system of one release, with other bounds, for the claims and witnesses of these names."""

    behaviours: Behaviours
    system: str
    changes: Changes
    claims: frozenset[str]


class Seen(NamedTuple):
    """The first instance of each claim that is violated, the witnesses met, and whether all states were seen."""

    violated: dict[str, str]
    met: frozenset[str]
    complete: bool


class Standing(Enum):
    """What can be said of a part of a rule in a release."""

    __hash__ = object.__hash__

    HOLDS = "holds"
    CONDITIONAL = "holds if"
    VIOLATED = "violated"
    NOT_REACHED = "not reached"
    BOUNDED = "no violation within the bound"


class Ruling(NamedTuple):
    """The verdict on a part in a release: `system` and `instance` where it is violated, `conditions` where not."""

    standing: Standing
    system: str | None = None
    instance: str | None = None
    conditions: tuple[Condition, ...] = ()


Known = Mapping[Look, Seen]
Ask = Callable[[Iterable[Look]], Known]


def judge(releases: Iterable[Behaviours], parts: Sequence[RulePart], ask: Ask) -> dict[tuple[str, str], Ruling]:
    """The ruling on every part in every release, by id and release; `ask` takes the looks.

    Where a part is violated, its conditions are tried in their order, each alone; two together only if none helps.
    """
    cases = [(b, p) for b in releases for p in parts]
    book = _Book()
    book.fill(ask, ((b, s, (), p) for b, p in cases for s in p.systems))
    rulings = {case: _ruling(book, *case) for case in cases}
    for attempt in range(max((len(p.conditions) for _, p in cases), default=0)):
        tried: Tried = {
            case: [(c,) for c in case[1].conditions[attempt : attempt + 1]] for case in _violated(rulings)
        }
        _try(book, ask, rulings, tried)
    _try(book, ask, rulings, {case: list(combinations(case[1].conditions, 2)) for case in _violated(rulings)})
    return {(p.id, b.release): ruling for (b, p), ruling in rulings.items()}


Question = tuple[Behaviours, str, Changes, RulePart]
Case = tuple[Behaviours, RulePart]
Restriction = tuple[Condition, ...]
Tried = dict[Case, list[Restriction]]


class _Book:
    """Everything seen so far."""

    def __init__(self) -> None:
        self.pages: dict[tuple[Behaviours, str, Changes], list[tuple[Look, Seen]]] = {}

    def fill(self, ask: Ask, questions: Iterable[Question]) -> None:
        """Have all of these answered that are not yet: each system is looked at once, for all claims."""
        wanted: dict[tuple[Behaviours, str, Changes], set[str]] = {}
        for behaviours, system, changes, part in questions:
            if self.find(behaviours, system, changes, part) is None:
                names = {part.claim.__name__, part.witness.__name__}
                wanted.setdefault((behaviours, system, changes), set()).update(names)
        looks = [Look(*where, frozenset(names)) for where, names in wanted.items()]
        for look, seen in ask(looks).items() if looks else ():
            self.pages.setdefault(look[:3], []).append((look, seen))

    def find(self, behaviours: Behaviours, system: str, changes: Changes, part: RulePart) -> Seen | None:
        """What was seen of a part, if it was looked for."""
        names = {part.claim.__name__, part.witness.__name__}
        pages = self.pages.get((behaviours, system, changes), [])
        return next((seen for look, seen in pages if names <= look.claims), None)

    def seen(self, behaviours: Behaviours, system: str, changes: Changes, part: RulePart) -> Seen:
        """What was seen of a part; where the exploration did not get there, nothing was."""
        return self.find(behaviours, system, changes, part) or Seen({}, frozenset(), False)


def _ruling(book: _Book, behaviours: Behaviours, part: RulePart, restriction: Restriction = ()) -> Ruling:
    """The ruling on a part, with the systems restricted that violate it: what holds anyway holds of less, too."""
    changes = _changes(restriction)
    name = part.claim.__name__
    found = {}
    for system in part.systems:
        plain = found[system] = book.seen(behaviours, system, (), part)
        if name in plain.violated:
            found[system] = book.seen(behaviours, system, rules.matters(system, changes), part)
    for system, seen in found.items():
        if name in seen.violated:
            return Ruling(Standing.VIOLATED, system, seen.violated[name])
    if not all(seen.complete for seen in found.values()):
        return Ruling(Standing.BOUNDED)
    if not all(part.witness.__name__ in seen.met for seen in found.values()):
        return Ruling(Standing.NOT_REACHED)
    return Ruling(Standing.HOLDS)


def _changes(restriction: Restriction) -> Changes:
    return tuple(change for condition in restriction for change in condition.changes)


def _violated(rulings: Mapping[Case, Ruling]) -> list[Case]:
    return [case for case, ruling in rulings.items() if ruling.standing is Standing.VIOLATED]


def _try(book: _Book, ask: Ask, rulings: dict[Case, Ruling], tried: Tried) -> None:
    """Rule again on these parts, each on the first of its restrictions under which it holds, if there is one."""
    book.fill(ask, _narrowed(book, tried))
    for case, restrictions in tried.items():
        for restriction in restrictions:
            if _ruling(book, *case, restriction).standing is Standing.HOLDS:
                rulings[case] = rulings[case]._replace(standing=Standing.CONDITIONAL, conditions=restriction)
                break


def _narrowed(book: _Book, tried: Tried) -> Iterator[Question]:
    """What has to be known to try these restrictions."""
    for (behaviours, part), restrictions in tried.items():
        violating = [s for s in part.systems if part.claim.__name__ in book.seen(behaviours, s, (), part).violated]
        for restriction in restrictions:
            for system in violating:
                yield behaviours, system, rules.matters(system, _changes(restriction)), part


def take(look: Look) -> Seen:
    """Explore what a look is about."""
    (taken,) = take_all((look,))
    return taken[1]


def take_all(looks: Iterable[Look]) -> Iterator[tuple[Look, Seen]]:
    """Explore what each look is about, but once where another release would go the same way."""
    explored: list[tuple[System, tuple[Property, ...], Seen]] = []
    for look in looks:
        found = rules.subject(look.system, look.behaviours, look.changes)
        asked = tuple(p for p in found.properties if p.function.__name__ in look.claims)
        same = (seen for system, claims, seen in explored if claims == asked and alike(system, found.system))
        seen = next(same, None)
        if seen is None:
            seen = _explore(found.system, asked)
            if seen.complete:
                explored.append((found.system, asked, seen))
        yield look, seen


def _explore(system: System, asked: tuple[Property, ...]) -> Seen:
    report = check(system, asked, strategy="saturation", transitions=False, traced=no_property)
    violated: dict[str, str] = {}
    met: set[str] = set()
    for judged in report.judgements:
        name = judged.property.function.__name__
        if judged.property.kind is Kind.SOMETIMES:
            met |= {name} if judged.verdict is Verdict.HOLDS else set()
        elif judged.verdict is Verdict.VIOLATED:
            violated.setdefault(name, judged.property.name)
    return Seen(violated, frozenset(met), report.complete)


class Example(NamedTuple):
    """How a claim is violated: the system, and the judgement with the story."""

    subject: Subject
    judgement: Judgement


def example(ruling: Ruling, behaviours: Behaviours, *, seconds: float, progress: Watch) -> Example | None:
    """The shortest way to what a ruling says is violated, as far as it is found in time; None if nothing is."""
    if ruling.system is None:
        return None
    found = rules.subject(ruling.system, behaviours)
    asked = tuple(p for p in found.properties if p.name == ruling.instance)
    report = check(
        found.system,
        asked,
        transitions=False,
        stop_when_decided=True,
        bounds=Bounds(seconds=seconds),
        progress=progress,
    )
    return Example(found, report.judgements[0])
