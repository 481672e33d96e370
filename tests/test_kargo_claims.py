"""The claims about the step engine: what breaks each, what it speaks of, and in which releases it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import naive
import pytest

from invariants.check import Bounds, Judgement, Report, Verdict, check
from invariants.findings import no_property
from invariants.kargo import step_engine as claimed
from invariants.kargo import systems
from invariants.properties import Kind, Property
from invariants.subjects import Subject
from invariants.trace import Trace, agree, true_of
from model.kargo import planning, saving_rules, step_engine
from model.kargo.attempts import Attempt
from model.kargo.lifecycles import PROMOTION
from model.kargo.manifest_types import Retry
from model.kargo.phases import PromotionPhase, StepPhase, StepStatus
from model.kargo.promotion_rules import Acknowledged, Place
from model.kargo.releases import LATEST, RELEASES, V1_8_3, Behaviours
from model.kargo.step_engine import Entry, StepRules, Turn
from model.kargo.templates import StepSpec, Template
from model.system import Outcomes, Rule, System, mutate, only

SHUTDOWN = "reconcile while shutting down"

DEEP_ENOUGH = 12
"""Levels within which every mutant is caught; some of them count errors for ever."""


@cache
def subject(name: str, behaviours: Behaviours = LATEST) -> Subject:
    return systems.subject(name, behaviours)


@cache
def report(name: str, release: str) -> Report:
    found = subject(name, RELEASES[release])
    return check(found.system, found.properties)


def claims() -> Iterator[tuple[str, Property]]:
    """Every claim of every system, with the system's name; the witnesses are not among them."""
    for name in systems.NAMES:
        yield from ((name, p) for p in subject(name).properties if p.kind is not Kind.SOMETIMES)


CLAIMS = sorted({claim.function.__name__ for _, claim in claims()})


def judgement(found: Report, name: str) -> Judgement:
    return next(j for j in found.judgements if j.property.name == name)


def verdicts(found: Report) -> dict[str, Verdict]:
    return {j.property.name: j.verdict for j in found.judgements}


def assert_replays(system: System, trace: Trace, claim: Property) -> None:
    """The trace begins where the system does, each step can be taken, and the claim is false where it ends."""
    assert any(agree(state, trace.start) for state in system.initial_states())
    listed = {step.name: step for step in system.actions}
    state = trace.start
    for taken in trace.steps:
        assert state == taken.before
        ways = system.perform(listed[taken.action], state)
        assert (taken.label, taken.after, taken.record) in [(w.label, w.state, w.record) for w in ways]
        state = taken.after
    if claim.kind is Kind.EVERY_STEP:
        last = trace.steps[-1]
        assert not true_of(claim, last.before, {**last.after, **last.record})
    else:
        assert not true_of(claim, trace.end, trace.end)


# Mutants: broken rules, and behaviours that no release has in this combination


def never_skip(
    turn: Turn, entry: Entry, failing: int, *, rules: StepRules, continue_on_error: bool, behaviours: Behaviours
) -> Outcomes:
    """A broken rule: it forgets that a step without `if` is skipped after a failure."""
    if turn is not Turn.REACHED:
        return ()
    asks = rules.has_if and entry.started_at is None
    return only(turn=Turn.TO_EVALUATE if asks else Turn.TO_START, after_failure=failing > 0)


def ask_again(
    turn: Turn, entry: Entry, failing: int, *, rules: StepRules, continue_on_error: bool, behaviours: Behaviours
) -> Outcomes:
    """A broken rule: it forgets that a step that has started was asked already."""
    forgetful = replace(behaviours, if_reevaluated_on_retry=True)
    return step_engine.ask_whether_to_skip(
        turn, entry, failing, rules=rules, continue_on_error=continue_on_error, behaviours=forgetful
    )


def judge_without_threshold(
    turn: Turn, entry: Entry, attempt: Attempt, now: int, *, rules: StepRules, behaviours: Behaviours
) -> Outcomes:
    """A broken rule: it forgets the threshold until it is exceeded."""
    later = rules._replace(error_threshold=rules.error_threshold + 1)
    return step_engine.judge(turn, entry, attempt, now, rules=later, behaviours=behaviours)


