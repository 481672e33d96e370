"""What is behind live objects, as far as it can be told from them: queue, timers, and the health of applications.

The controllers are taken to be alive. Whatever a pass would change now, although nothing but time has passed since
the last thing that happened, is taken to have been asked for already: it is in the queue. What only time has made
possible waits for the next regular look at the object. How applications are is taken from the Stage's own health,
unless they were given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from model.kargo.availability import Verified
from model.kargo.live.objects import LiveFreight, LiveProject, LivePromotion, LiveStage, StepMetadata
from model.kargo.loop.assess_health import DID_NOT_SUCCEED, IN_PROGRESS
from model.kargo.loop.stage_pass import POLL_MS
from model.kargo.loop.values import of
from model.kargo.phases import HealthState, PromotionPhase, StepStatus, VerificationPhase
from model.kargo.releases import Behaviours
from model.system import State, Tables
from simulations.kargo.live.application_health import seen
from simulations.kargo.live.course import timeouts
from simulations.kargo.live.hidden import Hidden
from simulations.kargo.live.restoring import Restored, restore
from simulations.kargo.loop.cluster import NO_OBJECT, Cluster

SOMETIME_MS = POLL_MS // 2
"""When the next regular look at an object is, where one can only say that it is within the usual time."""

EXPLAINED = frozenset((IN_PROGRESS, DID_NOT_SUCCEED))
"""The issues of a Stage whose health says nothing of its applications."""


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
    if "Freight" not in project.kinds:
        project = replace(project, freight=tuple(_mentioned(project)))
    if "Promotion" not in project.kinds:
        project = replace(project, promotions=tuple(_under_way(project)))
    hidden, unseen = _apps(project, now, behaviours)
    quiet = restore(project, behaviours, now, hidden, tables=tables)
    possible = list(_woken(quiet, _items(quiet)))
    if possible and newest is not None and newest < now:
        before = restore(project, behaviours, newest, hidden, tables=tables)
        possible = list(_woken(before, possible))
    queue = tuple(possible)
    timers = {item: _due(quiet, item) for item in _polled(quiet) if item not in queue}
    return Inferred(replace(quiet, hidden=replace(hidden, queue=queue, timers=timers)), tuple(unseen))


def _mentioned(project: LiveProject) -> Iterator[LiveFreight]:
    """The Freight that Stages have, where none was given: as much of it as the Stages say."""
    found: dict[tuple[str, str], list[LiveStage]] = {}
    for stage in project.stages:
        for pair in stage.history[0].freight if stage.history else ():
            found.setdefault(pair, []).append(stage)
    for (warehouse, name), stages in found.items():
        verified = ((s.name, Verified(0)) for s in stages if _says_verified(s))
        since = tuple((s.name, 0) for s in stages)
        yield LiveFreight(name, project.name, warehouse, 0, since=since, verified=tuple(verified))


def _under_way(project: LiveProject) -> Iterator[LivePromotion]:
    """The Promotions that are current, where none were given: each in its first step."""
    for stage in project.stages:
        if stage.current is None or not stage.steps:
            continue
        first = StepMetadata(stage.steps[0].alias or "step-1", StepStatus.RUNNING)
        yield LivePromotion(
            stage.current,
            project.name,
            stage.name,
            stage.current_freight or "",
            created=0,
            steps=stage.steps,
            phase=PromotionPhase.RUNNING,
            metadata=(first,),
            status_freight=stage.current_freight,
        )


def _says_verified(stage: LiveStage) -> bool:
    phases = [v.phase for v in stage.history[0].verifications]
    return VerificationPhase.SUCCESSFUL in phases


def _apps(project: LiveProject, now: int, behaviours: Behaviours) -> tuple[Hidden, list[str]]:
    """How applications are, and which of that could not be seen."""
    found: dict[str, HealthState] = {}
    issues: dict[str, tuple[str, ...]] = {}
    blind, unseen = list[str](), list[str]()
    for stage in project.stages:
        given = seen(stage, project, now, behaviours)
        health = given.state if given else _own(stage)
        if given is not None:
            issues[stage.name] = given.issues
            if given.missing:
                shown = ", ".join(given.missing)
                unseen.append(f"the Applications {shown} of {stage.name}; only the others are judged")
        if health is not None:
            found[stage.name] = health
        elif stage.steps:
            blind.append(stage.name)
    if blind:
        unseen.append(f"how the applications of {', '.join(blind)} are; they are taken to be Healthy")
    return Hidden(apps=found, issues=issues), unseen


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


def _woken(restored: Restored, items: Iterable[str]) -> Iterator[str]:
    """Those of the items over which a pass would change something at the instant of the cluster.

    A pass over a Promotion that has begun tries its step again: that it does only when it is time. A policy wakes
    nobody, so that a Stage is asked what it would do under the one that its last pass saw.
    """
    probe = restored.cluster.copy()
    for item in items:
        kind, _, name = item.partition("/")
        if kind == "Promotion":
            slot = restored.slots[name]
            began = probe.phase(slot) is PromotionPhase.RUNNING
            if began and not probe.state[of("abort_requested", slot)]:
                continue
        else:
            probe.state |= _policy_before(probe, name)
        if _changes(probe, restored, kind, name):
            probe = restored.cluster.copy()
            yield item


def _policy_before(cluster: Cluster, stage: str) -> State:
    """The policy as the last pass over a Stage saw it, where it was another and there was one."""
    seen = cluster.state[of("auto_promotion", stage)]
    if seen == (cluster.state[of("policy", stage)] is True) or cluster.state[of("ready_condition", stage)] is None:
        return {}
    return {of("policy", stage): seen}


def _changes(probe: Cluster, restored: Restored, kind: str, name: str) -> bool:
    """Whether a pass changes an object: the `probe` is not what it was, if it does."""
    before = probe.state
    if kind == "Promotion":
        probe.reconcile_promotion(restored.slots[name])
    else:
        probe.reconcile_stage(name)
    after = probe.state
    if after is before:
        return False
    return any(value != before.get(n) and _is_stored(n) for n, value in after.items() if value is not before.get(n))


def _is_stored(variable: str) -> bool:
    """Whether a variable is part of an object that the API server has."""
    return variable.partition("[")[0] not in (*NO_OBJECT, "now", "tries", "answer")


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
    ends = (at - restored.began for at in timeouts(restored.cluster, restored.slots[name]))
    return max(0, min([SOMETIME_MS, *ends]))
