"""One attempt of the step argocd-update: sync Applications to what is desired, and wait until they are.

`decide` is the decision about one Application, over values small enough to be explored; `update` is the attempt.

Source: `pkg/promotion/runner/builtin/argocd_updater.go`
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from model.expressions.text import to_json
from model.kargo.argocd.applications import (
    COMPLETED,
    FAILED,
    Application,
    Operation,
    OperationPhase,
    OperationState,
    SyncResult,
    observed_revisions,
)
from model.kargo.argocd.authorization import StageName
from model.kargo.argocd.configuration import AppUpdate, InvalidConfigError, update_config
from model.kargo.argocd.control_plane import HARD, PATCH_ATTEMPTS, ControlPlane, Event, patch
from model.kargo.argocd.finding import NotFound, find_authorized, resolved_apps
from model.kargo.argocd.health_checks import AppHealthCheck, health_check
from model.kargo.argocd.sources import desired_revisions, desired_sources, incompatible
from model.kargo.attempts import Attempt
from model.kargo.expressions import RULES
from model.kargo.phases import StepStatus
from model.kargo.releases import Behaviours

INITIATOR: Final = "kargo-controller"
"""Who starts an operation if nobody asked for the Promotion. Source: `applicationOperationInitiator`."""

PROMOTION_INFO: Final = "kargo.akuity.io/promotion"
"""The entry of an operation's `info` that names the Promotion it was started for. Source: `promotionInfoKey`."""


class Promoter(NamedTuple):
    """The Promotion that the step is part of, its Stage, and who asked for it; empty if nobody did."""

    promotion: str
    stage: StageName
    actor: str = ""


class Initiator(Enum):
    """Who started an operation, as far as it matters."""

    __hash__ = object.__hash__

    SOMEBODY_ELSE = "not Kargo"
    ANOTHER_PROMOTION = "Kargo, for another Promotion"
    THIS_PROMOTION = "Kargo, for this Promotion"


class Applied(Enum):
    """What an operation that is over has applied."""

    __hash__ = object.__hash__

    UNKNOWN = "it says nothing of what it synced to"
    ANOTHER_REVISION = "some source was synced to another revision than is desired"
    AS_DESIRED = "every revision that is desired, if any is"
    TOO_MANY = "more revisions than are desired, which nobody reckoned with"


class Decision(Enum):
    """What becomes of one Application."""

    __hash__ = object.__hash__

    SYNC = "a sync is started"
    WAIT = "the operation is awaited"
    WAIT_FOR_ANOTHER = "an operation is awaited that somebody else started, or another Promotion"
    DONE = "the operation's phase is the result"
    PANIC = "the controller indexes beyond a list"


def decide(operation: tuple[Initiator, bool] | None, applied: Applied) -> Decision:
    """What becomes of one Application, by its operation: the whole decision.

    `operation` is None if there is none, else who started it and whether it is completed; what it has `applied`
    matters only if that is so and this Promotion started it.

    Source: `argocdUpdater.mustPerformUpdate`
    """
    if operation is None:
        return Decision.SYNC
    initiator, completed = operation
    if initiator is not Initiator.THIS_PROMOTION:
        return Decision.SYNC if completed else Decision.WAIT_FOR_ANOTHER
    return _OF_OURS[applied] if completed else Decision.WAIT


_OF_OURS = {
    Applied.UNKNOWN: Decision.SYNC,
    Applied.ANOTHER_REVISION: Decision.SYNC,
    Applied.AS_DESIRED: Decision.DONE,
    Applied.TOO_MANY: Decision.PANIC,
}


def initiator(state: OperationState, promotion: str) -> Initiator:
    """Who started an operation; the first Promotion it names is the one it was started for.

    Source: `isKargoInitiatedOperation`
    """
    if not state.promotions:
        return Initiator.SOMEBODY_ELSE
    ours = state.promotions[0] == promotion
    return Initiator.THIS_PROMOTION if ours else Initiator.ANOTHER_PROMOTION


