"""Stages that push to one branch: what the checker says, what breaks each claim, and which limits it takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

import kargo_model
from diagrams.policies import Table, lines
from invariants.check import Report, Verdict, check
from invariants.kargo import policies
from invariants.kargo import shared_branch as claimed
from invariants.kargo.policies import Found, Standing
from invariants.properties import Kind
from model.kargo import shared_branch
from model.kargo.failure_policies import NO_POLICY, Response, policy_named
from model.kargo.older_releases import OLDER
from model.kargo.phases import PromotionPhase
from model.kargo.push_retries import LONGEST_WAIT_MS, push_retries
from model.kargo.releases import LATEST, RELEASES, Behaviours
from model.kargo.shared_branch import Branching, Step, branching, plain
from model.system import Outcomes, Rule, mutate, only

PLAIN = plain(branching(LATEST, 2))


@cache
def report(name: str, release: str) -> Report:
    found = claimed.subject(name, RELEASES[release])
    return check(found.system, found.properties)


def broken(found: Report) -> set[str]:
    return {j.property.function.__name__ for j in found.judgements if j.verdict is Verdict.VIOLATED}


LOSES = {"no_push_is_rejected", "no_promotion_fails", "it_is_promoted", "no_stage_is_left_behind"}


@pytest.mark.parametrize(
    ("name", "release", "size", "violated"),
    [
        ("shared-branch", "1.8.3", (366, 532, 16), {"no_push_is_rejected"}),
        ("shared-branch", "1.11.2", (217, 317, 14), {"no_push_is_rejected"}),
        ("plain-push", "1.11.2", (98, 121, 7), LOSES),
        ("conflicting-pushes", "1.8.3", (522, 784, 16), LOSES),
        ("conflicting-pushes", "1.11.2", (140, 217, 10), LOSES - {"no_push_is_rejected"}),
        ("dedicated-branches", "1.11.2", (27, 55, 7), set()),
        ("forced-pushes", "1.11.2", (104, 121, 7), {"a_pushed_commit_stays"}),
    ],
)
def test_what_holds_of_a_branch(name: str, release: str, size: tuple[int, int, int], violated: set[str]) -> None:
    found = report(name, release)

    assert (found.states, found.transitions, found.levels) == size
    assert broken(found) == violated


@pytest.mark.parametrize("name", claimed.NAMES)
def test_both_engines_agree_and_every_release_can_be_asked(name: str) -> None:
    seen = {}
    for release, behaviours in RELEASES.items():
        subject = claimed.subject(name, behaviours)
        found = check(subject.system, subject.properties, engine="explicit")
        seen[release] = broken(found)
        if release in ("1.8.3", "1.11.2"):
            symbolic = report(name, release)
            assert (found.states, found.transitions) == (symbolic.states, symbolic.transitions)
            assert broken(found) == broken(symbolic)
    assert seen["1.8.3"] == seen["1.8.5"]
    assert seen["1.9.9"] == seen["1.10.10"] == seen["1.11.2"] == seen["main"]


# What git-push does


def test_ten_attempts_are_nine() -> None:
    """The wait after the ninth would be followed by one above the cap: `ExponentialBackoff` ends there."""
    default = push_retries()

    assert default.tries == len(default.waits_ms) == 9
    assert push_retries(50) == default
    assert default.waits_ms[-1] * 1.5 > LONGEST_WAIT_MS > default.waits_ms[-1]
    assert sum(default.waits_ms) == 74_887  # as the library itself says
    assert [(r.tries, len(r.waits_ms)) for r in map(push_retries, (1, 2, 9))] == [(1, 0), (2, 1), (9, 8)]


@pytest.mark.parametrize(
    ("behaviours", "integrates", "locks", "tries"),
    [
        (OLDER["1.1.1"], False, False, 1),
        (OLDER["1.4.3"], True, True, 9),
        (RELEASES["1.8.3"], True, False, 9),
        (RELEASES["1.9.9"], True, True, 9),
        (RELEASES["main"], True, True, 9),
    ],
    ids=["1.1.1", "1.4.3", "1.8.3", "1.9.9", "main"],
)
def test_how_a_release_pushes(behaviours: Behaviours, integrates: bool, locks: bool, tries: int) -> None:
    found = branching(behaviours, 3)

    assert (found.integrates, found.locks, found.tries) == (integrates, locks, tries)


def test_what_gitlab_says_is_not_understood_up_to_1_8_5() -> None:
    assert branching(RELEASES["1.8.5"], 2, gitlab=True).tries == 1
    assert branching(RELEASES["1.9.9"], 2, gitlab=True).tries == 9
    assert branching(LATEST, 2, max_attempts=4).tries == 4


# Limits


@pytest.mark.parametrize("stages", [2, 3])
@pytest.mark.parametrize("conflicts", [False, True])
def test_to_begin_anew_takes_one_less_than_there_are_stages(stages: int, conflicts: bool) -> None:
    """Whoever is rejected was overtaken by another Stage, and each overtakes once."""
    setting = branching(LATEST, stages)._replace(conflicts=True) if conflicts else PLAIN._replace(stages=stages)
    least = {response: claimed.least_limit(response, setting) for response in Response}

    assert least == {
        Response.NONE: None,
        Response.RESTART: stages - 1,
        Response.RECREATE: stages - 1,
        Response.ROLL_BACK: None,
        Response.HINTS: None,
    }


def test_four_stages_take_three() -> None:
    for response in (Response.RESTART, Response.RECREATE):
        assert claimed.least_limit(response, PLAIN._replace(stages=4)) == 3


@pytest.mark.parametrize(("stages", "controllers", "tries"), [(2, 1, 1), (2, 2, 2), (3, 2, 3), (4, 4, 4)])
def test_how_often_a_push_has_to_be_tried(stages: int, controllers: int, tries: int) -> None:
    setting = branching(LATEST, stages)._replace(controllers=controllers)

    assert claimed.least_tries(setting) == tries


def test_without_the_lock_one_controller_is_as_many_as_it_has_workers() -> None:
    assert claimed.least_tries(branching(RELEASES["1.8.3"], 3)) == 3


def test_no_limit_is_needed_where_every_stage_has_a_branch() -> None:
    for response in Response:
        assert claimed.least_limit(response, PLAIN._replace(shared=False)) == 0


# Mutants


def push_unseen(
    phase: PromotionPhase, step: Step, base: int, head: int, rejected: int, *, when: Step, tries: int, force: bool
) -> Outcomes:
    """A broken rule: it forgets to look whether the branch has moved."""
    return shared_branch.push(phase, step, base, head, rejected, when=when, tries=tries, force=True)


def push_anywhere(
    phase: PromotionPhase, step: Step, base: int, head: int, rejected: int, *, when: Step, tries: int, force: bool
) -> Outcomes:
    """A broken rule: the branch rejects even what begins at its head."""
    return shared_branch.push(phase, step, -1, head, rejected, when=when, tries=tries, force=force)


def reset_branch(
    phase: PromotionPhase, step: Step, base: int, head: int, rejected: int, *, when: Step, tries: int, force: bool
) -> Outcomes:
    """A broken rule: what is rejected pulls, and then says that it is rejected all the same."""
    found = shared_branch.push(phase, step, base, head, rejected, when=when, tries=2, force=force)
    return tuple(replace(o, changes={**o.changes, "head": base}) if "rejected" in o.changes else o for o in found)


def integrate_without_lock(
    phase: PromotionPhase, step: Step, base: int, head: int, lock: str | None, *, stage: str, conflicts: bool
) -> Outcomes:
    """A broken rule: it forgets that somebody else has the lock."""
    return shared_branch.integrate(phase, step, base, head, None, stage=stage, conflicts=conflicts)


def never_respond(
    last: str | None,
    last_phase: object,
    answered: str | None,
    tried: object,
    in_use: str | None,
    busy: bool,
    *,
    policy: object,
) -> Outcomes:
    """A broken rule: it looks, and does nothing."""
    return only(answered=last)


RECREATE = PLAIN._replace(policy=policy_named("recreate:1"))
LOCKED = branching(LATEST, 3)
DEDICATED = PLAIN._replace(shared=False)

MUTANTS: list[tuple[Callable[..., bool], Branching, dict[str, Rule]]] = [
    (claimed.a_pushed_commit_stays, PLAIN, {"push": push_unseen}),
    (claimed.no_push_is_rejected, DEDICATED, {"push": push_anywhere}),
    (claimed.no_promotion_fails, DEDICATED, {"push": push_anywhere}),
    (claimed.it_is_promoted, RECREATE, {"respond": never_respond}),
    (claimed.no_stage_is_left_behind, RECREATE, {"respond": never_respond}),
    (claimed.a_push_that_is_rejected_stays_so, PLAIN, {"push": reset_branch}),
    (claimed.one_push_has_the_lock, LOCKED, {"integrate": integrate_without_lock}),
]


@pytest.mark.parametrize(("claim", "setting", "rules"), MUTANTS, ids=[c.__name__ for c, _, _ in MUTANTS])
def test_a_mutant_breaks_the_claim(claim: Callable[..., bool], setting: Branching, rules: dict[str, Rule]) -> None:
    subject = claimed.explored("mutant", "", setting)
    asked = [p for p in subject.properties if p.function.__name__ == claim.__name__]

    assert not broken(check(subject.system, asked))
    assert broken(check(mutate(subject.system, **rules), asked)) == {claim.__name__}


def test_every_claim_has_a_mutant() -> None:
    listed = {
        p.function.__name__
        for name in claimed.NAMES
        for p in claimed.subject(name, LATEST).properties
        if p.kind is not Kind.SOMETIMES
    }

    assert {claim.__name__ for claim, _, _ in MUTANTS} == listed


# Policies


def test_what_a_policy_makes_of_the_race() -> None:
    pushing = [p for p in policies.PROMISES if p.pushes]
    found = {}
    for text in ("none", "restart:1", "recreate:1", "rollback:1", "hints:1"):
        for stages in (2, 3):
            judged = policies.judge(policy_named(text), LATEST, promises=pushing, stages=stages)
            found[text, stages] = [judged[name].standing for name in ("push", "plain", "conflict")]
    holds, if_dedicated = Standing.HOLDS, Standing.CONDITIONAL

    assert found["restart:1", 2] == found["recreate:1", 2] == [holds, holds, holds]
    assert found["restart:1", 3] == found["recreate:1", 3] == [holds, if_dedicated, if_dedicated]
    for text in ("none", "rollback:1", "hints:1"):
        assert found[text, 2] == found[text, 3] == [holds, if_dedicated, if_dedicated]


def test_the_table_says_which_limits_are_enough() -> None:
    chosen = [policy_named(text) for text in ("none", "restart:1", "rollback:1")]
    limits = claimed.push_limits(chosen, LATEST, 3)
    judged = {(p, q.id): Found(Standing.HOLDS) for p in chosen for q in policies.PROMISES}
    told = [*lines(Table("1.11.2", chosen, judged, 3, limits))]

    assert "plain: all 3 are promoted from restart:2 on" in told
    assert "plain: no limit is enough for none, rollback" in told


# Commands


def test_the_race_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    call = ["policies", "--policy", "rollback:1", "--show", "plain"]
    assert kargo_model.main([*call, "--format", "json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["shown"]
    labels = [step["label"] for step in shown["trace"]["steps"]]

    assert labels[2:5] == ["pushes", "is rejected", "creates a Promotion of the previous Freight"]
    assert kargo_model.main(["policies", "--policy", "restart:1", "--stages", "3", "--show", "plain"]) == 0
    assert "push s1: is rejected; starts again" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "code"), [("dedicated-branches", 0), ("forced-pushes", 1)])
def test_the_systems_have_names(name: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["check", name]) == code
    assert "3 Stages" in capsys.readouterr().out


def test_without_a_policy_nobody_responds() -> None:
    names = {step.name.partition(" ")[0] for step in shared_branch.system("x", PLAIN).actions}

    assert PLAIN.policy == NO_POLICY
    assert names == {"clone", "push"}
