"""Replaying what was recorded about health: how a Stage's health is judged from its Argo CD Applications.

A program gives some Applications, an instant and the health checks to do; the recording says what came of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from model.kargo.argocd.health_checks import CANNOT_CONVERT, AppStatus, Criteria, check
from model.kargo.releases import Behaviours
from simulations.kargo import single_runs
from simulations.kargo.recorded_applications import control_plane, status_document
from simulations.replay import Replayed

Json = dict[str, Any]


def replay(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read.
    """
    return single_runs.replay(run, comparable, folder, releases, limit)


def run(program: Json, behaviours: Behaviours) -> Json:
    """What comes of a program, as it is recorded."""
    checks = tuple(Criteria(one["kind"], json.dumps(one["input"])) for one in program["checks"])
    plane = control_plane(program)
    integrated = plane if program["argocd"] else None
    health, after = check(checks, integrated, program["now_ms"], behaviours, program.get("cancelled", False))
    left = after or plane
    refreshed = (stored.application for stored in left.stored)
    return {
        "status": health.status.value,
        "issues": list(health.issues),
        "output": [_output(statuses) for statuses in health.output] or None,
        "patched": [str(key) for key in left.patches],
        "refresh": sorted(f"{app.key}={app.refresh}" for app in refreshed if app.refresh is not None),
    }


def _output(statuses: tuple[AppStatus, ...]) -> Json:
    documents = (
        {"Name": key.name, "Namespace": key.namespace, **status_document(status)} for key, status in statuses
    )
    return {"applicationStatuses": list(documents)}


def comparable(field: str, value: object) -> object:
    """A field without what the model does not claim to know.

    That is the words of Go's JSON decoder, and the operation that an operation state is of, which is always
    recorded empty.
    """
    if field == "issues" and isinstance(value, list):
        return [CANNOT_CONVERT if str(issue).startswith(CANNOT_CONVERT) else issue for issue in value]
    if field == "output" and isinstance(value, list):
        return [_without_operations(output) for output in value]
    return value


def _without_operations(output: Json) -> Json:
    return {"applicationStatuses": [_without_operation(status) for status in output["applicationStatuses"]]}


def _without_operation(status: Json) -> Json:
    if "operationState" not in status:
        return status
    state = {name: value for name, value in status["operationState"].items() if name != "operation"}
    return {**status, "operationState": state}
