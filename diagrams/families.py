"""One system in several variants side by side: what holds where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from diagrams.tables import table
from invariants.properties import Kind
from invariants.subjects import Subject
from invariants.verdicts import Judgement, Report, Verdict


class Variant(NamedTuple):
    """What is special about a variant: release, Promotions per Stage, Freight per Warehouse (None: as usual)."""

    release: str | None
    promotions: int | None
    freight: int | None

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {"kargo": self.release, "promotions": self.promotions, "freight": self.freight}


Member = tuple[Subject, Variant, Report]

_MARKS = {Verdict.HOLDS: "yes", Verdict.VIOLATED: "NO", Verdict.BOUNDED: "?"}
_ABSENT = "-"
_RANK = {Verdict.HOLDS: 0, Verdict.BOUNDED: 1, Verdict.VIOLATED: 2}


def lines(members: Iterable[Member]) -> Iterator[str]:
    """A table for each system, and what the marks in them mean."""
    by_system: dict[str, list[Member]] = {}
    for member in members:
        by_system.setdefault(member[0].name, []).append(member)
    for some in by_system.values():
        yield ""
        yield from _system(some)
    yield ""
    yield "yes  it holds in every reachable state; a situation: it can arise"
    yield "NO   it is violated; a situation: it never arises"
    yield "?    nothing was found within the bound"
    yield f"{_ABSENT}    it is not claimed there"
    yield "how: kargo-model check SYSTEM --kargo VERSION --property CLAIM"


def _system(members: Sequence[Member]) -> Iterator[str]:
    subject = members[0][0]
    yield f"{subject.name} ({subject.about})"
    marks = [_worst(report.judgements) for _, _, report in members]
    claims = dict.fromkeys(claim for each in marks for claim in each)
    uneven = [c for c in claims if any(each.get(c) is not Verdict.HOLDS for each in marks)]
    rows = [[_size(report) for _, _, report in members] + ["states"]]
    rows += [[*(_mark(each, claim) for each in marks), _titled(claim, members)] for claim in uneven]
    yield from (f"  {line}" for line in table([*_headings([v for _, v, _ in members]), "claim"], rows))
    if len(claims) > len(uneven):
        every = "all" if not uneven else "the other"
        yield f"  {every} {len(claims) - len(uneven)} hold, or can arise, everywhere"


def _size(report: Report) -> str:
    return f"{report.states:,}" if report.complete else f"{report.states:,}+"


def _worst(judgements: Iterable[Judgement]) -> dict[str, Verdict]:
    """The verdict on each claim: the worst of its instances."""
    found: dict[str, Verdict] = {}
    for judged in judgements:
        before = found.setdefault(judged.property.claim, judged.verdict)
        found[judged.property.claim] = max(before, judged.verdict, key=_RANK.__getitem__)
    return found


def _mark(verdicts: Mapping[str, Verdict], claim: str) -> str:
    return _MARKS[verdicts[claim]] if claim in verdicts else _ABSENT


def _titled(claim: str, members: Iterable[Member]) -> str:
    kinds = {p.kind for subject, _, _ in members for p in subject.properties if p.claim == claim}
    return f"situation: {claim}" if Kind.SOMETIMES in kinds else claim


def _headings(variants: Sequence[Variant]) -> list[str]:
    """What to call each: by what differs among them; by their release if nothing does."""
    differ = [name for name in Variant._fields if len({getattr(v, name) for v in variants}) > 1]
    told = differ or ["release"]
    return [" ".join(_WORDS[n].format(getattr(v, n)) for n in told if getattr(v, n) is not None) for v in variants]


_WORDS = {"release": "{}", "promotions": "P={}", "freight": "F={}"}
