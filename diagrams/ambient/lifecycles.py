"""Ambient's lifecycles as they are drawn."""

from __future__ import annotations

from typing import Any

from diagrams.lifecycles import Known
from diagrams.theme import Kind
from invariants.ambient import moves
from model.ambient.lifecycles import POD, SESSION
from model.ambient.phases import PodPhase, SessionPhase

SESSION_KINDS = {
    SessionPhase.NEW: Kind.WAITING,
    SessionPhase.PENDING: Kind.WAITING,
    SessionPhase.CREATING: Kind.BUSY,
    SessionPhase.RUNNING: Kind.BUSY,
    SessionPhase.STOPPING: Kind.STOPPED,
    SessionPhase.STOPPED: Kind.STOPPED,
    SessionPhase.COMPLETED: Kind.GOOD,
    SessionPhase.FAILED: Kind.BAD,
}
POD_KINDS = {
    PodPhase.NONE: Kind.WAITING,
    PodPhase.STARTING: Kind.BUSY,
    PodPhase.STARTED: Kind.BUSY,
    PodPhase.SERVING: Kind.GOOD,
    PodPhase.ENDED: Kind.MOOT,
    PodPhase.DELETING: Kind.STOPPED,
}

LIFECYCLES: tuple[Known[Any], ...] = (
    Known("ambient-session", SESSION, SESSION_KINDS, "Session of Ambient", moves.of_sessions, moves.RELEASED),
    Known("ambient-pod", POD, POD_KINDS, "Pod of a session of Ambient", moves.of_sessions, moves.RELEASED),
)
"""By the name that people call them by."""
