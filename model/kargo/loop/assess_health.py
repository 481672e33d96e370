"""How healthy the Stage is: the third sub-reconciler of a Stage pass.

Source: `pkg/controller/stages/regular_stages.go: assessHealth, reconcile`
"""

from __future__ import annotations

from model.kargo.loop.scope import Scope
from model.kargo.loop.values import Condition
from model.kargo.phases import HealthState, PromotionPhase
from model.kargo.stage_lifecycles import assessed
from model.system import Action, Outcomes, Sequence, only, sequence

IN_PROGRESS = "Cannot assess health because a Promotion is currently in progress"
DID_NOT_SUCCEED = "Cannot assess health because last Promotion did not succeed"


def assess_health(
    current: str | None,
    last_phase: PromotionPhase | None,
    observed: HealthState,
    health: HealthState,
    *,
    without_success: HealthState | None,
) -> Outcomes:
    """Only if the last Promotion succeeded, and none is current, does anybody look at the applications."""
    if current is not None:
        found = HealthState.UNKNOWN
    elif last_phase is None:
        found = HealthState.NOT_ASSESSED
    elif last_phase is PromotionPhase.SUCCEEDED:
        found = observed
    else:
        found = health if without_success is None else without_success
    return only(
        "" if found is health else f"health is {found.value or 'not assessed'}", health=assessed(health, found)
    )


def say_health(
    current: str | None,
    last_phase: PromotionPhase | None,
    observed: HealthState,
    observed_issues: tuple[str, ...],
    last_checks: int,
    generation: int,
) -> Outcomes:
    """The issues and the condition that go with it."""
    if current is not None:
        message = "Stage has a Promotion in progress"
        return _said("Unknown", "ActivePromotion", generation, message, (IN_PROGRESS,))
    if last_phase is None:
        return _said("Unknown", "NoFreight", generation, "Stage has no current Freight", ())
    if last_phase is not PromotionPhase.SUCCEEDED:
        reason = f"LastPromotion{last_phase}"
        return _said("Unknown", reason, generation, DID_NOT_SUCCEED, (DID_NOT_SUCCEED,))
    if observed is HealthState.HEALTHY:
        message = f"Stage is healthy (performed {last_checks} health checks)"
        return _said("True", str(observed), generation, message, observed_issues)
    if observed is HealthState.UNHEALTHY:
        message = f"Stage is unhealthy ({len(observed_issues)} issues in {last_checks} health checks)"
        return _said("False", str(observed), generation, message, observed_issues)
    return _said("Unknown", str(observed), generation, "", observed_issues)


def _said(status: str, reason: str, generation: int, message: str, issues: tuple[str, ...]) -> Outcomes:
    return only(issues=issues, healthy_condition=Condition(status, reason, generation, message))


def fail_if_unknown(health: HealthState, last_phase: PromotionPhase | None) -> Outcomes:
    """Up to 1.9 health that is Unknown is an error, unless the last Promotion is over and did not succeed.

    Then the pass ends here, and nothing is verified, marked or promoted.
    """
    if health is not HealthState.UNKNOWN:
        return ()
    if last_phase is not None and last_phase.terminal and last_phase is not PromotionPhase.SUCCEEDED:
        return ()
    return only(failed=True, error="Stage health evaluated to Unknown")


def assess(scope: Scope, observe: Action) -> Sequence:
    """Assess health; `observe` is the world's answer: it writes `observed` and `observed_issues`."""
    parts = [
        observe,
        scope.bind(say_health, writes=("issues", "healthy_condition")),
        scope.bind(assess_health, constants={"without_success": scope.behaviours.health_without_success}),
    ]
    if scope.behaviours.unknown_health_is_an_error:
        parts.append(scope.bind(fail_if_unknown, writes=("failed", "error")))
    return sequence("assessing health", *parts)
