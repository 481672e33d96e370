"""Which Argo CD Applications a step is about, as the controller reads it off the config of a Running Promotion.

Source: `pkg/indexer/indexer.go: RunningPromotionsByArgoCDApplications`, `RunningPromotionsByArgoCDSelectors`,
`pkg/controller/promotions/argocd_selector.go`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from model.expressions import Value
from model.kargo.application_watches import Selection, Targets
from model.kargo.argocd.applications import DEFAULT_NAMESPACE, Key
from model.kargo.expressions import application_name, config
from model.kargo.label_selectors import Expression, Operator, Selector, problem
from model.kargo.promotion_context import PromotionContext, StepContext
from model.kargo.step_kinds import step_kind

KINDS = ("argocd-update", "argocd-wait")
"""The kinds of steps that are about Applications."""


def step_targets(
    kind: str, tree: Mapping[str, object], context: PromotionContext, step: StepContext, release: str
) -> Targets:
    """The Applications that a step of that kind, with `tree` as its config, is about.

    A name is evaluated by itself, a selector only with the whole config. What cannot be evaluated, or is not
    written as such a step needs it, is passed over.
    """
    if kind not in KINDS or step_kind(kind, release) is None:
        return Targets()
    selects = any(app.get("selector") is not None for app in _mappings(tree.get("apps")))
    evaluated = config(tree, context, step, release) if selects else None
    return Targets(
        frozenset(_names(tree, context, step, release)),
        frozenset(_selections(evaluated.value)) if isinstance(evaluated, Value) else frozenset(),
    )


def _names(tree: Mapping[str, object], context: PromotionContext, step: StepContext, release: str) -> Iterator[Key]:
    for app in _mappings(tree.get("apps")):
        texts = (app.get("namespace", DEFAULT_NAMESPACE), app.get("name"))
        found = [application_name(text, context, step, release) for text in texts if isinstance(text, str)]
        values = [one.value for one in found if isinstance(one, Value) and isinstance(one.value, str)]
        if len(values) == len(texts):
            yield Key(*values)


def _selections(tree: object) -> Iterator[Selection]:
    for app in _mappings(tree.get("apps") if isinstance(tree, Mapping) else None):
        selector = _selector(app.get("selector"))
        if selector is not None and problem(selector) is None:
            yield Selection(str(app.get("namespace") or DEFAULT_NAMESPACE), selector)


def _selector(value: object) -> Selector | None:
    """The selector in a config; None if it wants nothing, or has an operator that does not exist."""
    if not isinstance(value, Mapping):
        return None
    labels = value.get("matchLabels")
    pairs = labels.items() if isinstance(labels, Mapping) else ()
    wanted = tuple((str(key), str(one)) for key, one in pairs)
    try:
        expressions = tuple(map(_expression, _mappings(value.get("matchExpressions"))))
    except ValueError:
        return None
    return Selector(wanted, expressions) if wanted or expressions else None


def _expression(value: Mapping[str, object]) -> Expression:
    values = value.get("values")
    texts = tuple(map(str, values)) if isinstance(values, list) else ()
    return Expression(str(value.get("key")), Operator(str(value.get("operator"))), texts)


def _mappings(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
