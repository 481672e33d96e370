"""What is to be said of a Stage: it moves, waits, is idle, needs someone, or is stuck.

Source: the format of the recordings of moments, as their README describes it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from simulations.kargo.live.actions import Action
from simulations.kargo.live.branches import Branch, Goals
from simulations.kargo.live.restoring import Restored
from simulations.kargo.loop.cluster import Cluster

AT_ONCE_MS = 5000
"""What happens within that time is taken to happen now."""


class Now(Enum):
    """What a Stage does at the moment."""

    MOVING = "moving"
    WAITING = "waiting"
    IDLE = "idle"
    NEEDS_SOMEONE = "needs-someone"
    STUCK = "stuck"


KINDNESS = {"app": "app_only", "analysis": "analysis_only", "step": "steps_only"}
"""What a Stage may wait for, and the world in which only that is kind."""


@dataclass
class Verdict:
    """What is said of a Stage.

    `waits_for` are timer, app, analysis, step or outside, `at` is when something changes by itself, in
    milliseconds. `later` are the goals that are not met even in a kind world; `helps` the actions that meet all of
    them, `helps_partly` some of them, `gives_up` those that do so by giving up what was being promoted.
    `restart_moves` is when something changes after a restart, where else nothing does.
    """

    now: Now
    waits_for: tuple[str, ...] = ()
    at: int | None = None
    unmet: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    helps: list[Action] = field(default_factory=list)
    helps_partly: list[Action] = field(default_factory=list)
    gives_up: list[Action] = field(default_factory=list)
    restart_moves: int | None = None
    together: bool = False
    """Whether there is a way out, be it by several actions or by an upgrade: what no recording asks."""

    @property
    def somebody_can(self) -> bool:
        """Whether some action helps."""
        return bool(self.helps or self.helps_partly or self.gives_up or self.together)


Tried = Sequence[tuple[Action, Branch]]
"""Actions, each with how it goes on after it in a kind world."""


def judge(stage: str, restored: Restored, unmet: Goals, branches: Mapping[str, Branch], tried: Tried) -> Verdict:
    """The verdict about a Stage.

    `unmet` are the goals that are not met at the moment. `branches` has alone, restart and cooperative, and those
    of the other worlds that differ from alone.
    """
    alone, kind = branches["alone"].first(stage), branches["cooperative"].first(stage)
    restarted = branches["restart"].first(stage)
    verdict = Verdict(Now.STUCK, unmet=unmet.get(stage, ()), later=branches["cooperative"].unmet.get(stage, ()))
    if verdict.later:
        _try(verdict, stage, restored, tried)
    if restarted is not None and alone is None and kind is None:
        verdict.restart_moves = restarted.at
    if alone is not None or kind is not None:
        moves = alone is not None and alone.at <= AT_ONCE_MS
        verdict.now = Now.MOVING if moves else Now.WAITING
        if not moves:
            verdict.waits_for = _waits_for(stage, branches)
            verdict.at = alone.at if alone is not None else None
    elif not verdict.unmet:
        verdict.now = Now.IDLE
    elif verdict.somebody_can or restarted is not None:
        verdict.now = Now.NEEDS_SOMEONE
    return verdict


def _waits_for(stage: str, branches: Mapping[str, Branch]) -> tuple[str, ...]:
    alone = branches["alone"].first(stage)
    found = ["timer"] if alone is not None else []
    for what, world in KINDNESS.items():
        change = branches[world].first(stage) if world in branches else None
        if change is not None and (alone is None or change != alone):
            found.append(what)
    return tuple(found) or ("outside",)


def _try(verdict: Verdict, stage: str, restored: Restored, tried: Tried) -> None:
    """Sort the actions by what they do for a Stage, least harm first."""
    for action, branch in sorted(tried, key=lambda one: one[0].harm):
        left = set(branch.unmet.get(stage, ()))
        if not left:
            given_up = is_given_up(restored.cluster, branch, stage)
            (verdict.gives_up if given_up else verdict.helps).append(action)
        elif left < set(verdict.later):
            verdict.helps_partly.append(action)


def being_promoted(cluster: Cluster, stage: str) -> str | None:
    """The Freight of the newest Promotion that was not Aborted, if the Stage and that Freight exist."""
    if not cluster.state[of("stage_exists", stage)] or cluster.pipeline.stage(stage).control_flow:
        return None
    state = cluster.state
    existing = [slot for slot in cluster.existing(stage) if cluster.phase(slot) is not PromotionPhase.ABORTED]
    latest = max(existing, key=lambda slot: (state[of("created", slot)], state[of("name", slot)]), default=None)
    freight = None if latest is None else state[of("freight", latest)]
    return freight if freight is not None and cluster.exists_freight(freight) else None


def is_given_up(cluster: Cluster, branch: Branch, stage: str) -> bool:
    """Whether the Stage has neither what is being promoted in the end, nor newer Freight of the same origin."""
    freight = being_promoted(cluster, stage)
    if freight is None:
        return False
    warehouse = cluster.freight[freight]
    has = branch.has.get(stage, {}).get(warehouse)
    if has is None:
        return True
    return _age(cluster, has) < _age(cluster, freight)


def _age(cluster: Cluster, freight: str) -> tuple[int, str]:
    return (cluster.freight_created.get(freight) or 0, freight)
