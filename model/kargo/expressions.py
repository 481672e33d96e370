"""Expressions in Promotions: variables, the `if` of a step, its config; and what a text can read.

Every answer is a value: `Value`, `Failure` with the message the controller would give, or `Undecided`. Source:
``pkg/promotion/evaluator.go: StepEvaluator`` (from 1.9), ``pkg/promotion/promotion.go: Step`` (1.8),
``pkg/expressions/json_templates.go``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from model.expressions import (
    Delimiters,
    Dialect,
    Environment,
    Evaluation,
    Failure,
    Function,
    Undecided,
    Value,
    evaluate_template,
    evaluate_tree,
)
from model.expressions.results import ExpressionError
from model.expressions.text import json_float, valid
from model.expressions.types import OBJECT
from model.expressions.values import UNKNOWN, Named, Nil, Struct, TypedMap, type_name
from model.kargo import functions
from model.kargo.function_types import (
    NAMED_ARTIFACTS,
    STATE,
    STEP_METADATA,
    STEP_STATUS,
    UNNAMED_ARTIFACTS,
    ArtifactTypes,
    time,
    uint32,
)
from model.kargo.promotion_context import PromotionContext, StepContext, StepMetadata, Variable, namespace_of


@dataclass(frozen=True, eq=False, slots=True)
class Rules:
    """How one release evaluates expressions.

    ``steps`` is the dialect of `if` and config, ``variables`` that of variables, which lacks the status functions,
    ``names`` that of the names of Applications (`application_name`), which has only functions of texts.
    """

    release: str
    steps: Dialect
    variables: Dialect
    names: Dialect
    delimiters: Delimiters
    artifacts: ArtifactTypes
    names_the_type: bool
    """The error of an `if` that is no boolean says what it is. From 1.9."""
    wide_context: bool
    """`ctx` has the UI's URL, the Freight's alias, the step's alias and whether it is a rollback. From 1.11."""
    has_target: bool
    """`target` is there if the Promotion has one. main only."""
    sanitizes_urls: bool
    """Git URLs are stripped before they are compared. From 1.9."""


_BRACES: Final = Delimiters((("${{", "}}"),), checked_first=True)
_BRACES_AND_PERCENT: Final = Delimiters((("${{", "}}"), ("${%", "%}")))


def _rules(release: str, minor: int, patch: int) -> Rules:
    is_main = release == "main"
    artifacts = NAMED_ARTIFACTS if is_main else UNNAMED_ARTIFACTS
    texts: tuple[Function, ...] = functions.TEXTS + (functions.TEXTS_SINCE_1_11 if minor >= 11 else ())
    visible: tuple[Function, ...] = functions.artifact_functions(artifacts) + functions.DATA + texts
    visible += functions.DATA_SINCE_1_9 if minor >= 9 else ()
    visible += (functions.FREIGHT_STATUS,) if is_main else ()
    visible += (functions.FREIGHT_METADATA if minor >= 10 else functions.FREIGHT_METADATA_WITH_KEY,)
    return Rules(
        release=release,
        steps=Dialect(patch, visible + functions.STATUS),
        variables=Dialect(patch, visible),
        names=Dialect(patch, texts),
        delimiters=_BRACES_AND_PERCENT if minor >= 9 else _BRACES,
        artifacts=artifacts,
        names_the_type=minor >= 9,
        wide_context=minor >= 11,
        has_target=is_main,
        sanitizes_urls=minor >= 9,
    )


RULES: Final = {
    rules.release: rules
    for rules in (
        _rules("1.8.3", 8, 6),
        _rules("1.8.5", 8, 7),
        _rules("1.9.9", 9, 7),
        _rules("1.10.10", 10, 8),
        _rules("1.11.2", 11, 8),
        _rules("main", 12, 8),
    )
}
"""The releases that were recorded."""


def rules_for(release: str) -> Rules:
    """The rules of a release. Raises ValueError, naming the known ones, for any other."""
    try:
        return RULES[release]
    except KeyError:
        raise ValueError(f"no expression rules for release {release!r}; known are: {', '.join(RULES)}") from None


# Evaluation.


def should_skip(condition: str, context: PromotionContext, step: StepContext, release: str) -> Evaluation:
    """Whether a step with this `if`, which must not be empty, is skipped: `Value` of a bool.

    A step without `if` is skipped if a step before it failed; that is not decided here.
    Source: ``StepEvaluator.ShouldSkip``, ``Step.Skip``.
    """
    rules = rules_for(release)
    result = _in_step(condition, context, step, rules)
    if not isinstance(result, Value):
        return result
    if isinstance(result.value, bool):
        return Value(not result.value)
    message = "expression must evaluate to a boolean"
    return Failure(f"{message}, got {type_name(result.value)}" if rules.names_the_type else message)


