"""How healthy a Stage is, by one of its Argo CD Applications.

`finding` is the decision, over values small enough to be explored; `app_finding` reads these off an Application,
and `issues` says the finding in the controller's words.

Source: `pkg/health/checker/builtin/argocd.go: getApplicationHealth`
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from model.kargo.argocd.applications import (
    AppHealth,
    Application,
    OperationPhase,
    error_conditions,
    is_reconciled,
    observed_revisions,
    sources_of,
)
from model.kargo.phases import HealthState
from model.kargo.releases import Behaviours, HealthTrust

COOLDOWN_MS: Final = 10_000
"""How old the end of an operation must be before health is believed, up to 1.9.

Source: `appHealthCooldownDuration`
"""


class Finding(Enum):
    """What is found first about an Application, and the `state` of health that it puts a Stage in."""

    __hash__ = object.__hash__

    state: HealthState

    def __new__(cls, value: str, state: HealthState) -> Finding:
        """A finding, described by `value`, that makes a Stage's health `state`."""
        member = object.__new__(cls)
        member._value_ = value
        member.state = state
        return member

    HEALTHY = "nothing is wrong", HealthState.HEALTHY
    MISSING = "there is no such Application", HealthState.UNKNOWN
    UNREADABLE = "the Application cannot be read", HealthState.UNKNOWN
    NOT_SUCCEEDED = "its last operation is not over, or did not succeed", HealthState.UNKNOWN
    JUST_FINISHED = "its last operation has ended too short a time ago", HealthState.UNKNOWN
    NOT_RECONCILED = "Argo CD has not looked at it since its last operation ended", HealthState.UNKNOWN
    ERROR_CONDITION = "Argo CD cannot make sense of it", HealthState.UNHEALTHY
    PROGRESSING = "it is progressing", HealthState.PROGRESSING
    SUSPENDED = "it is suspended", HealthState.PROGRESSING
    NOT_HEALTHY = "Argo CD calls it something else than healthy", HealthState.UNHEALTHY
    BEING_SYNCED = "it is being synced, or never was", HealthState.UNKNOWN
    SOURCES_DIFFER_IN_NUMBER = "it has more or fewer sources than revisions are desired", HealthState.UNKNOWN
    REVISIONS_DIFFER_IN_NUMBER = "it is at more or fewer revisions than are desired", HealthState.UNKNOWN
    WRONG_REVISION = "it is not at the desired revision", HealthState.UNHEALTHY


class LastOperation(NamedTuple):
    """An Application's last operation, as far as trust depends on it.

    `ended_ms_ago` is the age of its end, negative if that lies in the future, and None if it has not ended.
    `reconciled_since` says whether Argo CD has looked at the Application since.
    """

    phase: str
    ended_ms_ago: int | None
    reconciled_since: bool


def distrust(operation: LastOperation | None, trust: HealthTrust) -> Finding | None:
    """Why the health that an Application shows is not believed; None if it is.

    Argo CD runs operations and assesses health in different loops, so health may be that from before the
    operation.
    """
    if operation is None:
        return None
    if trust is HealthTrust.RECONCILED:
        stale = operation.ended_ms_ago is not None and not operation.reconciled_since
        return Finding.NOT_RECONCILED if stale else None
    if operation.phase != OperationPhase.SUCCEEDED:
        return Finding.NOT_SUCCEEDED
    fresh = operation.ended_ms_ago is not None and operation.ended_ms_ago < COOLDOWN_MS
    return Finding.JUST_FINISHED if fresh else None


def of_health(health: str) -> Finding:
    """The finding about the health that an Application shows. Source: `stageHealthForAppHealth`."""
    return _OF_HEALTH.get(health, Finding.NOT_HEALTHY)


_OF_HEALTH: dict[str, Finding] = {
    "": Finding.PROGRESSING,
    AppHealth.PROGRESSING: Finding.PROGRESSING,
    AppHealth.SUSPENDED: Finding.SUSPENDED,
    AppHealth.HEALTHY: Finding.HEALTHY,
}


def of_revisions(desired: tuple[str, ...], observed: tuple[str, ...], sources: int, being_synced: bool) -> Finding:
    """The finding about the revisions an Application is at; an empty one that is desired may be any.

    `sources` is their number. Source: `stageHealthForAppSync`
    """
    if not any(desired):
        return Finding.HEALTHY
    if being_synced:
        return Finding.BEING_SYNCED
    if sources != len(desired):
        return Finding.SOURCES_DIFFER_IN_NUMBER
    if len(observed) != len(desired):
        return Finding.REVISIONS_DIFFER_IN_NUMBER
    return Finding.WRONG_REVISION if _wrong(desired, observed) else Finding.HEALTHY


