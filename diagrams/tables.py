"""Plain tables of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with the columns one below the other, the head underlined."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    yield _row(head, widths)
    yield _row(["-" * width for width in widths], widths)
    yield from (_row(row, widths) for row in rows)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The same as Markdown."""
    yield _markdown_row(head)
    yield _markdown_row(["---"] * len(head))
    yield from map(_markdown_row, rows)


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
