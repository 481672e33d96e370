"""What the checker asks of the language's own functions.

Some are declared by overloads, some by a rule that looks at the types of all arguments. Source: expr-lang/expr
``builtin/builtin.go``, ``builtin/validation.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from model.expressions import types
from model.expressions.results import ExpressionError
from model.expressions.types import (
    ANY,
    ANYS,
    DURATION,
    FLOAT,
    FLOATS,
    INT,
    INTS,
    STRING,
    STRINGS,
    TIME,
    GoType,
    Signature,
)  # fmt: skip

Rule = Callable[[str, Sequence[GoType | None]], GoType]
"""From a function's name and the types of its arguments (None for nil) to that of its result."""


def _kind(type_: GoType | None) -> str:
    return "invalid" if type_ is None else types.dereferenced(type_).kind


def _shown(type_: GoType | None) -> str:
    return "%!s(<nil>)" if type_ is None else type_.name


def _count(expected: int, arguments: Sequence[GoType | None]) -> None:
    if len(arguments) != expected:
        raise ExpressionError(f"invalid number of arguments (expected {expected}, got {len(arguments)})")


_LOCATION: Final = GoType("*time.Location", "ptr", element=GoType("time.Location", "struct", "time"))
_NUMBERS: Final = types.INTEGER_KINDS | types.FLOAT_KINDS
_ARRAYS: Final = frozenset(("interface", "slice", "array"))
_SIGNED: Final = frozenset(("interface", "int", "int8", "int16", "int32", "int64"))


def _one(kinds: frozenset[str], result: GoType | None, complaint: str) -> Rule:
    def rule(name: str, arguments: Sequence[GoType | None]) -> GoType:
        _count(1, arguments)
        argument = arguments[0]
        if argument is None or _kind(argument) not in kinds:
            raise ExpressionError(complaint.format(name=name, type=_shown(argument)))
        return result or argument

    return rule


def _element(name: str, arguments: Sequence[GoType | None]) -> GoType:
    _count(1, arguments)
    argument = arguments[0]
    if argument is None or _kind(argument) not in _ARRAYS:
        raise ExpressionError(f"cannot get {name} element from {_shown(argument)}")
    return argument.element or ANY


def _aggregate(name: str, arguments: Sequence[GoType | None]) -> GoType:
    if not arguments:
        raise ExpressionError(f"not enough arguments to call {name}")
    for argument in arguments:
        if _kind(argument) in _ARRAYS:
            return ANY
        if _kind(argument) not in _NUMBERS:
            raise ExpressionError(f"invalid argument for {name} (type {_shown(argument)})")
    return arguments[0] or ANY


def _take(name: str, arguments: Sequence[GoType | None]) -> GoType:
    _count(2, arguments)
    array, count = arguments
    if array is None or _kind(array) not in _ARRAYS:
        raise ExpressionError(f"cannot take from {_shown(array)}")
    if _kind(count) not in _SIGNED:
        raise ExpressionError(f"cannot take {_shown(count)} elements")
    return array


def _concat(name: str, arguments: Sequence[GoType | None]) -> GoType:
    if not arguments:
        raise ExpressionError("invalid number of arguments (expected at least 1, got 0)")
    for argument in arguments:
        if _kind(argument) not in _ARRAYS:
            raise ExpressionError(f"cannot concat {_shown(argument)}")
    return ANYS


def _now(name: str, arguments: Sequence[GoType | None]) -> GoType:
    if arguments and not (len(arguments) == 1 and arguments[0] is _LOCATION):
        raise ExpressionError(f"invalid number of arguments (expected 0, got {len(arguments)})")
    return TIME


def _date(name: str, arguments: Sequence[GoType | None]) -> GoType:
    if not arguments:
        raise ExpressionError("invalid number of arguments (expected at least 1, got 0)")
    texts = arguments[1:] if arguments[0] is _LOCATION else arguments
    if len(texts) > 3:
        raise ExpressionError(f"invalid number of arguments (expected at most 3, got {len(texts)})")
    return TIME


_ROUND: Final = _one(_NUMBERS | {"interface"}, FLOAT, "invalid argument for {name} (type {type})")
_MAPS: Final = frozenset(("interface", "map"))

