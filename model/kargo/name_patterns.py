"""Patterns for names: exact, `glob:...`, or `regex:...` (also `regexp:...`).

A regular expression matches anywhere in a name, the others the whole of it. A glob is turned into a regular
expression and run by the same engine, in linear time.

Source: `pkg/pattern/matcher.go: ParseNamePattern`; globs as in `bmatcuk/doublestar`
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from model.expressions.regexp import compiled, matches
from model.expressions.results import ExpressionError, UndecidedError


class PatternError(ValueError):
    """A text is no pattern; the message is one sentence that shows it."""


def name_matches(pattern: str, name: str) -> bool:
    """Whether `name` matches `pattern`. Raises PatternError if that is none, or more than can be decided here."""
    kind, colon, rest = pattern.partition(":")
    if not colon or kind not in ("glob", "regex", "regexp"):
        return pattern == name
    try:
        return matches(compiled(_from_glob(rest) if kind == "glob" else rest), name)
    except (ExpressionError, UndecidedError) as error:
        raise PatternError(f"the name pattern {pattern!r} cannot be used: {error}") from error


_TOKEN: Final = re.compile(
    r"(?P<deep>(?:^|(?<=/))\*\*/)|(?P<below>/\*\*$)|(?P<all>^\*\*$)|(?P<many>\*+)|(?P<one>\?)"
    r"|\[(?P<negated>[!^]?)(?P<set>(?:\\.|[^\]\\])+)\]|(?P<open>\{)|(?P<close>\})|(?P<comma>,)"
    r"|\\(?P<escaped>.)|(?P<plain>[^\\\[])",
    re.DOTALL,
)
_FIXED: Final = {
    "deep": "(?:.*/)?",
    "below": "(?:/.*)?",
    "all": ".*",
    "many": "[^/]*",
    "one": "[^/]",
    "open": "(?:",
}


def _from_glob(glob: str) -> str:
    return rf"(?s)\A{''.join(_parts(glob))}\z"


def _parts(glob: str) -> Iterator[str]:
    at = depth = 0
    while at < len(glob):
        found = _TOKEN.match(glob, at)
        if found is None or (found["close"] and not depth):
            raise PatternError(f"{glob!r} is no glob: see its character {at + 1}")
        at = found.end()
        kind = str(found.lastgroup)
        depth += (kind == "open") - (kind == "close")
        yield _FIXED.get(kind) or _other(found, kind, depth)
    if depth:
        raise PatternError(f"{glob!r} is no glob: a brace is not closed")


def _other(found: re.Match[str], kind: str, depth: int) -> str:
    if kind == "close":
        return ")"
    if kind == "comma":
        return "|" if depth else ","
    if kind == "set":
        inside = re.sub(r"\\(.)|([^\w-])", lambda m: re.escape(m[1] or m[2]), found["set"])
        return f"[{'^' if found['negated'] else ''}{inside}]"
    return re.escape(found[kind])
