"""The health checks of a Stage, one after the other, and what they add up to.

Source: `pkg/health/aggregating_checker.go`, `pkg/health/checker/builtin/argocd.go: Check, check`
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple, TypeVar

from model.expressions.text import to_json
from model.kargo.argocd.applications import (
    DEFAULT_NAMESPACE,
    AppHealth,
    ApplicationStatus,
    Key,
    SyncCode,
    SyncStatus,
)
from model.kargo.argocd.control_plane import ControlPlane, Fault, get, request_refresh
from model.kargo.argocd.health import Finding, app_finding, issues
from model.kargo.phases import HealthState
from model.kargo.releases import Behaviours, HealthTrust

T = TypeVar("T")

ARGOCD_UPDATE: Final = "argocd-update"
"""The kind of the only health check there is, that of the step of that name. Source: `argocdChecker.Name`."""

SEVERITY: Final = {
    HealthState.HEALTHY: 0,
    HealthState.NOT_APPLICABLE: 1,
    HealthState.PROGRESSING: 2,
    HealthState.UNKNOWN: 3,
    HealthState.UNHEALTHY: 4,
}
"""How bad a state is; one that is not here is as good as Healthy.

Source: `api/v1alpha1/stage_types.go: stateOrder`
"""

CANNOT_CONVERT: Final = f"could not convert opaque input into {ARGOCD_UPDATE} health check input: "
"""How the issue of a check begins whose input has the wrong form; the rest are the words of Go's decoder."""


class Criteria(NamedTuple):
    """A health check to do: its kind, and what that kind has to know, as JSON text. Source: `health.Criteria`."""

    kind: str
    input: str = "{}"


class AppHealthCheck(NamedTuple):
    """An Application to look at, and the revision desired for each source. Source: `ArgoCDAppHealthCheck`."""

    key: Key
    desired_revisions: tuple[str, ...] = ()


class AppStatus(NamedTuple):
    """The status of an Application as a health check reports it. Source: `ArgoCDAppStatus`."""

    key: Key
    status: ApplicationStatus


class Health(NamedTuple):
    """The health of a Stage: how bad, why, and what each check that got so far has seen.

    Source: `api/v1alpha1/stage_types.go: Health`
    """

    status: HealthState = HealthState.HEALTHY
    issues: tuple[str, ...] = ()
    output: tuple[tuple[AppStatus, ...], ...] = ()


NOT_THERE: Final = ApplicationStatus(health=AppHealth.UNKNOWN, sync=SyncStatus(SyncCode.UNKNOWN))
"""What is reported of an Application that cannot be read."""


def merge(one: HealthState, other: HealthState) -> HealthState:
    """The worse of two states; the second if neither is. Source: `HealthState.Merge`."""
    return one if SEVERITY.get(one, 0) > SEVERITY.get(other, 0) else other


def check(
    checks: tuple[Criteria, ...],
    plane: ControlPlane | None,
    now_ms: int,
    behaviours: Behaviours,
    cancelled: bool = False,
) -> tuple[Health, ControlPlane | None]:
    """The health of a Stage at an instant, and what looking at it did to the control plane.

    `plane` is None where the controller has no client of Argo CD. With the context `cancelled` no check is done.

    Source: `aggregatingChecker.Check`
    """
    health = Health()
    for criteria in checks:
        if cancelled:
            return _add(health, Health(HealthState.UNKNOWN, ("context canceled",))), plane
        result, plane = _check_one(criteria, plane, now_ms, behaviours)
        health = _add(health, result)
    return health, plane


def _add(health: Health, result: Health) -> Health:
    return Health(merge(health.status, result.status), health.issues + result.issues, health.output + result.output)


