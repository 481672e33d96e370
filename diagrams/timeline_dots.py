"""Timelines for Graphviz: every place is reckoned here, so that lanes are straight and time goes down.

A chip is as high as its lines, which are broken where the font may need more room than the lane has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from diagrams import theme
from diagrams.dots import named, plain, sized
from diagrams.pictures import clean
from diagrams.theme import LIGHT, Kind
from diagrams.timelines import Note, Row, StateTable, Timeline

LANE, GAP, GUTTER = 168, 22, 62
"""The width of a lane, the room between two, and the room for numbers and times at the left, in points."""

PADDING, LINE, ROW_GAP = 8, 14, 16
TEXT_SIZE = 10.5

_WIDE, _NARROW = frozenset("mwMW@%—→…"), frozenset("iljftr.,:;'|!()[] /-")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """About as much room as a text needs in our font, rather too much than too little."""
    ems = sum(0.9 if c in _WIDE else 0.34 if c in _NARROW else 0.67 if c.isupper() else 0.57 for c in text)
    return ems * size * (1.05 if bold else 1.0)


def broken(text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """A text in lines that fit into so much room; words that are longer than a line are cut."""
    lines: list[str] = []
    line = ""
    for word in _pieces(clean(text).split(), room, size, bold):
        longer = f"{line} {word}".strip()
        if line and width(longer, size, bold=bold) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line or not lines else lines


def _pieces(words: Iterable[str], room: float, size: float, bold: bool) -> Iterator[str]:
    for word in words:
        piece = ""
        for c in word:
            if piece and width(piece + c, size, bold=bold) > room:
                yield piece
                piece = ""
            piece += c
        yield piece


class _Sheet:
    """A drawing on which everything has its place; y is how far down it is."""

    def __init__(self, name: str, title: str) -> None:
        self.graph = named(title)
        self.name = name
        self.count = 0
        self.graph.attr(
            "graph",
            layout="nop",
            bgcolor=theme.PAPER,
            outputorder="edgesfirst",
            pad="0.35",
            splines="line",
            tooltip=" ",
        )
        self.graph.attr(
            "node", fontname=theme.FONT, shape="box", style="rounded,filled", penwidth="1.3", margin="0"
        )
        self.graph.attr("edge", penwidth="1.3", arrowsize="0.7", color=LIGHT[Kind.WAITING].line, tooltip=" ")

    def chip(
        self, x: float, y: float, wide: float, lines: Sequence[str], align: str = "left", **said: str
    ) -> tuple[str, float]:
        """Lines of markup in a box whose upper left corner is there; its key and its height."""
        height = LINE * len(lines) + PADDING
        inner = f'width="{wide - 2 * PADDING:g}" height="{LINE}"'
        rows = "".join(f'<tr><td align="{align}" {inner}>{line}</td></tr>' for line in lines)
        label = f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="0">{rows}</table>>'
        size = {"width": f"{wide / 72:.4f}", "height": f"{height / 72:.4f}", "fixedsize": "true"}
        key = self.place(x + wide / 2, y + height / 2, label=label, **size, **said)
        return key, height

    def place(self, x: float, y: float, **said: str) -> str:
        """Something with its middle there; its key."""
        key, self.count = f"c{self.count}", self.count + 1
        self.graph.node(key, pos=f"{x:.2f},{-y:.2f}", id=f"{self.name}-{key}", **{"tooltip": " ", **said})
        return key

    def point(self, x: float, y: float) -> str:
        """A place that is not seen."""
        return self.place(x, y, label="", style="invis", width="0.01", height="0.01", fixedsize="true")


BARE = {"style": "", "shape": "plain"}


def _box(kind: Kind) -> dict[str, str]:
    return {"color": LIGHT[kind].line, "fillcolor": LIGHT[kind].area}


def dot(timeline: Timeline) -> str:
    """The timeline as DOT."""
    sheet = _Sheet(timeline.name, timeline.title)
    lanes = {lane.key: GUTTER + number * (LANE + GAP) for number, lane in enumerate(timeline.lanes)}
    whole = GUTTER + len(lanes) * (LANE + GAP) - GAP
    y = _heading(sheet, whole, timeline.title, (timeline.about, *timeline.remarks))
    tops = {}
    for lane in timeline.lanes:
        head = [sized(lane.label, 12, theme.INK, bold=True)]
        box = {"color": theme.BOX_LINE, "fillcolor": theme.BOX}
        tops[lane.key], height = sheet.chip(lanes[lane.key], y, LANE, head, "center", **box)
    y += height + ROW_GAP
    for row in timeline.rows:
        y += _row(sheet, row, lanes, whole, y) + ROW_GAP
    for key, top in tops.items():
        foot = sheet.point(lanes[key] + LANE / 2, y)
        sheet.graph.edge(top, foot, arrowhead="none", style="dashed", color=theme.BOX_LINE, penwidth="1")
    _verdict(sheet, whole, y, timeline.verdict, timeline.good)
    return str(sheet.graph.source)


def _heading(sheet: _Sheet, whole: float, title: str, texts: Iterable[str]) -> float:
    """The title and what is said below it; how far down it goes."""
    lines = [sized(line, theme.TITLE_SIZE, theme.INK, bold=True) for line in broken(title, whole, 19, bold=True)]
    y = 0.0
    for line in lines:
        sheet.place(whole / 2, y + 12, label=_left(line, whole, 24), **BARE)
        y += 26
    for text in filter(None, texts):
        for line in broken(text, whole, theme.ABOUT_SIZE):
            sheet.place(whole / 2, y + 8, label=_left(sized(line, theme.ABOUT_SIZE, theme.PALE), whole, 16), **BARE)
            y += 17
    return y + 16


def _left(markup: str, wide: float, high: float) -> str:
    inner = f'<tr><td align="left" width="{wide:g}" height="{high:g}">{markup}</td></tr>'
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="0">{inner}</table>>'


def _verdict(sheet: _Sheet, whole: float, y: float, verdict: str, good: bool) -> None:
    if not verdict:
        return
    kind = Kind.GOOD if good else Kind.BAD
    lines = [
        sized(line, 11.5, LIGHT[kind].text, bold=True) for line in broken(verdict, whole - 24, 11.5, bold=True)
    ]
    sheet.chip(0, y + 6, whole, lines, **_box(kind))


def _row(sheet: _Sheet, row: Row, lanes: Mapping[str, float], whole: float, y: float) -> float:
    """One row, at a height; how high it is."""
    if row.divider:
        words = [sized(line, 11, theme.PALE, bold=True) for line in broken(row.divider, whole - 24, 11, bold=True)]
        box = {"color": theme.BOX_LINE, "fillcolor": theme.BOX}
        return sheet.chip(0, y, whole, words, **box)[1]
    chips = _chips(row)
    high = max(len(lines) for lines, *_ in chips.values()) * LINE + PADDING
    middle = y + high / 2
    gutter = [
        sized(t, s, c, bold=b)
        for t, s, c, b in ((row.number, 11, theme.INK, True), (row.at, 9, theme.PALE, False))
        if t
    ]
    if gutter:
        cells = "".join(f'<tr><td align="left" width="{GUTTER - 8}">{g}</td></tr>' for g in gutter)
        label = f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="0">{cells}</table>>'
        sheet.place((GUTTER - 8) / 2, middle, label=label, **BARE)
    keys = {}
    for lane, (lines, area, line) in chips.items():
        tall = len(lines) * LINE + PADDING
        box = {"color": LIGHT[line].line, "fillcolor": LIGHT[area].area, "tooltip": plain(row.text)}
        keys[lane], _ = sheet.chip(lanes[lane], middle - tall / 2, LANE, lines, **box)
    at = lanes[row.lane]
    for side in (-1, 1):  # outwards, from each to the next: so no two lie upon each other
        outwards = sorted(
            (lane for lane in keys if (lanes[lane] - at) * side >= 0), key=lambda lane: abs(lanes[lane] - at)
        )
        for near, far in pairwise(outwards):
            sheet.graph.edge(keys[near], keys[far], color=LIGHT[chips[far][2]].line)
    return high


def _chips(row: Row) -> dict[str, tuple[list[str], Kind, Kind]]:
    """What stands in each lane, as lines of markup, and the kinds of its area and of its outline."""
    room = LANE - 2 * PADDING
    colour = LIGHT[row.kind].text
    acted = [sized(line, TEXT_SIZE, colour, bold=True) for line in broken(row.text, room, TEXT_SIZE, bold=True)]
    lines = {row.lane: acted}
    kinds = {row.lane: [row.kind]}
    for note in row.notes:
        lines.setdefault(note.lane, []).extend(_noted(note, room))
        if note.lane != row.lane:
            kinds.setdefault(note.lane, []).append(note.kind)
    return {lane: (lines[lane], *_looks(kinds[lane])) for lane in lines}


_STANDS_OUT = (
    *(Kind.BAD, Kind.BROKEN, Kind.STOPPED, Kind.UNCLEAR, Kind.BUSY, Kind.GOOD, Kind.MOOT, Kind.WAITING),
    Kind.PLAIN,
)


def _looks(kinds: Sequence[Kind]) -> tuple[Kind, Kind]:
    """The kind that an area has, plain where several come together, and that of the outline, the worst of them."""
    known: set[Kind] = set(kinds) - {Kind.PLAIN} or {Kind.PLAIN}
    worst = min(known, key=_STANDS_OUT.index)
    return (worst if len(known) == 1 else Kind.PLAIN), worst


def _noted(note: Note, room: float) -> Iterator[str]:
    colour = LIGHT[note.kind].text
    for line in broken(note.subject, room, TEXT_SIZE, bold=True) if note.subject else ():
        yield sized(line, TEXT_SIZE, colour, bold=True)
    for text in note.texts:
        yield from (sized(line, TEXT_SIZE, colour) for line in broken(text, room, TEXT_SIZE))


# State tables

CELL, CELL_SIZE = 110, 10
"""How wide the texts in a cell get, and how large they are."""

HEADING = 560
"""How wide the texts above a table get."""

LEFT = '<br align="left"/>'
_BORDER = f'border="1" color="{theme.BOX_LINE}" cellborder="1" cellspacing="0" cellpadding="5"'


def table_dot(table: StateTable) -> str:
    """The table as DOT: as many columns as there are fewer of, steps or names."""
    flat = len(table.steps) <= len(table.names)
    head = ["", *(table.steps if flat else table.names)]
    rows = [[n, *(row[i] for row in table.cells)] for i, n in enumerate(table.names)]
    if not flat:
        rows = [[step, *row] for step, row in zip(table.steps, table.cells, strict=True)]
    graph = named(table.title)
    graph.attr("graph", bgcolor=theme.PAPER, pad="0.35", tooltip=" ", labelloc="t", labeljust="l")
    heading = [_paragraph(table.title, theme.TITLE_SIZE, theme.INK, bold=True)]
    heading += [_paragraph(t, theme.ABOUT_SIZE, theme.PALE) for t in (table.about, table.verdict) if t]
    said = "".join(f'<tr><td align="left" border="0">{text}</td></tr>' for text in heading)
    body = [f"<tr>{''.join(_cell(text, bold=True, area=theme.BOX) for text in head)}</tr>"]
    body += [_values(row) for row in rows]
    inner = f"<table {_BORDER}>{''.join(body)}</table>"
    label = (
        f'<<table border="0" cellborder="0" cellspacing="4">{said}<tr><td align="left">{inner}</td></tr></table>>'
    )
    graph.node("table", label=label, shape="plain", fontname=theme.FONT, id=f"{table.name}-table", tooltip=" ")
    return str(graph.source)


def _paragraph(text: str, size: float, colour: str, *, bold: bool = False) -> str:
    lines = (sized(line, size, colour, bold=bold) for line in broken(text, HEADING, size, bold=bold))
    return f"{LEFT.join(lines)}{LEFT}"


def _values(row: Sequence[str]) -> str:
    first = _cell(row[0], bold=True, area=theme.BOX)
    changed = LIGHT[Kind.BUSY].area
    return f"<tr>{first}{''.join(_cell(text, area=changed if text else '') for text in row[1:])}</tr>"


def _cell(text: str, *, bold: bool = False, area: str = "") -> str:
    filled = f' bgcolor="{area}"' if area else ""
    lines = [sized(t, CELL_SIZE, theme.INK, bold=bold) for t in broken(text, CELL, CELL_SIZE, bold=bold) if t]
    said = f"{LEFT.join(lines)}{LEFT}" if lines else " "
    return f'<td align="left" valign="top"{filled}>{said}</td>'
