"""Timelines as values: who did what when, in lanes, and what changed of what."""

from __future__ import annotations

from dataclasses import dataclass

from diagrams.theme import Kind


@dataclass(frozen=True, slots=True)
class Lane:
    """Somebody who acts, or something that changes."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Note:
    """What changed in a lane: of what, and how; one text for each change."""

    lane: str
    subject: str
    texts: tuple[str, ...]
    kind: Kind = Kind.PLAIN


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that happened: in which lane, what was done there, and what changed.

    A row with a `divider` is a sentence across all lanes, and nothing else.
    """

    lane: str = ""
    text: str = ""
    notes: tuple[Note, ...] = ()
    number: str = ""
    at: str = ""
    kind: Kind = Kind.WAITING
    divider: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows one after the other, in lanes side by side.

    `verdict` says what comes of it, `good` whether that is well.
    """

    name: str
    title: str
    about: str
    lanes: tuple[Lane, ...]
    rows: tuple[Row, ...]
    verdict: str = ""
    good: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StateTable:
    """Values step by step; a cell is empty where nothing changed. `steps` say what happened, `names` what changes.

    `cells` has a row for each step, the first of which is how it begins, and in it one cell for each name.
    """

    name: str
    title: str
    about: str
    steps: tuple[str, ...]
    names: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    verdict: str = ""
    good: bool = False


def used(lanes: tuple[Lane, ...], rows: tuple[Row, ...]) -> tuple[Lane, ...]:
    """The lanes in which anything happens."""
    busy = {row.lane for row in rows} | {note.lane for row in rows for note in row.notes}
    return tuple(lane for lane in lanes if lane.key in busy)
