"""Claims about the control loop, each bound to the Stages, Promotions and Freight of an explored pipeline.

Which of them hold in which release is for the checker to say. A claim sees values before and after a step, never a
rule. Names of Promotions are compared as Kargo compares them, byte by byte.
"""

from __future__ import annotations

from typing import Any

from model.kargo.availability import Verified
from model.kargo.loop.values import Note, Verification
from model.kargo.phases import HealthState, PromotionPhase, VerificationPhase
from model.kargo.saving_rules import BACKOFF
from model.kargo.step_engine import RAN, Entry, Turn

SUCCEEDED = PromotionPhase.SUCCEEDED
Phase = PromotionPhase | None

# What is on record


def the_last_promotion_changes_only_while_one_is_current(
    current: str | None, last: str | None, next_last: str | None
) -> bool:
    """`lastPromotion` is set only by a pass that began with a current Promotion."""
    return last == next_last or current is not None


def only_the_current_promotion_is_recorded(current: str | None, last: str | None, next_last: str | None) -> bool:
    """What becomes `lastPromotion` is the Promotion that was current."""
    return next_last in (last, current)


def what_is_recorded_is_over_and_comes_after(
    last: str | None, next_last: str | None, next_last_phase: Phase
) -> bool:
    """What becomes `lastPromotion` is over, and its name is larger than that of the one before."""
    if next_last == last or next_last is None or next_last_phase is None:
        return True
    return next_last_phase.terminal and (last is None or next_last > last)


def a_promotion_that_was_current_is_recorded(
    current: str | None,
    next_current: str | None,
    last: str | None,
    next_last: str | None,
    phase: Phase,
    *,
    name: str,
) -> bool:
    """A Promotion that is over and stops being current is on record from then on."""
    if current != name or next_current == name or phase is None or not phase.terminal:
        return True
    return next_last is not None and next_last >= name and (last is None or last < name)


def the_record_never_passes_by_one_that_is_not_over(
    last: str | None, next_last: str | None, phase: Phase, *, name: str
) -> bool:
    """When Promotions are recorded, none with a smaller name is left that is not over."""
    passes = next_last is not None and next_last >= name and (last is None or last < name)
    return not passes or phase is None or phase.terminal


def the_later_promotion_has_the_larger_name(
    earlier: Phase, next_earlier: Phase, used: bool, next_used: bool
) -> bool:
    """A new Promotion has a larger name than all before it: none is created in front of another."""
    return not (next_used and not used and earlier is not None and next_earlier is not None)


def freight_comes_into_use_only_by_a_record(
    in_use: str | None, next_in_use: str | None, last: str | None, next_last: str | None
) -> bool:
    """The current Freight of a Stage changes only when a Promotion is recorded."""
    return in_use == next_in_use or last != next_last


def freight_in_use_was_promoted_with_success(in_use: str | None, next_in_use: str | None, **slots: Any) -> bool:
    """Freight comes into use only if a Promotion of that very Freight Succeeded."""
    if next_in_use in (None, in_use):
        return True
    return any(slots[f"phase_{k}"] is SUCCEEDED and slots[f"freight_{k}"] == next_in_use for k in _numbers(slots))


def every_origin_in_use_is_carried_on(
    in_use: str | None, status_freight: str | None, next_status_freight: str | None, next_carried: str | None
) -> bool:
    """A Promotion that starts carries Freight of every requested origin that the Stage has Freight of."""
    starts = status_freight is None and next_status_freight is not None
    return not starts or in_use is None or next_carried is not None


def freight_in_use_is_marked_as_in_use(
    next_in_use: str | None, next_since: int | None, freight_exists: bool, *, freight: str
) -> bool:
    """After a pass, just the Freight in use says that it is in the Stage."""
    return not freight_exists or (next_in_use == freight) == (next_since is not None)


# Auto-promotion


