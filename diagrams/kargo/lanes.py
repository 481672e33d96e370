"""Who acts in Kargo: people, applications, the world, and the controller, told apart by what it looks at."""

from __future__ import annotations

from invariants.trace import Taken
from model.kargo.loop.values import of

CONTROLLER, PROMOTION, STAGE = "controller", "Promotion", "Stage"


def lane(step: Taken) -> str:
    """Who acted: of the controller, the reconciler of Promotions or that of Stages."""
    if step.actor != CONTROLLER:
        return step.actor
    found = step.action.removeprefix("reconcile").strip().partition(",")[0].partition(":")[0]
    if not found or of("phase", found) in step.before:
        return PROMOTION
    return STAGE if of("health", found) in step.before else CONTROLLER
