"""What is explored: the template of each Stage, and of each task that no Stage given uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from model.inputs import InputError, Place, printable
from model.kargo import templates
from model.kargo.manifest_types import Manifests, Stage, Step, Task
from model.kargo.releases import Behaviours
from model.kargo.templates import Template
from simulations.kargo.lint import by_reading
from simulations.kargo.lint.by_reading import Read
from simulations.kargo.lint.rules import BY_ID, Finding
from simulations.kargo.lint.wanted import UNKNOWN_TEXT, Essence, StepView, essence, views


@dataclass(frozen=True)
class Unit:
    """A template, and what it is of; `seen` remembers it as the releases see it."""

    subject: str
    place: Place
    template: Template
    seen: dict[Behaviours, tuple[tuple[StepView, ...], Essence]] = field(default_factory=dict, compare=False)

    def views(self, behaviours: Behaviours) -> tuple[StepView, ...]:
        """Its steps in a release."""
        return self._in(behaviours)[0]

    def essence(self, behaviours: Behaviours) -> Essence:
        """What answers about it depend on in a release."""
        return self._in(behaviours)[1]

    def _in(self, behaviours: Behaviours) -> tuple[tuple[StepView, ...], Essence]:
        if behaviours not in self.seen:
            found = views(self.template, behaviours)
            self.seen[behaviours] = found, essence(self.template, found, behaviours)
        return self.seen[behaviours]


def of_stage(stage: Stage) -> str:
    """What a Stage is called in findings."""
    return f"Stage {printable(stage.name)}"


def of_task(task: Task) -> str:
    """What a task is called in findings."""
    return f"{task.kind} {printable(task.name)}"


def lists(manifests: Manifests) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """The lists of steps whose aliases admission looks at, each with what it is of."""
    yield from ((of_stage(stage), stage.steps) for stage in manifests.stages)
    yield from ((of_task(task), task.steps) for task in manifests.tasks)


def given_twice(manifests: Manifests) -> Iterator[tuple[Read, str]]:
    """Stages and tasks of which there are several with one name: all but the last."""
    every: tuple[Stage | Task, ...] = (*manifests.stages, *manifests.tasks)
    last = {_key(found): found for found in every}
    for found in every:
        if last[_key(found)] is not found:
            name = of_stage(found) if isinstance(found, Stage) else of_task(found)
            text = f"{name} is given once more, at {last[_key(found)].place}"
            yield Read("given-twice", found.place, text), name


def _key(found: Stage | Task) -> tuple[str, str, str]:
    return ("Stage" if isinstance(found, Stage) else found.kind, found.namespace, found.name)


def units(manifests: Manifests) -> Iterator[Unit | Finding]:
    """Everything that can be explored, and what admission says of the rest.

    A Stage is left out whose tasks are not all given, and what is refused for its aliases: that is said elsewhere.
    """
    tasks = tuple({_key(task): task for task in manifests.tasks}.values())
    used = manifests.used_tasks
    for stage in manifests.stages:
        if not stage.steps or any(by_reading.missing_tasks(stage, tasks)):
            continue
        only = Manifests(stages=(stage,), tasks=tasks)
        yield from _unit(of_stage(stage), stage.place, only)
    for task in tasks:
        if (task.kind, task.name) not in used:
            # A variable without a default gets its value from the step that stands for the task.
            given = tuple((name, value or UNKNOWN_TEXT) for name, value in task.vars)
            yield from _unit(of_task(task), task.place, Manifests(tasks=(replace(task, vars=given),)))


def _unit(subject: str, place: Place, manifests: Manifests) -> Iterator[Unit | Finding]:
    spoilt = any(
        True for _, steps in lists(manifests) if _used(steps, manifests) for _ in by_reading.aliases(steps)
    )
    if spoilt:
        return
    try:
        yield Unit(subject, place, templates.template(manifests))
    except InputError as error:
        yield Finding(BY_ID["refused"], error.place or place, subject, error.problem)


def _used(steps: tuple[Step, ...], manifests: Manifests) -> bool:
    """Whether these are the steps of what is explored, or of a task that it uses."""
    if not manifests.stages:
        return True
    wanted = manifests.used_tasks
    return steps is manifests.stages[0].steps or any(
        steps is task.steps and (task.kind, task.name) in wanted for task in manifests.tasks
    )
