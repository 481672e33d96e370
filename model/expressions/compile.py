"""From text to a program: parsing, checking and rewriting, done once per text and dialect."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from model.expressions import signatures
from model.expressions.checker import Natures, check
from model.expressions.optimizer import optimized
from model.expressions.parser import parse
from model.expressions.results import ExpressionError, Failure, Undecided, UndecidedError, place
from model.expressions.syntax import Node
from model.expressions.types import Signature


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """A function of the embedding program, as the checker sees it: a name and one or more overloads."""

    name: str
    overloads: tuple[Signature, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Dialect:
    """The language in one place: the patch of version 1.17 (6, 7 or 8) and the functions that can be called.

    Programs are kept per dialect, so make each dialect once.
    """

    patch: int
    functions: tuple[Function, ...] = ()
    table: dict[str, tuple[Signature, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.table.update((function.name, function.overloads) for function in self.functions)


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """An expression that was accepted: the tree to run and what is known of the types of its nodes."""

    source: str
    root: Node
    natures: Natures
    patch: int


@lru_cache(maxsize=8192)
def compile_expression(source: str, dialect: Dialect) -> Program | Failure | Undecided:
    """The program of an expression, or why there is none."""
    try:
        root = parse_cached(source, dialect)
        natures = check(root, dialect.table, dialect.patch)
        return Program(source, optimized(root, natures, dialect.patch), natures, dialect.patch)
    except ExpressionError as error:
        return Failure(error.message, *place(source, error.offset))
    except UndecidedError as error:
        return Undecided(str(error))


@lru_cache(maxsize=8192)
def parse_cached(source: str, dialect: Dialect) -> Node:
    """The tree of an expression as it was written. Raises ExpressionError or UndecidedError."""
    return parse(source, dialect.patch, frozenset(dialect.table), signatures.NAMES)
