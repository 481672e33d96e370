"""What a Promotion runs: the steps that are left after admission.

Admission gives every step an alias and puts the steps of a task in the place of the step that stands for it. It
did so in all releases in the same way. They differ in where the steps of a new Promotion come from: up to 1.10 from
the Promotion, since 1.11 always from its Stage.

Source: `pkg/api/promotion.go: InflateSteps` (up to 1.10 `pkg/kargo/promotion_builder.go:
PromotionBuilder.InflateSteps`), `pkg/webhook/kubernetes/promotion/webhook.go: webhook.Default`
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from model.fields import InputWarning
from model.inputs import InputError, Place, printable
from model.kargo.manifest_types import NO_RETRY, Manifests, Promotion, Retry, Stage, Step, Task, TaskRef, Vars
from model.kargo.task_vars import step_vars, task_vars

TASK_SEPARATOR = "::"
OWN_STEPS = ("1.8.3", "1.8.5", "1.9.9", "1.10.10")
"""The releases in which a new Promotion keeps the steps it is given."""

_RESERVED_ALIAS = re.compile(r"(step|task)-[0-9]+")


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step as the engine gets it.

    `condition` is the text of its `if`, `config` JSON text, `where` where it was written.
    """

    alias: str
    kind: str
    condition: str = ""
    continue_on_error: bool = False
    retry: Retry = NO_RETRY
    config: str | None = None
    vars: Vars = ()
    where: Place = field(default=Place(""), compare=False)


@dataclass(frozen=True, slots=True)
class Template:
    """The steps and variables of a Promotion, and what it is that runs, in words.

    `project`, `stage` and `promotion` are names, empty where the manifests do not say; `requested` are the
    Warehouses that the Stage requests Freight from.
    """

    steps: tuple[StepSpec, ...]
    vars: Vars
    warnings: tuple[InputWarning, ...] = field(default=(), compare=False)
    subject: str = field(default="", compare=False)
    project: str = field(default="", compare=False)
    stage: str = field(default="", compare=False)
    promotion: str = field(default="", compare=False)
    requested: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class _Source:
    """Steps and variables as they are before admission."""

    subject: str
    namespace: str
    steps: tuple[Step, ...]
    vars: Vars
    place: Place
    checked: bool  # whether a webhook looks at the aliases, as for Stages and tasks
    stage: str = ""
    promotion: str = ""
    requested: tuple[str, ...] = ()


Named = TypeVar("Named", Stage, Promotion, Task)


def template(manifests: Manifests, *, name: str = "", release: str = "") -> Template:
    """What a Promotion would run: the Promotion given, else the Stage, else a task on its own.

    `name` (or `namespace/name`, or `Kind/namespace/name`) chooses among several. `release` decides whether a new
    Promotion keeps its own steps; without it, it does. The warnings include those of the manifests.

    Raises InputError if there is no choice or more than one, if a document is missing, or if admission would
    refuse it.
    """
    source, warnings = _choose(manifests, name, release)
    if not source.steps:
        raise InputError(f"{source.subject} defines no promotion steps", source.place)
    if source.checked:
        _check_aliases(source.steps)
    steps: list[StepSpec] = []
    for index, step in enumerate(source.steps):
        alias = step.alias or f"{'task' if step.task else 'step'}-{index + 1}"
        if step.task is None:
            steps.append(_spec(step, alias, step.vars))
        else:
            inflated, more = _inflate(step, step.task, alias, source, manifests)
            steps.extend(inflated)
            warnings += more
    warnings += _shared_aliases(steps)
    return Template(
        steps=tuple(steps),
        vars=source.vars,
        warnings=(*manifests.warnings, *warnings),
        subject=source.subject,
        project=source.namespace,
        stage=source.stage,
        promotion=source.promotion,
        requested=source.requested,
    )


def names(manifests: Manifests) -> tuple[str, ...]:
    """What to choose by `name` to have everything that may run: Stages, and tasks that none of them uses.

    Promotions have their steps from a Stage as it was; they count where there is nothing else, or just one.
    """
    used = manifests.used_tasks
    found: list[Stage | Promotion | Task] = [stage for stage in manifests.stages if stage.steps]
    found += [task for task in manifests.tasks if (task.kind, task.name) not in used]
    if len(manifests.promotions) == 1 or not found:
        found = list(manifests.promotions)
    known = Counter(spelling for each in _everything(manifests) for spelling in _spellings(each))
    spelled = (_spellings(each)[0 if not each.namespace else 1 :] for each in found)
    return tuple(dict.fromkeys(next((s for s in each if known[s] == 1), each[-1]) for each in spelled))


