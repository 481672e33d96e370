"""Which actions are worth trying for a Stage: what a person could sensibly do about it.

Source: the format of the recordings of moments, as their README describes it
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from simulations.kargo.live import edits
from simulations.kargo.live.actions import Action, newest_available
from simulations.kargo.live.changes import newest
from simulations.kargo.live.course import LASTS_MS
from simulations.kargo.live.goals import wanted
from simulations.kargo.live.restoring import Restored
from simulations.kargo.loop.cluster import Cluster

RESTART = Action("restart")

OF_STAGE = 2
IN_ALL = 4
"""How many Promotions of a Stage, and of all Stages, are tried to be deleted."""

GENERATED = re.compile(r".+\.[0-9a-hjkmnp-tv-z]{26}\.[0-9a-z]{1,7}")
"""The names that Kargo generates for Promotions: the Stage, a ULID, and the beginning of the Freight's name."""


def candidates(restored: Restored, stages: Iterable[str]) -> list[Action]:
    """The actions to try for these Stages, a restart first."""
    found = [RESTART]
    deleted = 0
    for stage in stages:
        if not restored.cluster.state[of("stage_exists", stage)]:
            found += _about_promotions(restored, stage)
            continue
        found += _about_stage(restored, stage)
        found += _about_promotions(restored, stage)
        found += _promoting(restored.cluster, stage)
        more = _deleting(restored, stage)[: min(OF_STAGE, IN_ALL - deleted)]
        deleted += len(more)
        found += more
    return list(dict.fromkeys(found))


def editing(restored: Restored, stage: str, *, endless: bool) -> Iterator[Action]:
    """The edits to try for a Stage: of its spec, and of the policy if what happens by itself has no end."""
    cluster, state = restored.cluster, restored.cluster.state
    if not state[of("stage_exists", stage)]:
        return
    if endless and state[of("policy", stage)] is True:
        yield Action("auto_off", stage)
    yield from (Action(edit, stage) for edit in edits.possible(cluster.pipeline.stage(stage)))


def upstream(restored: Restored, stage: str) -> Iterator[Action]:
    """Promoting what a Stage wants to Stages upstream in which it still has to be verified."""
    cluster, state = restored.cluster, restored.cluster.state
    if not state[of("stage_exists", stage)]:
        return
    for request in cluster.pipeline.stage(stage).requests:
        for freight in wanted(cluster, stage, request)[-1:]:
            for name in (s for s in request.stages if s in cluster.existing_stages()):
                lacks = state[of("verified", freight, name)] is None
                if lacks and not cluster.pipeline.stage(name).control_flow and cluster.may_promote(name, freight):
                    yield Action("promote", name, freight=freight)


def _about_stage(restored: Restored, stage: str) -> Iterator[Action]:
    cluster, state = restored.cluster, restored.cluster.state
    yield Action("refresh_stage", stage)
    spec = cluster.pipeline.stage(stage)
    if spec.control_flow:
        if any(r.soak_ms for r in spec.requests):
            yield Action("refresh_stage", stage, at=_soaked(restored, stage))
        return
    verification = state[of("verification", stage)]
    if verification is not None:
        under_way = not verification.phase.terminal
        yield Action("abort_verification" if under_way else "reverify", stage)
    if state[of("policy", stage)] is not True:
        yield Action("auto_on", stage)


def _soaked(restored: Restored, stage: str) -> float:
    """Two seconds after the last soak time that is running is over."""
    cluster, now = restored.cluster, restored.began
    ends = [
        since + request.soak_ms
        for request in cluster.pipeline.stage(stage).requests
        if request.soak_ms
        for upstream in request.stages
        for freight in cluster.freight
        if (since := cluster.state.get(of("since", freight, upstream))) is not None
    ]
    left = max((end - now for end in ends if end > now), default=None)
    return (LASTS_MS - 3_600_000) / 1000 if left is None else left // 1000 + 2


def _about_promotions(restored: Restored, stage: str) -> Iterator[Action]:
    cluster = restored.cluster
    names = [
        n for n, slot in restored.slots.items() if cluster.stage_of(slot) == stage and not cluster.is_over(slot)
    ]
    for name in names:
        yield Action("refresh_promotion", stage, name)
        yield Action("abort", stage, name)
    if len(names) > 1:
        yield Action("abort_all", stage)


def _promoting(cluster: Cluster, stage: str) -> Iterator[Action]:
    spec = cluster.pipeline.stage(stage)
    if spec.control_flow:
        return
    has = newest(cluster, cluster.state, stage)
    available = newest_available(cluster, stage)
    yield from (Action("promote_current", stage, freight=f) for f in has.values())
    yield from (Action("promote_newest", stage, freight=f) for f in available if f not in has.values())
    if len(spec.requests) > 1:
        yield Action("promote_each", stage)
    for request in spec.requests:
        freight = next(reversed(_of_origin(cluster, request.warehouse)), None)
        if freight is not None and (freight not in available or freight not in wanted(cluster, stage, request)):
            yield Action("approve", stage, freight=freight)
            yield Action("approve_promote", stage, freight=freight)


def _of_origin(cluster: Cluster, warehouse: str) -> list[str]:
    """The Freight of a Warehouse that exists, the oldest first."""
    found = [f for f, w in cluster.freight.items() if w == warehouse and cluster.exists_freight(f)]
    return sorted(found, key=lambda f: (cluster.freight_created[f] or 0, f))


def _deleting(restored: Restored, stage: str) -> list[Action]:
    """Promotions whose names Kargo did not generate first, then the newest of those that are over."""
    cluster = restored.cluster
    theirs = [(n, s) for n, s in restored.slots.items() if cluster.stage_of(s) == stage]
    odd = [name for name, _ in theirs if not GENERATED.fullmatch(name)]
    over = [name for name, slot in reversed(theirs) if cluster.phase(slot) is not PromotionPhase.NEW]
    over = [name for name in over if cluster.is_over(restored.slots[name])]
    return [Action("delete_promotion", stage, name) for name in dict.fromkeys((*odd, *over))]
