"""The claims about the control loop: what breaks each, what it speaks of, and in which releases it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from invariants.check import Report, Verdict, check
from invariants.findings import no_property
from invariants.kargo import loops
from invariants.kargo.loops import LOOPS, WELL, Loop, bounded, explored
from invariants.properties import ABOUT_RUNS, Kind, Property
from invariants.subjects import Subject
from invariants.trace import Trace, agree, true_of
from model.kargo.availability import Verified
from model.kargo.loop import auto_promote, exploration, sync_promotions
from model.kargo.loop.values import Asked, Intent, Verification
from model.kargo.loop.verify import Doing
from model.kargo.phases import HealthState, PromotionPhase, VerificationPhase
from model.kargo.releases import LATEST, RELEASES, Behaviours, PromotionGate
from model.kargo.step_engine import RAN, Entry, Turn
from model.kargo.step_kinds import Result
from model.system import Outcomes, Rule, System, mutate, only, outcome
from tests.broken_rules import begin_anew, look_at_no_stage, note_no_guard, record_any

Phase = PromotionPhase | None


def look_at(subject: Subject) -> Report:
    """The verdicts on what is claimed of states and steps, without the ways to them."""
    asked = [p for p in subject.properties if p.kind not in ABOUT_RUNS]
    return check(subject.system, asked, strategy="saturation", transitions=False, traced=no_property)


def verdicts(found: Report) -> dict[str, Verdict]:
    return {j.property.name: j.verdict for j in found.judgements}


def claims_of(subject: Subject) -> Iterator[Property]:
    return (p for p in subject.properties if p.kind is not Kind.SOMETIMES and p.kind not in ABOUT_RUNS)


# Systems: as small as they can be and still have the situation


def smaller(loop: str, promotions: int, freight: int, **changes: Any) -> Loop:
    found = bounded(LOOPS[loop], promotions, freight)
    return replace(found, bounds=replace(found.bounds, **changes))


CALM: dict[str, Any] = {"healths": WELL, "results": (Result.SUCCEEDED,), "aborts": False, "deletions": False}
"""Nothing goes wrong, and nobody interferes."""

SMALL: dict[str, Loop] = {
    "one": smaller("single", 1, 1),
    "two": smaller("single", 2, 1),
    "calm": smaller("verification", 2, 1, reverifies=0, runs=(VerificationPhase.SUCCESSFUL,), **CALM),
    "healthy": smaller("verification", 1, 1, healths=WELL, reverifies=0),
    "verified": smaller("verification", 2, 1, deletions=False),
    "again": smaller("verification", 1, 1),
    "auto": smaller("auto", 2, 1, switches=False),
    "auto, two": smaller("auto", 2, 2, switches=False),
    "origins": smaller("two-origins", 2, 1, deletions=False, healths=WELL),
    "queued": smaller("two-origins", 3, 1, deletions=False, healths=WELL, results=(Result.SUCCEEDED,)),
    "downstream": smaller("approvals", 1, 1),
    "named": smaller("by-hand", 1, 1, deletions=False, healths=WELL, results=(Result.SUCCEEDED,)),
    "steps": smaller("restarts", 1, 1),
    "woken": smaller("wakeups", 1, 1),
    "failing": smaller("single", 2, 1, deletions=False, healths=WELL, results=(Result.FAILED_TERMINALLY,)),
    "gate": smaller("control-flow", 1, 1, wakeups=True),
}
"""The systems that mutants are made of."""


@cache
def small(name: str, behaviours: Behaviours = LATEST) -> Subject:
    return explored(name, SMALL[name], behaviours)


# Mutants: broken rules, and behaviours that no release has in this combination


def take_any_for_first(phase: Phase, name: str, waiting: str | None) -> Outcomes:
    """A broken rule: it forgets that the smallest name comes first."""
    if phase is None or phase.terminal or phase is PromotionPhase.RUNNING:
        return ()
    return only(waiting=name if waiting is None else max(name, waiting))


def never_over(current: str | None, last: str | None, running: str | None, waiting: str | None) -> Outcomes:
    """A broken rule: it forgets that the current Promotion may be over."""
    return only(branch=sync_promotions.Branch.GATE)


def record_nothing(
    phase: Phase, name: str, started: int | None, last: str | None, *, inherits_collection: bool
) -> Outcomes:
    """A broken rule: it forgets to record."""
    return ()


def record_failure_as_success(
    phase: Phase, name: str, started: int | None, last: str | None, *, inherits_collection: bool
) -> Outcomes:
    """A broken rule: it forgets that a Promotion may fail."""
    if phase is None or not phase.terminal or (last is not None and name <= last):
        return ()
    said = phase if phase is PromotionPhase.ABORTED else PromotionPhase.SUCCEEDED
    return only(last=name, last_phase=said, recorded=phase, inherits=False)


def enter_nowhere(freight_exists: bool, since: int | None, now: int, *, freight: str, project: str) -> Outcomes:
    """A broken rule: it forgets to mark the Freight that comes into use."""
    return ()


def overlay_nothing(
    phase: Phase,
    name: str,
    intent: Intent | None,
    freight: str | None,
    last: str | None,
    enabled: bool,
    newest_intent: str | None,
    *,
    origin: str,
) -> Outcomes:
    """A broken rule: it forgets the holds that are not on record yet."""
    return ()


def record_as_success(
    phase: Phase, name: str, started: int | None, last: str | None, *, inherits_collection: bool
) -> Outcomes:
    """A broken rule: it forgets how the Promotion ended."""
    if phase is None or not phase.terminal or (last is not None and name <= last):
        return ()
    return only(last=name, last_phase=phase, recorded=PromotionPhase.SUCCEEDED, inherits=False)


def record_without_name(
    phase: Phase, name: str, started: int | None, last: str | None, *, inherits_collection: bool
) -> Outcomes:
    """A broken rule: it forgets to say which Promotion was recorded."""
    found = sync_promotions.record(phase, name, started, last, inherits_collection=inherits_collection)
    return tuple(replace(o, changes={**o.changes, "last": last}) for o in found)


def carry_target_only(last_carried: str | None, *, target: str | None, requested: bool, several: bool) -> Outcomes:
    """A broken rule: it forgets the other origins."""
    return only(carried=target)


def fill_any_slot(phase: Phase, used: bool, wanted: str | None, wish: object, *, promotion: str) -> Outcomes:
    """A broken rule: it forgets the order of names."""
    found = auto_promote.fill_slot(phase, used, wanted, None, promotion=promotion)
    return (*found, outcome()) if found else ()


def fill_taken_slot(phase: Phase, used: bool, wanted: str | None, wish: object, *, promotion: str) -> Outcomes:
    """A broken rule: it forgets that there is a Promotion of that name."""
    return auto_promote.fill_slot(None, False, wanted, None, promotion=promotion)


def pass_nothing(verification_ids: int, now: int) -> Outcomes:
    """A broken rule: it forgets that Freight has to be verified where no verification is asked for."""
    return ()


def look_while_promoting(
    verification: Verification | None,
    current: str | None,
    has_freight: bool,
    health: HealthState,
    reverify: Asked | None,
    abort_verification: Asked | None,
    *,
    verifies: bool,
) -> Outcomes:
    """A broken rule: it forgets that a Promotion may be current."""
    ready = current is not None or health is HealthState.HEALTHY
    return only(doing=Doing.START) if has_freight and verification is None and verifies and ready else ()


def look_at_a_sick_stage(
    verification: Verification | None,
    current: str | None,
    has_freight: bool,
    health: HealthState,
    reverify: Asked | None,
    abort_verification: Asked | None,
    *,
    verifies: bool,
) -> Outcomes:
    """A broken rule: it forgets that the Stage has to be healthy."""
    ready = has_freight and verification is None and verifies and current is None
    return only(doing=Doing.START) if ready else ()


def look_away(
    verification: Verification | None,
    current: str | None,
    has_freight: bool,
    health: HealthState,
    reverify: Asked | None,
    abort_verification: Asked | None,
    *,
    verifies: bool,
) -> Outcomes:
    """A broken rule: it forgets the verification that is under way."""
    return only(doing=Doing.START) if has_freight and current is None and verifies else ()


def see_anything(app: HealthState) -> Outcomes:
    """A broken rule: it forgets how the applications are."""
    return tuple(outcome(observed=h) for h in (HealthState.HEALTHY, HealthState.PROGRESSING))


def mark_anyway(verification: Verification | None, health: HealthState) -> Outcomes:
    """A broken rule: it forgets to ask what the verification came to."""
    return only(marking=True) if verification is not None else ()


def ask_anyway(admissible: bool, *, freight: str, actor: str) -> Outcomes:
    """A broken rule: it forgets to ask whether the Freight is available."""
    return only(wanted=freight, asking=actor)


def refuse_nothing(freight_exists: bool, admissible: bool, *, freight: str, stage: str, project: str) -> Outcomes:
    """A broken rule: it forgets that Freight may not be available any more."""
    return ()


def assess_always(
    current: str | None,
    last_phase: Phase,
    observed: HealthState,
    health: HealthState,
    *,
    without_success: HealthState | None,
) -> Outcomes:
    """A broken rule: it forgets to ask how the last Promotion ended."""
    return only(health=observed)


def wake_nobody_by_phase(before: Phase, now: Phase) -> Outcomes:
    """A broken rule: it forgets to wake the Stage of a Promotion."""
    return ()


def wake_nobody_by_current(before: str | None, now: str | None, *, name: str) -> Outcomes:
    """A broken rule: it forgets to wake the Promotion that became current."""
    return ()


def wake_nobody_by_freight(before: Verified | None, now: Verified | None, since: int | None) -> Outcomes:
    """A broken rule: it forgets to wake those downstream."""
    return ()


def answer_nothing(refresh: str, error: str) -> Outcomes:
    """A broken rule: it forgets to say that a Stage has been refreshed."""
    return ()


@dataclass(frozen=True)
class Mutant:
    """What is broken in which system, and which claims it violates: rules, or behaviours."""

    system: str
    violates: tuple[str, ...]
    rules: tuple[tuple[str, Rule], ...] = ()
    changes: tuple[tuple[str, object], ...] = ()

    @property
    def name(self) -> str:
        return ", ".join([f.__name__ for _, f in self.rules] + [f"{k} = {v}" for k, v in self.changes])

    def made(self) -> System:
        """The system with the fault in it."""
        if self.rules:
            return mutate(small(self.system).system, **dict(self.rules))
        changes: dict[str, Any] = dict(self.changes)
        return small(self.system, replace(LATEST, **changes)).system


def broken(system: str, *violates: str, **rules: Rule) -> Mutant:
    return Mutant(system, violates, rules=tuple(rules.items()))


def behaves(system: str, *violates: str, **changes: object) -> Mutant:
    return Mutant(system, violates, changes=tuple(changes.items()))


MUTANTS = (
    behaves(
        "one",
        "the_last_promotion_changes_only_while_one_is_current",
        "only_the_current_promotion_is_recorded",
        records_in_every_pass=True,
    ),
    broken("two", "what_is_recorded_is_over_and_comes_after", record=record_any),
    broken("one", "a_promotion_that_was_current_is_recorded", record=record_nothing),
    broken("two", "the_record_never_passes_by_one_that_is_not_over", note_waiting=take_any_for_first),
    broken("two", "the_later_promotion_has_the_larger_name", fill_slot=fill_any_slot),
    broken("one", "freight_comes_into_use_only_by_a_record", record=record_without_name),
    broken("one", "freight_in_use_was_promoted_with_success", record=record_as_success),
    broken("origins", "every_origin_in_use_is_carried_on", carry=carry_target_only),
    behaves("queued", "every_origin_in_use_is_carried_on", unstarted_inherits_collection=False),
    broken(
        "auto",
        "freight_is_auto_promoted_once",
        "what_failed_is_not_auto_promoted_again",
        "what_is_under_way_is_not_auto_promoted_again",
        note_guard=note_no_guard,
    ),
    broken("auto, two", "a_stage_auto_promotes_only_when_its_freight_is_verified", pass_without=pass_nothing),
    broken("verified", "verification_starts_only_without_a_current_promotion", look=look_while_promoting),
    broken(
        "again",
        "verification_starts_only_when_healthy",
        "analysis_runs_are_made_only_when_healthy",
        look=look_at_a_sick_stage,
    ),
    broken("healthy", "a_verification_goes_on_only_while_healthy", see=see_anything),
    broken("again", "freight_is_marked_only_when_verified_and_healthy", may_mark=mark_anyway),
    behaves("verified", "no_promotion_overtakes_a_verification", promotion_gate=PromotionGate.NONE),
    behaves(
        "calm",
        "no_promotion_starts_before_the_freight_is_verified",
        promotion_gate=PromotionGate.NONE,
    ),
    behaves(
        "verified",
        "no_promotion_starts_before_a_healthy_stage_was_verified",
        promotion_gate=PromotionGate.NONE,
    ),
    broken("again", "no_older_verification_is_under_way", look=look_away),
    broken("downstream", "only_verified_or_approved_freight_is_promoted", ask=ask_anyway, refuse=refuse_nothing),
    broken("one", "health_is_assessed_only_after_a_success", assess_health=assess_always),
    behaves("one", "health_is_unknown_after_a_failure", health_without_success=HealthState.UNHEALTHY),
    behaves("one", "a_promotion_under_way_is_no_error_of_its_stage", unknown_health_is_an_error=True),
    broken("one", "terminal_phases_never_change", fill_slot=fill_taken_slot),
    broken("steps", "a_finished_step_is_never_run_again", go_to_step=begin_anew),
    broken("woken", "a_promotion_that_its_stage_waits_for_will_be_looked_at", watch_current=wake_nobody_by_current),
    broken("woken", "a_stage_whose_promotion_is_over_is_woken", watch_phase=wake_nobody_by_phase),
    broken("woken", "a_refresh_is_answered", handle_refresh=answer_nothing),
    broken("gate", "freight_that_could_pass_is_noticed", watch_verified=wake_nobody_by_freight),
    broken("one", "freight_in_use_is_marked_as_in_use", enter=enter_nowhere),
    broken("auto, two", "nothing_is_auto_promoted_while_a_promotion_holds", overlay=overlay_nothing),
    broken("failing", "a_promotion_that_never_started_does_not_hide_health", record=record_failure_as_success),
    broken("two", "one_promotion_runs_at_a_time", look_at_stage=look_at_no_stage),
    broken("one", "a_current_promotion_is_not_over_for_long", take_stock=never_over),
)
CLAIMS = sorted({p.function.__name__ for name in (*SMALL,) for p in claims_of(small(name))})


@cache
def kept(system: str) -> dict[str, Verdict]:
    return verdicts(look_at(small(system)))


def assert_replays(system: System, trace: Trace, claim: Property) -> None:
    """The trace begins where the system does, each step can be taken, and the claim is false where it ends."""
    assert any(agree(state, trace.start) for state in system.initial_states())
    listed = {step.name: step for step in system.actions}
    for taken in trace.steps:
        ways = system.perform(listed[taken.action], taken.before)
        assert (taken.label, taken.after, taken.record) in [(w.label, w.state, w.record) for w in ways]
    last = trace.steps[-1]
    before = last.before if claim.kind is Kind.EVERY_STEP else trace.end
    assert not true_of(claim, before, {**last.after, **last.record})


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.system}: {m.name}: {m.violates[0]}")
def test_the_newest_release_keeps_the_claim_and_the_mutant_breaks_it(mutant: Mutant) -> None:
    judged = [p for p in claims_of(small(mutant.system)) if p.function.__name__ in mutant.violates]
    assert {p.function.__name__ for p in judged} == set(mutant.violates)
    assert {kept(mutant.system)[p.name] for p in judged} == {Verdict.HOLDS}

    system = mutant.made()
    found = check(system, judged, transitions=False, stop_when_decided=True)

    caught = {j.property.function.__name__: j for j in found.judgements if j.verdict is Verdict.VIOLATED}
    assert caught.keys() == set(mutant.violates)
    for j in caught.values():
        assert j.trace is not None
        assert_replays(system, j.trace, j.property)


def test_every_claim_has_a_mutant() -> None:
    assert sorted({claim for m in MUTANTS for claim in m.violates}) == CLAIMS


def test_every_claim_is_about_some_loop() -> None:
    every = {p.function.__name__ for name in LOOPS for p in claims_of(loops.subject(name, LATEST))}

    assert sorted(every) == CLAIMS


def test_every_broken_rule_says_what_it_forgets() -> None:
    docs = [f.__doc__ or "" for m in MUTANTS for _, f in m.rules]

    assert [d for d in docs if not d.startswith("A broken rule: it forgets ")] == []


# What the claims speak of

Situation = Callable[..., bool]


def starts_now(next_verification: Verification | None, **_: Any) -> bool:
    return next_verification is not None and next_verification.phase is VerificationPhase.PENDING


def becomes_current(current: str | None, next_current: str | None, in_use: str | None = "any", **_: Any) -> bool:
    return next_current not in (None, current) and in_use is not None


def is_created(used: bool, next_used: bool, **_: Any) -> bool:
    return next_used and not used


def is_created_after_one_of_its_freight(
    used: bool, next_used: bool, next_freight: str | None, **others: Any
) -> bool:
    return is_created(used, next_used) and next_freight in others.values()


def is_recorded(last: str | None, next_last: str | None, **_: Any) -> bool:
    return next_last != last


def comes_into_use(in_use: str | None, next_in_use: str | None, **_: Any) -> bool:
    return next_in_use not in (None, in_use)


def starts_with_freight_in_use(
    in_use: str | None, status_freight: str | None, next_status_freight: str | None, **_: Any
) -> bool:
    return in_use is not None and status_freight is None and next_status_freight is not None


def runs_after_a_step_that_is_over(entry: Entry | None, next_did: Turn, **_: Any) -> bool:
    return next_did in RAN and entry is None


SITUATIONS: dict[str, tuple[str, Situation]] = {
    "a_promotion_that_never_started_does_not_hide_health": (
        "two",
        lambda last, next_last, last_phase, phase, started, name, **_: (
            next_last == name != last
            and last_phase is PromotionPhase.SUCCEEDED
            and phase is PromotionPhase.ABORTED
            and started is None
        ),
    ),
    "freight_in_use_is_marked_as_in_use": ("one", lambda next_in_use, freight, **_: next_in_use == freight),
    "nothing_is_auto_promoted_while_a_promotion_holds": (
        "auto, two",
        lambda used, next_used, **_: next_used and not used,
    ),
    "the_last_promotion_changes_only_while_one_is_current": ("one", is_recorded),
    "only_the_current_promotion_is_recorded": ("one", is_recorded),
    "what_is_recorded_is_over_and_comes_after": (
        "two",
        lambda last, next_last, **_: last is not None and next_last != last,
    ),
    "a_promotion_that_was_current_is_recorded": (
        "two",
        lambda current, next_current, name, **_: current == name != next_current,
    ),
    "the_record_never_passes_by_one_that_is_not_over": (
        "two",
        lambda last, next_last, name, **_: next_last is not None and next_last >= name and (last or "") < name,
    ),
    "the_later_promotion_has_the_larger_name": (
        "two",
        is_created,
    ),
    "freight_comes_into_use_only_by_a_record": ("one", comes_into_use),
    "freight_in_use_was_promoted_with_success": ("one", comes_into_use),
    "every_origin_in_use_is_carried_on": ("queued", starts_with_freight_in_use),
    "freight_is_auto_promoted_once": ("auto, two", is_created),
    "what_failed_is_not_auto_promoted_again": ("auto, two", is_created),
    "what_is_under_way_is_not_auto_promoted_again": ("auto, two", is_created),
    "a_stage_auto_promotes_only_when_its_freight_is_verified": (
        "auto, two",
        lambda used, next_used, next_in_use, **_: is_created(used, next_used) and next_in_use is not None,
    ),
    "verification_starts_only_without_a_current_promotion": ("again", starts_now),
    "verification_starts_only_when_healthy": ("again", starts_now),
    "analysis_runs_are_made_only_when_healthy": ("again", starts_now),
    "a_verification_goes_on_only_while_healthy": (
        "healthy",
        lambda verification, next_verification, **_: None is not verification != next_verification,
    ),
    "no_promotion_overtakes_a_verification": (
        "verified",
        lambda verification, **values: becomes_current(**values) and verification is not None,
    ),
    "no_promotion_starts_before_the_freight_is_verified": ("calm", becomes_current),
    "no_promotion_starts_before_a_healthy_stage_was_verified": (
        "verified",
        lambda health, **values: becomes_current(**values) and health is HealthState.HEALTHY,
    ),
    "freight_is_marked_only_when_verified_and_healthy": (
        "again",
        lambda verified, next_verified, **_: verified is None and next_verified is not None,
    ),
    "no_older_verification_is_under_way": ("again", lambda older_verifications: older_verifications != ()),
    "only_verified_or_approved_freight_is_promoted": (
        "downstream",
        lambda status_freight, next_status_freight, freight, **_: next_status_freight == freight != status_freight,
    ),
    "health_is_assessed_only_after_a_success": ("one", lambda next_health, **_: next_health is HealthState.HEALTHY),
    "health_is_unknown_after_a_failure": (
        "one",
        lambda next_last_phase, **_: next_last_phase is PromotionPhase.FAILED,
    ),
    "a_promotion_under_way_is_no_error_of_its_stage": ("one", lambda next_current, **_: next_current is not None),
    "terminal_phases_never_change": ("one", lambda phase, **_: phase is PromotionPhase.SUCCEEDED),
    "a_finished_step_is_never_run_again": ("steps", lambda next_did, **_: next_did in RAN),
    "a_promotion_that_its_stage_waits_for_will_be_looked_at": (
        "woken",
        lambda current, phase, name, **_: current == name and phase is PromotionPhase.RUNNING,
    ),
    "a_stage_whose_promotion_is_over_is_woken": (
        "woken",
        lambda current, phase, name, **_: current == name and phase is PromotionPhase.FAILED,
    ),
    "a_refresh_is_answered": ("woken", lambda refresh, **_: refresh != ""),
    "freight_that_could_pass_is_noticed": (
        "gate",
        lambda upstream, verified, **_: upstream is not None and verified is None,
    ),
    "one_promotion_runs_at_a_time": ("two", lambda **slots: PromotionPhase.RUNNING in slots.values()),
    "a_current_promotion_is_not_over_for_long": (
        "one",
        lambda current, phase, name, **_: current == name and phase is PromotionPhase.FAILED,
    ),
}
"""For each claim a situation that it speaks of, in terms of its own parameters, and a system where that arises."""


def never(situation: Situation, claim: Property) -> Property:
    """The claim that the situation of `claim` does not arise."""

    def it_never_arises(**values: Any) -> bool:
        return not situation(**values)

    return replace(claim, name=f"never: {claim.name}", function=it_never_arises)


@pytest.mark.parametrize("system", SMALL)
def test_what_the_claims_speak_of_does_happen(system: str) -> None:
    wanted = {claim: situation for claim, (where, situation) in SITUATIONS.items() if where == system}
    claims = [p for p in claims_of(small(system)) if p.function.__name__ in wanted]

    found = check(
        small(system).system,
        [never(wanted[p.function.__name__], p) for p in claims],
        strategy="saturation",
        transitions=False,
        traced=no_property,
    )

    arising = {j.property.name for j in found.judgements if j.verdict is Verdict.VIOLATED}
    assert {p.function.__name__ for p in claims if f"never: {p.name}" in arising} == wanted.keys()


def test_every_claim_has_a_situation() -> None:
    assert sorted(SITUATIONS) == CLAIMS


# Every loop in every release: witnesses, verdicts, sizes

BOUNDS = {
    "single": (2, 1),
    "by-hand": (2, 1),
    "verification": (2, 1),
    "auto": (2, 2),
    "auto-verification": (2, 1),
    "two-origins": (2, 1),
    "dev-prod": (1, 1),
    "fan-out": (1, 1),
    "control-flow": (1, 1),
    "match-upstream": (1, 2),
    "approvals": (1, 2),
    "soak": (1, 1),
    "interleaved": (2, 1),
    "lagging": (1, 1),
    "unwritten": (2, 1),
    "restarts": (1, 1),
    "wakeups": (1, 1),
    "soaking-gate": (1, 1),
    "edits": (1, 1),
    "chain": (1, 1),
    "deleted-freight": (2, 1),
    "holds": (2, 2),
}
"""Promotions for each Stage and Freight from each Warehouse, by loop."""

EVERYWHERE = [
    pytest.param(loop, release, marks=[] if release == LATEST.release else [pytest.mark.slow])
    for release in RELEASES
    for loop in BOUNDS
]
"""What was before the newest release is checked with the slow tests; recordings of it are replayed with all."""


@cache
def report(loop: str, release: str) -> Report:
    promotions, freight = BOUNDS[loop]
    return look_at(loops.subject(loop, RELEASES[release], promotions=promotions, freight=freight))


def violated(found: Report) -> list[str]:
    """The claims that are violated of anything."""
    return sorted({j.property.function.__name__ for j in found.judgements if j.verdict is Verdict.VIOLATED})


ALL = tuple(RELEASES)
UP_TO_1_8, UP_TO_1_9, UP_TO_1_10 = ALL[:2], ALL[:3], ALL[:4]

VIOLATED: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    # Promotions that are aborted while they wait are recorded together with the current one.
    "only_the_current_promotion_is_recorded": (
        (
            "single by-hand verification auto auto-verification two-origins interleaved unwritten deleted-freight "
            "holds",
            ALL,
        ),
    ),
    # A Stage that is not healthy lets the next Promotion go first.
    "no_promotion_starts_before_the_freight_is_verified": (
        ("single by-hand verification two-origins interleaved unwritten auto-verification", ALL),
    ),
    "a_verification_goes_on_only_while_healthy": (("verification dev-prod auto-verification", ALL),),
    # What a failed Promotion carried is carried on by the next one, and comes into use with it.
    "freight_in_use_was_promoted_with_success": (("two-origins deleted-freight", ALL),),
    "a_promotion_under_way_is_no_error_of_its_stage": ((" ".join(BOUNDS), UP_TO_1_9),),
    "a_promotion_that_was_current_is_recorded": (("by-hand", UP_TO_1_10), ("edits", ALL)),
    # One that is aborted in the queue becomes the last one, which did not succeed.
    "a_promotion_that_never_started_does_not_hide_health": (
        ("single by-hand verification auto two-origins deleted-freight holds auto-verification", ALL),
    ),
    # Freight that is gone when a success is recorded ends the pass before anything else is looked at.
    "freight_in_use_is_marked_as_in_use": (("deleted-freight", ALL),),
    "health_is_unknown_after_a_failure": (("deleted-freight", ALL),),
    "the_later_promotion_has_the_larger_name": (("by-hand", UP_TO_1_10),),
    "the_record_never_passes_by_one_that_is_not_over": (("by-hand", UP_TO_1_10),),
    "terminal_phases_never_change": (("lagging", UP_TO_1_8),),
    "a_finished_step_is_never_run_again": (("lagging", UP_TO_1_8),),
    "freight_that_could_pass_is_noticed": (("soaking-gate", ALL),),
    # A Stage that has become a control flow Stage forgets its Promotions, and marks whatever is available.
    "a_current_promotion_is_not_over_for_long": (("edits", ALL),),
    "the_last_promotion_changes_only_while_one_is_current": (("edits", ALL),),
    "freight_is_marked_only_when_verified_and_healthy": (("edits", ALL),),
}
"""For each claim that is violated at all within these bounds: in which loops, and in which releases."""

RECENT = ("1.9.9", LATEST.release)
"""Releases between which the control loop has changed most."""

SIZES = {
    "single": (1_803, 1_773),
    "by-hand": (36_354, 1_773),
    "verification": (42_393, 41_811),
    "auto": (2_716, 16_352),
    "auto-verification": (2_319, 4_488),
    "two-origins": (9_684, 9_576),
    "dev-prod": (11_286, 11_286),
    "fan-out": (1_592, 1_592),
    "control-flow": (138, 138),
    "match-upstream": (273, 759),
    "approvals": (22_692, 22_692),
    "soak": (83, 83),
    "interleaved": (13_677, 14_289),
    "lagging": (32, 32),
    "unwritten": (4_398, 5_202),
    "restarts": (36, 36),
    "wakeups": (191, 191),
    "chain": (18_363_024, 18_363_024),
    "soaking-gate": (177, 177),
    "edits": (1_998, 1_410),
    "deleted-freight": (3_962, 4_656),
    "holds": (1_358, 4_488),
}
"""States by loop, in both of them."""


@pytest.mark.parametrize(("loop", "release"), EVERYWHERE)
def test_these_claims_are_violated_and_no_others(loop: str, release: str) -> None:
    found = report(loop, release)

    assert found.complete
    assert violated(found) == sorted(
        claim
        for claim, places in VIOLATED.items()
        if any(loop in where.split() and release in releases for where, releases in places)
    )


@pytest.mark.parametrize(("loop", "release"), EVERYWHERE)
def test_every_witness_is_reached(loop: str, release: str) -> None:
    found = [j for j in report(loop, release).judgements if j.property.kind is Kind.SOMETIMES]

    assert found
    assert [j.property.name for j in found if j.verdict is not Verdict.HOLDS] == []


@pytest.mark.parametrize(("loop", "release"), [p for p in EVERYWHERE if p.values[1] in RECENT])
def test_a_loop_has_its_pinned_sizes(loop: str, release: str) -> None:
    assert report(loop, release).states == dict(zip(RECENT, SIZES[loop], strict=True))[release]


def test_every_loop_is_looked_at() -> None:
    assert sorted(BOUNDS) == sorted(SIZES) == sorted(LOOPS)


# Tidying


FORGOTTEN = ("carried", "entry", "started", "status_freight", "work_dir")
"""What is let go of a Promotion that is over."""


def tell_apart(state: dict[str, Any]) -> frozenset[tuple[str, Any]]:
    """What claims read of a state, without what they may not depend on: numbers, and what is over."""
    found = {}
    for name, value in state.items():
        field, _, rest = name.partition("[")
        over = state.get(f"phase[{rest.removesuffix(']').split('/')[0]}]")
        if over is not None and over.terminal and field in FORGOTTEN:
            continue
        if field == "verification" and value is not None:
            value = (value.phase, value.run is not None)
        if field == "older_verifications":
            value = any(not v.phase.terminal for v, _ in value)
        found[name] = value
    return frozenset(found.items())


def reached(subject: Subject) -> tuple[dict[str, Verdict], set[frozenset[tuple[str, Any]]]]:
    """The verdicts, and everything that the claims can be shown."""
    seen = set()

    def note(**state: Any) -> bool:
        seen.add(tell_apart({names[p]: value for p, value in state.items()}))
        return True

    last = {v.name for v in subject.system.variables if not v.local}
    read = sorted({name for p in subject.properties for _, (name, _) in p.reads} & last)
    names = {f"value_{k}": name for k, name in enumerate(read)}
    noting = Property(Kind.ALWAYS, "whatever", note, tuple((p, (name, False)) for p, name in names.items()))
    found = look_at(replace(subject, properties=(*subject.properties, noting)))
    return verdicts(found), seen


TIDIED = ("single", "verification", "auto", "two-origins", "control-flow", "interleaved", "restarts")
"""Loops that are finite even if nothing is let go; where status may not be written, verifications count on."""


@pytest.mark.parametrize("loop", TIDIED)
def test_letting_go_of_what_nobody_reads_changes_no_verdict(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tidy = reached(loops.subject(loop, LATEST, promotions=1, freight=1))
    monkeypatch.setattr(exploration, "tidy_stage", lambda scope: iter(()))
    monkeypatch.setattr(exploration, "tidy_promotion", lambda slot, aliases: iter(()))
    as_it_is = reached(loops.subject(loop, LATEST, promotions=1, freight=1))

    assert tidy[0] == as_it_is[0]
    assert tidy[1] == as_it_is[1]
    assert len(tidy[1]) > 15
