"""Typed access to the fields of a document, with an `InputError` for each that is not what it should be."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from model.inputs import Document, InputError, Node, Place, plain, printable


@dataclass(frozen=True, slots=True)
class InputWarning:
    """Something in an input that is probably not meant as it stands, and does no harm to reading it."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def described(value: Any) -> str:
    """A value in words that are safe to print."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{printable(value)}"' if value else "an empty text"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return f"the number {value}"


@dataclass(frozen=True, slots=True)
class Field:
    """A value in a document, together with the way to it."""

    document: Document
    node: Node
    path: str = ""

    @property
    def place(self) -> Place:
        """Where the value stands."""
        d = self.document
        return Place(d.file, d.number, self.path, self.node.line, self.node.column)

    def expected(self, what: str) -> InputError:
        """The error that `what` was expected here."""
        return InputError(f"expected {what}, found {described(self.node.value)}", self.place)

    def wrong(self, problem: str) -> InputError:
        """The error that there is a `problem` here."""
        return InputError(problem, self.place)

    def mapping(self, what: str) -> dict[str, Node]:
        """The fields within.

        Raises InputError, expecting `what`, if the value is no mapping.
        """
        value = self.node.value
        if not isinstance(value, dict):
            raise self.expected(what)
        return value

    def get(self, name: str, what: str = "a mapping") -> Field | None:
        """The field `name` of a mapping; None if it is absent or null, which is the same to the API server."""
        node = self.mapping(what).get(name)
        if node is None or node.value is None:
            return None
        return Field(self.document, node, f"{self.path}.{name}" if self.path else name)

    def need(self, name: str, what: str) -> Field:
        """The field `name`, which must be there; `what` says what it is.

        Raises InputError if it is absent.
        """
        found = self.get(name)
        if found is None:
            raise self.wrong(f"the field {name!r} is missing; expected {what}")
        return found

    def items(self, what: str) -> Iterator[Field]:
        """The values of a list.

        Raises InputError, expecting `what`, if the value is no list.
        """
        value = self.node.value
        if not isinstance(value, list):
            raise self.expected(what)
        for index, node in enumerate(value):
            yield Field(self.document, node, f"{self.path}[{index}]")

    def text(self, what: str = "a text") -> str:
        """The value, a text.

        Raises InputError, expecting `what`, if it is something else; a number or boolean is only a text in quotes.
        """
        value = self.node.value
        if isinstance(value, str):
            return value
        if isinstance(value, (bool, int, float)):
            raise self.wrong(f"expected {what}, found {described(value)}; put it in quotes to make it a text")
        raise self.expected(what)

    def flag(self, what: str = "true or false") -> bool:
        """The value, true or false.

        Raises InputError if it is something else.
        """
        value = self.node.value
        if not isinstance(value, bool):
            raise self.expected(what)
        return value

    def whole(self, least: int, most: int) -> int:
        """The value, a whole number from `least` to `most`.

        Raises InputError if it is something else.
        """
        value = self.node.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.expected(f"a whole number from {least} to {most}")
        return value

    def json(self) -> str:
        """The value and all within it, as canonical JSON text."""
        return json.dumps(plain(self.node), sort_keys=True)

    def unknown(self, known: Collection[str], *, only_similar: bool = False) -> Iterator[InputWarning]:
        """A warning for each field of a mapping that is not `known`, naming the known one it resembles.

        With `only_similar`, fields that resemble none are passed over: `known` is then not the whole list.
        """
        for name, node in self.mapping("a mapping").items():
            if name in known:
                continue
            place = Place(self.document.file, self.document.number, self.path, node.line, node.column)
            meant = similar(name, known)
            if meant:
                yield InputWarning(
                    place, f'"{printable(name)}" is no known field and is ignored; is "{meant}" meant?'
                )
            elif not only_similar:
                yield InputWarning(place, f'"{printable(name)}" is no known field and is ignored')


def similar(name: str, known: Collection[str]) -> str:
    """The one of `known` that `name` is most likely a misspelling of, or an empty text."""
    by_fold = {_folded(k): k for k in sorted(known)}
    found = difflib.get_close_matches(_folded(name[:100]), by_fold, n=1, cutoff=0.8)
    return by_fold[found[0]] if found else ""


def _folded(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
