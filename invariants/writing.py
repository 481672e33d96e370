"""What a rule may write, read off its source: the keywords of its calls of `only` and `outcome`.

A rule that makes its outcomes in another way, or whose source is not at hand, is not understood; the caller then
has to take every name that it mentions for one that it writes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

from model.system import Action, Outcome, Sequence, only, outcome, parts_of

MAKERS = (only, outcome)


def declared(step: Action | Sequence) -> frozenset[str]:
    """The variables that `step` declares that it may write; to write another is an error."""
    return frozenset(v for a in parts_of(step) for n, v in a.writes if n not in a.ignored)


def written_names(rule: Callable[..., object]) -> frozenset[str] | None:
    """The names that the outcomes of `rule` may change; None where its source does not show them."""
    return _of_function(rule) if isinstance(rule, FunctionType) else None


@cache
def _of_function(rule: FunctionType) -> frozenset[str] | None:
    found: set[str] = set()
    seen: set[FunctionType] = set()
    todo = [rule]
    while todo:
        function = todo.pop()
        if function in seen:
            continue
        seen.add(function)
        tree = _definition(function)
        if tree is None or function.__closure__ or not _returns_calls(tree):
            return None
        names, called = _outcomes(tree, function.__globals__)
        if names is None:
            return None
        found |= names
        todo += called
    return frozenset(found)


def _outcomes(tree: ast.AST, names: dict[str, object]) -> tuple[set[str] | None, list[FunctionType]]:
    """The names that outcomes made in `tree` change, None if that cannot be told; the functions it calls."""
    found: set[str | None] = set()
    functions: list[FunctionType] = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        item = _called(call.func, names)
        if item in MAKERS:
            found.update(k.arg for k in call.keywords)
        elif item is Outcome:
            found.add(None)
        elif isinstance(item, FunctionType):
            functions.append(item)
    return None if None in found else {name for name in found if name is not None}, functions


def _called(name: ast.expr, names: dict[str, object]) -> object:
    """What is called, by its own name or as a member of a module; None if that cannot be told."""
    if isinstance(name, ast.Name):
        return names.get(name.id)
    if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
        module = names.get(name.value.id)
        return getattr(module, name.attr, None) if isinstance(module, ModuleType) else None
    return None


def _returns_calls(tree: ast.AST) -> bool:
    """Whether everything a function returns is written down where it returns it, or is what a function returned."""
    returned = (node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value)
    return not any(isinstance(value, (ast.Name, ast.Subscript, ast.Attribute)) for value in returned)


def _definition(function: FunctionType) -> ast.AST | None:
    return _definitions(function.__code__.co_filename).get((function.__name__, function.__code__.co_firstlineno))


@cache
def _definitions(file: str) -> dict[tuple[str, int], ast.AST]:
    """Every function defined in a file, by its name and first line; none if the file cannot be read."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return {}
    found: dict[tuple[str, int], ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found[node.name, first] = node
    return found