def finding(
    operation: LastOperation | None,
    error_condition: bool,
    health: Finding,
    revisions: Finding,
    behaviours: Behaviours,
) -> Finding:
    """What is found first about an Application that can be read: the whole decision.

    `operation` is its last one, `error_condition` says whether it has any of the `ERROR_CONDITIONS`, `health` is
    what `of_health` and `revisions` what `of_revisions` found.

    Source: `getApplicationHealth`
    """
    distrusted = distrust(operation, behaviours.health_trust)
    if distrusted:
        return distrusted
    if error_condition:
        return Finding.ERROR_CONDITION
    first, second = (revisions, health) if behaviours.revisions_before_health else (health, revisions)
    return second if first is Finding.HEALTHY else first


def app_finding(application: Application, desired: tuple[str, ...], now_ms: int, behaviours: Behaviours) -> Finding:
    """What is found first about an Application at an instant, if these are the desired revisions of its sources."""
    status = application.status
    state = status.operation_state
    ended = None if state is None else state.finished_at_ms
    operation = state and LastOperation(
        state.phase, None if ended is None else now_ms - ended, is_reconciled(status)
    )
    requested = application.operation is not None and application.operation.syncs
    return finding(
        operation,
        bool(error_conditions(application)),
        of_health(status.health),
        of_revisions(
            desired, observed_revisions(status.sync), len(sources_of(application)), requested or ended is None
        ),
        behaviours,
    )


_NOT_TRUSTED = "Application health status not trusted"
_WORDS: dict[Finding, str] = {
    Finding.NOT_SUCCEEDED: f'last operation of {{app}} has status "{{phase}}"; {_NOT_TRUSTED}',
    Finding.JUST_FINISHED: (
        f"last operation of {{app}} completed less than {COOLDOWN_MS // 1000}s ago; {_NOT_TRUSTED}"
    ),
    Finding.NOT_RECONCILED: f"{{app}} was not reconciled after its most recent operation completed; {_NOT_TRUSTED}",
    Finding.PROGRESSING: "{app} is progressing",
    Finding.SUSPENDED: "{app} is suspended",
    Finding.NOT_HEALTHY: '{app} has health state "{health}"',
    Finding.BEING_SYNCED: "{app} is being synced",
    Finding.SOURCES_DIFFER_IN_NUMBER: "{app} has {sources} sources but {desired} desired revisions",
    Finding.REVISIONS_DIFFER_IN_NUMBER: "{app} has {observed} observed revisions but {desired} desired revisions",
}


def issues(found: Finding, application: Application, desired: tuple[str, ...]) -> tuple[str, ...]:
    """What the controller says of its finding about an Application that can be read; nothing if it is healthy."""
    if found is Finding.HEALTHY:
        return ()
    if found is Finding.ERROR_CONDITION:
        return error_conditions(application)
    if found is Finding.WRONG_REVISION:
        return (_wrong_revision(application, desired),)
    status = application.status
    return (
        _WORDS[found].format(
            app=application.key.called,
            phase=status.operation_state.phase if status.operation_state else "",
            health=status.health,
            sources=len(sources_of(application)),
            observed=len(observed_revisions(status.sync)),
            desired=len(desired),
        ),
    )


def _wrong(desired: tuple[str, ...], observed: tuple[str, ...]) -> tuple[int, ...]:
    """The sources that are not at the revision desired for them."""
    pairs = enumerate(zip(desired, observed, strict=False))
    return tuple(source for source, (wanted, found) in pairs if wanted not in ("", found))


def _wrong_revision(application: Application, desired: tuple[str, ...]) -> str:
    (namespace, name), sources = application.key, sources_of(application)
    app = f'Application "{name}" in namespace "{namespace}"'
    each = (
        f"Source {source} with RepoURL {sources[source].repo_url} of {app} "
        f'does not match the desired revision "{desired[source]}".'
        for source in _wrong(desired, observed_revisions(application.status.sync))
    )
    return f"Not all sources of {app} are synced to the desired revisions. Issues: {'; '.join(each)}"
