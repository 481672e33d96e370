"""A failure policy does the same on the loop that the checker explores and in a study, given the same failures."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invariants.kargo import policies
from invariants.subjects import Subject
from model.kargo.failure_policies import FailurePolicy, Hint, policy_named
from model.kargo.loop.values import of
from model.kargo.phases import PromotionPhase
from model.kargo.releases import LATEST
from model.kargo.step_kinds import Result
from model.kargo.templates import StepSpec, Template
from model.system import State
from simulations.kargo.study.life import Life, fresh
from simulations.kargo.study.study import HINTS, OUTCOMES, Outcome, StepWorld, Study
from simulations.kargo.study.world import HINTED, RESULT, stream
from simulations.stochastic.batches import Batch, Column, constant
from simulations.stochastic.distributions import Distribution

POLICIES = ("none", "restart:1", "restart:2", "recreate:1", "recreate:2", "rollback:1", "rollback:2", "hints:2")
SLOTS = 5


class Step(NamedTuple):
    """What an attempt comes to, and what it hints at if it fails."""

    succeeds: bool
    hint: Hint


class End(NamedTuple):
    """What there was at the end: attempts, starts from the beginning, Promotions, and the outcome."""

    attempts: int
    starts: int
    promotions: int
    outcome: Outcome


SUCCESS = Step(True, Hint.GIVE_UP)


def nth(script: tuple[Step, ...], number: int) -> Step:
    """What the n-th attempt does, from zero; all succeed after the script."""
    return script[number] if number < len(script) else SUCCESS


# On the loop


@cache
def loop(policy: FailurePolicy) -> Subject:
    results = (Result.SUCCEEDED, Result.FAILED_TERMINALLY)
    bounds = {"promotions": SLOTS, "promotes": False, "aborts": False, "restarts": False, "results": results}
    return policies.subject(policy, LATEST, bounds.items())


def on_the_loop(policy: FailurePolicy, script: tuple[Step, ...]) -> End:
    """The first Freight is promoted, the second goes by the script; until nothing happens any more."""
    system = loop(policy).system
    state = next(system.initial_states())
    attempts = -1  # that of the first Freight does not count
    for found in ("a1 is found", "a2 is found"):
        [step] = [a for a in system.actions if a.name == found]
        [after] = system.perform(step, state)
        state, attempts = settle(policy, after.state, script, attempts)
    slots = [f"{policies.STAGE}.{n}" for n in range(1, SLOTS + 1)]
    used = [slot for slot in slots if state[of("used", slot)]][1:]
    phase, freight = state[of("phase", used[-1])], state[of("freight", used[-1])]
    promoted = Outcome.VERIFIED if freight == "a2" else Outcome.ROLLED_BACK
    outcome = promoted if phase is PromotionPhase.SUCCEEDED else Outcome.FAILED
    return End(attempts, sum(state[of("begun", slot)] for slot in used), len(used), outcome)


def settle(policy: FailurePolicy, state: State, script: tuple[Step, ...], attempts: int) -> tuple[State, int]:
    """Passes, until none changes anything."""
    system = loop(policy).system
    passes = [a for a in system.actions if a.name.startswith("reconcile")]
    while True:
        moves = [[w for w in system.perform(a, state) if w.state != state] for a in passes]
        ways = next((found for found in moves if found), None)
        if ways is None:
            return state, attempts
        if any("step: " in way.label for way in ways):
            said = SUCCESS if attempts < 0 else nth(script, attempts)
            ways = [w for w in ways if ("step: Succeeded" in w.label) is said.succeeds]
            hinted = [w for w in ways if f"hint: {said.hint.value}" in w.label]
            ways = hinted or [w for w in ways if f"hint: {Hint.GIVE_UP.value}" in w.label] or ways
            attempts += 1
        assert len(ways) == 1, [w.label for w in ways]
        state = ways[0].state


# In a study


class Scripted:
    """What chance would decide, by a script."""

    def __init__(self, script: tuple[Step, ...]) -> None:
        self.script = script

    def draw(
        self, batch: Batch, distribution: Distribution, number_of: int, number: Column
    ) -> tuple[Batch, Column]:
        """A value for the only row."""
        [at] = number.tolist()
        if number_of == stream(0, RESULT):
            return batch, constant(0 if nth(self.script, at - 1).succeeds else 1, 1)
        if number_of == HINTED:
            return batch, constant(HINTS.index(nth(self.script, at).hint), 1)
        only = distribution.only
        assert only is not None
        return batch, constant(only, 1)


def in_a_study(policy: FailurePolicy, script: tuple[Step, ...]) -> End:
    """One run."""
    template = Template((StepSpec("clone", "git-clone"),), ())
    world = StepWorld(possible=(Result.SUCCEEDED, Result.FAILED_TERMINALLY))
    life = Life(Study(template, (world,), policy=policy), Scripted(script))
    done = life.run(fresh(life, np.zeros(1, np.int64)))
    attempts, starts, promotions = (int(done[name][0]) for name in ("attempts", "starts", "promotions"))
    return End(attempts, starts, promotions, OUTCOMES[int(done["outcome"][0])])


STEPS = st.builds(Step, st.booleans(), st.sampled_from(Hint))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policy=st.sampled_from(POLICIES), script=st.lists(STEPS, max_size=4).map(tuple))
def test_a_policy_does_the_same_in_both_uses(policy: str, script: tuple[Step, ...]) -> None:
    named = policy_named(policy)

    study, looped = in_a_study(named, script), on_the_loop(named, script)
    if any(step.hint is Hint.RETRY for step in script):
        # The loop counts with the starts what goes on where it was; a study counts those from the beginning.
        study, looped = study._replace(starts=0), looped._replace(starts=0)
    assert study == looped


FAILS = Step(False, Hint.RESTART)


@pytest.mark.parametrize(
    ("policy", "script", "end"),
    [
        ("none", (FAILS,), End(1, 0, 1, Outcome.FAILED)),
        ("restart:2", (FAILS, FAILS), End(3, 2, 1, Outcome.VERIFIED)),
        ("restart:1", (FAILS, FAILS), End(2, 1, 1, Outcome.FAILED)),
        ("recreate:2", (FAILS, FAILS), End(3, 0, 3, Outcome.VERIFIED)),
        ("rollback:2", (FAILS, FAILS), End(3, 0, 3, Outcome.ROLLED_BACK)),
        ("hints:2", (FAILS, Step(False, Hint.ROLL_BACK)), End(3, 1, 2, Outcome.ROLLED_BACK)),
    ],
)
def test_what_both_do(policy: str, script: tuple[Step, ...], end: End) -> None:
    assert in_a_study(policy_named(policy), script) == on_the_loop(policy_named(policy), script) == end
