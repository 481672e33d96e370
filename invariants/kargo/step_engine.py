"""Claims about the step engine, each bound to the steps of a plan.

Which of them hold in which release is for the checker to say. Every claim has a witness: a situation without
which it would hold for want of cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from invariants.properties import Property, always, every_step, sometimes
from model.kargo.attempts import Attempt
from model.kargo.phases import PromotionPhase, StepPhase, StepStatus
from model.kargo.plan import Plan, after_failure, did, said, stored
from model.kargo.saving_rules import BACKOFF
from model.kargo.step_engine import RAN, SKIPPED_BY_ENGINE, Entry, Turn, has_failed

RECONCILE = ("reconcile",)
TRIED_AGAIN = frozenset({StepPhase.FAILED_FOR_NOW, StepPhase.ERRORED_FOR_NOW, StepPhase.ABORTED_FOR_NOW})
STARTED = RAN | {Turn.CONTEXT_FAILED, Turn.PANICKED}


# Claims about one step


def a_started_step_is_never_skipped_by_the_engine(entry: Entry | None, work_dir: bool, next_did: Turn) -> bool:
    """Once its runner was called, only the step itself may find that there is nothing to do."""
    started = entry is not None and entry.started_at is not None
    return not (work_dir and started and next_did in SKIPPED_BY_ENGINE)


def a_failed_attempt_is_followed_by_another(
    entry: Entry | None, work_dir: bool, abort_requested: bool, next_did: Turn
) -> bool:
    """A step that failed, but not for good, is run again by the next pass."""
    waiting = entry is not None and entry.phase in TRIED_AGAIN
    return not (waiting and work_dir and not abort_requested) or next_did in STARTED


def a_finished_step_never_runs_again(entry: Entry | None, work_dir: bool, next_did: Turn) -> bool:
    """Within the life of a work directory, a step that is over is not run again."""
    return not (entry is not None and entry.phase.over and work_dir and next_did in STARTED)


def the_error_count_never_exceeds_the_threshold(entry: Entry | None, *, threshold: int) -> bool:
    """No step is given more errors than its threshold allows."""
    return entry is None or entry.error_count <= threshold


def the_error_count_is_never_taken_back(entry: Entry | None, next_entry: Entry | None, work_dir: bool) -> bool:
    """Within the life of a work directory, what has been counted stays counted."""
    if entry is None or next_entry is None or not work_dir:
        return True
    return next_entry.error_count >= entry.error_count


def a_failed_attempt_is_never_polled_like_a_running_one(next_did: Turn, next_said: Attempt | None) -> bool:
    """An attempt that says Failed, or Aborted, counts towards the threshold or ends the step."""
    status = next_said.status if next_said else ""
    return not (next_did is Turn.WAITS and status in (StepStatus.FAILED.value, StepStatus.ABORTED.value))


def a_step_that_says_failed_ends_failed(
    next_entry: Entry | None, next_did: Turn, next_said: Attempt | None
) -> bool:
    """A step that ends because its runner said Failed is Failed, not Errored."""
    if next_said is None or next_entry is None or next_said.panic is not None:
        return True
    said_failed = next_said.status == StepStatus.FAILED.value
    ended_by_it = next_did in (Turn.FAILED_FOR_GOOD, Turn.THRESHOLD_MET)
    return not (said_failed and ended_by_it) or next_entry.status is StepStatus.FAILED


# Claims about a step and its Promotion


def a_promotion_that_succeeded_has_no_failed_step(
    phase: PromotionPhase, entry: Entry | None, *, continue_on_error: bool
) -> bool:
    """Every step of a Promotion that Succeeded is Succeeded, Skipped, or may fail."""
    if phase is not PromotionPhase.SUCCEEDED or continue_on_error:
        return True
    return entry is not None and entry.status in (StepStatus.SUCCEEDED, StepStatus.SKIPPED)


def a_promotion_never_succeeds_over_a_step_it_gave_up(
    entry: Entry | None,
    work_dir: bool,
    next_did: Turn,
    next_phase: PromotionPhase,
    *,
    continue_on_error: bool,
) -> bool:
    """A Promotion does not turn green past a step that was begun and not done."""
    if continue_on_error or next_phase is not PromotionPhase.SUCCEEDED or not work_dir:
        return True
    begun = entry is not None and entry.started_at is not None and not entry.phase.over
    return not begun or next_did in STARTED


def a_promotion_ends_as_its_worst_step(
    phase: PromotionPhase, entry: Entry | None, *, continue_on_error: bool
) -> bool:
    """A Promotion with a step that failed for good, and may not, does not end well."""
    if not phase.terminal or phase is PromotionPhase.ABORTED or not has_failed(entry, continue_on_error):
        return True
    return phase in (PromotionPhase.FAILED, PromotionPhase.ERRORED)


def after_a_failure_only_steps_whose_if_asks_for_it_start(
    entry: Entry | None, work_dir: bool, next_did: Turn, next_after_failure: bool, *, asks: bool
) -> bool:
    """After a failure that counts, a step starts only if its `if` asks about failures."""
    begins = next_did in STARTED and (entry is None or entry.started_at is None or not work_dir)
    return asks or not (begins and next_after_failure)


# Claims about the Promotion


def terminal_phases_never_change(phase: PromotionPhase, next_phase: PromotionPhase) -> bool:
    """A Promotion that has ended stays as it ended."""
    return not phase.terminal or next_phase is phase


def the_current_step_never_goes_back(current_step: int, next_current_step: int, work_dir: bool) -> bool:
    """Within the life of a work directory, the current step only moves forward."""
    return not work_dir or next_current_step >= current_step


def a_running_promotion_is_always_called_again(next_phase: PromotionPhase, next_requeue: object) -> bool:
    """A pass that leaves its Promotion Running asks for another one."""
    if next_phase is not PromotionPhase.RUNNING or next_requeue == BACKOFF:
        return True
    return isinstance(next_requeue, int) and next_requeue > 0


# Witnesses


def a_step_waits_for_its_next_attempt(entry: Entry | None) -> bool:
    """Some attempt failed, and not for good."""
    return entry is not None and entry.phase in TRIED_AGAIN


def a_step_is_over_and_failed(entry: Entry | None) -> bool:
    """Some step failed for good."""
    return entry is not None and entry.phase in (StepPhase.FAILED, StepPhase.ERRORED)


def a_step_has_used_up_its_threshold(entry: Entry | None, *, threshold: int) -> bool:
    """Some step made as many errors as it may."""
    return entry is not None and entry.error_count == threshold


def the_promotion_can_be(phase: PromotionPhase, *, reached: PromotionPhase) -> bool:
    """The Promotion gets to a phase."""
    return phase is reached


def claims(plan: Plan) -> tuple[Property, ...]:
    """Every claim about the step engine, for every step of `plan` where it is about one."""
    found = [
        every_step(terminal_phases_never_change),
        every_step(the_current_step_never_goes_back, by=RECONCILE),
        every_step(a_running_promotion_is_always_called_again, by=RECONCILE),
    ]
    for index, step in enumerate(plan.steps):
        found += _claims_about(plan, index, step.rules.alias)
    return tuple(found)


def _claims_about(plan: Plan, index: int, alias: str) -> Iterator[Property]:
    step = plan.steps[index]
    reads = {"entry": stored("entry", alias)}
    did_ = {"did": did(index, alias)}
    said_ = {"said": said(index, alias)}
    coe = {"continue_on_error": plan.continue_on_error[alias]}

    def name(function: Callable[..., bool]) -> str:
        return f"{function.__name__} [{alias}]"

    for each in (
        a_started_step_is_never_skipped_by_the_engine,
        a_failed_attempt_is_followed_by_another,
        a_finished_step_never_runs_again,
    ):
        yield every_step(each, name(each), by=RECONCILE, reads=reads | did_)
    yield every_step(
        after_a_failure_only_steps_whose_if_asks_for_it_start,
        name(after_a_failure_only_steps_whose_if_asks_for_it_start),
        by=RECONCILE,
        constants={"asks": step.asks_about_failures},
        reads=reads | did_ | {"after_failure": after_failure(index, alias)},
    )
    yield every_step(
        the_error_count_is_never_taken_back, name(the_error_count_is_never_taken_back), by=RECONCILE, reads=reads
    )
    yield always(
        the_error_count_never_exceeds_the_threshold,
        name(the_error_count_never_exceeds_the_threshold),
        constants={"threshold": step.rules.error_threshold},
        reads=reads,
    )
    yield every_step(
        a_failed_attempt_is_never_polled_like_a_running_one,
        name(a_failed_attempt_is_never_polled_like_a_running_one),
        by=RECONCILE,
        reads=did_ | said_,
    )
    yield every_step(
        a_step_that_says_failed_ends_failed,
        name(a_step_that_says_failed_ends_failed),
        by=RECONCILE,
        reads=reads | did_ | said_,
    )
    for claim in (a_promotion_that_succeeded_has_no_failed_step, a_promotion_ends_as_its_worst_step):
        yield always(claim, name(claim), constants=coe, reads=reads)
    yield every_step(
        a_promotion_never_succeeds_over_a_step_it_gave_up,
        name(a_promotion_never_succeeds_over_a_step_it_gave_up),
        by=RECONCILE,
        constants=coe,
        reads=reads | did_,
    )


def ends() -> tuple[Property, ...]:
    """Every phase in which a Promotion can end, as a question with its name."""
    phases = (p for p in PromotionPhase if p.terminal)
    return tuple(sometimes(the_promotion_can_be, str(p.value), constants={"reached": p}) for p in phases)


def witnesses(plan: Plan) -> tuple[Property, ...]:
    """The situations without which the claims would say little."""
    ends = (PromotionPhase.SUCCEEDED, PromotionPhase.ERRORED, PromotionPhase.ABORTED)
    found = [
        sometimes(the_promotion_can_be, f"the Promotion can be {end.value}", constants={"reached": end})
        for end in ends
    ]
    for step in plan.steps:
        alias = step.rules.alias
        reads = {"entry": stored("entry", alias)}
        found.append(sometimes(a_step_is_over_and_failed, f"a_step_is_over_and_failed [{alias}]", reads=reads))
        if step.rules.error_threshold > 1:
            threshold = {"threshold": step.rules.error_threshold}
            used_up = a_step_has_used_up_its_threshold
            waits = a_step_waits_for_its_next_attempt
            found.append(sometimes(waits, f"{waits.__name__} [{alias}]", reads=reads))
            found.append(sometimes(used_up, f"{used_up.__name__} [{alias}]", constants=threshold, reads=reads))
    return tuple(found)
