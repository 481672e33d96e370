"""Random walks over the step engine: Hypothesis takes the model's actions and judges the checker's claims."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from diagrams import traces
from invariants.kargo import systems
from invariants.properties import Kind, Property
from invariants.subjects import Subject
from invariants.trace import Taken, Trace, true_of
from model.kargo import manifests, planning, templates
from model.kargo.releases import LATEST, RELEASES
from model.system import State, Successor, System
from tests.walking import walks

SCENARIO = Path(__file__).parents[1] / "simulations" / "kargo" / "scenarios" / "skip-vs-retry"

SKIPPED = "a_started_step_is_never_skipped_by_the_engine"
SKIP_CLAIMS = frozenset(
    {SKIPPED, "a_failed_attempt_is_followed_by_another", "a_promotion_never_succeeds_over_a_step_it_gave_up"}
)
FIXED = [release for release in RELEASES if release != "1.8.3"]

Way = tuple[str, str]
"""An action and the label of one of its outcomes."""


@cache
def subject(release: str) -> Subject:
    """The Promotion of the report, with everything that can happen to it."""
    found = manifests.load([SCENARIO / "stage.yaml", SCENARIO / "task.yaml"])
    template = templates.template(found, release=release)
    planner = planning.planner_of(template, RELEASES[release])
    return systems.explored(template.subject, "every outcome of every attempt", planning.free(planner))


@cache
def ways(system_of: str) -> tuple[Way, ...]:
    """Every way that anything can go in any state, in the order in which they are met; they are always the same."""
    system = subject(system_of).system
    found: dict[Way, None] = {}
    todo: list[State] = list(system.initial_states())
    seen = list(todo)
    for state in todo:
        for step in system.successors(state):
            found.setdefault((step.action.name, step.label))
            if step.state not in seen:
                seen.append(step.state)
                todo.append(step.state)
    return tuple(found)


class WrongError(AssertionError):
    """A claim is violated; the message is the whole story."""

    def __init__(self, claim: Property, trace: Trace) -> None:
        story = "\n".join(traces.story(trace))
        super().__init__(f"{claim.name}\n{story}\n    so  {traces.verdict_of(claim, trace)}")
        self.claim = claim
        self.trace = trace


def broken(claim: Property, before: State, step: Successor) -> bool:
    """Whether the step violates the claim."""
    if claim.kind is Kind.ALWAYS:
        return not true_of(claim, step.state, step.state)
    mine = not claim.by or step.action.name in claim.by
    return mine and not true_of(claim, before, {**step.state, **step.record})


def walker(release: str, wanted: frozenset[str]) -> type[RuleBasedStateMachine]:
    """A walk over the Promotion of the report that judges the claims called `wanted`."""
    system: System = subject(release).system
    claims = [p for p in subject(release).properties if p.function.__name__ in wanted]
    assert {p.function.__name__ for p in claims} == wanted
    anything = st.sampled_from(ways(release))

    class Walk(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.taken: list[Taken] = []
            self.start = self.state = next(system.initial_states())
            self.look()

        def look(self) -> None:
            self.enabled = {(s.action.name, s.label): s for s in system.successors(self.state)}

        def can(self, way: Way) -> bool:
            return way in self.enabled

        @precondition(lambda self: bool(self.enabled))
        @rule(way=st.runner().flatmap(lambda walk: anything.filter(walk.can)))
        def act(self, way: Way) -> None:
            step, before = self.enabled[way], self.state
            self.taken.append(
                Taken(step.action.name, step.action.actor, step.label, before, step.state, step.record)
            )
            for claim in claims:
                if broken(claim, before, step):
                    raise WrongError(claim, Trace(self.start, tuple(self.taken)))
            self.state = step.state
            self.look()

        @precondition(lambda self: not self.enabled)
        @rule()
        def rest(self) -> None:
            """Nothing is enabled any more; without a rule for that, Hypothesis takes it for a mistake."""

    return Walk


LONG = walks(150, 12, shrunk=True)


def test_walks_find_the_reported_bug_in_1_8_3_and_shrink_it_to_two_reconciles() -> None:
    with pytest.raises(WrongError, match="so  ") as caught:
        run_state_machine_as_test(walker("1.8.3", frozenset({SKIPPED})), settings=LONG)

    wrong = caught.value
    assert wrong.claim.function.__name__ == SKIPPED
    assert [step.action for step in wrong.trace.steps] == ["reconcile", "reconcile"]
    assert "gitClone: skipped" in str(wrong)


@pytest.mark.parametrize("claim", sorted(SKIP_CLAIMS))
def test_walks_violate_each_claim_about_skipping_in_1_8_3(claim: str) -> None:
    with pytest.raises(WrongError) as caught:
        run_state_machine_as_test(walker("1.8.3", frozenset({claim})), settings=LONG)

    assert len(caught.value.trace.steps) == 2


@pytest.mark.parametrize(
    "release", [pytest.param(r, marks=[] if r in (FIXED[0], LATEST.release) else [pytest.mark.slow]) for r in FIXED]
)
def test_walks_find_nothing_wrong_with_skipping_in_later_releases(release: str) -> None:
    run_state_machine_as_test(walker(release, SKIP_CLAIMS), settings=LONG)


def test_walks_find_no_claim_violated_in_the_newest_release() -> None:
    every = frozenset(p.function.__name__ for p in subject("1.11.2").properties if p.kind is not Kind.SOMETIMES)

    run_state_machine_as_test(walker("1.11.2", every), settings=LONG)


def test_no_way_an_action_can_go_is_told_by_a_label_that_another_has_too() -> None:
    for release in RELEASES:
        system = subject(release).system
        todo: list[State] = list(system.initial_states())
        seen = list(todo)
        for state in todo:
            steps = list(system.successors(state))
            assert len({(s.action.name, s.label) for s in steps}) == len(steps)
            new = [s.state for s in steps if s.state not in seen]
            seen += new
            todo += new
