"""Which moves Kargo's lifecycles make in a release, found by exploring small systems of it."""

from __future__ import annotations

from functools import cache

from invariants.kargo import loops, systems
from invariants.moves import moves
from model.kargo.releases import RELEASES
from model.lifecycle import Heard

RELEASED = tuple(RELEASES)
"""The releases that can be asked about, oldest first."""

LOOPS = (("verification", 1, 1), ("single", 1, 1))
"""Control loops that are gone through, with so many Promotions and Freight."""


@cache
def of_steps(release: str) -> Heard:
    """The moves of Promotions and their steps, in the systems of the step engine."""
    behaviours = RELEASES[release]
    return {move for name in systems.NAMES for move in moves(systems.subject(name, behaviours).system)}


@cache
def of_stages(release: str) -> Heard:
    """The moves of a Stage's health and of its verifications, in small control loops."""
    found: Heard = set()
    for name, promotions, freight in LOOPS:
        subject = loops.subject(name, RELEASES[release], promotions=promotions, freight=freight)
        found |= moves(subject.system)
    return found
