"""Whether anything that nobody has to do can still help: every state that can be reached is looked at.

The controllers may look at anything in any order and be restarted, the clock may run on until something is over,
the applications may be however they like, AnalysisRuns may end well or not, and steps may succeed or fail.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from model.kargo.attempts import Attempt
from model.kargo.loop import world
from model.kargo.loop.values import of
from model.kargo.phases import HealthState, VerificationPhase
from simulations.kargo.live.course import SUCCEEDS, deadlines
from simulations.kargo.live.goals import successes, unmet
from simulations.kargo.live.restoring import Restored
from simulations.kargo.loop.cluster import Cluster

MOST_STATES = 300
"""After how many states it is left undecided."""

HEALTHS = (HealthState.HEALTHY, HealthState.PROGRESSING, HealthState.UNKNOWN, HealthState.UNHEALTHY)
FAILS = Attempt("Failed", error="fatal", terminal=True)
IGNORED = ("now", "answer", "tries", "text", "message", "requeue", "stage_requeue", "last_message", "run_notes")
"""Variables in which states need not differ: those that nothing reads, or that say only when or in what words."""


def states_without(restored: Restored, stage: str) -> int | None:
    """How many states can be reached, if in all of them a goal of the Stage is not met.

    None if one was found in which all are, or if there are too many.
    """
    ever = successes(restored.cluster)
    seen: set[Hashable] = {_key(restored.cluster)}
    waiting = [restored.cluster]
    while waiting:
        cluster = waiting.pop()
        if not unmet(cluster, stage, ever | successes(cluster)):
            return None
        for after in _moves(cluster):
            key = _key(after)
            if key not in seen:
                seen.add(key)
                waiting.append(after)
        if len(seen) > MOST_STATES:
            return None
    return len(seen)


def _key(cluster: Cluster) -> Hashable:
    """What of a state makes a difference: of the time, only how much of what ends is over."""
    over = sum(end <= cluster.now for end in deadlines(cluster))
    return over, frozenset(
        (name, value) for name, value in cluster.state.items() if name.partition("[")[0] not in IGNORED
    )


def _moves(cluster: Cluster) -> Iterator[Cluster]:
    for stage in cluster.existing_stages():
        after = cluster.copy()
        after.reconcile_stage(stage)
        yield after
        yield from _around(cluster, stage)
    for slot in [s for s in cluster.made if not cluster.is_over(s)]:
        yield from _passes(cluster, slot)
    if ends := [end for end in deadlines(cluster) if end > cluster.now]:
        after = cluster.copy()
        after.state["now"] = min(ends) + 1
        yield after


def _passes(cluster: Cluster, slot: str) -> Iterator[Cluster]:
    """The passes over a Promotion, whose steps succeed or fail, and whose work directory may be lost before."""
    for lost in (False, True):
        for attempt in (SUCCEEDS, FAILS):
            after = cluster.copy()
            for alias in after.plans[slot].aliases:
                after.state[of("answer", slot, alias)] = attempt
            if lost:
                after.state[of("work_dir", slot)] = False
            after.reconcile_promotion(slot)
            yield after


def _around(cluster: Cluster, stage: str) -> Iterator[Cluster]:
    """What the applications and AnalysisRuns of a Stage may do."""
    for health in HEALTHS:
        after = cluster.copy()
        after.state[of("app", stage)] = health
        yield after
    for run in cluster.state[of("runs", stage)]:
        if run.phase.terminal:
            continue
        for phase in (VerificationPhase.SUCCESSFUL, VerificationPhase.FAILED):
            after = cluster.copy()
            rule = after.scope(stage).bind(world.end_run, constants={"number": run.number, "phase": phase})
            after.act(rule)
            yield after