def judge_without_errors(
    turn: Turn, entry: Entry, attempt: Attempt, now: int, *, rules: StepRules, behaviours: Behaviours
) -> Outcomes:
    """A broken rule: it forgets that the runner returned an error beside its status."""
    silent = attempt._replace(error=None, terminal=False)
    return step_engine.judge(turn, entry, silent, now, rules=rules, behaviours=behaviours)


def judge_all_failures_alike(
    turn: Turn, entry: Entry, attempt: Attempt, now: int, *, rules: StepRules, behaviours: Behaviours
) -> Outcomes:
    """A broken rule: it forgets what kind of failure the runner reported."""
    alike = replace(behaviours, failed_status_kept=False)
    return step_engine.judge(turn, entry, attempt, now, rules=rules, behaviours=alike)


def judge_anew(
    turn: Turn, entry: Entry, attempt: Attempt, now: int, *, rules: StepRules, behaviours: Behaviours
) -> Outcomes:
    """A broken rule: it forgets the errors counted before this attempt."""
    fresh = entry._replace(error_count=0)
    return step_engine.judge(turn, fresh, attempt, now, rules=rules, behaviours=behaviours)


def go_to_first_step(fresh: bool, current_step: int) -> Outcomes:
    """A broken rule: it forgets how far the Promotion was."""
    return only(at=0)


def go_past_step(fresh: bool, current_step: int) -> Outcomes:
    """A broken rule: it forgets that the current step may not be done."""
    return only(at=0 if fresh else current_step + 1)


def open_any_pass(phase: PromotionPhase, abort_requested: bool, acknowledged: Acknowledged) -> Outcomes:
    """A broken rule: it forgets that a Promotion may have ended."""
    if abort_requested and not phase.terminal:
        return only(phase=PROMOTION.after(phase, "abort"), at=Place.TERMINATING)
    return only(phase=PromotionPhase.RUNNING, at=Place.LOADING)


def weigh_failed_only(entry: Entry | None, worst: StepStatus) -> Outcomes:
    """A broken rule: it forgets steps that are Errored."""
    if entry is None or entry.status is StepStatus.ERRORED:
        return ()
    return saving_rules.weigh(entry, worst)


def weigh_nothing(entry: Entry | None, worst: StepStatus) -> Outcomes:
    """A broken rule: it forgets to look at the steps."""
    return ()


def conclude_anything_well(at: object, worst: StepStatus, stopped_at: int, *, steps: int) -> Outcomes:
    """A broken rule: it forgets that a Promotion can be Running still."""
    return only(new_phase=PromotionPhase.SUCCEEDED, new_step=steps - 1)


def conclude_at_the_start(at: object, worst: StepStatus, stopped_at: int, *, steps: int) -> Outcomes:
    """A broken rule: it forgets the step at which the Promotion ended."""
    (concluded,) = saving_rules.conclude(at, worst, stopped_at, steps=steps)
    return only(**(dict(concluded.changes) | ({} if at is Place.WAITING else {"new_step": 0})))


def never_ask_for_requeue(
    new_phase: PromotionPhase,
    saved: bool,
    engine_error: str | None,
    retry_after: int | None,
    *,
    behaviours: Behaviours,
) -> Outcomes:
    """A broken rule: it forgets to come back."""
    return only(requeue=None)


@dataclass(frozen=True)
class Mutant:
    """What is broken, in which system, and the claims (with the alias, where they are about a step) it violates."""

    name: str
    system: str
    violates: tuple[str, ...]
    rule: tuple[str, Rule] | None = None
    changes: tuple[tuple[str, Any], ...] = ()

    def made(self) -> System:
        """The system with the fault in it."""
        if self.rule is not None:
            return mutate(subject(self.system).system, **dict([self.rule]))
        return subject(self.system, replace(LATEST, **dict(self.changes))).system


def broken(system: str, rule: str, function: Rule, *violates: str) -> Mutant:
    return Mutant(function.__name__, system, violates, rule=(rule, function))


