"""The language's own functions on lists and maps that take no closure.

Source: expr-lang/expr ``builtin/builtin.go``, ``builtin/lib.go: minMax, mean, median, flatten``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import Final

from model.expressions import types
from model.expressions.access import fetch
from model.expressions.operators import as_float, compare, equal, is_array
from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.values import (
    UNKNOWN,
    AnyMap,
    Nil,
    Number,
    TypedList,
    Unordered,
    dereference,
    go_type,
    is_number,
    kind_of,
    type_name,
)

Arguments = tuple[object, ...]

STABLE_UP_TO: Final = 12
"""Up to this length Go's `sort.Sort` keeps the order of equal elements (it is an insertion sort)."""


def _items(name: str, value: object) -> list[object]:
    """The elements of an array; ExpressionError if ``value`` is none."""
    if isinstance(value, Nil) and value.type.kind == "slice":
        return []
    if not is_array(value):
        raise ExpressionError(f"cannot {name} {kind_of(value)}")
    assert isinstance(value, (list, bytes))
    return list(value)


def _end(index: int) -> Callable[[Arguments], object]:
    def run(arguments: Arguments) -> object:
        try:
            return fetch(arguments[0], index)
        except ExpressionError:
            return None

    return run


def _take(arguments: Arguments) -> object:
    items = _items("take from", arguments[0])
    wanted = arguments[1]
    if not isinstance(wanted, int) or not kind_of(wanted).startswith("int"):
        raise ExpressionError(f"cannot take {kind_of(wanted)} elements")
    count = int(wanted)
    if count < 0:
        raise ExpressionError("reflect.Value.Slice: slice index out of bounds")
    found = go_type(arguments[0])
    part = items[:count]
    return part if found is None or found is types.ANYS else TypedList(part, found)


def _pairs(name: str, value: object) -> list[tuple[object, object]]:
    if isinstance(value, AnyMap):
        return list(value.items())
    if isinstance(value, Nil) and value.type.kind == "map":
        return []
    if not isinstance(value, dict):
        raise ExpressionError(f"cannot {name} from {kind_of(value)}")
    return list(value.items())


def _any_order(items: list[object]) -> list[object]:
    return Unordered(items) if len(items) > 1 else items


def _keys(arguments: Arguments) -> object:
    return _any_order([key for key, _ in _pairs("get keys", arguments[0])])


def _values(arguments: Arguments) -> object:
    return _any_order([value for _, value in _pairs("get values", arguments[0])])


def _to_pairs(arguments: Arguments) -> object:
    pairs = [TypedList(pair, types.PAIR) for pair in _pairs("transform to pairs", arguments[0])]
    return TypedList(pairs, types.PAIRS) if len(pairs) < 2 else UNKNOWN


def _from_pairs(arguments: Arguments) -> object:
    made = AnyMap(types.ANY_MAP)
    for item in _items("transform", arguments[0]):
        pair = _items("transform", dereference(item))
        if len(pair) != 2:
            raise ExpressionError("invalid pair length")
        made[pair[0]] = pair[1]
    return made


def _reverse(arguments: Arguments) -> object:
    return _items("reverse", arguments[0])[::-1]


def _uniq(arguments: Arguments) -> object:
    kept: list[object] = []
    for item in _items("uniq", arguments[0]):
        if len(kept) > 2000:
            raise UndecidedError("a list is too long to look for duplicates")
        if not any(equal(item, other) for other in kept):
            kept.append(item)
    return kept


def _concat(arguments: Arguments) -> object:
    items = [item for argument in arguments for item in _items("concat", argument)]
    return items if items else Nil(types.ANYS)


def _flatten(arguments: Arguments) -> object:
    return _flattened(_items("flatten", arguments[0]), 0)


def _flattened(items: list[object], depth: int) -> list[object]:
    if depth > 100:
        raise UndecidedError("a list is nested more than 100 deep")
    flat: list[object] = []
    for item in items:
        value = dereference(item)
        flat.extend(_flattened(_items("flatten", value), depth + 1) if is_array(value) else [value])
    return flat


