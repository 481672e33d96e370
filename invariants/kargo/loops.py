"""Control loops that can be checked by name: small pipelines, each with a situation that matters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from invariants.kargo.loop_claims import claims_about, witnesses_of
from invariants.subjects import Subject
from model.kargo.loop.exploration import STEP, Bounds, exploration, pipeline_of
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.phases import HealthState
from model.kargo.releases import Behaviours
from model.kargo.requests import ALL, MATCH_UPSTREAM, FreightRequest

WELL = (HealthState.HEALTHY,)
"""Applications that are never anything but Healthy."""


@dataclass(frozen=True)
class Loop:
    """A pipeline and how far it is explored: `about` says in a sentence what is special about it.

    Without `progress` nothing is claimed about runs: that would take as long again, and `single`, `verification`,
    `auto` and `chain` say the same.
    """

    about: str
    pipeline: Pipeline
    bounds: Bounds
    progress: bool = True


def _stage(
    name: str,
    *upstream: str,
    origins: tuple[str, ...] = ("w",),
    verification: bool = False,
    strategy: str = "",
    soak_ms: int | None = None,
    policy: str = "",
    steps: bool = True,
) -> StageSpec:
    requests = tuple(FreightRequest(w, not upstream, upstream, strategy, soak_ms, policy) for w in origins)
    return StageSpec(name, requests, (STEP,) if steps else (), verification)


_DEV, _PROD = _stage("dev"), _stage("prod", "dev")
_VERIFIED = _stage("dev", verification=True)
_TWO = ("w", "v")

LOOPS: dict[str, Loop] = {
    "single": Loop("one Stage", pipeline_of(_DEV), Bounds()),
    "by-hand": Loop(
        "one Stage, and a person who gives a Promotion a name of their own",
        pipeline_of(_DEV),
        Bounds(promotions=2, by_hand=("zzz",)),
    ),
    "verification": Loop(
        "one Stage with verification, which people may ask for again or abort",
        pipeline_of(_VERIFIED),
        Bounds(promotions=2, reverifies=1),
    ),
    "auto": Loop(
        "one Stage that promotes by itself, unless people switch that off",
        pipeline_of(_DEV),
        Bounds(auto=True, switches=True, deletions=False, healths=WELL),
    ),
    "auto-verification": Loop(
        "one Stage with verification that promotes by itself",
        pipeline_of(_VERIFIED),
        Bounds(promotions=2, auto=True, deletions=False),
    ),
    "two-origins": Loop(
        "one Stage that wants Freight from two Warehouses",
        pipeline_of(_stage("dev", origins=_TWO), warehouses=_TWO),
        Bounds(freight=1),
    ),
    "deleted-freight": Loop(
        "one Stage that wants Freight from two Warehouses, and people who delete Freight that nobody has",
        pipeline_of(_stage("dev", origins=_TWO), warehouses=_TWO),
        Bounds(freight=1, deletions=False, freight_deletions=True, healths=WELL),
    ),
    "holds": Loop(
        "one Stage that promotes by itself, and people who roll back",
        pipeline_of(_DEV),
        Bounds(promotions=4, auto=True, deletions=False, healths=WELL),
        progress=False,
    ),
    "dev-prod": Loop(
        "two Stages, one downstream of the other, with verification",
        pipeline_of(_VERIFIED, _stage("prod", "dev", verification=True)),
        Bounds(),
        progress=False,
    ),
    "chain": Loop(
        "five Stages in a row",
        pipeline_of(
            _DEV, _stage("test", "dev"), _stage("uat", "test"), _stage("stage", "uat"), _stage("prod", "stage")
        ),
        Bounds(promotions=2),
    ),
    "fan-out": Loop(
        "two Stages downstream of one, and one that wants what both have verified",
        pipeline_of(
            _DEV, _stage("east", "dev"), _stage("west", "dev"), _stage("prod", "east", "west", strategy=ALL)
        ),
        Bounds(promotions=1, deletions=False, healths=WELL),
    ),
    "control-flow": Loop(
        "a control flow Stage between two others",
        pipeline_of(_DEV, _stage("gate", "dev", steps=False), _stage("prod", "gate")),
        Bounds(promotions=2, deletions=False, healths=WELL),
    ),
    "match-upstream": Loop(
        "a Stage that promotes by itself whatever its upstream Stage has",
        pipeline_of(_DEV, _stage("prod", "dev", policy=MATCH_UPSTREAM)),
        Bounds(promotions=2, auto=True, deletions=False, healths=WELL),
    ),
    "soak": Loop(
        "two Stages, where Freight has to soak in the first one for a minute",
        pipeline_of(_DEV, _stage("prod", "dev", soak_ms=60_000)),
        Bounds(promotions=2, deletions=False, healths=WELL),
    ),
    "wakeups": Loop(
        "one Stage that is looked at only when a watch or a timer asks for it",
        pipeline_of(_VERIFIED),
        Bounds(promotions=2, wakeups=True, refreshes=True, healths=WELL),
    ),
    "soaking-gate": Loop(
        "a control flow Stage that waits for Freight to soak, and is looked at only when something asks for it",
        pipeline_of(_DEV, _stage("gate", "dev", soak_ms=60_000, steps=False), _stage("prod", "gate")),
        Bounds(promotions=1, freight=1, wakeups=True, deletions=False, healths=WELL),
    ),
    "edits": Loop(
        "one Stage that people edit: with verification, and without anything to promote with",
        pipeline_of(_DEV),
        Bounds(promotions=2, edits=(_VERIFIED, _stage("dev", steps=False)), stage_deletions=True, healths=WELL),
    ),
    "interleaved": Loop(
        "one Stage whose sub-reconcilers others may come between",
        pipeline_of(_DEV),
        Bounds(promotions=2, interleaved=True),
    ),
    "lagging": Loop(
        "one Stage, and a cache that may show a Promotion as it was before the last write",
        pipeline_of(_DEV),
        Bounds(promotions=1, steps=2, lags=True, deletions=False, healths=WELL),
    ),
    "unwritten": Loop(
        "one Stage, and an API server that may refuse to write status",
        pipeline_of(_DEV),
        Bounds(promotions=2, unwritten=True),
    ),
    "restarts": Loop(
        "one Stage, Promotions of two steps, and a controller that is restarted",
        pipeline_of(_DEV),
        Bounds(promotions=1, steps=2, restarts=True, deletions=False, healths=WELL),
    ),
    "approvals": Loop(
        "two Stages, and people who approve Freight for them",
        pipeline_of(_DEV, _PROD),
        Bounds(promotions=2, approvals=True, deletions=False, healths=WELL),
    ),
}


def bounded(loop: Loop, promotions: int | None = None, freight: int | None = None) -> Loop:
    """The same loop with other bounds: Promotions per Stage, Freight per Warehouse."""
    bounds = loop.bounds
    if promotions is not None:
        bounds = replace(bounds, promotions=promotions)
    if freight is not None:
        bounds = replace(bounds, freight=freight)
    return replace(loop, bounds=bounds)


def subject(
    name: str, behaviours: Behaviours, *, promotions: int | None = None, freight: int | None = None
) -> Subject:
    """The control loop called `name` as one release behaves, with every claim about it.

    Raises KeyError for a name that is not in `LOOPS`.
    """
    return explored(name, bounded(LOOPS[name], promotions, freight), behaviours)


def explored(name: str, loop: Loop, behaviours: Behaviours) -> Subject:
    """A control loop with everything that can happen in it, the claims about it, and their witnesses."""
    pipeline, bounds = loop.pipeline, loop.bounds
    claims = claims_about(pipeline, behaviours, bounds, progress=loop.progress)
    properties = claims + witnesses_of(pipeline, behaviours, bounds)
    return Subject(name, loop.about, exploration(name, pipeline, behaviours, bounds), properties, QUIET)


QUIET = (
    *("requeue", "stage_requeue", "message", "text", "summary", "issues", "output", "name"),
    *(
        "created",
        "started",
        "finished",
        "actor",
        "abort_actor",
        "last_m",
        "last_finished",
        "last_carried",
        "carried",
    ),
    *("used", "freight_exists", "verification_ids", "verification_note", "run_ids", "run_notes", "older_history"),
    *("healthy_condition", "promoting_condition", "ready_condition", "reconciling_condition", "verified_condition"),
    *("observed_generation", "auto_promotion"),
)
"""What the labels of a story say already, or what follows from the rest."""
