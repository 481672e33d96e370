"""spec-kit's lifecycles as they are drawn."""

from __future__ import annotations

from typing import Any

from diagrams.lifecycles import Known
from diagrams.theme import Kind
from invariants.speckit import moves
from model.speckit.lifecycles import RUN, STEP
from model.speckit.statuses import RunStatus, StepStatus

RUN_KINDS = {
    RunStatus.CREATED: Kind.WAITING,
    RunStatus.RUNNING: Kind.BUSY,
    RunStatus.PAUSED: Kind.UNCLEAR,
    RunStatus.COMPLETED: Kind.GOOD,
    RunStatus.FAILED: Kind.BAD,
    RunStatus.ABORTED: Kind.STOPPED,
}
STEP_KINDS = {
    StepStatus.PENDING: Kind.WAITING,
    StepStatus.RUNNING: Kind.BUSY,
    StepStatus.COMPLETED: Kind.GOOD,
    StepStatus.FAILED: Kind.BAD,
    StepStatus.SKIPPED: Kind.MOOT,
    StepStatus.PAUSED: Kind.UNCLEAR,
}

LIFECYCLES: tuple[Known[Any], ...] = (
    Known("speckit-run", RUN, RUN_KINDS, "Run of a spec-kit workflow", moves.of_workflows, moves.RELEASED),
    Known("speckit-step", STEP, STEP_KINDS, "Step of a spec-kit workflow", moves.of_workflows, moves.RELEASED),
)
"""By the name that people call them by."""
