"""The claims about spec-kit's engine: what breaks each, what they speak of, and where they are violated."""

from __future__ import annotations

import ast
import time
from functools import cache
from pathlib import Path

import pytest

from invariants.check import check
from invariants.findings import no_property
from invariants.properties import Kind
from invariants.speckit import claims, systems
from invariants.verdicts import Report, Verdict
from model.speckit import engine_rules, run_rules
from model.speckit.engine_rules import Verdict as Judged
from model.speckit.plan import free
from model.speckit.releases import LATEST, RELEASES
from model.speckit.statuses import RunStatus, StepStatus
from model.speckit.values import Ending, Frame
from model.system import mutate, only

ALL = tuple(RELEASES)
R = ("0.9.1", "0.9.4", "1.0.1", "1.1.2")
T = ("1.1.3", "1.2.3")

SIZES = {
    "speckit-flag": [(17, 24, 7), *[(21, 28, 7)] * 5],
    "speckit-recovery": [(15, 19, 7), *[(20, 22, 8)] * 3, *[(18, 20, 7)] * 2],
    "speckit-aborts": [(122, 225, 9), *[(223, 403, 9)] * 5],
    "speckit-nested": [(24, 33, 10), *[(29, 39, 9)] * 3, *[(25, 33, 8)] * 2],
    "speckit-unseen": [(23, 30, 7), *[(31, 37, 8)] * 3, *[(30, 36, 8)] * 2],
    "speckit-loop": [(26, 35, 10), *[(94, 131, 15)] * 3, *[(52, 69, 12)] * 2],
    "speckit-items": [(59, 73, 19), *[(127, 151, 19)] * 3, *[(103, 119, 16)] * 2],
    "speckit-resume": [(34, 44, 10), *[(45, 58, 10)] * 3, *[(36, 51, 9)] * 2],
    "speckit-call": [*[(5, 6, 5)] * 4, *[(29, 34, 9)] * 2],
    "speckit-breaks": [(27, 37, 7), *[(43, 60, 7)] * 5],
}
"""States, transitions and levels of each system, release by release."""

VIOLATED = {
    "a_failure_with_the_flag_is_passed_over [lint]": ("0.9.1",),
    "a_completed_run_has_no_failure [lint]": ALL[1:],
    "what_is_aborted_halts_the_run [draft]": ALL,
    "a_rejected_gate_halts_the_run [pass]": ALL,
    "the_flag_covers_what_is_within [branch]": ALL,
    "the_flag_covers_what_is_within [strictly]": ALL,
    "what_was_done_never_runs_again [inner]": R,
    "a_failure_that_was_passed_over_never_runs_again [inner]": R[1:],
    "a_failure_that_was_passed_over_is_looked_at [report]": ALL[2:],
    "a_branch_once_taken_stays_taken [first]": R,
    "a_gate_that_waits_is_answered_before_the_end [confirm]": R,
    "a_failure_within_a_call_is_told_only_once [call]": T,
    "somebody_works_on_a_running_run": ALL,
    "whatever_ends_badly_is_resolved_in_the_log [build]": ALL,
    "a_failure_with_the_flag_is_passed_over [odd]": ALL,
    "a_failure_in_the_log_was_completed_before [odd]": ALL,
    "a_failure_is_recorded [odd]": ALL,
}
"""Where a claim on a step is violated; those that hold everywhere are the ones of which each needs a mutant."""


@cache
def report(name: str, release: str) -> Report:
    found = systems.subject(name, RELEASES[release])
    return check(found.system, found.properties, transitions=False, traced=no_property)


def verdicts(name: str, release: str) -> dict[str, Verdict]:
    return {j.property.name: j.verdict for j in report(name, release).judgements}


@pytest.mark.parametrize("name", systems.NAMES)
def test_sizes_are_pinned(name):
    found = []
    for behaviours in RELEASES.values():
        seen = check(systems.subject(name, behaviours).system, ())
        found.append((seen.states, seen.transitions, seen.levels))
    assert found == SIZES[name]


@pytest.mark.parametrize("name", systems.NAMES)
def test_a_system_is_exhausted_at_once(name):
    began = time.perf_counter()
    found = systems.subject(name, LATEST)
    assert check(found.system, found.properties).complete
    assert time.perf_counter() - began < 3  # measured 0.1 to 0.5 s


