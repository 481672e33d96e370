"""The lifecycles of a session and of its pod."""

from __future__ import annotations

import pytest

from model.ambient.behaviours import HEAD, Behaviours
from model.ambient.lifecycles import POD, SESSION, PodLifecycle, SessionLifecycle
from model.ambient.phases import SessionPhase
from model.ambient.session import Bounds, session
from model.ambient.surroundings import Act, Fault
from model.lifecycle import Lifecycle
from model.phase import Phase
from simulations.ambient.options import REPAIRED
from tests.lifecycle_agreement import cases, check_agreement


@pytest.mark.parametrize(("phase", "name"), cases(SessionLifecycle))
def test_the_table_of_sessions_agrees_with_the_library(phase, name):
    check_agreement(SessionLifecycle, SESSION, phase, name)


@pytest.mark.parametrize(("phase", "name"), cases(PodLifecycle))
def test_the_table_of_pods_agrees_with_the_library(phase, name):
    check_agreement(PodLifecycle, POD, phase, name)


def test_phases_are_spelled_as_the_operator_spells_them():
    assert [p.value for p in SessionPhase] == [
        *("", "Pending", "Creating", "Running", "Stopping", "Stopped", "Completed", "Failed"),
    ]


def moves(behaviours: Behaviours, bounds: Bounds) -> set[tuple[str, Phase, Phase]]:
    """Every change of phase that is ever made, found by a naive search."""
    system = session("a session", behaviours, bounds)
    waiting = list(system.initial_states())
    seen = {tuple(state.values()) for state in waiting}
    found = set()
    while waiting:
        state = waiting.pop()
        for step in system.successors(state):
            found |= {(v, state[v], step.state[v]) for v in ("phase", "pod") if state[v] is not step.state[v]}
            if (key := tuple(step.state.values())) not in seen:
                seen.add(key)
                waiting.append(step.state)
    return found


def arrows(table: Lifecycle, variable: str) -> set[tuple[str, Phase, Phase]]:
    return {(variable, a.source, a.target) for a in table.arrows if a.source is not a.target}


EVERYTHING = Bounds(
    workflow=None,
    acts=2,
    may_do=frozenset({Act.START_AND_STOP}),
    faults=2,
    may_fail=frozenset({Fault.POD_LOSS, Fault.RUNNER_END}),
)
"""A session in which every phase changes in every way."""


def test_every_change_of_phase_is_an_arrow_and_every_arrow_is_made():
    made = moves(HEAD, EVERYTHING) | moves(REPAIRED, EVERYTHING)

    assert made == arrows(SESSION, "phase") | arrows(POD, "pod")


def test_no_version_sees_the_end_of_a_running_session():
    unseen = {("phase", SessionPhase.RUNNING, p) for p in (SessionPhase.COMPLETED, SessionPhase.FAILED)}

    assert moves(REPAIRED, EVERYTHING) - moves(HEAD, EVERYTHING) == unseen
