"""Constant folding: one step of what the library computes before it runs an expression.

Source: expr-lang/expr ``optimizer/fold.go``.
"""

from __future__ import annotations

from typing import Final

from model.expressions import syntax, types
from model.expressions.binary import ARITHMETIC
from model.expressions.checker import Natures
from model.expressions.nature import Nature, of_type
from model.expressions.results import ExpressionError
from model.expressions.syntax import Binary, Builtin, Literal, Node, Predicate
from model.expressions.values import wrapped


def fold(node: Node, natures: Natures) -> Node:
    """The node with a constant in its place if all it needs is constant; else the node itself."""
    match node:
        case syntax.Unary():
            return _unary(node, natures)
        case Binary(operator="and" | "&&" | "or" | "||"):
            return _logic(node, natures)
        case Binary():
            return _binary(node, natures)
        case syntax.Array():
            return _array(node, natures)
        case Builtin(name="filter"):
            return _nested_filter(node, natures)
        case _:
            return node


def _literal(value: int | float | bool | str, node: Node, natures: Natures) -> Node:
    made = Literal(value, offset=node.offset)
    natures[made] = of_type(_TYPES[type(value)])
    return made


_TYPES: Final = {bool: types.BOOL, int: types.INT, float: types.FLOAT, str: types.STRING}


def _unary(node: syntax.Unary, natures: Natures) -> Node:
    value = node.operand.value if isinstance(node.operand, Literal) else None
    if node.operator in ("!", "not"):
        return _literal(not value, node, natures) if isinstance(value, bool) else node
    if type(value) is int or type(value) is float:
        signed = -value if node.operator == "-" else value
        return _literal(wrapped(signed) if isinstance(signed, int) else signed, node, natures)
    return node


def _logic(node: Binary, natures: Natures) -> Node:
    # The operand that stays takes over the type of the whole, boolean, without being asked whether it is one.
    neutral = node.operator in ("and", "&&")
    for constant, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(constant, Literal) and constant.value is neutral:
            natures[other] = natures.get(node, of_type(types.BOOL))
            return other
    for constant in (node.left, node.right):
        if isinstance(constant, Literal) and constant.value is (not neutral):
            return _literal(not neutral, node, natures)
    return node


def _binary(node: Binary, natures: Natures) -> Node:
    if not (isinstance(node.left, Literal) and isinstance(node.right, Literal)):
        return node
    left, right = node.left.value, node.right.value
    found = _computed(node, left, right)
    return node if found is None else _literal(found, node, natures)


def _computed(node: Binary, left: object, right: object) -> int | float | bool | str | None:
    kinds = (type(left), type(right))
    if node.operator == "==":
        return left == right if kinds in ((int, int), (str, str), (bool, bool)) else None
    if node.operator == "+" and kinds == (str, str):
        return f"{left}{right}"
    if node.operator == "%":
        if kinds != (int, int):
            return None
        if right == 0:
            raise ExpressionError("integer divide by zero", node.offset)
    operation = ARITHMETIC.get(node.operator)
    if operation is None or not all(kind in (int, float) for kind in kinds):
        return None
    found = operation(left, right)
    assert isinstance(found, (int, float))
    return found


def _array(node: syntax.Array, natures: Natures) -> Node:
    values = [part.value for part in node.nodes if isinstance(part, Literal) and type(part.value) is not bytes]
    if not values or len(values) < len(node.nodes):
        return node
    made = syntax.Constant(values, types.ANYS, offset=node.offset)
    natures[made] = Nature(types.ANYS)
    return made


def _nested_filter(node: Builtin, natures: Natures) -> Node:
    inner = node.arguments[0]
    if not (isinstance(inner, Builtin) and inner.name == "filter" and len(node.arguments) == 2):
        return node
    bodies = [part.node for part in (inner.arguments[1], node.arguments[1]) if isinstance(part, Predicate)]
    both = Predicate(Binary("&&", bodies[0], bodies[1], offset=node.offset), offset=node.offset)
    made = Builtin("filter", (inner.arguments[0], both), offset=node.offset)
    natures[made] = natures.get(node, of_type(types.ANYS))
    return made
