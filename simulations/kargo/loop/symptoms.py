"""What must hold of a story: claims about the variables of the control loop, judged on a run instead of explored.

A claim is about a state, about a step, or about how long a situation lasts. It is bound to every object that the
story has, and never calls a rule of the model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from invariants.properties import AFTER, Property, always, every_step
from model.kargo.loop.values import Condition, Intent, Verification
from model.kargo.phases import HealthState, PromotionPhase, StepStatus, VerificationPhase
from model.kargo.saving_rules import BACKOFF
from model.kargo.step_engine import Entry, has_failed
from model.kargo.worlds import Script
from model.system import Value
from simulations.kargo.loop.cluster import Cluster
from simulations.kargo.loop.subjects import (
    Subject,
    of_later_steps,
    of_names,
    of_origins,
    of_other_origins,
    of_pairs,
    of_promotions,
    of_scripted_steps,
    of_stages,
    of_steps,
    of_successes,
)
from simulations.kargo.loop.told import Moment

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

Kept = tuple[tuple[tuple[tuple[str, str], ...], object], ...]
"""The collections that a Stage had before, each a tuple of origins and Freight, with its verifications."""


# What is on record


def a_success_is_not_on_record(phase: PromotionPhase | None, freight: str, in_use: str | None, older: Kept) -> bool:
    """A Promotion Succeeded, and its Freight is neither in use in the Stage nor ever was."""
    once = {name for collection, _ in older for _, name in collection}
    return phase is PromotionPhase.SUCCEEDED and freight != in_use and freight not in once


def names_tell_the_order_of_creation(earlier: str, later: str) -> bool:
    """Of two Promotions of a Stage the later one has the larger name: the controller relies on it."""
    return not later or earlier < later


def a_promotion_takes_along_every_origin_in_use(
    status_freight: str | None, next_status_freight: str | None, in_use: str | None, next_carried: str | None
) -> bool:
    """A Promotion that gets to its steps has Freight of every origin of which its Stage has some."""
    begins = status_freight is None and next_status_freight is not None
    return not (begins and in_use is not None) or next_carried is not None


def a_success_changes_only_the_freight_of_its_own_origin(
    name: str, last: str | None, next_last: str | None, in_use: str | None, next_in_use: str | None
) -> bool:
    """When a Promotion is put on record, what is in use of the origins that it is not about stays in use."""
    return not (name == next_last != last) or next_in_use == in_use


# Steps


def a_finished_step_never_runs_again(entry: Entry | None, work_dir: bool, tries: int, next_tries: int) -> bool:
    """Within the life of a work directory, a step that is over is not run again."""
    return not (entry is not None and entry.phase.over and work_dir) or next_tries == tries


def a_finished_step_never_runs_again_after_a_restart(entry: Entry | None, tries: int, next_tries: int) -> bool:
    """A step that is over is not run again, whatever became of the work directory."""
    return not (entry is not None and entry.phase.over) or next_tries == tries


def a_started_step_keeps_its_time(entry: Entry | None, next_entry: Entry | None) -> bool:
    """The time that a step has, and its errors, are counted from its first start, whatever the controller does."""
    if entry is None or entry.started_at is None or next_entry is None:
        return True
    return next_entry.started_at == entry.started_at and next_entry.error_count >= entry.error_count


def after_a_failure_only_steps_whose_if_asks_for_it_start(
    tries: int, next_tries: int, next_earlier: Entry | None, *, asks: bool, may_fail: bool
) -> bool:
    """Once an earlier step has failed for good, and may not, a step starts only if its `if` asks about failures."""
    starts = tries == 0 and next_tries > 0
    return asks or not (starts and has_failed(next_earlier, may_fail))


def a_step_that_says_failed_ends_failed(entry: Entry | None, tries: int, *, script: Script) -> bool:
    """A step that is over and whose runner said Failed is Failed."""
    if entry is None or not entry.phase.over or not tries:
        return True
    said = script[min(tries, len(script)) - 1].status
    return said != StepStatus.FAILED.value or entry.status is StepStatus.FAILED


def a_waiting_step_is_not_looked_at(phase: PromotionPhase | None, entry: Entry | None, tries: int) -> bool:
    """A step waits, and is not run."""
    return (
        phase is PromotionPhase.RUNNING and entry is not None and entry.status is StepStatus.RUNNING and tries > 0
    )


# The queue


def a_promotion_waits_for_nothing(
    phase: PromotionPhase | None, current: str | None, verification: Verification | None
) -> bool:
    """A Promotion is Pending, although none is current and no verification is under way."""
    under_way = verification is not None and not verification.phase.terminal
    return phase is PromotionPhase.PENDING and current is None and not under_way


def a_verification_under_way_is_never_overtaken(
    verification: Verification | None, next_verification: Verification | None
) -> bool:
    """As long as a verification is not over, it is that of the current Freight."""
    if verification is None or verification.phase.terminal:
        return True
    return next_verification is not None and next_verification.id == verification.id


def what_failed_is_not_promoted_again_by_itself(
    phase: PromotionPhase | None, freight: str, later: str | None, next_later: str | None, next_actor: str
) -> bool:
    """After a Promotion that did not succeed, nobody but a person makes another one of its Freight."""
    failed = phase is not None and phase.terminal and phase is not PromotionPhase.SUCCEEDED
    made = later is None and next_later == freight and next_actor == ""
    return not (failed and made)


def what_succeeded_is_not_promoted_again_by_itself(
    phase: PromotionPhase | None, freight: str, later: str | None, next_later: str | None, next_actor: str
) -> bool:
    """After a Promotion that Succeeded, nobody but a person makes another one of its Freight.

    Said of stories in which nobody promotes other Freight in between.
    """
    made = later is None and next_later == freight and next_actor == ""
    return not (phase is PromotionPhase.SUCCEEDED and made)


def nothing_is_promoted_by_itself_after_a_promotion_that_holds(
    phase: PromotionPhase | None,
    intent: Intent | None,
    later: str | None,
    next_later: str | None,
    next_actor: str,
) -> bool:
    """After a Promotion that holds auto-promotion, and was not aborted, only people make others.

    Said of stories in which nobody resumes it.
    """
    holds = phase not in (None, PromotionPhase.ABORTED) and intent is not None and intent.hold
    made = later is None and next_later is not None and next_actor == ""
    return not (holds and made)


# Health and verification


def a_running_promotion_is_no_error_of_its_stage(next_current: str | None, next_stage_requeue: object) -> bool:
    """The pass over a Stage does not fail while its current Promotion is under way."""
    return next_current is None or next_stage_requeue != BACKOFF


def freight_waits_for_its_verification(
    app: HealthState, current: str | None, last_phase: PromotionPhase | None, verification: Verification | None
) -> bool:
    """The last Promotion succeeded, the applications are Healthy, and no verification has begun."""
    return app is HealthState.HEALTHY and a_success_waits(current, last_phase, verification)


def a_success_waits(
    current: str | None, last_phase: PromotionPhase | None, verification: Verification | None
) -> bool:
    """The last Promotion succeeded, none is under way, and its Freight is neither verified nor given up."""
    return current is None and last_phase is PromotionPhase.SUCCEEDED and verification is None


def what_never_started_keeps_freight_unverified(
    name: str,
    phase: PromotionPhase | None,
    started: int | None,
    last: str | None,
    in_use: str | None,
    app: HealthState,
    verification: Verification | None,
) -> bool:
    """A Promotion that was aborted before it started is the last on record, and the Freight in use is not verified.

    The applications are Healthy: nothing else keeps its verification from beginning.
    """
    never_started = phase is PromotionPhase.ABORTED and started is None
    waits = in_use is not None and verification is None and app is HealthState.HEALTHY
    return never_started and last == name and waits


def a_verified_stage_stays_ready_while_it_scales(
    app: HealthState, current: str | None, verification: Verification | None, ready: Condition | None
) -> bool:
    """A Stage whose Freight was verified is Ready, also while its applications are Progressing."""
    verified = verification is not None and verification.phase is VerificationPhase.SUCCESSFUL
    scales = verified and current is None and app is HealthState.PROGRESSING
    return not scales or (ready is not None and ready.status == "True")


# The claims


@dataclass(frozen=True)
class Claim:
    """A claim: its sentence, the rule, and what it is about.

    With `most_ms` the rule is a situation that may last so many milliseconds; it lasts while nothing changes that
    it reads. Without, the rule is to be true of every state, or step.
    """

    rule: Callable[..., bool]
    subjects: Callable[[Cluster], Iterator[Subject]]
    sentence: str = ""
    most_ms: int | None = None

    @property
    def name(self) -> str:
        """The claim as a sentence."""
        return self.sentence or self.rule.__name__.replace("_", " ")


CLAIMS = {
    claim.name: claim
    for claim in (
        Claim(
            a_success_is_not_on_record,
            of_successes,
            "a success is on record within ten minutes",
            10 * MINUTE_MS,
        ),
        Claim(names_tell_the_order_of_creation, of_names),
        Claim(a_promotion_takes_along_every_origin_in_use, of_origins),
        Claim(a_success_changes_only_the_freight_of_its_own_origin, of_other_origins),
        Claim(a_finished_step_never_runs_again, of_steps("work_dir")),
        Claim(a_finished_step_never_runs_again_after_a_restart, of_steps()),
        Claim(a_started_step_keeps_its_time, of_steps(tries=False)),
        Claim(after_a_failure_only_steps_whose_if_asks_for_it_start, of_later_steps),
        Claim(a_step_that_says_failed_ends_failed, of_scripted_steps),
        Claim(
            a_waiting_step_is_not_looked_at,
            of_steps("phase"),
            "a waiting step is looked at once a minute",
            MINUTE_MS,
        ),
        Claim(
            a_promotion_waits_for_nothing,
            of_promotions,
            "a Promotion whose turn it is starts within five seconds",
            5_000,
        ),
        Claim(a_verification_under_way_is_never_overtaken, of_stages("verification")),
        Claim(what_failed_is_not_promoted_again_by_itself, of_pairs),
        Claim(what_succeeded_is_not_promoted_again_by_itself, of_pairs),
        Claim(nothing_is_promoted_by_itself_after_a_promotion_that_holds, of_pairs),
        Claim(a_running_promotion_is_no_error_of_its_stage, of_stages("current", "stage_requeue")),
        Claim(
            freight_waits_for_its_verification,
            of_stages("app", "current", "last_phase", "verification"),
            "a verification begins within five minutes once the applications are Healthy",
            5 * MINUTE_MS,
        ),
        Claim(
            a_success_waits,
            of_stages("current", "last_phase", "verification"),
            "a success is verified or given up within an hour",
            HOUR_MS,
        ),
        Claim(
            what_never_started_keeps_freight_unverified,
            of_origins,
            "a Promotion that never started keeps no Freight unverified for more than five minutes",
            5 * MINUTE_MS,
        ),
        Claim(
            a_verified_stage_stays_ready_while_it_scales,
            of_stages("app", "current", "verification", ready="ready_condition"),
        ),
    )
}
"""The claims by their sentences."""


class Violation(NamedTuple):
    """A claim that is violated: about what, when it came to that, by which values, and how long they lasted."""

    about: str
    at_ms: int
    values: tuple[tuple[str, Value], ...]
    lasted_ms: int | None = None


def violation(claim: Claim, cluster: Cluster, moments: Iterable[Moment]) -> Violation | None:
    """How the claim is violated first, over all that happened; None if it is not."""
    told = tuple(moments)
    found = [v for subject in claim.subjects(cluster) if (v := _of_subject(claim, subject, told)) is not None]
    return min(found, key=lambda v: v.at_ms, default=None)


def _of_subject(claim: Claim, subject: Subject, moments: tuple[Moment, ...]) -> Violation | None:
    bound = _bound(claim, subject)
    since: tuple[int, Any] | None = None
    for moment in moments:
        values = _read(bound, moment)
        if values is None:
            continue
        holds = bound.function(**dict(values), **dict(bound.constants))
        if claim.most_ms is None:
            if not holds:
                return Violation(subject.about, moment.at_ms, values)
            continue
        if since is not None and moment.at_ms - since[0] > claim.most_ms:
            return Violation(subject.about, since[0], since[1], _how_long(bound, since, moments))
        if not holds:
            since = None
        elif since is None or since[1] != values:
            since = (moment.at_ms, values)
    return None


def _how_long(bound: Property, since: tuple[int, Any], moments: tuple[Moment, ...]) -> int:
    """How many milliseconds a situation lasts that began at `since`: until what it reads changes, or the end."""
    later = [m for m in moments if m.at_ms >= since[0]]
    over = next((m.at_ms for m in later if m.at_ms > since[0] and _read(bound, m) != since[1]), later[-1].at_ms)
    return over - since[0]


def _bound(claim: Claim, subject: Subject) -> Property:
    parameters = inspect.signature(claim.rule).parameters
    kind = every_step if any(p.startswith(AFTER) for p in parameters) else always
    asked = {p.removeprefix(AFTER) for p in parameters}
    reads = {p: variable for p, variable in subject.reads.items() if p in asked}
    return kind(claim.rule, constants=subject.constants, reads=reads)


def _read(bound: Property, moment: Moment) -> tuple[tuple[str, Value], ...] | None:
    """The values that the claim sees, None while there are no such variables."""
    found = []
    for parameter, (variable, after) in bound.reads:
        is_step = bound.kind.value == "every step"
        state = moment.before if is_step and not after else moment.after
        if variable not in state:
            return None
        found.append((parameter, state[variable]))
    return tuple(found)
