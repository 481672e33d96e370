"""The binary operators that take both operands as values, by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from model.expressions import operators, regexp
from model.expressions.values import is_nil

ARITHMETIC: Final[dict[str, Callable[[object, object], object]]] = {
    "+": operators.add,
    "-": operators.subtract,
    "*": operators.multiply,
    "/": operators.divide,
    "%": operators.modulo,
    "**": operators.exponent,
    "^": operators.exponent,
}
TEXT_OPERATORS: Final = ("matches", "contains", "startsWith", "endsWith")


def text_operation(operator: str, left: object, right: object) -> bool:
    """`matches`, `contains`, `startsWith` or `endsWith`; false if one side is nil."""
    if is_nil(left) or is_nil(right):
        return False
    if operator == "matches":
        return _matches(left, operators.plain_string(right))
    text, part = operators.plain_string(left), operators.plain_string(right)
    if operator == "contains":
        return part in text
    return text.startswith(part) if operator == "startsWith" else text.endswith(part)


def _matches(value: object, pattern: str) -> bool:
    compiled = regexp.compiled(pattern)
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else operators.plain_string(value)
    return regexp.matches(compiled, text)
