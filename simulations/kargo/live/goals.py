"""What should be so in a Stage when all is well, asked of a cluster of the model.

Source: the format of the recordings of moments, as their README describes it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from model.kargo.requests import FreightRequest
from simulations.kargo.live.changes import newest
from simulations.kargo.loop.cluster import Cluster

GOALS = ("open", "recorded", "complete", "verified", "auto", "deleted")
"""All Promotions are over; the last success is on record; no origin is missing; the Freight is verified; the newest
Freight has been promoted, where that goes by itself; a Stage that is to be deleted is gone."""


class Success(NamedTuple):
    """A Promotion that succeeded: when it finished, and its Freight."""

    finished: int
    freight: str


Successes = Mapping[str, Success]
"""The Promotions that have ever succeeded, by slot: those that were deleted, too."""


def successes(cluster: Cluster) -> dict[str, Success]:
    """The Promotions that have succeeded."""
    state = cluster.state
    return {
        slot: Success(state[of("finished", slot)] or 0, state[of("freight", slot)])
        for slot in cluster.made
        if cluster.phase(slot) is PromotionPhase.SUCCEEDED
    }


def unmet(cluster: Cluster, stage: str, succeeded: Successes) -> tuple[str, ...]:
    """The goals of a Stage that are not met, by name."""
    return tuple(sorted(_unmet(cluster, stage, succeeded)))


def _unmet(cluster: Cluster, stage: str, succeeded: Successes) -> Iterator[str]:
    state = cluster.state
    if not all(cluster.is_over(slot) for slot in cluster.promotions[stage] if slot in cluster.made):
        yield "open"
    if not state[of("stage_exists", stage)]:
        return
    if state[of("deleting", stage)]:
        yield "deleted"
        return
    if cluster.pipeline.stage(stage).control_flow:
        if not all(_is_verified(cluster, f, stage) for f in _wanted_of_all(cluster, stage)):
            yield "verified"
        return
    if not _is_recorded(cluster, stage, succeeded):
        yield "recorded"
    yield from _of_freight(cluster, stage)


def _is_recorded(cluster: Cluster, stage: str, succeeded: Successes) -> bool:
    theirs = [success for slot, success in succeeded.items() if cluster.stage_of(slot) == stage]
    last = max((s.finished for s in theirs), default=None)
    has = newest(cluster, cluster.state, stage).values()
    return not theirs or any(s.freight in has for s in theirs if s.finished == last)


def _of_freight(cluster: Cluster, stage: str) -> Iterator[str]:
    state, spec = cluster.state, cluster.pipeline.stage(stage)
    has = newest(cluster, state, stage)
    older = [dict(kept) for kept, _ in state[of("older_history", stage)]]
    if any(w not in has and any(w in entry for entry in older) for w in spec.origins):
        yield "complete"
    if not all(_is_verified(cluster, freight, stage) for freight in has.values()):
        yield "verified"
    if state[of("policy", stage)] is True:
        had = {freight for entry in (has, *older) for freight in entry.values()}
        if not all(_is_promoted(cluster, stage, request, had) for request in spec.requests):
            yield "auto"


def _is_promoted(cluster: Cluster, stage: str, request: FreightRequest, had: set[str]) -> bool:
    """Whether the newest Freight that is wanted was promoted, or is not to be."""
    candidates = wanted(cluster, stage, request)
    if not candidates or candidates[-1] in had:
        return True
    return cluster.state[of("effective_hold", stage, request.warehouse)] is not None


def _is_verified(cluster: Cluster, freight: str, stage: str) -> bool:
    return cluster.exists_freight(freight) and cluster.state[of("verified", freight, stage)] is not None


def _wanted_of_all(cluster: Cluster, stage: str) -> list[str]:
    requests = cluster.pipeline.stage(stage).requests
    return [freight for request in requests for freight in wanted(cluster, stage, request)]


def wanted(cluster: Cluster, stage: str, request: FreightRequest) -> list[str]:
    """The Freight that a request would like to have, the oldest first: whether it may be promoted is not asked."""
    state = cluster.state
    existing = [f for f, w in cluster.freight.items() if w == request.warehouse and cluster.exists_freight(f)]

    def is_wanted(freight: str) -> bool:
        if request.direct or state[of("approved", freight, stage)] is not None:
            return True
        return any(_came_through(cluster, freight, upstream, request) for upstream in request.stages)

    return sorted(filter(is_wanted, existing), key=lambda f: (cluster.freight_created[f] or 0, f))


def _came_through(cluster: Cluster, freight: str, upstream: str, request: FreightRequest) -> bool:
    if cluster.state[of("verified", freight, upstream)] is None:
        return False
    return not request.matches_upstream or cluster.state[of("since", freight, upstream)] is not None