def config(tree: Mapping[str, object], context: PromotionContext, step: StepContext, release: str) -> Evaluation:
    """The config a runner gets: every string of the tree evaluated as a template; keys are not.

    The value is None where the controller loses the config without an error, because it writes it as JSON and
    reads it as YAML, which does not allow every character. Source: ``StepEvaluator.Config``, ``Step.GetConfig``.
    """
    rules = rules_for(release)
    variables_ = _step_variables(context, step, rules)
    if not isinstance(variables_, Value):
        return variables_
    environment = _step_environment(context, step, rules, variables_.value)
    result = evaluate_tree(tree, lambda text: evaluate_template(text, rules.steps, environment, rules.delimiters))
    return _as_config(result.value) if isinstance(result, Value) else result


def template(text: str, context: PromotionContext, step: StepContext, release: str) -> Evaluation:
    """The value of one template in the place of a step's config."""
    return _in_step(text, context, step, rules_for(release))


def application_name(text: str, context: PromotionContext, step: StepContext, release: str) -> Evaluation:
    """The value of a template that names an Argo CD Application, or its namespace, in the config of a step.

    That is what the controller evaluates to know which Promotions wait for an Application. Such a template sees
    `ctx`, variables and outputs, but neither metadata nor Kargo's functions, except those that make texts.
    Source: ``pkg/indexer/indexer.go: RunningPromotionsByArgoCDApplications``.
    """
    rules = rules_for(release)
    found = _step_variables(context, step, rules)
    if not isinstance(found, Value):
        return found
    names = {name: value for name, value in _step_names(context, step, rules).items() if name != "stepMetas"}
    calls = {name: call for name, call in functions.text_calls().items() if name in rules.names.table}
    return evaluate_template(
        text, rules.names, Environment({**names, "vars": found.value}, calls), rules.delimiters
    )


def variables(context: PromotionContext, step: StepContext, release: str) -> Evaluation:
    """All variables a step sees, those of the Promotion first: `Value` of a dict.

    Each sees those before it; only those of the step see outputs and metadata, and none sees the status functions.
    Source: ``StepEvaluator.Vars``, ``Step.GetVars``.
    """
    return _step_variables(context, step, rules_for(release))


def _in_step(text: str, context: PromotionContext, step: StepContext, rules: Rules) -> Evaluation:
    found = _step_variables(context, step, rules)
    if not isinstance(found, Value):
        return found
    environment = _step_environment(context, step, rules, found.value)
    return evaluate_template(text, rules.steps, environment, rules.delimiters)


@lru_cache(maxsize=256)
def _promotion_variables(context: PromotionContext, alias: str, rules: Rules) -> Evaluation:
    known: dict[str, object] = {"ctx": _ctx(context, alias, rules), **_target(context, rules)}
    return _evaluated(context.variables, {}, known, _variable_functions(context, rules), rules)


@lru_cache(maxsize=256)
def _step_variables(context: PromotionContext, step: StepContext, rules: Rules) -> Evaluation:
    before = _promotion_variables(context, step.alias, rules)
    if not isinstance(before, Value) or not isinstance(before.value, dict) or not step.variables:
        return before
    known = _step_names(context, step, rules)
    return _evaluated(step.variables, before.value, known, _variable_functions(context, rules), rules)


def _evaluated(
    wanted: tuple[Variable, ...],
    before: Mapping[str, object],
    known: Mapping[str, object],
    calls: Mapping[str, functions.Call],
    rules: Rules,
) -> Evaluation:
    found = dict(before)
    for variable in wanted:
        environment = Environment({**known, "vars": found}, calls)
        result = evaluate_template(variable.value, rules.variables, environment, rules.delimiters)
        if isinstance(result, Failure):
            # That an earlier variable is unknown cannot keep this one from failing, unless it fails itself.
            message = f'error pre-processing promotion variable "{variable.name}": {result.message}'
            return Failure(message, result.line, result.column)
        found[variable.name] = UNKNOWN if isinstance(result, Undecided) else result.value
    return Value(found)


@lru_cache(maxsize=256)
def _step_environment_names(
    context: PromotionContext, step: StepContext, rules: Rules
) -> tuple[Mapping[str, object], Mapping[str, functions.Call]]:
    calls = {**_variable_functions(context, rules), **functions.status_calls(step)}
    return (_step_names(context, step, rules), calls)


