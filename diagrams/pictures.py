"""What a picture shows, as a value: nodes, boxes around them, and edges.

From the same value a picture is written for Graphviz (`dots.py`) and for Mermaid (`mermaid.py`). Texts are plain
texts, wherever they come from; writing them such that no program takes them for anything else is for the writers.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from enum import Enum

from diagrams.theme import Kind


class Shape(Enum):
    """How a node looks."""

    __hash__ = object.__hash__

    BOX = "box"
    START = "start"  # a filled dot: where it begins
    JOINT = "joint"  # where edges with one label meet
    ANY = "any"  # a dashed box that stands for several
    NOTE = "note"  # text without an outline


class Mark(Enum):
    """What is special about an edge."""

    __hash__ = object.__hash__

    NONE = ""
    FINDING = "finding"  # it should not exist
    SOME = "some"  # it exists only in some of the cases that the picture is about
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Node:
    """Something: `label` names it, each of `lines` says more, `tooltip` explains it.

    `key` is its name in the picture, `box` the key of the box that it is in. `classes` are those of the SVG, for
    pages that want to find it again; the first of them is its id.
    """

    key: str
    label: str = ""
    lines: tuple[str, ...] = ()
    kind: Kind = Kind.PLAIN
    shape: Shape = Shape.BOX
    box: str = ""
    tooltip: str = ""
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A box around nodes; its label is at the lower left, or at the `right`."""

    key: str
    label: str = ""
    tooltip: str = ""
    right: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """How one leads to the other: `label` names it, `guard` says when, `note` in which cases it exists at all.

    `source` may be the key of a box: from whatever is in it. A `straight` edge is on the main way. One that is
    `headless` has no arrow.
    """

    source: str
    target: str
    label: str = ""
    guard: str = ""
    note: str = ""
    kind: Kind = Kind.PLAIN
    mark: Mark = Mark.NONE
    tooltip: str = ""
    classes: tuple[str, ...] = ()
    headless: bool = False
    straight: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is shown: nodes and edges in the order in which they are to be laid out.

    `name` is a word that ids begin with, `remarks` are sentences below the title. With `down` it goes from the top
    to the bottom instead of from left to right.
    """

    name: str
    title: str
    about: str = ""
    nodes: tuple[Node, ...] = ()
    boxes: tuple[Box, ...] = ()
    edges: tuple[Edge, ...] = ()
    remarks: tuple[str, ...] = ()
    down: bool = False


def slug(text: str) -> str:
    """A text as a name for programs: letters, digits and hyphens only."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "x"


def clean(text: str) -> str:
    """A text without characters that no picture can show."""
    return "".join(c if c.isprintable() else " " for c in text)


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of about `width` characters; a word that is longer is broken."""
    return textwrap.wrap(" ".join(text.split()), width) or [""]


def shortened(text: str, most: int) -> str:
    """A text of at most `most` characters, on one line."""
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[: most - 1].rstrip()}…"
