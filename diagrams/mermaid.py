"""Pictures for Mermaid, which forges and wikis show in their pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from diagrams.pictures import Edge, Mark, Node, Picture, Shape, clean
from diagrams.theme import ALARM, LIGHT, PALE, Kind
from diagrams.timelines import Note, Row, Timeline

BREAK = "\u200b"
"""A place to break a line, which nobody sees."""

_SAFE = frozenset(" .,:()/-_+=!?'[]→…")
_NAMES = dict(
    zip(
        '<>&"#${}`;%|\\*@~^',
        (
            *("lt", "gt", "amp", "quot", "num", "dollar", "lbrace", "rbrace"),
            *("grave", "semi", "percnt", "vert", "bsol", "ast", "commat", "tilde", "Hat"),
        ),
        strict=True,
    )
)


def mermaid(picture: Picture) -> str:
    """The picture as a flowchart."""
    keys = {node.key: f"n{number}" for number, node in enumerate(picture.nodes)}
    keys |= {box.key: f"b{number}" for number, box in enumerate(picture.boxes)}
    lines = [*_head(picture.title, picture.about, picture.remarks), f"flowchart {'TB' if picture.down else 'LR'}"]
    lines += _nodes(picture, keys)
    lines += [_edge(edge, keys) for edge in picture.edges]
    lines += _styles(picture)
    return "\n".join(lines)


def named(text: str) -> str:
    """A text in a flowchart, whatever is in it: what may mean something there is written as HTML names it."""
    return "".join(c if _is_safe(c) else f"&{_NAMES[c]};" if c in _NAMES else " " for c in _line(text))


def numbered(text: str) -> str:
    """A text in a sequence diagram: what may mean something there is written as a number."""
    return "".join(c if _is_safe(c) else f"#{ord(c)};" for c in _line(text))


def _is_safe(c: str) -> bool:
    return c.isalnum() or c in _SAFE or c == BREAK


def _line(text: str) -> str:
    """A text on one line, in which no two dollars stand together: they would begin a formula."""
    return " ".join(clean(text).split()).replace("$", f"${BREAK}")


def _head(title: str, about: str, remarks: Iterable[str]) -> Iterator[str]:
    yield "---"
    words = "".join(c if _is_safe(c) else f"\\U{ord(c):08x}" for c in _line(title))
    yield f'title: "{words}"'
    yield "---"
    for text in filter(None, (about, *remarks)):
        yield f"%% {''.join(c if _is_safe(c) else ' ' for c in _line(text))}"


def _nodes(picture: Picture, keys: dict[str, str]) -> Iterator[str]:
    for box in picture.boxes:
        yield f'  subgraph {keys[box.key]}["{named(box.label) or " "}"]'
        yield from (f"    {_node(node, keys)}" for node in picture.nodes if node.box == box.key)
        yield "  end"
    yield from (f"  {_node(node, keys)}" for node in picture.nodes if not node.box)


def _node(node: Node, keys: dict[str, str]) -> str:
    return f"{keys[node.key]}{_shape(node)}{_class(node)}"


def _shape(node: Node) -> str:
    words = "<br/>".join(named(t) for t in (node.label, *node.lines) if t) or " "
    if node.shape in (Shape.START, Shape.JOINT):
        return '((" "))'
    return f'["{words}"]' if node.shape is Shape.NOTE else f'("{words}")'


def _class(node: Node) -> str:
    if node.shape in (Shape.START, Shape.JOINT):
        return ":::dot"
    return f":::{node.kind.value}"


def _edge(edge: Edge, keys: dict[str, str]) -> str:
    words = [edge.label, f"[{edge.guard}]" if edge.guard else "", edge.note]
    said = "<br/>".join(named(word) for word in words if word)
    dashed = edge.mark in (Mark.FINDING, Mark.SOME, Mark.REMOVED)
    line = {(True, True): "-.-", (True, False): "-.->", (False, True): "---", (False, False): "-->"}
    arrow = line[dashed, edge.headless]
    return f"  {keys[edge.source]} {arrow}{f'|{chr(34)}{said}{chr(34)}|' if said else ''} {keys[edge.target]}"


def _styles(picture: Picture) -> Iterator[str]:
    for kind in sorted({node.kind for node in picture.nodes}, key=lambda kind: kind.value):
        shade = LIGHT[kind]
        yield f"  classDef {kind.value} fill:{shade.area},stroke:{shade.line},color:{shade.text}"
    yield f"  classDef dot fill:{PALE},stroke:{PALE}"
    for number, edge in enumerate(picture.edges):
        wrong = edge.mark in (Mark.FINDING, Mark.REMOVED)
        colour = ALARM if wrong else LIGHT[Kind.GOOD].line if edge.mark is Mark.ADDED else LIGHT[edge.kind].line
        yield f"  linkStyle {number} stroke:{colour}{',stroke-width:3px' if edge.mark is not Mark.NONE else ''}"


# Timelines


def sequence(timeline: Timeline) -> str:
    """The timeline as a sequence diagram."""
    keys = {lane.key: f"l{number}" for number, lane in enumerate(timeline.lanes)}
    lines = [*_head(timeline.title, timeline.about, timeline.remarks), "sequenceDiagram"]
    lines += [f"  participant {keys[lane.key]} as {numbered(lane.label)}" for lane in timeline.lanes]
    for row in timeline.rows:
        lines += _row(row, keys)
    if timeline.verdict:
        ends = f"{keys[timeline.lanes[0].key]},{keys[timeline.lanes[-1].key]}"
        lines.append(f"  note over {ends}: {numbered(timeline.verdict)}")
    return "\n".join(lines)


def _row(row: Row, keys: dict[str, str]) -> Iterator[str]:
    if row.divider:
        first, *_, last = [*keys.values(), *keys.values()]
        yield f"  note over {first},{last}: {numbered(row.divider)}"
        return
    said = numbered(" ".join(filter(None, (row.number, row.at, row.text))))
    others = list(dict.fromkeys(note.lane for note in row.notes if note.lane != row.lane))
    if not others:
        yield f"  note over {keys[row.lane]}: {said}"
    for number, lane in enumerate(others):
        yield f"  {keys[row.lane]}->>{keys[lane]}: {said if not number else ' '}"
    for lane in dict.fromkeys(note.lane for note in row.notes):
        words = "<br/>".join(_words(note) for note in row.notes if note.lane == lane)
        yield f"  note over {keys[lane]}: {words}"


def _words(note: Note) -> str:
    return "<br/>".join(numbered(text) for text in (note.subject, *note.texts) if text)
