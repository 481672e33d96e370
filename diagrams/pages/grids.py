"""Tables of a page: cells with a mark, or a link to a playback."""

from __future__ import annotations

from dataclasses import dataclass

from diagrams.theme import Kind

WORDY = 28
"""A text of more characters is a sentence."""


@dataclass(frozen=True)
class Cell:
    """A cell: its text, the kind of answer it is (None: none), more about it, and links, each a text and a key.

    `also` are cells that stand in the same place, behind it.
    """

    text: str
    kind: Kind | None = None
    more: str = ""
    links: tuple[tuple[str, str], ...] = ()
    also: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Grid:
    """A table: its title, the heads of its columns, and its rows, the first cell of which is their head.

    A row that has one cell is a heading of those below it.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    legend: tuple[Cell, ...] = ()
    """What the marks mean: the mark, and the meaning as what is more about it."""

    @property
    def wordy(self) -> bool:
        """Whether its rows begin with sentences, which need room."""
        return any(len(row[0].text) > WORDY for row in self.rows if len(row) > 1)
