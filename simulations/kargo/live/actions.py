"""What a person can do about a Stage, each as something that can be tried in the model, in order of harm.

Source: the format of the recordings of moments, as their README describes it
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from model.kargo.loop.values import of
from simulations.kargo.live import edits
from simulations.kargo.live.restoring import Restored
from simulations.kargo.loop import events
from simulations.kargo.loop.cluster import Cluster

HARM = (
    "refresh_stage",
    "refresh_promotion",
    "restart",
    "reverify",
    "abort_verification",
    "promote_current",
    "promote_newest",
    "promote_each",
    "promote",
    "abort",
    "abort_all",
    "approve",
    "approve_promote",
    "auto_on",
    "delete_promotion",
    "no_soak",
    "one_of",
    "direct",
    "no_verification",
    "clear_last",
    "auto_off",
)
"""Least harm first. Those after the deletion of a Promotion, and promoting what one likes, are in no recording."""


class Action(NamedTuple):
    """Something that a person does: to a Stage, a Promotion (by name) or Freight; `at` is when, in seconds."""

    do: str
    stage: str = ""
    promotion: str = ""
    freight: str = ""
    at: float = 0

    @property
    def harm(self) -> int:
        """Its place in the order of harm."""
        return HARM.index(self.do)


Json = dict[str, Any]


def perform(restored: Restored, cluster: Cluster, action: Action) -> str | None:
    """Do it; the text with which it is refused, None if it is not. A restart is none of these."""
    found = _PERFORMED[action.do](restored, cluster, action)
    refused = found.get("err")
    if refused is None and found == events.NONE:
        return "there is no such object"
    return None if refused is None else str(refused)


def _of_stage(change: Callable[[Cluster, Json], Json]) -> Callable[[Restored, Cluster, Action], Json]:
    return lambda _, cluster, action: change(cluster, {"stage": action.stage})


def _of_promotion(change: Callable[[Cluster, Json], Json]) -> Callable[[Restored, Cluster, Action], Json]:
    return lambda restored, cluster, action: change(cluster, {"promo": restored.slots.get(action.promotion, "#0")})


def _refresh(_: Restored, cluster: Cluster, action: Action) -> Json:
    """Another look at a Stage is asked for, with a token that is not the one that is there."""
    before = cluster.state[of("refresh", action.stage)]
    found = events.refresh(cluster, {"stage": action.stage})
    if cluster.state[of("refresh", action.stage)] == before:
        cluster.state[of("refresh", action.stage)] = f"{before}+"
    return found


def _promote(_: Restored, cluster: Cluster, action: Action) -> Json:
    return events.promote(cluster, {"stage": action.stage, "freight": action.freight})


def _promote_each(restored: Restored, cluster: Cluster, action: Action) -> Json:
    """The newest available Freight of each origin, one after the other."""
    for freight in newest_available(cluster, action.stage):
        found = events.promote(cluster, {"stage": action.stage, "freight": freight})
        if "err" in found:
            return found
    return events.DONE


def _abort_all(_: Restored, cluster: Cluster, action: Action) -> Json:
    for slot in cluster.existing(action.stage):
        if not cluster.is_over(slot):
            events.abort(cluster, {"promo": slot})
    return events.DONE


def _approve(_: Restored, cluster: Cluster, action: Action) -> Json:
    return events.approve(cluster, {"stage": action.stage, "freight": action.freight})


def _approve_promote(restored: Restored, cluster: Cluster, action: Action) -> Json:
    return _approve(restored, cluster, action) or _promote(restored, cluster, action)


def _set_auto(value: str) -> Callable[[Restored, Cluster, Action], Json]:
    return lambda _, cluster, action: events.set_auto(cluster, {"stage": action.stage, "value": value})


def _edit(_: Restored, cluster: Cluster, action: Action) -> Json:
    """The spec of a Stage is edited, if there is such a Stage and that changes anything."""
    if not cluster.state[of("stage_exists", action.stage)]:
        return events.NONE
    spec = cluster.pipeline.stage(action.stage)
    if action.do not in edits.possible(spec):
        return events.refused("the Stage asks for nothing of that kind")
    cluster.edit(edits.edited(spec, action.do))
    return events.DONE


_PERFORMED: dict[str, Callable[[Restored, Cluster, Action], Json]] = {
    "refresh_stage": _refresh,
    "refresh_promotion": _of_promotion(events.refresh_promotion),
    "reverify": _of_stage(events.reverify),
    "abort_verification": _of_stage(events.abort_verification),
    "promote_current": _promote,
    "promote_newest": _promote,
    "promote_each": _promote_each,
    "promote": _promote,
    "abort": _of_promotion(events.abort),
    "abort_all": _abort_all,
    "approve": _approve,
    "approve_promote": _approve_promote,
    "auto_on": _set_auto("on"),
    "auto_off": _set_auto("off"),
    "delete_promotion": _of_promotion(events.delete_promotion),
    "clear_last": _of_stage(events.clear_last),
    **dict.fromkeys((*edits.EDITS, edits.NO_VERIFICATION), _edit),
}


def newest_available(cluster: Cluster, stage: str) -> list[str]:
    """The newest Freight of each origin that may be promoted to the Stage, in the order of its requests."""
    found: list[str] = []
    for request in cluster.pipeline.stage(stage).requests:
        candidates = cluster.scope(stage).of_origin(request.warehouse)
        allowed = [f for f in candidates if cluster.exists_freight(f) and cluster.may_promote(stage, f)]
        found += allowed[-1:]
    return found
