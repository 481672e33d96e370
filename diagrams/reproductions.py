"""Reproductions of reported bugs, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from diagrams import runs, traces
from diagrams.tables import table
from invariants.verdicts import Verdict
from simulations.kargo.scenario import Answer, InRelease, Reproduction


def lines(found: Reproduction) -> Iterator[str]:
    """The answer, the run, what follows from it, the releases, and the remedies."""
    verb = "reproduced" if found.reproduced else "NOT reproduced"
    yield f"{verb}: {found.name}: {found.about} (Kargo {found.run_as})"
    yield ""
    yield f"The report's manifest, run as Kargo {found.run_as}:"
    yield from (f"  {line}" if line else "" for line in runs.lines(found.run))
    yield ""
    yield "What the report shows:"
    yield from (f"  {line}" for line in found.recorded)
    yield from (f"  differs: {line}" for line in found.differences)
    if found.reproduced:
        yield "  the run shows the same."
    yield ""
    yield from _consequence(found)
    yield ""
    yield "What breaks, by release, over all outcomes of all attempts:"
    yield from (f"  {line}" for line in _releases(found.releases))
    yield ""
    yield "The remedies, with other steps around the one in question (! is not what one wants):"
    yield from (f"  {line}" for line in _remedies(found))


def _consequence(found: Reproduction) -> Iterator[str]:
    undone = [step.alias for step in found.run.undone]
    if undone:
        yield f"The Promotion is {found.run.phase.value}, and nobody did the work of {', '.join(undone)}."
    else:
        yield f"The Promotion ends {found.run.phase.value}."
    yield "What follows by itself:"
    yield from (f"  {number}. {gate}" for number, gate in enumerate(found.consequences, 1))


def _releases(releases: tuple[InRelease, ...]) -> Iterator[str]:
    broken = dict.fromkeys(claim for release in releases for claim in release.violated)
    rows = [
        [claim, *("violated" if claim in release.violated else "holds" for release in releases)] for claim in broken
    ]
    yield from table(["claim", *(release.release for release in releases)], rows)
    every = {j.property.claim for release in releases for j in release.judgements}
    yield f"The other {len(every) - len(broken)} claims hold in all of them."


def _remedies(found: Reproduction) -> Iterator[str]:
    questions = [answer.question for answer in found.remedies[0].answers]
    rows = [[q, *(_said(remedy.answers[i]) for remedy in found.remedies)] for i, q in enumerate(questions)]
    yield from table(["", *(remedy.name for remedy in found.remedies)], rows)
    for remedy in found.remedies:
        yield ""
        yield f"{remedy.name}: {remedy.about}"
        bad = [answer for answer in remedy.answers if not answer.good]
        if not bad:
            yield "  every answer is the one wanted"
        for answer in bad:
            yield f"  {answer.question} {'yes' if answer.yes else 'no'}"
            trace = answer.judgement.trace
            if trace is not None and answer.judgement.verdict is Verdict.VIOLATED:
                yield from (f"    {line}" for line in traces.story(trace, shown=_nothing))


def _nothing(variable: str) -> bool:
    return False


def _said(answer: Answer) -> str:
    return ("yes" if answer.yes else "no") + ("" if answer.good else " !")


def as_json(found: Reproduction) -> dict[str, object]:
    """A reproduction for programs; see docs/json.md."""
    return {
        "scenario": found.name,
        "about": found.about,
        "reported_for": found.run_as,
        "reproduced": found.reproduced,
        "differences": list(found.differences),
        "consequences": list(found.consequences),
        "run": runs.as_json(found.name, found.run_as, found.run),
        "releases": [
            {
                "kargo": release.release,
                "properties": [
                    {"name": j.property.name, "claim": j.property.claim, "verdict": j.verdict.value}
                    for j in release.judgements
                ],
            }
            for release in found.releases
        ],
        "remedies": [
            {
                "name": remedy.name,
                "about": remedy.about,
                "answers": [
                    {
                        "question": a.question,
                        "answer": a.yes,
                        "wanted": a.wanted,
                        "claim": a.judgement.property.claim,
                    }
                    for a in remedy.answers
                ],
            }
            for remedy in found.remedies
        ],
    }
