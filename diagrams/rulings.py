"""The table of the eight rules, for people, for programs, and to paste."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from diagrams import traces
from diagrams.tables import table
from invariants.kargo.judging import Example, Ruling, Standing
from invariants.kargo.rules import Condition, Rule, RulePart
from invariants.verdicts import Verdict


class Table(NamedTuple):
    """Rules, releases (oldest first), and the ruling on every part in every release."""

    rules: Sequence[Rule]
    releases: Sequence[str]
    rulings: Mapping[tuple[str, str], Ruling]

    @property
    def parts(self) -> list[RulePart]:
        """Every part of every rule."""
        return [part for rule in self.rules for part in rule.parts]

    @property
    def conditions(self) -> dict[Condition, str]:
        """The conditions that restore something, each with the letter it is called by."""
        used = dict.fromkeys(
            condition
            for part in self.parts
            for release in self.releases
            for condition in self.rulings[part.id, release].conditions
        )
        return {condition: chr(ord("a") + number) for number, condition in enumerate(used)}


_MARKS = {
    Standing.HOLDS: "yes",
    Standing.VIOLATED: "NO",
    Standing.NOT_REACHED: "-",
    Standing.BOUNDED: "?",
}
_FOR_PEOPLE = {
    Standing.HOLDS: "it holds in every reachable state",
    Standing.VIOLATED: "it is violated, and none of the conditions tried restores it",
    Standing.NOT_REACHED: "the situation that it speaks of does not arise",
    Standing.BOUNDED: "no violation within the bound",
}


def lines(found: Table, answer_for: str) -> Iterator[str]:
    """The answer for one release in a line, the table, what its marks mean, and what is true instead."""
    yield summary(found, answer_for)
    letters = found.conditions
    for rule in found.rules:
        yield ""
        yield f"{rule.number}. {rule.title}"
        rows = [[p.id, *_marks(found, p, letters), p.says] for p in rule.parts]
        yield from (f"  {line}" for line in table(["", *found.releases, "claim"], rows))
    yield ""
    yield from _legend(found)
    otherwise = list(instead(found))
    if otherwise:
        yield ""
        yield "what is true instead"
        yield from (f"  {line}" for line in otherwise)


def summary(found: Table, release: str) -> str:
    """How many claims hold in a release, under a condition, or not."""
    standings = [found.rulings[part.id, release].standing for part in found.parts]
    hold, only_if, not_ = (standings.count(s) for s in (Standing.HOLDS, Standing.CONDITIONAL, Standing.VIOLATED))
    every, rest = len(standings), len(standings) - hold - only_if - not_
    more = f", {rest} cannot be told" if rest else ""
    verb = "holds" if hold == 1 else "hold"
    of_rules = "of the eight rules" if len(found.rules) > 1 else f"of rule {found.rules[0].number}"
    return (
        f"In Kargo {release}, {hold} of {every} {'claim' if every == 1 else 'claims'} {of_rules} {verb} as stated, "
        f"{only_if} under a condition, {not_} {'does' if not_ == 1 else 'do'} not{more}."
    )


def _marks(found: Table, part: RulePart, letters: Mapping[Condition, str]) -> list[str]:
    return [mark(found.rulings[part.id, release], letters) for release in found.releases]


def mark(ruling: Ruling, letters: Mapping[Condition, str]) -> str:
    """How a ruling is marked in the table; `letters` are those of the conditions."""
    if ruling.standing is Standing.CONDITIONAL:
        return f"if {'+'.join(letters[c] for c in ruling.conditions)}"
    return _MARKS[ruling.standing]


def legend(found: Table) -> Iterator[tuple[str, str, Standing]]:
    """What the marks in the table mean, those that are used: the mark, its meaning, and what it stands for."""
    used = {found.rulings[part.id, release].standing for part in found.parts for release in found.releases}
    for standing, mark in _MARKS.items():
        if standing in used:
            yield mark, _FOR_PEOPLE[standing], standing
    for condition, letter in found.conditions.items():
        yield f"if {letter}", f"it holds if {condition.says}", Standing.CONDITIONAL


def _legend(found: Table) -> Iterator[str]:
    yield from (f"{sign:4}  {meaning}" for sign, meaning, _ in legend(found))


def instead(found: Table) -> Iterator[str]:
    """For every part that is false somewhere: what holds in its place, and what shows that it is false."""
    titles = {part.id: part for part in found.parts}
    for part in found.parts:
        false = [r for r in found.releases if found.rulings[part.id, r].system]
        if not false:
            continue
        everywhere = len(found.releases) > 1 and len(false) == len(found.releases)
        where = "every release" if everywhere else ", ".join(false)
        yield f"{part.id}  in {where}: {_truth(found, part, titles, false)}"


def _truth(found: Table, part: RulePart, titles: Mapping[str, RulePart], false: Sequence[str]) -> str:
    """What can be said of a part in the releases that violate it."""
    said = []
    other = titles.get(part.instead or "")
    held = [r for r in false if other and found.rulings[other.id, r].standing is Standing.HOLDS]
    if other and held:
        said.append(f"{other.says} ({', in '.join((other.id, *_if_fewer(held, false)))})")
    groups: dict[str, list[str]] = {}
    for release in false:
        conditions = found.rulings[part.id, release].conditions
        if conditions:
            groups.setdefault(" and ".join(c.says for c in conditions), []).append(release)
    for words, releases in groups.items():
        said.append(" in ".join((f"it holds if {words}", *_if_fewer(releases, false))))
    newest = false[-1]
    said.append(f"see it broken: kargo-model rules --show {part.id} --kargo {newest}")
    return "; ".join(said)


def _if_fewer(some: Sequence[str], every: Sequence[str]) -> list[str]:
    """The releases in a list of words, unless they are all that is spoken of."""
    return [] if len(some) == len(every) else [", ".join(some)]


def markdown(found: Table, answer_for: str) -> Iterator[str]:
    """The same as one table to paste."""
    letters = found.conditions
    yield f"**{summary(found, answer_for)}**"
    yield ""
    yield f"| | claim | {' | '.join(found.releases)} |"
    yield f"|---|---|{'---|' * len(found.releases)}"
    for rule in found.rules:
        yield f"| **{rule.number}** | **{rule.title}** |{' |' * len(found.releases)}"
        for part in rule.parts:
            yield f"| {part.id} | {part.says} | {' | '.join(_marks(found, part, letters))} |"
    yield ""
    yield from (f"* {line}" for line in _legend(found))
    otherwise = list(instead(found))
    if otherwise:
        yield ""
        yield "What is true instead:"
        yield ""
        yield from (f"* {line}" for line in otherwise)


def shown(part: RulePart, release: str, ruling: Ruling, example: Example | None) -> Iterator[str]:
    """A part in one release: whether it holds, and if not, the shortest story that shows it."""
    if example is None:
        yield f"{part.id} in Kargo {release}: {_FOR_PEOPLE[ruling.standing]}: {part.says}"
        return
    unless = f"; it holds if {' and '.join(c.says for c in ruling.conditions)}" if ruling.conditions else ""
    yield f"{part.id} is violated in Kargo {release}: {part.says}{unless}"
    yield f"  {example.judgement.property.name}, in {example.subject.name} ({example.subject.about})"
    trace = example.judgement.trace
    if example.judgement.verdict is not Verdict.VIOLATED or trace is None:
        yield "  the shortest way to it was not found in time"
        return
    asked = {*example.judgement.property.variables}
    told = traces.story(trace, shown=lambda n: n in asked or not n.startswith(example.subject.quiet))
    yield from (f"  {line}" for line in told)
    yield f"      so  {traces.verdict_of(example.judgement.property, trace)}"


def as_json(found: Table) -> dict[str, object]:
    """The table for programs; see docs/json.md."""
    return {
        "releases": list(found.releases),
        "rules": [
            {
                "number": rule.number,
                "title": rule.title,
                "parts": [_part(found, part) for part in rule.parts],
            }
            for rule in found.rules
        ],
    }


def _part(found: Table, part: RulePart) -> dict[str, object]:
    return {
        "id": part.id,
        "says": part.says,
        "claim": part.claim.__name__.replace("_", " "),
        "systems": list(part.systems),
        "instead": part.instead,
        "rulings": [_ruling(release, found.rulings[part.id, release]) for release in found.releases],
    }


def _ruling(release: str, ruling: Ruling) -> dict[str, object]:
    return {
        "kargo": release,
        "verdict": ruling.standing.value,
        "conditions": [condition.says for condition in ruling.conditions],
        "violated_in": ruling.system,
        "instance": ruling.instance,
    }


def example_as_json(part: RulePart, release: str, ruling: Ruling, example: Example | None) -> dict[str, object]:
    """One part in one release for programs, with the story if it is violated."""
    trace = example.judgement.trace if example else None
    return {
        "id": part.id,
        "says": part.says,
        **_ruling(release, ruling),
        "trace": traces.as_json(trace) if trace else None,
    }