def behaves(system: str, behaviour: str, value: object, *violates: str) -> Mutant:
    return Mutant(f"{behaviour} = {value}", system, violates, changes=((behaviour, value),))


MUTANTS = (
    behaves(
        "retry",
        "if_reevaluated_on_retry",
        True,
        "a_started_step_is_never_skipped_by_the_engine [clone]",
        "a_failed_attempt_is_followed_by_another [clone]",
        "a_promotion_never_succeeds_over_a_step_it_gave_up [clone]",
    ),
    behaves("wait", "error_count_resets_while_running", True, "the_error_count_is_never_taken_back [sync]"),
    behaves("poll", "failed_status_kept", False, "a_step_that_says_failed_ends_failed [ask]"),
    broken(
        "shutdown",
        "ask_whether_to_skip",
        ask_again,
        "a_started_step_is_never_skipped_by_the_engine [clone]",
        "a_failed_attempt_is_followed_by_another [clone]",
        "a_promotion_never_succeeds_over_a_step_it_gave_up [clone]",
    ),
    broken(
        "conditions",
        "ask_whether_to_skip",
        never_skip,
        "after_a_failure_only_steps_whose_if_asks_for_it_start [push]",
    ),
    broken("retry", "judge", judge_without_threshold, "the_error_count_never_exceeds_the_threshold [clone]"),
    broken("retry", "judge", judge_without_errors, "a_failed_attempt_is_never_polled_like_a_running_one [clone]"),
    broken("task", "judge", judge_all_failures_alike, "a_step_that_says_failed_ends_failed [task-1::commit]"),
    broken("wait", "judge", judge_anew, "the_error_count_is_never_taken_back [sync]"),
    broken("conditions", "go_to_step", go_to_first_step, "a_finished_step_never_runs_again [test]"),
    broken("retry", "go_to_step", go_past_step, "a_failed_attempt_is_followed_by_another [clone]"),
    broken("retry", "open_pass", open_any_pass, "terminal_phases_never_change"),
    broken(
        "retry",
        "weigh",
        weigh_failed_only,
        "a_promotion_that_succeeded_has_no_failed_step [clone]",
        "a_promotion_ends_as_its_worst_step [clone]",
    ),
    broken(
        "task",
        "weigh",
        weigh_nothing,
        "a_promotion_that_succeeded_has_no_failed_step [tag]",
        "a_promotion_ends_as_its_worst_step [tag]",
    ),
    broken(
        "wait",
        "conclude",
        conclude_anything_well,
        "a_promotion_that_succeeded_has_no_failed_step [sync]",
        "a_promotion_that_succeeded_has_no_failed_step [notify]",
    ),
    broken("conditions", "conclude", conclude_at_the_start, "the_current_step_never_goes_back"),
    broken("retry", "ask_for_requeue", never_ask_for_requeue, "a_running_promotion_is_always_called_again"),
)
CASES = [pytest.param(m, claim, id=f"{m.system}: {m.name}: {claim}") for m in MUTANTS for claim in m.violates]


@pytest.mark.parametrize(("mutant", "claim"), CASES)
def test_the_newest_release_keeps_the_claim_and_the_mutant_breaks_it(mutant: Mutant, claim: str) -> None:
    healthy = judgement(report(mutant.system, LATEST.release), claim)
    assert Verdict.HOLDS is healthy.verdict

    system = mutant.made()
    for engine in ("symbolic", "explicit"):
        found = check(
            system, [healthy.property], engine=engine, bounds=Bounds(depth=DEEP_ENOUGH), stop_when_decided=True
        )
        caught = judgement(found, claim)

        assert Verdict.VIOLATED is caught.verdict
        assert caught.trace is not None
        assert_replays(system, caught.trace, caught.property)


def test_every_claim_has_a_mutant() -> None:
    assert sorted({claim.split()[0] for m in MUTANTS for claim in m.violates}) == CLAIMS


def test_every_broken_rule_says_what_it_forgets() -> None:
    docs = [m.rule[1].__doc__ or "" for m in MUTANTS if m.rule]

    assert [d for d in docs if not d.startswith("A broken rule: it forgets ")] == []


