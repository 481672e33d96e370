"""Reproductions of spec-kit's scenarios, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from diagrams import traces
from diagrams.speckit.runs import moves
from diagrams.tables import table
from invariants.verdicts import Verdict
from simulations.speckit.scenarios import PROMISE, InRelease, Reproduction


def lines(found: Reproduction) -> Iterator[str]:
    """The answer, the story as one release tells it, every release, and the claims."""
    scenario, here = found.scenario, found.here
    yield headline(found)
    yield f"  {scenario.about} ({', '.join(scenario.reports)})"
    yield ""
    yield f"spec-kit {here.release}:"
    for number, look in enumerate(here.looks):
        yield f"  {'executed' if not number else f'resumed {number}'}"
        yield from (f"    {text}" for text in moves(look))
        yield f"    status: {look.status}"
    yield from (f"  not as expected: {text}" for text in here.differences)
    yield ""
    claims = list(dict.fromkeys(claim for r in found.releases for claim in r.verdicts()))
    head = ("release", "promised" if scenario.kind == PROMISE else "happens", *claims)
    yield from table(head, [_row(r, claims) for r in found.releases])
    yield from _stories(here)


def headline(found: Reproduction) -> str:
    """The answer in one line: in which releases it is as expected."""
    true = [r.release for r in found.releases if r.comes_true]
    false = [r.release for r in found.releases if not r.comes_true]
    yes, no = ("kept", "not kept") if found.scenario.kind == PROMISE else ("happens", "does not happen")
    known = [r.release for r in found.releases]
    parts = [f"{word} in {_ranges(some, known)}" for word, some in ((yes, true), (no, false)) if some]
    return f"{found.scenario.name}: {', '.join(parts)}"


def is_good(found: Reproduction) -> bool:
    """Whether what the release that is told does is well: a promise is kept, or what was found does not happen."""
    return found.here.comes_true is (found.scenario.kind == PROMISE)


def _ranges(some: list[str], known: list[str]) -> str:
    """Releases as ranges: `0.9.4 to 1.1.2, 1.2.3`."""
    if some == known:
        return "every release"
    groups: list[list[str]] = []
    for release in some:
        if groups and known.index(release) == known.index(groups[-1][-1]) + 1:
            groups[-1].append(release)
        else:
            groups.append([release])
    return ", ".join(g[0] if len(g) == 1 else f"{g[0]} to {g[-1]}" for g in groups)


def _row(found: InRelease, claims: Iterable[str]) -> tuple[str, ...]:
    verdicts = found.verdicts()
    return (found.release, "yes" if found.comes_true else "no", *(verdicts.get(claim, "-") for claim in claims))


def _stories(found: InRelease) -> Iterator[str]:
    told: set[str] = set()
    for judgement in found.judgements:
        claim = judgement.property.claim
        if judgement.verdict is Verdict.VIOLATED and judgement.trace is not None and claim not in told:
            told.add(claim)
            yield ""
            yield f"the shortest way to break it in {found.release}: {claim}"
            yield from (f"  {line}" for line in traces.story(judgement.trace, shown="status".__eq__))


def as_json(found: Reproduction) -> dict[str, object]:
    """The same for programs."""
    scenario = found.scenario
    return {
        "name": scenario.name,
        "about": scenario.about,
        "reports": list(scenario.reports),
        "kind": scenario.kind,
        "told": found.here.release,
        "releases": [
            {
                "spec-kit": r.release,
                "asExpected": r.comes_true,
                "differences": list(r.differences),
                "statuses": [str(look.status) for look in r.looks],
                "claims": r.verdicts(),
            }
            for r in found.releases
        ],
    }