def freight_is_auto_promoted_once(used: bool, next_used: bool, next_freight: str | None, **slots: Any) -> bool:
    """A Stage promotes by itself only Freight of which there is no Promotion yet."""
    if used or not next_used:
        return True
    return not any(
        slots[f"phase_{k}"] is not None and slots[f"freight_{k}"] == next_freight for k in _numbers(slots)
    )


def what_failed_is_not_auto_promoted_again(
    used: bool, next_used: bool, next_freight: str | None, **slots: Any
) -> bool:
    """A Stage does not promote by itself Freight whose newest Promotion that is over did not succeed."""
    if used or not next_used:
        return True
    over = [
        slots[f"phase_{k}"]
        for k in _numbers(slots)
        if slots[f"phase_{k}"] is not None
        and slots[f"phase_{k}"].terminal
        and slots[f"freight_{k}"] == next_freight
    ]
    return not over or over[-1] is SUCCEEDED


def what_is_under_way_is_not_auto_promoted_again(
    used: bool, next_used: bool, next_freight: str | None, **slots: Any
) -> bool:
    """A Stage does not promote by itself Freight of which a Promotion is under way."""
    if used or not next_used:
        return True
    return not any(
        slots[f"phase_{k}"] is not None
        and not slots[f"phase_{k}"].terminal
        and slots[f"freight_{k}"] == next_freight
        for k in _numbers(slots)
    )


def a_stage_auto_promotes_only_when_its_freight_is_verified(
    used: bool, next_used: bool, next_in_use: str | None, next_verification: Verification | None
) -> bool:
    """A Stage promotes by itself only once the Freight it has is verified."""
    if used or not next_used or next_in_use is None:
        return True
    return next_verification is not None and next_verification.phase is VerificationPhase.SUCCESSFUL


def nothing_is_auto_promoted_while_a_promotion_holds(
    used: bool, next_used: bool, next_freight: str | None, *, origins: tuple[tuple[str, str], ...], **slots: Any
) -> bool:
    """A Stage promotes by itself nothing of an origin whose newest Promotion that holds or resumes it holds it.

    One that was Aborted has withdrawn what it meant. `origins` pairs each Freight with its Warehouse.
    """
    if used or not next_used:
        return True
    meant = [
        slots[f"intent_{k}"]
        for k in _numbers(slots)
        if slots[f"phase_{k}"] not in (None, PromotionPhase.ABORTED) and slots[f"intent_{k}"] is not None
    ]
    of_it = [intent for intent in meant if (next_freight, intent.origin) in origins]
    return not (of_it and of_it[-1].hold)


# The gates, one after the other


def starts(before: Verification | None, after: Verification | None) -> bool:
    """Whether a verification began in a pass: there is one that was not there."""
    if after is None or after.run is None:
        return False
    return before is None or (before.phase.terminal and not after.phase.terminal)


def verification_starts_only_without_a_current_promotion(
    verification: Verification | None, next_verification: Verification | None, next_current: str | None
) -> bool:
    """No verification starts while a Promotion is current."""
    return not starts(verification, next_verification) or next_current is None


def verification_starts_only_when_healthy(
    verification: Verification | None, next_verification: Verification | None, next_health: HealthState
) -> bool:
    """A verification starts only in a pass that found the Stage Healthy."""
    return not starts(verification, next_verification) or next_health is HealthState.HEALTHY


def analysis_runs_are_made_only_when_healthy(
    verification: Verification | None, next_verification: Verification | None, next_health: HealthState
) -> bool:
    """An AnalysisRun is made only in a pass that found the Stage Healthy."""
    made = starts(verification, next_verification)
    pending = next_verification is not None and next_verification.phase is VerificationPhase.PENDING
    return not (made and pending) or next_health is HealthState.HEALTHY


def a_verification_goes_on_only_while_healthy(
    verification: Verification | None, next_verification: Verification | None, next_health: HealthState
) -> bool:
    """A verification that is under way proceeds only in passes that find the Stage Healthy."""
    if verification is None or verification.phase.terminal or next_verification is None:
        return True
    return next_verification.phase is verification.phase or next_health is HealthState.HEALTHY


