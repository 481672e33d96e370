"""The statuses of live Stages and Promotions. What the control loop does not read is left alone.

Source: `api/v1alpha1/stage_types.go: StageStatus`, `api/v1alpha1/promotion_types.go: PromotionStatus`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from model.fields import Field
from model.inputs import plain
from model.kargo.live.objects import HistoryEntry, LastPromotion, LiveHold, LiveVerification, StepMetadata
from model.kargo.live.values import (
    collection,
    entries,
    flag,
    freight_name,
    instant,
    items,
    json_texts,
    phase,
    text,
    warehouse,
    whole,
)
from model.kargo.loop.values import Condition
from model.kargo.phases import HealthState, PromotionPhase, StepStatus, VerificationPhase

PROMOTION_PHASE = "the phase of a Promotion (Pending, Running, Succeeded, Failed, Errored or Aborted)"
VERIFICATION_PHASE = "the phase of a verification (Pending, Running, Successful, Failed, Error, Inconclusive, ...)"


def stage_status(status: Field) -> Mapping[str, Any]:
    """What the status of a Stage says, by the names of the fields of `LiveStage`."""
    current, health = status.get("currentPromotion"), status.get("health")
    return {
        "current": (text(current, "name") or None) if current else None,
        "current_freight": freight_name(current, "freight") if current else None,
        "last": _last(last) if (last := status.get("lastPromotion")) else None,
        "history": tuple(_history(entry) for entry in items(status, "freightHistory", "a list of collections")),
        "health": phase(health, "status", HealthState, "the health of a Stage") if health else HealthState(""),
        "issues": tuple(i.text() for i in items(health, "issues", "a list of texts")) if health else (),
        "conditions": tuple(_condition(c) for c in items(status, "conditions", "a list of conditions")),
        "summary": text(status, "freightSummary"),
        "auto_promotion": flag(status, "autoPromotionEnabled"),
        "handled_refresh": text(status, "lastHandledRefresh"),
        "observed_generation": whole(status, "observedGeneration"),
        "holds": tuple(_hold(*h) for h in entries(status, "autoPromotionHolds", "holds by origin")),
        "effective_holds": tuple(
            _hold(*h) for h in entries(status, "effectiveAutoPromotionHolds", "holds by origin")
        ),
    }


def _last(last: Field) -> LastPromotion:
    status = last.get("status")
    name = last.need("name", "the name of a Promotion").text("the name of a Promotion")
    if status is None:
        return LastPromotion(name, None, freight_name(last, "freight"), (), instant(last, "finishedAt"))
    return LastPromotion(
        name,
        phase(status, "phase", PromotionPhase, PROMOTION_PHASE),
        freight_name(last, "freight"),
        collection(status, "freightCollection"),
        instant(last, "finishedAt"),
        text(status, "message"),
        sum(1 for _ in items(status, "healthChecks", "a list of health checks")),
        tuple(_criteria(one) for one in items(status, "healthChecks", "a list of health checks")),
    )


def _criteria(check: Field) -> tuple[str, str]:
    """A health check: its kind, and its config as JSON text. Source: `HealthCheckStep`."""
    config = check.get("config")
    return text(check, "uses"), json.dumps(plain(config.node) if config else {})


def _history(entry: Field) -> HistoryEntry:
    found = items(entry, "verificationHistory", "a list of verifications")
    of_it = entries(entry, "items", "a mapping from origins to Freight")
    freight = tuple((warehouse(o), ref.need("name", "the name of a Freight").text()) for o, ref in of_it)
    return HistoryEntry(freight, tuple(_verification(v) for v in found))


def _verification(found: Field) -> LiveVerification:
    run = found.get("analysisRun")
    return LiveVerification(
        text(found, "id"),
        phase(found, "phase", VerificationPhase, VERIFICATION_PHASE),
        text(found, "message"),
        text(found, "actor"),
        instant(found, "startTime"),
        instant(found, "finishTime"),
        (text(run, "name") or None) if run else None,
    )


def _condition(found: Field) -> tuple[str, Condition]:
    of_type = found.need("type", "the type of a condition").text("the type of a condition")
    return of_type, Condition(
        text(found, "status"), text(found, "reason"), whole(found, "observedGeneration"), text(found, "message")
    )


def _hold(origin: str, hold: Field) -> LiveHold:
    return LiveHold(warehouse(origin), text(hold, "promotionName"), text(hold, "freightName"))


def promotion_status(status: Field) -> Mapping[str, Any]:
    """What the status of a Promotion says, by the names of the fields of `LivePromotion`.

    Raises InputError for anything that is not what it should be.
    """
    steps = [*items(status, "stepExecutionMetadata", "the metadata of steps")]
    return {
        "phase": phase(status, "phase", PromotionPhase, PROMOTION_PHASE),
        "message": text(status, "message"),
        "current_step": whole(status, "currentStep"),
        "metadata": tuple(_step(step, last=step is steps[-1]) for step in steps),
        "status_freight": freight_name(status, "freight"),
        "collection": collection(status, "freightCollection"),
        "started": instant(status, "startedAt"),
        "finished": instant(status, "finishedAt"),
        "checks": sum(1 for _ in items(status, "healthChecks", "a list of health checks")),
        "outputs": json_texts(status, "state"),
        "handled_refresh": text(status, "lastHandledRefresh"),
    }


def _step(step: Field, *, last: bool) -> StepMetadata:
    """The metadata of a step, the last that was reached or one that the engine has passed.

    One without a status that is over, or was passed, makes Kargo panic; it never writes such a thing.
    Source: `api/v1alpha1/promotion_types.go: PromotionStepStatus.Compare`
    """
    found = StepMetadata(
        text(step, "alias"),
        phase(step, "status", StepStatus, "the status of a step"),
        whole(step, "errorCount"),
        text(step, "message"),
        instant(step, "startedAt"),
        instant(step, "finishedAt"),
    )
    if found.status is StepStatus.NEW and (found.finished is not None or not last):
        raise step.wrong("expected a status of a step that is over")
    return found
