"""Where the renderer puts things, to see that nothing overlaps and nothing is cut off."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

import pygraphviz

from diagrams.rendering import render


class Place(NamedTuple):
    """A rectangle, in points."""

    name: str
    left: float
    low: float
    right: float
    high: float

    def overlaps(self, other: Place) -> bool:
        """Whether they have more than a point in common."""
        across = min(self.right, other.right) - max(self.left, other.left)
        return across > 1 and min(self.high, other.high) - max(self.low, other.low) > 1


def laid_out(dot: str) -> dict[str, Any]:
    """What the renderer says of a picture."""
    render(dot, ".svg")  # so that our fonts are known
    graph = pygraphviz.AGraph(string=dot)
    engine = dict(graph.graph_attr.items()).get("layout") or "dot"
    found: dict[str, Any] = json.loads(graph.draw(format="json", prog=engine))
    return found


def nodes(layout: dict[str, Any]) -> list[Place]:
    """The places of what is seen."""
    found = []
    for each in layout.get("objects", ()):
        if "pos" in each and each.get("style") != "invis":
            x, y = map(float, each["pos"].split(","))
            wide, high = float(each["width"]) * 36, float(each["height"]) * 36
            found.append(Place(each["name"], x - wide, y - high, x + wide, y + high))
    return found


def labels(layout: dict[str, Any]) -> list[Place]:
    """The places of the lines of edges' labels."""
    return [
        line
        for number, edge in enumerate(layout.get("edges", ()))
        for line in lines(f"label {number}", edge.get("_ldraw_", ()))
    ]


def lines(name: str, drawn: Iterable[dict[str, Any]]) -> Iterator[Place]:
    """The places of lines of text, as high as small letters are."""
    size = 0.0
    for each in drawn:
        size = each.get("size", size)
        if each["op"] == "T":
            x, y = each["pt"]
            left = x - {"l": 0.0, "c": 0.5, "r": 1.0}[each["align"]] * each["width"]
            yield Place(name, left, y, left + each["width"], y + size / 2)


def check_layout(dot: str) -> None:
    """Nothing lies on anything else: nodes, and lines of labels; and all of it lies within the picture."""
    layout = laid_out(dot)
    left, low, right, high = map(float, layout["bb"].split(","))
    seen, said = nodes(layout), labels(layout)

    assert seen
    assert [(a.name, b.name) for a, b in combinations(seen, 2) if a.overlaps(b)] == []
    assert [(a.name, b.name) for a in said for b in seen if a.overlaps(b)] == []
    assert [(a.name, b.name) for a, b in combinations(said, 2) if a.name != b.name and a.overlaps(b)] == []
    outside = [
        p
        for p in (*seen, *said)
        if p.left < left - 1 or p.right > right + 1 or p.low < low - 1 or p.high > high + 1
    ]
    assert outside == []