RULES: Final[dict[str, Rule]] = {
    "len": _one(_ARRAYS | {"map", "string"}, INT, "invalid argument for {name} (type {type})"),
    "abs": _one(_NUMBERS | {"interface"}, None, "invalid argument for {name} (type {type})"),
    "ceil": _ROUND,
    "floor": _ROUND,
    "round": _ROUND,
    "int": _one(_NUMBERS | {"interface", "string"}, INT, "invalid argument for {name} (type {type})"),
    "float": _one(_NUMBERS | {"interface", "string"}, FLOAT, "invalid argument for {name} (type {type})"),
    "max": _aggregate,
    "min": _aggregate,
    "mean": _aggregate,
    "median": _aggregate,
    "now": _now,
    "date": _date,
    "first": _element,
    "last": _element,
    "take": _take,
    "keys": _one(_MAPS, ANYS, "cannot get {name} from {type}"),
    "values": _one(_MAPS, ANYS, "cannot get {name} from {type}"),
    "toPairs": _one(_MAPS, ANYS, "cannot transform {type} to pairs"),
    "fromPairs": _one(_ARRAYS, types.ANY_MAP, "cannot transform {type} from pairs"),
    "reverse": _one(_ARRAYS, ANYS, "cannot {name} {type}"),
    "uniq": _one(_ARRAYS, ANYS, "cannot {name} {type}"),
    "flatten": _one(_ARRAYS, ANYS, "cannot {name} {type}"),
    "concat": _concat,
}


def _to(result: GoType, *parameter_lists: tuple[GoType, ...]) -> tuple[Signature, ...]:
    return tuple(Signature(parameters, result) for parameters in parameter_lists)


_TWO_STRINGS: Final = (STRING, STRING)
_BITS: Final = _to(INT, (INT, INT))
_TRIM: Final = _to(STRING, _TWO_STRINGS, (STRING,))
_SPLIT: Final = _to(STRINGS, _TWO_STRINGS, (STRING, STRING, INT))
_SORTABLE: Final = (ANYS, INTS, FLOATS, STRINGS)

OVERLOADS: Final[dict[str, tuple[Signature, ...]]] = {
    "type": _to(STRING, (ANY,)),
    "string": _to(STRING, (ANY,)),
    "trim": _to(STRING, (STRING,), _TWO_STRINGS),
    "trimPrefix": _TRIM,
    "trimSuffix": _TRIM,
    "upper": _to(STRING, (STRING,)),
    "lower": _to(STRING, (STRING,)),
    "split": _SPLIT,
    "splitAfter": _SPLIT,
    "replace": _to(STRING, (STRING, STRING, STRING, INT), (STRING, STRING, STRING)),
    "repeat": _to(STRING, (STRING, INT)),
    "join": _to(STRING, (STRINGS, STRING), (ANYS, STRING), (ANYS,), (STRINGS, STRING), (STRINGS,)),
    "indexOf": _to(INT, _TWO_STRINGS),
    "lastIndexOf": _to(INT, _TWO_STRINGS),
    "hasPrefix": _to(types.BOOL, _TWO_STRINGS),
    "hasSuffix": _to(types.BOOL, _TWO_STRINGS),
    "toJSON": _to(STRING, (ANY,)),
    "fromJSON": _to(ANY, (STRING,)),
    "toBase64": _to(STRING, (STRING,)),
    "fromBase64": _to(STRING, (STRING,)),
    "duration": _to(DURATION, (STRING,)),
    "timezone": _to(_LOCATION, (STRING,)),
    "sort": _to(ANYS, *((array, STRING) for array in _SORTABLE), *((array,) for array in _SORTABLE)),
    **dict.fromkeys(("bitand", "bitor", "bitxor", "bitnand", "bitshl", "bitshr", "bitushr"), _BITS),
    "bitnot": _to(INT, (INT,)),
}

CLOSURES: Final = (
    "all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex", "count", "sum",
    "groupBy", "sortBy", "reduce",
)  # fmt: skip

NAMES: Final = frozenset((*RULES, *OVERLOADS, *CLOSURES, "get"))
"""All functions of the language."""
