"""Rules that are judged by reading a template: aliases, and what expressions refer to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from model.fields import similar
from model.inputs import Place, printable
from model.kargo.expression_references import ALL, StepReferences
from model.kargo.manifest_types import Stage, Step, Task
from model.kargo.plan import namespace
from model.kargo.promotion_context import short_alias
from model.kargo.step_kinds import RELEASES, STEP_KINDS, step_kind
from simulations.kargo.lint.sentences import of_step
from simulations.kargo.lint.wanted import StepView, outputs_read

RESERVED = re.compile(r"(step|task)-[0-9]+")
"""Source: `ValidatePromotionSteps`"""


class Read(NamedTuple):
    """A rule that is broken, where, and what is said; `step` is the alias, `number` its place in the template."""

    rule: str
    place: Place
    text: str
    step: str = ""
    number: int = -1


def aliases(steps: Iterable[Step]) -> Iterator[Read]:
    """Aliases that admission refuses."""
    seen: dict[str, Step] = {}
    for step in steps:
        alias = step.alias.strip()
        if not alias:
            continue
        shown = printable(alias)
        if RESERVED.fullmatch(alias):
            yield Read("reserved-alias", step.place, f'the alias "{shown}" is one that Kargo gives itself', shown)
        elif alias in seen:
            line = seen[alias].place.line
            yield Read(
                "duplicate-alias", step.place, f'the alias "{shown}" is that of the step on line {line}', shown
            )
        seen.setdefault(alias, step)


def missing_tasks(stage: Stage, tasks: Iterable[Task]) -> Iterator[Read]:
    """Steps that stand for tasks that are not given."""
    known = {(t.kind, t.name, t.namespace) for t in tasks}
    anywhere = {(kind, name) for kind, name, _ in known}
    for step in stage.steps:
        ref = step.task
        if ref is None:
            continue
        cluster_wide = ref.kind == "ClusterPromotionTask" or not stage.namespace
        near = {(ref.kind, ref.name, ns) for ns in (stage.namespace, "")}
        found = (ref.kind, ref.name) in anywhere if cluster_wide else bool(near & known)
        if not found:
            text = f"{ref.kind} {printable(ref.name)} is not among these files, so the Stage is not explored"
            yield Read("task-not-given", step.place, text, printable(step.alias))


def unknown_aliases(steps: tuple[StepView, ...], keys: Iterable[str], *, alone: bool = False) -> Iterator[Read]:
    """References to steps that are not there, or come later; `keys` are those of the shared state.

    What a task that is `alone` reads of the steps around it cannot be judged, and there is nothing to say of it,
    unless it has a step of that name itself.
    """
    order = {step.spec.alias: index for index, step in enumerate(steps)}
    known = {*order, *keys}
    for index, step in enumerate(steps):
        told: set[str] = set()
        for alias, how in _referred(step):
            if alias in told or alias == step.spec.alias:
                continue
            told.add(alias)
            shown, where = printable(alias), step.spec.where
            if how.startswith("status(") and namespace(alias) != namespace(step.spec.alias):
                text = f"{how} is always empty: from outside, status() does not see the steps of a task"
                yield Read("unknown-alias", where, text, step.spec.alias, index)
            elif alias not in known:
                text = f"{how} refers to the step {shown!r}, which does not exist{_meant(alias, known)}"
                text = "" if alone and not _of_a_task(alias, known) and not namespace(alias) else text
                yield Read("unknown-alias", where, text, step.spec.alias, index)
            elif order.get(alias, -1) > index:
                text = f"{how} refers to the step {shown!r}, which comes later"
                yield Read("alias-comes-later", where, text, step.spec.alias, index)


def unknown_kinds(steps: tuple[StepView, ...], release: str) -> Iterator[Read]:
    """Steps of kinds for which the release has no runner, also those that come after another of that sort."""
    for index, step in enumerate(steps):
        if step.kind is None:
            text = f"{of_step(step)} has no runner built in: {_instead(step.spec.kind, release)}"
            yield Read("unknown-kind", step.spec.where, text, step.spec.alias, index)


def _instead(kind: str, release: str) -> str:
    """What may be meant: the kind of a later release, one that is called almost so, or none of these."""
    since = next((known for known in RELEASES if step_kind(kind, known)), "")
    if since:
        return f"it came with {since.rpartition('.')[0] or since}"
    meant = similar(kind, [*STEP_KINDS[release]])
    return f'is "{meant}" meant?' if meant else "only the commercial edition may have one"


def _referred(step: StepView) -> Iterator[tuple[str, str]]:
    """The aliases that a step refers to, in full, each with the words that do."""
    task = namespace(step.spec.alias)
    for alias in sorted(outputs_read(step)):
        short = f"task.outputs.{short_alias(alias)}" if task and _by_task(step, alias) else f"outputs.{alias}"
        yield alias, printable(short)
    for found in step.reads:
        if found.step_metas != ALL:
            yield from ((alias, printable(f"stepMetas.{alias}")) for alias in sorted(found.step_metas))
        within = f"{task}::" if task else ""
        yield from ((alias, printable(f"status('{alias.removeprefix(within)}')")) for alias in _asked(found, task))


def _asked(found: StepReferences, task: str) -> Iterator[str]:
    if found.statuses != ALL:
        yield from (f"{task}::{alias}" if task else alias for alias in sorted(found.statuses) if alias)


def _by_task(step: StepView, alias: str) -> bool:
    return any(f.task_outputs != ALL and short_alias(alias) in f.task_outputs for f in step.reads)


def _meant(alias: str, known: Iterable[str]) -> str:
    """A hint, where a step of a task has that name, or one a name that is much like it."""
    near = _of_a_task(alias, known)
    meant = near[0] if near else similar(alias, [*known])
    return f"; is {printable(meant)!r} meant?" if meant else ""


def _of_a_task(alias: str, known: Iterable[str]) -> list[str]:
    return [k for k in sorted(known) if "::" in k and short_alias(k) == short_alias(alias)]
