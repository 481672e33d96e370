"""Selectors: which objects are meant, by their labels.

Source: `k8s.io/apimachinery/pkg/labels`, `metav1.LabelSelector`
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

Labels = frozenset[tuple[str, str]]
"""The labels of an object, as pairs of key and value."""


class Operator(Enum):
    """How a requirement looks at the value of a label. Source: `metav1.LabelSelectorOperator`."""

    __hash__ = object.__hash__

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(NamedTuple):
    """One condition on the label `key`: `In` and `NotIn` need values, the others must have none."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


Selector = tuple[Requirement, ...]
"""Requirements that must all be met."""


def is_valid(selector: Selector) -> bool:
    """Whether every requirement has values just where it needs them. Source: `labels.NewRequirement`."""
    return all((r.operator in (Operator.IN, Operator.NOT_IN)) is bool(r.values) for r in selector)


def matches(selector: Selector, labels: Labels) -> bool:
    """Whether an object with these labels is meant. Source: `labels.Requirement.Matches`."""
    values = dict(labels)
    return all(_meets(requirement, values.get(requirement.key)) for requirement in selector)


def _meets(requirement: Requirement, value: str | None) -> bool:
    """A label that is not there is not in any list of values."""
    match requirement.operator:
        case Operator.IN:
            return value in requirement.values
        case Operator.NOT_IN:
            return value not in requirement.values
        case Operator.EXISTS:
            return value is not None
        case Operator.DOES_NOT_EXIST:
            return value is None
