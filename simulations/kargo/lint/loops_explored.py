"""Rules about Stages that are judged by exploring a control loop, or pushes to a branch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from invariants.check import check
from invariants.kargo import control_loop, shared_branch
from invariants.kargo.loops import WELL, Loop, explored
from invariants.properties import Property, sometimes
from invariants.subjects import Subject
from invariants.trace import Trace
from invariants.verdicts import Bounds, Verdict
from model.kargo.loop.exploration import STEP, pipeline_of
from model.kargo.loop.exploration import Bounds as LoopBounds
from model.kargo.loop.pipeline import StageSpec
from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from model.kargo.releases import Behaviours
from model.kargo.requests import FreightRequest
from model.kargo.shared_branch import branching, plain

STAGE, WAREHOUSE = "dev", "w"
LIMITS = Bounds(seconds=20.0)

ABOVE, BELOW = "zzz", "-"
"""Names of Promotions, after that of their Stage, which sort above and below all that are generated."""


@cache
def recorded(name: str, behaviours: Behaviours) -> Trace | None:
    """The shortest run in which a Promotion that was current is not recorded, one having been given that name."""
    bounds = LoopBounds(promotions=1, by_hand=(name,), deletions=False, aborts=False, healths=WELL)
    found = _loop(Loop("", pipeline_of(_stage()), bounds, progress=False), behaviours)
    return _violated(found, control_loop.a_promotion_that_was_current_is_recorded)


@cache
def promoted_again(behaviours: Behaviours) -> Trace | None:
    """The shortest run in which Freight that is found after a success is promoted without anybody's doing."""
    bounds = LoopBounds(promotions=2, auto=True, promotes=False, aborts=False, deletions=False, healths=WELL)
    found = _loop(Loop("", pipeline_of(_stage()), bounds, progress=False), behaviours)
    over = {f"{k}": of("phase", f"{STAGE}.{k}") for k in (1, 2)}
    asked = sometimes(both_succeeded, first=over["1"], second=over["2"])
    [judged] = check(
        found.system, [asked], engine="explicit", transitions=False, stop_when_decided=True, bounds=LIMITS
    ).judgements
    return judged.trace


def both_succeeded(first: PromotionPhase | None, second: PromotionPhase | None) -> bool:
    """Two Promotions have succeeded, one after the other."""
    return first is PromotionPhase.SUCCEEDED and second is PromotionPhase.SUCCEEDED


@cache
def collided(forced: bool, behaviours: Behaviours) -> Trace | None:
    """The shortest run in which one of two Stages fails to push, or overwrites what the other has pushed."""
    setting = branching(behaviours, 2)._replace(conflicts=not forced, force=forced)
    if forced:
        setting = plain(setting)
    found = shared_branch.explored("pushes", "two Stages that push to one branch", setting)
    claim = shared_branch.a_pushed_commit_stays if forced else shared_branch.no_promotion_fails
    return _violated(found, claim)


def _stage() -> StageSpec:
    return StageSpec(STAGE, (FreightRequest(WAREHOUSE, direct=True),), (STEP,))


def _loop(loop: Loop, behaviours: Behaviours) -> Subject:
    return explored("lint", loop, behaviours)


def _violated(found: Subject, claim: Callable[..., bool]) -> Trace | None:
    """The shortest way in which some instance of a claim is violated."""
    asked = [p for p in found.properties if p.function is claim]
    seen = check(
        found.system,
        asked,
        engine="explicit",
        transitions=False,
        stop_when_decided=True,
        traced=_together,
        bounds=LIMITS,
    )
    return next((j.trace for j in seen.judgements if j.verdict is Verdict.VIOLATED and j.trace), None)


def _together(_: Property) -> str:
    """One way is enough, whichever instance it is to."""
    return "any"
