"""Which moves Ambient's lifecycles make in a version of the operator, found by exploring sessions."""

from __future__ import annotations

from functools import cache

from invariants.moves import moves
from model.ambient import behaviours
from model.ambient.session import Bounds, session
from model.ambient.surroundings import Act, Fault
from model.lifecycle import Heard

RELEASED = tuple(behaviours.VERSIONS)
"""The versions that can be asked about, oldest first."""

SESSIONS = (
    Bounds(acts=3, may_do=frozenset({Act.START_AND_STOP})),
    Bounds(acts=1, may_do=frozenset({Act.START_AND_STOP}), faults=1, may_fail=frozenset(Fault)),
)
"""Sessions that are gone through: one that people start and stop, and one with whatever may go wrong once."""


@cache
def of_sessions(release: str) -> Heard:
    """The moves of sessions and their pods."""
    version = behaviours.version(release)
    return {move for bounds in SESSIONS for move in moves(session("moves", version, bounds))}
