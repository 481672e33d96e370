"""What failure policies promise, as claims about the control loop, and the situations they speak of."""

from __future__ import annotations

from typing import Any

from model.kargo.failure_policies import Response
from model.kargo.phases import PromotionPhase

FAILED = (PromotionPhase.FAILED, PromotionPhase.ERRORED)


# Claims


def one_promotion_runs_at_a_time(**slots: Any) -> bool:
    """At most one Promotion of the Stage is Running."""
    return sum(phase is PromotionPhase.RUNNING for phase in slots.values()) <= 1


def a_promotion_starts_again_within_the_limit(begun: int, *, limit: int) -> bool:
    """No Promotion is started again more often than the limit says."""
    return begun <= limit


def the_controller_makes_a_bounded_number_of_promotions(*, most: int, **slots: Any) -> bool:
    """Without anybody's help there are no more Promotions than Freight, and the responses that the limit allows."""
    made: int = sum(slots.values())
    return made <= most


def a_roll_back_is_to_what_succeeded(
    used: bool, next_used: bool, next_response: Response | None, next_freight: str | None, in_use: str | None
) -> bool:
    """What a roll-back promotes is the Freight that is in use: it was promoted with success."""
    made = next_used and not used and next_response is Response.ROLL_BACK
    return not made or (next_freight is not None and next_freight == in_use)


def a_roll_back_is_not_to_what_just_failed(
    used: bool,
    next_used: bool,
    next_response: Response | None,
    next_freight: str | None,
    last: str | None,
    **slots: Any,
) -> bool:
    """What a roll-back promotes is other Freight than that of the Promotion that failed, unless a roll-back did."""
    made = next_used and not used and next_response is Response.ROLL_BACK
    if not made:
        return True
    names = [name.removeprefix("name_") for name in slots if name.startswith("name_")]
    failed = next((slots[f"freight_{k}"] for k in names if slots[f"name_{k}"] == slots["next_last"]), None)
    again = next((slots[f"was_{k}"] for k in names if slots[f"name_{k}"] == slots["next_last"]), None)
    return failed != next_freight or again is Response.ROLL_BACK


def an_abort_is_not_undone(
    used: bool, next_used: bool, next_response: Response | None, next_last_phase: PromotionPhase | None
) -> bool:
    """A policy makes no Promotion after one that a person has aborted."""
    made = next_used and not used and next_response is not None
    return not made or next_last_phase is not PromotionPhase.ABORTED


def what_somebody_wanted_aborted_is_not_responded_to(
    used: bool, next_used: bool, next_response: Response | None, next_last: str | None, **slots: Any
) -> bool:
    """A policy makes no Promotion after one that a person wanted aborted, whatever became of that one."""
    made = next_used and not used and next_response is not None
    names = [name.removeprefix("name_") for name in slots if name.startswith("name_")]
    return not made or not any(slots[f"missed_{k}"] for k in names if slots[f"name_{k}"] == next_last)


def what_is_to_be_aborted_is_not_started_again(abort_requested: bool, begun: int, next_begun: int) -> bool:
    """A Promotion that a person wants aborted does not begin anew."""
    return not abort_requested or next_begun == begun


def no_failure_is_passed_by(
    phase: PromotionPhase | None, last: str | None, next_last: str | None, *, name: str
) -> bool:
    """A failure that is put on record is the last thing on record then, so that the policy sees it."""
    recorded = phase in FAILED and (last is None or last < name) and next_last is not None and next_last >= name
    return not recorded or next_last == name


def what_failed_is_not_auto_promoted_again(
    used: bool, next_used: bool, next_response: Response | None, next_freight: str | None, **slots: Any
) -> bool:
    """Auto-promotion makes no Promotion of Freight whose newest Promotion that is over did not succeed."""
    if used or not next_used or next_response is not None:
        return True
    numbers = sorted(int(name.removeprefix("phase_")) for name in slots if name.startswith("phase_"))
    over = [slots[f"phase_{k}"] for k in numbers if slots[f"freight_{k}"] == next_freight]
    over = [phase for phase in over if phase is not None and phase.terminal]
    return not over or over[-1] is PromotionPhase.SUCCEEDED


def the_work_for_a_freight_is_done_once(done: int) -> bool:
    """The first step, once it succeeded for a Freight, is not done for it again."""
    return done < 2


# Situations


def a_promotion_has_failed(phase: PromotionPhase | None) -> bool:
    """Some Promotion fails."""
    return phase in FAILED


def a_promotion_is_a_response(response: Response | None) -> bool:
    """A policy makes a Promotion."""
    return response is not None


def a_promotion_is_a_roll_back(response: Response | None) -> bool:
    """A policy takes the Stage back."""
    return response is Response.ROLL_BACK


def a_promotion_has_started_again(begun: int) -> bool:
    """A Promotion begins anew."""
    return begun > 0
