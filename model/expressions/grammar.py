"""What the parser goes by: operators, functions with closures, limits, and how numbers are written.

Source: expr-lang/expr ``parser/operator/operator.go``, ``parser/parser.go``, ``conf/config.go``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from model.expressions import syntax
from model.expressions.lexer import Token
from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.syntax import Node

MAX_NESTING: Final = 60
"""How deeply brackets and the like may be nested here; the controller allows far more."""

MAX_TREE_DEPTH: Final = 120
"""How deep a tree may be here; a row of operators makes a deep tree, too."""

MAX_NODES: Final = 10_000
"""The controller's own limit on the number of nodes (``conf.DefaultMaxNodes``)."""


class Operator(NamedTuple):
    """How tightly an operator binds, and whether to the right."""

    precedence: int
    right: bool = False


UNARY: Final = {"not": 50, "!": 50, "-": 90, "+": 90}
BINARY: Final = {
    "|": Operator(0),
    "or": Operator(10),
    "||": Operator(10),
    "and": Operator(15),
    "&&": Operator(15),
    **{op: Operator(20) for op in ("==", "!=", "<", ">", ">=", "<=")},
    **{op: Operator(20) for op in ("in", "matches", "contains", "startsWith", "endsWith")},
    "..": Operator(25),
    "+": Operator(30),
    "-": Operator(30),
    "*": Operator(60),
    "/": Operator(60),
    "%": Operator(60),
    "**": Operator(100, right=True),
    "^": Operator(100, right=True),
    "??": Operator(500),
}
COMPARISONS: Final = ("<", ">", ">=", "<=")
NEGATABLE: Final = ("contains", "matches", "startsWith", "endsWith", "in")

PREDICATES: Final = {
    "all": "xp", "none": "xp", "any": "xp", "one": "xp", "filter": "xp", "map": "xp", "count": "xP", "sum": "xP",
    "find": "xp", "findIndex": "xp", "findLast": "xp", "findLastIndex": "xp", "groupBy": "xp", "sortBy": "xpX",
    "reduce": "xpX",
}  # fmt: skip
"""The functions that take closures: x an expression, p a closure, in capitals if it may be left out."""


def check_size(root: Node) -> None:
    """Raises ExpressionError for more nodes than the controller takes, UndecidedError for a tree too deep here."""
    level, depth, count = [root], 0, 0
    while level:
        depth += 1
        count += len(level)
        if count > MAX_NODES:
            raise ExpressionError("compilation failed: expression exceeds maximum allowed nodes")
        if depth > MAX_TREE_DEPTH:
            raise UndecidedError(f"the expression is more than {MAX_TREE_DEPTH} levels deep")
        level = [child for node in level for child in syntax.children(node)]


def number(token: Token) -> int | float:
    """The value of a number literal. Raises ExpressionError."""
    text = token.value.replace("_", "")
    lowered = text.lower()
    base = {"0x": 16, "0b": 2, "0o": 8}.get(lowered[:2], 10)
    try:
        if base != 16 and ("." in lowered or "e" in lowered):
            found = float(text)
            if found == float("inf"):
                raise ValueError("out of range")
            return found
        integer = int(text[2:] if base != 10 else text, base)
    except ValueError as error:
        raise ExpressionError(f"invalid number literal {token.value}", token.offset) from error
    if integer >= 1 << 63:
        raise ExpressionError(f"invalid integer literal {token.value}: value out of range", token.offset)
    return integer