def ordering(arguments: Arguments) -> bool:
    """Whether the second argument asks for descending order. Raises ExpressionError for another word."""
    order = arguments[1] if len(arguments) == 2 else "asc"
    if type(order) is not str:
        raise ExpressionError(f"sort order argument must be a string (got {type_name(order)})")
    if order not in ("asc", "desc"):
        raise ExpressionError(f"invalid order {order}, expected asc or desc")
    return order == "desc"


def sorted_by(items: list[object], keys: list[object], descending: bool) -> list[object]:
    """The items in the order of their keys. Raises ExpressionError for keys that cannot be compared."""

    def order(left: int, right: int) -> int:
        one, other = (right, left) if descending else (left, right)
        if compare("<", keys[one], keys[other]):
            return -1
        return 1 if compare("<", keys[other], keys[one]) else 0

    indices = sorted(range(len(items)), key=cmp_to_key(order))
    return [items[index] for index in indices]


def _sort(arguments: Arguments) -> object:
    descending = ordering(arguments)
    found = go_type(arguments[0])
    if found not in (types.ANYS, types.INTS, types.FLOATS, types.STRINGS) or isinstance(arguments[0], Nil):
        return Nil(types.ANYS)
    items = _items("sort", arguments[0])
    return sorted_by(items, items, descending)


def extreme(name: str, arguments: Arguments, patch: int, depth: int = 0) -> object:
    """`max` and `min`, of numbers and of lists of numbers; None of nothing."""
    if depth > 100:
        raise UndecidedError("a list is nested more than 100 deep")
    best: object = None
    for argument in arguments:
        if is_array(argument):
            found = _extreme_of_list(name, _items(name, argument), patch, depth)
        elif is_number(argument) or (isinstance(argument, Number) and depth == 0):
            found = argument
        elif len(arguments) == 1:
            return argument
        else:
            raise _not_a_number(name, argument)
        best = _better(name, best, found)
    return best


def _extreme_of_list(name: str, items: list[object], patch: int, depth: int) -> object:
    best: object = None
    for item in items:
        found = item if is_number(item) else extreme(name, (item,), patch, depth + 1)
        empty_list = found is None and is_array(item) and patch >= 8
        if not is_number(found) and not empty_list:
            raise _not_a_number(name, found)
        best = _better(name, best, found)
    return best


def _better(name: str, best: object, found: object) -> object:
    if best is None or found is None:
        return best if found is None else found
    return found if compare("<" if name == "max" else ">", best, found) else best


def _not_a_number(name: str, value: object) -> ExpressionError:
    return ExpressionError(f"invalid argument for {name} (type {type_name(value)})")


def _numbers(name: str, arguments: Arguments) -> list[float]:
    found: list[float] = []
    waiting = list(reversed(arguments))
    while waiting:
        value = waiting.pop()
        if is_array(value):
            waiting.extend(reversed(_items(name, value)))
        elif is_number(value) or isinstance(value, Number):
            found.append(float(int(value)) if isinstance(value, Number) else as_float(value))
        else:
            raise _not_a_number(name, value)
    return found


def _mean(arguments: Arguments) -> float:
    numbers = _numbers("mean", arguments)
    total = 0.0
    for number in numbers:
        # One after the other, as the library does: sum() would be more exact.
        total += number
    return total / len(numbers) if numbers else 0.0


def _median(arguments: Arguments) -> float:
    numbers = sorted(_numbers("median", arguments))
    if not numbers:
        return 0.0
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


RUN: Final[dict[str, Callable[[Arguments], object]]] = {
    "first": _end(0),
    "last": _end(-1),
    "take": _take,
    "keys": _keys,
    "values": _values,
    "toPairs": _to_pairs,
    "fromPairs": _from_pairs,
    "reverse": _reverse,
    "uniq": _uniq,
    "concat": _concat,
    "flatten": _flatten,
    "sort": _sort,
    "mean": _mean,
    "median": _median,
}