def applied(result: SyncResult | None, desired: tuple[str, ...]) -> Applied:
    """What an operation has applied, by its result and the desired revision of each source."""
    if result is None:
        return Applied.UNKNOWN
    if not desired:
        return Applied.AS_DESIRED
    observed = observed_revisions(result)
    if any(wanted not in ("", found) for wanted, found in zip(desired, observed, strict=False)):
        return Applied.ANOTHER_REVISION
    return Applied.TOO_MANY if len(observed) > len(desired) else Applied.AS_DESIRED


def update(
    config: str, promoter: Promoter, plane: ControlPlane | None, behaviours: Behaviours
) -> tuple[Attempt, ControlPlane | None]:
    """One attempt, and the control plane afterwards.

    `config` is the step's configuration after its expressions are evaluated, as JSON text; `plane` is None where
    the controller has no client of Argo CD.

    Source: `argocdUpdater.Run`
    """
    try:
        updates = update_config(config, behaviours.argocd_selectors)
    except InvalidConfigError as error:
        invalid = f"invalid argocd-update config: {error}"
        return Attempt(StepStatus.FAILED.value, error=invalid, terminal=True), plane
    if plane is None:
        return _errored(
            "Argo CD integration is disabled on this controller; cannot update Argo CD Application resources"
        ), None
    began = plane.waited_ms
    done: Processed = ()
    for one in updates:
        found, plane = _process(one, promoter, plane, behaviours)
        if isinstance(found, Attempt):
            return found._replace(takes_ms=plane.waited_ms - began), plane
        done += found
    return _result(done, behaviours)._replace(takes_ms=plane.waited_ms - began), plane


Processed = tuple[tuple[AppHealthCheck, str], ...]
"""For each Application, the health check it is to have and the phase of its operation."""


def _process(
    one: AppUpdate, promoter: Promoter, plane: ControlPlane, behaviours: Behaviours
) -> tuple[Processed | Attempt, ControlPlane]:
    """What comes of an update of one or more Applications; the attempt's result if it ends here."""
    sanitizes = RULES[behaviours.release].sanitizes_urls
    apps, plane = find_authorized(plane, one.target, promoter.stage, behaviours)
    if isinstance(apps, NotFound):
        return _errored(apps.text), plane
    problem = incompatible(one.sources, apps, sanitizes) if one.sources else None
    if problem:
        return _errored(problem), plane
    done: Processed = ()
    for app in apps:
        phase, plane = _process_application(one, app, promoter, plane, sanitizes)
        if isinstance(phase, Attempt):
            return phase, plane
        done = (*done, (AppHealthCheck(app.key, desired_revisions(one.sources, app)), phase))
    return done, plane


def _process_application(
    one: AppUpdate, app: Application, promoter: Promoter, plane: ControlPlane, sanitizes_urls: bool
) -> tuple[str | Attempt, ControlPlane]:
    """The phase that counts for one Application; the attempt's result if it ends here.

    Source: `argocdUpdater.processApplication`
    """
    state, desired = app.status.operation_state, desired_revisions(one.sources, app)
    operation = state and (initiator(state, promoter.promotion), state.phase in COMPLETED)
    decision = decide(operation, applied(state.sync_result if state else None, desired))
    if state is None or decision is Decision.SYNC:
        return _sync(one, app, promoter, plane, sanitizes_urls)
    if decision is Decision.PANIC:
        return Attempt(
            "", panic=f"runtime error: index out of range [{len(desired)}] with length {len(desired)}"
        ), plane
    if decision is Decision.WAIT_FOR_ANOTHER and not state.phase:
        return _errored(_waiting_for_another(state, promoter.promotion)), plane
    if state.phase in FAILED:
        return _errored(f"{app.key.called} failed with: {state.message}"), plane
    return state.phase, plane


def _waiting_for_another(state: OperationState, promotion: str) -> str:
    if initiator(state, promotion) is Initiator.SOMEBODY_ELSE:
        return f'current operation was initiated by "{state.initiated_by}": waiting for operation to complete'
    return f"current operation was not initiated for Promotion {promotion}: waiting for operation to complete"


