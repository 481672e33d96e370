"""The syntax tree of an expression.

Nodes are compared by identity, so that they can be keys of the table of types. ``offset`` counts characters from
the start of the expression, for messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from model.expressions.types import GoType


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Node:
    offset: int = field(default=0)


@dataclass(frozen=True, eq=False, slots=True)
class NilLiteral(_Node):
    """`nil`."""


@dataclass(frozen=True, eq=False, slots=True)
class Identifier(_Node):
    """A name."""

    name: str


@dataclass(frozen=True, eq=False, slots=True)
class Literal(_Node):
    """An integer, float, boolean, string or bytes, as the Python value of that type."""

    value: int | float | bool | str | bytes


@dataclass(frozen=True, eq=False, slots=True)
class Constant(_Node):
    """A value the optimiser made: a list, or the set of strings or ints to the right of `in`."""

    value: object
    type: GoType


@dataclass(frozen=True, eq=False, slots=True)
class Unary(_Node):
    """An operator before its operand."""

    operator: str
    operand: Node


@dataclass(frozen=True, eq=False, slots=True)
class Binary(_Node):
    """An operator between two operands."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, eq=False, slots=True)
class Chain(_Node):
    """What an optional access inside leaves when it meets nil: nil."""

    node: Node


@dataclass(frozen=True, eq=False, slots=True)
class Member(_Node):
    """`node.property` or `node[property]`; ``optional`` with `?.`; ``method`` if a call follows."""

    node: Node
    property: Node
    optional: bool = False
    method: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Slice(_Node):
    """`node[first:last]`."""

    node: Node
    first: Node | None
    last: Node | None


@dataclass(frozen=True, eq=False, slots=True)
class Call(_Node):
    """A call of a function of the embedding program, or of a method."""

    callee: Node
    arguments: tuple[Node, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Builtin(_Node):
    """A call of one of the language's own functions.

    The optimiser adds: ``mapped``, applied to what a filter or find keeps; ``throws``, a find without result
    fails; ``threshold``, the count at which counting stops.
    """

    name: str
    arguments: tuple[Node, ...]
    mapped: Node | None = None
    throws: bool = False
    threshold: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Predicate(_Node):
    """The body of a closure."""

    node: Node


@dataclass(frozen=True, eq=False, slots=True)
class Pointer(_Node):
    """`#` (no name), `#index` or `#acc`."""

    name: str


@dataclass(frozen=True, eq=False, slots=True)
class Let(_Node):
    """`let name = value; body`."""

    name: str
    value: Node
    body: Node


@dataclass(frozen=True, eq=False, slots=True)
class Sequence(_Node):
    """Expressions separated by semicolons; the last one counts."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Conditional(_Node):
    """`condition ? then : otherwise`, or the same as `if`."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, eq=False, slots=True)
class Array(_Node):
    """`[...]`."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Map(_Node):
    """`{key: value, ...}`."""

    pairs: tuple[tuple[Node, Node], ...]


Node: TypeAlias = (
    NilLiteral
    | Identifier
    | Literal
    | Constant
    | Unary
    | Binary
    | Chain
    | Member
    | Slice
    | Call
    | Builtin
    | Predicate
    | Pointer
    | Let
    | Sequence
    | Conditional
    | Array
    | Map
)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node, in the order in which the language's own visitors walk them."""
    match node:
        case NilLiteral() | Identifier() | Literal() | Constant() | Pointer():
            return ()
        case Unary(operand=inner) | Chain(node=inner) | Predicate(node=inner):
            return (inner,)
        case Binary(left=left, right=right):
            return (left, right)
        case Member(node=inner, property=property_):
            return (inner, property_)
        case Slice(node=inner, first=first, last=last):
            return tuple(part for part in (inner, first, last) if part is not None)
        case Call(callee=callee, arguments=arguments):
            return (callee, *arguments)
        case _:
            return _children_of_block(node)


def _children_of_block(node: Node) -> tuple[Node, ...]:
    match node:
        case Builtin(arguments=arguments, mapped=mapped):
            return arguments if mapped is None else (*arguments, mapped)
        case Let(value=value, body=body):
            return (value, body)
        case Sequence(nodes=nodes) | Array(nodes=nodes):
            return nodes
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Map(pairs=pairs):
            return tuple(part for pair in pairs for part in pair)
        case _:
            return ()


def with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    """The same node with other children, given in the order of :func:`children`."""
    match node:
        case Unary():
            return replace(node, operand=parts[0])
        case Chain() | Predicate():
            return replace(node, node=parts[0])
        case Binary():
            return replace(node, left=parts[0], right=parts[1])
        case Member():
            return replace(node, node=parts[0], property=parts[1])
        case Slice():
            rest = iter(parts[1:])
            first = None if node.first is None else next(rest)
            return replace(node, node=parts[0], first=first, last=next(rest, None))
        case Call():
            return replace(node, callee=parts[0], arguments=parts[1:])
        case _:
            return _block_with_children(node, parts)


def _block_with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    match node:
        case Builtin():
            count = len(node.arguments)
            return replace(node, arguments=parts[:count], mapped=parts[count] if node.mapped else None)
        case Let():
            return replace(node, value=parts[0], body=parts[1])
        case Sequence() | Array():
            return replace(node, nodes=parts)
        case Conditional():
            return replace(node, condition=parts[0], then=parts[1], otherwise=parts[2])
        case Map():
            return replace(node, pairs=tuple(zip(parts[::2], parts[1::2], strict=True)))
        case _:
            return node


def same(left: Node, right: Node) -> bool:
    """Whether two trees read the same, wherever they stand."""
    if type(left) is not type(right) or _label(left) != _label(right):
        return False
    below, beside = children(left), children(right)
    return len(below) == len(beside) and all(map(same, below, beside))


def _label(node: Node) -> tuple[object, ...]:
    match node:
        case Identifier(name=name) | Pointer(name=name) | Let(name=name) | Builtin(name=name):
            return (name,)
        case Literal(value=value):
            return (type(value), value)
        case Constant(value=value):
            return (repr(value),)
        case Unary(operator=operator) | Binary(operator=operator):
            return (operator,)
        case Member(optional=optional, method=method):
            return (optional, method)
        case Slice(first=first, last=last):
            return (first is None, last is None)
        case _:
            return ()
