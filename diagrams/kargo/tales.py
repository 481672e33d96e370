"""Reported bugs as playbacks: told step by step, with what breaks where, and the ways out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diagrams import stories
from diagrams.kargo.lanes import CONTROLLER, PROMOTION
from diagrams.pages.grids import Cell, Grid
from diagrams.pages.playbacks import Frame, Playback
from diagrams.theme import Kind
from invariants.kargo import loops, systems
from model.inputs import printable
from model.kargo.durations import format_duration
from model.system import State, Value
from simulations.kargo.loop.reported import InRelease, Reproduced
from simulations.kargo.loop.told import Moment
from simulations.kargo.runs import PassAccount, Run
from simulations.kargo.scenario import Answer, Reproduction

MOST_FRAMES = 60
"""So many steps of a story are shown; of more, the first ones."""

_NOT_THERE = "not there"
_NEVER_TOLD = ("now", "stage_requeue[", "requeue[", "tries[")


@dataclass(frozen=True)
class _Happening:
    """What is worth a step of its own: a moment, who acted, what was done, and the state that it left."""

    moment: Moment
    who: str
    what: str
    notes: tuple[str, ...]


def of_story(found: Reproduced) -> Playback:
    """A story of the control loop, as one release tells it."""
    happened = list(_happenings(found))
    shown = happened[:MOST_FRAMES]
    names = dict.fromkeys(
        n for h in shown for n in (*h.moment.before, *h.moment.after) if not n.startswith(_NEVER_TOLD)
    )
    start = _filled(shown[0].moment.before if shown else found.told.moments[-1].after, names)
    frames, state = [], start
    for each in shown:
        after = _filled(each.moment.after, names)
        frames.append(_frame(each, state, after))
        state = after
    left_out = len(happened) - len(shown)
    scenario = found.scenario
    return Playback(
        scenario.name,
        scenario.about,
        f"{scenario.name}, {', '.join(scenario.reports)}, Kargo {found.release}",
        "breaks" if found.here.breaks else "does not break",
        Kind.BAD if found.here.breaks else Kind.GOOD,
        start,
        tuple(frames),
        frozenset(n for n in names if not n.startswith((*loops.QUIET, *_NEVER_TOLD))),
        "; ".join(_verdicts(found.here)),
        remarks=tuple(_remarks(found, left_out)),
        grids=tuple(_grids(found)),
    )


def _filled(state: State, names: dict[str, None]) -> dict[str, Value]:
    return {name: state.get(name, _NOT_THERE) for name in names}


def _happenings(found: Reproduced) -> Iterator[_Happening]:
    """Each event, and what people would ask about of what the controllers did in it."""
    for beat in found.told.beats:
        said = False
        for moment in beat.moments:
            kind, _, name = moment.who.partition("/")
            notes = (
                *stories.changes(moment),
                *([f"error: {printable(moment.error, 200)}"] if moment.error else []),
            )
            if name and notes:
                said = True
                yield _Happening(moment, kind, f"reconcile {name}", notes)
            elif not name:
                said = True
                yield _Happening(moment, beat.event.actor, printable(beat.event.text, 200), notes)
        if not said and beat.moments:
            last = beat.moments[-1]
            notes = ("Nothing changes that anybody would ask about.",)
            yield _Happening(last, beat.event.actor, printable(beat.event.text, 200), notes)


def _frame(happening: _Happening, before: State, after: State) -> Frame:
    changed = {n: (v, after[n]) for n, v in before.items() if after[n] != v}
    at = format_duration(happening.moment.at_ms)
    return Frame(happening.who, happening.what, "", changed, at, happening.notes)


def _verdicts(found: InRelease) -> Iterator[str]:
    for claim, violation in found.violations.items():
        if violation is not None:
            yield f"violated: {claim}: {violation.about}, at {format_duration(violation.at_ms)}"
    if not found.breaks:
        yield "every claim of the report holds"


def _remarks(found: Reproduced, left_out: int) -> Iterator[str]:
    if left_out:
        yield f"So it goes on; {left_out} more steps are left out."
    if found.told.at_rest:
        yield "During the last event nothing changed: so it stays, unless somebody acts."


def _grids(found: Reproduced) -> Iterator[Grid]:
    heads = ("claim", *(r.release for r in found.releases))
    claims = (
        (Cell(claim), *(_holds(r.violations[claim] is None) for r in found.releases))
        for claim in found.releases[0].violations
    )
    yield Grid("The claims, by release", heads, tuple(claims))
    if found.fixes:
        fixes = tuple((Cell(m.fix.name), _works(not m.found.breaks)) for m in found.fixes)
        yield Grid(f"Fixes, each put into {found.release}", ("fix", "removes it"), fixes)
    if found.recoveries:
        heads = ("way out", "works", "what is done", "what is missing then")
        rows = (
            (
                Cell(t.recovery.name),
                _works(t.works),
                Cell("; ".join(event.text for event in t.recovery.events) or "nothing"),
                Cell("; ".join(t.missing)),
            )
            for t in found.recoveries
        )
        yield Grid(f"Ways out in {found.release}, each tried", heads, tuple(rows))


def _holds(yes: bool) -> Cell:
    return Cell("holds", Kind.GOOD) if yes else Cell("violated", Kind.BAD)


def _works(yes: bool) -> Cell:
    return Cell("yes", Kind.GOOD) if yes else Cell("no", Kind.BAD)


# A report with manifests of its own


def of_manifests(found: Reproduction) -> Playback:
    """A report that is reproduced from its own manifests."""
    run = found.run
    undone = [step.alias for step in run.undone]
    end = f"the Promotion is {run.phase.value}"
    end += f", and nobody did the work of {', '.join(undone)}" if undone else ""
    reproduced = "reproduced" if found.reproduced else "not reproduced"
    return of_run(
        run,
        key=found.name,
        title=found.about,
        about=f"{found.name}, Kargo {found.run_as}",
        word=reproduced,
        kind=Kind.BAD if undone or not found.reproduced else Kind.GOOD,
        end=end,
        remarks=(
            *(f"The report differs: {each}" for each in found.differences),
            *([f"What follows by itself: {'; '.join(found.consequences)}."] if found.consequences else []),
        ),
        grids=(_releases(found), _remedies(found)),
    )


def of_run(run: Run, **told: Any) -> Playback:
    """The passes of a run, as a playback of which `told` says the rest."""
    start = run.passes[0].before if run.passes else {}
    names = frozenset(n for n in start if not n.startswith((*systems.QUIET, *_NEVER_TOLD)))
    return Playback(start=_shown(start), frames=tuple(map(_pass, run.passes)), told=names, **told)


def _pass(account: PassAccount) -> Frame:
    before, after = _shown(account.before), _shown(account.after)
    changed = {n: (v, after[n]) for n, v in before.items() if after[n] != v}
    notes = tuple(f"{step.alias}: {step.why}" for step in account.steps)
    return Frame(
        PROMOTION, f"pass {account.number} of the {CONTROLLER}", "", changed, format_duration(account.at_ms), notes
    )


def _shown(state: State) -> State:
    return {n: v for n, v in state.items() if not n.startswith(_NEVER_TOLD)}


def _releases(found: Reproduction) -> Grid:
    broken = dict.fromkeys(claim for release in found.releases for claim in release.violated)
    rows = tuple(
        (Cell(claim), *(_holds(claim not in release.violated) for release in found.releases)) for claim in broken
    )
    heads = ("claim", *(release.release for release in found.releases))
    return Grid("What breaks, by release, over all outcomes of all attempts", heads, rows)


def _remedies(found: Reproduction) -> Grid:
    questions = [answer.question for answer in found.remedies[0].answers]
    rows = tuple((Cell(q), *(_answer(r.answers[i]) for r in found.remedies)) for i, q in enumerate(questions))
    legend = tuple(Cell(r.name, more=r.about) for r in found.remedies)
    return Grid(
        "The remedies, with other steps around the one in question",
        ("", *(r.name for r in found.remedies)),
        rows,
        legend,
    )


def _answer(answer: Answer) -> Cell:
    return Cell("yes" if answer.yes else "no", Kind.GOOD if answer.good else Kind.BAD)
