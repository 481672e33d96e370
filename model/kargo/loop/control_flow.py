"""A control flow Stage: it has nothing to promote with, and passes on what is available to it.

Source: `pkg/controller/stages/control_flow_stages.go: reconcile, initializeStatus, markFreightVerifiedForStage`
"""

from __future__ import annotations

from collections.abc import Iterator

from model.kargo import availability
from model.kargo.availability import Standing, Verified
from model.kargo.loop.candidates import stand
from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Condition, Note, of
from model.kargo.phases import HealthState
from model.kargo.requests import FreightRequest
from model.kargo.stage_lifecycles import assessed
from model.system import Action, Outcomes, Part, Sequence, only, part, sequence


def forget_promotions(health: HealthState, generation: int, observed_generation: int) -> Outcomes:
    """Whatever a regular Stage would remember is forgotten."""
    return only(
        current=None,
        current_freight=None,
        last=None,
        last_phase=None,
        last_freight=None,
        last_finished=None,
        last_message="",
        last_checks=0,
        older_history=(),
        verification=None,
        verification_note=Note(),
        older_verifications=(),
        health=assessed(health, HealthState.NOT_ASSESSED),
        issues=(),
        healthy_condition=None,
        promoting_condition=None,
        verified_condition=None,
        summary="N/A",
        auto_promotion=False,
        observed_generation=max(generation, observed_generation),
    )


FORGOTTEN = (
    "current",
    "current_freight",
    "last",
    "last_phase",
    "last_freight",
    "last_finished",
    "last_message",
    "last_checks",
    "older_history",
    "verification",
    "verification_note",
    "older_verifications",
    "issues",
    "healthy_condition",
    "promoting_condition",
    "verified_condition",
    "summary",
    "auto_promotion",
)


def forget_origin() -> Outcomes:
    """What is remembered for each origin."""
    return only(in_use=None, last_carried=None, hold=None)


def pass_on(
    freight_exists: bool,
    approved: int | None,
    standing: Standing,
    verified: Verified | None,
    now: int,
    *,
    freight: str,
    request: FreightRequest,
) -> Outcomes:
    """Freight that is available counts as verified here from now on."""
    if not freight_exists or verified is not None:
        return ()
    if not availability.is_listed(request, approved is not None, standing):
        return ()
    return only(f"{freight} passes", verified=availability.verify(None, now // 1000 * 1000))


def say_ready() -> Outcomes:
    """A control flow Stage is Ready when it is done."""
    return only(ready_condition=Condition("True", "Ready"), reconciling_condition=None)


def fail_to_list(*, text: str) -> Outcomes:
    """Nothing can be listed."""
    return only(
        failed=True,
        error=text,
        ready_condition=Condition("False", "FreightRetrievalFailed", 0, text),
        reconciling_condition=Condition("True", "RetryAfterFreightRetrievalFailed", 0, text),
    )


def pass_freight_on(scope: Scope) -> Sequence:
    """One pass of the control flow Stage reconciler over a Stage that is there to stay."""
    return sequence("passing Freight on", *_parts(scope))


def _parts(scope: Scope) -> Iterator[Action | Part]:
    yield scope.bind(forget_promotions, writes=FORGOTTEN)
    for warehouse in scope.pipeline.warehouses:
        fields = {f: scope.of(f, warehouse) for f in ("in_use", "last_carried", "hold")}
        yield scope.bind(forget_origin, fields, writes=tuple(fields))
    pipeline = scope.pipeline
    problem = availability.listing_error(scope.stage.requests, pipeline.warehouses, pipeline.project)
    if problem is not None:
        writes = ("failed", "error", "ready_condition", "reconciling_condition")
        yield scope.bind(fail_to_list, constants={"text": problem}, writes=writes)
        return
    for request in scope.stage.requests:
        for freight in scope.of_origin(request.warehouse):
            passing = scope.bind(
                pass_on,
                constants={"freight": freight, "request": request},
                freight_exists=of("freight_exists", freight),
                approved=of("approved", freight, scope.stage.name),
                verified=of("verified", freight, scope.stage.name),
            )
            yield part(sequence(f"pass {freight} on", *stand(scope, freight, request, listing=True), passing))
    yield scope.bind(say_ready, writes=("ready_condition", "reconciling_condition"))
