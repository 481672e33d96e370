"""What the control loop reads of live objects, as values.

Instants are milliseconds since the beginning of the year 2000, as in runs and recordings. A collection of Freight
is a tuple of pairs, a Warehouse and the name of its Freight.

Source: `api/v1alpha1`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from model.fields import InputWarning
from model.inputs import InputError, Place
from model.kargo.annotations import AbortPromotionRequest, VerificationRequest
from model.kargo.argocd.applications import Application
from model.kargo.auto_promotion import PromotionPolicy
from model.kargo.availability import Verified
from model.kargo.loop.values import Condition
from model.kargo.manifest_types import Step, Task, Vars
from model.kargo.phases import HealthState, PromotionPhase, StepStatus, VerificationPhase
from model.kargo.requests import FreightRequest

Collection = tuple[tuple[str, str], ...]
"""The Freight of some Warehouses."""


class StepMetadata(NamedTuple):
    """What a Promotion keeps of a step. Source: `StepExecutionMetadata`."""

    alias: str
    status: StepStatus
    error_count: int = 0
    message: str = ""
    started: int | None = None
    finished: int | None = None


@dataclass(frozen=True, slots=True)
class LivePromotion:
    """A Promotion: `hold` and `resume` are Warehouses, `checks` is how many health checks it registered.

    `outputs` has what its steps left in the shared state, by alias, as JSON text.
    """

    name: str
    namespace: str
    stage: str
    freight: str
    created: int
    steps: tuple[Step, ...] = ()
    vars: Vars = ()
    actor: str = ""
    abort: AbortPromotionRequest | None = None
    refresh: str = ""
    handled_refresh: str = ""
    hold: str = ""
    resume: str = ""
    phase: PromotionPhase = PromotionPhase.NEW
    message: str = ""
    current_step: int = 0
    metadata: tuple[StepMetadata, ...] = ()
    status_freight: str | None = None
    collection: Collection = ()
    started: int | None = None
    finished: int | None = None
    checks: int = 0
    outputs: tuple[tuple[str, str], ...] = ()
    uid: str = ""
    place: Place = field(default=Place(""), compare=False)


class LiveVerification(NamedTuple):
    """A verification of the Freight of a Stage; `run` is the name of its AnalysisRun."""

    id: str
    phase: VerificationPhase
    message: str = ""
    actor: str = ""
    started: int | None = None
    finished: int | None = None
    run: str | None = None


class HistoryEntry(NamedTuple):
    """A collection of Freight that a Stage has, or had, with its verifications, the newest first."""

    freight: Collection
    verifications: tuple[LiveVerification, ...] = ()


class LastPromotion(NamedTuple):
    """The Promotion that a Stage has on record as the last one."""

    name: str
    phase: PromotionPhase | None = None
    freight: str | None = None
    collection: Collection = ()
    finished: int | None = None
    message: str = ""
    checks: int = 0
    criteria: tuple[tuple[str, str], ...] = ()
    """What its health checks are: the kind of each, and what that has to know, as JSON text."""


class LiveHold(NamedTuple):
    """An auto-promotion hold: the Warehouse, the Promotion that established it, and its Freight."""

    warehouse: str
    promotion: str
    freight: str


@dataclass(frozen=True, slots=True)
class LiveStage:
    """A Stage: its spec as far as the control loop reads it, its requests by annotation, and its status."""

    name: str
    namespace: str
    requests: tuple[FreightRequest, ...]
    steps: tuple[Step, ...] = ()
    vars: Vars = ()
    verification: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    generation: int = 1
    created: int | None = None
    deleted: int | None = None
    finalizer: bool = True
    refresh: str = ""
    reverify: VerificationRequest | None = None
    abort_verification: VerificationRequest | None = None
    current: str | None = None
    current_freight: str | None = None
    last: LastPromotion | None = None
    history: tuple[HistoryEntry, ...] = ()
    health: HealthState = HealthState.NOT_ASSESSED
    issues: tuple[str, ...] = ()
    conditions: tuple[tuple[str, Condition], ...] = ()
    summary: str = ""
    auto_promotion: bool = False
    handled_refresh: str = ""
    observed_generation: int = 0
    holds: tuple[LiveHold, ...] = ()
    effective_holds: tuple[LiveHold, ...] = ()
    place: Place = field(default=Place(""), compare=False)

    @property
    def deleting(self) -> bool:
        """Whether somebody has asked for it to be deleted."""
        return self.deleted is not None


@dataclass(frozen=True, slots=True)
class LiveFreight:
    """A Freight: where it is, since when; where it was verified; for which Stages it is approved, since when."""

    name: str
    namespace: str
    warehouse: str
    created: int
    alias: str = ""
    discovered: int | None = None
    since: tuple[tuple[str, int], ...] = ()
    verified: tuple[tuple[str, Verified], ...] = ()
    approved: tuple[tuple[str, int], ...] = ()
    place: Place = field(default=Place(""), compare=False)


@dataclass(frozen=True, slots=True)
class LiveRun:
    """An AnalysisRun that verifies the Freight of a Stage."""

    name: str
    namespace: str
    stage: str
    freight: tuple[str, ...] = ()
    phase: VerificationPhase = VerificationPhase.NEW
    created: int = 0
    completed: int | None = None
    message: str = ""
    terminate: bool = False
    promotion: str = ""
    place: Place = field(default=Place(""), compare=False)


@dataclass(frozen=True, slots=True)
class LiveApplication:
    """An Argo CD Application: the Stage that may change it, as `namespace:name`, and what it looks like."""

    application: Application
    stage: str = ""
    place: Place = field(default=Place(""), compare=False)


@dataclass(frozen=True, slots=True)
class LiveProject:
    """The objects of one project, and which kinds of objects were given at all, for any project.

    `policies` is None where there is no ProjectConfig; `left_out` has kind and name of the objects that were given
    and could not be read.
    """

    name: str
    stages: tuple[LiveStage, ...] = ()
    promotions: tuple[LivePromotion, ...] = ()
    freight: tuple[LiveFreight, ...] = ()
    warehouses: tuple[str, ...] = ()
    runs: tuple[LiveRun, ...] = ()
    policies: tuple[PromotionPolicy, ...] | None = None
    tasks: tuple[Task, ...] = ()
    applications: tuple[LiveApplication, ...] = ()
    kinds: frozenset[str] = frozenset()
    left_out: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Live:
    """Everything that was read: project by project, what could not be used, and what is odd but does no harm.

    `newest` is the latest instant that any object mentions, None if none does. `traits` are fields that only some
    releases write.
    """

    projects: tuple[LiveProject, ...]
    problems: tuple[InputError, ...] = ()
    warnings: tuple[InputWarning, ...] = ()
    kinds: frozenset[str] = frozenset()
    newest: int | None = None
    traits: frozenset[str] = frozenset()
