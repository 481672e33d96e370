"""The reports of the checker, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from diagrams import traces
from invariants.properties import Kind, Property
from invariants.subjects import Subject
from invariants.verdicts import Cost, Judgement, Report, Verdict

Checked = tuple[Subject, Report]

_SOMETIMES = {Verdict.HOLDS: "reached", Verdict.VIOLATED: "never reached", Verdict.BOUNDED: "not reached"}


def summary(checked: Iterable[Checked], seconds: float | None = None) -> str:
    """The answer in one line, with how long it took if that is known."""
    results = list(checked)
    judged = [j for _, report in results for j in report.judgements]
    violated = [j for j in judged if j.verdict is Verdict.VIOLATED]
    bounded = [report for _, report in results if not report.complete]
    where = f"{_properties(len(judged))} of {_count(len(results), 'system')}"
    took = "" if seconds is None else f" ({seconds:.1f} s)"
    if violated:
        systems = sum(any(j.verdict is Verdict.VIOLATED for j in r.judgements) for _, r in results)
        line = f"violated: {len(violated)} of {where}, in {_count(systems, 'system')}{took}"
    elif bounded:
        line = f"no violation within the bound: {where}{took}"
    else:
        line = f"holds: {'all ' if len(judged) > 1 else ''}{where}{took}"
    return line + (f"; {_count(len(bounded), 'system')} not seen whole" if violated and bounded else "")


def lines(subject: Subject, report: Report, *, witnesses: bool = False) -> Iterator[str]:
    """What was explored of a system, and each property with its verdict, the violated ones with their story.

    With `witnesses`, situations that can arise are shown with theirs, too.
    """
    yield f"{subject.name} ({subject.about}): {size(report)}"
    if report.bound:
        yield f"  stopped: {report.bound}"
    width = max((len(word(j)) for j in report.judgements), default=0)
    for claim, judgements in families(report.judgements):
        worst = max(judgements, key=lambda j: _RANK[j.verdict])
        same = [j for j in judgements if j.verdict is worst.verdict]
        instances = "" if len(judgements) == 1 else f" ({_share(len(same), len(judgements))})"
        empty = " (its premise is never met)" if all(j.vacuous for j in judgements) else ""
        yield f"  {word(worst):{width}}  {claim}{instances}{empty}"
        traced = [(j, j.trace) for j in same if j.trace is not None]
        if traced and (witnesses or worst.verdict is Verdict.VIOLATED):
            shortest, trace = min(traced, key=lambda pair: len(pair[1].steps))
            told = _told(subject, shortest)
            yield from (f"      {line}" for line in traces.story(trace, shown=told))
            yield from (f"          {line}" for line in traces.fairness(subject.system, shortest.property, trace))
            yield f"          so  {traces.verdict_of(shortest.property, trace)}"


def _told(subject: Subject, judgement: Judgement) -> traces.Shown:
    asked = {*judgement.property.variables}
    return lambda variable: variable in asked or not variable.startswith(subject.quiet)


_RANK = {Verdict.HOLDS: 0, Verdict.BOUNDED: 1, Verdict.VIOLATED: 2}


def word(judgement: Judgement) -> str:
    """The verdict in words; of a situation, whether it arises."""
    if judgement.property.kind is Kind.SOMETIMES:
        return _SOMETIMES[judgement.verdict]
    return judgement.verdict.value


def called(claim: Property) -> str:
    """A claim, and which instance of it."""
    which = instance(claim)
    return f"{claim.claim} ({which})" if which else claim.claim


def instance(claim: Property) -> str:
    """Which instance of its claim a property is, or what else it is called; empty where it is only called that."""
    plain, _, found = claim.name.partition(" [")
    spoken = found.removesuffix("]") or plain.replace("_", " ")
    return "" if spoken == claim.claim else spoken


def families(judgements: Iterable[Judgement]) -> list[tuple[str, list[Judgement]]]:
    """The judgements of each claim, all instances of it."""
    families: dict[str, list[Judgement]] = {}
    for j in judgements:
        families.setdefault(j.property.claim, []).append(j)
    return list(families.items())


def _share(some: int, every: int) -> str:
    return f"all {every} cases" if some == every else f"{some} of {every} cases"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _properties(number: int) -> str:
    return f"{number} {'property' if number == 1 else 'properties'}"


def size(report: Report) -> str:
    """States, transitions, levels and time, as far as they are known."""
    parts = [f"{report.states:,} states"]
    if report.transitions is not None:
        parts.append(f"{report.transitions:,} transitions")
    if report.levels is not None:
        parts.append(f"{report.levels} levels")
    return ", ".join([*parts, f"{report.seconds:.2f} s"])


def profile(report: Report) -> Iterator[str]:
    """What each function cost: rows learned, calls and seconds in Python, seconds of images."""
    yield "  rows      calls     python    images    function: actions"
    for cost in sorted(report.profile, key=_total, reverse=True):
        images = sum(seconds for _, seconds in cost.images)
        figures = f"{cost.rows:<9} {cost.calls:<9} {cost.seconds:<8.3f}s {images:<8.3f}s"
        yield f"  {figures} {cost.function}: {_actions(cost)}"


def _actions(cost: Cost) -> str:
    """The actions that share the table, the most expensive first, as far as they fit."""
    names = [name for name, _ in cost.images]
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(names[:2]) + more


def _total(cost: Cost) -> float:
    return cost.seconds + sum(seconds for _, seconds in cost.images)


def as_json(subject: Subject, report: Report) -> dict[str, object]:
    """A report for programs; see docs/json.md."""
    return {
        "system": subject.name,
        "about": subject.about,
        "engine": report.engine,
        "strategy": report.strategy,
        "states": report.states,
        "transitions": report.transitions,
        "levels": report.levels,
        "seconds": round(report.seconds, 6),
        "complete": report.complete,
        "bound": report.bound,
        "properties": [_judgement(j) for j in report.judgements],
    }


def _judgement(judgement: Judgement) -> dict[str, object]:
    return {
        "name": judgement.property.name,
        "claim": judgement.property.claim,
        "kind": judgement.property.kind.value,
        "verdict": judgement.verdict.value,
        "vacuous": judgement.vacuous,
        "trace": traces.as_json(judgement.trace) if judgement.trace else None,
    }
