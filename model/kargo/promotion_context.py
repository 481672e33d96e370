"""What the expressions of a Promotion can see.

Everything is a value. What belongs to the cluster may be left out, and then whatever depends on it is unknown.
Mappings are manifests as YAML or JSON gives them; nothing here changes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Manifest = Mapping[str, object]


@dataclass(frozen=True, eq=False, slots=True)
class Cluster:
    """The objects that the functions look up, each kind as a list of manifests with their namespaces.

    What is not listed does not exist. ``shared_namespace`` is where `sharedConfigMap` and `sharedSecret` look.
    """

    warehouses: tuple[Manifest, ...] = ()
    config_maps: tuple[Manifest, ...] = ()
    secrets: tuple[Manifest, ...] = ()
    freight: tuple[Manifest, ...] = ()
    stages: tuple[Manifest, ...] = ()
    shared_namespace: str = "kargo-shared-resources"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a Promotion or of a step; the value may be a template."""

    name: str
    value: str


@dataclass(frozen=True, eq=False, slots=True)
class PromotionContext:
    """What is the same for all steps of a Promotion.

    ``target_freight`` is the Freight being promoted; ``freight`` is the whole collection, one per Warehouse, as
    Freight or as references to it. ``requested`` names the Warehouses the Stage requests Freight from, in order.
    ``target`` holds the `params` and `labels` of the Target that is promoted to, if it is one. Without a
    ``cluster`` what its objects decide is unknown. Source: ``pkg/promotion/promotion.go: Context``.
    """

    project: str
    stage: str
    promotion: str
    actor: str = ""
    ui_base_url: str = ""
    rollback: bool = False
    target_freight: Manifest = field(default_factory=dict)
    freight: tuple[Manifest, ...] = ()
    requested: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    target: Manifest | None = None
    cluster: Cluster | None = None


@dataclass(frozen=True, slots=True)
class StepMetadata:
    """An entry of the list of steps reached so far; times are RFC 3339 texts.

    Source: ``api/v1alpha1/promotion_types.go: StepExecutionMetadata``.
    """

    alias: str
    status: str = ""
    error_count: int = 0
    continue_on_error: bool = False
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None

    @property
    def failed(self) -> bool:
        """Whether the entry makes `failure()` true."""
        return self.status in ("Errored", "Failed") and not self.continue_on_error


@dataclass(frozen=True, eq=False, slots=True)
class StepContext:
    """What a step adds: its alias and variables, the outputs by alias, and the metadata of the steps so far.

    The list ends with the step's own entry, its status empty before it first runs, as the engine appends it. An
    output may be UNKNOWN. One that a step returned as nil in the same reconciliation is a nil map, `Nil(OBJECT)`;
    the next reconciliation does not find it at all.
    """

    alias: str
    variables: tuple[Variable, ...] = ()
    outputs: Mapping[str, object] = field(default_factory=dict)
    metadata: tuple[StepMetadata, ...] = ()


def namespace_of(alias: str) -> str:
    """The part before `::` if there is exactly one in the alias, else empty: the task a step came from.

    Source: ``pkg/promotion/evaluator.go: getAliasNamespace``.
    """
    parts = alias.split("::")
    return parts[0] if len(parts) == 2 else ""


def short_alias(alias: str) -> str:
    """The alias without its namespace: what `status` goes by within a task.

    Source: ``pkg/expressions/function/functions.go: getStatus``.
    """
    parts = alias.split("::")
    return parts[1] if len(parts) == 2 else alias
