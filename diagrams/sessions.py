"""Sessions of the Ambient operator: stories with a clock, and fixes judged, as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from diagrams import traces
from diagrams.tables import markdown_table, table
from diagrams.values import plain, show
from invariants.ambient.systems import QUIET
from invariants.verdicts import Judgement, Verdict
from simulations.ambient import lost_retry, options
from simulations.ambient.judging import QUESTIONS, Answer, Judged
from simulations.ambient.losses import Lost
from simulations.ambient.lost_retry import Claimed, Reproduction, Telling
from simulations.ambient.runs import Beat, Run


def told(variable: str) -> bool:
    """Whether a story speaks of a variable."""
    return not variable.startswith(QUIET)


# A reported bug


def lines(found: Reproduction) -> Iterator[str]:
    """The answer, the stories, and the claims by version."""
    verb = "reproduced" if found.reproduced else "NOT reproduced"
    yield f"{verb}: {lost_retry.NAME}: {lost_retry.ABOUT} (Ambient {found.stories[0].behaviours.version})"
    yield from (f"  differs: not so that {what}" for what in found.differences)
    for story in found.stories:
        yield ""
        yield from _story(story)
    yield ""
    yield "What holds, by version, over everything that can happen:"
    yield from (f"  {line}" for line in table(*_claims(found.claims)))
    yield ""
    yield "The fixes that the report proposes, and what is still lost today: kargo-model judge lost-retry"


def _story(story: Telling) -> Iterator[str]:
    yield f"Ambient {story.behaviours.version}, {story.about}:"
    for beat, times in _folded(story.run.beats):
        yield from _beat(beat, times)
    yield f"  after {story.run.until:g} s: {ending(story.run)}"


def _folded(beats: Sequence[Beat]) -> Iterator[tuple[Beat, int]]:
    """The beats; of several alike one after the other the first, and how many they are."""
    kept: list[tuple[Beat, int]] = []
    for beat in beats:
        alike = bool(kept) and _look(kept[-1][0]) == _look(beat)
        kept[-1:] = [(kept[-1][0], kept[-1][1] + 1)] if alike else [*kept[-1:], (beat, 1)]
    yield from kept


def _look(beat: Beat) -> tuple[str, str, tuple[str, ...]]:
    label = beat.taken.label.removeprefix("its timer fires").removeprefix("; ")
    return beat.taken.action, label, tuple(_changes(beat))


def _beat(beat: Beat, times: int) -> Iterator[str]:
    action, label, changes = _look(beat)
    again = f" ({times} times)" if times > 1 else ""
    yield f"  {beat.at:4.0f} s  {beat.taken.actor}: {action}{f': {label}' if label else ''}{again}"
    if changes:
        yield f"            {', '.join(changes)}"


def _changes(beat: Beat) -> Iterator[str]:
    for name, (was, now) in beat.taken.changes.items():
        if told(name):
            yield f"{name.replace('_', ' ')} {show(was)} -> {show(now)}"


def ending(run: Run) -> str:
    """How a story ends, in words."""
    end = run.end
    known = "knows its workflow from the operator" if run.told else "was never told its workflow by the operator"
    rest = "; nothing will change any more by itself" if run.at_rest else "; it goes on like that"
    return f"WorkflowReconciled is {show(end['condition'])}, the runner {known}{rest}"


def _claims(claims: Iterable[Claimed]) -> tuple[list[str], list[list[str]]]:
    found = list(claims)
    versions = list(found[0].judgements)
    rows = [[_words(c.name), c.system, *(_verdict(c.judgements[v]) for v in versions)] for c in found]
    return ["claim", "on", *versions], rows


def _words(name: str) -> str:
    return name.replace("_", " ")


def _verdict(judgement: Judgement) -> str:
    return judgement.verdict.value


def as_json(found: Reproduction) -> dict[str, object]:
    """A reproduction for programs; see docs/json.md."""
    return {
        "scenario": lost_retry.NAME,
        "about": lost_retry.ABOUT,
        "reports": list(lost_retry.REPORTS),
        "ambient": found.stories[0].behaviours.version,
        "reproduced": found.reproduced,
        "differences": list(found.differences),
        "stories": [
            {
                "ambient": story.behaviours.version,
                "about": story.about,
                "at_rest": story.run.at_rest,
                "told": story.run.told,
                "steps": [{"at": beat.at, **_step(beat)} for beat in story.run.beats],
            }
            for story in found.stories
        ],
        "claims": [
            {
                "system": c.system,
                "name": c.name,
                "verdicts": [
                    {"ambient": version, "verdict": j.verdict.value} for version, j in c.judgements.items()
                ],
            }
            for c in found.claims
        ],
    }


def _step(beat: Beat) -> dict[str, object]:
    taken = beat.taken
    return {
        "action": taken.action,
        "actor": taken.actor,
        "label": taken.label,
        "changes": {n: {"before": plain(a), "after": plain(b)} for n, (a, b) in taken.changes.items() if told(n)},
    }


# Judged


class Judgements(NamedTuple):
    """All variants with their answers, and what the operator of today still loses."""

    judged: tuple[Judged, ...]
    losses: tuple[Lost, ...]


def judged_lines(found: Judgements) -> Iterator[str]:
    """The answer, the table of the variants, what it means, and the table of the losses."""
    yield from _judged(found, table, "")
    yield ""
    yield "How a variant comes to an unwanted answer, or a retry is lost: kargo-model judge lost-retry --show NAME"


def judged_markdown(found: Judgements) -> Iterator[str]:
    """The same, to paste."""
    yield from _judged(found, markdown_table, "* ")


def _judged(found: Judgements, tabulate: Callable[..., Iterator[str]], bullet: str) -> Iterator[str]:
    yield summary(found)
    yield ""
    yield from tabulate(*_table(found.judged))
    yield ""
    yield from _legend(bullet)
    yield ""
    yield "What the operator of today still loses, in the fewest steps, and what would be needed:"
    yield ""
    yield from tabulate(*_losses(found.losses))
    yield ""
    yield from _repairs(found.losses, bullet)


def summary(found: Judgements) -> str:
    """The answer in one line."""
    proposed = [j for j in found.judged if j.name in dict(options.options())][1:]
    heals = [j.name for j in proposed if j.says_yes("heals")]
    token = [j.name for j in found.judged if j.says_yes("heals (token)")]
    every = [j.name for j in found.judged if j.says_yes("in all cases")]
    lost = sum(found_.judgement.verdict is Verdict.VIOLATED for found_ in found.losses)
    return (
        f"{len(heals)} of {len(proposed)} proposals heal the initial failure; where the runner asks for a token: "
        f"{', '.join(token) or 'none'}; in all cases: {', '.join(every) or 'none'}; "
        f"today's operator loses pushes or requests in {lost} ways"
    )


def _table(judged: Iterable[Judged]) -> tuple[list[str], list[list[str]]]:
    rows = [[j.name, *("yes" if a.yes else "no" for a in j.answers)] for j in judged]
    return ["", *(q.name for q in QUESTIONS)], rows


def _legend(bullet: str) -> Iterator[str]:
    for question in QUESTIONS:
        yield f"{bullet}{question.name}: {question.asks}"


def _losses(losses: Iterable[Lost]) -> tuple[list[str], list[list[str]]]:
    rows = [
        [
            found.loss.name,
            found.judgement.verdict.value,
            "" if found.steps is None else str(found.steps),
            found.loss.about,
            ", ".join(sorted(r.name.lower().replace("_", " ") for r in found.loss.needs)),
            found.repaired.value,
        ]
        for found in losses
    ]
    return ["loss", "claim", "steps", "what happens", "needs", "then"], rows


def _repairs(losses: Iterable[Lost], bullet: str = "") -> Iterator[str]:
    needed = {repair for found in losses for repair in found.loss.needs}
    for repair in sorted(needed, key=lambda r: r.name):
        yield f"{bullet}{repair.name.lower().replace('_', ' ')}: {repair.value}"


def shown_variant(judged: Judged) -> Iterator[str]:
    """One variant: every question, and the shortest way to each violation."""
    bad = [a for a in judged.answers if not a.yes]
    yield f"{judged.name}: {len(bad)} of {len(judged.answers)} answers are not the one wanted"
    for answer in judged.answers:
        yield ""
        yield f"{answer.question.asks} {'yes' if answer.yes else 'no'}"
        yield from _why_not(answer)


def _why_not(answer: Answer) -> Iterator[str]:
    for judgement in answer.judgements:
        if judgement.verdict is not Verdict.HOLDS:
            yield f"  {judgement.verdict.value}: {_words(judgement.property.name)}"
            yield from (f"    {line}" for line in _way(judgement))


def _way(judgement: Judgement) -> Iterator[str]:
    if judgement.trace is not None:
        yield from traces.story(judgement.trace, shown=told)


def shown_loss(found: Lost) -> Iterator[str]:
    """One loss: its story, and what would be needed."""
    yield f"{found.loss.name}: {found.loss.about}"
    yield f"  {found.judgement.verdict.value}: {_words(found.loss.claim)}"
    yield from (f"  {line}" for line in _way(found.judgement))
    needs = "; ".join(sorted(r.value for r in found.loss.needs))
    yield f"  needed: {needs}; the claim then: {found.repaired.value}"


def judged_as_json(found: Judgements) -> dict[str, object]:
    """The judgements for programs; see docs/json.md."""
    return {
        "scenario": lost_retry.NAME,
        "questions": [{"name": q.name, "asks": q.asks, "claims": list(q.claims)} for q in QUESTIONS],
        "variants": [variant_as_json(judged) for judged in found.judged],
        "losses": [loss_as_json(lost) for lost in found.losses],
    }


def variant_as_json(judged: Judged) -> dict[str, object]:
    """One variant with its answers, and the traces where there are any."""
    return {
        "name": judged.name,
        "ambient": judged.behaviours.version,
        "answers": [
            {
                "question": a.question.name,
                "answer": a.yes,
                "claims": [_judgement(j) for j in a.judgements],
            }
            for a in judged.answers
        ],
    }


def loss_as_json(found: Lost) -> dict[str, object]:
    """One loss with the shortest way to it."""
    return {
        "name": found.loss.name,
        "about": found.loss.about,
        "needs": sorted(r.value for r in found.loss.needs),
        "with_needs": found.repaired.value,
        **_judgement(found.judgement),
    }


def _judgement(judgement: Judgement) -> dict[str, object]:
    return {
        "claim": judgement.property.name,
        "verdict": judgement.verdict.value,
        "trace": traces.as_json(judgement.trace) if judgement.trace else None,
    }
