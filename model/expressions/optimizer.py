"""The rewritings the library makes before it runs an expression, as far as they change what it gives.

They do change it: `x && true` becomes `x` and no longer fails if x is no boolean; `x in ["a"]` becomes a look-up in
a set of strings and fails if x is no string; `filter(...)[0]` stops at the first hit. Source: expr-lang/expr
``optimizer/*.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from model.expressions import syntax, types
from model.expressions.checker import Natures
from model.expressions.folding import fold
from model.expressions.nature import of_type
from model.expressions.syntax import Binary, Builtin, Literal, Node, Pointer, Predicate
from model.expressions.types import GoType, map_of

STRING_SET: Final = map_of(types.STRING, types.EMPTY_STRUCT)
INT_SET: Final = map_of(types.INT, types.EMPTY_STRUCT)

Pass = Callable[[Node, Natures], Node]
"""One rewriting: the node itself if it does not apply. A new node gets its type in the table."""


def optimized(root: Node, natures: Natures, patch: int) -> Node:
    """The tree that is run. Raises ExpressionError where folding constants fails."""
    root = rewritten(root, natures, _in_array)
    while (folded := rewritten(root, natures, fold)) is not root:
        root = folded
    for since, rewriting in _PASSES:
        if patch >= since:
            root = rewritten(root, natures, rewriting)
    return root


def rewritten(node: Node, natures: Natures, rewriting: Pass) -> Node:
    """The tree with a rewriting applied everywhere, from the leaves up."""
    before = syntax.children(node)
    if before:
        after = tuple([rewritten(child, natures, rewriting) for child in before])
        if any(new is not old for new, old in zip(after, before, strict=True)):
            nature = natures.get(node)
            node = syntax.with_children(node, after)
            if nature is not None:
                natures[node] = nature
    return rewriting(node, natures)


def type_of(node: Node, natures: Natures) -> GoType:
    """The static type of a node, `any` if it is unknown."""
    nature = natures.get(node)
    return types.ANY if nature is None or nature.type is None else nature.type


def _like(node: Node, made: Node, natures: Natures) -> Node:
    natures[made] = of_type(type_of(node, natures))
    return made


def _integer(node: Node) -> int | None:
    return node.value if isinstance(node, Literal) and type(node.value) is int else None


def _in_array(node: Node, natures: Natures) -> Node:
    if not (isinstance(node, Binary) and node.operator == "in" and isinstance(node.right, syntax.Array)):
        return node
    values = [part.value if isinstance(part, Literal) else None for part in node.right.nodes]
    if not values:
        return node
    if all(isinstance(value, str) for value in values):
        made = syntax.Constant(frozenset(values), STRING_SET)
    elif all(type(value) is int for value in values) and type_of(node.left, natures).kind == "int":
        made = syntax.Constant(frozenset(values), INT_SET)
    else:
        return node
    natures[made] = of_type(made.type)
    return _like(node, Binary("in", node.left, made, offset=node.offset), natures)


def _in_range(node: Node, natures: Natures) -> Node:
    if not (isinstance(node, Binary) and node.operator == "in" and type_of(node.left, natures).kind == "int"):
        return node
    bounds = _range(node.right)
    if bounds is None:
        return node
    low = Binary(">=", node.left, bounds[0], offset=node.offset)
    high = Binary("<=", node.left, bounds[1], offset=node.offset)
    return _like(node, Binary("and", low, high, offset=node.offset), natures)


def _range(node: Node) -> tuple[Node, Node] | None:
    constant = isinstance(node, Binary) and node.operator == ".."
    if constant and isinstance(node, Binary) and None not in (_integer(node.left), _integer(node.right)):
        return (node.left, node.right)
    return None


def _filter_of(node: Node) -> Builtin | None:
    return node if isinstance(node, Builtin) and node.name == "filter" and len(node.arguments) == 2 else None


def _filter_map(node: Node, natures: Natures) -> Node:
    if not (isinstance(node, Builtin) and node.name == "map" and len(node.arguments) == 2):
        return node
    filtered, body = _filter_of(node.arguments[0]), node.arguments[1]
    if filtered is None or filtered.mapped is not None or not isinstance(body, Predicate) or _has_index(body):
        return node
    return _like(node, Builtin("filter", filtered.arguments, mapped=body.node, offset=node.offset), natures)


def _has_index(node: Node) -> bool:
    if isinstance(node, Pointer):
        return node.name == "index"
    return any(_has_index(child) for child in syntax.children(node))


def _filter_len(node: Node, natures: Natures) -> Node:
    if isinstance(node, Builtin) and node.name == "len" and len(node.arguments) == 1:
        filtered = _filter_of(node.arguments[0])
        if filtered is not None:
            return _like(node, Builtin("count", filtered.arguments, offset=node.offset), natures)
    return node


def _filter_end(index: int, function: str, search: str) -> Pass:
    def rewriting(node: Node, natures: Natures) -> Node:
        throws = isinstance(node, syntax.Member) and not node.optional and _integer(node.property) == index
        if throws and isinstance(node, syntax.Member):
            filtered = _filter_of(node.node)
        elif isinstance(node, Builtin) and node.name == function and len(node.arguments) == 1:
            filtered = _filter_of(node.arguments[0])
        else:
            return node
        if filtered is None:
            return node
        made = Builtin(search, filtered.arguments, filtered.mapped, throws, offset=node.offset)
        return _like(node, made, natures)

    return rewriting


_COMBINED: Final = {
    ("all", "and"): "and",
    ("all", "&&"): "&&",
    ("any", "or"): "or",
    ("any", "||"): "||",
    ("none", "and"): "or",
    ("none", "&&"): "||",
}


def _combination(node: Node, natures: Natures) -> Node:
    if not (isinstance(node, Binary) and isinstance(node.left, Builtin) and isinstance(node.right, Builtin)):
        return node
    left, right = node.left, node.right
    operator = _COMBINED.get((left.name, node.operator))
    if operator is None or right.name != left.name:
        return node
    one, other = left.arguments[0], right.arguments[0]
    if type_of(one, natures) is not type_of(other, natures) or not syntax.same(one, other):
        return node
    bodies = [part.node for part in (left.arguments[1], right.arguments[1]) if isinstance(part, Predicate)]
    body = _combination(Binary(operator, bodies[0], bodies[1], offset=node.offset), natures)
    return _like(node, Builtin(left.name, (one, Predicate(body)), offset=node.offset), natures)


def _sum_array(node: Node, natures: Natures) -> Node:
    if not (isinstance(node, Builtin) and node.name == "sum" and len(node.arguments) == 1):
        return node
    array = node.arguments[0]
    if not isinstance(array, syntax.Array) or len(array.nodes) < 2:
        return node
    total = array.nodes[-1]
    for part in reversed(array.nodes[:-1]):
        total = Binary("+", part, total, offset=node.offset)
    return _like(node, total, natures)


def _sum_map(node: Node, natures: Natures) -> Node:
    if isinstance(node, Builtin) and node.name == "sum" and len(node.arguments) == 1:
        inner = node.arguments[0]
        if isinstance(inner, Builtin) and inner.name == "map" and len(inner.arguments) == 2:
            return _like(node, Builtin("sum", inner.arguments, offset=node.offset), natures)
    return node


def _sum_range(node: Node, natures: Natures) -> Node:
    if not (isinstance(node, Builtin) and node.name in ("sum", "reduce")):
        return node
    bounds = _range(node.arguments[0])
    low, high = (0, -1) if bounds is None else (_integer(bounds[0]) or 0, _integer(bounds[1]) or 0)
    if high < low:
        return node
    count = high - low + 1
    total = count * (low + high) // 2
    found = _summed(node, total, count) if node.name == "sum" else _reduced(node, total)
    if found is None or not -(1 << 63) <= found < 1 << 63:
        return node
    made = Literal(found, offset=node.offset)
    natures[made] = of_type(types.INT)
    return made


def _summed(node: Builtin, total: int, count: int) -> int | None:
    if len(node.arguments) == 1:
        return total
    body = node.arguments[1].node if isinstance(node.arguments[1], Predicate) else None
    if isinstance(body, Pointer) and body.name == "":
        return total
    if not isinstance(body, Binary):
        return None
    left, right = body.left, body.right
    pointer_left = isinstance(left, Pointer) and left.name == ""
    pointer, constant = (left, _integer(right)) if pointer_left else (right, _integer(left))
    if constant is None or not (isinstance(pointer, Pointer) and pointer.name == ""):
        return None
    results = {"*": constant * total, "+": total + count * constant}
    results["-"] = (total - count * constant) * (1 if pointer_left else -1)
    return results.get(body.operator)


def _reduced(node: Builtin, total: int) -> int | None:
    body = node.arguments[1].node if isinstance(node.arguments[1], Predicate) else None
    if not (isinstance(body, Binary) and body.operator == "+"):
        return None
    names = {part.name for part in (body.left, body.right) if isinstance(part, Pointer)}
    if names != {"", "acc"}:
        return None
    if len(node.arguments) == 2:
        return total
    initial = _integer(node.arguments[2])
    return None if initial is None else initial + total


def _count_any(node: Node, natures: Natures) -> Node:
    counted = _compared_count(node)
    if counted is None or (counted[1], counted[2]) not in ((">", 0), (">=", 1)):
        return node
    return _like(node, Builtin("any", counted[0].arguments, offset=node.offset), natures)


def _compared_count(node: Node) -> tuple[Builtin, str, int] | None:
    if not (isinstance(node, Binary) and isinstance(node.left, Builtin)):
        return None
    limit = _integer(node.right)
    if node.left.name != "count" or len(node.left.arguments) != 2 or limit is None:
        return None
    return (node.left, node.operator, limit)


def _count_threshold(node: Node, natures: Natures) -> Node:
    counted = _compared_count(node)
    if counted is None or not isinstance(node, Binary):
        return node
    count, operator, limit = counted
    threshold = {">": limit + 1, ">=": limit, "<": limit, "<=": limit + 1}.get(operator, 0)
    if limit < 0 or threshold <= 1:
        return node
    limited = Builtin("count", count.arguments, threshold=threshold, offset=count.offset)
    natures[limited] = natures.get(count, of_type(types.INT))
    return _like(node, Binary(operator, limited, node.right, offset=node.offset), natures)


# The library's order, with the patch of 1.17 that brought each.
_PASSES: Final[tuple[tuple[int, Pass], ...]] = (
    (0, _in_range),
    (0, _filter_map),
    (0, _filter_len),
    (0, _filter_end(-1, "last", "findLast")),
    (0, _filter_end(0, "first", "find")),
    (0, _combination),
    (8, _sum_range),
    (0, _sum_array),
    (0, _sum_map),
    (8, _count_any),
    (8, _count_threshold),
)
