"""Argo CD Applications as live objects: what a health check reads of them.

Source: `pkg/controller/argocd/api/v1alpha1/application_types.go`
"""

from __future__ import annotations

from collections.abc import Iterator

from model.fields import Field
from model.kargo.argocd.applications import (
    Application,
    ApplicationStatus,
    Condition,
    Key,
    Operation,
    OperationState,
    Source,
    SyncStatus,
)
from model.kargo.argocd.health_checks import ARGOCD_UPDATE, AppHealthCheck, app_health_checks
from model.kargo.live.objects import LiveStage
from model.kargo.live.values import instant, items, text


def read_application(obj: Field, key: Key, authorized_stage: str) -> Application:
    """An Application, with what health checks want to know of it.

    Raises InputError for anything that is not what it should be.
    """
    spec, status, operation = obj.get("spec"), obj.get("status"), obj.get("operation")
    source = spec.get("source") if spec else None
    return Application(
        key,
        source=_source(source) if source else None,
        sources=tuple(_source(one) for one in items(spec, "sources", "a list of sources")) if spec else (),
        status=_status(status) if status else ApplicationStatus(),
        operation=Operation(syncs=operation.get("sync") is not None) if operation else None,
        authorized_stage=authorized_stage or None,
    )


def _source(found: Field) -> Source:
    return Source(text(found, "repoURL"), text(found, "chart"), text(found, "targetRevision"))


def _status(status: Field) -> ApplicationStatus:
    health, sync, state = status.get("health"), status.get("sync"), status.get("operationState")
    return ApplicationStatus(
        text(health, "status") if health else "",
        _sync(sync) if sync else SyncStatus(),
        instant(status, "reconciledAt"),
        tuple(_conditions(status)),
        OperationState(text(state, "phase"), text(state, "message"), instant(state, "finishedAt"))
        if state
        else None,
    )


def _sync(sync: Field) -> SyncStatus:
    revisions = tuple(one.text("a revision") for one in items(sync, "revisions", "a list of revisions"))
    return SyncStatus(text(sync, "status"), text(sync, "revision"), revisions)


def _conditions(status: Field) -> Iterator[Condition]:
    for found in items(status, "conditions", "a list of conditions"):
        yield Condition(text(found, "type"), text(found, "message"), instant(found, "lastTransitionTime"))


def checked_applications(stage: LiveStage) -> dict[Key, AppHealthCheck]:
    """The Applications that the health checks of the last Promotion of a Stage are about."""
    found: dict[Key, AppHealthCheck] = {}
    for kind, config in stage.last.criteria if stage.last else ():
        try:
            found |= {app.key: app for app in app_health_checks(config)} if kind == ARGOCD_UPDATE else {}
        except ValueError:  # Kargo says Unknown, and the Stage with it
            continue
    return found
