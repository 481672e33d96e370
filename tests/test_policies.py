"""Failure policies: what each promises, what breaks a promise, and how they are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import pytest

import kargo_model
from commands.policies import PROPOSED
from diagrams.policies import Table, lines, markdown
from invariants.check import Report, Verdict, check
from invariants.kargo import policies
from invariants.kargo.policies import PROMISES, Found, Promise, Restriction, Standing
from invariants.properties import Kind
from invariants.subjects import Subject
from model.kargo import promotion_rules
from model.kargo.failure_policies import (
    NO_POLICY,
    FailurePolicy,
    Hint,
    Response,
    UnknownPolicyError,
    policy_named,
)
from model.kargo.loop import responses
from model.kargo.older_releases import OLDER
from model.kargo.phases import PromotionPhase
from model.kargo.promotion_rules import Acknowledged
from model.kargo.releases import LATEST, V1_9_9, Behaviours
from model.kargo.step_kinds import Result
from model.system import Outcomes, Rule, mutate, only
from tests.broken_rules import begin_anew, look_at_no_stage, note_no_guard, record_any

BY_ID = {promise.id: promise for promise in PROMISES}
SMALL: dict[str, Any] = {"promotions": 2, "promotes": False}
RESTART, RECREATE, ROLLBACK, HINTS = map(policy_named, ("restart:1", "recreate:1", "rollback:1", "hints:1"))


@cache
def small(policy: FailurePolicy, *changes: tuple[str, Any]) -> Subject:
    """A policy in the newest release, with few Promotions."""
    return policies.subject(policy, LATEST, (SMALL | dict(changes)).items())


def judged(subject: Subject, promise: Promise) -> Report:
    asked = [p for p in subject.properties if p.function.__name__ == promise.claim.__name__]
    assert asked
    return check(subject.system, asked, strategy="saturation", transitions=False)


@cache
def verdict(subject: Subject, promise: Promise) -> Verdict:
    """Whether all instances of the claim hold."""
    found = {j.verdict for j in judged(subject, promise).judgements}
    return Verdict.VIOLATED if Verdict.VIOLATED in found else Verdict.HOLDS


# Names


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("none", NO_POLICY),
        ("restart:3", FailurePolicy(Response.RESTART, 3)),
        ("recreate", FailurePolicy(Response.RECREATE, 1)),
        ("rollback:2", FailurePolicy(Response.ROLL_BACK, 2)),
        ("hints:100", FailurePolicy(Response.HINTS, 100)),
    ],
)
def test_a_policy_goes_by_its_name(text: str, policy: FailurePolicy) -> None:
    assert policy_named(text) == policy
    assert policy_named(str(policy)) == policy


@pytest.mark.parametrize(
    "text", ["", "no", "none:1", "restart:0", "restart:101", "restart:-1", "restart:x", "Restart"]
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(UnknownPolicyError):
        policy_named(text)


# Promises


@pytest.mark.parametrize(
    ("policy", "promise", "changes", "expected"),
    [
        (RESTART, "limit", {"promotions": 1}, Verdict.HOLDS),
        (RESTART, "memory", {"promotions": 1, "forgets": True}, Verdict.VIOLATED),
        (RESTART, "begin", {"promotions": 1}, Verdict.HOLDS),
        (RESTART, "work", {"promotions": 1, "steps": 2}, Verdict.VIOLATED),
        (RESTART, "one", {}, Verdict.HOLDS),
        (RECREATE, "abort", {}, Verdict.HOLDS),
        (RECREATE, "late", {"late_aborts": True}, Verdict.VIOLATED),
        (RECREATE, "late", {"late_aborts": True, "aborts": False}, Verdict.HOLDS),
        (RECREATE, "bound", {"promotions": 5, "aborts": False, "restarts": False}, Verdict.HOLDS),
        (RECREATE, "work", {"steps": 2}, Verdict.VIOLATED),
        (ROLLBACK, "target", {"promotions": 3}, Verdict.HOLDS),
        (ROLLBACK, "other", {"promotions": 3}, Verdict.HOLDS),
        (ROLLBACK, "again", {"promotions": 3}, Verdict.HOLDS),
        (NO_POLICY, "work", {"steps": 2, "restarts": False}, Verdict.HOLDS),
        (NO_POLICY, "work", {"steps": 2}, Verdict.VIOLATED),
        (RECREATE, "seen", {}, Verdict.VIOLATED),
        (RECREATE, "seen", {"aborts": False}, Verdict.HOLDS),
    ],
)
def test_what_a_policy_promises(
    policy: FailurePolicy, promise: str, changes: dict[str, Any], expected: Verdict
) -> None:
    assert verdict(small(policy, *changes.items()), BY_ID[promise]) is expected


def responding(to: Callable[[dict[str, Any]], dict[str, Any]]) -> Rule:
    """A broken rule: it responds to something else than what is there."""

    @wraps(responses.respond)
    def respond(**values: Any) -> Outcomes:
        return responses.respond(**values | to(values))

    return respond


def aborts_as_failures(seen: dict[str, Any]) -> dict[str, Any]:
    """It forgets that an abort is no failure."""
    aborted = seen["last_phase"] is PromotionPhase.ABORTED
    return {"last_phase": PromotionPhase.FAILED} if aborted else {}


def successes_as_failures(seen: dict[str, Any]) -> dict[str, Any]:
    """It takes any end for a failure."""
    done = seen["last_phase"] is PromotionPhase.SUCCEEDED
    return {"last_phase": PromotionPhase.FAILED} if done else {}


def every_attempt_as_the_first(seen: dict[str, Any]) -> dict[str, Any]:
    """It forgets how many attempts there were."""
    return {"tried": seen["tried"] and (seen["tried"][0], 0, *seen["tried"][2:])}


def what_failed_as_in_use(seen: dict[str, Any]) -> dict[str, Any]:
    """It forgets what is in use."""
    return {"in_use": seen["tried"] and seen["tried"][0]}


def overlook_the_abort(phase: PromotionPhase | None, abort_requested: bool, acknowledged: Acknowledged) -> Outcomes:
    """A broken rule: it forgets that somebody wants the Promotion aborted."""
    return promotion_rules.open_pass(phase, False, acknowledged)


def start_again_anyway(new_phase: PromotionPhase, starts: int, begun: int, *, limit: int) -> Outcomes:
    """A broken rule: it forgets the limit."""
    found = responses.start_again(new_phase, 0, begun, limit=limit)
    return tuple(o for o in found if o.changes) and only(**{**found[0].changes, "starts": 0})


NOTHING_FAILS = {"late_aborts": True, "results": (Result.SUCCEEDED, Result.RUNNING)}
ENOUGH = {"promotions": 5, "aborts": False, "restarts": False}

MUTANTS: list[tuple[FailurePolicy, str, dict[str, Any], dict[str, Rule]]] = [
    (RECREATE, "abort", {}, {"respond": responding(aborts_as_failures)}),
    (RECREATE, "late", NOTHING_FAILS, {"respond": responding(successes_as_failures)}),
    (
        RECREATE,
        "bound",
        {"promotions": 5, "aborts": False, "restarts": False},
        {"respond": responding(every_attempt_as_the_first)},
    ),
    (ROLLBACK, "other", {"promotions": 3}, {"respond": responding(what_failed_as_in_use)}),
    (ROLLBACK, "target", {"promotions": 3}, {"respond": responding(what_failed_as_in_use)}),
    (RESTART, "limit", {"promotions": 1}, {"start_again": start_again_anyway}),
    (RESTART, "begin", {"promotions": 1}, {"open_pass": overlook_the_abort}),
    (RECREATE, "one", {}, {"look_at_stage": look_at_no_stage}),
    (RECREATE, "again", {}, {"note_guard": note_no_guard}),
    (RECREATE, "seen", {"aborts": False}, {"record": record_any}),
    (NO_POLICY, "work", {"steps": 2, "restarts": False}, {"go_to_step": begin_anew}),
]


@pytest.mark.parametrize(
    ("policy", "promise", "changes", "rules"), MUTANTS, ids=[f"{p}: {i}" for p, i, _, _ in MUTANTS]
)
def test_a_mutant_breaks_the_promise(
    policy: FailurePolicy, promise: str, changes: dict[str, Any], rules: dict[str, Rule]
) -> None:
    subject = small(policy, *changes.items())
    assert verdict(subject, BY_ID[promise]) is Verdict.HOLDS
    asked = [p for p in subject.properties if p.function.__name__ == BY_ID[promise].claim.__name__]
    report = check(mutate(subject.system, **rules), asked, strategy="saturation", transitions=False)
    assert Verdict.VIOLATED in {j.verdict for j in report.judgements}


def test_every_promise_has_a_mutant() -> None:
    ours = {p.id for p in PROMISES if p.id != "memory" and not p.pushes}  # those have theirs with the shared branch
    assert {promise for _, promise, _, _ in MUTANTS} == ours


def test_every_promise_has_a_claim_about_the_loop_and_a_name_of_its_own() -> None:
    every = small(HINTS, ("late_aborts", True))
    listed = {p.function.__name__ for p in every.properties if p.kind is not Kind.SOMETIMES}
    assert {promise.claim.__name__ for promise in PROMISES if not promise.pushes} == listed
    assert len(BY_ID) == len(PROMISES)


@pytest.mark.parametrize(("policy", "name"), [(RESTART, "begun"), (RECREATE, "response"), (ROLLBACK, "response")])
def test_every_policy_does_something(policy: FailurePolicy, name: str) -> None:
    found = small(policy, ("promotions", 3))
    asked = [
        p for p in found.properties if p.kind is Kind.SOMETIMES and any(v.startswith(name) for v in p.variables)
    ]
    report = check(found.system, asked, strategy="saturation", transitions=False)
    assert Verdict.HOLDS in {j.verdict for j in report.judgements}


def test_hints_are_heeded() -> None:
    """Each of them: the step goes on where it was, from the beginning, not at all, or the Stage goes back."""
    outcomes = responses.heed_hint(PromotionPhase.FAILED, 0, 0, 1, limit=1)
    assert [o.label for o in outcomes] == [
        f"hint: {h.value}" for h in (Hint.RETRY, Hint.RESTART, Hint.GIVE_UP, Hint.ROLL_BACK)
    ]
    assert outcomes[0].changes["new_step"] == 1
    assert outcomes[1].changes["new_step"] == 0
    assert len(responses.heed_hint(PromotionPhase.FAILED, 1, 1, 1, limit=1)) == 2
    assert responses.heed_hint(PromotionPhase.SUCCEEDED, 0, 0, 1, limit=1) == ()


def test_a_policy_changes_nothing_where_nothing_fails() -> None:
    """The same states, with and without."""
    sizes = set()
    for policy in (NO_POLICY, RECREATE, ROLLBACK):
        found = small(policy, ("results", (Result.SUCCEEDED, Result.RUNNING)), ("aborts", False))
        sizes.add(check(found.system, transitions=False, strategy="saturation", sliced=False).states)
    assert len(sizes) == 1


def test_older_releases_can_be_asked_too() -> None:
    found = policies.subject(RECREATE, V1_9_9, SMALL.items())
    assert verdict(found, BY_ID["abort"]) is Verdict.HOLDS


def test_where_auto_promotion_asks_only_for_what_is_not_over_there_is_a_loop() -> None:
    """What failed is promoted again, also after a roll-back: for ever, in a release candidate of 1.8.0."""
    changes = ("promotions", 4), ("restarts", False), ("aborts", False)
    bounds = (SMALL | dict(changes)).items()
    for release, expected in ((OLDER["1.8.0-rc.2"], Verdict.VIOLATED), (V1_9_9, Verdict.HOLDS)):
        assert verdict(policies.subject(ROLLBACK, release, bounds), BY_ID["again"]) is expected


# The command


def test_the_table_says_what_holds() -> None:
    nobody = Restriction("nobody aborts Promotions", ())
    verdicts = {(RECREATE, p.id): Found(Standing.HOLDS) for p in PROMISES}
    verdicts[RECREATE, "seen"] = Found(Standing.CONDITIONAL, nobody)
    verdicts[RECREATE, "work"] = Found(Standing.VIOLATED)
    verdicts[RECREATE, "limit"] = Found(Standing.IDLE)
    told = "\n".join(lines(Table("1.11.2", [RECREATE], verdicts)))
    assert told.startswith(
        "In Kargo 1.11.2, of 15 promises not kept by recreate:1: work that was done for a Freight"
    )
    assert "if a  it holds if nobody aborts Promotions" in told
    assert "git-push: another commit is pushed" in told
    assert "| seen | if a |" in "\n".join(markdown(Table("1.11.2", [RECREATE], verdicts)))


def test_a_story_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    call = ["policies", "--policy", "restart:1", "--show", "work"]
    assert kargo_model.main([*call, "--format", "json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["shown"]
    assert (shown["policy"], shown["id"]) == ("restart:1", "work")
    assert any("starts again" in step["label"] for step in shown["trace"]["steps"])
    assert kargo_model.main(call) == 0
    assert capsys.readouterr().out.startswith("restart:1 in Kargo 1.11.2 breaks: work that was done")


def test_the_loop_of_an_older_release_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    call = ["policies", "--policy", "rollback:1", "--kargo", "1.8.0-rc.2", "--show", "again"]
    assert kargo_model.main(call) == 0
    assert capsys.readouterr().out.startswith("rollback:1 in Kargo 1.8.0-rc.2 breaks: auto-promotion does not")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--policy", "sometimes"], "no failure policy 'sometimes'"),
        (["--show", "nothing"], "no promise 'nothing'; the promises are: one, "),
        (["--kargo", "0.1"], "0.1"),
    ],
)
def test_a_call_that_makes_no_sense_gets_a_sentence(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kargo_model.main(["policies", *words]) == 2
    assert says in capsys.readouterr().err


NOBODY_ABORTS, NO_RESTART = "nobody aborts Promotions", "the controller is not restarted"
BY_HAND = "nobody promotes by hand"
OWN_BRANCHES = dict.fromkeys(("plain", "conflict"), "each Stage has a branch of its own")
RESTORED = {
    "none": {"seen": NOBODY_ABORTS, "work": NO_RESTART, **OWN_BRANCHES},
    "restart:1": {"seen": NOBODY_ABORTS, "memory": NO_RESTART},
    "recreate:1": {"seen": NOBODY_ABORTS, "late": NOBODY_ABORTS},
    "rollback:1": {"seen": NOBODY_ABORTS, "late": NOBODY_ABORTS, "other": BY_HAND, **OWN_BRANCHES},
    "hints:1": {
        "seen": NOBODY_ABORTS,
        "late": NOBODY_ABORTS,
        "other": BY_HAND,
        "memory": NO_RESTART,
        **OWN_BRANCHES,
    },
}
IDLE = {
    "none": {"limit", "memory", "begin", "abort", "late", "target", "other"},
    "restart:1": {"abort", "late", "target", "other"},
    "recreate:1": {"limit", "memory", "begin", "target", "other"},
    "rollback:1": {"limit", "memory", "begin"},
    "hints:1": set(),
}


@pytest.mark.slow
@pytest.mark.parametrize("text", PROPOSED)
def test_what_the_report_proposes(text: str) -> None:
    """The whole table, each policy within the limit of one."""
    found = policies.judge(policy_named(text), LATEST)
    standing = {s: {i for i, v in found.items() if v.standing is s} for s in Standing}

    assert standing[Standing.VIOLATED] == ({"work"} if text != "none" else set())
    assert {i: v.restriction.says for i, v in found.items() if v.restriction} == RESTORED[text]
    assert standing[Standing.IDLE] == IDLE[text]


def test_what_changes_nothing_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody deletes Promotions where that is not explored anyway, and each system is looked at once."""
    looked: list[tuple[frozenset[str], Any]] = []
    whole = policies.subject

    def subject(policy: FailurePolicy, behaviours: Behaviours, changes: Any = ()) -> Subject:
        looked.append((frozenset(dict(changes)), policies.bounds_with(policy, changes)))
        return whole(policy, behaviours, (dict(changes) | SMALL).items())

    monkeypatch.setattr(policies, "subject", subject)
    found = policies.judge(RECREATE, LATEST, promises=[BY_ID[name] for name in ("seen", "work", "abort")])

    assert {name: v.standing for name, v in found.items()} == {
        "seen": Standing.CONDITIONAL,
        "work": Standing.VIOLATED,
        "abort": Standing.HOLDS,
    }
    assert len({bounds for _, bounds in looked}) == len(looked)
    assert not any("deletions" in changes for changes, _ in looked)
