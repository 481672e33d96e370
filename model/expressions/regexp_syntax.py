"""The syntax of RE2's regular expressions, as Go reads it. Source: Go's ``regexp/syntax/parse.go``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from model.expressions.regexp_nodes import (
    ANY,
    CATEGORIES,
    ESCAPES,
    NOT_NEWLINE,
    PERL,
    POSIX,
    Assertion,
    Choice,
    Item,
    Repeat,
    Row,
    Set,
    complement,
    is_word,
)
from model.expressions.results import ExpressionError, UndecidedError

MAX_REPEAT: Final = 1000
MAX_NESTING: Final = 50


@dataclass(frozen=True, slots=True)
class _Flags:
    fold: bool = False
    lines: bool = False
    dot_all: bool = False


def parse(pattern: str) -> Item:
    """The structure of a pattern. Raises ExpressionError if it is none, UndecidedError if it is too deep."""
    parser = _Parser(pattern)
    item = parser.choice(_Flags(), 0)
    if parser.at < len(pattern):
        raise parser.fail("unexpected )")
    return item


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.at = 0

    def fail(self, message: str) -> ExpressionError:
        return ExpressionError(f"error parsing regexp: {message}: `{self._pattern}`")

    def _peek(self, ahead: int = 0) -> str:
        return self._pattern[self.at + ahead : self.at + ahead + 1]

    def _take(self) -> str:
        char = self._peek()
        self.at += 1
        return char

    def _accept(self, text: str) -> bool:
        found = self._pattern.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found

    def choice(self, flags: _Flags, depth: int) -> Item:
        if depth > MAX_NESTING:
            raise UndecidedError("a regular expression is nested too deeply")
        parts: list[Item] = []
        row: list[Item] = []
        while self._peek() not in ("", ")"):
            if self._accept("|"):
                parts.append(Row(tuple(row)))
                row = []
                continue
            if self._accept("(?") and not self._pattern.startswith(("P<", "<"), self.at):
                flags, group = self._flags(flags, depth)
                if group is None:
                    continue
                item = group
            else:
                item = self._atom(flags, depth)
            row.append(self._repeated(item))
        parts.append(Row(tuple(row)))
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _flags(self, flags: _Flags, depth: int) -> tuple[_Flags, Item | None]:
        changed, on, seen = flags, True, False
        while True:
            char = self._take()
            if char in ("i", "m", "s", "U"):
                names = {"i": "fold", "m": "lines", "s": "dot_all"}
                changed = replace(changed, **{names[char]: on}) if char != "U" else changed
                seen = True
            elif char == "-" and on:
                on, seen = False, False
            elif char in (":", ")") and (on or seen):
                break
            else:
                raise self.fail("invalid or unsupported Perl syntax")
        if char == ")":
            return (changed, None)
        return (flags, self._closed(changed, depth))

    def _closed(self, flags: _Flags, depth: int) -> Item:
        item = self.choice(flags, depth + 1)
        if not self._accept(")"):
            raise self.fail("missing closing )")
        return item

    def _group(self, flags: _Flags, depth: int) -> Item:
        if self._accept("P<") or self._accept("<"):
            end = self._pattern.find(">", self.at)
            name = self._pattern[self.at : max(end, self.at)]
            if not name or not all(is_word(char) for char in name):
                raise self.fail("invalid named capture")
            self.at = end + 1
        return self._closed(flags, depth)

    def _atom(self, flags: _Flags, depth: int) -> Item:
        # `(?` of a named group has been read already.
        if self._pattern[self.at - 2 : self.at] == "(?" and self._pattern.startswith(("P<", "<"), self.at):
            return self._group(flags, depth)
        char = self._take()
        if char == "(":
            return self._closed(flags, depth)
        if char == "[":
            return self._class(flags)
        if char == ".":
            return ANY if flags.dot_all else NOT_NEWLINE
        if char == "^":
            return Assertion("^" if flags.lines else "A")
        if char == "$":
            return Assertion("$" if flags.lines else "z")
        if char == "\\":
            return self._escape(flags)
        if char in "*+?":
            raise self.fail("missing argument to repetition operator")
        return Set(((char, char),), folded=flags.fold)

    def _repeated(self, item: Item) -> Item:
        repeated = False
        while True:
            bounds = self._bounds()
            if bounds is None:
                return item
            if repeated:
                raise self.fail("invalid nested repetition operator")
            low, high = bounds
            if max(low, high or 0) > MAX_REPEAT:
                raise self.fail("invalid repeat count")
            if high is not None and high < low:
                raise self.fail("invalid repeat count")
            self._accept("?")
            item = Repeat(item, low, high)
            repeated = True

    def _bounds(self) -> tuple[int, int | None] | None:
        for char, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._accept(char):
                return bounds
        if self._peek() != "{":
            return None
        end = self._pattern.find("}", self.at)
        low, comma, high = self._pattern[self.at + 1 : max(end, self.at)].partition(",")
        if not _is_count(low) or (high and not _is_count(high)):
            return None
        self.at = end + 1
        if not comma:
            return (int(low), int(low))
        return (int(low), int(high) if high else None)

    def _escape(self, flags: _Flags) -> Item:
        char = self._peek()
        if char and char in "AzbB":
            self.at += 1
            return Assertion(char)
        if char == "C":
            raise UndecidedError("\\C in a regular expression is not modelled")
        if self._accept("Q"):
            end = self._pattern.find("\\E", self.at)
            text = self._pattern[self.at :] if end < 0 else self._pattern[self.at : end]
            self.at = len(self._pattern) if end < 0 else end + 2
            return Row(tuple(Set(((one, one),), folded=flags.fold) for one in text))
        found = self._class_escape()
        if found is not None:
            return replace(found, folded=flags.fold)
        literal = self._literal_escape()
        return Set(((literal, literal),), folded=flags.fold)

    def _class_escape(self) -> Set | None:
        char = self._peek()
        if char and char in "dswDSW":
            self.at += 1
            return Set(PERL[char.lower()], negated=char.isupper())
        if char and char in "pP":
            self.at += 1
            return Set(classes=((self._category(), char == "P"),))
        return None

    def _category(self) -> str:
        name = self._take()
        if name == "{":
            end = self._pattern.find("}", self.at)
            name = self._pattern[self.at : max(end, self.at)]
            self.at = end + 1
        if name[:1] in CATEGORIES and len(name) in (1, 2) and end_is_lower(name):
            return name
        if name.isalpha() and name.isascii() and len(name) > 2:
            raise UndecidedError(f"the Unicode class {name} is not modelled")
        raise self.fail("invalid character class range")

    def _literal_escape(self) -> str:
        char = self._take()
        if char in ESCAPES:
            return ESCAPES[char]
        if char == "x":
            return self._hexadecimal()
        if char in tuple("1234567") and self._peek() in tuple("01234567"):
            return self._octal(char)
        if char == "0":
            return self._octal(char)
        if char and char.isascii() and not char.isalnum():
            return char
        raise self.fail("invalid escape sequence" if char else "trailing backslash at end of expression")

    def _octal(self, first: str) -> str:
        digits = first
        while len(digits) < 3 and self._peek() in tuple("01234567"):
            digits += self._take()
        return chr(int(digits, 8))

    def _hexadecimal(self) -> str:
        if self._accept("{"):
            end = self._pattern.find("}", self.at)
            digits = self._pattern[self.at : max(end, self.at)]
            self.at = end + 1
        else:
            digits = self._pattern[self.at : self.at + 2]
            self.at += 2
            if len(digits) < 2:
                raise self.fail("invalid escape sequence")
        valid = digits != "" and all(char in "0123456789abcdefABCDEF" for char in digits)
        if not valid or int(digits, 16) > 0x10FFFF:
            raise self.fail("invalid escape sequence")
        return chr(int(digits, 16))

    def _class(self, flags: _Flags) -> Item:
        negated = self._accept("^")
        ranges: list[tuple[str, str]] = []
        classes: list[tuple[str, bool]] = []
        first = True
        while first or self._peek() != "]":
            first = False
            if not self._peek():
                raise self.fail("missing closing ]")
            if self._special(ranges, classes):
                continue
            low = self._class_character()
            high = low
            if self._peek() == "-" and self._peek(1) not in ("]", ""):
                self.at += 1
                high = self._class_character()
            if high < low:
                raise self.fail("invalid character class range")
            ranges.append((low, high))
        self.at += 1
        return Set(tuple(ranges), tuple(classes), negated, flags.fold)

    def _special(self, ranges: list[tuple[str, str]], classes: list[tuple[str, bool]]) -> bool:
        if self._pattern.startswith("[:", self.at) and ":]" in self._pattern[self.at + 2 :]:
            end = self._pattern.index(":]", self.at + 2)
            name = self._pattern[self.at + 2 : end]
            if name.removeprefix("^") not in POSIX:
                raise self.fail("invalid character class range")
            self.at = end + 2
            found = POSIX[name.removeprefix("^")]
            ranges.extend(complement(found) if name.startswith("^") else found)
            return True
        if self._peek() != "\\":
            return False
        self.at += 1
        found_set = self._class_escape()
        if found_set is None:
            self.at -= 1
            return False
        ranges.extend(complement(found_set.ranges) if found_set.negated else found_set.ranges)
        classes.extend(found_set.classes)
        return True

    def _class_character(self) -> str:
        if self._accept("\\"):
            return self._literal_escape()
        char = self._take()
        if not char:
            raise self.fail("missing closing ]")
        return char


def end_is_lower(name: str) -> bool:
    """Whether the second letter of a category, if there is one, is a small one."""
    return len(name) == 1 or name[1].islower()


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit()
