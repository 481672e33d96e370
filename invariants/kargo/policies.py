"""What a failure policy promises, and what it breaks: claims, the loop they are judged on, and the verdicts.

A policy is judged on one Stage that promotes by itself, with two Freight, people who promote and abort, and
Promotions whose steps may succeed, go on, or fail for good. Where a claim is violated, what might restore it is
tried.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

from invariants.check import check
from invariants.findings import no_property
from invariants.kargo import shared_branch
from invariants.kargo.loops import WELL, Loop, explored
from invariants.kargo.policy_claims import (
    a_promotion_has_failed,
    a_promotion_has_started_again,
    a_promotion_is_a_response,
    a_promotion_is_a_roll_back,
    a_promotion_starts_again_within_the_limit,
    a_roll_back_is_not_to_what_just_failed,
    a_roll_back_is_to_what_succeeded,
    an_abort_is_not_undone,
    no_failure_is_passed_by,
    one_promotion_runs_at_a_time,
    the_controller_makes_a_bounded_number_of_promotions,
    the_work_for_a_freight_is_done_once,
    what_failed_is_not_auto_promoted_again,
    what_is_to_be_aborted_is_not_started_again,
    what_somebody_wanted_aborted_is_not_responded_to,
)
from invariants.kargo.spreads import Spread
from invariants.properties import Kind, Property, always, every_step, sometimes
from invariants.slicing import writes_any
from invariants.subjects import Subject
from invariants.verdicts import Bounds as Limits
from invariants.verdicts import Judgement, Verdict, Watch
from model.kargo.failure_policies import FailurePolicy
from model.kargo.loop.exploration import STEP, Bounds
from model.kargo.loop.pipeline import Pipeline, StageSpec
from model.kargo.loop.responses import CREATING
from model.kargo.loop.values import of
from model.kargo.releases import Behaviours
from model.kargo.requests import FreightRequest
from model.kargo.step_kinds import Result

STAGE, WAREHOUSE = "dev", "w"
FREIGHT = 2
PIPELINE = Pipeline((WAREHOUSE,), (StageSpec(STAGE, (FreightRequest(WAREHOUSE, True),), (STEP,)),))

# What is judged


class Restriction(NamedTuple):
    """What may not happen for a claim to hold, in words."""

    says: str
    changes: tuple[tuple[str, Any], ...]


RESTRICTIONS = (
    Restriction("nobody aborts Promotions", (("aborts", False),)),
    Restriction("nobody deletes Promotions", (("deletions", False),)),
    Restriction("nobody promotes by hand", (("promotes", False),)),
    Restriction("the controller is not restarted", (("restarts", False), ("forgets", False))),
    Restriction("nothing fails", (("results", (Result.SUCCEEDED, Result.RUNNING)),)),
)

DEDICATED = (Restriction("each Stage has a branch of its own", (("shared", False),)),)
"""What restores promises about Stages that push to one branch."""


@dataclass(frozen=True)
class Promise:
    """A claim about policies: `says` it in words; `changes` are what is different about what it is judged on.

    That is the loop, or, of `pushes`, Stages that push to one branch.
    """

    id: str
    says: str
    claim: Callable[..., bool]
    changes: tuple[tuple[str, Any], ...] = ()
    pushes: bool = False

    @property
    def restrictions(self) -> tuple[Restriction, ...]:
        """What might restore it where it is violated, in the order in which it is tried."""
        return DEDICATED if self.pushes else RESTRICTIONS


ALONE = (("promotes", False),)
LATE = (("late_aborts", True),)
TWO_STEPS = (("steps", 2), ("promotions", 3), ("promotes", False))

left_behind = shared_branch.no_stage_is_left_behind
PLAIN = (("integrates", False), ("locks", False), ("tries", 1), ("waits_ms", ()))
CONFLICTS = (("conflicts", True),)

PROMISES = (
    Promise("one", "one Promotion runs at a time", one_promotion_runs_at_a_time),
    Promise(
        "bound",
        "the controller makes a bounded number of Promotions",
        the_controller_makes_a_bounded_number_of_promotions,
        ALONE,
    ),
    Promise(
        "limit",
        "no Promotion starts again more often than the limit says",
        a_promotion_starts_again_within_the_limit,
    ),
    Promise(
        "memory",
        "... also if the controller counts in memory and is restarted",
        a_promotion_starts_again_within_the_limit,
        (("forgets", True),),
    ),
    Promise("abort", "a person's abort is not undone", an_abort_is_not_undone),
    Promise(
        "late",
        "... also if it is asked for while a pass is under way",
        what_somebody_wanted_aborted_is_not_responded_to,
        LATE,
    ),
    Promise("begin", "what is to be aborted is not started again", what_is_to_be_aborted_is_not_started_again),
    Promise("target", "a roll-back is to Freight that succeeded", a_roll_back_is_to_what_succeeded),
    Promise(
        "other", "a roll-back is to other Freight than that which failed", a_roll_back_is_not_to_what_just_failed
    ),
    Promise("again", "auto-promotion does not promote again what failed", what_failed_is_not_auto_promoted_again),
    Promise("seen", "no failure escapes the policy", no_failure_is_passed_by),
    Promise(
        "work", "work that was done for a Freight is not done again", the_work_for_a_freight_is_done_once, TWO_STEPS
    ),
    Promise("push", "Stages that push to one branch are all promoted", left_behind, pushes=True),
    Promise(
        "plain", "... also if git-push does not pull and try again (up to 1.1.1)", left_behind, PLAIN, pushes=True
    ),
    Promise("conflict", "... also if their changes conflict", left_behind, CONFLICTS, pushes=True),
)


class Standing(Enum):
    """What can be said of a promise."""

    __hash__ = object.__hash__

    HOLDS = "holds"
    CONDITIONAL = "holds if"
    VIOLATED = "violated"
    IDLE = "says nothing"  # the policy never does what the promise speaks of


class Found(NamedTuple):
    """The verdict on a promise: `restriction` is what restores it."""

    standing: Standing
    restriction: Restriction | None = None


def most_alone(policy: FailurePolicy) -> int:
    """How many Promotions there should be at most if nobody promotes: one for each Freight, and the responses."""
    responses = policy.limit if policy.response in CREATING else 0
    return FREIGHT * (1 + responses)


def bounds_of(policy: FailurePolicy) -> Bounds:
    """How far a policy is explored: with few Promotions, or, if nobody promotes, one more than there should be."""
    return Bounds(
        promotions=3,
        freight=FREIGHT,
        auto=True,
        restarts=True,
        deletions=False,
        healths=WELL,
        results=(Result.SUCCEEDED, Result.RUNNING, Result.FAILED_TERMINALLY),
        policy=policy,
    )


def bounds_with(policy: FailurePolicy, changes: Iterable[tuple[str, Any]]) -> Bounds:
    """How far a policy is explored, with changes."""
    fields: dict[str, Any] = dict(changes)
    bounds = replace(bounds_of(policy), **fields)
    if not bounds.promotes and "promotions" not in fields:
        return replace(bounds, promotions=most_alone(policy) + 1)
    return bounds


def subject(policy: FailurePolicy, behaviours: Behaviours, changes: Iterable[tuple[str, Any]] = ()) -> Subject:
    """The loop that a policy is judged on, with the claims about it."""
    bounds = bounds_with(policy, changes)
    name = f"policy {policy}"
    found = explored(name, Loop("one Stage with a failure policy", PIPELINE, bounds), behaviours)
    slots = tuple(f"{STAGE}.{n}" for n in range(1, bounds.promotions + 1))
    late = tuple(_of_late_aborts(slots)) if bounds.late_aborts else ()
    properties = (*_claims(policy, slots), *late, *_situations(policy, slots))
    return replace(found, properties=properties)


def _claims(policy: FailurePolicy, slots: tuple[str, ...]) -> Iterator[Property]:
    numbered = list(enumerate(slots))
    phases = {f"phase_{k}": of("phase", slot) for k, slot in numbered}
    yield always(
        Spread(one_promotion_runs_at_a_time, tuple(phases)), one_promotion_runs_at_a_time.__name__, reads=phases
    )
    used = {f"used_{k}": of("used", slot) for k, slot in numbered}
    bounded = the_controller_makes_a_bounded_number_of_promotions
    most = most_alone(policy)
    yield always(Spread(bounded, tuple(used)), bounded.__name__, constants={"most": most}, reads=used)
    for freight in (f"a{n}" for n in range(1, FREIGHT + 1)):
        once = the_work_for_a_freight_is_done_once
        yield always(once, f"{once.__name__} [{freight}]", done=of("done", freight, STAGE))
    for k, slot in numbered:
        yield from _of_slot(policy, k, slot, slots)


def _of_slot(policy: FailurePolicy, number: int, slot: str, slots: tuple[str, ...]) -> Iterator[Property]:
    passes = (f"reconcile {STAGE}",)
    begun = {"begun": of("begun", slot)}
    limit = a_promotion_starts_again_within_the_limit
    yield always(limit, f"{limit.__name__} [{slot}]", constants={"limit": policy.limit}, reads=begun)
    aborted = what_is_to_be_aborted_is_not_started_again
    reads = begun | {"abort_requested": of("abort_requested", slot)}
    yield every_step(aborted, f"{aborted.__name__} [{slot}]", by=(f"reconcile {slot}",), reads=reads)
    seen = no_failure_is_passed_by
    reads = {"phase": of("phase", slot), "last": of("last", STAGE)}
    yield every_step(seen, f"{seen.__name__} [{slot}]", by=passes, constants={"name": slot}, reads=reads)
    response = {field: of(field, slot) for field in ("used", "response")}
    made = response | {"freight": of("freight", slot)}
    of_stage = {"in_use": of("in_use", STAGE, WAREHOUSE)}
    target = a_roll_back_is_to_what_succeeded
    yield every_step(target, f"{target.__name__} [{slot}]", by=passes, reads=made | of_stage)
    undone = an_abort_is_not_undone
    yield every_step(
        undone, f"{undone.__name__} [{slot}]", by=passes, reads=response | {"last_phase": of("last_phase", STAGE)}
    )
    others = [(k, other) for k, other in enumerate(slots) if other != slot]
    before: dict[str, str] = {}
    for k, other in others:
        before |= {f"phase_{k}": of("phase", other), f"freight_{k}": of("freight", other)}
    again = Spread(what_failed_is_not_auto_promoted_again, tuple(before))
    yield every_step(again, f"{again.__name__} [{slot}]", by=passes, reads=made | before)
    failed: dict[str, str] = {"last": of("last", STAGE)}
    for k, other in others:
        failed |= {
            f"name_{k}": of("name", other),
            f"freight_{k}": of("freight", other),
            f"was_{k}": of("response", other),
        }
    other_ = Spread(a_roll_back_is_not_to_what_just_failed, ("next_last", *(n for n in failed if n != "last")))
    yield every_step(other_, f"{other_.__name__} [{slot}]", by=passes, reads=made | failed)


def _of_late_aborts(slots: tuple[str, ...]) -> Iterator[Property]:
    claim = what_somebody_wanted_aborted_is_not_responded_to
    for slot in slots:
        reads = {field: of(field, slot) for field in ("used", "response")} | {"last": of("last", STAGE)}
        others: dict[str, str] = {}
        for k, other in enumerate(slots):
            if other != slot:
                others |= {f"name_{k}": of("name", other), f"missed_{k}": of("missed_abort", other)}
        told = Spread(claim, tuple(others))
        yield every_step(told, f"{claim.__name__} [{slot}]", by=(f"reconcile {STAGE}",), reads=reads | others)


def _situations(policy: FailurePolicy, slots: tuple[str, ...]) -> Iterator[Property]:
    first = slots[0]
    yield sometimes(a_promotion_has_failed, phase=of("phase", first))
    yield sometimes(a_promotion_has_started_again, begun=of("begun", first))
    for slot in slots[1:]:
        for claim in (a_promotion_is_a_response, a_promotion_is_a_roll_back):
            yield sometimes(claim, f"{claim.__name__} [{slot}]", response=of("response", slot))


# Verdicts

Verdicts = Mapping[str, Found]
"""The verdict on every promise, by id."""

Changes = tuple[tuple[str, Any], ...]

STAGES = 2
"""How many Stages push to one branch, unless more are asked for."""


def judge(
    policy: FailurePolicy,
    behaviours: Behaviours,
    *,
    promises: Iterable[Promise] = PROMISES,
    stages: int = STAGES,
) -> Verdicts:
    """The verdict on every promise under a policy."""
    judge = _Judge(policy, behaviours, stages)
    asked = tuple(promises)
    seen = judge.verdicts({p: p.changes for p in asked})
    found = {p: Found(_STANDINGS[verdict]) for p, verdict in seen.items()}
    for number in range(max((len(p.restrictions) for p in asked), default=0)):
        # What is left to be restored is tried with the next restriction, unless that changes nothing.
        tried: dict[Promise, Changes] = {}
        for promise in (p for p in asked if found[p].standing is Standing.VIOLATED):
            if number < len(promise.restrictions):
                changes = dict(promise.changes) | dict(promise.restrictions[number].changes)
                tried[promise] = tuple(changes.items())
        tried = {p: changes for p, changes in tried.items() if judge.about(p, changes) != judge.about(p, p.changes)}
        for promise, verdict in judge.verdicts(tried, restricted=True).items():
            if verdict is not Verdict.VIOLATED:
                found[promise] = Found(Standing.CONDITIONAL, promise.restrictions[number])
    return {p.id: found[p] for p in asked}


_STANDINGS = {Verdict.HOLDS: Standing.HOLDS, Verdict.VIOLATED: Standing.VIOLATED, None: Standing.IDLE}


class _Judge:
    """Judges the loop under a policy, and Stages that push to one branch."""

    def __init__(self, policy: FailurePolicy, behaviours: Behaviours, stages: int) -> None:
        self.policy = policy
        self.behaviours = behaviours
        self.stages = stages

    def about(self, promise: Promise, changes: Changes) -> Hashable:
        """What a promise is judged on with these changes: the same for two promises that can be judged together."""
        return (True, changes) if promise.pushes else bounds_with(self.policy, changes)

    def subject(self, promise: Promise, changes: Changes) -> Subject:
        """What that is."""
        if promise.pushes:
            return shared_branch.under_policy(self.policy, self.behaviours, self.stages, changes)
        return subject(self.policy, self.behaviours, changes)

    def verdicts(
        self, asked: Mapping[Promise, Changes], *, restricted: bool = False
    ) -> dict[Promise, Verdict | None]:
        """The verdict on each promise with these changes; None if the policy never does what it speaks of.

        What several promises are judged on is explored once for all.
        """
        together: dict[Hashable, list[Promise]] = {}
        for promise, changes in asked.items():
            together.setdefault(self.about(promise, changes), []).append(promise)
        found: dict[Promise, Verdict | None] = {}
        for promises in together.values():
            about = self.subject(promises[0], asked[promises[0]])
            found |= _verdicts(about, promises, {} if restricted else _SPEAKS_OF)
        return found


def _verdicts(
    about: Subject, promises: Iterable[Promise], speaks_of: Mapping[str, Callable[..., bool]]
) -> Iterator[tuple[Promise, Verdict | None]]:
    situations = {p: speaks_of[p.id].__name__ for p in promises if p.id in speaks_of}
    never = _never(about, set(situations.values()))
    left = [p for p in promises if situations.get(p) not in never]
    names = {p.claim.__name__ for p in left} | {situations[p] for p in left if p in situations}
    seen = _look(about, names) if names else {}
    for promise in promises:
        arises = promise not in situations or seen.get(situations[promise]) is Verdict.HOLDS
        yield promise, seen[promise.claim.__name__] if arises else None


def _never(about: Subject, names: AbstractSet[str]) -> set[str]:
    """Those of the situations that do not arise because no step writes what they are about."""
    asked = [p for p in about.properties if p.function.__name__ in names]
    steps = about.system.actions
    written = {p.function.__name__ for p in asked if any(writes_any(step, p.variables) for step in steps)}
    seen = _look(about, names - written) if names - written else {}
    return {name for name, verdict in seen.items() if verdict is not Verdict.HOLDS}


def _look(about: Subject, names: AbstractSet[str]) -> dict[str, Verdict]:
    """The worst verdict on each of these claims, and on each situation whether it arises."""
    asked = [p for p in about.properties if p.function.__name__ in names]
    report = check(about.system, asked, strategy="saturation", transitions=False, traced=no_property)
    verdicts: dict[str, Verdict] = {}
    for judged in report.judgements:
        name = judged.property.function.__name__
        wanted = Verdict.HOLDS if judged.property.kind is Kind.SOMETIMES else Verdict.VIOLATED
        if name not in verdicts or judged.verdict is wanted:
            verdicts[name] = judged.verdict
    return verdicts


_SPEAKS_OF: dict[str, Callable[..., bool]] = {
    **dict.fromkeys(("abort", "late"), a_promotion_is_a_response),
    **dict.fromkeys(("target", "other"), a_promotion_is_a_roll_back),
    **dict.fromkeys(("limit", "memory", "begin"), a_promotion_has_started_again),
}
"""What a promise speaks of, by its id, where not every policy does it."""


def example(
    promise: Promise,
    policy: FailurePolicy,
    behaviours: Behaviours,
    *,
    seconds: float,
    stages: int = STAGES,
    progress: Watch | None = None,
) -> tuple[Subject, Judgement] | None:
    """The shortest way to break a promise, as far as it is found in time; None if there is none."""
    if promise.pushes:
        about = shared_branch.under_policy(policy, behaviours, stages, promise.changes)
    else:
        about = subject(policy, behaviours, promise.changes)
    asked = tuple(p for p in about.properties if p.function.__name__ == promise.claim.__name__)
    report = check(about.system, asked, transitions=False, bounds=Limits(seconds=seconds), progress=progress)
    broken = [j for j in report.judgements if j.trace is not None]
    return (about, min(broken, key=lambda j: len(j.trace.steps if j.trace else ()))) if broken else None
