r"""Tokens of an expression.

Source: expr-lang/expr ``parser/lexer/state.go``, ``lexer.go``, ``utils.go``. Three things came with later patches
of 1.17: doubled backticks and `\u{...}` in strings (.7), and bytes such as `b'x'` (.8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from model.expressions.results import ExpressionError
from model.expressions.values import decode

SPACES: Final = frozenset(
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go's `unicode.IsSpace` takes for a blank."""

_WORD_OPERATORS: Final = frozenset(
    ("in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else")
)
_AFTER_NOT: Final = frozenset(("in", "matches", "contains", "startsWith", "endsWith"))
_ESCAPES: Final = {
    "a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34,
}  # fmt: skip
_HEX_LENGTHS: Final = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its kind (Identifier, Number, String, Bytes, Operator, Bracket or EOF), text and place."""

    kind: str
    value: str
    offset: int

    def __str__(self) -> str:
        return self.kind if not self.value else f'{self.kind}("{self.value}")'


def is_letter(char: str) -> bool:
    """Whether a name may start with ``char``."""
    return char == "_" or char == "$" or char.isalpha()


def is_word(char: str) -> bool:
    """Whether ``char`` may be part of a name; the empty string, for the end, may not."""
    return is_letter(char) or char.isdecimal()


def tokenize(source: str, patch: int) -> list[Token]:
    """The tokens of ``source``, the last one EOF, as version 1.17.``patch`` reads it. Raises ExpressionError."""
    return _Lexer(source, patch).tokens()


class _Lexer:
    def __init__(self, source: str, patch: int) -> None:
        self._source = source
        self._patch = patch
        self._at = 0
        self._tokens: list[Token] = []

    def tokens(self) -> list[Token]:
        while self._at < len(self._source):
            self._token()
        self._tokens.append(Token("EOF", "", max(len(self._source) - 1, 0)))
        return self._tokens

    def _token(self) -> None:
        char = self._source[self._at]
        if char in SPACES:
            self._at += 1
        elif char in "'\"":
            self._string(self._at)
        elif char == "`":
            self._raw_string()
        elif char in "bB" and self._patch >= 8 and self._peek(1) in ("'", '"'):
            self._bytes()
        elif char in "0123456789" or (char == "." and self._peek(1) in tuple("0123456789")):
            self._number()
        elif is_word(char):
            self._word()
        else:
            self._symbol(char)

    def _peek(self, ahead: int = 0) -> str:
        return self._source[self._at + ahead : self._at + ahead + 1]

    def _emit(self, kind: str, start: int, value: str | None = None) -> None:
        self._tokens.append(Token(kind, self._source[start : self._at] if value is None else value, start))

    def _fail(self, message: str, back: int = 1) -> ExpressionError:
        """The failure at the character that was read last, or that is ``back`` before the next."""
        return ExpressionError(message, self._at - back)

    def _symbol(self, char: str) -> None:
        start = self._at
        self._at += 1
        if char == "/" and self._peek() in ("/", "*"):
            self._comment()
        elif char == "#":
            self._pointer(start)
        elif char in "([{)]}":
            self._emit("Bracket", start)
        elif char in "?/|:,;%+-^&!=*<>.":
            followers = {"?": ".?", "|": "|", ":": ":", ".": "."}.get(char, "&=*" if char in "&!=*<>" else "")
            if self._peek() and self._peek() in followers:
                self._at += 1
            self._emit("Operator", start)
        else:
            raise self._fail(f"unrecognized character: U+{ord(char):04X} '{char}'")

    def _comment(self) -> None:
        line = self._peek() == "/"
        end = self._source.find("\n" if line else "*/", self._at + 1)
        if end < 0 and not line:
            self._at = len(self._source)
            raise self._fail("unclosed comment", back=0)
        self._at = len(self._source) if end < 0 else end + (1 if line else 2)

    def _pointer(self, start: int) -> None:
        if self._peek() == "#":
            self._at += 1
        self._emit("Operator", start)
        name = self._at
        self._skip_word()
        if self._at > name:
            self._emit("Identifier", name)

    def _skip_word(self) -> None:
        while self._peek() and is_word(self._peek()):
            self._at += 1

    def _word(self) -> None:
        start = self._at
        self._skip_word()
        word = self._source[start : self._at]
        if word == "not":
            self._emit("Operator", start)
            self._after_not()
        else:
            self._emit("Operator" if word in _WORD_OPERATORS else "Identifier", start)

    def _after_not(self) -> None:
        while self._peek() == " ":
            self._at += 1
        start = self._at
        self._skip_word()
        if self._source[start : self._at] in _AFTER_NOT:
            self._emit("Operator", start)
        else:
            self._at = start

    def _number(self) -> None:
        start = self._at
        if not self._scan_number():
            raise self._fail(f'bad number syntax: "{self._source[start : self._at + 1]}"', back=0)
        self._emit("Number", start)

    def _scan_number(self) -> bool:
        digits = "0123456789_"
        if self._accept(".") is False and self._accept("0"):
            for prefix, allowed in (("xX", "0123456789abcdefABCDEF_"), ("oO", "01234567_"), ("bB", "01_")):
                if self._accept(prefix):
                    digits = allowed
                    break
        self._accept_run(digits)
        end = self._at
        if self._source[end : end + 2] == "..":
            return True
        if self._accept("."):
            self._accept_run(digits)
        if self._accept("eE"):
            self._accept("+-")
            self._accept_run(digits)
        return not (self._peek() and is_word(self._peek()))

    def _accept(self, chars: str) -> bool:
        if self._peek() and self._peek() in chars:
            self._at += 1
            return True
        return False

    def _accept_run(self, chars: str) -> None:
        while self._accept(chars):
            pass

    def _string(self, start: int) -> None:
        self._emit("String", start, "".join(self._characters(bytes_only=False)))

    def _bytes(self) -> None:
        start = self._at
        self._at += 1
        self._emit("Bytes", start, "".join(self._characters(bytes_only=True)))

    def _characters(self, bytes_only: bool) -> list[str]:
        quote = self._peek()
        self._at += 1
        found: list[str] = []
        while True:
            char = self._peek()
            if char in ("", "\n"):
                raise self._fail("literal not terminated", back=0)
            self._at += 1
            if char == quote:
                return found
            if char == "\\":
                found.append(self._escape(quote, bytes_only))
            elif char == "\r":
                # Line ends are normalised to one line feed.
                found.append("\n")
            else:
                found.append(char)

    def _escape(self, quote: str, bytes_only: bool) -> str:
        char = self._peek()
        self._at += 1
        if char in _ESCAPES and (char not in "'\"" or char == quote):
            return chr(_ESCAPES[char])
        if char and char in "0123":
            code = self._digits(3, 8, back=1)
        elif char == "u" and self._peek() == "{" and self._patch >= 7:
            code = self._braced()
        elif char in _HEX_LENGTHS and not (bytes_only and char != "x"):
            code = self._digits(_HEX_LENGTHS[char], 16)
        else:
            raise self._fail("invalid char escape" if char not in tuple("4567uU") else "unable to unescape string")
        return self._character(code, bytes_only)

    def _character(self, code: int, bytes_only: bool) -> str:
        if bytes_only:
            return decode(bytes([code])) if code > 127 else chr(code)
        if code > 0x10FFFF:
            raise self._fail("unable to unescape string")
        return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)

    def _digits(self, count: int, base: int, back: int = 0) -> int:
        self._at -= back
        text = self._source[self._at : self._at + count]
        if len(text) < count or not all(
            char in "0123456789abcdefABCDEF"[: 22 if base == 16 else 8] for char in text
        ):
            raise self._fail("invalid char escape")
        self._at += count
        return int(text, base)

    def _braced(self) -> int:
        end = self._source.find("}", self._at)
        text = self._source[self._at + 1 : max(end, self._at)]
        if not 1 <= len(text) <= 6 or not all(char in "0123456789abcdefABCDEF" for char in text):
            raise self._fail("invalid char escape")
        self._at = end + 1
        return int(text, 16)

    def _raw_string(self) -> None:
        start = self._at
        self._at += 1
        parts: list[str] = []
        while True:
            end = self._source.find("`", self._at)
            if end < 0:
                self._at = len(self._source)
                raise self._fail("literal not terminated", back=0)
            parts.append(self._source[self._at : end])
            self._at = end + 1
            if self._peek() != "`" or self._patch < 7:
                break
            self._at += 1
        self._emit("String", start, "`".join(parts))