@pytest.mark.parametrize("claim", VIOLATED)
def test_a_claim_is_violated_where_it_is(claim):
    where = {r for name in systems.NAMES for r in ALL if verdicts(name, r).get(claim) is Verdict.VIOLATED}
    assert where == set(VIOLATED[claim])


def test_engines_agree():
    for name in ("speckit-items", "speckit-call", "speckit-breaks"):
        found = systems.subject(name, LATEST)
        explicit = check(found.system, found.properties, engine="explicit")
        symbolic = check(found.system, found.properties)
        assert (explicit.states, explicit.transitions) == (symbolic.states, symbolic.transitions)
        assert [j.verdict for j in explicit.judgements] == [j.verdict for j in symbolic.judgements]


@pytest.mark.parametrize("name", systems.NAMES)
@pytest.mark.parametrize("release", ALL[1:])
def test_every_situation_arises(name, release):
    witnesses = [j for j in report(name, release).judgements if j.property.kind is Kind.SOMETIMES]
    assert witnesses
    assert [j.property.name for j in witnesses if j.verdict is not Verdict.HOLDS] == []


# Mutants: broken rules


def settle_forgetting_the_abort(place, result, events, *, step, workflow, behaviours):
    """A broken rule: it asks for the flag first."""
    plain = result._replace(output="{}") if step.flagged else result
    return engine_rules.settle(place, plain, events, step=step, workflow=workflow, behaviours=behaviours)


def settle_forgetting_the_flag(place, result, events, *, step, workflow, behaviours):
    """A broken rule: it never asks for the flag."""
    verdict = engine_rules.judge(result, flagged=False)
    return only(verdict=verdict, events=events)


def settle_with_the_flag_everywhere(place, result, events, *, step, workflow, behaviours):
    """A broken rule: it takes every step for one that may fail."""
    return only(verdict=engine_rules.judge(result, flagged=True), events=events)


def record_only_success(place, result, record, passes, events, *, step, workflow, behaviours):
    """A broken rule: it records nothing of a failure."""
    if result.status is StepStatus.FAILED:
        return ()
    return engine_rules.record_result(
        place, result, record, passes, events, step=step, workflow=workflow, behaviours=behaviours
    )


def resume_anything(status, index, place, inputs, *, given, workflow, behaviours):
    """A broken rule: it forgets that a run may be over."""
    if status in (RunStatus.CREATED, RunStatus.RUNNING):
        return ()
    return only(status=RunStatus.RUNNING, alive=True, resumed=True, error=None, place=(Frame(workflow.root),))


def resume_from_the_start(status, index, place, inputs, *, given, workflow, behaviours):
    """A broken rule: it forgets how far the run was."""
    return run_rules.resume(
        status, 0, (Frame(workflow.root),), inputs, given=given, workflow=workflow, behaviours=behaviours
    )


def finish_in_any_case(status, place, halting, verdict, resumed, events, *, workflow, behaviours):
    """A broken rule: it forgets that a gate is waiting, or that a person has said no."""
    mild = halting if halting is None else halting._replace(outcome=RunStatus.COMPLETED)
    return engine_rules.finish(
        status, place, mild, verdict, resumed, events, workflow=workflow, behaviours=behaviours
    )


def proceed_past_a_halt(place, result, verdict, replaced, *, step, workflow, behaviours):
    """A broken rule: it goes on after a rejection and after a pause."""
    mild = Judged.GO_ON if verdict in (Judged.ABORT, Judged.PAUSE) else verdict
    return engine_rules.proceed(place, result, mild, replaced, step=step, workflow=workflow, behaviours=behaviours)


def pass_on_to_the_end(finished, place, record, passes, *, step, workflow, behaviours):
    """A broken rule: what follows a branch is forgotten."""
    if finished != step.key:
        return ()
    root = place[0]
    return only(place=(root._replace(at=len(workflow.all_lists[root.steps])),), finished="")


