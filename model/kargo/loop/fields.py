"""What Stages, Promotions and Freight have one of, and what it is in a new one."""

from __future__ import annotations

from model.kargo.loop.values import Note
from model.kargo.phases import HealthState
from model.system import Value

OF_STAGES: dict[str, Value] = {
    "stage_exists": True,
    "deleting": False,
    "finalizer": False,
    "generation": 1,
    "observed_generation": 0,
    "current": None,
    "current_freight": None,
    "last": None,
    "last_phase": None,
    "last_freight": None,
    "last_finished": None,
    "last_message": "",
    "last_checks": 0,
    "older_history": (),
    "verification": None,
    "verification_note": Note(),
    "older_verifications": (),
    "verification_ids": 0,
    "health": HealthState.NOT_ASSESSED,
    "issues": (),
    "healthy_condition": None,
    "promoting_condition": None,
    "ready_condition": None,
    "reconciling_condition": None,
    "verified_condition": None,
    "summary": "",
    "auto_promotion": False,
    "refresh": "",
    "handled_refresh": "",
    "reverify": None,
    "abort_verification": None,
    "policy": None,
    "app": HealthState.HEALTHY,
    "runs": (),
    "run_notes": (),
    "run_ids": 0,
    "stage_requeue": None,
}
"""What a Stage has one of, with what it is in a new one."""

OF_ORIGINS: dict[str, Value] = {"in_use": None, "last_carried": None, "hold": None, "effective_hold": None}
"""What a Stage has one of for each Warehouse."""

OF_PROMOTIONS: dict[str, Value] = {
    "name": "",
    "used": False,
    "freight": None,
    "status_freight": None,
    "started": None,
    "finished": None,
    "created": None,
    "actor": "",
    "abort_actor": "",
    "intent": None,
}
"""What a Promotion has besides what its own pass is about."""

OF_FREIGHT_IN_STAGES: dict[str, Value] = {"verified": None, "since": None, "approved": None}
"""What a Freight has one of for each Stage: instants in milliseconds, and its verification."""
