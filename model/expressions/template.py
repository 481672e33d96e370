"""Templates: text with expressions between delimiters, and the value that the rendered text stands for.

A text without an opening delimiter is itself, whatever it looks like. Any other is rendered and then read again,
in this order: in quotes, a string; a number; a boolean; JSON; else the string it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from model.expressions.compile import Dialect, compile_expression
from model.expressions.evaluate import Environment, run
from model.expressions.results import Evaluation, ExpressionError, Failure, Undecided, UndecidedError, Value, place
from model.expressions.text import from_json, parse_bool, parse_float, quoted, to_json

MAX_TEXT: Final = 1_000_000
"""How long a rendered text may be here."""


@dataclass(frozen=True, slots=True)
class Delimiters:
    """What opens and closes an expression.

    ``checked_first``: the text is searched for unclosed expressions before any is evaluated. Else it is read and
    evaluated from left to right, and an empty expression, with nothing at all between its delimiters, ends that:
    what follows it is text.
    """

    pairs: tuple[tuple[str, str], ...]
    checked_first: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """An expression in a template: the text before it, its source, and where in the template that starts."""

    before: str
    source: str
    offset: int


@dataclass(frozen=True, slots=True)
class Template:
    """A template taken apart: ``rest`` follows the last expression, ``unclosed`` is a failure met there."""

    text: str
    parts: tuple[Part, ...]
    rest: str
    unclosed: Failure | None = None


@lru_cache(maxsize=8192)
def parse_template(text: str, delimiters: Delimiters) -> Template:
    """The parts of a template."""
    parts: list[Part] = []
    at = 0
    while True:
        found = [(text.find(opening, at), opening, closing) for opening, closing in delimiters.pairs]
        openings = [one for one in found if one[0] >= 0]
        if not openings:
            return Template(text, tuple(parts), text[at:])
        start, opening, closing = min(openings, key=lambda one: one[0])
        first = start + len(opening)
        end = text.find(closing, first)
        if end < 0:
            message = _unclosed(text, text[first:], closing, delimiters)
            return Template(text, tuple(parts), "", Failure(message, *place(text, start)))
        if end == first and not delimiters.checked_first:
            return Template(text, tuple(parts), text[at:start] + text[end + len(closing) :])
        parts.append(Part(text[at:start], text[first:end], first))
        at = end + len(closing)


def _unclosed(text: str, rest: str, closing: str, delimiters: Delimiters) -> str:
    if delimiters.checked_first:
        return (
            f"error parsing template: Cannot find end tag={quoted(closing)} in the template={quoted(text)}"
            f" starting from {quoted(rest)}"
        )
    return f"unclosed expression: expected {quoted(closing)} but reached end of template"


def is_template(text: str, delimiters: Delimiters) -> bool:
    """Whether a text has an opening delimiter, so that it is rendered at all."""
    return any(opening in text for opening, _ in delimiters.pairs)


def evaluate_template(text: str, dialect: Dialect, environment: Environment, delimiters: Delimiters) -> Evaluation:
    """The value that a template stands for."""
    if not is_template(text, delimiters):
        return Value(text)
    template = parse_template(text, delimiters)
    if template.unclosed is not None and delimiters.checked_first:
        return template.unclosed
    rendered: list[str] = []
    undecided: Undecided | None = None
    for part in template.parts:
        found = _rendered(template, part, dialect, environment)
        if isinstance(found, Failure):
            # Nothing that is unknown can keep a later expression from failing, except by failing before it.
            return found
        if isinstance(found, Undecided):
            undecided = undecided or found
        else:
            rendered += (part.before, found)
    if template.unclosed is not None:
        return template.unclosed
    if undecided is not None:
        return undecided
    whole = "".join((*rendered, template.rest))
    if len(whole) > MAX_TEXT:
        return Undecided(f"the rendered text is longer than {MAX_TEXT} characters")
    return Value(reread(whole))


def _rendered(
    template: Template, part: Part, dialect: Dialect, environment: Environment
) -> str | Failure | Undecided:
    program = compile_expression(part.source, dialect)
    result = program if isinstance(program, (Failure, Undecided)) else run(program, environment)
    if isinstance(result, Undecided):
        return result
    if isinstance(result, Failure):
        return _placed(result, template, part)
    if type(result.value) is str:
        return result.value
    try:
        return to_json(result.value)
    except ExpressionError as error:
        return _placed(Failure(error.message), template, part)
    except UndecidedError as error:
        return Undecided(str(error))


def _placed(failure: Failure, template: Template, part: Part) -> Failure:
    """The failure with its place counted from the start of the template.

    The library ends its messages with the place in the expression.
    """
    line, column = place(template.text, part.offset)
    message = failure.message + (f" ({failure.line}:{failure.column})" if failure.line else "")
    if failure.line <= 1:
        return Failure(message, line, column + max(failure.column - 1, 0))
    return Failure(message, line + failure.line - 1, failure.column)


def reread(text: str) -> object:
    """What a rendered text stands for. One line end at its end is set aside while it is looked at."""
    body = text.removesuffix("\n")
    if len(body) > 1 and body.startswith('"') and body.endswith('"'):
        return body[1:-1] + text[len(body) :]
    number = parse_float(body)
    if number is not None:
        return number
    boolean = parse_bool(body)
    if boolean is not None:
        return boolean
    try:
        return from_json(body)
    except ExpressionError:
        return text


def evaluate_tree(tree: object, evaluate: Callable[[str], Evaluation]) -> Evaluation:
    """A tree of maps and lists with every string in it replaced by what ``evaluate`` gives; keys stay.

    Fails if one string fails, whatever the others give; else undecided if one is.
    """
    failures: list[Failure] = []
    undecided: list[Undecided] = []

    def leaf(text: str) -> object:
        result = evaluate(text)
        if isinstance(result, Value):
            return result.value
        if isinstance(result, Failure):
            failures.append(result)
        else:
            undecided.append(result)
        return None

    value = _walked(tree, leaf)
    if failures:
        return failures[0]
    return undecided[0] if undecided else Value(value)


def _walked(tree: object, leaf: Callable[[str], object]) -> object:
    if isinstance(tree, dict):
        return {key: _walked(value, leaf) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_walked(value, leaf) for value in tree]
    return leaf(tree) if isinstance(tree, str) else tree
