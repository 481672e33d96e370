"""What the expressions of a Promotion can read, said without running them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from model.expressions import Failure, Findings, Reference, Undecided, references
from model.kargo.expressions import rules_for
from model.kargo.functions import STATUS_NAMES

ALL: Final = "ALL"

Keys: TypeAlias = frozenset[str] | Literal["ALL"]
"""Some keys, or all there are because a key is computed or the whole is used."""

NONE: Final[Keys] = frozenset()


@dataclass(frozen=True, slots=True)
class StepReferences:
    """What a text or a tree of texts can read.

    ``outputs`` and ``task_outputs`` hold aliases, the latter without the task's, ``step_metas`` aliases in full,
    ``variables`` names, ``statuses`` the aliases that `status` is asked for. ``asks_failures`` says whether
    `failure()` or `success()` is called, ``always`` whether `always()` is. ``functions`` holds the names of all of
    Kargo's functions that are called.
    """

    outputs: Keys = NONE
    task_outputs: Keys = NONE
    step_metas: Keys = NONE
    variables: Keys = NONE
    statuses: Keys = NONE
    asks_failures: bool = False
    always: bool = False
    context: bool = False
    functions: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()
    problems: tuple[Failure | Undecided, ...] = ()


def find_references(text_or_tree: object, release: str) -> StepReferences:
    """What a template, or every string in a tree of maps and lists, can read in the place of a step's config."""
    rules = rules_for(release)
    found = [references(text, rules.steps, rules.delimiters) for text in strings(text_or_tree)]
    return _summary(found)


def mentions_status_function(condition: str, release: str) -> bool:
    """Whether an `if` calls `always`, `failure`, `success` or `status`."""
    return not STATUS_NAMES.isdisjoint(find_references(condition, release).functions)


def means_the_same(text: str, one: str, other: str) -> bool:
    """Whether it is plain that a text comes to the same in two releases, whatever it reads."""
    if "${" not in text:
        return True
    here, there = rules_for(one), rules_for(other)
    found = find_references(text, one)
    names = {reference.name for reference in found.references}
    ways = [(rules.steps.patch, rules.delimiters, rules.names_the_type) for rules in (here, there)]
    return (
        ways[0] == ways[1]
        and all(here.steps.table.get(name) == there.steps.table.get(name) for name in names)
        and (here.wide_context == there.wide_context or not found.context)
        and names.isdisjoint(("target", "$env"))
    )


def strings(tree: object) -> Iterator[str]:
    """Every string in a tree of maps and lists."""
    waiting = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, (list, tuple)):
            waiting.extend(reversed(item))


def _summary(found: list[Findings]) -> StepReferences:
    every = tuple(one for findings in found for one in findings.references)
    names = [one for one in every if not one.called]
    calls = [one for one in every if one.called]
    everything = any(one.name == "$env" for one in names)
    called = frozenset(one.name for one in calls)
    return StepReferences(
        outputs=_keys(names, ("outputs",), everything),
        task_outputs=_keys(names, ("task", "outputs"), everything),
        step_metas=_keys(names, ("stepMetas",), everything),
        variables=_keys(names, ("vars",), everything),
        statuses=_statuses(calls),
        asks_failures=not called.isdisjoint(("failure", "success")),
        always="always" in called,
        context=everything or any(one.name == "ctx" for one in names),
        functions=called,
        references=every,
        problems=tuple(one for findings in found for one in findings.problems),
    )


def _keys(names: list[Reference], root: tuple[str, ...], everything: bool) -> Keys:
    if everything:
        return ALL
    keys: set[str] = set()
    for one in names:
        full = (one.name, *one.path)
        if full == root[: len(full)]:
            return ALL
        key = full[len(root)] if full[: len(root)] == root else None
        if key is not None:
            keys.add(key)
    return frozenset(keys)


def _statuses(calls: list[Reference]) -> Keys:
    asked = [one.path[0] if one.path else None for one in calls if one.name == "status"]
    return ALL if None in asked else frozenset(alias for alias in asked if alias is not None)
