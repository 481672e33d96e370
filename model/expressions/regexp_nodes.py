"""What a regular expression is made of, and the character classes that have names."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Set:
    """One character: of some ranges or Unicode classes, or of none of them."""

    ranges: tuple[tuple[str, str], ...] = ()
    classes: tuple[tuple[str, bool], ...] = ()
    negated: bool = False
    folded: bool = False

    def contains(self, char: str) -> bool:
        """Whether the set has the character."""
        found = self._has(char)
        if not found and self.folded:
            found = any(len(other) == 1 and self._has(other) for other in (char.lower(), char.upper()))
        return found is not self.negated

    def _has(self, char: str) -> bool:
        if any(low <= char <= high for low, high in self.ranges):
            return True
        return any((unicodedata.category(char).startswith(name)) is not negated for name, negated in self.classes)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place in the text: `A` its start, `z` its end, `^` and `$` those of a line, `b` and `B` a word's edge."""

    kind: str

    def holds(self, text: str, at: int) -> bool:
        """Whether the place before the character ``at`` is such a place."""
        if self.kind == "A":
            return at == 0
        if self.kind == "z":
            return at == len(text)
        if self.kind == "^":
            return at == 0 or text[at - 1] == "\n"
        if self.kind == "$":
            return at == len(text) or text[at] == "\n"
        edge = is_word(text[at - 1 : at] if at else "") is not is_word(text[at : at + 1])
        return edge is (self.kind == "b")


def is_word(char: str) -> bool:
    """Whether a character is one of a word, in ASCII."""
    return char != "" and char.isascii() and (char.isalnum() or char == "_")


@dataclass(frozen=True, slots=True)
class Row:
    """Parts one after the other."""

    parts: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several parts."""

    parts: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part at least ``low`` and at most ``high`` times; any number of times if that is None."""

    part: Item
    low: int
    high: int | None


Item: TypeAlias = Set | Assertion | Row | Choice | Repeat

ANY: Final = Set(negated=True)
NOT_NEWLINE: Final = Set((("\n", "\n"),), negated=True)
_DIGIT: Final = (("0", "9"),)
_SPACE: Final = (("\t", "\n"), ("\f", "\r"), (" ", " "))
_WORD: Final = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
PERL: Final = {"d": _DIGIT, "s": _SPACE, "w": _WORD}
POSIX: Final = {
    "alnum": (("0", "9"), ("A", "Z"), ("a", "z")),
    "alpha": (("A", "Z"), ("a", "z")),
    "ascii": (("\x00", "\x7f"),),
    "blank": (("\t", "\t"), (" ", " ")),
    "cntrl": (("\x00", "\x1f"), ("\x7f", "\x7f")),
    "digit": _DIGIT,
    "graph": (("!", "~"),),
    "lower": (("a", "z"),),
    "print": ((" ", "~"),),
    "punct": (("!", "/"), (":", "@"), ("[", "`"), ("{", "~")),
    "space": (("\t", "\r"), (" ", " ")),
    "upper": (("A", "Z"),),
    "word": _WORD,
    "xdigit": (("0", "9"), ("A", "F"), ("a", "f")),
}
ESCAPES: Final = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
CATEGORIES: Final = ("C", "L", "M", "N", "P", "S", "Z")


def complement(ranges: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """The ranges of all characters that are in none of ``ranges``."""
    found: list[tuple[str, str]] = []
    start = 0
    for low, high in sorted(ranges):
        if ord(low) > start:
            found.append((chr(start), chr(ord(low) - 1)))
        start = ord(high) + 1
    found.append((chr(start), chr(0x10FFFF)))
    return found
