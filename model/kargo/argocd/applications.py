"""Argo CD Applications, as much of them as the controller reads or writes.

Instants are milliseconds, as everywhere; Argo CD itself writes whole seconds. An absent text is empty.

Source: `pkg/controller/argocd/api/v1alpha1/application_types.go`, `gitops_engine.go`
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

DEFAULT_NAMESPACE: Final = "argocd"
"""Where an Application is that is named without a namespace. Source: `pkg/argocd/namespace.go: Namespace`."""


class OperationPhase(StrEnum):
    """The phases of an operation that the controller knows; an Application may show others, or none.

    Source: `OperationPhase`
    """

    RUNNING = "Running"
    TERMINATING = "Terminating"
    FAILED = "Failed"
    ERROR = "Error"
    SUCCEEDED = "Succeeded"


FAILED: Final = frozenset({OperationPhase.FAILED, OperationPhase.ERROR})
"""The phases of an operation that failed. Source: `OperationPhase.Failed`."""

COMPLETED: Final = FAILED | {OperationPhase.SUCCEEDED}
"""The phases of an operation that is over. Source: `OperationPhase.Completed`."""


class AppHealth(StrEnum):
    """The health of an Application as Argo CD assesses it; it may show none. Source: `HealthStatusCode`."""

    UNKNOWN = "Unknown"
    PROGRESSING = "Progressing"
    HEALTHY = "Healthy"
    SUSPENDED = "Suspended"
    DEGRADED = "Degraded"
    MISSING = "Missing"


class SyncCode(StrEnum):
    """Whether an Application is what its sources say. Source: `SyncStatusCode`."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


ERROR_CONDITIONS: Final = ("ComparisonError", "InvalidSpecError")
"""The conditions under which nothing else about an Application is worth much.

Source: `healthErrorConditions`, `waitHealthErrorConditions`
"""


class HelmParameter(NamedTuple):
    """A parameter that a source passes to Helm. Source: `HelmParameter`."""

    name: str
    value: str = ""


class Source(NamedTuple):
    """Where an Application's manifests come from. Source: `ApplicationSource`."""

    repo_url: str
    chart: str = ""
    target_revision: str = ""
    helm_parameters: tuple[HelmParameter, ...] = ()
    kustomize_images: tuple[str, ...] = ()


class SyncResult(NamedTuple):
    """What an operation synced to: one revision, or one for each source. Source: `SyncOperationResult`."""

    revision: str = ""
    revisions: tuple[str, ...] = ()


class SyncStatus(NamedTuple):
    """What an Application is compared with: one revision, or one for each source. Source: `SyncStatus`."""

    status: str = ""
    revision: str = ""
    revisions: tuple[str, ...] = ()


class Condition(NamedTuple):
    """Something that Argo CD has to say about an Application. Source: `ApplicationCondition`."""

    type: str
    message: str = ""
    last_transition_ms: int | None = None


class OperationState(NamedTuple):
    """The operation that an Application last went through, or is in.

    `promotions` are the values of those entries of its `info` that name a Promotion, in order: Kargo makes one
    for the Promotion it starts an operation for, and nobody else does.

    Source: `OperationState`
    """

    phase: str = ""
    message: str = ""
    finished_at_ms: int | None = None
    initiated_by: str = ""
    promotions: tuple[str, ...] = ()
    sync_result: SyncResult | None = None


class Operation(NamedTuple):
    """An operation that is asked for. `retry` is a retry policy as JSON text: it is handed on, never read.

    Source: `Operation`
    """

    initiated_by: str = ""
    automated: bool = False
    info: tuple[tuple[str, str], ...] = ()
    syncs: bool = True
    sync_options: tuple[str, ...] = ()
    retry: str = "{}"


class ApplicationStatus(NamedTuple):
    """What Argo CD says of an Application. Source: `ApplicationStatus`."""

    health: str = ""
    sync: SyncStatus = SyncStatus()
    reconciled_at_ms: int | None = None
    conditions: tuple[Condition, ...] = ()
    operation_state: OperationState | None = None


class Key(NamedTuple):
    """Which Application is meant; its text is `namespace/name`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def called(self) -> str:
        """The Application, as the controller's messages call it."""
        return f'Argo CD Application "{self.name}" in namespace "{self.namespace}"'


class Application(NamedTuple):
    """An Argo CD Application.

    `authorized_stage` and `refresh` are the values of the annotations that the controller knows. An Application
    has either one `source` or a list of `sources`; where it has both, the list counts. `retry` is the retry policy
    as in `Operation`.
    """

    key: Key
    source: Source | None = None
    sources: tuple[Source, ...] = ()
    status: ApplicationStatus = ApplicationStatus()
    operation: Operation | None = None
    authorized_stage: str | None = None
    refresh: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    sync_options: tuple[str, ...] = ()
    retry: str = "{}"


def sources_of(application: Application) -> tuple[Source, ...]:
    """The sources that count."""
    if application.sources or application.source is None:
        return application.sources
    return (application.source,)


def observed_revisions(sync: SyncStatus | SyncResult) -> tuple[str, ...]:
    """The revisions, one for each source; where no list is given, the single revision, though it be empty."""
    return sync.revisions or (sync.revision,)


def is_reconciled(status: ApplicationStatus) -> bool:
    """Whether Argo CD has looked at the Application since its last operation ended, if that has an end.

    It looks again after every operation, so the same second is late enough.
    """
    finished = status.operation_state and status.operation_state.finished_at_ms
    return finished is None or (status.reconciled_at_ms is not None and status.reconciled_at_ms >= finished)


def error_conditions(application: Application) -> tuple[str, ...]:
    """A sentence for each of the Application's `ERROR_CONDITIONS`."""
    return tuple(
        f'{application.key.called} has "{condition.type}" condition: {condition.message}'
        for condition in application.status.conditions
        if condition.type in ERROR_CONDITIONS
    )
