"""Choosing by labels: Applications for a step, Stages for a policy.

Source: Kubernetes' `metav1.LabelSelector`
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Operator(StrEnum):
    """How an expression relates the value of a label to its own values."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Expression(NamedTuple):
    """A requirement on the label `key`."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


class Selector(NamedTuple):
    """Labels that must have these values, and expressions that must be true, all of them."""

    labels: tuple[tuple[str, str], ...] = ()
    expressions: tuple[Expression, ...] = ()


def problem(selector: Selector) -> str | None:
    """Why no selector can be made of this, although it is a valid configuration; None if one can.

    After the first colon the words are those of the Kubernetes library, in part.

    Source: `pkg/promotion/runner/builtin/argocd_common.go: BuildArgoCDAppLabelSelector`
    """
    for expression in selector.expressions:
        if expression.operator in (Operator.IN, Operator.NOT_IN):
            if not expression.values:
                return "invalid matchExpression: for 'in', 'notin' operators, values set can't be empty"
        elif expression.values:
            return "invalid matchExpression: values set must be empty for exists and does not exist"
    return None


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether something with these labels is chosen."""
    return all(labels.get(key) == value for key, value in selector.labels) and all(
        _holds(expression, labels.get(expression.key)) for expression in selector.expressions
    )


def _holds(expression: Expression, value: str | None) -> bool:
    match expression.operator:
        case Operator.IN:
            return value in expression.values
        case Operator.NOT_IN:
            return value not in expression.values
        case Operator.EXISTS:
            return value is not None
        case Operator.DOES_NOT_EXIST:
            return value is None
