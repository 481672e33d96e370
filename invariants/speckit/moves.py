"""Which moves spec-kit's lifecycles make in a release, found by exploring small workflows."""

from __future__ import annotations

from functools import cache

from invariants.moves import moves
from invariants.speckit import systems
from model.lifecycle import Heard
from model.speckit.releases import RELEASES

RELEASED = tuple(RELEASES)
"""The releases that can be asked about, oldest first."""


@cache
def of_workflows(release: str) -> Heard:
    """The moves of runs and their steps, in every situation that can be checked by name."""
    behaviours = RELEASES[release]
    return {move for name in systems.NAMES for move in moves(systems.subject(name, behaviours).system)}
