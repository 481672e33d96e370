"""Releases that a template cannot tell apart: what differs between them is not looked at when it is explored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from types import CodeType, FunctionType, ModuleType

from model.kargo import promotion
from model.kargo.expression_references import means_the_same, strings
from model.kargo.releases import Behaviours
from model.system import Rule, System, parts_of
from simulations.kargo.lint.shapes import kind_of
from simulations.kargo.lint.wanted import UNKNOWN_TEXT, Essence

FIELDS = frozenset(field.name for field in fields(Behaviours)) - {"release"}


def settings(looked_at: System) -> frozenset[str]:
    """The behaviours that decide what is explored: those that its rules mention, and those that it is made by."""
    rules = {a.function for step in looked_at.actions for a in parts_of(step) if "behaviours" in dict(a.constants)}
    return frozenset[str]().union(_of_the_pass(), *map(mentioned, rules))


@cache
def _of_the_pass() -> frozenset[str]:
    made_by = (f for f in vars(promotion).values() if isinstance(f, FunctionType))
    own = (f for f in made_by if f.__module__ == promotion.__name__)
    return FIELDS.intersection(name for function in own for name in _names(function.__code__))


@cache
def mentioned(rule: Rule) -> frozenset[str]:
    """The behaviours that a rule mentions, itself or in the functions that it calls."""
    found: set[str] = set()
    todo: list[object] = [rule]
    seen: set[int] = set()
    while todo:
        function = todo.pop()
        if not isinstance(function, FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        names = set(_names(function.__code__))
        found |= FIELDS & names
        known = [function.__globals__.get(name) for name in names]
        todo += known
        todo += [vars(module).get(name) for module in known if isinstance(module, ModuleType) for name in names]
    return frozenset(found)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)


def same(essence: Essence, one: Behaviours, then: Essence, other: Behaviours, looked_at: frozenset[str]) -> bool:
    """Whether the essence of a template goes in one release as `then` does in the other, as far as is looked at."""
    template = essence.template
    if essence != then or any(getattr(one, name) != getattr(other, name) for name in looked_at):
        return False
    if any(kind_of(s, one.release) != kind_of(s, other.release) for s in template.steps):
        return False
    variables = (*template.vars, *(pair for step in template.steps for pair in step.vars))
    texts = {value for _, value in variables} | {step.condition for step in template.steps}
    texts |= {text for step in template.steps for text in strings(json.loads(step.config or "{}"))}
    return all(means_the_same(text, one.release, other.release) for text in texts - {UNKNOWN_TEXT})
