"""The eight rules that people know of Kargo's control loop, cut into claims that can be judged.

A rule is a sentence that people believe; its parts say precisely what that could mean. Which of them holds in which
release, and under which condition, is found by checking (`judging.py`); nothing of it is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from invariants.kargo import control_loop as claims
from invariants.kargo import fresh_health as fresh
from invariants.kargo import loops
from invariants.subjects import Subject
from model.kargo.loop.exploration import Bounds as LoopBounds
from model.kargo.releases import Behaviours
from model.kargo.step_kinds import Result

Claim = Callable[..., bool]
Changes = tuple[tuple[str, Hashable], ...]
"""Fields of the bounds of a system, with the values that they are to have instead."""


@dataclass(frozen=True)
class Condition:
    """A restriction of what may happen: `says` it in words, `changes` makes it so wherever it means something."""

    says: str
    changes: Changes


@dataclass(frozen=True)
class RulePart:
    """A claim that belongs to a rule.

    `says` is what it claims, `systems` are the names of those it is judged on, `witness` is a situation without
    which it would say nothing of a system, `conditions` are those to try where it is violated, and `instead` is the
    id of a part that says what is true where this one is not.
    """

    id: str
    says: str
    claim: Claim
    systems: tuple[str, ...]
    witness: Claim
    conditions: tuple[Condition, ...] = ()
    instead: str | None = None


@dataclass(frozen=True)
class Rule:
    """One of the eight: its number, what people say, and what that could mean precisely."""

    number: int
    title: str
    parts: tuple[RulePart, ...]


NO_ABORTS = Condition("nobody aborts Promotions", (("aborts", False),))
NO_DELETIONS = Condition("nobody deletes Promotions", (("deletions", False),))
NO_NAMES = Condition("nobody gives a Promotion a name of their own", (("by_hand", ()),))
NO_SWITCHES = Condition("nobody switches auto-promotion", (("switches", False),))
NO_PROMOTING = Condition("nobody promotes by hand", (("promotes", False),))
NO_REQUESTS = Condition("nobody asks for a verification to be repeated or aborted", (("reverifies", 0),))
NO_FAILURES = Condition("no Promotion fails", (("results", (Result.SUCCEEDED, Result.RUNNING)),))
ALWAYS_WELL = Condition("the applications are always Healthy", (("healths", loops.WELL),))
PROMPT = Condition("Argo CD looks within ten seconds after every operation", (("late", False),))
NO_SAME_SECOND = Condition("Argo CD does not look just before, in the second of an end", (("same_second", False),))
NAMED = Condition("the Promotion names the revisions it wants", (("unnamed", False),))

_OF_PEOPLE = (NO_ABORTS, NO_DELETIONS, NO_NAMES)
_OF_QUEUE = (*_OF_PEOPLE, NO_FAILURES)
_OF_AUTO = (NO_SWITCHES, NO_PROMOTING, NO_ABORTS, NO_FAILURES)
_OF_GATES = (ALWAYS_WELL, NO_REQUESTS)
_OF_HISTORY = (NO_ABORTS, NO_DELETIONS, NO_FAILURES)
_OF_TRUST = (PROMPT, NO_SAME_SECOND, NAMED)

_QUEUE = ("single", "by-hand")
_AUTO = ("auto", "match-upstream")
_VERIFIES = ("verification",)
_FRESH = (fresh.NAME,)

RULES = (
    Rule(
        1,
        "lastPromotion is set only when there is a current Promotion",
        (
            RulePart(
                "1a",
                "lastPromotion changes only in a pass that began with a current Promotion",
                claims.the_last_promotion_changes_only_while_one_is_current,
                _QUEUE,
                claims.a_promotion_is,
                _OF_PEOPLE,
            ),
            RulePart(
                "1b",
                "what becomes lastPromotion is the Promotion that was current",
                claims.only_the_current_promotion_is_recorded,
                _QUEUE,
                claims.a_promotion_is,
                _OF_PEOPLE,
                "1c",
            ),
            RulePart(
                "1c",
                "what becomes lastPromotion is over, and its name is larger than the one before",
                claims.what_is_recorded_is_over_and_comes_after,
                _QUEUE,
                claims.a_promotion_is,
                _OF_PEOPLE,
            ),
        ),
    ),
    Rule(
        2,
        "Promotions are ordered by their names",
        (
            RulePart(
                "2a",
                "a Promotion that is created later has the larger name",
                claims.the_later_promotion_has_the_larger_name,
                _QUEUE,
                claims.a_promotion_waits_behind_another,
                _OF_PEOPLE,
            ),
            RulePart(
                "2b",
                "a Promotion that was current and is over is put on record",
                claims.a_promotion_that_was_current_is_recorded,
                _QUEUE,
                claims.a_promotion_waits_behind_another,
                _OF_QUEUE,
            ),
            RulePart(
                "2c",
                "what is put on record leaves no Promotion behind that is not over",
                claims.the_record_never_passes_by_one_that_is_not_over,
                _QUEUE,
                claims.a_promotion_waits_behind_another,
                _OF_QUEUE,
            ),
        ),
    ),
    Rule(
        3,
        "Freight that has been promoted is not auto-promoted again",
        (
            RulePart(
                "3a",
                "a Stage auto-promotes only Freight of which it has no Promotion",
                claims.freight_is_auto_promoted_once,
                _AUTO,
                claims.a_promotion_does_not_succeed,
                _OF_AUTO,
                "3b",
            ),
            RulePart(
                "3b",
                "a Stage never auto-promotes Freight whose newest Promotion that is over did not succeed",
                claims.what_failed_is_not_auto_promoted_again,
                _AUTO,
                claims.a_promotion_does_not_succeed,
                _OF_AUTO,
            ),
            RulePart(
                "3c",
                "a Stage never auto-promotes Freight of which a Promotion is under way",
                claims.what_is_under_way_is_not_auto_promoted_again,
                _AUTO,
                claims.a_promotion_waits_behind_another,
                _OF_AUTO,
            ),
        ),
    ),
    Rule(
        4,
        "Promotion, health, verification, mark, next Promotion: each gate blocks all after it",
        (
            RulePart(
                "4a",
                "no verification starts while a Promotion is current",
                claims.verification_starts_only_without_a_current_promotion,
                _VERIFIES,
                claims.a_verification_is,
                _OF_GATES,
            ),
            RulePart(
                "4b",
                "no Promotion becomes current while a verification is under way",
                claims.no_promotion_overtakes_a_verification,
                _VERIFIES,
                claims.a_verification_is,
                _OF_GATES,
            ),
            RulePart(
                "4c",
                "no Promotion becomes current before the Freight in use is verified",
                claims.no_promotion_starts_before_the_freight_is_verified,
                _VERIFIES,
                claims.a_verification_is,
                _OF_GATES,
                "4d",
            ),
            RulePart(
                "4d",
                "while its Stage is Healthy, no Promotion becomes current before a verification is over",
                claims.no_promotion_starts_before_a_healthy_stage_was_verified,
                _VERIFIES,
                claims.a_verification_is,
                _OF_GATES,
            ),
            RulePart(
                "4e",
                "a Stage auto-promotes only once the Freight in use is verified",
                claims.a_stage_auto_promotes_only_when_its_freight_is_verified,
                ("auto-verification",),
                claims.a_verification_is,
                (NO_PROMOTING, ALWAYS_WELL),
                "4d",
            ),
            RulePart(
                "4f",
                "downstream, a Promotion starts only with Freight that is verified upstream, or approved",
                claims.only_verified_or_approved_freight_is_promoted,
                ("approvals", "control-flow", "fan-out"),
                claims.freight_is_in_use,
                _OF_QUEUE,
            ),
            RulePart(
                "4g",
                "a Promotion under way is no error of its Stage, and no back-off builds up",
                claims.a_promotion_under_way_is_no_error_of_its_stage,
                _VERIFIES,
                claims.a_promotion_is,
                _OF_GATES,
            ),
            RulePart(
                "4h",
                "Freight is marked as verified only after a Successful verification, while Healthy",
                claims.freight_is_marked_only_when_verified_and_healthy,
                _VERIFIES,
                claims.freight_is_verified,
                _OF_GATES,
            ),
        ),
    ),
    Rule(
        5,
        "freightHistory holds what was promoted with success",
        (
            RulePart(
                "5a",
                "the Freight in use changes only when a Promotion is put on record",
                claims.freight_comes_into_use_only_by_a_record,
                ("two-origins",),
                claims.freight_is_in_use,
                _OF_HISTORY,
            ),
            RulePart(
                "5b",
                "Freight comes into use only if a Promotion of that very Freight Succeeded",
                claims.freight_in_use_was_promoted_with_success,
                ("two-origins",),
                claims.freight_is_in_use,
                _OF_HISTORY,
            ),
            RulePart(
                "5c",
                "a Promotion that starts carries on the Freight of every origin in use",
                claims.every_origin_in_use_is_carried_on,
                ("two-origins",),
                claims.freight_is_in_use,
                _OF_HISTORY,
            ),
        ),
    ),
    Rule(
        6,
        "Health is assessed only when the last Promotion Succeeded",
        (
            RulePart(
                "6a",
                "applications are looked at only if the last Promotion Succeeded and none is current",
                claims.health_is_assessed_only_after_a_success,
                ("by-hand",),
                claims.a_promotion_does_not_succeed,
                _OF_QUEUE,
            ),
            RulePart(
                "6b",
                "after a last Promotion that did not succeed, health is Unknown",
                claims.health_is_unknown_after_a_failure,
                ("by-hand",),
                claims.a_promotion_does_not_succeed,
                _OF_QUEUE,
            ),
        ),
    ),
    Rule(
        7,
        "Verification runs only after health checks pass",
        (
            RulePart(
                "7a",
                "a verification starts only in a pass that found the Stage Healthy",
                claims.verification_starts_only_when_healthy,
                _VERIFIES,
                claims.a_verification_is,
                _OF_GATES,
            ),
            RulePart(
                "7b",
                "an AnalysisRun is made only in a pass that found the Stage Healthy",
                claims.analysis_runs_are_made_only_when_healthy,
                _VERIFIES,
                claims.a_verification_is,
                _OF_GATES,
            ),
            RulePart(
                "7c",
                "a verification under way goes on only in passes that find the Stage Healthy",
                claims.a_verification_goes_on_only_while_healthy,
                _VERIFIES,
                claims.a_verification_is,
                _OF_GATES,
                "7a",
            ),
        ),
    ),
    Rule(
        8,
        "After a sync, health is not trusted for ten seconds",
        (
            RulePart(
                "8a",
                "within ten seconds after an operation ended, its Application is not found Healthy",
                fresh.health_is_not_trusted_for_ten_seconds,
                _FRESH,
                fresh.health_is_trusted_in_the_end,
                _OF_TRUST,
                "8b",
            ),
            RulePart(
                "8b",
                "an Application is found Healthy only if Argo CD has looked at it since its last operation",
                fresh.a_healthy_verdict_rests_on_a_later_observation,
                _FRESH,
                fresh.health_is_trusted_in_the_end,
                _OF_TRUST,
            ),
            RulePart(
                "8c",
                "while an operation runs, its Application is not found Healthy",
                fresh.no_application_is_healthy_while_an_operation_runs,
                _FRESH,
                fresh.health_is_trusted_in_the_end,
                _OF_TRUST,
            ),
        ),
    ),
)


def parts() -> tuple[RulePart, ...]:
    """Every part of every rule, in order."""
    return tuple(part for rule in RULES for part in rule.parts)


def subject(name: str, behaviours: Behaviours, changes: Changes = ()) -> Subject:
    """The system called `name` in one release, with these bounds changed."""
    if name == fresh.NAME:
        return fresh.subject(behaviours, _changed(fresh.Bounds(), changes))
    loop = loops.LOOPS[name]
    return loops.explored(name, replace(loop, bounds=_changed(loop.bounds, changes)), behaviours)


def matters(name: str, changes: Changes) -> Changes:
    """Those of the changes that change anything about the system called `name`."""
    bounds = fresh.Bounds() if name == fresh.NAME else loops.LOOPS[name].bounds
    return tuple((field, value) for field, value in changes if getattr(bounds, field, value) != value)


B = TypeVar("B", LoopBounds, fresh.Bounds)


def _changed(bounds: B, changes: Changes) -> B:
    fields: dict[str, Any] = dict(changes)
    return replace(bounds, **fields)
