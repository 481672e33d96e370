"""Whatever can be drawn, in whatever format: chosen by the end of a file's name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from diagrams import dots, mermaid, timeline_dots
from diagrams.pictures import Picture, clean
from diagrams.rendering import IMAGES, render
from diagrams.tables import table
from diagrams.timelines import StateTable, Timeline
from model.json_text import json_text

Drawable = Picture | Timeline | StateTable

Writer = Callable[[Drawable], str]


def as_dot(what: Drawable) -> str:
    """As DOT, for Graphviz."""
    if isinstance(what, Picture):
        return dots.dot(what)
    return timeline_dots.dot(what) if isinstance(what, Timeline) else timeline_dots.table_dot(what)


def as_mermaid(what: Drawable) -> str:
    """As Mermaid; a state table has no such form, and raises ValueError."""
    if isinstance(what, StateTable):
        raise ValueError("Mermaid knows no tables")
    return mermaid.mermaid(what) if isinstance(what, Picture) else mermaid.sequence(what)


def as_json(what: Drawable) -> dict[str, object]:
    """For programs; see docs/json.md."""
    kind = {Picture: "graph", Timeline: "timeline", StateTable: "table"}[type(what)]
    return {"kind": kind, **_plain(what)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value.value if isinstance(value, Enum) else value


def as_text(what: Drawable) -> Iterator[str]:
    """In words, line by line, without anything that a terminal would obey."""
    yield from map(clean, _words(what))


def _words(what: Drawable) -> Iterator[str]:
    yield what.title
    if what.about:
        yield what.about
    yield ""
    if isinstance(what, Picture):
        yield from _edges_in_words(what)
    elif isinstance(what, Timeline):
        yield from _rows_in_words(what)
    else:
        rows = [[step, *cells] for step, cells in zip(what.steps, what.cells, strict=True)]
        yield from table(["", *what.names], rows)
    if not isinstance(what, Picture) and what.verdict:
        yield ""
        yield what.verdict


def _edges_in_words(picture: Picture) -> Iterator[str]:
    names = {box.key: f"any of: {box.label}" for box in picture.boxes}
    names |= {node.key: node.label or node.key for node in picture.nodes}
    for node in picture.nodes:
        if node.lines:
            yield f"{node.label}: {'; '.join(node.lines)}"
    for edge in picture.edges:
        words = [edge.label, f"[{edge.guard}]" if edge.guard else "", edge.note, edge.mark.value]
        said = " ".join(filter(None, words))
        yield f"{names[edge.source]} -> {names[edge.target]}{f': {said}' if said else ''}"
    yield from picture.remarks


def _rows_in_words(timeline: Timeline) -> Iterator[str]:
    labels = {lane.key: lane.label for lane in timeline.lanes}
    for row in timeline.rows:
        if row.divider:
            yield row.divider
            continue
        yield " ".join(filter(None, (row.number.rjust(3), row.at, f"{labels[row.lane]}: {row.text}")))
        for note in row.notes:
            about = f"{note.subject}: " if note.subject else ""
            yield f"      {labels[note.lane]}: {about}{'; '.join(note.texts)}"


_TEXTS: dict[str, Writer] = {
    ".dot": as_dot,
    ".gv": as_dot,
    ".mmd": as_mermaid,
    ".mermaid": as_mermaid,
    ".txt": lambda what: "\n".join(as_text(what)),
    ".json": lambda what: document(what),
}

SUFFIXES = (*IMAGES, *_TEXTS)
"""What the name of a file may end in."""


def document(what: Drawable) -> str:
    """The JSON document; see docs/json.md."""
    body = {"schema": "kargo-model/picture", "version": 1, **as_json(what)}
    return json_text(body)


def drawn(what: Drawable, suffix: str) -> bytes:
    """What a file with that end holds. Raises ValueError for an unknown end, and where there is no such form."""
    if suffix in IMAGES:
        return render(as_dot(what), suffix)
    if suffix not in _TEXTS:
        raise ValueError(f"no picture ends in {suffix!r}; expected {', '.join(SUFFIXES)}")
    return f"{_TEXTS[suffix](what).rstrip()}\n".encode()