# Witnesses: what has to happen for a claim to say anything


def waits_for_another_attempt(entry: Entry | None, work_dir: bool) -> bool:
    return entry is not None and entry.phase in claimed.TRIED_AGAIN and work_dir


def waits_for_another_attempt_and_is_run(entry: Entry | None, work_dir: bool, next_did: Turn) -> bool:
    return waits_for_another_attempt(entry, work_dir) and next_did in claimed.STARTED


def is_over_in_a_promotion_that_goes_on(entry: Entry | None, work_dir: bool) -> bool:
    return entry is not None and entry.phase.over and work_dir


def made_as_many_errors_as_it_may(entry: Entry | None, *, threshold: int) -> bool:
    return threshold > 1 and entry is not None and entry.error_count == threshold


def has_errors_and_goes_on(entry: Entry | None, next_entry: Entry | None, work_dir: bool) -> bool:
    counted = entry is not None and next_entry is not None and entry.error_count > 0
    return work_dir and counted and next_entry is not None and next_entry.phase is StepPhase.RUNNING


def says_failed_and_is_over(next_did: Turn, next_said: Attempt | None) -> bool:
    said = next_said is not None and next_said.status == StepStatus.FAILED.value
    return said and next_did in (Turn.FAILED_FOR_GOOD, Turn.THRESHOLD_MET)


def has_succeeded(phase: PromotionPhase) -> bool:
    return phase is PromotionPhase.SUCCEEDED


def succeeds_after_another_attempt(
    entry: Entry | None, work_dir: bool, next_phase: PromotionPhase, *, continue_on_error: bool
) -> bool:
    succeeds = next_phase is PromotionPhase.SUCCEEDED and not continue_on_error
    return succeeds and waits_for_another_attempt(entry, work_dir)


def has_ended_with_a_failed_step(phase: PromotionPhase, entry: Entry | None) -> bool:
    return phase.terminal and entry is not None and entry.status in (StepStatus.FAILED, StepStatus.ERRORED)


def starts_after_a_failure(next_did: Turn, next_after_failure: bool, *, asks: bool) -> bool:
    return asks and next_after_failure and next_did in claimed.STARTED


def is_skipped_after_a_failure(next_did: Turn, next_after_failure: bool, *, asks: bool) -> bool:
    return not asks and next_after_failure and next_did in step_engine.SKIPPED_BY_ENGINE


def has_ended(phase: PromotionPhase) -> bool:
    return phase.terminal


def has_moved_on(current_step: int, work_dir: bool) -> bool:
    return current_step > 0 and work_dir


def stays_running(next_phase: PromotionPhase, next_requeue: object) -> bool:
    return next_phase is PromotionPhase.RUNNING and isinstance(next_requeue, int)


SITUATIONS: dict[str, tuple[Callable[..., bool], ...]] = {
    "a_started_step_is_never_skipped_by_the_engine": (waits_for_another_attempt,),
    "a_failed_attempt_is_followed_by_another": (waits_for_another_attempt_and_is_run,),
    "a_finished_step_never_runs_again": (is_over_in_a_promotion_that_goes_on,),
    "the_error_count_never_exceeds_the_threshold": (made_as_many_errors_as_it_may,),
    "the_error_count_is_never_taken_back": (has_errors_and_goes_on,),
    "a_failed_attempt_is_never_polled_like_a_running_one": (says_failed_and_is_over,),
    "a_step_that_says_failed_ends_failed": (says_failed_and_is_over,),
    "a_promotion_that_succeeded_has_no_failed_step": (has_succeeded,),
    "a_promotion_never_succeeds_over_a_step_it_gave_up": (succeeds_after_another_attempt,),
    "a_promotion_ends_as_its_worst_step": (has_ended_with_a_failed_step,),
    "after_a_failure_only_steps_whose_if_asks_for_it_start": (starts_after_a_failure, is_skipped_after_a_failure),
    "terminal_phases_never_change": (has_ended,),
    "the_current_step_never_goes_back": (has_moved_on,),
    "a_running_promotion_is_always_called_again": (stays_running,),
}
"""For each claim the situations it speaks of, as functions of some of its own parameters."""


