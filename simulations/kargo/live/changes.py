"""What changes in a cluster as time goes by, in the few words in which it matters to a person.

Source: the format of the recordings of moments, as their README describes it
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from simulations.kargo.loop.cluster import Cluster, Object, State


class Change(NamedTuple):
    """Something that changed: when, in milliseconds since the moment; which Stage it is about; what; and to what.

    `what` is one of current, last, history, verification, verified, promotion, step and stage.
    """

    at: int
    stage: str
    what: str
    value: Any


def observed(cluster: Cluster, before: State, changed: Iterable[Object], at: int) -> list[Change]:
    """What changed that somebody wants to know of: what was promoted first, then what was verified, by name."""
    found: list[Change] = []
    for kind, name in changed:
        if kind == "Stage":
            found += (Change(at, name, *told) for told in _of_stage(cluster, before, name))
        elif kind == "Freight":
            found += (Change(at, stage, "verified", name) for stage in _verified(cluster, before, name))
        elif kind == "Promotion":
            stage = cluster.stage_of(name)
            found += (Change(at, stage, *told) for told in _of_promotion(cluster, before, name))
    return sorted(found, key=lambda change: (_ORDER.index(change.what), _name(change)))


def _name(change: Change) -> str:
    """Freight is told of by name; of other things the order stays."""
    return str(change.value) if change.what == "verified" else ""


_ORDER = ("current", "history", "last", "stage", "promotion", "step", "verification", "verified")


def newest(cluster: Cluster, state: State, stage: str) -> dict[str, str]:
    """The newest entry of the Freight history of a Stage, by Warehouse."""
    warehouses = cluster.pipeline.warehouses
    return {w: f for w in warehouses if (f := state[of("in_use", stage, w)]) is not None}


def _entries(cluster: Cluster, state: State, stage: str) -> tuple[object, ...]:
    found = newest(cluster, state, stage)
    return (tuple(found.items()), len(state[of("older_history", stage)])) if found else ()


def _of_stage(cluster: Cluster, before: State, stage: str) -> Iterator[tuple[str, Any]]:
    after = cluster.state
    if not after[of("stage_exists", stage)]:
        if before[of("stage_exists", stage)]:
            yield from ((field, None) for field in ("current", "last") if before[of(field, stage)] is not None)
            yield "stage", "gone"
        return

    def changed(field: str) -> bool:
        return bool(before[of(field, stage)] != after[of(field, stage)])

    if changed("current"):
        yield "current", after[of("current", stage)]
    entered = _has_entered(cluster, before, stage)
    if entered:
        yield "history", newest(cluster, after, stage)
    if changed("last") or changed("last_phase"):
        phase = after[of("last_phase", stage)]
        yield "last", (after[of("last", stage)], phase and phase.value)
    was, now = (_verification(state, stage) for state in (before, after))
    if now is not None and now != was:
        yield "verification", now[1] or "Pending"


def _has_entered(cluster: Cluster, before: State, stage: str) -> bool:
    """Whether there is a new entry in the history: the newest one is an older one now, or there was none."""
    after = cluster.state
    older = of("older_history", stage)
    if before[older] != after[older]:
        return True
    return _entries(cluster, before, stage) != _entries(cluster, after, stage)


def _verification(state: State, stage: str) -> tuple[int, str] | None:
    found = state[of("verification", stage)]
    return None if found is None else (found.id, found.phase.value or "Pending")


def _verified(cluster: Cluster, before: State, freight: str) -> Iterator[str]:
    for stage in cluster.pipeline.names:
        field = of("verified", freight, stage)
        if before.get(field) is None and cluster.state[field] is not None:
            yield stage


def _of_promotion(cluster: Cluster, before: State, slot: str) -> Iterator[tuple[str, Any]]:
    after = cluster.state
    name, phase = after[of("name", slot)], cluster.phase(slot)
    was: PromotionPhase | None = before.get(of("phase", slot))
    if phase is not was:
        yield "promotion", (name, None if phase is None else phase.value)
    step = of("current_step", slot)
    if phase is not None and not phase.terminal and before.get(step, 0) != after[step]:
        yield "step", (name, after[step])
