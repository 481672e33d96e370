"""The language's own functions on numbers and single values, and the table of all of them.

Those with closures are part of the evaluator. Source: expr-lang/expr ``builtin/builtin.go``, ``builtin/lib.go``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from model.expressions import builtins_lists, builtins_strings, operators, types
from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.text import from_json, parse_float, shown, to_json
from model.expressions.values import (
    Nil,
    Number,
    Struct,
    float_to_int,
    go_type,
    is_integer,
    is_number,
    type_name,
    wrapped,
)

Arguments = tuple[object, ...]
Run = Callable[[Arguments], object]

_KIND_NAMES: Final = {
    "bool": "bool",
    "string": "string",
    "slice": "array",
    "array": "array",
    "map": "map",
    "func": "func",
    "struct": "struct",
    "float64": "float",
    "float32": "float",
}


def type_(arguments: Arguments) -> str:
    """`type`: the name of a type, with its import path if it has one."""
    found = go_type(arguments[0])
    if found is None:
        return "nil"
    if found.package:
        return f"{found.package}.{found.name.rpartition('.')[2]}"
    if found.kind in types.INTEGER_KINDS:
        return "uint" if found.kind.startswith("uint") else "int"
    return _KIND_NAMES.get(found.kind, "unknown")


def absolute(arguments: Arguments) -> object:
    """`abs`."""
    value = arguments[0]
    if isinstance(value, float):
        # Go turns the sign only of what is below zero, so -0 stays.
        return -value if value < 0 else value
    if not is_integer(value):
        raise _invalid("abs", value)
    assert isinstance(value, int)
    if isinstance(value, Number):
        return Number(abs(value), value.type)
    return wrapped(abs(value))


def _invalid(name: str, value: object) -> ExpressionError:
    return ExpressionError(f"invalid argument for {name} (type {type_name(value)})")


def _rounding(name: str, operation: Callable[[float], float]) -> Run:
    def run(arguments: Arguments) -> float:
        value = arguments[0]
        if not is_number(value):
            raise _invalid(name, value)
        number = operators.as_float(value)
        if not math.isfinite(number) or number == 0:
            return number
        return math.copysign(operation(number), number)

    return run


def _half_away(number: float) -> float:
    whole = math.trunc(number)
    return float(whole + (1 if number > 0 else -1)) if abs(number - whole) >= 0.5 else float(whole)


_ATOI: Final = re.compile(r"[+-]?[0-9]+\Z")


def to_integer(arguments: Arguments) -> int:
    """`int`: of a number, cut; of a string, in decimal."""
    value = arguments[0]
    if isinstance(value, float):
        return float_to_int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return wrapped(int(value))
    if type(value) is str:
        if _ATOI.match(value) and -(1 << 63) <= int(value) < 1 << 63:
            return int(value)
        raise ExpressionError(f"invalid operation: int({value})")
    if value is None:
        raise ExpressionError("reflect: call of reflect.Value.Type on zero Value")
    raise ExpressionError(f"invalid operation: int({type_name(value)})")


def to_float(arguments: Arguments) -> float:
    """`float`: of a number or of a string."""
    value = arguments[0]
    if type(value) is str:
        number = parse_float(value)
        if number is None:
            raise ExpressionError(f"invalid operation: float({value})")
        return number
    return operators.as_float(value)


def _bits(name: str, operation: Callable[[int, int], int]) -> Run:
    def run(arguments: Arguments) -> int:
        left, right = (_bit_argument(name, value) for value in arguments)
        if "sh" in name and right < 0:
            raise ExpressionError(f"invalid operation: negative shift count {right} (type int)")
        return wrapped(operation(left, right))

    return run


def _bit_argument(name: str, value: object) -> int:
    if not is_integer(value):
        raise ExpressionError(f"cannot use {type_name(value)} as argument (type int) to call {name}")
    return wrapped(operators.as_integer(value))


def _bit_not(arguments: Arguments) -> int:
    return ~_bit_argument("bitnot", arguments[0])


_DURATION: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS: Final = {
    "ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip


def duration(arguments: Arguments) -> Number:
    """`duration`: a text such as `1h30m`."""
    text = operators.plain_string(arguments[0])
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    total, at = 0, 0
    while unsigned != "0" and at < len(unsigned):
        found = _DURATION.match(unsigned, at)
        if found is None:
            break
        whole, _, fraction = found.group(1).partition(".")
        unit = _UNITS[found.group(2)]
        total += int(whole or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        at = found.end()
    if not unsigned or (unsigned != "0" and at < len(unsigned)) or total >= 1 << 63:
        raise ExpressionError(f'time: invalid duration "{text}"')
    return Number(-total if text[0] == "-" else total, types.DURATION)


def _clock(name: str) -> Run:
    def run(arguments: Arguments) -> object:
        raise UndecidedError(f"{name}() is not modelled")

    return run


def _length(arguments: Arguments) -> int:
    value = arguments[0]
    if isinstance(value, Nil) and value.type.kind in ("map", "slice"):
        return 0
    if isinstance(value, (int, float, Struct, Nil)) or value is None or not hasattr(value, "__len__"):
        raise _invalid("len", value)
    return len(value)


RUN: Final[dict[str, Run]] = {
    "len": _length,
    "type": type_,
    "abs": absolute,
    "ceil": _rounding("ceil", lambda number: float(math.ceil(number))),
    "floor": _rounding("floor", lambda number: float(math.floor(number))),
    "round": _rounding("round", _half_away),
    "int": to_integer,
    "float": to_float,
    "string": lambda arguments: shown(arguments[0]),
    "toJSON": lambda arguments: to_json(arguments[0], indent=True),
    "fromJSON": lambda arguments: from_json(operators.plain_string(arguments[0])),
    "duration": duration,
    "now": _clock("now"),
    "date": _clock("date"),
    "timezone": _clock("timezone"),
    "bitand": _bits("bitand", lambda left, right: left & right),
    "bitor": _bits("bitor", lambda left, right: left | right),
    "bitxor": _bits("bitxor", lambda left, right: left ^ right),
    "bitnand": _bits("bitnand", lambda left, right: left & ~right),
    "bitshl": _bits("bitshl", lambda left, right: left << right if right < 64 else 0),
    "bitshr": _bits("bitshr", lambda left, right: left >> min(right, 63)),
    "bitushr": _bits("bitushr", lambda left, right: (left % (1 << 64)) >> right),
    "bitnot": _bit_not,
    **builtins_strings.RUN,
    **builtins_lists.RUN,
}
"""What each function gives; `get` and those with closures are elsewhere."""

SIZED: Final = frozenset(("repeat", "reverse", "concat", "flatten", "sort"))
"""The functions whose result counts against the library's memory budget."""

ORDER_FREE: Final = frozenset(("len", "sort", "max", "min", "mean", "median"))
"""The functions that do not care for the order of a list."""
