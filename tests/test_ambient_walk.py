"""Random walks of a session: Hypothesis decides what happens next, and the checker's claims judge it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from invariants.ambient.systems import NETWORK, explored
from invariants.properties import ABOUT_RUNS, Kind, Property
from invariants.subjects import Subject
from invariants.trace import true_of
from model.ambient.behaviours import FIX, HEAD, PRE, Behaviours
from model.ambient.session import CREATING, PENDING, RUNNING, SERVES, STARTS, WRITES, Bounds
from model.ambient.surroundings import Act, Fault
from model.system import Successor
from simulations.ambient import options
from simulations.ambient.options import REPAIRED
from tests.walking import walks

# Judging


class Told(NamedTuple):
    """A step by its name, and how it went."""

    step: str
    label: str


Story = tuple[Told, ...]


class WrongError(AssertionError):
    """A claim is violated; the message is the whole story."""

    def __init__(self, claim: str, story: Story) -> None:
        self.claim, self.story = claim, story
        told = (f"{step}: {label}" if label else step for step, label in story)
        super().__init__("\n".join((*told, f"so it is not true that {claim.replace('_', ' ')}")))


class Session:
    """A session of one version, what has happened to it, and what is judged."""

    def __init__(self, subject: Subject, claims: Iterable[Property]) -> None:
        self.system, self.claims = subject.system, tuple(claims)
        [self.state] = self.system.initial_states()
        self.story: Story = ()
        self.next = list(self.system.successors(self.state))

    def ways(self, actors: frozenset[str]) -> list[Successor]:
        """What one of these can do next, in every way that it can go."""
        return [way for way in self.next if way.action.actor in actors]

    def take(self, way: Successor) -> None:
        """Let something happen, and judge it."""
        self.story += (Told(way.action.name, way.label),)
        before, self.state = self.state, way.state
        self.next = list(self.system.successors(self.state))
        for claim in self.claims:
            if not holds(claim, before, way):
                raise WrongError(claim.name, self.story)


def holds(claim: Property, before: object, way: Successor) -> bool:
    """Whether a claim is true of a step, or of the state it ends in."""
    assert isinstance(before, dict)
    if claim.kind is Kind.EVERY_STEP:
        mine = not claim.by or way.action.name in claim.by
        return not mine or true_of(claim, before, {**way.state, **way.record})
    return true_of(claim, way.state, way.state)


# Walking

OPERATOR = frozenset({"operator"})
PEOPLE = frozenset({"person", "backend"})
PODS = frozenset({"cluster"})
FAULTS = frozenset({"fault"})


class Walk(RuleBasedStateMachine):
    """What happens to a session of one version."""

    subject: Subject
    claims: tuple[Property, ...]

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(self.subject, self.claims)

    def _happen(self, data: st.DataObject, actors: frozenset[str]) -> None:
        self.session.take(data.draw(st.sampled_from(self.session.ways(actors))))

    @precondition(lambda self: self.session.ways(OPERATOR))
    @rule(data=st.data())
    def operate(self, data: st.DataObject) -> None:
        self._happen(data, OPERATOR)

    @precondition(lambda self: self.session.ways(PODS))
    @rule(data=st.data())
    def move_pod(self, data: st.DataObject) -> None:
        self._happen(data, PODS)

    @precondition(lambda self: self.session.ways(PEOPLE))
    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        self._happen(data, PEOPLE)

    @precondition(lambda self: self.session.ways(FAULTS))
    @rule(data=st.data())
    def go_wrong(self, data: st.DataObject) -> None:
        self._happen(data, FAULTS)

    @precondition(lambda self: not self.session.ways(OPERATOR | PODS | PEOPLE | FAULTS))
    @rule()
    def rest(self) -> None:
        """Nothing can happen any more; without a rule for that, Hypothesis takes it for a mistake."""


@cache
def subject_of(behaviours: Behaviours, bounds: Bounds) -> Subject:
    return explored("a walk", "", behaviours, bounds)


def named(subject: Subject, *names: str) -> tuple[Property, ...]:
    return tuple(p for p in subject.properties if p.name in names)


def walker(subject: Subject, claims: tuple[Property, ...]) -> type[Walk]:
    return type("Walk", (Walk,), {"subject": subject, "claims": claims})


def again(subject: Subject, claims: tuple[Property, ...], story: Iterable[Told]) -> WrongError | None:
    """How the claim is violated if all this happens, as far as it can, if it is."""
    session = Session(subject, claims)
    everybody = OPERATOR | PODS | PEOPLE | FAULTS
    try:
        for told in story:
            way = next((w for w in session.ways(everybody) if Told(w.action.name, w.label) == told), None)
            if way is not None:
                session.take(way)
    except WrongError as found:
        return found
    return None


def simpler(story: Story) -> Iterator[Story]:
    """The story without some of its steps, many first."""
    size = len(story)
    while size := size // 2:
        yield from (story[:k] + story[k + size :] for k in range(len(story) - size + 1))


def shortened(subject: Subject, claims: tuple[Property, ...], found: WrongError) -> WrongError:
    """The story without everything that can be left out."""
    for story in simpler(found.story):
        without = again(subject, claims, story)
        if without is not None and len(without.story) < len(found.story):
            return shortened(subject, claims, without)
    return found


REPORTED = "a_workflow_whose_push_failed_is_pushed_again"
EVERYTHING = Bounds(acts=2, may_do=frozenset(Act), faults=1, may_fail=NETWORK)


def walk(behaviours: Behaviours, bounds: Bounds, *names: str, examples: int = 300) -> WrongError | None:
    """What the walks find, without what can be left out."""
    subject = subject_of(behaviours, bounds)
    claims = named(subject, *names)
    try:
        run_state_machine_as_test(walker(subject, claims), settings=walks(examples, 40))
    except WrongError as found:
        return shortened(subject, claims, found)
    return None


def test_walks_find_the_report_and_tell_its_story() -> None:
    found = walk(PRE, EVERYTHING, REPORTED)

    assert found is not None
    assert sorted(step for step, _ in found.story) == sorted(
        (PENDING, *WRITES, STARTS, SERVES, CREATING, RUNNING),
    )
    assert found.story[0] == (PENDING, "push failed: no such host; creates the pod")
    assert found.story[-1][0] in (RUNNING, SERVES)


HEALED = ("A1", "B'", "C", "A1+B", "A1+C", "A2+C", "B+C")
"""Options that heal the initial failure, and do not keep the session from Running."""


@pytest.mark.parametrize(
    "name",
    ["A1", "head", *(pytest.param(n, marks=pytest.mark.slow) for n in (*HEALED[1:], "fix", "repaired"))],
)
def test_walks_find_nothing_where_it_is_repaired(name: str) -> None:
    repaired = {"fix": FIX, "head": HEAD, "repaired": REPAIRED} | dict(options.options())

    assert walk(repaired[name], Bounds(faults=1, may_fail=NETWORK), REPORTED, examples=25) is None


NEVER_VIOLATED = (
    REPORTED,
    "a_session_at_rest_has_told_its_runner",
    "a_session_at_rest_has_its_workflow",
    "a_session_at_rest_has_the_files_of_its_workflow",
    "no_workflow_is_pushed_without_a_pod",
    "a_failed_push_waits_before_the_next",
    "a_running_session_will_be_looked_at",
    "a_session_whose_runner_has_ended_does_not_stay_running",
    "a_request_to_start_is_cleared_only_by_starting",
    "a_request_to_stop_is_cleared_only_by_stopping",
)
"""Claims about states and steps that the operator keeps with all repairs, whatever happens."""


@pytest.mark.parametrize("examples", [15, pytest.param(400, marks=pytest.mark.slow)])
def test_walks_find_nothing_with_all_repairs_whatever_happens(examples: int) -> None:
    anything = Bounds(acts=3, may_do=frozenset(Act), faults=3, may_fail=frozenset(Fault))

    assert walk(REPAIRED, anything, *NEVER_VIOLATED, examples=examples) is None


@pytest.mark.slow
def test_walks_find_what_today_still_loses() -> None:
    found = walk(HEAD, EVERYTHING, REPORTED, examples=600)

    assert found is not None
    assert "pushed; push failed: timed out" in found.story[-2][1]


def test_no_claim_about_runs_is_walked() -> None:
    subject = subject_of(REPAIRED, EVERYTHING)

    assert len(named(subject, *NEVER_VIOLATED)) == len(NEVER_VIOLATED)
    assert not any(p.kind in ABOUT_RUNS for p in named(subject, *NEVER_VIOLATED))
