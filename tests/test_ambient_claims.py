"""The claims about sessions: what breaks each, what it speaks of, and in which versions it holds."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from invariants.ambient import consumed_triggers, liveness, systems
from invariants.ambient.systems import NETWORK, SITUATIONS, every_claim, explored
from invariants.check import Report, Verdict, check
from invariants.findings import no_property
from invariants.properties import ABOUT_RUNS
from invariants.subjects import Subject
from model.ambient import passes, pushing
from model.ambient.behaviours import HEAD, PRE, VERSIONS, Behaviours
from model.ambient.phases import PodPhase, SessionPhase
from model.ambient.session import Bounds
from model.ambient.surroundings import Act, Fault
from model.ambient.values import Condition, Desired, Observed, Patch, Place, Push, Timer, Writing
from model.system import NOT_ENABLED, Outcomes, Rule, mutate, only
from simulations.ambient.options import REPAIRED

CLAIMS = tuple(p.name for p in (*every_claim(), *consumed_triggers.claims(), *liveness.claims()))

# Mutants: broken rules, and behaviours that no version has in this combination


def never_look(workflow: str | None, seen_condition: Condition, *, retry: object, tells_none: bool) -> Outcomes:
    """A broken rule: it forgets that a push may have failed."""
    return only(at=Place.DONE, asked=Timer.HALF_A_MINUTE)


def always_look(workflow: str | None, seen_condition: Condition, *, retry: object, tells_none: bool) -> Outcomes:
    """A broken rule: it forgets to look whether the push succeeded."""
    return NOT_ENABLED


def always_due(
    workflow: str | None, seen_recorded: str | None, *, pushes_anyway: bool, tells_none: bool
) -> Outcomes:
    """A broken rule: it forgets what is recorded."""
    return only(push=Push.DUE)


def keep_former(
    push: Push,
    workflow: str | None,
    runner_workflow: str | None,
    files: bool,
    faults: int,
    *,
    may_fail: bool,
    clones_count: bool,
) -> Outcomes:
    """A broken rule: the runner keeps what it has."""
    return NOT_ENABLED


def clone_nothing(pod: PodPhase, workflow: str | None, faults: int, *, may_fail: bool) -> Outcomes:
    """A broken rule: nothing is cloned while the pod starts."""
    return only(pod=PodPhase.STARTED, files=False) if pod is PodPhase.STARTING else NOT_ENABLED


def note_success(push: Push, workflow: str | None) -> Outcomes:
    """A broken rule: it forgets that a push may fail."""
    if push is Push.FAILED:
        return only(condition=Condition.TRUE, recorded=workflow)
    return pushing.note_workflow(push, workflow)


def hurry(push: Push, lost: bool, *, returns_early: bool) -> Outcomes:
    """A broken rule: it forgets to wait after a failure."""
    return only(at=Place.DONE, asked=Timer.TWO_SECONDS)


def refuse(push: Push, pod: PodPhase, service: bool, faults: int, *, refused: bool, may_fail: bool) -> Outcomes:
    """A broken rule: the runner refuses everybody."""
    return only("push failed: 401", push=Push.FAILED) if push is Push.DUE else NOT_ENABLED


def pretend_repos(
    repos: str | None,
    recorded_repos: str | None,
    pod: PodPhase,
    service: bool,
    faults: int,
    *,
    refused: bool,
    may_fail: bool,
) -> Outcomes:
    """A broken rule: it forgets to tell the runner."""
    return NOT_ENABLED if repos == recorded_repos else only(repos_push=Push.DELIVERED)


def stamp_nothing(push: Push, repos_push: Push, *, repositories_count: bool) -> Outcomes:
    """A broken rule: it forgets to say that the generation was observed."""
    return NOT_ENABLED


def never_again(timer: Timer, asked: Timer) -> Outcomes:
    """A broken rule: it forgets to set a timer."""
    return only(timer=Timer.NONE)


def serve_nobody(writing: Writing, pod: PodPhase, timer: Timer, faults: int, *, may_fail: bool) -> Outcomes:
    """A broken rule: it forgets the Service."""
    if writing is not Writing.SERVICE:
        return NOT_ENABLED
    return only(writing=Writing.NOTHING, patch=None, timer=passes.sooner(timer, Timer.TWO_SECONDS))


def see_nothing(phase: SessionPhase, pod: PodPhase) -> Outcomes:
    """A broken rule: it forgets that a runner may end."""
    return NOT_ENABLED


def create_bare_pod(
    pod: PodPhase,
    workflow: str | None,
    repos: str | None,
    push: Push,
    faults: int,
    *,
    stamps_failures: bool,
    may_fail: bool,
) -> Outcomes:
    """A broken rule: it forgets to tell the pod its workflow."""
    if pod is not PodPhase.NONE:
        return NOT_ENABLED
    patch = Patch(None, repos, stamps=True)
    return only(pod=PodPhase.STARTING, files=True, writing=Writing.STATUS, patch=patch, at=Place.DONE)


def forget_wish(phase: SessionPhase, pod: PodPhase, desired: Desired, *, keeps_wishes: bool) -> Outcomes:
    """A broken rule: it forgets that people may have changed their minds."""
    return passes.wait_for_end(phase, pod, desired, keeps_wishes=False)


def clear_wish(writing: Writing, desired: Desired, *, keeps_wishes: bool) -> Outcomes:
    """A broken rule: it forgets that people may have changed their minds."""
    return passes.clear_desired(writing, desired, keeps_wishes=False)


def see_no_drift(observed: Observed, *, unset_is_drift: bool) -> Outcomes:
    """A broken rule: it forgets that the spec may be edited."""
    return only(at=Place.WORKFLOW)


def observe_nothing(patch: Patch | None) -> Outcomes:
    """A broken rule: it forgets to say that the generation was observed."""
    return NOT_ENABLED


def ignore_wish(phase: SessionPhase, pod: PodPhase, desired: Desired) -> Outcomes:
    """A broken rule: it forgets that people may want a session to stop."""
    return NOT_ENABLED


def bounds(*fault: Fault, do: Act | None = None, acts: int = 1) -> Bounds:
    may_do = frozenset({do} if do else ())
    return Bounds(acts=acts if do else 0, may_do=may_do, faults=len(fault), may_fail=frozenset(fault))


PLAIN = Bounds(faults=1, may_fail=NETWORK)
REQUESTS = bounds(do=Act.START_AND_STOP, acts=2)


@dataclass(frozen=True)
class Mutant:
    """A session in which the claim holds, and what breaks it: rules, or behaviours that no version has."""

    bounds: Bounds
    functions: dict[str, Rule]
    behaviours: Behaviours = HEAD
    instead: Behaviours | None = None


MUTANTS: dict[str, Mutant] = {
    "a_workflow_whose_push_failed_is_pushed_again": Mutant(
        PLAIN, {"look_for_failure": never_look}, instead=replace(HEAD, pushes_while_pending=True)
    ),
    "a_session_at_rest_has_told_its_runner": Mutant(PLAIN, {"look_for_failure": never_look}),
    "a_session_at_rest_has_its_workflow": Mutant(bounds(do=Act.EDIT), {"receive": keep_former}),
    "a_session_at_rest_has_the_files_of_its_workflow": Mutant(PLAIN, {"start_container": clone_nothing}),
    "what_is_reported_as_reconciled_was_told_to_this_pod": Mutant(PLAIN, {"note_workflow": note_success}),
    "no_workflow_is_pushed_without_a_pod": Mutant(PLAIN, {}, instead=replace(HEAD, pushes_while_pending=True)),
    "an_acknowledged_workflow_is_not_pushed_again": Mutant(
        PLAIN, {"look_for_failure": always_look, "compare": always_due}
    ),
    "a_failed_push_waits_before_the_next": Mutant(PLAIN, {"end_retry": hurry}),
    "a_push_fails_only_for_a_reason_that_goes_away": Mutant(PLAIN, {"deliver": refuse}),
    "a_session_at_rest_has_its_repositories": Mutant(bounds(do=Act.REPOS), {"push_repos": pretend_repos}, REPAIRED),
    "a_session_at_rest_has_observed_its_generation": Mutant(bounds(do=Act.RENAME), {"stamp": stamp_nothing}),
    "a_running_session_will_be_looked_at": Mutant(PLAIN, {"ask": never_again}),
    "a_running_session_can_be_reached": Mutant(PLAIN, {"create_service": serve_nobody}),
    "a_session_whose_runner_has_ended_does_not_stay_running": Mutant(
        bounds(Fault.RUNNER_END), {"see_end": see_nothing}, REPAIRED
    ),
    "a_generation_is_observed_only_when_its_workflow_was_applied": Mutant(PLAIN, {"create_pod": create_bare_pod}),
    "a_generation_is_observed_only_when_its_repositories_were_applied": Mutant(
        bounds(do=Act.REPOS), {"push_repos": pretend_repos}, REPAIRED
    ),
    "a_request_to_start_is_cleared_only_by_starting": Mutant(REQUESTS, {"wait_for_end": forget_wish}, REPAIRED),
    "a_request_to_stop_is_cleared_only_by_stopping": Mutant(REQUESTS, {"clear_desired": clear_wish}, REPAIRED),
    "a_failed_push_leads_to_one_that_succeeds": Mutant(
        PLAIN, {"look_for_failure": never_look}, instead=replace(HEAD, pushes_while_pending=True)
    ),
    "an_edit_after_a_failed_push_leads_to_one_that_succeeds": Mutant(
        SITUATIONS["session-renamed"].bounds, {"look_for_drift": see_no_drift}, PRE
    ),
    "a_session_that_is_to_run_gets_there: its_runner_has_the_workflow": Mutant(
        PLAIN, {"start_container": clone_nothing}
    ),
    "a_session_that_is_to_run_gets_there: its_runner_has_the_repositories": Mutant(
        bounds(do=Act.REPOS), {"push_repos": pretend_repos}, REPAIRED
    ),
    "a_session_that_is_to_run_gets_there: its_generation_is_observed": Mutant(
        PLAIN, {"write_observed": observe_nothing}
    ),
    "a_session_that_is_to_stop_gets_there": Mutant(REQUESTS, {"look_at_pod": ignore_wish}, REPAIRED),
}


def subject(behaviours: Behaviours, bounds: Bounds) -> Subject:
    return explored("a session", "", behaviours, bounds)


def judged(found: Subject, claim: str, functions: dict[str, Rule] | None = None) -> Report:
    system = mutate(found.system, **functions) if functions else found.system
    return check(system, [p for p in found.properties if p.name == claim], engine="explicit")


def test_every_claim_has_a_mutant() -> None:
    assert sorted(MUTANTS) == sorted(CLAIMS)


@pytest.mark.parametrize("claim", MUTANTS)
def test_a_mutant_breaks_the_claim_and_nothing_else_does(claim: str) -> None:
    mutant = MUTANTS[claim]
    whole = subject(mutant.behaviours, mutant.bounds)
    broken = subject(mutant.instead or mutant.behaviours, mutant.bounds)

    [holds] = judged(whole, claim).judgements
    assert holds.verdict is Verdict.HOLDS
    assert not holds.vacuous
    [caught] = judged(broken, claim, mutant.functions).judgements
    assert caught.verdict is Verdict.VIOLATED
    assert caught.trace


# What the claims speak of

Situation = Callable[..., bool]


def rests(settled: bool, phase: SessionPhase, pod: PodPhase, **_: Any) -> bool:
    return settled and phase is SessionPhase.RUNNING and pod is PodPhase.SERVING


SPOKEN_OF: dict[str, tuple[str, Situation]] = {
    "a_workflow_whose_push_failed_is_pushed_again": (
        "session",
        lambda phase, condition, **_: phase is SessionPhase.RUNNING and condition is Condition.FALSE,
    ),
    "a_session_at_rest_has_told_its_runner": ("session", rests),
    "a_session_at_rest_has_its_workflow": ("session", rests),
    "a_session_at_rest_has_the_files_of_its_workflow": ("session", rests),
    "a_session_at_rest_has_its_repositories": (
        "session-repositories",
        lambda repos, **more: rests(**more) and repos is not None,
    ),
    "a_session_at_rest_has_observed_its_generation": ("session-renamed", rests),
    "what_is_reported_as_reconciled_was_told_to_this_pod": (
        "session",
        lambda phase, condition, **_: phase is SessionPhase.RUNNING and condition is Condition.TRUE,
    ),
    "no_workflow_is_pushed_without_a_pod": ("session", lambda next_push, **_: next_push is Push.DELIVERED),
    "an_acknowledged_workflow_is_not_pushed_again": ("session-renamed", lambda next_again: next_again),
    "a_failed_push_waits_before_the_next": ("session", lambda next_push, **_: next_push is Push.FAILED),
    "a_push_fails_only_for_a_reason_that_goes_away": ("session", lambda next_push, **_: next_push is Push.FAILED),
    "a_running_session_will_be_looked_at": ("session", lambda phase, **_: phase is SessionPhase.RUNNING),
    "a_running_session_can_be_reached": (
        "session",
        lambda phase, pod, **_: phase is SessionPhase.RUNNING and pod is PodPhase.STARTED,
    ),
    "a_session_whose_runner_has_ended_does_not_stay_running": (
        "session-faults",
        lambda phase, pod, **_: phase is SessionPhase.RUNNING and pod is PodPhase.ENDED,
    ),
    "a_generation_is_observed_only_when_its_workflow_was_applied": (
        "session",
        lambda observed, next_observed, **_: observed is not next_observed,
    ),
    "a_generation_is_observed_only_when_its_repositories_were_applied": (
        "session-repositories",
        lambda observed, next_observed, repos, **_: observed is not next_observed and repos is not None,
    ),
    "a_request_to_start_is_cleared_only_by_starting": (
        "session-requests",
        lambda desired, next_desired, **_: desired is Desired.RUNNING and next_desired is Desired.NOTHING,
    ),
    "a_request_to_stop_is_cleared_only_by_stopping": (
        "session-requests",
        lambda desired, next_desired, **_: desired is Desired.STOPPED and next_desired is Desired.NOTHING,
    ),
}
"""For each claim about states or steps a situation that it speaks of, and a session of today where that arises."""


@dataclass(frozen=True)
class Never:
    """The claim that a situation does not arise; it has the parameters of the claim that speaks of it."""

    situation: Situation
    __name__: str

    def __call__(self, **values: Any) -> bool:
        return not self.situation(**values)


@pytest.mark.parametrize("claim", SPOKEN_OF)
def test_what_a_claim_speaks_of_does_happen(claim: str) -> None:
    name, situation = SPOKEN_OF[claim]
    found = systems.subject(name, HEAD)
    [mine] = [p for p in found.properties if p.name == claim]

    never = replace(mine, function=Never(situation, "never"))
    [arises] = check(found.system, [never], engine="explicit").judgements
    assert arises.verdict is Verdict.VIOLATED


def test_every_claim_about_states_or_steps_has_a_situation() -> None:
    runs = {p.name for p in liveness.claims()}

    assert all(p.kind in ABOUT_RUNS for p in liveness.claims())
    assert sorted(SPOKEN_OF) == sorted(set(CLAIMS) - runs)


# Every session in every version: verdicts, witnesses, sizes


@cache
def report(name: str, version: str) -> Report:
    found = systems.subject(name, VERSIONS[version])
    return check(found.system, found.properties, traced=no_property)


def violated(found: Report) -> list[str]:
    return sorted(j.property.name for j in found.judgements if j.verdict is Verdict.VIOLATED)


EVERYWHERE = [
    pytest.param(name, version, marks=[pytest.mark.slow] if version == "fix" and name != "session-token" else [])
    for name in SITUATIONS
    for version in VERSIONS
]
"""Of the fix and of today, all is the same but the token."""

ANY = " ".join(name.removeprefix("session-") for name in SITUATIONS)

VIOLATED: dict[str, dict[str, str]] = {
    "a_workflow_whose_push_failed_is_pushed_again": {
        "pre": ANY,
        "fix": "renamed edits repositories faults",
        "head": "renamed edits repositories faults",
    },
    "a_session_at_rest_has_told_its_runner": {
        "pre": ANY,
        "fix": "requests faults",
        "head": "requests faults",
    },
    "a_session_at_rest_has_its_workflow": {
        "pre": "edits faults",
        "fix": "edits faults",
        "head": "edits faults",
    },
    "a_session_at_rest_has_the_files_of_its_workflow": {
        "pre": "clones faults",
        "fix": "clones faults",
        "head": "clones faults",
    },
    "what_is_reported_as_reconciled_was_told_to_this_pod": {
        "pre": "edits faults",
        "fix": "edits requests faults",
        "head": "edits requests faults",
    },
    "no_workflow_is_pushed_without_a_pod": {
        "pre": ANY,
    },
    "an_acknowledged_workflow_is_not_pushed_again": {
        "pre": "faults",
        "fix": "renamed edits repositories faults",
        "head": "renamed edits repositories faults",
    },
    "a_push_fails_only_for_a_reason_that_goes_away": {
        "pre": "faults",
        "fix": "token restarts faults",
        "head": "restarts faults",
    },
    "a_session_at_rest_has_its_repositories": {
        "pre": "repositories",
        "fix": "repositories",
        "head": "repositories",
    },
    "a_session_at_rest_has_observed_its_generation": {
        "pre": "faults",
        "fix": "faults",
        "head": "faults",
    },
    "a_running_session_will_be_looked_at": {
        "pre": "faults",
        "fix": "faults",
        "head": "faults",
    },
    "a_running_session_can_be_reached": {
        "pre": "restarts faults",
        "fix": "restarts faults",
        "head": "restarts faults",
    },
    "a_session_whose_runner_has_ended_does_not_stay_running": {
        "pre": "faults",
        "fix": "faults",
        "head": "faults",
    },
    "a_generation_is_observed_only_when_its_workflow_was_applied": {
        "pre": ANY,
        "fix": "renamed edits repositories faults",
        "head": "renamed edits repositories faults",
    },
    "a_generation_is_observed_only_when_its_repositories_were_applied": {
        "pre": "repositories",
        "fix": "repositories",
        "head": "repositories",
    },
    "a_request_to_start_is_cleared_only_by_starting": {
        "pre": "requests",
        "fix": "requests",
        "head": "requests",
    },
    "a_request_to_stop_is_cleared_only_by_stopping": {
        "pre": "requests",
        "fix": "requests",
        "head": "requests",
    },
    "a_failed_push_leads_to_one_that_succeeds": {
        "pre": ANY,
        "fix": "renamed edits repositories token restarts faults",
        "head": "renamed edits repositories restarts faults",
    },
    "an_edit_after_a_failed_push_leads_to_one_that_succeeds": {
        "pre": "faults",
        "fix": "renamed edits repositories faults",
        "head": "renamed edits repositories faults",
    },
    "a_session_that_is_to_run_gets_there: its_runner_has_the_workflow": {
        "pre": "edits clones faults",
        "fix": "edits clones faults",
        "head": "edits clones faults",
    },
    "a_session_that_is_to_run_gets_there: its_runner_has_the_repositories": {
        "pre": "repositories faults",
        "fix": "repositories faults",
        "head": "repositories faults",
    },
    "a_session_that_is_to_run_gets_there: its_generation_is_observed": {
        "pre": "faults",
        "fix": "faults",
        "head": "faults",
    },
    "a_session_that_is_to_stop_gets_there": {
        "pre": "requests",
        "fix": "requests",
        "head": "requests",
    },
}
"""For each claim that is violated at all: by version, in which sessions, without "session-" before their names."""

SIZES = {
    "session": ((24, 42, 9), (29, 52, 11), (29, 52, 11)),
    "session-renamed": ((76, 157, 12), (96, 211, 12), (96, 211, 12)),
    "session-edits": ((557, 1_695, 14), (788, 2_508, 14), (788, 2_508, 14)),
    "session-repositories": ((175, 398, 13), (229, 571, 13), (229, 571, 13)),
    "session-requests": ((346, 866, 17), (763, 1_812, 26), (763, 1_812, 26)),
    "session-token": ((24, 42, 9), (22, 40, 9), (29, 52, 11)),
    "session-clones": ((42, 77, 9), (44, 79, 10), (44, 79, 10)),
    "session-restarts": ((155, 353, 11), (131, 299, 12), (131, 299, 12)),
    "session-faults": ((4_292, 12_789, 21), (6_682, 19_888, 21), (6_682, 19_888, 21)),
}
"""States, transitions and levels by session, in the versions from the oldest on."""


@pytest.mark.parametrize(("name", "version"), EVERYWHERE)
def test_these_claims_are_violated_and_no_others(name: str, version: str) -> None:
    found = report(name, version)

    assert found.complete
    assert violated(found) == sorted(
        claim
        for claim, places in VIOLATED.items()
        if name.removeprefix("session-") in places.get(version, "").split()
    )


@pytest.mark.parametrize(("name", "version"), EVERYWHERE)
def test_a_session_has_its_pinned_size(name: str, version: str) -> None:
    found = report(name, version)

    assert (found.states, found.transitions, found.levels) == SIZES[name][list(VERSIONS).index(version)]


def test_the_engines_agree() -> None:
    found = systems.subject("session-edits", HEAD)
    lengths = [
        {j.property.name: len(j.trace.steps) for j in r.judgements if j.trace and j.verdict is Verdict.VIOLATED}
        for r in (check(found.system, found.properties, engine=e) for e in ("symbolic", "explicit"))
    ]

    assert lengths[0] == lengths[1]
    assert lengths[0]["an_acknowledged_workflow_is_not_pushed_again"] == 9


RULES = ("passes", "pushing", "watches")
"""The modules that say what happens."""


def test_a_claim_never_calls_what_it_judges() -> None:
    root = Path(__file__).parents[1]
    modules = [
        node.module
        for file in (root / "invariants" / "ambient").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    ]

    assert "model.ambient.values" in modules
    assert not {f"model.ambient.{rules}" for rules in RULES} & set(modules)
