"""The rules of the type check that need nothing but natures.

Source: expr-lang/expr ``checker/checker.go``.
"""

from __future__ import annotations

from typing import Final

from model.expressions import syntax, types
from model.expressions.nature import UNKNOWN_NATURE, Nature, array_of, assignable, maybe_compatible, of_type
from model.expressions.syntax import Node
from model.expressions.types import GoType

_BOOL: Final = of_type(types.BOOL)
_INT: Final = of_type(types.INT)
_FLOAT: Final = of_type(types.FLOAT)

NUMERIC: Final = ("number",)
ORDERED: Final = ("number", "string", "duration")
"""The sorts of operands that can be ordered."""

LITERALS: Final[dict[type, GoType]] = {
    bool: types.BOOL,
    int: types.INT,
    float: types.FLOAT,
    str: types.STRING,
    bytes: types.BYTES,
}
ARITHMETIC: Final = frozenset(("+", "-", "*", "/", "%", "**", "^"))
CONDITIONS: Final = frozenset(
    ("all", "none", "any", "one", "filter", "count", "find", "findLast", "findIndex", "findLastIndex")
)


def literal_name(node: Node) -> str | None:
    """The text of a string literal; None for any other node."""
    return node.value if isinstance(node, syntax.Literal) and isinstance(node.value, str) else None


def field_of(type_: GoType | None, name: str) -> types.GoField | None:
    """The field of a struct type; None if it has none of that name or is no struct."""
    if type_ is None or type_.kind != "struct":
        return None
    return next((one for one in type_.fields if one.name == name), None)


def accepts(parameter: GoType, nature: Nature) -> bool:
    """Whether an argument of that nature may be passed as that parameter."""
    wanted = of_type(parameter)
    if wanted.number and nature.integer and (wanted.integer or wanted.type is types.FLOAT):
        return True
    if nature.nil:
        return parameter.kind in ("ptr", "interface")
    return nature.unknown or assignable(nature, wanted) or assignable(nature.deref(), wanted)


def coalesced(left: Nature, right: Nature) -> Nature:
    """The nature of `left ?? right`."""
    if left.nil:
        return right
    if right.nil or assignable(right, left):
        return left
    return UNKNOWN_NATURE


def arithmetic(operator: str, left: Nature, right: Nature) -> Nature | None:
    """The nature of an arithmetic operation; None if it is not allowed."""
    if operator == "%":
        fits = (left.integer and right.integer) or maybe_compatible(left, right, ("integer",))
        return _INT if fits else None
    if operator in ("/", "**", "^"):
        fits = (left.number and right.number) or maybe_compatible(left, right, NUMERIC)
        return _FLOAT if fits else None
    if left.number and right.number:
        return _FLOAT if types.FLOAT in (left.type, right.type) else _INT
    if operator == "+" and left.string and right.string:
        return of_type(types.STRING)
    if _durations(operator, left, right):
        return of_type(types.DURATION)
    sorts = ORDERED if operator == "+" else ("number", "duration")
    return UNKNOWN_NATURE if maybe_compatible(left, right, sorts) else None


def _durations(operator: str, left: Nature, right: Nature) -> bool:
    if left.duration and right.duration:
        return True
    return operator == "*" and ((left.duration and right.number) or (left.number and right.duration))


def closure_result(name: str, collection: Nature, body: Nature) -> Nature:
    """The nature of a call of a function with a closure whose body is of that nature."""
    if name in ("all", "none", "any", "one"):
        return _BOOL
    if name in ("count", "findIndex", "findLastIndex"):
        return _INT
    if name == "filter":
        return of_type(types.ANYS) if collection.unknown else array_of(collection.items())
    if name == "map":
        return array_of(body)
    if name in ("find", "findLast"):
        return UNKNOWN_NATURE if collection.unknown else collection.items()
    if name == "groupBy":
        return Nature(types.GROUPS)
    if name == "sortBy":
        return collection
    if name == "sum":
        return of_type(types.ANY if body.type is None else body.type)
    return body