def never(situation: Callable[..., bool], claim: Property) -> Property:
    """The claim that the situation of `claim` does not arise."""

    def it_never_arises(**values: object) -> bool:
        return not situation(**{n: values[n] for n in wanted})

    names = situation.__code__.co_varnames[: situation.__code__.co_argcount + situation.__code__.co_kwonlyargcount]
    wanted = frozenset(names)
    assert wanted <= {p for p, _ in claim.reads} | {p for p, _ in claim.constants}
    return replace(claim, name=f"never: {claim.name}", function=it_never_arises)


def arises(situation: Callable[..., bool], claim: str, name: str) -> bool:
    """Whether the situation arises in a system, where instances of the claim look at it."""
    instances = [p for where, p in claims() if where == name and p.function.__name__ == claim]
    asked = [never(situation, p) for p in instances]
    found = check(subject(name).system, asked, transitions=False, traced=no_property, stop_when_decided=True)
    return Verdict.VIOLATED in verdicts(found).values()


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_claim_speaks_of_does_happen(claim: str) -> None:
    for situation in SITUATIONS[claim]:
        assert any(arises(situation, claim, name) for name in systems.NAMES), situation.__name__


def test_every_claim_has_a_situation() -> None:
    assert sorted(SITUATIONS) == CLAIMS


@pytest.mark.parametrize("name", systems.NAMES)
def test_every_witness_is_reached_in_the_newest_release(name: str) -> None:
    found = [j for j in report(name, LATEST.release).judgements if j.property.kind is Kind.SOMETIMES]

    assert found
    assert {j.property.name: Verdict.HOLDS for j in found} == {j.property.name: j.verdict for j in found}
    for j in found:
        assert j.trace is not None
        assert true_of(j.property, j.trace.end, j.trace.end)


# Verdicts by release

VIOLATED_IN = {
    "a_started_step_is_never_skipped_by_the_engine": ["1.8.3"],
    "a_failed_attempt_is_followed_by_another": ["1.8.3"],
    "a_promotion_never_succeeds_over_a_step_it_gave_up": ["1.8.3"],
    "the_error_count_is_never_taken_back": ["1.8.3", "1.8.5"],
    "a_step_that_says_failed_ends_failed": ["1.8.3", "1.8.5", "1.9.9"],
    "a_failed_attempt_is_never_polled_like_a_running_one": [*RELEASES],
    "after_a_failure_only_steps_whose_if_asks_for_it_start": [*RELEASES],
}
"""The releases that violate a claim in some system; claims that are not here hold in all of them."""

NEVER_REACHED = {"a_step_has_used_up_its_threshold": ["1.8.3"]}
"""Witnesses that some system has in vain: a step without `if` is not tried again there."""


def violated_in(claim: str) -> list[str]:
    return [
        release
        for release in RELEASES
        if any(
            j.property.function.__name__ == claim and j.verdict is Verdict.VIOLATED
            for name in systems.NAMES
            for j in report(name, release).judgements
        )
    ]


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_is_violated_in_these_releases_and_no_others(claim: str) -> None:
    assert violated_in(claim) == VIOLATED_IN.get(claim, [])


def test_only_known_claims_and_witnesses_are_expected_to_fail() -> None:
    witnesses = {
        j.property.function.__name__
        for release in RELEASES
        for name in systems.NAMES
        for j in report(name, release).judgements
        if j.property.kind is Kind.SOMETIMES
    }

    assert sorted(VIOLATED_IN.keys() - set(CLAIMS)) == []
    assert {w: r for w in sorted(witnesses) if (r := violated_in(w))} == NEVER_REACHED


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", systems.NAMES)
def test_every_violation_replays_and_every_check_is_complete(name: str, release: str) -> None:
    found = report(name, release)

    assert found.complete
    for j in found.judgements:
        assert j.verdict is not Verdict.BOUNDED
        if j.verdict is Verdict.VIOLATED and j.property.kind is not Kind.SOMETIMES:
            assert j.trace is not None
            assert_replays(subject(name, RELEASES[release]).system, j.trace, j.property)


