"""Pictures for Graphviz: the DOT text of a picture, the same bytes for the same picture."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

import graphviz

from diagrams import theme
from diagrams.pictures import Box, Edge, Mark, Node, Picture, Shape, clean, wrapped
from diagrams.theme import LIGHT, Kind

GUARD_WIDTH = 30
"""Guards are wrapped at about so many characters."""

LINE_WIDTH = 46
"""So are the lines of a node."""

LABEL_WIDTH = 40
ABOUT_WIDTH = 110

_GRAPH = {
    "bgcolor": theme.PAPER,
    "compound": "true",
    "fontname": theme.FONT,
    "labeljust": "l",
    "labelloc": "t",
    "nodesep": "0.42",
    "outputorder": "edgesfirst",
    "pad": "0.35",
    "ranksep": "0.95",
    "splines": "spline",
}
_NODE = {
    "fontname": theme.FONT,
    "fontsize": str(theme.NODE_SIZE),
    "height": "0.5",
    "margin": "0.22,0.11",
    "penwidth": "1.6",
    "shape": "box",
    "style": "rounded,filled",
    "width": "1.25",
}
_EDGE = {"arrowsize": "0.75", "fontname": theme.FONT, "fontsize": str(theme.EDGE_SIZE), "penwidth": "1.4"}


def dot(picture: Picture) -> str:
    """The picture as DOT."""
    graph = named(picture.title)
    way = {"rankdir": "TB", "ranksep": "0.6"} if picture.down else {"rankdir": "LR"}
    graph.attr("graph", **_GRAPH | way, label=_title(picture), tooltip=" ")
    graph.attr("node", **_NODE)
    graph.attr("edge", **_EDGE)
    _fill(graph, picture)
    for edge in picture.edges:
        _edge(graph, picture, edge)
    return str(graph.source)


def named(title: str) -> graphviz.Digraph:
    """A graph with nothing in it, whose name is the title of a picture."""
    return graphviz.Digraph(name=graphviz.nohtml(clean(title).replace("&", "&amp;")))


def markup(text: str) -> str:
    """A text as HTML-like labels have it, whatever is in it."""
    return html.escape(clean(text))


def plain(text: str) -> str:
    """A text as a value of an attribute that Graphviz takes nothing in for anything else."""
    return clean(text).replace("&", "&amp;").replace("\\", "\\" * 4) or " "


def sized(text: str, size: float, colour: str, *, bold: bool = False) -> str:
    """HTML-like markup of a text in one size and colour."""
    inner = f"<b>{markup(text)}</b>" if bold else markup(text)
    return f'<font point-size="{size:g}" color="{colour}">{inner}</font>'


def stacked(lines: Iterable[str], *, align: str = "left", below: int = 0, beside: int = 0) -> str:
    """Lines of markup, one below the other, with some air below and beside them."""
    air = f'<td width="{beside}"></td>' if beside else ""
    rows = [f'<tr>{air}<td align="{align}">{line}</td>{air}</tr>' for line in lines]
    rows += [f'<tr>{air}<td height="{below}"></td>{air}</tr>'] * (below > 0)
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{"".join(rows)}</table>>'


def _title(picture: Picture) -> str:
    lines = [sized(picture.title, theme.TITLE_SIZE, theme.INK, bold=True)]
    for text in filter(None, (picture.about, *picture.remarks)):
        lines += [sized(line, theme.ABOUT_SIZE, theme.PALE) for line in wrapped(text, ABOUT_WIDTH)]
    return stacked(lines, below=14)


def _fill(graph: graphviz.Digraph, picture: Picture) -> None:
    for box in picture.boxes:
        with graph.subgraph(name=f"cluster_{box.key}") as within:
            within.attr(**_box(picture, box))
            _nodes(within, picture, box.key)
    _nodes(graph, picture, "")


def _nodes(graph: graphviz.Digraph, picture: Picture, box: str) -> None:
    for node in picture.nodes:
        if node.box == box:
            graph.node(node.key, **_node(picture, node))


def _box(picture: Picture, box: Box) -> dict[str, str]:
    label = stacked([sized(box.label, theme.EDGE_SIZE, theme.PALE)]) if box.label else ""
    return {
        "label": label,
        "labelloc": "b",
        "labeljust": "r" if box.right else "l",
        "style": "rounded,filled",
        "color": theme.BOX_LINE,
        "fillcolor": theme.BOX,
        "margin": "16",
        "id": f"{picture.name}-box-{box.key}",
        "tooltip": plain(box.tooltip or " "),
    }


def _node(picture: Picture, node: Node) -> dict[str, str]:
    shade = LIGHT[node.kind]
    said: dict[str, str] = {"tooltip": plain(node.tooltip or " "), "class": " ".join(node.classes)}
    said["id"] = f"{picture.name}-{node.classes[0] if node.classes else node.key}"
    if node.shape is Shape.START:
        return (
            said
            | {"shape": "circle", "label": "", "width": "0.18", "height": "0.18", "style": "filled"}
            | {
                "fillcolor": theme.INK,
                "color": theme.INK,
                "margin": "0",
            }
        )
    if node.shape is Shape.JOINT:
        dots = {"shape": "circle", "label": "", "width": "0.07", "height": "0.07", "margin": "0"}
        return said | dots | {"style": "filled", "fillcolor": shade.line, "color": shade.line}
    said["label"] = _text(node)
    if node.shape is Shape.NOTE:
        return said | {"shape": "plain"}
    dashed = {"style": "rounded,filled,dashed"} if node.shape is Shape.ANY else {}
    return said | {"color": shade.line, "fillcolor": shade.area} | dashed


def _text(node: Node) -> str:
    shade = LIGHT[node.kind]
    head = [
        sized(line, theme.NODE_SIZE, shade.text, bold=node.shape is not Shape.ANY)
        for line in wrapped(node.label, LABEL_WIDTH)
    ]
    more = [sized(line, theme.SMALL_SIZE, theme.PALE) for text in node.lines for line in wrapped(text, LINE_WIDTH)]
    return stacked([*head, *more], align="left" if more else "center")


# Edges

_MARKS: dict[Mark, dict[str, str]] = {
    Mark.NONE: {},
    Mark.FINDING: {"penwidth": "2.2", "style": "dashed"},
    Mark.SOME: {"penwidth": "1.8", "style": "dotted"},
    Mark.ADDED: {"penwidth": "2.6"},
    Mark.REMOVED: {"penwidth": "2.2", "style": "dashed"},
}


def _colours(edge: Edge) -> tuple[str, str]:
    """Those of the line and of its name."""
    if edge.mark in (Mark.FINDING, Mark.REMOVED):
        return theme.ALARM, theme.ALARM
    if edge.mark is Mark.ADDED:
        return LIGHT[Kind.GOOD].line, LIGHT[Kind.GOOD].text
    return LIGHT[edge.kind].line, LIGHT[edge.kind].text


def _edge(graph: graphviz.Digraph, picture: Picture, edge: Edge) -> None:
    line, text = _colours(edge)
    words = list(_label(edge, text))
    said = {
        "color": line,
        "class": " ".join(filter(None, (*edge.classes, edge.mark.value))),
        "tooltip": plain(edge.tooltip or " "),
        **_MARKS[edge.mark],
    }
    if words:
        said["label"] = stacked(words, below=3, beside=6 if picture.down else 0)
        said["labeltooltip"] = said["tooltip"]
    if edge.headless:
        said["dir"] = "none"
    if edge.straight:
        said["weight"] = "100"
    if edge.source == edge.target and not picture.down:
        said |= {"tailport": "n", "headport": "n"}  # only at the right side does the renderer keep room for a loop
    if edge.headless and picture.down and any(e.source == e.target == edge.source for e in picture.edges):
        said["tailport"] = "se"  # below the loop at the right side
    source, box = edge.source, next((b for b in picture.boxes if b.key == edge.source), None)
    if box is not None:
        source = _anchor(picture, box)
        said |= {"ltail": f"cluster_{box.key}", "dir": "both", "arrowtail": "dot"}
    graph.edge(source, edge.target, **said)


def _anchor(picture: Picture, box: Box) -> str:
    """The node in a box that edges out of the box begin at: the last one, which lies nearest to what follows."""
    return [n.key for n in picture.nodes if n.box == box.key and n.shape is Shape.BOX][-1]


def _label(edge: Edge, colour: str) -> Iterator[str]:
    if edge.label:
        yield from (sized(line, theme.EDGE_SIZE, colour, bold=True) for line in wrapped(edge.label, LABEL_WIDTH))
    if edge.guard:
        yield from _small(f"[{edge.guard}]", theme.PALE)
    if edge.note:
        yield from _small(edge.note, colour)


def _small(text: str, colour: str) -> Iterable[str]:
    return (sized(line, theme.SMALL_SIZE, colour) for line in wrapped(text, GUARD_WIDTH))
