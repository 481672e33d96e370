"""Where an expression of spec-kit can be cut: outside of quotes and brackets.

The language has no grammar. Its evaluator looks for an operator in the text, cuts there, and evaluates both
sides; what it cuts first binds weakest. Early releases cut anywhere, even inside quotes.

Source: `specify_cli/workflows/expressions.py: _find_top_level`, `_is_single_expression`
"""

from __future__ import annotations

from collections.abc import Iterator

OPENING, CLOSING, QUOTES = "([{", ")]}", "'\""


def unquoted(text: str) -> Iterator[tuple[int, str]]:
    """Every character outside of quotes with its place; the quotes themselves are not among them."""
    quote = ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in QUOTES:
            quote = character
        else:
            yield place, character


def open_places(text: str) -> Iterator[int]:
    """Every place in `text` that is in no quotes and in no brackets."""
    depth = 0
    for place, character in unquoted(text):
        if character in OPENING:
            depth += 1
        elif character in CLOSING:
            depth = max(0, depth - 1)
        elif not depth:
            yield place


def find(text: str, token: str, *, anywhere: bool) -> int:
    """Where `token` first stands in the open, or at all if `anywhere`; -1 if it does not."""
    if anywhere:
        return text.find(token)
    return next((place for place in open_places(text) if text.startswith(token, place)), -1)


def split(text: str, separator: str, *, anywhere: bool) -> list[str]:
    """`text` cut at every `separator` in the open, or at all if `anywhere`."""
    if anywhere:
        return text.split(separator)
    parts, begin = [], 0
    for place in [p for p in open_places(text) if text.startswith(separator, p)]:
        parts.append(text[begin:place])
        begin = place + len(separator)
    return [*parts, text[begin:]]


def closes_at_the_end(text: str, opening: str, closing: str) -> bool:
    """Whether the bracket that `text` begins with is closed by its last character, and not before.

    `opening` and `closing` are the brackets that are counted.
    """
    depth = 0
    for place, character in unquoted(text):
        if character in opening:
            depth += 1
        elif character in closing:
            depth -= 1
            if not depth:
                return place == len(text) - 1
    return False


def squeezed(text: str) -> str:
    """`text` with every run of spaces outside of quotes as one space, and none at the ends."""
    bare = text.strip()
    outside = {place for place, character in unquoted(bare) if character.isspace()}
    kept = [
        " " if place in outside else character
        for place, character in enumerate(bare)
        if not (place in outside and place - 1 in outside)
    ]
    return "".join(kept)


def block_end(text: str, begin: int) -> int:
    """Where the `}}` stands that closes the block opened at `begin`, quotes respected; -1 if nothing closes it."""
    inside = begin + 2
    places = {place for place, character in unquoted(text[inside:]) if character == "}"}
    ends = (p for p in sorted(places) if text.startswith("}}", inside + p))
    return next((inside + p for p in ends), -1)
