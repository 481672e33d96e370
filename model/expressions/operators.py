"""The operators on Go values.

None of these is ever given an unknown. Source: expr-lang/expr ``vm/runtime/runtime.go``,
``vm/runtime/helpers[generated].go``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from model.expressions import types
from model.expressions.power import power
from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.values import (
    AnyMap,
    Method,
    Nil,
    Number,
    Struct,
    decode,
    encode,
    go_type,
    is_integer,
    is_nil,
    is_number,
    kind_of,
    type_name,
    wrapped,
)

MAX_TEXT: Final = 1_000_000
"""The longest text that is built here; the controller stops at its memory."""


def concatenated(left: str, right: str) -> str:
    """Two strings in a row. Bytes that were cut apart become a character again."""
    if len(left) + len(right) > MAX_TEXT:
        raise UndecidedError(f"a text is longer than {MAX_TEXT} characters")
    joined = left + right
    return joined if joined.isascii() else decode(encode(joined))


def as_integer(value: object) -> int:
    """The plain integer in a value that `is_integer`."""
    assert isinstance(value, int)
    return int(value)


def as_float(value: object) -> float:
    """A number as `float64`. Raises ExpressionError for anything else."""
    if isinstance(value, float):
        return value
    if is_integer(value):
        return float(as_integer(value))
    raise ExpressionError(f"invalid operation: float({type_name(value)})")


def _is_duration(value: object) -> bool:
    return isinstance(value, Number) and value.type is types.DURATION


def _duration(value: int) -> Number:
    return Number(wrapped(value), types.DURATION)


def _mismatch(operator: str, left: object, right: object) -> ExpressionError:
    return ExpressionError(f"invalid operation: {type_name(left)} {operator} {type_name(right)}")


# Equality.


def equal(left: object, right: object) -> bool:
    """`==`: numbers by value whatever their types, arrays by elements, all else only within one type."""
    if is_number(left) and is_number(right):
        if is_integer(left) and is_integer(right):
            return as_integer(left) == as_integer(right)
        return as_float(left) == as_float(right)
    if type(left) is list or type(right) is list:
        if _listed(left) and _listed(right):
            assert isinstance(left, list)
            assert isinstance(right, list)
            return len(left) == len(right) and all(map(equal, left, right))
    elif is_nil(left) and is_nil(right):
        return True
    return deep_equal(left, right)


_LISTED: Final = ("slice",)


def _listed(value: object) -> bool:
    found = go_type(value)
    return isinstance(value, list) and found is not None and found.kind in _LISTED and found is not types.PAIRS


def deep_equal(left: object, right: object) -> bool:
    """Go's `reflect.DeepEqual`: same types all the way down, and equal."""
    if go_type(left) is not go_type(right) and type_name(left) != type_name(right):
        return False
    if isinstance(left, Nil) or isinstance(right, Nil):
        return isinstance(left, Nil) and isinstance(right, Nil)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(deep_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        same_keys = left.keys() == right.keys()
        return left is right or (same_keys and all(deep_equal(left[key], right[key]) for key in left))
    if isinstance(left, Struct) and isinstance(right, Struct):
        return all(map(deep_equal, left.values, right.values)) and left.text == right.text
    return _deep_equal_other(left, right)


def _deep_equal_other(left: object, right: object) -> bool:
    if isinstance(left, AnyMap) and isinstance(right, AnyMap):
        return len(left) == len(right) and all(
            key in right and deep_equal(value, right.get(key)) for key, value in left.items()
        )
    if isinstance(left, Method):
        return False
    return left == right


# Order.


def compare(operator: str, left: object, right: object) -> bool:
    """`<`, `>`, `<=` or `>=` between numbers, plain strings or durations."""
    return _ORDER[operator](*_ordered(operator, left, right))


def _ordered(operator: str, left: object, right: object) -> tuple[float, float] | tuple[bytes, bytes]:
    if is_number(left) and is_number(right):
        if is_integer(left) and is_integer(right):
            return (as_integer(left), as_integer(right))
        return (as_float(left), as_float(right))
    if type(left) is str and type(right) is str:
        return (encode(left), encode(right))
    if _is_duration(left) and _is_duration(right):
        assert isinstance(left, int)
        assert isinstance(right, int)
        return (int(left), int(right))
    raise _mismatch(operator, left, right)


_ORDER: Final[dict[str, Callable[..., bool]]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}


# Arithmetic.


def _numbers(left: object, right: object) -> tuple[int, int] | tuple[float, float] | None:
    if not (is_number(left) and is_number(right)):
        return None
    if is_integer(left) and is_integer(right):
        return (as_integer(left), as_integer(right))
    return (as_float(left), as_float(right))


def _number(value: int | float) -> int | float:
    return wrapped(value) if isinstance(value, int) else value


def add(left: object, right: object) -> object:
    """`+` between numbers, plain strings or durations."""
    found = _numbers(left, right)
    if found is not None:
        return _number(found[0] + found[1])
    if type(left) is str and type(right) is str:
        return concatenated(left, right)
    if isinstance(left, Number) and isinstance(right, Number) and _is_duration(left) and _is_duration(right):
        return _duration(int(left) + int(right))
    raise _mismatch("+", left, right)


def subtract(left: object, right: object) -> object:
    """`-` between numbers or durations."""
    found = _numbers(left, right)
    if found is not None:
        return _number(found[0] - found[1])
    if isinstance(left, Number) and isinstance(right, Number) and _is_duration(left) and _is_duration(right):
        return _duration(int(left) - int(right))
    raise _mismatch("-", left, right)


def multiply(left: object, right: object) -> object:
    """`*` between numbers, or a duration and a number."""
    found = _numbers(left, right)
    if found is not None:
        return _number(found[0] * found[1])
    if not (_is_duration(left) or _is_duration(right)):
        raise _mismatch("*", left, right)
    if not all(is_number(value) or _is_duration(value) for value in (left, right)):
        raise _mismatch("*", left, right)
    if isinstance(left, float) or isinstance(right, float):
        return _plain(left) * _plain(right)
    return _duration(int(_plain(left)) * int(_plain(right)))


def _plain(value: object) -> int | float:
    assert isinstance(value, (int, float))
    return value if isinstance(value, float) else int(value)


def divide(left: object, right: object) -> float:
    """`/`, always of floats: by zero it gives an infinity or NaN."""
    if not (is_number(left) and is_number(right)):
        raise _mismatch("/", left, right)
    dividend, divisor = as_float(left), as_float(right)
    if divisor != 0:
        return dividend / divisor
    if dividend == 0 or math.isnan(dividend):
        return math.nan
    return math.copysign(math.inf, dividend) * math.copysign(1.0, divisor)


def modulo(left: object, right: object) -> int:
    """`%` of integers; the sign is that of the dividend."""
    if not (is_integer(left) and is_integer(right)):
        raise _mismatch("%", left, right)
    dividend, divisor = as_integer(left), as_integer(right)
    if divisor == 0:
        raise ExpressionError("runtime error: integer divide by zero")
    rest = abs(dividend) % abs(divisor)
    return -rest if dividend < 0 else rest


def exponent(left: object, right: object) -> float:
    """`**` and `^`, always of floats."""
    return power(as_float(left), as_float(right))


_UNSIGNED_BITS: Final = {"uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64, "uint": 64}
_SIGNED_BITS: Final = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


def negate(value: object) -> object:
    """`-` before a number; an unsigned one wraps around."""
    if isinstance(value, float):
        return -value
    if type(value) is int:
        return wrapped(-value)
    if isinstance(value, Number) and not value.type.package:
        if value.type.name in _UNSIGNED_BITS:
            return Number(-int(value) % (1 << _UNSIGNED_BITS[value.type.name]), value.type)
        return Number(wrapped(-int(value), _SIGNED_BITS[value.type.name]), value.type)
    raise ExpressionError(f"invalid operation: - {type_name(value)}")


def plain_string(value: object) -> str:
    """A value that must be a plain string. Raises ExpressionError as Go's type assertion does."""
    if type(value) is str:
        return value
    raise conversion(value, "string")


def boolean(value: object) -> bool:
    """A value that must be a boolean. Raises ExpressionError as Go's type assertion does."""
    if isinstance(value, bool):
        return value
    raise conversion(value, "bool")


def conversion(value: object, wanted: str) -> ExpressionError:
    """The failure of a Go type assertion."""
    found = "nil" if value is None else type_name(value)
    return ExpressionError(f"interface conversion: interface {{}} is {found}, not {wanted}")


def is_array(value: object) -> bool:
    """Whether a value is a slice or an array."""
    return kind_of(value) in ("slice", "array")
