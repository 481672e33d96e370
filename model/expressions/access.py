"""Reaching into Go values: members, indices, slices, `in`.

Source: expr-lang/expr ``vm/runtime/runtime.go: Fetch, FetchField, Slice, In``, ``builtin/lib.go: get``.
"""

from __future__ import annotations

from typing import Final

from model.expressions import types
from model.expressions.operators import equal, is_array
from model.expressions.results import ExpressionError
from model.expressions.text import duration_text, shown
from model.expressions.types import GoType
from model.expressions.values import (
    UNKNOWN,
    AnyMap,
    Method,
    Named,
    Nil,
    Number,
    Struct,
    TypedList,
    Unordered,
    decode,
    dereference,
    encode,
    go_type,
    kind_of,
    to_int,
    type_name,
)


def method_of(value: object, name: str) -> Method | None:
    """The method of a value; None if its type has none of that name."""
    found = go_type(value)
    if found is None or name not in found.methods:
        return None

    def run(arguments: tuple[object, ...]) -> object:
        if isinstance(value, Number):
            return _duration_method(int(value), name)
        call = getattr(value, "call", None)
        if call is None:
            raise ExpressionError("runtime error: invalid memory address or nil pointer dereference")
        return call(name, arguments)

    return Method(name, found.methods[name], run)


_DURATION_UNITS: Final = {
    "Hours": 3600 * 10**9, "Minutes": 60 * 10**9, "Seconds": 10**9,
    "Milliseconds": 10**6, "Microseconds": 10**3, "Nanoseconds": 1,
}  # fmt: skip


def _duration_method(nanoseconds: int, name: str) -> object:
    if name == "String":
        return duration_text(nanoseconds)
    unit = _DURATION_UNITS[name]
    whole, rest = divmod(abs(nanoseconds), unit)
    sign = -1 if nanoseconds < 0 else 1
    if unit >= 10**9:
        return sign * (whole + rest / unit)
    return Number(sign * whole, types.INT64)


def fetch(base: object, key: object) -> object:
    """`base[key]` or `base.key`, where nothing about the type was known before. Raises ExpressionError."""
    if base is None:
        raise _no_fetch(base, key)
    if isinstance(key, str):
        method = method_of(base, key)
        if method is not None:
            return method
    value = base if isinstance(base, Nil) else dereference(base)
    if isinstance(value, (list, str, bytes)):
        return _indexed(value, key)
    if isinstance(value, (dict, AnyMap)) or (isinstance(value, Nil) and value.type.kind == "map"):
        return _looked_up(value, key)
    if isinstance(value, Struct):
        return _struct_field(base, value, key)
    raise _no_fetch(base, key)


def _no_fetch(base: object, key: object) -> ExpressionError:
    return ExpressionError(f"cannot fetch {shown(key)} from {type_name(base)}")


def _indexed(value: list[object] | str | bytes, key: object) -> object:
    index = to_int(key)
    if isinstance(value, Unordered):
        return UNKNOWN
    data = encode(value) if isinstance(value, str) else value
    length = len(data)
    position = index + length if index < 0 else index
    if not 0 <= position < length:
        raise ExpressionError(f"index out of range: {position} (array length is {length})")
    item = data[position]
    return item if isinstance(data, list) else Number(int(str(item)), types.UINT8)


def _key(key: object, wanted: GoType | None) -> object:
    """A map key as its map wants it: nil is the zero key, and nothing of another type is allowed."""
    if wanted is types.ANY:
        return key
    if key is None:
        return 0 if wanted is types.INT else ""
    if go_type(key) is not wanted:
        shown_type = "string" if wanted is None else wanted.name
        raise ExpressionError(
            f"reflect.Value.MapIndex: value of type {type_name(key)} is not assignable to type {shown_type}"
        )
    return key


