"""Reports of the checker as tables of a page, and their counterexamples as playbacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from diagrams import reports
from diagrams.explorations import Exploration
from diagrams.pages.grids import Cell, Grid
from diagrams.pages.playbacks import Lane, Playback, actor, of_judgement
from diagrams.pages.report import Section
from diagrams.pictures import slug
from diagrams.theme import Kind
from invariants.properties import Kind as Claimed
from invariants.subjects import Subject
from invariants.verdicts import Judgement, Report, Verdict

Checked = tuple[Subject, Report]

KINDS = {Verdict.HOLDS: Kind.GOOD, Verdict.VIOLATED: Kind.BAD, Verdict.BOUNDED: Kind.UNCLEAR}
_SITUATIONS = {Verdict.HOLDS: Kind.MOOT, Verdict.VIOLATED: Kind.WAITING, Verdict.BOUNDED: Kind.UNCLEAR}
_WORST = (Verdict.HOLDS, Verdict.BOUNDED, Verdict.VIOLATED)


def kind(judgement: Judgement) -> Kind:
    """Of which kind a verdict is; that a situation arises is neither good nor bad."""
    table = _SITUATIONS if judgement.property.kind is Claimed.SOMETIMES else KINDS
    return table[judgement.verdict]


def answer_kind(checked: Iterable[Checked]) -> Kind:
    """Of which kind the answer is: unclear where nothing is violated, but a situation never arises."""
    found = {
        Verdict.BOUNDED if _is_situation(j) and j.verdict is Verdict.VIOLATED else j.verdict
        for _, report in checked
        for j in report.judgements
    }
    return KINDS[max(found, key=_WORST.index, default=Verdict.HOLDS)]


def answer(checked: Iterable[Checked]) -> str:
    """What came of all systems, in a line: how many claims are violated somewhere, and in how many systems."""
    found = [report for _, report in checked]
    every = [judgement for report in found for judgement in report.judgements]
    claims_ = dict.fromkeys(j.property.claim for j in every if not _is_situation(j))
    violated = dict.fromkeys(j.property.claim for j in every if _is_violated(j))
    never = sum(_is_situation(j) and j.verdict is Verdict.VIOLATED for j in every)
    bounded = sum(not report.complete for report in found)
    judged, where = _count(len(claims_), "claim"), _count(len(found), "system")
    if violated:
        broken = sum(any(map(_is_violated, report.judgements)) for report in found)
        said = f"violated: {len(violated)} of {judged}, in {f'{broken} of {where}' if len(found) > 1 else where}"
        said += f"; {_count(bounded, 'system')} not seen whole" if bounded else ""
    elif bounded:
        said = f"no violation within the bound: {judged} in {where}"
    else:
        said = f"holds: {'all ' if len(claims_) > 1 else ''}{judged} in {where}"
    return said + (f"; {_count(never, 'situation')} never reached" if never else "")


def _is_situation(judgement: Judgement) -> bool:
    return judgement.property.kind is Claimed.SOMETIMES


def _is_violated(judgement: Judgement) -> bool:
    return not _is_situation(judgement) and judgement.verdict is Verdict.VIOLATED


def counterexamples(checked: Iterable[Checked], *, lane: Lane = actor) -> tuple[Playback, ...]:
    """For each claim that is violated in a system, the shortest way there is: the shortest of all first."""
    found = (
        of_judgement(subject, min(traced, key=lambda j: len(j.trace.steps) if j.trace else 0), lane=lane)
        for subject, report in checked
        for _, judgements in reports.families(report.judgements)
        if (traced := [j for j in judgements if j.verdict is Verdict.VIOLATED and j.trace])
    )
    return tuple(sorted(found, key=lambda p: (p.title, len(p.frames), p.key)))


def claims(checked: Sequence[Checked], shown: Iterable[Playback]) -> Grid:
    """Every claim: its verdict over all systems, and the counterexamples."""
    links: dict[str, list[tuple[str, str]]] = {}
    for playback in shown:
        links.setdefault(playback.title, []).append((playback.about, playback.key))
    by_claim: dict[str, list[tuple[str, Judgement]]] = {}
    for subject, report in checked:
        for judgement in report.judgements:
            by_claim.setdefault(judgement.property.claim, []).append((subject.name, judgement))
    worst_first = sorted(by_claim.items(), key=lambda pair: -_WORST.index(_worst(pair[1]).verdict))
    plain = [_claim(c, found, links.get(c, [])) for c, found in worst_first if not _situation(found)]
    situations = [_claim(_called(c, found), found, []) for c, found in by_claim.items() if _situation(found)]
    if situations:
        situations.insert(0, (Cell("Situations: those that arise show that nothing holds for want of cases"),))
    return Grid("Claims", ("claim", "verdict", "judged in", "violated in: step through it"), (*plain, *situations))


def _worst(found: Sequence[tuple[str, Judgement]]) -> Judgement:
    return max((judgement for _, judgement in found), key=lambda j: _WORST.index(j.verdict))


def _situation(found: Sequence[tuple[str, Judgement]]) -> bool:
    return _is_situation(found[0][1])


NAMED = 5
"""Of the instances of a situation so many are named."""


def _called(situation: str, found: Sequence[tuple[str, Judgement]]) -> str:
    """A situation with what it is about: `a promotion is: Running, Succeeded`."""
    which = (reports.instance(judgement.property) for _, judgement in found)
    instances = list(dict.fromkeys(_about(situation, w) for w in which if w))
    if not instances:
        return situation
    return f"{situation}: {', '.join(instances[:NAMED])}" + (" …" if instances[NAMED:] else "")


def _about(situation: str, instance: str) -> str:
    if instance.lower().startswith(situation.lower()):
        return instance[len(situation) :].strip()
    return instance.rpartition(": ")[2]


def _claim(
    claim: str, found: Sequence[tuple[str, Judgement]], links: Sequence[tuple[str, str]]
) -> tuple[Cell, ...]:
    worst = _worst(found)
    systems = list(dict.fromkeys(name for name, _ in found))
    broken = not _situation(found)
    bad = list(dict.fromkeys(name for name, j in found if broken and j.verdict is Verdict.VIOLATED))
    empty = "; its premise is never met" if all(j.vacuous for _, j in found) else ""
    where = f"{_count(len(systems), 'system')}" if len(systems) > 1 else systems[0]
    cases = f", {len(found)} cases" if len(found) > len(systems) else ""
    # The column next to it, with all its links, would take the room that these few words need.
    judged = (where + cases).replace(" ", "\N{NO-BREAK SPACE}")
    linked = {text for text, _ in links}
    verdict = Cell(reports.word(worst) + empty, kind(worst)) if broken else _arisen(found)
    return (
        Cell(claim),
        verdict,
        Cell(judged, more=", ".join(systems)),
        Cell(", ".join(name for name in bad if name not in linked), links=tuple(links)),
    )


def _arisen(found: Sequence[tuple[str, Judgement]]) -> Cell:
    """Whether a situation arises, and in how many of its cases."""
    reached = sum(judgement.verdict is Verdict.HOLDS for _, judgement in found)
    if 0 < reached < len(found):
        return Cell(f"reached: {reached} of {len(found)}", Kind.MOOT)
    worst = _worst(found)
    return Cell(reports.word(worst), kind(worst))


def systems(checked: Iterable[Checked]) -> Grid:
    """Every system that was explored, and how far."""
    heads = ("system", "what it is", "verdict", "states", "levels", "violated")
    return Grid("Systems", heads, tuple(_system(subject, report) for subject, report in checked))


def _system(subject: Subject, report: Report) -> tuple[Cell, ...]:
    judged = [j for j in report.judgements if j.property.kind is not Claimed.SOMETIMES]
    worst = max((j.verdict for j in judged), key=_WORST.index, default=Verdict.HOLDS)
    families = reports.families(judged)
    violated = sum(any(j.verdict is Verdict.VIOLATED for j in found) for _, found in families)
    return (
        Cell(subject.name),
        Cell(subject.about + (f" (stopped: {report.bound})" if report.bound else "")),
        Cell(worst.value, KINDS[worst]),
        Cell(f"{report.states:,}" if report.states < 10**15 else f"{report.states:.2e}"),
        Cell("" if report.levels is None else str(report.levels)),
        Cell(f"{violated} of {_count(len(families), 'claim')}"),
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sections(checked: Sequence[Checked], *, lane: Lane = actor) -> Iterator[Section]:
    """The verdicts, and the counterexamples if there are any."""
    shown = counterexamples(checked, lane=lane)
    yield Section(
        "verdicts",
        "Verdicts",
        (
            "A claim holds if it is true in every state that can be reached. Where one is violated, the shortest "
            "way to break it can be stepped through below. A claim about a step, say, has a "
            "case for each step.",
        ),
        (claims(checked, shown), systems(checked)),
    )
    if shown:
        yield Section(
            "counterexamples",
            "Counterexamples",
            ("Open one and step through it. Every step was taken by the model itself.",),
            playbacks=shown,
        )


def ends(found: Exploration, *, lane: Lane = actor) -> Section:
    """Every end that a user's own template or workflow can come to, with the shortest way to each."""
    name = found.subject.name
    reached = tuple(_end(found.subject, j, lane) for j in found.ends if j.verdict is Verdict.HOLDS)
    never = [j.property.name for j in found.ends if j.verdict is not Verdict.HOLDS]
    not_met = "Never reached" if found.report.complete else "Not reached within the bound"
    lead = (f"Every end that {name} can come to, with the shortest way.",)
    more = (f"{not_met}: {', '.join(never)}.",) if never else ()
    return Section(slug(f"ends-{name}"), f"Ends of {name}", (*lead, *more), playbacks=reached)


def _end(subject: Subject, judgement: Judgement, lane: Lane) -> Playback:
    found = of_judgement(subject, judgement, lane=lane, prefix="end")
    return replace(found, title=f"it ends {judgement.property.name}")
