"""What people do to a cluster, and what else happens to it: the events of a program that are no passes.

Each is done to the cluster and answers with what whoever did it is told: nothing, as a rule.

Source: `pkg/api/promotion.go: AbortPromotion, RefreshPromotion`, `pkg/api/stage.go: RefreshStage,
ReverifyStageFreight, AbortStageFreightVerification`, `pkg/webhook/kubernetes/promotion/webhook.go`
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from model.kargo.loop import people, world
from model.kargo.loop.fields import OF_STAGES
from model.kargo.loop.values import of
from model.kargo.phases import HealthState, VerificationPhase
from model.system import Rule, Value, action
from simulations.kargo.loop.cluster import USER, Cluster
from simulations.kargo.loop.fields import Fields
from simulations.kargo.loop.programs import Known, edited
from simulations.kargo.loop.results import Refused
from simulations.replay import RecordingError

Json = dict[str, Any]

DONE: Json = {}
NONE: Json = {"none": True}
"""There is no such object, and nothing was done."""


def refused(text: str) -> Json:
    """It was refused, with a text."""
    return {"err": text}


def exists(cluster: Cluster, stage: str) -> bool:
    """Whether there is such a Stage."""
    return bool(cluster.state[of("stage_exists", stage)])


def _to_stage(cluster: Cluster, stage: str, rule: Rule, writes: Iterable[str] = (), **constants: Value) -> Json:
    cluster.act(cluster.scope(stage).bind(rule, constants=constants, writes=writes))
    return DONE


# Freight


def freight(cluster: Cluster, event: Json) -> Json:
    """New Freight is found."""
    name = event["freight"]
    if cluster.exists_freight(name):
        return refused(f'freights.kargo.akuity.io "{name}" already exists')
    cluster.create_freight(name, event["warehouse"])
    return DONE


def delete_freight(cluster: Cluster, event: Json) -> Json:
    """Freight is deleted."""
    if not cluster.exists_freight(event["freight"]):
        return NONE
    cluster.delete_freight(event["freight"])
    return DONE


def approve(cluster: Cluster, event: Json) -> Json:
    """Freight is approved for a Stage, whether there is such a Stage or not."""
    name, stage = event["freight"], event["stage"]
    if not cluster.exists_freight(name):
        return NONE
    of_it = {"freight_exists": of("freight_exists", name), "approved": of("approved", name, stage)}
    cluster.act(action(people.approve, reads=of_it))
    return DONE


# Promotions


def promote(cluster: Cluster, event: Json) -> Json:
    """A Promotion is built, admitted and created: the name is looked at last."""
    stage, name = event["stage"], event.get("name") or ""
    if not exists(cluster, stage):
        return NONE
    shown = name if cluster.keeps(name) else f"{stage}.<ulid>.{event['freight']}"
    if cluster.pipeline.stage(stage).control_flow:
        return refused(_without_steps(cluster, stage, shown))
    made = cluster.promote(stage, event["freight"], name)
    if made is Refused.NAME_TAKEN:
        return refused(f'promotions.kargo.akuity.io "{name}" already exists')
    if made is Refused.NOT_AVAILABLE:
        return refused(
            f'Promotion.kargo.akuity.io "{shown}" is invalid: spec.freight: '
            f'Invalid value: "{event["freight"]}": Freight is not available to this Stage'
        )
    return {"made": made}


def _without_steps(cluster: Cluster, stage: str, shown: str) -> str:
    if not cluster.behaviours.names_overwritten:
        return f'stage "{stage}" has no promotion template'
    where = f'Stage "{stage}" in namespace "{cluster.pipeline.project}" defines no promotion steps'
    return f'Promotion.kargo.akuity.io "{shown}" is invalid: spec.stage: Invalid value: "{stage}": {where}'


def find_promotion(cluster: Cluster, reference: str) -> str | None:
    """The Promotion that a reference means, None if there is none.

    That is `stage#7`, or `stage#` with current, last (the newest that exists), open or oldest-open (the newest or
    oldest that is not over).
    """
    stage, _, which = reference.rpartition("#")
    existing = cluster.existing(stage)
    if which.isdigit():
        return reference if reference in existing else None
    if which == "current":
        current = cluster.state[of("current", stage)] if exists(cluster, stage) else None
        return next((p for p in existing if cluster.state[of("name", p)] == current), None)
    candidates = existing if which == "last" else [p for p in existing if not cluster.is_over(p)]
    if not candidates:
        return None
    return candidates[0 if which == "oldest-open" else -1]


def named(reference: str, promotion: str) -> Json:
    """Which Promotion it was, unless the reference says so."""
    return {} if reference == promotion else {"promo": promotion}


def _to_promotion(cluster: Cluster, event: Json, change: Callable[[Cluster, str], None]) -> Json:
    promotion = find_promotion(cluster, event["promo"])
    if promotion is None:
        return NONE
    change(cluster, promotion)
    return named(event["promo"], promotion)


def abort(cluster: Cluster, event: Json) -> Json:
    """A Promotion is to be terminated."""

    def write(cluster: Cluster, promotion: str) -> None:
        rule = action(
            people.abort_promotion,
            constants={"actor": USER},
            reads={f: of(f, promotion) for f in ("phase", "abort_requested")},
            writes={"abort_actor": of("abort_actor", promotion)},
        )
        cluster.write_promotion(promotion, rule)

    return _to_promotion(cluster, event, write)


def delete_promotion(cluster: Cluster, event: Json) -> Json:
    """A Promotion is deleted."""

    def delete(cluster: Cluster, promotion: str) -> None:
        cluster.act(action(people.delete_promotion, phase=of("phase", promotion)))

    return _to_promotion(cluster, event, delete)


def refresh_promotion(cluster: Cluster, event: Json) -> Json:
    """Another look at a Promotion is asked for."""
    return _to_promotion(cluster, event, Cluster.refresh_promotion)


# Applications and AnalysisRuns


def health(cluster: Cluster, event: Json) -> Json:
    """The applications of a Stage change."""
    return _to_stage(cluster, event["stage"], world.set_health, found=HealthState(event["value"]))


def analysis(cluster: Cluster, event: Json) -> Json:
    """The newest AnalysisRun of a Stage changes."""
    if not cluster.state[of("runs", event["stage"])]:
        return NONE
    phase = VerificationPhase(event["phase"])
    _to_stage(cluster, event["stage"], world.set_run, phase=phase)
    return _to_stage(cluster, event["stage"], world.note_run, message=f"scripted {phase}")


def delete_analysis(cluster: Cluster, event: Json) -> Json:
    """The newest AnalysisRun of a Stage is deleted."""
    if not cluster.state[of("runs", event["stage"])]:
        return NONE
    return _to_stage(cluster, event["stage"], world.delete_run)


# Stages


def reverify(cluster: Cluster, event: Json) -> Json:
    """The verification is to be repeated."""
    return _verification(cluster, event["stage"], people.ask_to_verify_again, "reverify")


def abort_verification(cluster: Cluster, event: Json) -> Json:
    """The verification is to be aborted."""
    return _verification(cluster, event["stage"], people.ask_to_abort_verification, "abort_verification")


def _verification(cluster: Cluster, stage: str, rule: Rule, request: str) -> Json:
    if not exists(cluster, stage):
        return refused(f'Stage "{stage}" in namespace "{cluster.pipeline.project}" not found')
    if all(cluster.state[of("in_use", stage, w)] is None for w in cluster.pipeline.warehouses):
        return refused("stage has no current freight")
    if cluster.state[of("verification", stage)] is None:
        return refused("stage has no current verification info")
    return _to_stage(cluster, stage, rule, (request,), actor=USER)


def refresh(cluster: Cluster, event: Json) -> Json:
    """Another look at a Stage is asked for; the token of the request is the time, in seconds."""
    if not exists(cluster, event["stage"]):
        return refused(f'refresh: patch annotation: stages.kargo.akuity.io "{event["stage"]}" not found')
    cluster.state[of("refresh", event["stage"])] = str(cluster.now // 1000)
    return DONE


def set_auto(cluster: Cluster, event: Json) -> Json:
    """The project lets a Stage promote by itself, or no longer, whether there is such a Stage or not."""
    return _to_stage(cluster, event["stage"], people.set_policy, enabled=event["value"] == "on")


def edit_stage(cluster: Cluster, event: Json) -> Json:
    """The spec of a Stage is edited."""
    stage, pipeline = event["stage"], cluster.pipeline
    if not exists(cluster, stage):
        return NONE
    known = Known(pipeline.warehouses, pipeline.names)
    cluster.edit(edited(pipeline.stage(stage), Fields(event.get("set") or {}, "the edit"), known))
    return DONE


def delete_stage(cluster: Cluster, event: Json) -> Json:
    """A Stage is to be deleted."""
    if not exists(cluster, event["stage"]):
        return NONE
    return _to_stage(cluster, event["stage"], people.delete_stage)


def clear_last(cluster: Cluster, event: Json) -> Json:
    """A person removes the last Promotion from the status of a Stage."""
    stage, state = event["stage"], cluster.state
    if not exists(cluster, stage):
        return NONE
    state |= {of(f, stage): v for f, v in OF_STAGES.items() if f == "last" or f.startswith("last_")}
    state |= {of("last_carried", stage, w): None for w in cluster.pipeline.warehouses}
    return DONE


def set_last(cluster: Cluster, event: Json) -> Json:
    """The last Promotion in the status of a Stage gets another name, as an older version may have left it.

    Raises RecordingError where there is none: what a controller does that finds a name and nothing else depends on
    how it was written there.
    """
    if not exists(cluster, event["stage"]):
        return NONE
    if cluster.state[of("last", event["stage"])] is None:
        raise RecordingError(f'the status of Stage "{event["stage"]}" has no last Promotion that could be renamed')
    cluster.state[of("last", event["stage"])] = event["name"]
    return DONE


CHANGES: dict[str, Callable[[Cluster, Json], Json]] = {
    "freight": freight,
    "delete_freight": delete_freight,
    "approve": approve,
    "promote": promote,
    "abort": abort,
    "delete_promotion": delete_promotion,
    "refresh_promotion": refresh_promotion,
    "health": health,
    "analysis": analysis,
    "delete_analysis": delete_analysis,
    "reverify": reverify,
    "abort_verification": abort_verification,
    "refresh": refresh,
    "set_auto": set_auto,
    "edit_stage": edit_stage,
    "delete_stage": delete_stage,
    "clear_last": clear_last,
    "set_last": set_last,
}
"""The events that change objects."""