def freight_is_marked_only_when_verified_and_healthy(
    verified: Verified | None,
    next_verified: Verified | None,
    next_verification: Verification | None,
    next_health: HealthState,
) -> bool:
    """Freight is marked as verified only after a Successful verification, and while the Stage is Healthy."""
    if verified is not None or next_verified is None:
        return True
    successful = next_verification is not None and next_verification.phase is VerificationPhase.SUCCESSFUL
    return successful and next_health is HealthState.HEALTHY


def no_promotion_overtakes_a_verification(
    current: str | None, next_current: str | None, verification: Verification | None
) -> bool:
    """No Promotion becomes current while a verification is under way."""
    becomes = next_current is not None and next_current != current
    return not becomes or verification is None or verification.phase.terminal


def no_promotion_starts_before_the_freight_is_verified(
    current: str | None, next_current: str | None, in_use: str | None, verification: Verification | None
) -> bool:
    """No Promotion becomes current before the Freight in use is verified."""
    becomes = next_current is not None and next_current != current
    if not becomes or in_use is None:
        return True
    return verification is not None and verification.phase is VerificationPhase.SUCCESSFUL


def no_promotion_starts_before_a_healthy_stage_was_verified(
    current: str | None,
    next_current: str | None,
    in_use: str | None,
    verification: Verification | None,
    health: HealthState,
) -> bool:
    """While the Stage is Healthy, no Promotion becomes current before a verification of its Freight is over."""
    becomes = next_current is not None and next_current != current
    if not becomes or in_use is None or health is not HealthState.HEALTHY:
        return True
    return verification is not None and verification.phase.terminal


def no_older_verification_is_under_way(older_verifications: tuple[tuple[Verification, Note], ...]) -> bool:
    """Only the newest verification of the current Freight can be under way."""
    return all(v.phase.terminal for v, _ in older_verifications)


def only_verified_or_approved_freight_is_promoted(
    status_freight: str | None,
    next_status_freight: str | None,
    approved: int | None,
    *,
    freight: str,
    **upstream: Any,
) -> bool:
    """Downstream, a Promotion starts only with Freight that is verified upstream, or approved."""
    if status_freight is not None or next_status_freight != freight:
        return True
    return approved is not None or any(verified is not None for verified in upstream.values())


# Health


def health_is_assessed_only_after_a_success(
    next_health: HealthState, next_last_phase: Phase, next_current: str | None
) -> bool:
    """Applications are looked at only if the last Promotion Succeeded and none is current."""
    unseen = (HealthState.UNKNOWN, HealthState.NOT_ASSESSED)
    return next_health in unseen or (next_last_phase is SUCCEEDED and next_current is None)


def health_is_unknown_after_a_failure(next_health: HealthState, next_last_phase: Phase) -> bool:
    """After a last Promotion that did not succeed, health is Unknown."""
    if next_last_phase is None or next_last_phase is SUCCEEDED:
        return True
    return next_health is HealthState.UNKNOWN


def a_promotion_under_way_is_no_error_of_its_stage(next_current: str | None, next_stage_requeue: object) -> bool:
    """While a Promotion is current, the passes over its Stage end without an error, and no back-off builds up."""
    return next_current is None or next_stage_requeue != BACKOFF


def a_refresh_is_answered(refresh: str, next_handled_refresh: str) -> bool:
    """A pass over a Stage that was to be refreshed says that it has been."""
    return not refresh or next_handled_refresh == refresh


def a_promotion_that_never_started_does_not_hide_health(
    last: str | None,
    next_last: str | None,
    last_phase: Phase,
    phase: Phase,
    started: int | None,
    app: HealthState,
    next_health: HealthState,
    *,
    name: str,
) -> bool:
    """After a success, recording a Promotion that was aborted before it started leaves a healthy Stage Healthy."""
    never_started = phase is PromotionPhase.ABORTED and started is None
    recorded = next_last == name != last and last_phase is SUCCEEDED
    return not (recorded and never_started and app is HealthState.HEALTHY) or next_health is HealthState.HEALTHY


