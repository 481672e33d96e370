"""Who acts and what changes in Kargo, in lanes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagrams.kargo.lifecycles import HEALTH_KINDS, PROMOTION_KINDS, STEP_KINDS, VERIFICATION_KINDS
from diagrams.theme import Kind
from diagrams.timelines import Lane
from diagrams.tracing import Stage
from model.kargo.loop.fields import OF_FREIGHT_IN_STAGES, OF_ORIGINS, OF_STAGES
from model.phase import Phase

PERSON, CONTROLLER, AROUND = "person", "controller", "around"
PROMOTION, STEP, STAGE, APPLICATION, FREIGHT = "promotion", "step", "stage", "application", "freight"

LANES = (
    Lane(PERSON, "person"),
    Lane(AROUND, "clock and world"),
    Lane(CONTROLLER, "controller"),
    Lane(PROMOTION, "Promotion"),
    Lane(STEP, "step"),
    Lane(STAGE, "Stage"),
    Lane(APPLICATION, "application"),
    Lane(FREIGHT, "Freight"),
)

ACTORS = {
    "person": PERSON,
    "controller": CONTROLLER,
    "application": APPLICATION,
    "clock": AROUND,
    "world": AROUND,
    "fault": AROUND,
}

VARIABLES: Mapping[str, str] = {
    **dict.fromkeys((*OF_STAGES, *OF_ORIGINS, "carried"), STAGE),
    **dict.fromkeys((*OF_FREIGHT_IN_STAGES, "freight_exists", "older_verified"), FREIGHT),
    **dict.fromkeys(("app", "runs", "run_notes", "run_ids"), APPLICATION),
    **dict.fromkeys(("entry", "text", "output", "did", "said"), STEP),
}

_KINDS: tuple[Mapping[Any, Kind], ...] = (PROMOTION_KINDS, STEP_KINDS, HEALTH_KINDS, VERIFICATION_KINDS)
KINDS: Mapping[Phase, Kind] = {phase: kind for kinds in _KINDS for phase, kind in kinds.items()}

KARGO = Stage(LANES, ACTORS, VARIABLES, PROMOTION, KINDS)
"""The lanes of Kargo's systems."""