def _sync(
    one: AppUpdate, app: Application, promoter: Promoter, plane: ControlPlane, sanitizes_urls: bool
) -> tuple[str | Attempt, ControlPlane]:
    sources = desired_sources(one.sources, app, sanitizes_urls)
    if isinstance(sources, str):
        return _errored(f"error building desired sources for {app.key.called}: {sources}"), plane
    syncing = app._replace(
        source=sources[0] if app.source and not app.sources else app.source,
        sources=sources if app.sources else (),
        operation=sync_operation(app, promoter),
        status=app.status._replace(operation_state=None),
        refresh=HARD,
    )
    fault, plane = patch(plane, syncing, PATCH_ATTEMPTS)
    if fault:
        return _errored(
            f'error syncing {app.key.called}: error patching Argo CD Application "{app.key.name}": '
            f"failed to patch the object: {fault.text}"
        ), plane
    event = Event(app.key, "OperationStarted", f"{INITIATOR} {sync_message(syncing)}", INITIATOR)
    return OperationPhase.RUNNING, plane._replace(events=(*plane.events, event))


def sync_operation(app: Application, promoter: Promoter) -> Operation:
    """The operation that is started: as the person's who asked for the Promotion, else as an automated one.

    Source: `argocdUpdater.syncApplication`
    """
    return Operation(
        initiated_by=promoter.actor or INITIATOR,
        automated=not promoter.actor,
        info=(
            ("Reason", "Promotion triggered a sync of this Application resource."),
            (PROMOTION_INFO, promoter.promotion),
        ),
        sync_options=app.sync_options,
        retry=app.retry,
    )


def sync_message(app: Application) -> str:
    """What an event says of a sync that was started. Source: `argocdUpdater.formatSyncMessage`."""
    if len(app.sources) > 1:
        return f"initiated sync to {len(app.sources)} sources"
    source = app.sources[0] if app.sources else app.source
    return "initiated sync" if source is None else f"initiated sync to {source.target_revision}"


_STATUS: dict[str, StepStatus] = {
    OperationPhase.FAILED: StepStatus.ERRORED,
    OperationPhase.ERROR: StepStatus.ERRORED,
    OperationPhase.RUNNING: StepStatus.RUNNING,
    OperationPhase.TERMINATING: StepStatus.RUNNING,
    OperationPhase.SUCCEEDED: StepStatus.SUCCEEDED,
}
"""What a phase makes of the step, the most important phase first.

Source: `operationPhaseOrder`, `argocdUpdater.operationPhaseToPromotionStepStatus`
"""


def by_importance(phases: tuple[str, ...]) -> tuple[str, ...]:
    """Phases of operations, the most important first; those that the controller does not know come last.

    Source: `pkg/argocd/sort.go: ByOperationPhase`
    """
    order = list(_STATUS)
    return tuple(sorted(phases, key=lambda phase: (order.index(phase) if phase in order else len(order), phase)))


def step_status(phases: tuple[str, ...]) -> StepStatus | None:
    """The status of the step whose Applications are in these phases; None if it cannot be told."""
    return next(map(_STATUS.get, by_importance(phases)), None)


def _result(done: Processed, behaviours: Behaviours) -> Attempt:
    phases = tuple(phase for _, phase in done if phase)
    status = step_status(phases)
    if status is None:
        listed = " ".join(by_importance(phases))
        return _errored(f"could not determine promotion step status from operation phases: [{listed}]")
    checks = tuple(check for check, _ in done)
    output = {"apps": resolved_apps(check.key for check in checks)} if behaviours.resolved_apps_in_output else None
    return Attempt(
        status.value,
        output=to_json(output),
        health_check=health_check(checks),
        retry_after_ms=behaviours.update_poll_ms if status is StepStatus.RUNNING else None,
    )


def _errored(text: str) -> Attempt:
    return Attempt(StepStatus.ERRORED.value, error=text)
