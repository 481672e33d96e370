"""Replaying what was recorded about the Argo CD steps: one attempt, and what it does to the Applications.

A program gives a step's configuration, some Applications and the Promotion; the recording says what the runner
returned and what it did.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from model.kargo.argocd.applications import Application, Operation
from model.kargo.argocd.authorization import StageName
from model.kargo.argocd.control_plane import ControlPlane
from model.kargo.argocd.update import Promoter, update
from model.kargo.argocd.wait import wait
from model.kargo.attempts import Attempt
from model.kargo.releases import Behaviours
from model.kargo.step_kinds import step_kind
from simulations.kargo import single_runs
from simulations.kargo.recorded_applications import control_plane, source_document, without_empty
from simulations.replay import Replayed

Json = dict[str, Any]

STAGE = StageName("proj", "stage")
"""The Stage in every program."""

INVALID = tuple(f"invalid {kind} config: " for kind in ("argocd-update", "argocd-wait"))
"""How an error begins that goes on with the words of the JSON schema library."""


def replay(folder: Path, releases: Iterable[str] | None = None, limit: int | None = None) -> Iterator[Replayed]:
    """The result for every release, in order; all that were recorded and are known, if none are named.

    Raises RecordingError if a file is missing or cannot be read.
    """
    return single_runs.replay(run, comparable, folder, releases, limit)


def run(program: Json, behaviours: Behaviours) -> Json:
    """What comes of a program, as it is recorded."""
    kind, config = program["step"], json.dumps(program["config"])
    unsupported = _unsupported(kind, program.get("needs", []), behaviours)
    if unsupported:
        return {"unsupported": unsupported}
    before = control_plane(program)
    plane = before if program["argocd"] else None
    if kind == "argocd-wait":
        attempt, after = wait(config, json.dumps(program.get("previousOutput")), plane, behaviours)
    else:
        attempt, after = update(config, Promoter(program["promotion"], STAGE, program["actor"]), plane, behaviours)
    return _result(attempt) | _effects(before, after or before)


def _unsupported(kind: str, needs: list[str], behaviours: Behaviours) -> str | None:
    if step_kind(kind, behaviours.release) is None:
        return f"no {kind} step in this version"
    if "selector" in needs and not behaviours.argocd_selectors:
        return "no selector in this version"
    return None


def _result(attempt: Attempt) -> Json:
    retry = attempt.retry_after_ms
    return {
        "status": attempt.status,
        "message": attempt.message,
        "output": json.loads(attempt.output),
        "error": attempt.error,
        "terminal": attempt.terminal,
        "panic": attempt.panic,
        "healthCheck": attempt.health_check and json.loads(attempt.health_check),
        "retryAfter": None if retry is None else retry // 1000,
    }


def _effects(before: ControlPlane, after: ControlPlane) -> Json:
    pairs = zip(before.stored, after.stored, strict=True)
    changed = [(was.application, now.application) for was, now in pairs if was.application != now.application]
    return {
        "reads": after.reads,
        "patches": [str(key) for key in after.patches],
        "changed": sorted((_changed(was, now) for was, now in changed), key=lambda change: change["app"]),
        "events": [
            {"app": str(event.key), "reason": event.reason, "message": event.message, "user": event.user}
            for event in sorted(after.events, key=lambda event: event.key.name)
        ],
    }


def _changed(was: Application, now: Application) -> Json:
    changes: Json = {"app": str(now.key)}
    if now.operation is not None and now.operation != was.operation:
        changes["operation"] = _operation(now.operation)
    if was.status.operation_state is not None and now.status.operation_state is None:
        changes["operationState"] = None
    if now.refresh != was.refresh:
        changes["refresh"] = now.refresh
    if now.source is not None and now.source != was.source:
        changes["source"] = source_document(now.source)
    if now.sources != was.sources:
        changes["sources"] = [source_document(source) for source in now.sources]
    return changes


def _operation(operation: Operation) -> Json:
    return {
        "info": [{"name": name, "value": value} for name, value in operation.info],
        "initiatedBy": without_empty({"username": operation.initiated_by, "automated": operation.automated}),
        "retry": json.loads(operation.retry),
        "sync": without_empty({"syncOptions": list(operation.sync_options)}),
    }


def comparable(field: str, value: object) -> object:
    """A field without what the model does not claim to know: the words of the JSON schema library."""
    if field == "error" and isinstance(value, str):
        return next((beginning for beginning in INVALID if value.startswith(beginning)), value)
    return value
