"""From a template to a plan: what is fixed about the steps of a Promotion, and what its expressions can read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import takewhile
from typing import Any

from model.expressions import UNKNOWN, Failure, Value
from model.expressions.text import to_json
from model.inputs import Place
from model.kargo import conditions, expressions, worlds
from model.kargo.attempts import UNKNOWN_OUTPUT, Attempt
from model.kargo.conditions import Parts
from model.kargo.expression_references import ALL, Keys, StepReferences, find_references, strings
from model.kargo.expressions import NIL_OUTPUT
from model.kargo.functions import STATUS_NAMES
from model.kargo.phases import StepStatus
from model.kargo.plan import Expression, Plan, PlannedStep, Seen, namespace
from model.kargo.promotion_context import PromotionContext, StepContext, StepMetadata, Variable, short_alias
from model.kargo.releases import Behaviours
from model.kargo.runner_results import everything
from model.kargo.step_engine import Condition, StepRules
from model.kargo.step_kinds import StepKind, step_kind
from model.kargo.templates import StepSpec, Template
from model.kargo.worlds import Script
from model.system import Action
from model.system import Value as ModelValue

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
"""The time that instants are counted from where one has to be shown."""

Kinds = Callable[[str], StepKind | None]
"""What is registered for a kind of step, None if nothing is."""

Attempts = Callable[[StepSpec, StepRules, StepKind | None], Action]
"""What the world does when a step is run."""


@dataclass(frozen=True)
class Planner:
    """Everything that the steps of a plan have in common.

    `steady` says that what is unknown stays as it is while a step is tried again; a ConfigMap could be edited.
    """

    steps: tuple[StepSpec, ...]
    context: PromotionContext
    behaviours: Behaviours
    kinds: Kinds
    steady: bool = False

    @property
    def aliases(self) -> tuple[str, ...]:
        """Every alias once."""
        return tuple(dict.fromkeys(step.alias for step in self.steps))

    @property
    def continue_on_error(self) -> dict[str, bool]:
        """What the metadata of each alias remembers: the setting of the first step that has it."""
        return {step.alias: step.continue_on_error for step in reversed(self.steps)}

    @cached_property
    def unshared(self) -> frozenset[str]:
        """The aliases that only one step has."""
        return frozenset(alias for alias, times in Counter(s.alias for s in self.steps).items() if times == 1)

    @property
    def output_keys(self) -> tuple[str, ...]:
        """The keys of the shared state that some step can write."""
        shared = (namespace(s.alias) for s in self.steps if (k := self.kinds(s.kind)) and k.propagates_outputs)
        return tuple(dict.fromkeys((*self.aliases, *filter(None, shared))))


def context_of(template: Template) -> PromotionContext:
    """What the expressions of a template can see of the cluster: what its manifests say, all else unknown."""
    unknown: Any = UNKNOWN
    return PromotionContext(
        project=template.project or unknown,
        stage=template.stage or unknown,
        promotion=template.promotion or unknown,
        actor=unknown,
        ui_base_url=unknown,
        target_freight={"name": UNKNOWN, "alias": UNKNOWN, "origin": {"name": UNKNOWN}},
        requested=template.requested,
        variables=tuple(Variable(name, value) for name, value in template.vars),
    )


def planner_of(template: Template, behaviours: Behaviours) -> Planner:
    """Everything that is fixed about a Promotion from `template` in a release with its built-in kinds."""
    return Planner(
        template.steps,
        context_of(template),
        behaviours,
        lambda kind: step_kind(kind, behaviours.release),
    )


@dataclass(frozen=True)
class BrokenExpression:
    """A template that fails wherever it is evaluated: of which step and field, its text, and why."""

    where: Place
    field: str
    text: str
    problem: str


def broken_expressions(template: Template, behaviours: Behaviours) -> Iterator[BrokenExpression]:
    """The expressions in the steps and variables of a template that cannot be parsed, or cannot have a type."""
    for step in template.steps:
        texts = [("if", step.condition)]
        texts += [("config", text) for text in strings(json.loads(step.config or "{}"))]
        texts += [("vars", value) for _, value in (*template.vars, *step.vars)]
        for field, text in texts:
            for problem in find_references(text, behaviours.release).problems:
                if isinstance(problem, Failure):
                    yield BrokenExpression(step.where, field, text, problem.message)


def unknown_kind(step: StepSpec, behaviours: Behaviours) -> bool:
    """Whether the release has no built-in step of that kind."""
    return step_kind(step.kind, behaviours.release) is None


def scripted(planner: Planner, scripts: Mapping[str, Script], *, writes_can_fail: bool = True) -> Plan:
    """A plan whose steps follow `scripts`, by alias; those without one succeed."""
    succeeds: Script = (Attempt(StepStatus.SUCCEEDED.value),)
    return plan(
        planner,
        lambda step, _rules, _kind: worlds.scripted(step.alias, scripts.get(step.alias, succeeds)),
        writes_can_fail=writes_can_fail,
    )


def free(planner: Planner, *, writes_can_fail: bool = False) -> Plan:
    """A plan whose steps may do anything that a step of their kind, and of their config, can do."""

    def anything(step: StepSpec, rules: StepRules, kind: StepKind | None) -> Action:
        return worlds.free(step.alias, everything(step, rules, kind))

    return plan(planner, anything, writes_can_fail=writes_can_fail)


def plan(planner: Planner, attempts: Attempts, *, writes_can_fail: bool = False) -> Plan:
    """The plan of a Promotion whose steps do what `attempts` says."""
    steps = tuple(_planned(planner, step, attempts) for step in planner.steps)
    return Plan(steps, planner.behaviours, writes_can_fail)


def _planned(planner: Planner, step: StepSpec, attempts: Attempts) -> PlannedStep:
    kind = planner.kinds(step.kind)
    rules = step_rules(step, kind)
    release = planner.behaviours.release
    found = find_references(step.condition, release) if step.condition else None
    return PlannedStep(
        rules=rules,
        continue_on_error=step.continue_on_error,
        condition=_condition(planner, step) if step.condition else None,
        config=_config(planner, step) if step.config is not None and _has_templates(planner, step) else None,
        attempt=attempts(step, rules, kind),
        config_has_templates="${" in (step.config or ""),
        asks_about_failures=found is not None and not STATUS_NAMES.isdisjoint(found.functions),
    )


def step_rules(step: StepSpec, kind: StepKind | None) -> StepRules:
    """What decides how a step's results are judged: its own settings, or the defaults of its kind.

    Source: `api/v1alpha1/promotion_types.go: PromotionStepRetry.GetTimeout, GetErrorThreshold`,
    `pkg/promotion/registry.go`
    """
    timeout, threshold = step.retry.timeout_ms, step.retry.error_threshold
    return StepRules(
        alias=step.alias,
        kind=step.kind,
        registered=kind is not None,
        has_if=bool(step.condition),
        error_threshold=threshold or max(1, kind.default_error_threshold if kind else 1),
        timeout_ms=(kind.default_timeout_ms if kind else 0) if timeout is None else timeout,
        propagates_output=kind is not None and kind.propagates_outputs,
    )


def _has_templates(planner: Planner, step: StepSpec) -> bool:
    texts = [step.config or "", *(value for _, value in step.vars)]
    texts += [variable.value for variable in planner.context.variables]
    return any("${" in text for text in texts)


# What an expression can read


def _expression(
    planner: Planner,
    step: StepSpec,
    tree: object,
    evaluate: Callable[[Seen], tuple[dict[str, ModelValue], ...]],
    also: Collection[str] = (),
) -> Expression:
    release = planner.behaviours.release
    found = [find_references(text, release) for text in (tree, *(value for _, value in step.vars))]
    entries = frozenset(also).union(*(_entries(planner, step, f) for f in found)) - {step.alias}
    texts = frozenset[str]().union(*(_metas(planner, f.step_metas) for f in found))
    outputs = frozenset[str]().union(*(_outputs(planner, step, f) for f in found))
    return Expression(
        alias=step.alias,
        entries=tuple(a for a in planner.aliases if a in entries),
        texts=tuple(a for a in planner.aliases if a in texts),
        outputs=tuple(k for k in planner.output_keys if k in outputs),
        evaluate=evaluate,
        continue_on_error=planner.continue_on_error[step.alias],
    )


def _entries(planner: Planner, step: StepSpec, found: StepReferences) -> frozenset[str]:
    task = namespace(step.alias)
    asked = found.statuses
    mine = {a for a in planner.aliases if namespace(a) == task and (asked == ALL or short_alias(a) in asked)}
    return _metas(planner, found.step_metas) | mine


def _metas(planner: Planner, keys: Keys) -> frozenset[str]:
    return frozenset(a for a in planner.aliases if keys == ALL or a in keys)


def _outputs(planner: Planner, step: StepSpec, found: StepReferences) -> frozenset[str]:
    keys, task = found.outputs, namespace(step.alias)
    own = {k for k in planner.output_keys if task and namespace(k) == task}
    of_task = own if found.task_outputs == ALL else {k for k in own if short_alias(k) in found.task_outputs}
    return frozenset(k for k in planner.output_keys if keys == ALL or k in keys) | of_task


# What an expression sees


def _condition(planner: Planner, step: StepSpec) -> Expression:
    release = planner.behaviours.release

    asked, earlier = _asked_before(planner, step)

    def evaluate(seen: Seen) -> tuple[dict[str, ModelValue], ...]:
        here = _seen(planner, step, seen)
        found = expressions.should_skip(step.condition, planner.context, here, release)
        if isinstance(found, Value):
            return ({"condition": Condition(not found.value)},)
        if isinstance(found, Failure):
            return ({"condition": Condition(None, found.message)},)
        known = conditions.answers(earlier, seen.entries, seen.has_failures)
        own = seen.entries[step.alias]
        can = conditions.outcomes(
            asked.parts,
            known,
            lambda text: expressions.should_skip(text, planner.context, here, release),
            again=planner.steady and own is not None and own.started_at is not None,
        )
        return tuple({"condition": each} for each in can)

    return _expression(planner, step, step.condition, evaluate, {each.alias for each in earlier})


def _asked_before(planner: Planner, step: StepSpec) -> tuple[Parts, tuple[Parts, ...]]:
    """The `if` of a step, and those before it that ask something that it asks, too."""
    release = planner.behaviours.release
    asked = conditions.parts_of(step.alias, step.condition, step.vars, release)
    if not asked.questions:
        return asked, ()
    found: list[Parts] = []
    there: set[str] = set()
    for each in takewhile(lambda each: each is not step, planner.steps):
        found = [parts.before(each.kind) for parts in found]
        if each.alias not in planner.unshared:
            continue
        if each.condition:
            parts = conditions.parts_of(each.alias, each.condition, each.vars, release)
            if parts.questions & asked.questions:
                found.append(parts.asking_only(there))
        there.add(each.alias)
    return asked, tuple(each for each in found if each.questions & asked.questions)


def _config(planner: Planner, step: StepSpec) -> Expression:
    release = planner.behaviours.release
    tree: Mapping[str, object] = json.loads(step.config or "{}")

    def evaluate(seen: Seen) -> tuple[dict[str, ModelValue], ...]:
        found = expressions.config(tree, planner.context, _seen(planner, step, seen), release)
        if isinstance(found, Value):
            return ({"context_error": None, "config": to_json(found.value)},)
        if isinstance(found, Failure):
            return ({"context_error": found.message, "config": None},)
        # What cannot be decided is taken to work: the step goes on to its runner.
        return ({"context_error": None, "config": None},)

    return _expression(planner, step, tree, evaluate)


def _seen(planner: Planner, step: StepSpec, seen: Seen) -> StepContext:
    metadata = [
        StepMetadata(
            alias=alias,
            status=entry.status.value,
            error_count=entry.error_count,
            continue_on_error=planner.continue_on_error[alias],
            message=seen.texts.get(alias, ""),
            started_at=_time(entry.started_at),
            finished_at=_time(entry.finished_at),
        )
        for alias in planner.aliases
        if (entry := seen.entries.get(alias)) is not None
    ]
    if seen.has_failures and not any(entry.failed for entry in metadata):
        # An entry that no expression here can name: it only makes failure() true.
        metadata.insert(0, StepMetadata(alias="\0", status="Failed"))
    return StepContext(
        alias=step.alias,
        variables=tuple(Variable(name, value) for name, value in step.vars),
        outputs={key: _output(value) for key, value in seen.outputs.items() if value is not None},
        metadata=tuple(metadata),
    )


def _time(instant: int | None) -> str | None:
    """A time of day for an instant: that there is one is what expressions ask for."""
    return None if instant is None else (EPOCH + timedelta(milliseconds=instant)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _output(value: str) -> object:
    if value == UNKNOWN_OUTPUT:
        return UNKNOWN
    return NIL_OUTPUT if value == "null" else json.loads(value, parse_int=float)
