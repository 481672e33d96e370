"""What is behind live objects, as far as it can be told from them: queue, timers, and the health of applications.

The controllers are taken to be alive. Whatever a pass would change now, although nothing but time has passed since
the last thing that happened, is taken to have been asked for already: it is in the queue. What only time has made
possible waits for the next regular look at the object. How applications are is taken from the Stage's own health,
unless they were given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from model.kargo.live.objects import LiveApplication, LiveProject, LiveStage
from model.kargo.loop.assess_health import DID_NOT_SUCCEED, IN_PROGRESS
from model.kargo.loop.stage_pass import POLL_MS
from model.kargo.phases import HealthState, PromotionPhase
from model.kargo.releases import Behaviours
from model.system import Tables
from simulations.kargo.live.course import Course, begin
from simulations.kargo.live.hidden import Hidden
from simulations.kargo.live.restoring import Restored, restore
from simulations.kargo.loop.waking import item_of_stage

SOMETIME_MS = POLL_MS // 2
"""When the next regular look at an object is, where one can only say that it is within the usual time."""

EXPLAINED = frozenset((IN_PROGRESS, DID_NOT_SUCCEED))
"""The issues of a Stage whose health says nothing of its applications."""

OF_APPLICATIONS = {
    "Healthy": HealthState.HEALTHY,
    "Progressing": HealthState.PROGRESSING,
    "Suspended": HealthState.PROGRESSING,
    "Missing": HealthState.UNHEALTHY,
    "Degraded": HealthState.UNHEALTHY,
}
"""What the health of an Argo CD Application means for its Stage; anything else is Unknown.

Source: `pkg/health/checker/builtin/argocd.go: stageHealthForAppHealth`
"""


@dataclass(frozen=True)
class Inferred:
    """A cluster with what is taken to be behind it, and which of that could not be seen, in sentences."""

    restored: Restored
    unseen: tuple[str, ...]


def infer(
    project: LiveProject,
    behaviours: Behaviours,
    now: int,
    *,
    newest: int | None = None,
    tables: Tables | None = None,
) -> Inferred:
    """The cluster at the instant `now`; `newest` is the latest instant that an object mentions."""
    tables = tables or Tables()
    apps, unseen = _apps(project)
    quiet = restore(project, behaviours, now, Hidden(apps=apps), tables=tables)
    before = restore(project, behaviours, min(now, newest or now), Hidden(apps=apps), tables=tables)
    wanted, possible = (set(_woken(restored)) for restored in (before, quiet))
    queue = tuple(item for item in _items(quiet) if item in wanted & possible)
    timers = {item: _due(quiet, item) for item in _polled(quiet) if item not in queue}
    return Inferred(replace(quiet, hidden=Hidden(queue, timers, {}, apps)), tuple(unseen))


def _apps(project: LiveProject) -> tuple[dict[str, HealthState], list[str]]:
    found: dict[str, HealthState] = {}
    blind: list[str] = []
    for stage in project.stages:
        given = [a for a in project.applications if a.stage.partition(":")[2] == stage.name]
        health = _worst(given) if given else _own(stage)
        if health is not None:
            found[stage.name] = health
        elif stage.steps:
            blind.append(stage.name)
    if not blind:
        return found, []
    return found, [f"how the applications of {', '.join(blind)} are; they are taken to be Healthy"]


def _worst(applications: list[LiveApplication]) -> HealthState:
    states = [OF_APPLICATIONS.get(a.health, HealthState.UNKNOWN) for a in applications]
    return max(states, key=list(HealthState).index)


def _own(stage: LiveStage) -> HealthState | None:
    """What the Stage last found, None where it did not look."""
    if stage.health is HealthState.NOT_ASSESSED or (
        stage.health is HealthState.UNKNOWN and EXPLAINED & set(stage.issues)
    ):
        return None
    return stage.health


def _items(restored: Restored) -> Iterator[str]:
    """Every object that a controller may have to look at: Stages first, as if each had just been announced."""
    cluster = restored.cluster
    for stage in cluster.existing_stages():
        yield f"Stage/{stage}"
    for name, slot in restored.slots.items():
        if not cluster.is_over(slot):
            yield f"Promotion/{name}"


def _woken(restored: Restored) -> Iterator[str]:
    """The items over which a pass would change something at the instant of the cluster.

    A pass over a Promotion that has begun tries its step again: that it does only when it is time.
    """
    for item in _items(restored):
        kind, _, name = item.partition("/")
        if kind == "Promotion":
            slot = restored.slots[name]
            began = restored.cluster.phase(slot) is PromotionPhase.RUNNING
            if began and not restored.cluster.state[f"abort_requested[{slot}]"]:
                continue
        if _changes(begin(restored), restored, kind, name):
            yield item


def _changes(course: Course, restored: Restored, kind: str, name: str) -> bool:
    if kind == "Promotion":
        item = f"Promotion/{restored.slots[name]}"
    else:
        item = item_of_stage(course.cluster.pipeline, name)
    happened = course.controllers.reconcile(item)
    return happened is not None and bool(happened.changed)


def _polled(restored: Restored) -> Iterator[str]:
    """The items that are looked at again and again."""
    cluster = restored.cluster
    for item in _items(restored):
        kind, _, name = item.partition("/")
        polled = kind == "Stage" and not cluster.pipeline.stage(name).control_flow
        if polled or (kind == "Promotion" and cluster.phase(restored.slots[name]) is PromotionPhase.RUNNING):
            yield item


def _due(restored: Restored, item: str) -> int:
    """When an item is looked at next: sometime, but not after the time of the step under way is over."""
    kind, _, name = item.partition("/")
    if kind == "Stage":
        return SOMETIME_MS
    course = begin(restored)
    deadlines = [at - restored.began for at in course.timeouts(restored.slots[name])]
    return max(0, min([SOMETIME_MS, *deadlines]))
