"""A workflow as the engine sees it: lists of steps inside of steps, each step with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from model.system import ModelError

LOOPS = frozenset({"while", "do-while"})
LEAVES = frozenset({"command", "prompt", "shell"})
"""Steps that do the work; what they come back with is up to the world."""

TEMPLATE = "step"


@dataclass(frozen=True, eq=False)
class Step:
    """One step. Two of them are never the same, however alike.

    `key` is its place, such as `steps[1].then[0]`; `name` its id, or what the engine calls it without one;
    `body` the place of each list within it, by branch. `config` is its mapping as read, not to be changed.
    """

    key: str
    name: str
    has_id: bool
    kind: str
    config: Mapping[str, Any]
    body: Mapping[str, str]
    workflow: str
    ancestors: tuple[str, ...]
    inside_template: bool

    @property
    def flagged(self) -> bool:
        """Whether it has `continue_on_error` with the value true itself; nothing else counts."""
        return self.config.get("continue_on_error") is True

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Workflow:
    """A workflow, and those it may call. `lists` has the steps of each list by its place, `data` the file."""

    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    lists: Mapping[str, tuple[Step, ...]]
    data: Mapping[str, Any]
    callable: Mapping[str, Workflow] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The place of its own list of steps."""
        return root_of(self.name)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step of it, in the order of the file, without those of other workflows."""
        return tuple(self._from(self.root))

    def _from(self, place: str) -> Iterator[Step]:
        for step in self.lists[place]:
            yield step
            for within in step.body.values():
                yield from self._from(within)

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Every step of it and of those it may call."""
        return (*self.steps, *(s for other in self.callable.values() for s in other.steps))

    def called(self, name: str) -> Workflow | None:
        """The workflow of that name, if it is there; this one counts, too."""
        return self if name == self.name else self.callable.get(name)

    @cached_property
    def all_lists(self) -> dict[str, tuple[Step, ...]]:
        """The steps of every list by its place, those of the workflows it may call, too."""
        return {place: steps for w in (self, *self.callable.values()) for place, steps in w.lists.items()}

    @cached_property
    def by_key(self) -> dict[str, Step]:
        """Every step by its place."""
        return {step.key: step for step in self.all_steps}


def root_of(name: str) -> str:
    """The place of the list of steps of the workflow `name`."""
    return f"{name}: steps"


def compiled(data: Mapping[str, Any], callable_: Mapping[str, Workflow] | None = None) -> Workflow:
    """The workflow that `data`, as read from its file, describes.

    Only what has the shape that is expected becomes a list of steps; the rest is left in the step's config. Raises
    ModelError for a step that is no mapping, or whose id is no text.
    """
    head = data.get("workflow")
    name = str(head.get("id", "")) if isinstance(head, Mapping) else ""
    lists: dict[str, tuple[Step, ...]] = {}
    _read_list(lists, root_of(name), data.get("steps") or [], _Around(name))
    inputs, outputs = data.get("inputs"), data.get("outputs")
    return Workflow(
        name,
        inputs if isinstance(inputs, Mapping) else {},
        outputs if isinstance(outputs, Mapping) else {},
        lists,
        data,
        dict(callable_ or {}),
    )


@dataclass(frozen=True)
class _Around:
    workflow: str
    ancestors: tuple[str, ...] = ()
    inside_template: bool = False
    unnamed: str = ""


def _read_list(lists: dict[str, tuple[Step, ...]], place: str, found: Any, around: _Around) -> None:
    if not isinstance(found, list):
        raise ModelError(f"{place}: expected a list of steps")
    lists[place] = ()  # lists come in the order in which they begin
    steps = []
    for index, config in enumerate(found):
        if not isinstance(config, Mapping):
            raise ModelError(f"{place}[{index}]: expected a step, which is a mapping")
        steps.append(_step(lists, f"{place}[{index}]", config, around, index))
    lists[place] = tuple(steps)


def _step(
    lists: dict[str, tuple[Step, ...]], key: str, config: Mapping[str, Any], around: _Around, index: int
) -> Step:
    name = config.get("id", around.unnamed or f"step-{index}")
    kind = config.get("type", "command")
    if not isinstance(name, str) or not isinstance(kind, str):
        raise ModelError(f"{key}: expected an id and a type that are texts")
    body: dict[str, str] = {}
    inner = _Around(around.workflow, (*around.ancestors, key), around.inside_template)
    for branch, found, template in _bodies(kind, config):
        body[branch] = f"{key}.{branch}"
        within = _Around(inner.workflow, inner.ancestors, True, "item") if template else inner
        _read_list(lists, body[branch], found, within)
    return Step(
        key, name, "id" in config, kind, config, body, around.workflow, around.ancestors, around.inside_template
    )


def _bodies(kind: str, config: Mapping[str, Any]) -> Iterator[tuple[str, list[Any], bool]]:
    """The lists inside a step of that kind: branch, steps, and whether it is the template of a fan-out."""
    branches = {"if": ("then", "else"), "switch": ("default",), **dict.fromkeys(LOOPS, ("steps",))}.get(kind, ())
    for branch in branches:
        if isinstance(config.get(branch), list):
            yield branch, config[branch], False
    cases = config.get("cases")
    if kind == "switch" and isinstance(cases, Mapping):
        yield from ((f"cases.{case}", steps, False) for case, steps in cases.items() if isinstance(steps, list))
    template = config.get(TEMPLATE)
    if kind == "fan-out" and isinstance(template, Mapping) and template:
        yield TEMPLATE, [template], True
