"""What comes in from outside: where it stands, what can be wrong with it, how much of it is taken.

Everything that can be wrong with an input ends in an `InputError`, whose text is one sentence that says where
it is wrong, what was found there and what was expected. Text that came from the input is made safe to print.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a good thing is taken; each keeps one kind of hostile input cheap."""

    bytes: int = 32 * MEBIBYTE  # of one file; some ten thousand live objects
    depth: int = 100  # of nesting; reading stays clear of the interpreter's own limit
    documents: int = 20_000  # in one file
    alias_values: int = 10_000  # values that aliases repeat; a YAML bomb has billions


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: document, line and column count from 1; 0 and the empty path mean unknown."""

    file: str
    document: int = 0
    path: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        text = printable(self.file, 200)
        if self.line:
            text += f":{self.line}:{self.column}"
        parts = [f"document {self.document}"] if self.document else []
        parts += [printable(self.path, 200)] if self.path else []
        return f"{text}: {', '.join(parts)}" if parts else text


class InputError(Exception):
    """An input that cannot be used; the text is one sentence for the person who gave it."""

    def __init__(self, problem: str, place: Place | None = None) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.problem = problem
        self.place = place


class Node(NamedTuple):
    """A value of a document and where it begins (from 1).

    The value is a dict from text to nodes, a list of nodes, or a plain str, int, float, bool or None.
    """

    value: Any
    line: int
    column: int


class Document(NamedTuple):
    """One document of a file; `number` counts from 1, empty documents included."""

    file: str
    number: int
    root: Node


def printable(text: str, limit: int = 60) -> str:
    """`text` without anything that a terminal would obey, and no longer than about `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in cut)


def plain(node: Node) -> Any:
    """The value of `node` and of all within it, without places: dicts, lists and scalars."""
    value = node.value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
