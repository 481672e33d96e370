"""What the controller gets done alone: which claims hold where, what breaks them, and what they speak of."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from invariants.check import Report, Verdict, check
from invariants.findings import no_property
from invariants.kargo import loops
from invariants.properties import ABOUT_RUNS, Property
from invariants.subjects import Subject
from invariants.trace import Trace, true_of
from model.kargo.releases import LATEST, RELEASES, V1_10_10
from model.system import NOT_ENABLED, Outcomes, Rule, mutate

CLAIMS = {
    "it_gets_its_turn": "single",
    "it_is_put_on_record": "single",
    "its_verification_is_over": "verification",
    "the_refresh_is_answered": "wakeups",
    "it_is_promoted": "auto",
}
"""Every claim, with a loop that it is about."""


@cache
def subject(loop: str, promotions: int = 1, freight: int = 1) -> Subject:
    """A small loop of the newest release."""
    return loops.subject(loop, LATEST, promotions=promotions, freight=freight)


def about(found: Subject, claim: str | None = None) -> list[Property]:
    """The claims about runs, or those of one name."""
    live = [p for p in found.properties if p.kind in ABOUT_RUNS]
    return [p for p in live if claim in (None, p.function.__name__)]


def judged(found: Subject, claims: list[Property]) -> Report:
    return check(found.system, claims, strategy="saturation", transitions=False, traced=no_property)


# Broken rules


def let_nobody_go(
    phase: object, name: str, status_freight: object, running: object, waiting: object, current: object
) -> Outcomes:
    """A broken rule: it forgets to let the next Promotion go."""
    return NOT_ENABLED


def record_nothing(
    phase: object, name: str, started: object, last: object, *, inherits_collection: bool
) -> Outcomes:
    """A broken rule: it forgets to record."""
    return NOT_ENABLED


def poll_nothing(verification: object, runs: object, now: int, *, end_needs_phase: bool) -> Outcomes:
    """A broken rule: it forgets to look at the AnalysisRun."""
    return NOT_ENABLED


def answer_nothing(refresh: str, error: str) -> Outcomes:
    """A broken rule: it forgets to answer."""
    return NOT_ENABLED


def ask_for_nothing(verdict: object, choice: object, admissible: bool, *, project: str) -> Outcomes:
    """A broken rule: it forgets to ask."""
    return NOT_ENABLED


MUTANTS: dict[str, tuple[str, Rule]] = {
    "it_gets_its_turn": ("make_current", let_nobody_go),
    "it_is_put_on_record": ("record", record_nothing),
    "its_verification_is_over": ("poll", poll_nothing),
    "the_refresh_is_answered": ("handle_refresh", answer_nothing),
    "it_is_promoted": ("ask_for_promotion", ask_for_nothing),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_newest_release_gets_it_done_and_a_mutant_does_not(claim: str) -> None:
    found = subject(CLAIMS[claim])
    claims = about(found, claim)
    kept = judged(found, claims)
    assert {(j.verdict, j.vacuous) for j in kept.judgements} == {(Verdict.HOLDS, False)}

    rule, broken = MUTANTS[claim]
    mutant = mutate(found.system, **{rule: broken})
    judgements = check(mutant, claims, strategy="saturation", transitions=False).judgements
    violated = [j for j in judgements if j.verdict is Verdict.VIOLATED]
    assert violated
    for j in violated:
        assert j.trace is not None
        never_met(j.property, j.trace)


def never_met(claim: Property, trace: Trace) -> None:
    """The premise is met, the goal never after that, and the run comes back to where it was."""
    assert trace.loop is not None
    assert trace.states[trace.loop] == trace.end
    assert claim.premise is not None
    premise = [true_of(claim.premise, s, s) for s in trace.states]
    goal = [true_of(claim, s, s) for s in trace.states]
    assert any(met and not any(goal[k:]) for k, met in enumerate(premise))


def test_these_are_all_claims() -> None:
    named = {p.function.__name__ for name in loops.LOOPS for p in about(loops.subject(name, LATEST))}
    assert named == CLAIMS.keys() == MUTANTS.keys()


# Loops and releases

VIOLATED = {
    # One that is aborted in the queue becomes the last one on record (F1), and what it hides is not looked after.
    "it_is_put_on_record": ("single", "verification", "auto", "two-origins", "unwritten"),
    "its_verification_is_over": ("verification",),
    # Freight that is gone when a success is recorded ends every later pass (F6).
    "it_gets_its_turn": ("deleted-freight",),
}
BOUNDS = {
    "single": (2, 1),
    "verification": (2, 1),
    "auto": (2, 2),
    "two-origins": (2, 1),
    "unwritten": (2, 1),
    "wakeups": (1, 1),
    "soaking-gate": (1, 1),
    "deleted-freight": (2, 1),
    "chain": (1, 1),
}


@pytest.mark.parametrize("loop", BOUNDS)
@pytest.mark.parametrize(
    "release", [pytest.param(r, marks=() if r == LATEST.release else pytest.mark.slow) for r in RELEASES]
)
def test_these_claims_are_violated_and_no_others(loop: str, release: str) -> None:
    promotions, freight = BOUNDS[loop]
    found = loops.subject(loop, RELEASES[release], promotions=promotions, freight=freight)
    report = judged(found, about(found))
    assert report.complete
    violated = {j.property.function.__name__ for j in report.judgements if j.verdict is Verdict.VIOLATED}
    expected = {claim for claim, where in VIOLATED.items() if loop in where}
    if loop == "deleted-freight":
        expected.add("it_is_put_on_record")
    assert violated == expected


def test_a_name_of_a_persons_own_keeps_a_success_off_the_record_for_ever() -> None:
    """What K1 is about, in the last release that keeps such names."""
    calm = replace(loops.LOOPS["by-hand"].bounds, promotions=1, freight=1, aborts=False, deletions=False)
    found = loops.explored("by-hand", replace(loops.LOOPS["by-hand"], bounds=calm), V1_10_10)
    (claim,) = (p for p in about(found, "it_is_put_on_record") if p.name.endswith("dev.1]"))
    (judgement,) = check(found.system, (claim,), strategy="saturation", transitions=False).judgements
    assert judgement.trace is not None
    never_met(claim, judgement.trace)
    assert [step.label.split(";")[0] for step in judgement.trace.steps if "recorded" in step.label] == [
        "dev.zzz recorded as Succeeded"
    ]


def test_the_chain_goes_on_in_every_stage() -> None:
    """Five Stages, of which each is left alone by the others; the sizes are those of what the claims depend on."""
    found = subject("chain")
    report = judged(found, about(found))
    assert {j.verdict for j in report.judgements} == {Verdict.HOLDS}
    assert len(report.judgements) == 10