# Promotions


def terminal_phases_never_change(phase: Phase, next_phase: Phase) -> bool:
    """A Promotion that is over stays as it ended, until it is deleted."""
    return phase is None or not phase.terminal or next_phase in (phase, None)


def a_finished_step_is_never_run_again(phase: Phase, entry: Entry | None, work_dir: bool, next_did: Turn) -> bool:
    """Within the life of a work directory, no step that is over is run again; after its Promotion is over, none."""
    ran = next_did in RAN or next_did in (Turn.CONTEXT_FAILED, Turn.PANICKED)
    over = entry is not None and entry.phase.over and work_dir
    return not ran or not (over or phase is None or phase.terminal)


def one_promotion_runs_at_a_time(**slots: Any) -> bool:
    """At most one Promotion of a Stage is Running."""
    return sum(phase is PromotionPhase.RUNNING for phase in slots.values()) <= 1


def a_current_promotion_is_not_over_for_long(
    current: str | None, next_current: str | None, phase: Phase, *, name: str
) -> bool:
    """A pass that finds the current Promotion over does not leave it current."""
    over = phase is None or phase.terminal
    return not (current == name and over) or next_current != name


# Wake-ups


def a_promotion_that_its_stage_waits_for_will_be_looked_at(
    current: str | None, phase: Phase, woken: bool, requeue: object, *, name: str
) -> bool:
    """A current Promotion that is not over is in the queue, or has a timer."""
    waits = current == name and phase is not None and not phase.terminal
    return not waits or woken or requeue is not None


def a_stage_whose_promotion_is_over_is_woken(current: str | None, phase: Phase, woken: bool, *, name: str) -> bool:
    """As soon as the current Promotion of a Stage is over, or gone, the Stage is in the queue."""
    over = phase is None or phase.terminal
    return not (current == name and over) or woken


def freight_that_could_pass_is_noticed(
    upstream: Verified | None,
    since: int | None,
    verified: Verified | None,
    woken: bool,
    stage_requeue: object,
    *,
    soak_ms: int,
) -> bool:
    """Freight that has become available to a control flow Stage wakes it, or there is a timer that will."""
    soaked = max(upstream.longest_soak_ms or 0, 0 if since is None else -since) >= soak_ms if upstream else False
    return not soaked or verified is not None or woken or stage_requeue is not None


# Witnesses: situations without which the claims would say little


def a_promotion_is(phase: Phase, *, wanted: PromotionPhase) -> bool:
    """Some Promotion gets to a phase."""
    return phase is wanted


def a_promotion_does_not_succeed(phase: Phase) -> bool:
    """Some Promotion ends Failed or Errored."""
    return phase in (PromotionPhase.FAILED, PromotionPhase.ERRORED)


def freight_is_in_use(in_use: str | None, *, freight: str) -> bool:
    """A Freight comes into use."""
    return in_use == freight


def freight_is_verified(verified: Verified | None) -> bool:
    """A Freight gets to be verified."""
    return verified is not None


def a_verification_is(verification: Verification | None, *, wanted: VerificationPhase) -> bool:
    """Some verification gets to a phase."""
    return verification is not None and verification.phase is wanted


def the_stage_is(health: HealthState, *, wanted: HealthState) -> bool:
    """The Stage gets to be as healthy as that."""
    return health is wanted


def a_promotion_waits_behind_another(current: str | None, phase: Phase, *, name: str) -> bool:
    """A Promotion is Pending while another one is current."""
    return phase is PromotionPhase.PENDING and current not in (None, name)


def _numbers(slots: dict[str, Any]) -> range:
    return range(sum(k.startswith("phase_") for k in slots))
