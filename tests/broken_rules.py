"""Rules of the control loop with something forgotten, for mutants in several tests."""

from __future__ import annotations

from model.kargo.auto_promotion import Guard
from model.kargo.phases import PromotionPhase
from model.kargo.promotion_rules import Acknowledged
from model.system import Outcomes, only

Phase = PromotionPhase | None


def record_any(
    phase: Phase, name: str, started: int | None, last: str | None, *, inherits_collection: bool
) -> Outcomes:
    """A broken rule: it forgets to wait until a Promotion is over."""
    if phase is None or (last is not None and name <= last):
        return ()
    return only(last=name, last_phase=phase, recorded=phase, inherits=False)


def note_no_guard(phase: PromotionPhase, unseen: bool, guard: Guard) -> Outcomes:
    """A broken rule: it forgets the Promotions that there are."""
    return only(matches=False, unseen=False)


def look_at_no_stage(stage_exists: bool, current: str | None, name: str) -> Outcomes:
    """A broken rule: it forgets to wait for the Stage."""
    return only(acknowledged=Acknowledged.YES)


def begin_anew(fresh: bool, current_step: int) -> Outcomes:
    """A broken rule: it forgets how far the Promotion was."""
    return only(at=0)