def _check_one(
    criteria: Criteria, plane: ControlPlane | None, now_ms: int, behaviours: Behaviours
) -> tuple[Health, ControlPlane | None]:
    if criteria.kind != ARGOCD_UPDATE:
        issue = f'no health checker registered for health check kind "{criteria.kind}"'
        return Health(HealthState.UNKNOWN, (issue,)), plane
    try:
        apps = app_health_checks(criteria.input)
    except ValueError as error:
        return Health(HealthState.UNKNOWN, (f"{CANNOT_CONVERT}{error}",)), plane
    if plane is None:
        issue = (
            "Argo CD integration is disabled on this controller; cannot assess the health or sync status of "
            "Argo CD Applications"
        )
        return Health(HealthState.UNKNOWN, (issue,)), plane
    health, statuses = Health(), list[AppStatus]()
    for app in apps:
        found, status, plane = check_application(app, plane, now_ms, behaviours)
        health = _add(health, found)
        statuses.append(AppStatus(app.key, status))
    return health._replace(output=(tuple(statuses),)), plane


def check_application(
    app: AppHealthCheck, plane: ControlPlane, now_ms: int, behaviours: Behaviours
) -> tuple[Health, ApplicationStatus, ControlPlane]:
    """What one Application makes of a Stage's health, the status reported of it, and the control plane afterwards.

    Source: `argocdChecker.getApplicationHealth`
    """
    application, plane = get(plane, app.key)
    if application is None:
        issue = f"unable to find {app.key.called}"
        return Health(Finding.MISSING.state, (issue,)), NOT_THERE, plane
    if isinstance(application, Fault):
        issue = f"error finding {app.key.called}: {application.text}"
        return Health(Finding.UNREADABLE.state, (issue,)), NOT_THERE, plane
    found = app_finding(application, app.desired_revisions, now_ms, behaviours)
    if found is Finding.NOT_RECONCILED:
        plane = request_refresh(plane, application)
    health = Health(found.state, issues(found, application, app.desired_revisions))
    return health, reported(application.status, behaviours), plane


def reported(status: ApplicationStatus, behaviours: Behaviours) -> ApplicationStatus:
    """What a release reports of an Application's status; up to 1.9 it does not know when Argo CD last looked at it.

    Source: `sanitizeAppStatus`
    """
    if behaviours.health_trust is HealthTrust.COOLED_DOWN:
        status = status._replace(reconciled_at_ms=None)
    if not behaviours.reported_status_sanitized:
        return status
    return status._replace(
        reconciled_at_ms=None,
        conditions=tuple(condition._replace(last_transition_ms=None) for condition in status.conditions),
    )


def health_check(apps: tuple[AppHealthCheck, ...]) -> str:
    """The health check of these Applications, as a step's result has it: JSON text with its kind and input."""
    return to_json({"kind": ARGOCD_UPDATE, "input": {"apps": [_as_input(app) for app in apps]}})


def _as_input(app: AppHealthCheck) -> dict[str, object]:
    desired = {"desiredRevisions": list(app.desired_revisions)} if app.desired_revisions else {}
    return {"name": app.key.name, "namespace": app.key.namespace, **desired}


def app_health_checks(text: str) -> tuple[AppHealthCheck, ...]:
    """The Applications that the input of an argocd-update health check names. A null is as good as nothing.

    Raises ValueError if it has the wrong form. Source: `health.InputToStruct`, `ArgoCDHealthInput`
    """
    found = json.loads(text)
    return tuple(_app_health_check(app) for app in _a(list, _a(dict, found).get("apps")))


def _app_health_check(value: object) -> AppHealthCheck:
    fields = _a(dict, value)
    namespace, name = (_a(str, fields.get(field)) for field in ("namespace", "name"))
    revisions = _a(list, fields.get("desiredRevisions"))
    return AppHealthCheck(Key(namespace or DEFAULT_NAMESPACE, name), tuple(_a(str, one) for one in revisions))


def _a(kind: type[T], value: object) -> T:
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise ValueError(f"cannot make a {kind.__name__} of a {type(value).__name__}")
    return value
