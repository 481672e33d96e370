"""The report: one page that works alone, with verdicts, pictures, and runs to step through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from markupsafe import Markup

from diagrams.lifecycles import Known, Moves
from diagrams.pages import page, playbacks
from diagrams.pages.grids import Cell, Grid
from diagrams.pages.playbacks import Playback
from diagrams.theme import Kind
from diagrams.values import show

LARGEST = 2_000_000
"""So many bytes a report has at most: it is to be sent to people."""


@dataclass(frozen=True)
class Section:
    """A part of the report: `key` is its name in the page, `lead` sentences that it begins with."""

    key: str
    title: str
    lead: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()
    lifecycles: tuple[Known[Any], ...] = ()
    playbacks: tuple[Playback, ...] = ()

    @property
    def groups(self) -> Iterator[tuple[str, tuple[Playback, ...]]]:
        """The playbacks in their order, those together that show the same: what they show, and which they are."""
        yield from ((title, tuple(runs)) for title, runs in groupby(self.playbacks, key=lambda run: run.title))


@dataclass(frozen=True)
class Report:
    """A report: what it is about, the answer in a sentence and of which kind it is, and its sections.

    Phases are lit up in the pictures of `lifecycles`; `moves`, by the name of one, are what releases make of it.
    """

    title: str
    answer: str
    kind: Kind
    about: tuple[str, ...]
    sections: tuple[Section, ...]
    lifecycles: tuple[Known[Any], ...] = ()
    moves: Mapping[str, Moves] = field(default_factory=dict)

    @property
    def playbacks(self) -> tuple[Playback, ...]:
        """Every run of the report."""
        return tuple(found for section in self.sections for found in section.playbacks)


class TooLargeError(Exception):
    """A report would be larger than one can send to people; the message says how to have a smaller one."""


def html(report: Report) -> str:
    """The page, the same text for the same report.

    Raises TooLargeError.
    """
    by_type = {type(known.table.initial): known for known in report.lifecycles}
    text = (
        page.environment()
        .get_template("report.html")
        .render(
            report=report,
            data=playbacks.document(report.playbacks, by_type),
            drawn=_Drawn(report.moves),
            arrows=_arrows,
            **page.alone(styles=("page.css", "stepper.css"), scripts=("stepper.js", "report.js")),
        )
    )
    if (size := len(text.encode())) > LARGEST:
        said = f"the report would have {size:,} bytes, and {LARGEST:,} is as large as one can be"
        raise TooLargeError(f"{said}; name fewer systems, scenarios or files")
    return text


class _Drawn:
    """The pictures of lifecycles, each drawn once."""

    def __init__(self, moves: Mapping[str, Moves]) -> None:
        self._moves = moves
        self._known: dict[str, Markup] = {}

    def __call__(self, known: Known[Any]) -> Markup:
        if known.name not in self._known:
            self._known[known.name] = page.drawn(known, self._moves.get(known.name))
        return self._known[known.name]


def _arrows(known: Known[Any]) -> Grid:
    """A lifecycle as a table, for those who cannot see its picture."""
    return Grid("", ("event", "from", "to", "when", "what it is"), tuple(_rows(known)))


def _rows(known: Known[Any]) -> Iterator[tuple[Cell, ...]]:
    sources: dict[tuple[str, Any, str, str], list[Cell]] = {}
    for arrow in (*known.table.arrows, *known.table.findings):
        what = arrow.doc
        if arrow.releases:
            what += f" It should not happen, and does in {', '.join(arrow.releases)}."
        row = (arrow.event.replace("_", " "), arrow.target, arrow.guard.replace("_", " "), what)
        sources.setdefault(row, []).append(Cell(show(arrow.source), known.kind(arrow.source)))
    for (event, target, guard, what), (first, *others) in sources.items():
        from_all = replace(first, also=tuple(others))
        yield Cell(event), from_all, Cell(show(target), known.kind(target)), Cell(guard), Cell(what)