def test_the_error_count_is_taken_back_in_1_8_3_too_where_an_if_keeps_the_step_from_being_skipped() -> None:
    steps = (StepSpec("sync", "argocd-update", condition="${{ always() }}", retry=Retry(None, 3)),)
    planner = planning.planner_of(Template(steps, ()), V1_8_3)
    found = systems.explored("sync", "a step that may be tried again", planning.free(planner))

    judged = judgement(check(found.system, found.properties), "the_error_count_is_never_taken_back [sync]")

    assert Verdict.VIOLATED is judged.verdict
    assert judged.trace is not None
    assert_replays(found.system, judged.trace, judged.property)


# Sizes

SIZES = {
    ("retry", "1.8.3"): (12, 17, 5),
    ("retry", "1.11.2"): (22, 32, 6),
    ("wait", "1.8.3"): (33, 93, 6),
    ("wait", "1.11.2"): (79, 292, 7),
    ("poll", "1.8.3"): (25, 51, 5),
    ("poll", "1.11.2"): (40, 104, 6),
    ("conditions", "1.8.3"): (72, 215, 5),
    ("conditions", "1.11.2"): (59, 222, 5),
    ("tolerated", "1.8.3"): (162, 568, 6),
    ("tolerated", "1.11.2"): (216, 820, 7),
    ("task", "1.8.3"): (13, 13, 3),
    ("task", "1.11.2"): (13, 13, 3),
    ("shutdown", "1.8.3"): (22, 47, 5),
    ("shutdown", "1.11.2"): (21, 40, 5),
}
"""States, transitions and levels, by system and release."""


def size(found: Report) -> tuple[int, int | None, int | None]:
    return found.states, found.transitions, found.levels


def test_every_named_system_has_its_sizes_here() -> None:
    assert {name for name, _ in SIZES} == set(systems.NAMES)


@pytest.mark.parametrize(("name", "release"), SIZES)
def test_layers_find_the_pinned_sizes_with_either_engine(name: str, release: str) -> None:
    found = subject(name, RELEASES[release])
    symbolic = report(name, release)
    explicit = check(found.system, found.properties, engine="explicit")

    assert size(symbolic) == size(explicit) == SIZES[name, release]
    assert verdicts(symbolic) == verdicts(explicit)


@pytest.mark.parametrize(("name", "release"), SIZES)
def test_saturation_finds_as_many_states_and_the_same_verdicts(name: str, release: str) -> None:
    found = subject(name, RELEASES[release])
    saturated = check(found.system, found.properties, strategy="saturation")

    assert (saturated.states, saturated.transitions) == SIZES[name, release][:2]
    assert verdicts(saturated) == verdicts(report(name, release))


@pytest.mark.parametrize(("name", "release"), SIZES)
def test_the_yardstick_finds_the_same_without_tables_or_slices(name: str, release: str) -> None:
    found = subject(name, RELEASES[release])
    truth = naive.explore(found.system, found.properties)
    whole = check(found.system, found.properties, sliced=False)

    assert (truth.states, truth.transitions, truth.levels) == size(whole)
    for judged in (whole, report(name, release)):
        assert truth.verdicts == {
            j.property.name: (j.verdict, len(j.trace.steps) if j.trace else None) for j in judged.judgements
        }


# Plans that work on a copy of the status


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", [n for n in systems.NAMES if n != "shutdown"])
def test_a_pass_that_works_on_a_copy_does_the_same_as_one_in_place(
    name: str, release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_place = report(name, release)
    free = planning.free
    monkeypatch.setattr(planning, "free", lambda planner: free(planner, writes_can_fail=True))
    copying = systems.subject(name, RELEASES[release])
    calm = tuple(a for a in copying.system.actions if a.name != SHUTDOWN)
    assert len(calm) == len(copying.system.actions) - 1
    system = System(name, copying.system.variables, calm)

    found = check(system, copying.properties)

    assert size(found) == size(in_place)
    assert verdicts(found) == verdicts(in_place)