MUTANTS = [
    ("speckit-flag", "settle", settle_with_the_flag_everywhere, "a_failure_without_the_flag_halts_the_run [build]"),
    ("speckit-flag", "settle", settle_with_the_flag_everywhere, "one_line_says_what_became_of_a_failure [build]"),
    ("speckit-flag", "settle", settle_forgetting_the_flag, "a_failure_with_the_flag_is_passed_over [lint]"),
    ("speckit-aborts", "settle", settle_forgetting_the_abort, "a_failure_marked_as_aborted_beats_the_flag [draft]"),
    ("speckit-aborts", "settle", settle_forgetting_the_abort, "a_rejected_gate_halts_the_run [sign]"),
    ("speckit-flag", "record_result", record_only_success, "a_failure_is_recorded [lint]"),
    ("speckit-flag", "record_result", record_only_success, "a_failure_in_the_log_was_completed_before [build]"),
    ("speckit-aborts", "resume", resume_anything, "a_run_that_is_over_stays_over"),
    ("speckit-aborts", "resume", resume_anything, "a_status_changes_as_intended"),
    ("speckit-flag", "resume", resume_from_the_start, "what_was_done_never_runs_again [build]"),
    ("speckit-flag", "resume", resume_from_the_start, "a_failure_that_was_passed_over_never_runs_again [lint]"),
    ("speckit-resume", "resume", resume_from_the_start, "a_branch_once_taken_stays_taken [first]"),
    ("speckit-resume", "finish", finish_in_any_case, "a_gate_that_waits_is_answered_before_the_end [confirm]"),
    ("speckit-recovery", "pass_on", pass_on_to_the_end, "a_failure_that_was_passed_over_is_looked_at [flaky]"),
    ("speckit-aborts", "proceed", proceed_past_a_halt, "a_rejected_gate_halts_the_run [sign]"),
]


@pytest.mark.parametrize(
    ("name", "rule", "mutant", "claim"), MUTANTS, ids=[f"{m[2].__name__}-{m[3]}" for m in MUTANTS]
)
def test_a_mutant_is_caught(name, rule, mutant, claim):
    found = systems.subject(name, LATEST)
    [judged] = [p for p in found.properties if p.name == claim]
    assert check(found.system, [judged]).judgements[0].verdict is Verdict.HOLDS
    broken = mutate(found.system, **{rule: mutant})
    assert check(broken, [judged]).judgements[0].verdict is Verdict.VIOLATED


def test_every_claim_is_caught_by_something():
    claimed = {
        p.function.__name__
        for name in systems.NAMES
        for p in systems.subject(name, LATEST).properties
        if p.kind is not Kind.SOMETIMES
    }
    caught = {claim.partition(" ")[0] for claim in (*VIOLATED, *(m[3] for m in MUTANTS))}
    assert claimed == caught


def test_a_trace_replays():
    found = systems.subject("speckit-resume", RELEASES["1.1.2"])
    claim = "a_gate_that_waits_is_answered_before_the_end [confirm]"
    [judgement] = check(found.system, [p for p in found.properties if p.name == claim]).judgements
    assert judgement.trace is not None
    state = judgement.trace.start
    for taken in judgement.trace.steps:
        listed = {step.name: step for step in found.system.actions}
        assert taken.after in [way.state for way in found.system.perform(listed[taken.action], state)]
        state = taken.after
    assert state["status"] is RunStatus.COMPLETED


def test_what_a_free_world_may_answer():
    flow = systems.workflow(systems.SITUATIONS["speckit-aborts"])
    world = free(aborts=True, breaks=True)
    answers = {s.name: dict(world(s).constants)["answers"] for s in flow.steps}
    assert {a.ending for a in answers["draft"]} == {Ending.RETURNS, Ending.RAISES, Ending.INTERRUPTED}
    assert [a.choice for a in answers["sign"] if a.choice] == ["approve", "reject"]


def test_a_claim_never_calls_what_it_judges():
    rules = ("engine_rules", "body_rules", "run_rules", "control_steps", "leaf_steps")
    tree = ast.parse(Path(claims.__file__).read_text(encoding="utf-8"))
    taken = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    ]
    judged = [name for name in taken if any(f".{rule}." in name for rule in rules)]
    assert judged
    assert [name for name in judged if not name.rpartition(".")[2].isupper()] == []