def _step_environment(context: PromotionContext, step: StepContext, rules: Rules, found: object) -> Environment:
    names, calls = _step_environment_names(context, step, rules)
    return Environment({**names, "vars": found}, calls)


@lru_cache(maxsize=64)
def _variable_functions(context: PromotionContext, rules: Rules) -> Mapping[str, functions.Call]:
    known = {
        **functions.text_calls(),
        **functions.context_calls(context, rules.artifacts, rules.sanitizes_urls),
    }
    return {name: call for name, call in known.items() if name in rules.variables.table}


def _ctx(context: PromotionContext, alias: str, rules: Rules) -> dict[str, object]:
    """The variable `ctx`. Source: ``BuildCtxMap`` (1.11), ``BuildExprEnv`` (1.9), ``Step.BuildEnv`` (1.8)."""
    freight = context.target_freight
    target_freight: dict[str, object] = {
        "name": _name(freight),
        "origin": {"name": _field(freight.get("origin"), "name")},
    }
    promotion: dict[str, object] = {"actor": context.actor}
    meta: dict[str, object] = {"promotion": promotion}
    found: dict[str, object] = {
        "project": context.project,
        "promotion": context.promotion,
        "stage": context.stage,
        "targetFreight": target_freight,
        "meta": meta,
    }
    if rules.wide_context:
        found["uiBaseUrl"] = context.ui_base_url
        target_freight["alias"] = freight.get("alias", "")
        promotion["rollback"] = context.rollback
        meta["step"] = {"alias": alias}
    return found


def _field(value: object, name: str) -> object:
    return value.get(name, "") if isinstance(value, Mapping) else ""


def _name(freight: Mapping[str, object]) -> object:
    return freight["name"] if "name" in freight else _field(freight.get("metadata"), "name")


def _target(context: PromotionContext, rules: Rules) -> dict[str, object]:
    if not rules.has_target or context.target is None:
        return {}
    return {"target": {name: context.target.get(name) for name in ("params", "labels")}}


def _step_names(context: PromotionContext, step: StepContext, rules: Rules) -> dict[str, object]:
    found: dict[str, object] = {
        "ctx": _ctx(context, step.alias, rules),
        **_target(context, rules),
        "outputs": TypedMap(dict(step.outputs), STATE),
        "stepMetas": {entry.alias: step_metadata(entry) for entry in step.metadata},
    }
    namespace = namespace_of(step.alias)
    if namespace:
        own = {
            alias[len(namespace) + 2 :]: output
            for alias, output in step.outputs.items()
            if namespace_of(alias) == namespace
        }
        found["task"] = {"outputs": TypedMap(own, STATE)}
    return found


def step_metadata(entry: StepMetadata) -> Struct:
    """An entry of the metadata as expressions see it: its `Status` is of a type of its own, equal to no string."""
    return Struct(
        STEP_METADATA,
        (
            entry.alias,
            time(entry.started_at),
            time(entry.finished_at),
            uint32(entry.error_count),
            Named(entry.status, STEP_STATUS),
            entry.message,
            entry.continue_on_error,
        ),
    )


NIL_OUTPUT: Final = Nil(OBJECT)
"""The output of a step that returned none, in the reconciliation in which it ran."""

# What JSON may hold and YAML may not: its reader gives up on these.
_NOT_YAML: Final = re.compile("[\x7f-\x84\x86-\x9f\ufffe\uffff]")

# JSON leaves this one as it is, and YAML takes it for a line break, which it folds.
_NEXT_LINE: Final = re.compile(" *\x85(?: *\x85)* *")


def _as_config(value: object) -> Evaluation:
    try:
        return Value(_reread(value))
    except ExpressionError as error:
        return Failure(error.message)
    except _NotYamlError:
        return Value(None)


class _NotYamlError(Exception):
    """The reader of YAML gives up."""


def _reread(value: object) -> object:
    """A value after it was written as JSON and read as YAML, where minus zero is an integer and loses its sign."""
    if isinstance(value, dict):
        return {_reread(key): _reread(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_reread(item) for item in value]
    if isinstance(value, float):
        json_float(value)
        return value if value != 0 else 0.0
    if isinstance(value, str):
        if _NOT_YAML.search(value):
            raise _NotYamlError
        return _NEXT_LINE.sub(_folded, valid(value))
    return value


def _folded(found: re.Match[str]) -> str:
    breaks = found.group().count("\x85")
    return " " if breaks == 1 else "\n" * (breaks - 1)