def _everything(manifests: Manifests) -> tuple[Promotion | Stage | Task, ...]:
    return (*manifests.promotions, *manifests.stages, *manifests.tasks)


def _spellings(found: Promotion | Stage | Task) -> tuple[str, str, str]:
    """The names that something may be chosen by, the shortest first; one without a namespace has an empty one."""
    kind = found.kind if isinstance(found, Task) else type(found).__name__
    return found.name, f"{found.namespace}/{found.name}", f"{kind}/{found.namespace}/{found.name}"


def _spec(step: Step, alias: str, variables: Vars) -> StepSpec:
    return StepSpec(
        alias=alias,
        kind=step.uses,
        condition=step.condition,
        continue_on_error=step.continue_on_error,
        retry=step.retry or NO_RETRY,
        config=step.config,
        vars=variables,
        where=step.place,
    )


def _choose(manifests: Manifests, name: str, release: str) -> tuple[_Source, list[InputWarning]]:
    kinds: tuple[tuple[Sequence[Stage | Promotion | Task], str], ...] = (
        (manifests.promotions, "Promotions"),
        (manifests.stages, "Stages"),
        (manifests.tasks, "tasks"),
    )
    for objects, plural in kinds:
        found = [o for o in objects if not name or name in _spellings(o)]
        if len(found) > 1:
            choices = ", ".join(f"{printable(o.name)} ({o.place})" for o in found[:10])
            more = f" and {len(found) - 10} more" if len(found) > 10 else ""
            how = "their names are the same" if name else "choose one by name"
            raise InputError(f"there are {len(found)} {plural} to run, {how}: {choices}{more}")
        if found:
            return _source(found[0], manifests, release)
    given = ", ".join(sorted({printable(o.name) for o in _everything(manifests)})[:10])
    raise InputError(f'there is no Promotion, Stage or task named "{printable(name)}"; given are: {given}')


def _source(
    chosen: Stage | Promotion | Task, manifests: Manifests, release: str
) -> tuple[_Source, list[InputWarning]]:
    if isinstance(chosen, Promotion):
        return _of_promotion(chosen, manifests, release)
    if isinstance(chosen, Stage):
        return _of_stage(chosen), []
    return _of_task(chosen), []


def _of_stage(stage: Stage) -> _Source:
    subject = f"Stage {printable(stage.name)}"
    return _Source(
        subject,
        stage.namespace,
        stage.steps,
        stage.vars + stage.template_vars,
        stage.place,
        checked=True,
        stage=stage.name,
        requested=tuple(request.warehouse for request in stage.requested_freight),
    )


def _of_task(task: Task) -> _Source:
    """A task on its own runs as the one step of a template without variables."""
    step = Step(task=TaskRef(task.name, task.kind), place=task.place)
    subject = f"{task.kind} {printable(task.name)}"
    return _Source(subject, task.namespace, (step,), (), task.place, checked=True)


def _of_promotion(promotion: Promotion, manifests: Manifests, release: str) -> tuple[_Source, list[InputWarning]]:
    subject = f"Promotion {printable(promotion.name)}"
    keeps = not release or promotion.stored or release in OWN_STEPS
    stage = _find(manifests.stages, promotion.stage, promotion.namespace)
    own = _Source(
        subject,
        promotion.namespace,
        promotion.steps,
        promotion.vars,
        promotion.place,
        checked=False,
        stage=promotion.stage,
        promotion=promotion.name,
        requested=tuple(request.warehouse for request in stage.requested_freight) if stage else (),
    )
    if keeps and (promotion.steps or release in OWN_STEPS):
        return own, _dropped_fields(promotion.steps)
    if stage is not None:
        of_stage = _of_stage(stage)
        found = replace(of_stage, subject=f"{subject} of {of_stage.subject}", promotion=promotion.name)
        text = "its steps and vars are replaced by those of its Stage, as admission does since 1.11"
        return found, [InputWarning(promotion.place, text)] if promotion.steps else []
    missing = f"Stage {printable(promotion.stage)}"
    if not promotion.steps:
        raise InputError(f"{subject} has no steps and its {missing} is not given; {_ADD_IT}", promotion.place)
    text = f"admission replaces its steps by those of its Stage since 1.11, but {missing} is not given"
    return own, [InputWarning(promotion.place, text), *_dropped_fields(promotion.steps)]


