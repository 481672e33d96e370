"""What is worth asking of a template: questions whose answer is plain from the steps alone are not asked.

And how much of a template the answers depend on: two templates that differ in nothing else are explored once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from model.expressions import Failure
from model.kargo import expressions, planning, worlds
from model.kargo.expression_references import ALL, Keys, StepReferences, find_references, strings
from model.kargo.functions import STATUS_NAMES
from model.kargo.manifest_types import Vars
from model.kargo.plan import Plan, namespace
from model.kargo.planning import Planner
from model.kargo.promotion_context import StepContext, Variable, short_alias
from model.kargo.releases import Behaviours
from model.kargo.repetition import REPEATED
from model.kargo.runner_results import alphabet, leaves_output, results
from model.kargo.step_engine import StepRules
from model.kargo.step_kinds import Result, StepKind
from model.kargo.templates import StepSpec, Template
from model.system import Action

Wanted = tuple[str, int, str]
"""A rule, the number of a step (-1: the whole), and the alias of another step, where the rule is about two."""

NOT_DONE = frozenset({Result.RUNNING, Result.FAILED})
RETRYABLE = frozenset({Result.ERRORED, Result.FAILED_WITH_ERROR})
WELL = frozenset({Result.SUCCEEDED, Result.SKIPPED, Result.RUNNING})

references = cache(find_references)
"""What a text can read in a release; the same texts come again and again."""


@dataclass(frozen=True)
class StepView:
    """A step with all that decides which questions are asked of it.

    `texts` are the strings of its config and vars that are templates, `reads` all that they and its `if` refer to.
    """

    spec: StepSpec
    kind: StepKind | None
    rules: StepRules
    results: frozenset[Result]
    texts: tuple[str, ...]
    condition: StepReferences | None
    reads: tuple[StepReferences, ...]

    @property
    def can_wait(self) -> bool:
        """Whether a pass can end at this step."""
        return bool(self.results & NOT_DONE) or (self.rules.error_threshold > 1 and bool(self.results & RETRYABLE))

    @property
    def can_pass_without_output(self) -> bool:
        """Whether the steps after it may find that it left nothing."""
        may_fail = self.spec.continue_on_error and not self.results <= WELL
        skips = Result.SKIPPED in self.results and not leaves_output(self.spec, Result.SKIPPED)
        return bool(self.spec.condition) or skips or may_fail or not leaves_output(self.spec, Result.SUCCEEDED)


def views(template: Template, behaviours: Behaviours) -> tuple[StepView, ...]:
    """The steps of a template as a release sees them."""
    planner = planning.planner_of(template, behaviours)
    return tuple(_view(step, planner) for step in template.steps)


def _view(step: StepSpec, planner: Planner) -> StepView:
    release = planner.behaviours.release
    kind = planner.kinds(step.kind)
    texts = [t for t in strings(json.loads(step.config or "{}")) if "${" in t]
    texts += [value for _, value in step.vars if "${" in value]
    found = tuple(references(text, release) for text in texts)
    condition = references(step.condition, release) if step.condition else None
    return StepView(
        step,
        kind,
        planning.step_rules(step, kind),
        frozenset(results(step, kind)) if kind else frozenset(),
        tuple(dict.fromkeys(texts)),
        condition,
        (*found, condition) if condition else found,
    )


# What is asked


def wanted(steps: tuple[StepView, ...]) -> Iterator[Wanted]:
    """The questions for the checker."""
    if all(s.spec.condition or Result.SKIPPED in s.results for s in steps):
        yield "nothing-done", -1, ""
    for index, step in enumerate(steps):
        yield from ((rule, index, "") for rule in _of_condition(step))
        if step.kind is None:
            yield "unknown-kind", index, ""
            continue
        if step.texts:
            yield "config-fails", index, ""
        yield from ((rule, index, "") for rule in _of_retries(step))
        if step.spec.continue_on_error and not step.results <= WELL and not _is_looked_at(step, steps[index + 1 :]):
            yield "failure-unseen", index, ""
        yield from (("output-unset", index, alias) for alias in _unguarded(step, steps[:index]))


def _of_condition(step: StepView) -> Iterator[str]:
    if step.condition is None:
        return
    yield "if-fails"
    if STATUS_NAMES.isdisjoint(step.condition.functions):
        yield "runs-after-failure"
    if step.kind is not None:
        yield "never-runs"


def _of_retries(step: StepView) -> Iterator[str]:
    retry, ends = step.spec.retry, step.rules.timeout_ms > 0
    if (retry.error_threshold or 0) > 1:
        yield "retry-never-happens"
    if (retry.timeout_ms or 0) > 0:
        yield "timeout-never-fires"
    if step.can_wait:
        yield "green-without-work"
    if Result.SUCCEEDED not in step.results and step.spec.kind == "http":
        yield "http-never-succeeds"
    elif Result.FAILED in step.results and not ends:
        yield "http-polls-forever"
    elif Result.RUNNING in step.results and not ends:
        yield "waits-forever"


def restarts(steps: tuple[StepView, ...]) -> Iterator[Wanted]:
    """The questions about restarts: of steps that are better not repeated, and have one that waits after them."""
    for index, step in enumerate(steps):
        if step.spec.kind in REPEATED and any(s.can_wait for s in steps[index + 1 :]):
            yield "repeated-by-restart", index, ""


def _is_looked_at(step: StepView, later: Iterable[StepView]) -> bool:
    alias = step.spec.alias
    return any(_mentions(found, s.spec.alias, alias) for s in later for found in s.reads)


def _mentions(found: StepReferences, by: str, alias: str) -> bool:
    """Whether what the step `by` reads is of `alias`: its output, its metadata or its status."""
    same_task = namespace(by) == namespace(alias)
    near: tuple[Keys, ...] = (found.statuses, found.task_outputs) if same_task else ()
    return any(k == ALL or short_alias(alias) in k for k in near) or any(
        k == ALL or alias in k for k in (found.outputs, found.step_metas)
    )


def _unguarded(step: StepView, before: Iterable[StepView]) -> Iterator[str]:
    """The earlier steps whose output is read, may be missing, and is not asked for in any way."""
    texts = (*step.texts, step.spec.condition)
    if any(sign in text for text in texts for sign in ("??", "?.", "nil", "stepMetas", "status(")):
        return
    read = outputs_read(step)
    for earlier in before:
        alias = earlier.spec.alias
        if alias in read and (earlier.can_pass_without_output or step.spec.condition):
            yield alias


def outputs_read(step: StepView) -> frozenset[str]:
    """The keys of the shared state that the step reads by name."""
    found: set[str] = set()
    task = namespace(step.spec.alias)
    for reads in step.reads:
        found |= set() if reads.outputs == ALL else set(reads.outputs)
        if task and reads.task_outputs != ALL:
            found |= {f"{task}::{key}" for key in reads.task_outputs}
    return frozenset(found)


# What it depends on


UNKNOWN_TEXT = "${{ ctx.meta.promotion.actor }}"
"""A template that comes to something of which nothing is known before there is a Promotion."""


UNKNOWN_CONDITION = f"{UNKNOWN_TEXT[:-3]} == 'me' }}}}"
"""An `if` of which nothing is known before there is a Promotion."""


@dataclass(frozen=True)
class Essence:
    """What the answers depend on: steps and variables, the names an expression can see, and what runners can do.

    Two templates of the same essence have the same answers in a release.
    """

    template: Template
    results: tuple[tuple[str, frozenset[Result]], ...]
    names: tuple[object, ...]

    def plan(self, behaviours: Behaviours) -> Plan:
        """The plan of the template, with everything that its runners can do."""
        allowed = dict(self.results)

        def anything(step: StepSpec, rules: StepRules, kind: StepKind | None) -> Action:
            every = tuple(r for r in kind.results if r in allowed[step.alias]) if kind else ()
            return worlds.free(step.alias, alphabet(step, every, rules))

        return planning.plan(replace(planning.planner_of(self.template, behaviours), steady=True), anything)


def essence(template: Template, steps: tuple[StepView, ...], behaviours: Behaviours) -> Essence:
    """The template without all that no answer depends on.

    Of configs there remain the texts that can fail, because they read what other steps leave, or because they fail
    whatever is left. What variables and the names of Project and Stage are remains only where an `if` reads it.
    """
    planner = planning.planner_of(template, behaviours)
    release = behaviours.release
    read = [s.condition for s in steps if s.condition]
    bound_to_fail = {t for s in steps for t in s.texts if not _reads_steps(t, release) and _fails(t, s, planner)}
    plain = not bound_to_fail and not any(f.variables or f.context for f in read)
    of_steps = []
    for s in steps:
        kept = sorted(t for t in s.texts if t in bound_to_fail or _reads_steps(t, release))
        config = json.dumps({str(k): text for k, text in enumerate(kept)}) if kept else None
        of_steps.append(replace(s.spec, config=config, vars=_hidden(s.spec.vars) if plain else s.spec.vars))
    found = replace(template, vars=_hidden(template.vars) if plain else template.vars, steps=tuple(of_steps))
    if plain:
        found = replace(found, project="", stage="", promotion="", requested=())
    names = (found.project, found.stage, found.promotion, found.requested)
    return Essence(found, tuple((s.spec.alias, s.results) for s in steps), names)


ALONE = "the-step"


def alone(essence: Essence, index: int) -> Essence | None:
    """A step of a template by itself, with an `if`, where it has one, that may come to anything.

    It does whatever it does in the template, and maybe more, but for coming to an error before it is run. None if
    it shares its alias, and so what is known of it, with another step.
    """
    step = essence.template.steps[index]
    if sum(other.alias == step.alias for other in essence.template.steps) > 1:
        return None
    condition = UNKNOWN_CONDITION if step.condition else ""
    limit = step.retry.timeout_ms
    retry = replace(step.retry, timeout_ms=limit and (60_000 if limit > 0 else 0))  # however long it is
    only = StepSpec(ALONE, step.kind, condition, retry=retry, continue_on_error=step.continue_on_error)
    results = dict(essence.results)[step.alias]
    return Essence(Template((only,), ()), ((ALONE, results),), ())


def _hidden(variables: Vars) -> Vars:
    return tuple((name, value if "${" in value else UNKNOWN_TEXT) for name, value in variables)


def _reads_steps(text: str, release: str) -> bool:
    found = references(text, release)
    return bool(found.outputs or found.task_outputs or found.step_metas or found.statuses)


def _fails(text: str, step: StepView, planner: Planner) -> bool:
    """Whether a text that reads nothing of other steps fails."""
    variables = tuple(Variable(name, value) for name, value in step.spec.vars)
    seen = StepContext(step.spec.alias, variables, {}, ())
    return isinstance(expressions.template(text, planner.context, seen, planner.behaviours.release), Failure)
