"""Stories of reported bugs as timelines: what people did, what the controllers made of it, and what broke."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from diagrams import stories
from diagrams.kargo.stages import APPLICATION, AROUND, CONTROLLER, KARGO, LANES, PERSON
from diagrams.pictures import shortened
from diagrams.theme import Kind
from diagrams.timelines import Note, Row, StateTable, Timeline, used
from diagrams.tracing import parts
from diagrams.values import show
from model.kargo.durations import format_duration
from simulations.kargo.loop.reported import Reproduced
from simulations.kargo.loop.told import Beat, Moment

WORDS = 160
"""What happened is told in so many characters."""

MOST = 24
"""So many passes are shown of one event; of more, the first and the last."""

_ACTORS = {
    "person": PERSON,
    "application": APPLICATION,
    "AnalysisRun": APPLICATION,
    "controller": CONTROLLER,
}


def timeline(found: Reproduced, name: str = "story") -> Timeline:
    """The story as its release tells it, and what it violates."""
    rows = tuple(row for beat in found.told.beats for row in _beat(beat))
    rows = tuple(_numbered(rows))
    verdict, good = _verdict(found)
    answer = stories.headline(found).partition(":")[0]
    return Timeline(name, _title(found), _about(found), used(LANES, rows), rows, verdict, good, (answer,))


def state_table(found: Reproduced, name: str = "story") -> StateTable:
    """What the story changes, thing by thing; what nobody would ask about is left out."""
    busy = [(beat, moment) for beat in found.told.beats for moment in beat.moments if stories.changed(moment)]
    names = list(dict.fromkeys(n for _, moment in busy for n, _ in _values(moment)))
    start = busy[0][1].before if busy else {}
    cells = [tuple(show(start[n]) if n in start else "" for n in names)]
    for _, moment in busy:
        now = dict(_values(moment))
        cells.append(tuple(now.get(n, "") for n in names))
    steps = ("at the start", *(_step(beat, moment) for beat, moment in busy))
    said = tuple(f"{owner}: {field.replace('_', ' ')}" for field, owner in map(parts, names))
    verdict, good = _verdict(found)
    return StateTable(name, _title(found), _about(found), steps, said, tuple(cells), verdict, good)


def _values(moment: Moment) -> Iterator[tuple[str, str]]:
    """The variables that tell of a change, with what they are now."""
    for variable, _ in stories.changed(moment):
        if moment.before.get(variable) != moment.after.get(variable):
            yield variable, show(moment.after.get(variable))


def _step(beat: Beat, moment: Moment) -> str:
    own = moment.who == beat.event.actor
    what = shortened(beat.event.text, WORDS) if own else f"reconcile {moment.who.replace('/', ' ')}"
    return f"{format_duration(moment.at_ms)}  {what}"


def _title(found: Reproduced) -> str:
    return f"{found.scenario.name}, as Kargo {found.release} tells it"


def _about(found: Reproduced) -> str:
    return f"{found.scenario.about} ({', '.join(found.scenario.reports)})"


def _verdict(found: Reproduced) -> tuple[str, bool]:
    """What is violated, and whether nothing is."""
    broken = [(claim, v) for claim, v in found.here.violations.items() if v is not None]
    said = [f"{claim}: {v.about}, at {format_duration(v.at_ms)}" for claim, v in broken]
    return (f"Violated: {'; '.join(said)}", False) if said else (f"Every claim holds in {found.release}.", True)


def _numbered(rows: tuple[Row, ...]) -> Iterator[Row]:
    number = 0
    for row in rows:
        number += not row.divider
        yield row if row.divider else Row(row.lane, row.text, row.notes, str(number), row.at, row.kind)


def _beat(beat: Beat) -> Iterator[Row]:
    at = format_duration(beat.at_ms)
    if beat.event.actor == "clock":
        rows = list(_moments(beat))
        still = "" if rows else ": nothing changes"
        yield Row(divider=f"{at}: {shortened(beat.event.text, WORDS)}{still}")
        yield from _cut(rows)
        return
    lane = _ACTORS.get(beat.event.actor, AROUND)
    own = [m for m in beat.moments if m.who == beat.event.actor]
    notes = tuple(note for moment in own for note in _notes(moment))
    errors = [m.error for m in own if m.error]
    text = shortened(beat.event.text, WORDS) + (f": {shortened(errors[0], WORDS)}" if errors else "")
    yield Row(lane, text, notes, at=at, kind=Kind.BAD if errors else Kind.WAITING)
    yield from _cut(list(_moments(beat)))


def _cut(rows: list[Row]) -> list[Row]:
    if len(rows) <= MOST:
        return rows
    left_out = len(rows) - MOST
    return [*rows[: MOST // 2], Row(divider=f"and {left_out} more like these"), *rows[-MOST // 2 :]]


def _moments(beat: Beat) -> Iterator[Row]:
    """The passes in which something changed or went wrong; alike ones that follow each other are told once."""
    told = [(m, tuple(_notes(m))) for m in beat.moments if m.who != beat.event.actor]
    busy = [(m, notes) for m, notes in told if notes or m.error]
    for (who, notes, error), group in groupby(busy, key=lambda each: (each[0].who, each[1], each[0].error)):
        passes = [moment for moment, _ in group]
        times = f" ({len(passes)} times)" if len(passes) > 1 else ""
        text = f"reconcile {who.replace('/', ' ')}{times}" + (
            f": error: {shortened(error, WORDS)}" if error else ""
        )
        at = format_duration(passes[0].at_ms)
        yield Row(CONTROLLER, text, notes, at=at, kind=Kind.BAD if error else Kind.WAITING)


def _notes(moment: Moment) -> Iterator[Note]:
    """What changed, that of one lane together."""
    lanes: dict[str, tuple[list[str], list[Kind]]] = {}
    for variable, words in stories.changed(moment):
        texts, kinds = lanes.setdefault(KARGO.lane(variable), ([], []))
        texts.append(words)
        kinds.append(KARGO.kind(moment.after[variable]))
    for lane, (texts, kinds) in lanes.items():
        kind = next((k for k in kinds if k is not Kind.PLAIN), Kind.PLAIN)
        yield Note(lane, "", tuple(texts), kind)
