"""What an expression can read, said without running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from model.expressions import syntax
from model.expressions.checker_rules import literal_name
from model.expressions.compile import Dialect, compile_expression, parse_cached
from model.expressions.results import ExpressionError, Failure, Undecided, UndecidedError, place
from model.expressions.syntax import Node
from model.expressions.template import Delimiters, is_template, parse_template


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable that is read, or a function that is called.

    ``path`` holds the names of the members that are asked for one after the other, as far as they are written
    out; for a call, its arguments, None for one that is not a string literal. ``line`` and ``column`` count from 1
    in the template.
    """

    name: str
    path: tuple[str | None, ...]
    called: bool
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Findings:
    """All references in a template, and what is wrong with its expressions."""

    references: tuple[Reference, ...]
    problems: tuple[Failure | Undecided, ...]


@lru_cache(maxsize=8192)
def references(text: str, dialect: Dialect, delimiters: Delimiters) -> Findings:
    """What the expressions of a template can read; one that cannot be parsed is a problem and gives nothing."""
    if not is_template(text, delimiters):
        return Findings((), ())
    template = parse_template(text, delimiters)
    found: list[Reference] = []
    problems: list[Failure | Undecided] = [] if template.unclosed is None else [template.unclosed]
    for part in template.parts:
        try:
            root = parse_cached(part.source, dialect)
        except ExpressionError as error:
            problems.append(Failure(error.message, *place(text, part.offset + max(error.offset, 0))))
            continue
        except UndecidedError as error:
            problems.append(Undecided(str(error)))
            continue
        for name, path, called, node in _references(root, frozenset()):
            found.append(Reference(name, path, called, *place(text, part.offset + node.offset)))
        checked = compile_expression(part.source, dialect)
        if isinstance(checked, Failure):
            line, column = place(text, part.offset)
            at = column + checked.column - 1 if checked.line <= 1 else checked.column
            problems.append(Failure(checked.message, line + max(checked.line - 1, 0), max(at, 1)))
    return Findings(tuple(found), tuple(problems))


_Found = tuple[str, tuple[str | None, ...], bool, Node]


def _references(node: Node, hidden: frozenset[str]) -> Iterator[_Found]:
    match node:
        case syntax.Identifier(name=name):
            if name not in hidden:
                yield (name, (), False, node)
        case syntax.Let(name=name, value=value, body=body):
            yield from _references(value, hidden)
            yield from _references(body, hidden | {name})
        case syntax.Call(callee=syntax.Identifier(name=name), arguments=arguments):
            yield (name, tuple(map(literal_name, arguments)), True, node)
            for argument in arguments:
                yield from _references(argument, hidden)
        case syntax.Member() | syntax.Chain() | syntax.Builtin(name="get", arguments=(_, _)):
            yield from _access(node, hidden)
        case _:
            for child in syntax.children(node):
                yield from _references(child, hidden)


def _access(node: Node, hidden: frozenset[str]) -> Iterator[_Found]:
    """The variable at the root of a row of member accesses, with the names that are written out."""
    row: list[str | None] = []
    others: list[Node] = []
    at = node
    while True:
        if isinstance(at, syntax.Chain):
            at = at.node
        elif isinstance(at, syntax.Member):
            row.append(literal_name(at.property))
            others.append(at.property)
            at = at.node
        elif isinstance(at, syntax.Builtin) and at.name == "get" and len(at.arguments) == 2:
            row.append(literal_name(at.arguments[1]))
            others.append(at.arguments[1])
            at = at.arguments[0]
        else:
            break
    for other in others:
        yield from _references(other, hidden)
    if not isinstance(at, syntax.Identifier):
        yield from _references(at, hidden)
    elif at.name not in hidden:
        names = row[::-1]
        if at.name == "$env" and names and names[0] is not None:
            yield (names[0], tuple(_known(names[1:])), False, at)
        else:
            yield (at.name, tuple(_known(names)), False, at)


def _known(names: list[str | None]) -> list[str | None]:
    """The names up to the first that is computed."""
    return names[: names.index(None)] if None in names else names
