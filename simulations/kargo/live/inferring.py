"""What is behind live objects, as far as it can be told from them: queue, timers, and the health of applications.

The controllers are taken to be alive, unless they have left something undone for long. Whatever a pass would change
now, although nothing but time has passed since the last thing that happened, is taken to have been asked for: it is
in the queue. What only time has made possible waits for the next regular look at the object. How applications
are is taken from the Stage's own health, unless they were given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from model.kargo.live.objects import LiveProject, LiveStage
from model.kargo.loop.assess_health import DID_NOT_SUCCEED, IN_PROGRESS
from model.kargo.loop.stage_pass import POLL_MS
from model.kargo.loop.values import CONDITIONS, of
from model.kargo.phases import HealthState, PromotionPhase
from model.kargo.releases import Behaviours
from model.system import State, Tables
from simulations.kargo.live.application_health import seen
from simulations.kargo.live.course import timeouts
from simulations.kargo.live.hidden import Hidden
from simulations.kargo.live.not_given import with_mentioned
from simulations.kargo.live.overlooked import LONG_MS, doubtful, idle_since, overdue
from simulations.kargo.live.restoring import Restored, restore
from simulations.kargo.live.values_text import ago
from simulations.kargo.loop.cluster import NO_OBJECT, Cluster

SOMETIME_MS = POLL_MS // 2
"""When the next regular look at an object is, where one can only say that it is within the usual time."""

EXPLAINED = frozenset((IN_PROGRESS, DID_NOT_SUCCEED))
"""The issues of a Stage whose health says nothing of its applications."""


IN_WORDS = (
    *("message", "text", "last_message", "summary", "issues", "observed_generation"),
    *(f"{kind.lower()}_condition" for kind in CONDITIONS),
)
"""What only tells of other things, and is told a little differently from one patch of a release to the next."""

MATTER = ("phase", "current_step", "current", "last", "last_phase", "in_use", "verification", "verified")
"""What people look at: a pass that changes nothing of it is not missed."""

REASONS = (
    "its wake-up was lost, or its controller does not run, is of another shard, or is in a step without end; "
    "or the clock here is ahead of that of the cluster"
)
"""Why a pass that is due is not made."""


@dataclass(frozen=True)
class Inferred:
    """A cluster with what is taken to be behind it, and which of that could not be seen, in sentences.

    `project` has what was given and what is mentioned.
    """

    project: LiveProject
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
    project, guessed = with_mentioned(project)
    hidden, unseen = _apps(project, now, behaviours)
    quiet = restore(project, behaviours, now, hidden, tables=tables)

    def at(instant: int) -> Restored:
        return restore(project, behaviours, instant, hidden, tables=tables)

    queue = possible = tuple(_woken(quiet, _items(quiet)))
    if possible and newest is not None and newest < now:
        queue = tuple(_woken(at(newest), possible))
    polled = tuple(_polled(quiet))
    late = dict(idle_since(quiet, project, (item for item in possible if item in queue or item in polled)))
    if late:
        late = {item: late[item] for item in _woken(at(now - LONG_MS), late, _matters)}
    lost = dict(overdue(quiet, project))
    timers = {item: _due(quiet, item) for item in polled if item not in (*queue, *lost)}
    behind = replace(hidden, queue=queue, timers=timers, overlooked={**late, **lost})
    unseen += [f"why nobody looks at {item.replace('/', ' ')} any more: {REASONS}" for item in behind.overlooked]
    unseen += [
        f"whether anybody still looks at Promotion {name}, whose step {alias} has been under way for "
        f'{ago(now - since)}: if nothing comes of another look (--what-if "refresh-promotion {name}"), it waits'
        for name, alias, since in doubtful(quiet)
    ]
    return Inferred(project, replace(quiet, hidden=behind), (*guessed, *unseen))


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


def _woken(restored: Restored, items: Iterable[str], counts: Callable[[str], bool] | None = None) -> Iterator[str]:
    """Those of the items over which a pass would change something at the instant of the cluster.

    `counts` says of which variables: those of objects, unless it is given.

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
        if _changes(probe, restored, kind, name, counts or _is_stored):
            probe = restored.cluster.copy()
            yield item


def _policy_before(cluster: Cluster, stage: str) -> State:
    """The policy as the last pass over a Stage saw it, where it was another and there was one."""
    seen = cluster.state[of("auto_promotion", stage)]
    if seen == (cluster.state[of("policy", stage)] is True) or cluster.state[of("ready_condition", stage)] is None:
        return {}
    return {of("policy", stage): seen}


def _changes(probe: Cluster, restored: Restored, kind: str, name: str, counts: Callable[[str], bool]) -> bool:
    """Whether a pass changes an object: the `probe` is not what it was, if it does."""
    before = probe.state
    if kind == "Promotion":
        probe.reconcile_promotion(restored.slots[name])
    else:
        probe.reconcile_stage(name)
    after = probe.state
    if after is before:
        return False
    return any(value != before.get(n) and counts(n) for n, value in after.items() if value is not before.get(n))


def _is_stored(variable: str) -> bool:
    """Whether a variable is part of an object that the API server has, and more than words about it."""
    return variable.partition("[")[0] not in (*NO_OBJECT, *IN_WORDS, "now", "tries", "answer")


def _matters(variable: str) -> bool:
    """Whether a variable is one of those that people look at."""
    return variable.partition("[")[0] in MATTER


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