_ADD_IT = "add the document that defines it to the input"


def _find(objects: Iterable[Named], name: str, namespace: str) -> Named | None:
    """The object with that name; where either has no namespace, any will do."""
    named = [o for o in objects if o.name == name]
    near = [o for o in named if o.namespace == namespace]
    near = near or [o for o in named if not o.namespace or not namespace]
    if len(near) > 1:
        places = ", ".join(str(o.place) for o in near[:10])
        raise InputError(f'"{printable(name)}" is given {len(near)} times: {places}')
    return near[0] if near else None


def _check_aliases(steps: Sequence[Step]) -> None:
    """Refuse aliases that are reserved or given twice. Source: `ValidatePromotionSteps`."""
    seen: dict[str, Step] = {}
    for step in steps:
        alias = step.alias.strip()
        if not alias:
            continue
        if _RESERVED_ALIAS.fullmatch(alias):
            raise InputError(f'the alias "{alias}" is reserved; choose one that is not like step-1', step.place)
        if alias in seen:
            line = seen[alias].place.line
            raise InputError(f'the alias "{printable(alias)}" is that of the step on line {line}', step.place)
        seen[alias] = step


def _inflate(
    step: Step, ref: TaskRef, alias: str, source: _Source, manifests: Manifests
) -> tuple[list[StepSpec], list[InputWarning]]:
    """The steps of the task that `step` stands for.

    They keep their own `if`, retry and continueOnError. Those of `step` do not reach them.
    """
    task = _task(ref, source, manifests, step)
    _check_aliases(task.steps)
    shared, missing = task_vars(task.vars, source.vars, step.vars)
    if missing:
        raise InputError(
            f'the variable "{missing}" of {task.kind} {printable(task.name)} has no value; '
            "give it one among the vars of this step, or a default in the task",
            step.place,
        )
    every, overwritten = step_vars(shared, [inner.vars for inner in task.steps])
    names = [f"{alias}{TASK_SEPARATOR}{s.alias or f'step-{i + 1}'}" for i, s in enumerate(task.steps)]
    specs = [_spec(s, n, v) for s, n, v in zip(task.steps, names, every, strict=True)]
    warnings = [
        InputWarning(
            task.steps[index].place,
            f'the value of "{was}" for this step is lost: Kargo overwrites it with "{now}" of {names[by]}',
        )
        for index, was, now, by in overwritten
    ]
    return specs, warnings


def _task(ref: TaskRef, source: _Source, manifests: Manifests, step: Step) -> Task:
    namespace = "" if ref.kind == "ClusterPromotionTask" else source.namespace
    found = _find([t for t in manifests.tasks if t.kind == ref.kind], ref.name, namespace)
    if found is not None:
        return found
    where = f" of namespace {printable(namespace)}" if namespace else ""
    raise InputError(
        f"{source.subject} needs {ref.kind} {printable(ref.name)}{where}, which is not given; {_ADD_IT}",
        step.place,
    )


def _dropped_fields(steps: Sequence[Step]) -> list[InputWarning]:
    """What a step of a Promotion that stands for a task loses, for nothing refuses it there."""
    lost = ("if", "continueOnError", "retry", "config")
    return [
        InputWarning(step.place, f"{name!r} has no effect on a step that stands for a task")
        for step in steps
        if step.task is not None
        for name in lost
        if name in step.given
    ]


def _shared_aliases(steps: Sequence[StepSpec]) -> list[InputWarning]:
    first: dict[str, StepSpec] = {}
    warnings = []
    for step in steps:
        if step.alias in first:
            text = f'this step shares the alias "{printable(step.alias)}", and so its metadata, with another one'
            warnings.append(InputWarning(step.where, text))
        first.setdefault(step.alias, step)
    return warnings
