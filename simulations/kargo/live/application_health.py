"""How the applications of Stages are, by the Argo CD Applications that were given: as a health check judges them.

Source: `pkg/health/checker/builtin/argocd.go`
"""

from __future__ import annotations

import json
from typing import NamedTuple

from model.kargo.argocd.control_plane import ControlPlane, Stored
from model.kargo.argocd.health import of_health
from model.kargo.argocd.health_checks import (
    ARGOCD_UPDATE,
    Criteria,
    check,
    health_check,
)
from model.kargo.live.applications import checked_applications
from model.kargo.live.objects import LiveProject, LiveStage
from model.kargo.phases import HealthState
from model.kargo.releases import Behaviours


class Seen(NamedTuple):
    """What the Applications of a Stage come to: a state, what is wrong, and which were asked for and not given."""

    state: HealthState
    issues: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def seen(stage: LiveStage, project: LiveProject, now: int, behaviours: Behaviours) -> Seen | None:
    """What is seen of the Applications of a Stage; None if none of them was given.

    Those that the last Promotion checks are judged as the controller does, by revisions and operations, too. Where
    it says of none what to check, those are looked at that the Stage is authorized to change.
    """
    given = {app.application.key: app.application for app in project.applications}
    asked = checked_applications(stage)
    here = tuple(app for key, app in asked.items() if key in given)
    missing = tuple(str(key) for key in asked if key not in given)
    if here:
        plane = ControlPlane(tuple(Stored(given[key]) for key in sorted(given)))
        document = json.loads(health_check(here))
        criteria = Criteria(ARGOCD_UPDATE, json.dumps(document["input"]))
        health, _ = check((criteria,), plane, now, behaviours)
        return Seen(health.status, health.issues, missing)
    own = [app.application for app in project.applications if app.stage.partition(":")[2] == stage.name]
    if asked or not own:
        return None
    states = [of_health(app.status.health).state for app in own]
    worst = max(states, key=list(HealthState).index)
    shown = (f'{app.key.called} has health state "{app.status.health}"' for app in own)
    return Seen(worst, () if worst is HealthState.HEALTHY else tuple(shown))
