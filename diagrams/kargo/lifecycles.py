"""Kargo's lifecycles as they are drawn."""

from __future__ import annotations

from typing import Any

from diagrams.lifecycles import Known
from diagrams.theme import Kind
from invariants.kargo import moves
from model.kargo.lifecycles import PROMOTION, STEP
from model.kargo.phases import HealthState, PromotionPhase, StepPhase, VerificationPhase
from model.kargo.stage_lifecycles import HEALTH, VERIFICATION

PROMOTION_KINDS = {
    PromotionPhase.NEW: Kind.WAITING,
    PromotionPhase.PENDING: Kind.WAITING,
    PromotionPhase.RUNNING: Kind.BUSY,
    PromotionPhase.SUCCEEDED: Kind.GOOD,
    PromotionPhase.FAILED: Kind.BAD,
    PromotionPhase.ERRORED: Kind.BROKEN,
    PromotionPhase.ABORTED: Kind.STOPPED,
}
STEP_KINDS = {
    StepPhase.NEW: Kind.WAITING,
    StepPhase.RUNNING: Kind.BUSY,
    StepPhase.FAILED_FOR_NOW: Kind.BAD,
    StepPhase.ERRORED_FOR_NOW: Kind.BROKEN,
    StepPhase.ABORTED_FOR_NOW: Kind.STOPPED,
    StepPhase.SUCCEEDED: Kind.GOOD,
    StepPhase.FAILED: Kind.BAD,
    StepPhase.ERRORED: Kind.BROKEN,
    StepPhase.ABORTED: Kind.STOPPED,
    StepPhase.SKIPPED: Kind.MOOT,
    StepPhase.NOTHING_TO_DO: Kind.MOOT,
}
HEALTH_KINDS = {
    HealthState.NOT_ASSESSED: Kind.WAITING,
    HealthState.HEALTHY: Kind.GOOD,
    HealthState.NOT_APPLICABLE: Kind.MOOT,
    HealthState.PROGRESSING: Kind.BUSY,
    HealthState.UNKNOWN: Kind.UNCLEAR,
    HealthState.UNHEALTHY: Kind.BAD,
}
VERIFICATION_KINDS = {
    VerificationPhase.NEW: Kind.WAITING,
    VerificationPhase.PENDING: Kind.WAITING,
    VerificationPhase.RUNNING: Kind.BUSY,
    VerificationPhase.SUCCESSFUL: Kind.GOOD,
    VerificationPhase.FAILED: Kind.BAD,
    VerificationPhase.ERROR: Kind.BROKEN,
    VerificationPhase.ABORTED: Kind.STOPPED,
    VerificationPhase.INCONCLUSIVE: Kind.UNCLEAR,
}

LIFECYCLES: tuple[Known[Any], ...] = (
    Known("promotion", PROMOTION, PROMOTION_KINDS, "Promotion", moves.of_steps, moves.RELEASED),
    Known("step", STEP, STEP_KINDS, "Step of a Promotion", moves.of_steps, moves.RELEASED),
    Known("stage-health", HEALTH, HEALTH_KINDS, "Health of a Stage", moves.of_stages, moves.RELEASED),
    Known("verification", VERIFICATION, VERIFICATION_KINDS, "Verification", moves.of_stages, moves.RELEASED),
)
"""By the name that people call them by."""
