"""Whom a change of an Argo CD Application wakes: Promotions that wait for it, and the Stages it is authorised for.

As in `watches.py`, an Application that is created has no `was`, one that is deleted no `now`.

Source: `pkg/controller/promotions/predicates.go` and `watches.go`, `pkg/controller/stages/event_handlers.go`
"""

from __future__ import annotations

from typing import NamedTuple

from model.kargo.argocd.applications import COMPLETED, Key
from model.kargo.label_selectors import Selector, matches
from model.kargo.phases import PromotionPhase
from model.kargo.releases import Behaviours


class ApplicationTriggers(NamedTuple):
    """What the controllers watch of an Application: nothing else that changes in it wakes anybody.

    `operation` is the phase of the operation that runs or ran last; it and the other texts are empty where there is
    none. `finished_at` is the end of that operation and `reconciled_at` the time at which Argo CD last looked at
    the Application, in milliseconds.
    """

    health: str = ""
    sync: str = ""
    revision: str = ""
    revisions: tuple[str, ...] = ()
    operation: str = ""
    finished_at: int | None = None
    reconciled_at: int | None = None
    labels: frozenset[tuple[str, str]] = frozenset()


def operation_completed(was: str, now: str) -> bool:
    """Whether an operation has just come to an end, by its phases. Source: `ArgoCDAppOperationCompleted`."""
    return now in COMPLETED and was not in COMPLETED


def reconciled_after_operation(was: int | None, now: int | None, finished_at: int | None) -> bool:
    """Whether the Application has been looked at for the first time since its last operation finished.

    That is told by what `reconciledAt` was: absent, or before that time. It does not matter what it has become, as
    long as it has changed. Source: `ArgoCDAppReconciledAfterOperation`, `appHealthOrSyncStatusChanged`
    """
    return finished_at is not None and was != now and (was is None or was < finished_at)


# Promotions


class Selection(NamedTuple):
    """The Applications in one namespace whose labels meet a selector."""

    namespace: str
    selector: Selector


class Targets(NamedTuple):
    """The Applications that an `argocd-update` or `argocd-wait` step is about, by name and by their labels."""

    named: frozenset[Key] = frozenset()
    selected: frozenset[Selection] = frozenset()


def targets_so_far(steps: tuple[Targets, ...], current_step: int) -> Targets:
    """What the steps up to the current one are about.

    Source: `RunningPromotionsByArgoCDApplications`, `RunningPromotionsByArgoCDSelectors`
    """
    reached = steps[: current_step + 1]
    return Targets(
        frozenset().union(*(step.named for step in reached)),
        frozenset().union(*(step.selected for step in reached)),
    )


def application_wakes_promotions(
    was: ApplicationTriggers | None, now: ApplicationTriggers | None, behaviours: Behaviours
) -> bool:
    """Whether a change of an Application can wake Promotions at all: the guard of that watch."""
    if was is None or now is None:
        return behaviours.selected_applications_wake
    return (
        operation_completed(was.operation, now.operation)
        or (behaviours.applications_watched_closely and _status_changed(was, now))
        or (behaviours.selected_applications_wake and was.labels != now.labels)
    )


def _status_changed(was: ApplicationTriggers, now: ApplicationTriggers) -> bool:
    return (
        was.health != now.health
        or was.sync != now.sync
        or reconciled_after_operation(was.reconciled_at, now.reconciled_at, now.finished_at)
    )


def application_wakes_promotion(
    was: ApplicationTriggers | None,
    now: ApplicationTriggers | None,
    application: Key,
    phase: PromotionPhase | str,
    targets: Targets,
    behaviours: Behaviours,
) -> bool:
    """Whether a change of an Application wakes a Promotion that the controller is responsible for.

    The Promotion must be Running, and `targets` are those of its steps so far. A Promotion that selects
    Applications is woken by one that was or is selected; one that names them, not by their creation or deletion.
    Source: `UpdatedArgoCDAppHandler`, `promotionSelectorsMatchApp`
    """
    if phase is not PromotionPhase.RUNNING or not application_wakes_promotions(was, now, behaviours):
        return False
    if was is not None and now is not None and application in targets.named:
        return True
    return behaviours.selected_applications_wake and any(
        selection.namespace == application.namespace and matches(selection.selector, dict(state.labels))
        for selection in targets.selected
        for state in (was, now)
        if state is not None
    )


# Stages


def application_wakes_stages(
    was: ApplicationTriggers | None, now: ApplicationTriggers | None, behaviours: Behaviours
) -> bool:
    """Whether a change of an Application wakes the Stages it is authorised for after the change.

    It does where the health that it gives those Stages may change. Only regular Stages that exist are woken, of the
    ones that its annotation names (`argocd.authorization.authorized_stages`).
    Source: `stageEnqueuerForArgoCDChanges`, `appHealthOrSyncStatusChanged`
    """
    if was is None or now is None:
        return False
    if was.health != now.health or was.revision != now.revision:
        return True
    if not behaviours.applications_watched_closely:
        return was.sync != now.sync
    return (
        was.operation != now.operation
        or was.revisions != now.revisions
        or reconciled_after_operation(was.reconciled_at, now.reconciled_at, now.finished_at)
    )