def _looked_up(value: object, key: object) -> object:
    if isinstance(value, AnyMap):
        missing = value.type is types.GROUPS and key not in value
        return Nil(types.ANYS) if missing else value.get(key)
    found = go_type(value)
    zero = _zero(None if found is None else found.element)
    name = _key(key, types.STRING if found is None else found.key)
    return value.get(str(name), zero) if isinstance(value, dict) else zero


def _zero(element: GoType | None) -> object:
    return "" if element is types.STRING else None


def _struct_field(base: object, value: Struct, key: object) -> object:
    if type(key) is not str:
        raise ExpressionError(f"interface conversion: interface {{}} is {type_name(key)}, not string")
    try:
        return value.field(key)
    except KeyError:
        raise _no_fetch(base, key) from None


def field(base: object, name: str) -> object:
    """`base.name`, where the static type is a struct. Raises ExpressionError."""
    value = dereference(base)
    if isinstance(value, Struct):
        return value.field(name)
    if base is None:
        raise ExpressionError(f"cannot get {name} from <nil>")
    raise ExpressionError("reflect: call of reflect.Value.Field on zero Value")


def get(base: object, key: object) -> object:
    """The function `get`: like a member access, but nil where that fails for want of the element."""
    if base is None:
        return None
    if isinstance(key, str):
        method = method_of(base, key)
        if method is not None:
            return method
    if isinstance(base, (list, str, bytes)):
        to_int(key)
        try:
            return _indexed(base, key)
        except ExpressionError:
            return None
    if isinstance(base, AnyMap):
        return base.get(key)
    if isinstance(base, dict):
        found = go_type(base)
        return base.get(str(_key(key, None if found is None else found.key)))
    if isinstance(base, Struct) and not base.pointer:
        if type(key) is not str:
            raise ExpressionError(f"interface conversion: interface {{}} is {type_name(key)}, not string")
        return next(
            (value for one, value in zip(base.type.fields, base.values, strict=True) if one.name == key), None
        )
    return None


def sliced(value: object, first: object, last: object) -> object:
    """`value[first:last]`; an absent bound is None. Raises ExpressionError."""
    value = dereference(value)
    if not isinstance(value, (list, str, bytes)):
        raise ExpressionError(f"cannot slice {shown(0 if first is None else first)}")
    if isinstance(value, Unordered):
        return UNKNOWN
    data = encode(value) if isinstance(value, str) else value
    low, high = _bounds(
        len(data), 0 if first is None else to_int(first), len(data) if last is None else to_int(last)
    )
    part = data[low:high]
    if isinstance(value, str) and isinstance(part, bytes):
        text = decode(part)
        return Named(text, value.type) if isinstance(value, Named) else text
    return TypedList(part, value.type) if isinstance(value, TypedList) and isinstance(part, list) else part


def _bounds(length: int, first: int, last: int) -> tuple[int, int]:
    low = max(length + first, 0) if first < 0 else first
    high = max(length + last, 0) if last < 0 else min(last, length)
    return (min(low, high), high)


def contains(needle: object, container: object) -> bool:
    """`needle in container`. Raises ExpressionError where the operator is not defined."""
    if container is None:
        return False
    if is_array(container) and not isinstance(container, Nil):
        assert isinstance(container, (list, bytes))
        return any(equal(item, needle) for item in container)
    if isinstance(container, AnyMap):
        return needle in container
    if isinstance(container, dict):
        found = go_type(container)
        return str(_key(needle, None if found is None else found.key)) in container
    if isinstance(container, Nil):
        return False
    if isinstance(container, Struct):
        return _has_field(container, needle)
    raise ExpressionError(f'operator "in" not defined on {type_name(container)}')


def _has_field(container: Struct, needle: object) -> bool:
    if kind_of(needle) != "string":
        raise ExpressionError(f"cannot use {type_name(needle)} as field name of {type_name(container)}")
    return any(one.name == needle for one in container.type.fields)


def in_set(needle: object, members: frozenset[object], key: GoType) -> bool:
    """`needle in [...]` where the library made a set of the constants. Raises ExpressionError."""
    return _key(needle, key) in members
