"""One attempt of the step argocd-wait: whether every Application is as it is waited for.

`readiness` is the decision about one Application, over values small enough to be explored; `wait` is the attempt.

Source: `pkg/promotion/runner/builtin/argocd_waiter.go`
"""

from __future__ import annotations

import json
from enum import Enum
from typing import NamedTuple

from model.expressions.text import to_json
from model.kargo.argocd.applications import (
    AppHealth,
    Application,
    Key,
    SyncCode,
    error_conditions,
    is_reconciled,
)
from model.kargo.argocd.configuration import InvalidConfigError, WaitFor, wait_config
from model.kargo.argocd.control_plane import ControlPlane, request_refresh
from model.kargo.argocd.finding import NotFound, find, resolved_apps
from model.kargo.attempts import Attempt
from model.kargo.phases import StepStatus
from model.kargo.releases import Behaviours

AWAITED_HEALTH = {
    WaitFor.HEALTH: AppHealth.HEALTHY,
    WaitFor.SUSPENDED: AppHealth.SUSPENDED,
    WaitFor.DEGRADED: AppHealth.DEGRADED,
}
"""The health that each wish for health is fulfilled by; any of them is enough."""


class Readiness(Enum):
    """What one Application means to the step."""

    __hash__ = object.__hash__

    READY = "it is as it is waited for"
    NOT_READY = "it is not yet"
    NOT_RECONCILED = "its health is that from before its last operation; it is asked to be refreshed"
    ERROR_CONDITION = "Argo CD cannot make sense of it, and waiting is in vain"
    REGRESSED = "it became degraded, and waiting is in vain"


class Seen(NamedTuple):
    """An Application, as far as its readiness depends on it.

    `operating` says whether an operation is asked for or not over, `reconciled` whether Argo CD has looked at it
    since its last operation ended, if that has. `health_before` is the health that an earlier attempt saw, empty
    if none did.
    """

    error_condition: bool
    operating: bool
    reconciled: bool
    health: str
    health_before: str
    synced: bool


def readiness(wait_for: frozenset[WaitFor], seen: Seen) -> Readiness:
    """What one Application means to the step: the whole decision. Source: `argocdWaiter.checkAppReadiness`."""
    if seen.error_condition:
        return Readiness.ERROR_CONDITION
    if WaitFor.OPERATION in wait_for and seen.operating:
        return Readiness.NOT_READY
    awaited = {AWAITED_HEALTH[wish] for wish in wait_for if wish in AWAITED_HEALTH}
    if awaited and not seen.reconciled:
        return Readiness.NOT_RECONCILED
    if WaitFor.HEALTH in wait_for and _regressed(seen.health_before, seen.health):
        return Readiness.REGRESSED
    if awaited and seen.health not in awaited:
        return Readiness.NOT_READY
    return Readiness.NOT_READY if WaitFor.SYNC in wait_for and not seen.synced else Readiness.READY


def _regressed(before: str, now: str) -> bool:
    return now == AppHealth.DEGRADED and before not in ("", AppHealth.DEGRADED, AppHealth.UNKNOWN)


def seen(application: Application, health_before: str) -> Seen:
    """What `readiness` has to know of an Application. Source: `operationInProgress`."""
    status = application.status
    state = status.operation_state
    return Seen(
        bool(error_conditions(application)),
        application.operation is not None or (state is not None and state.finished_at_ms is None),
        is_reconciled(status),
        status.health,
        health_before,
        status.sync.status == SyncCode.SYNCED,
    )


def wait(
    config: str, output_before: str, plane: ControlPlane | None, behaviours: Behaviours
) -> tuple[Attempt, ControlPlane | None]:
    """One attempt, and the control plane afterwards.

    `config` is the step's configuration after its expressions are evaluated and `output_before` the step's own
    output so far, both JSON text; `plane` is None where the controller has no client of Argo CD.

    Source: `argocdWaiter.Run`
    """
    try:
        waits = wait_config(config)
    except InvalidConfigError as error:
        invalid = f"invalid argocd-wait config: {error}"
        return Attempt(StepStatus.FAILED.value, error=invalid, terminal=True), plane
    if plane is None:
        disabled = (
            "Argo CD integration is disabled on this controller; cannot wait for Argo CD Application resources"
        )
        return Attempt(StepStatus.ERRORED.value, error=disabled), None
    looked = Looked(health_before(output_before))
    for target, wait_for in waits:
        found, plane = find(plane, target)
        if isinstance(found, NotFound):
            return Attempt(StepStatus.ERRORED.value, error=found.text), plane
        for application in found:
            looked, plane = _look(looked, application, wait_for, plane)
            if looked.error is not None:
                return _attempt(StepStatus.ERRORED, looked, behaviours), plane
    return _attempt(StepStatus.SUCCEEDED if looked.ready else StepStatus.RUNNING, looked, behaviours), plane


class Looked(NamedTuple):
    """What has been found so far.

    That is the health `before`, that of the Applications looked at, and those themselves; whether all are `ready`,
    and the error that ends the attempt.
    """

    before: dict[str, str]
    health: tuple[tuple[str, str], ...] = ()
    apps: tuple[Key, ...] = ()
    ready: bool = True
    error: str | None = None


def _look(
    looked: Looked, application: Application, wait_for: frozenset[WaitFor], plane: ControlPlane
) -> tuple[Looked, ControlPlane]:
    key, health = application.key, application.status.health
    before = looked.before.get(str(key), "")
    found = readiness(wait_for, seen(application, before))
    if found is Readiness.NOT_RECONCILED:
        plane = request_refresh(plane, application)
    errors = {
        Readiness.ERROR_CONDITION: "\n".join(error_conditions(application)),
        Readiness.REGRESSED: f"{key.called} health has regressed from {before} to {health}",
    }
    return looked._replace(
        health=(*looked.health, (str(key), health)) if health else looked.health,
        apps=(*looked.apps, key),
        ready=looked.ready and found is Readiness.READY,
        error=errors.get(found),
    ), plane


def _attempt(status: StepStatus, looked: Looked, behaviours: Behaviours) -> Attempt:
    output: dict[str, object] = {"healthStatus": looked.before | dict(looked.health)}
    if behaviours.resolved_apps_in_output:
        output["apps"] = resolved_apps(looked.apps)
    return Attempt(status.value, output=to_json(output), error=looked.error, terminal=looked.error is not None)


def health_before(output: str) -> dict[str, str]:
    """The health of Applications, by `namespace/name`, that an earlier attempt noted in the step's output.

    Source: `argocdWaiter.loadPreviousHealthStatuses`
    """
    found = json.loads(output)
    noted = found.get("healthStatus") if isinstance(found, dict) else None
    if not isinstance(noted, dict):
        return {}
    return {name: health for name, health in noted.items() if isinstance(health, str)}
