"""What an exploration of a template found, as text and as JSON: every end, then the properties."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from diagrams import reports, traces
from invariants.properties import Kind, Property
from invariants.subjects import Subject
from invariants.verdicts import Judgement, Report, Verdict


@dataclass(frozen=True)
class Exploration:
    """The report without the questions about ends, and those with their answers."""

    subject: Subject
    report: Report
    ends: tuple[Judgement, ...]

    @property
    def claims(self) -> Report:
        """The report without situations: where one never arises, no claim is violated."""
        judged = tuple(j for j in self.report.judgements if j.property.kind is not Kind.SOMETIMES)
        return replace(self.report, judgements=judged)


def exploration(subject: Subject, report: Report, ends: Collection[Property]) -> Exploration:
    """Take a report apart that was asked for `ends` besides the properties of `subject`."""
    asked = set(ends)
    return Exploration(
        subject,
        replace(report, judgements=tuple(j for j in report.judgements if j.property not in asked)),
        tuple(j for j in report.judgements if j.property in asked),
    )


def lines(found: Exploration, release: str, *, engine: str = "Kargo", told: str = "phase") -> Iterator[str]:
    """The answer, the ends with the shortest way to each, and the properties.

    `engine` is what has releases, `told` the variable that the ways to the ends tell of.
    """
    report, claims = found.report, found.claims.judgements
    violated = dict.fromkeys(j.property.claim for j in claims if j.verdict is Verdict.VIOLATED)
    reached = [_end(j) for j in found.ends if j.verdict is Verdict.HOLDS]
    answer = f"ends: {', '.join(reached) or 'none'}"
    if violated:
        answer += f"; violated: {len(violated)} of {len({j.property.claim for j in claims})} claims"
    elif not report.complete:
        answer += "; no violation within the bound"
    else:
        answer += "; every claim holds"
    never = sum(j.verdict is Verdict.VIOLATED for j in report.judgements if j.property.kind is Kind.SOMETIMES)
    if never:
        answer += f"; {never} situation{'' if never == 1 else 's'} never reached"
    yield f"{found.subject.name}, {engine} {release}: {answer}"
    for judgement in found.ends:
        yield ""
        if judgement.trace is None or judgement.verdict is not Verdict.HOLDS:
            yield f"{_end(judgement)}: {'never reached' if report.complete else 'not reached within the bound'}"
            continue
        count = len(judgement.trace.steps)
        yield f"{_end(judgement)}: the shortest way takes {count} step{'' if count == 1 else 's'}"
        yield from (f"  {line}" for line in traces.story(judgement.trace, shown=told.__eq__))
    yield ""
    yield from reports.lines(found.subject, report)


def _end(judgement: Judgement) -> str:
    return judgement.property.name


def as_json(found: Exploration, release: str, *, engine: str = "kargo") -> dict[str, object]:
    """An exploration for programs; see docs/json.md."""
    return {
        "subject": found.subject.name,
        engine: release,
        "ends": [
            {
                "phase": _end(j),
                "verdict": j.verdict.value,
                "trace": traces.as_json(j.trace) if j.trace and j.verdict is Verdict.HOLDS else None,
            }
            for j in found.ends
        ],
        "system": reports.as_json(found.subject, found.report),
    }
