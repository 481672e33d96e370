"""Kargo's manifests as values: what the model reads of a Stage, a Promotion and the tasks they use.

Source: `api/v1alpha1`
"""

from __future__ import annotations

from dataclasses import dataclass, field

from model.fields import InputWarning
from model.inputs import Place

Vars = tuple[tuple[str, str], ...]
"""Names and values in the order given; a later one overrides an earlier one of the same name."""


@dataclass(frozen=True, slots=True)
class TaskRef:
    """Which PromotionTask or ClusterPromotionTask a step stands for. Source: `PromotionTaskReference`."""

    name: str
    kind: str = "PromotionTask"


@dataclass(frozen=True, slots=True)
class Retry:
    """How long and how often a step is tried; None is absent. Source: `PromotionStepRetry`."""

    timeout_ms: int | None = None
    error_threshold: int | None = None


NO_RETRY = Retry()
"""No policy: the defaults of the step's kind hold."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step as it is written. `given` are the fields that are there. Source: `PromotionStep`."""

    uses: str = ""
    task: TaskRef | None = None
    alias: str = ""
    condition: str = ""
    continue_on_error: bool = False
    retry: Retry | None = None
    vars: Vars = ()
    config: str | None = None  # JSON text
    given: frozenset[str] = frozenset()
    place: Place = field(default=Place(""), compare=False)


@dataclass(frozen=True, slots=True)
class RequestedFreight:
    """The Freight of one Warehouse that a Stage asks for. Source: `FreightRequest`, `FreightSources`."""

    warehouse: str
    direct: bool = False
    stages: tuple[str, ...] = ()
    required_soak_ms: int = 0
    availability_strategy: str = ""  # "", All or OneOf
    selection_policy: str = ""  # "", NewestFreight or MatchUpstream


@dataclass(frozen=True, slots=True)
class Stage:
    """A Stage; `vars` and `template_vars` are its own and those of its promotion template."""

    name: str
    namespace: str
    vars: Vars
    template_vars: Vars
    steps: tuple[Step, ...]
    requested_freight: tuple[RequestedFreight, ...]
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Task:
    """A PromotionTask or ClusterPromotionTask; `vars` are defaults, an empty value is none."""

    kind: str
    name: str
    namespace: str
    vars: Vars
    steps: tuple[Step, ...]
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Promotion:
    """A Promotion. `stored` says whether it comes from an API server, and so has passed admission."""

    name: str
    namespace: str
    stage: str
    freight: str
    vars: Vars
    steps: tuple[Step, ...]
    stored: bool
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Manifests:
    """Everything the documents held that the model uses, in the order given."""

    stages: tuple[Stage, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    tasks: tuple[Task, ...] = ()
    warnings: tuple[InputWarning, ...] = ()

    @property
    def used_tasks(self) -> frozenset[tuple[str, str]]:
        """The tasks that Stages have among their steps, given or not: kind and name."""
        return frozenset((s.task.kind, s.task.name) for stage in self.stages for s in stage.steps if s.task)
