"""The language's functions that take a closure.

Source: expr-lang/expr ``compiler/compiler.go: BuiltinNode``. Each goes over its array as that bytecode does; a
string gives its bytes, and a map only its length, which is enough as long as no element is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from model.expressions import operators, types
from model.expressions.builtins_lists import STABLE_UP_TO, ordering, sorted_by
from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.syntax import Builtin, Node
from model.expressions.values import (
    UNKNOWN,
    AnyMap,
    Nil,
    Number,
    TypedList,
    Unordered,
    encode,
    mentions_unknown,
)


class Machine(Protocol):
    """What a loop needs of the run it is part of."""

    at: int
    scopes: list[Scope]

    def value(self, node: Node) -> object:
        """The value of a node."""

    def operand(self, node: Node) -> object:
        """The value of a node, pointers followed."""

    def grow(self, size: int) -> None:
        """Count new elements."""


@dataclass(slots=True)
class Scope:
    """What a closure sees: the elements, which of them it is at, and what was gathered."""

    items: list[object]
    readable: bool = True
    index: int = 0
    accumulator: object = field(default=None)

    def item(self) -> object:
        """The element the closure is at."""
        if not self.readable:
            raise ExpressionError("reflect: call of reflect.Value.Index on map Value")
        return self.items[self.index]


def ints(numbers: Iterable[int]) -> TypedList:
    """A `[]int`."""
    return TypedList(numbers, types.INTS)


def _scope(value: object) -> Scope:
    if isinstance(value, (list, bytes)):
        return Scope(list(value))
    if isinstance(value, str):
        return Scope([Number(byte, types.UINT8) for byte in encode(value)])
    if isinstance(value, (dict, AnyMap)):
        return Scope([None] * len(value), readable=False)
    if isinstance(value, Nil) and value.type.kind in ("map", "slice"):
        return Scope([])
    raise ExpressionError("reflect: call of reflect.Value.Len on zero Value")


def _looped(loop: Callable[[Machine, Builtin, Scope], object]) -> Callable[[Machine, Builtin], object]:
    def run(machine: Machine, node: Builtin) -> object:
        collection = machine.operand(node.arguments[0])
        if collection is UNKNOWN:
            return UNKNOWN
        if isinstance(collection, Unordered) and node.name not in _ORDER_FREE:
            return UNKNOWN
        machine.at = node.offset
        scope = _scope(collection)
        machine.scopes.append(scope)
        result = loop(machine, node, scope)
        machine.scopes.pop()
        if isinstance(collection, Unordered) and isinstance(result, list) and len(result) > 1:
            return Unordered(result)
        return result

    return run


_ORDER_FREE: Final = frozenset(("all", "none", "any", "one", "count", "filter", "map"))


def _steps(scope: Scope) -> Iterator[None]:
    while scope.index < len(scope.items):
        yield
        scope.index += 1


def _until(stop: bool, negated: bool = False) -> Callable[[Machine, Builtin, Scope], object]:
    """A loop that ends with ``stop`` at the first element whose condition, negated if so, is ``stop``."""

    def loop(machine: Machine, node: Builtin, scope: Scope) -> object:
        unsure = False
        for _ in _steps(scope):
            try:
                found = _plain_condition(machine, node.arguments[1])
            except ExpressionError:
                if unsure:
                    return UNKNOWN
                raise
            if found is None:
                unsure = True
            elif (found is not negated) is stop:
                return stop
        return UNKNOWN if unsure else not stop

    return loop


def _plain_condition(machine: Machine, node: Node) -> bool | None:
    value = machine.value(node)
    return None if value is UNKNOWN else operators.boolean(value)


def _one(machine: Machine, node: Builtin, scope: Scope) -> object:
    found = _counted(machine, node, scope)
    return UNKNOWN if found is None else found == 1


def _count(machine: Machine, node: Builtin, scope: Scope) -> object:
    found = _counted(machine, node, scope)
    return UNKNOWN if found is None else found


def _counted(machine: Machine, node: Builtin, scope: Scope) -> int | None:
    total = 0
    for _ in _steps(scope):
        if len(node.arguments) == 2:
            found = _plain_condition(machine, node.arguments[1])
        else:
            item = scope.item()
            found = None if item is UNKNOWN else operators.boolean(item)
        if found is None:
            return None
        total += found
        if node.threshold is not None and total >= node.threshold:
            break
    return total


def _filter(machine: Machine, node: Builtin, scope: Scope) -> object:
    kept: list[object] = []
    for _ in _steps(scope):
        found = _plain_condition(machine, node.arguments[1])
        if found is None:
            return UNKNOWN
        if found:
            kept.append(scope.item() if node.mapped is None else machine.value(node.mapped))
    machine.grow(len(kept))
    return kept


def _map(machine: Machine, node: Builtin, scope: Scope) -> object:
    made = [machine.value(node.arguments[1]) for _ in _steps(scope)]
    machine.grow(len(made))
    return made


def _sum(machine: Machine, node: Builtin, scope: Scope) -> object:
    total: object = 0
    for _ in _steps(scope):
        item = machine.value(node.arguments[1]) if len(node.arguments) == 2 else scope.item()
        if item is UNKNOWN:
            return UNKNOWN
        total = operators.add(item, total)
    return total


def _find(backwards: bool, index: bool) -> Callable[[Machine, Builtin, Scope], object]:
    def loop(machine: Machine, node: Builtin, scope: Scope) -> object:
        order = range(len(scope.items))
        for place in reversed(order) if backwards else order:
            scope.index = place
            found = _plain_condition(machine, node.arguments[1])
            if found is None:
                return UNKNOWN
            if found:
                return place if index else _hit(machine, node, scope)
        if node.throws:
            raise ExpressionError("reflect: slice index out of range")
        return None

    return loop


def _hit(machine: Machine, node: Builtin, scope: Scope) -> object:
    return scope.item() if node.mapped is None else machine.value(node.mapped)


def _group_by(machine: Machine, node: Builtin, scope: Scope) -> object:
    groups = AnyMap(types.GROUPS)
    for _ in _steps(scope):
        key = machine.value(node.arguments[1])
        if mentions_unknown(key):
            return UNKNOWN
        members = groups.get(key)
        groups[key] = [*(members if isinstance(members, list) else []), scope.item()]
    return groups


def _sort_by(machine: Machine, node: Builtin, scope: Scope) -> object:
    order = machine.value(node.arguments[2]) if len(node.arguments) == 3 else "asc"
    if order is UNKNOWN:
        return UNKNOWN
    descending = ordering((None, order))
    items, keys = [], []
    for _ in _steps(scope):
        keys.append(machine.value(node.arguments[1]))
        items.append(scope.item())
    if any(map(mentions_unknown, keys)):
        return UNKNOWN
    result = sorted_by(items, keys, descending)
    machine.grow(len(items))
    if len(items) > STABLE_UP_TO and sorted_by(items[::-1], keys[::-1], descending) != result:
        raise UndecidedError("it depends on how equal elements of a long list are sorted")
    return result


def _reduce(machine: Machine, node: Builtin, scope: Scope) -> object:
    if len(node.arguments) == 3:
        # Evaluated inside the scope, like the closure.
        scope.accumulator = machine.operand(node.arguments[2])
    elif not scope.items:
        raise ExpressionError("reduce of empty array with no initial value")
    else:
        scope.accumulator = scope.item()
        scope.index = 1
    for _ in _steps(scope):
        scope.accumulator = machine.value(node.arguments[1])
    return scope.accumulator


LOOPS: Final[dict[str, Callable[[Machine, Builtin], object]]] = {
    "all": _looped(_until(stop=False)),
    "none": _looped(_until(stop=False, negated=True)),
    "any": _looped(_until(stop=True)),
    "one": _looped(_one),
    "filter": _looped(_filter),
    "map": _looped(_map),
    "count": _looped(_count),
    "sum": _looped(_sum),
    "find": _looped(_find(backwards=False, index=False)),
    "findIndex": _looped(_find(backwards=False, index=True)),
    "findLast": _looped(_find(backwards=True, index=False)),
    "findLastIndex": _looped(_find(backwards=True, index=True)),
    "groupBy": _looped(_group_by),
    "sortBy": _looped(_sort_by),
    "reduce": _looped(_reduce),
}
