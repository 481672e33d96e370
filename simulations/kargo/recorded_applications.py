"""Argo CD Applications, read from recordings and written as they are recorded.

An instant in a recording is a number of seconds before or after the moment of the program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from model.kargo.annotations import AUTHORIZED_STAGE
from model.kargo.argocd.applications import (
    Application,
    ApplicationStatus,
    Condition,
    HelmParameter,
    Key,
    Operation,
    OperationState,
    Source,
    SyncResult,
    SyncStatus,
)
from model.kargo.argocd.control_plane import ControlPlane, Fault, FaultKind, Stored
from model.kargo.argocd.update import PROMOTION_INFO

Json = dict[str, Any]

REFRESH = "argocd.argoproj.io/refresh"
"""The annotation that asks Argo CD to look at an Application again. Source: `AnnotationKeyRefresh`"""

MISSING = "missing"
"""How an Application is recorded that is not there."""

_NO_KIND = 'no matches for kind "Application" in version "argoproj.io/v1alpha1"'


def control_plane(program: Json) -> ControlPlane:
    """The Applications that a program begins with, and what keeps the controller from reading or patching them."""
    stored = (_stored(app) for app in program["apps"] if app["get"] != MISSING)
    return ControlPlane(tuple(sorted(stored, key=lambda one: one.application.key)))


def _stored(app: Json) -> Stored:
    patch = "error" if app.get("patchFails") else app.get("patch", "ok")
    return Stored(application(app), _reading(app["name"])[app["get"]], _patching(app["name"])[patch])


def _reading(name: str) -> Mapping[str, Fault | None]:
    return {
        "ok": None,
        "error": Fault("something went wrong"),
        "forbidden": Fault(f'applications.argoproj.io "{name}" is forbidden: no access'),
        "nokind": Fault(_NO_KIND, FaultKind.NO_KIND),
        "nokind-once": Fault(_NO_KIND, FaultKind.NO_KIND, once=True),
    }


def _patching(name: str) -> Mapping[str, Fault | None]:
    conflict = f'Operation cannot be fulfilled on applications.argoproj.io "{name}": changed'
    return {
        "ok": None,
        "error": Fault("patch refused"),
        "conflict": Fault(conflict, FaultKind.CONFLICT),
        "conflict-once": Fault(conflict, FaultKind.CONFLICT, once=True),
    }


def application(app: Json) -> Application:
    """An Application of a program."""
    document = app["object"]
    metadata, spec = document.get("metadata", {}), document["spec"]
    annotations, policy = metadata.get("annotations", {}), spec.get("syncPolicy", {})
    return Application(
        Key(app["namespace"], app["name"]),
        source=_source(spec["source"]) if "source" in spec else None,
        sources=tuple(map(_source, spec.get("sources", ()))),
        status=_status(document["status"]),
        operation=_operation(document["operation"]) if "operation" in document else None,
        authorized_stage=annotations.get(AUTHORIZED_STAGE),
        refresh=annotations.get(REFRESH),
        labels=tuple(metadata.get("labels", {}).items()),
        sync_options=tuple(policy.get("syncOptions", ())),
        retry=json.dumps(policy.get("retry", {})),
    )


def _source(document: Json) -> Source:
    return Source(
        document["repoURL"],
        document.get("chart", ""),
        document.get("targetRevision", ""),
        tuple(HelmParameter(p["name"], p.get("value", "")) for p in document.get("helm", {}).get("parameters", ())),
        tuple(document.get("kustomize", {}).get("images", ())),
    )


def _status(document: Json) -> ApplicationStatus:
    sync, state = document["sync"], document.get("operationState")
    return ApplicationStatus(
        document["health"].get("status", ""),
        SyncStatus(sync["status"], sync.get("revision", ""), tuple(sync.get("revisions", ()))),
        milliseconds(document.get("reconciledAt")),
        tuple(
            Condition(one["type"], one["message"], milliseconds(one.get("lastTransitionTime")))
            for one in document.get("conditions", ())
        ),
        None if state is None else _operation_state(state),
    )


def _operation_state(document: Json) -> OperationState:
    operation, result = document.get("operation", {}), document.get("syncResult")
    return OperationState(
        document.get("phase", ""),
        document.get("message", ""),
        milliseconds(document.get("finishedAt")),
        operation.get("initiatedBy", {}).get("username", ""),
        tuple(info["value"] for info in operation.get("info", ()) if info["name"] == PROMOTION_INFO),
        None if result is None else SyncResult(result.get("revision", ""), tuple(result.get("revisions", ()))),
    )


def _operation(document: Json) -> Operation:
    return Operation(document.get("initiatedBy", {}).get("username", ""), syncs="sync" in document)


def source_document(source: Source) -> Json:
    """A source as it is recorded."""
    parameters = [without_empty({"name": p.name, "value": p.value}) for p in source.helm_parameters]
    return without_empty(
        {
            "repoURL": source.repo_url,
            "chart": source.chart,
            "targetRevision": source.target_revision,
            "helm": without_empty({"parameters": parameters}),
            "kustomize": without_empty({"images": list(source.kustomize_images)}),
        }
    )


def status_document(status: ApplicationStatus) -> Json:
    """A status as it is recorded, without what little it says of the operation that an operation state is of."""
    sync, state = status.sync, status.operation_state
    document = {
        "health": without_empty({"status": status.health}),
        "sync": {
            "status": sync.status,
            **without_empty({"revision": sync.revision, "revisions": list(sync.revisions)}),
        },
        "conditions": [_condition_document(one) for one in status.conditions],
        "operationState": None if state is None else _operation_state_document(state),
        "reconciledAt": _seconds(status.reconciled_at_ms),
    }
    return {name: value for name, value in document.items() if value not in (None, [])}


def _condition_document(condition: Condition) -> Json:
    at = _seconds(condition.last_transition_ms)
    return {
        "type": condition.type,
        "message": condition.message,
        **({} if at is None else {"lastTransitionTime": at}),
    }


def _operation_state_document(state: OperationState) -> Json:
    at, result = _seconds(state.finished_at_ms), state.sync_result
    return {
        **without_empty({"phase": state.phase, "message": state.message}),
        **({} if at is None else {"finishedAt": at}),
        **({} if result is None else {"syncResult": _sync_result_document(result)}),
    }


def _sync_result_document(result: SyncResult) -> Json:
    return without_empty({"revision": result.revision, "revisions": list(result.revisions)})


def without_empty(fields: Json) -> Json:
    """The fields that have a value at all."""
    return {name: value for name, value in fields.items() if value}


def milliseconds(seconds: int | None) -> int | None:
    """An instant of a recording, in milliseconds."""
    return None if seconds is None else 1000 * seconds


def _seconds(instant_ms: int | None) -> int | None:
    return None if instant_ms is None else instant_ms // 1000
