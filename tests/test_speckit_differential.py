"""The model beside the real spec-kit engine: the one that is installed with the tests."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.releases import UnknownReleaseError
from model.speckit.releases import RELEASES, V0_9_1, V0_9_4, modelled_as
from simulations.speckit import generated, shrinking, side_by_side
from simulations.speckit.cases import Case, answer, modelled
from simulations.speckit.comparing import agree, differences
from simulations.speckit.real_engine import EngineUnavailableError, RealEngine, environment


@pytest.fixture(scope="module")
def engine():
    with RealEngine(Path(sys.executable)) as found:
        yield found


@pytest.fixture(scope="module")
def behaviours(engine):
    return modelled_as(engine.version)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(random=st.randoms(use_true_random=False))
def test_a_workflow_goes_the_same_way_in_the_engine(engine, behaviours, random):
    case = generated.case(random, behaviours)
    assert differences(case, engine.run(case), behaviours) == []


def test_there_is_no_divergence_among_the_first(engine, behaviours):
    found = side_by_side.compare(engine, behaviours, count=40, seed=7)
    assert found.divergent == ()
    assert found.smallest is None
    assert set(found.statuses) == {"aborted", "completed", "failed", "paused"}


@pytest.mark.slow
def test_there_is_no_divergence_among_many(engine, behaviours):
    assert side_by_side.compare(engine, behaviours, count=1_000, seed=11).divergent == ()


def shell(name, **more):
    return {"id": name, "type": "shell", "run": f"do {name}", "script": name, **more}


def workflow(*steps, **more):
    head = {"id": "outer", "name": "outer", "version": "1.0.0"}
    return {"schema_version": "1.0", "workflow": head, "steps": list(steps), **more}


def exits(*codes):
    return [answer(output={"exit_code": code, "stdout": "", "stderr": ""}) for code in codes]


FLAG = {"continue_on_error": True}
HAND_MADE = {
    "the flag": Case(
        workflow(shell("a"), shell("b", **FLAG), shell("c", run="do {{ steps.b.output.exit_code }}")),
        scripts={"a": exits(0), "b": exits(3), "c": exits(0)},
    ),
    "resumed within a branch": Case(
        workflow(
            {"id": "if", "type": "if", "condition": True, "then": [shell("a"), shell("b", **FLAG), shell("c")]}
        ),
        scripts={"a": exits(0), "b": exits(1, 0), "c": exits(1, 0)},
        resumes=[{}],
    ),
    "a loop": Case(
        workflow(
            {
                "id": "loop",
                "type": "do-while",
                "condition": "{{ steps.try.output.exit_code != 0 }}",
                "max_iterations": 3,
                "steps": [shell("try", **FLAG), shell("note")],
            }
        ),
        scripts={"try": exits(1, 1, 0), "note": exits(0, 1, 0)},
        resumes=[{}, {}],
    ),
    "a later pass that is taken up and interrupted": Case(
        workflow({"id": "loop", "type": "do-while", "condition": True, "steps": [shell("try")]}),
        scripts={"try": [*exits(0, 1), answer(ending="INTERRUPTED")]},
        resumes=[{}],
    ),
    "items within items": Case(
        workflow(
            {
                "id": "outer",
                "type": "fan-out",
                "items": [1, 2],
                "step": {
                    "id": "inner",
                    "type": "fan-out",
                    "items": ["x", "y"],
                    "step": shell("work", run="do {{ item }}", **FLAG),
                },
            },
            {"id": "all", "type": "fan-in", "wait_for": ["outer"], "output": {"n": "{{ fan_in.results }}"}},
        ),
        scripts={"work": exits(0, 1)},
    ),
    "a fan-out within one of the same id": Case(
        workflow(
            {
                "id": "each",
                "type": "fan-out",
                "items": [1, 2],
                "step": {
                    "id": "work",
                    "type": "if",
                    "condition": True,
                    "then": [{"id": "each", "type": "fan-out", "items": ["x"], "step": shell("work")}],
                },
            }
        ),
        scripts={"work": exits(0, 1)},
        resumes=[{}],
    ),
    "a call that fails": Case(
        workflow({"id": "call", "type": "workflow", "workflow": "inner", **FLAG}, shell("after")),
        callable={
            "inner": {**workflow(shell("task")), "workflow": {"id": "inner", "name": "i", "version": "1.0.0"}}
        },
        scripts={"task": exits(1), "after": exits(0)},
    ),
    "new inputs for an item": Case(
        workflow(
            {
                "id": "each",
                "type": "fan-out",
                "items": [1],
                "step": {
                    "id": "if",
                    "type": "if",
                    "condition": True,
                    "then": [shell("work", run="do {{ inputs.v }}")],
                },
            },
            inputs={"v": {"type": "string", "default": ""}},
        ),
        scripts={"work": exits(1, 0)},
        resumes=[{"v": "again"}],
    ),
    "a verdict that is taken back": Case(
        workflow(
            {"id": "g", "type": "gate", "message": "?", "on_reject": "retry", "verdict_input": "v", "script": "g"},
            inputs={"v": {"type": "string", "default": ""}},
        ),
        inputs={"v": "reject"},
        scripts={"g": [answer(ending="NO_TERMINAL")]},
        resumes=[{}, {"v": "approve"}],
    ),
}


@pytest.mark.parametrize("name", HAND_MADE)
def test_a_situation_that_matters_goes_the_same_way(engine, behaviours, name):
    case = HAND_MADE[name]
    real = engine.run(case)
    assert "broken" not in real
    assert differences(case, real, behaviours) == []


def test_a_difference_is_seen_and_made_small(engine, behaviours):
    ignorant = replace(behaviours, continue_on_error=False)
    found = side_by_side.compare(engine, ignorant, count=12, seed=7)
    assert found.smallest is not None
    assert found.divergent[0] == found.smallest.number
    steps = found.smallest.case.workflow["steps"]
    assert len(steps) == 1
    assert "continue_on_error" in str(steps)
    assert found.smallest.differences


def test_a_case_is_made_smaller_only_while_it_stays_true():
    case = generated.case(Random(3), RELEASES["1.2.3"])
    assert shrinking.smallest(case, lambda c: True).resumes == []
    assert shrinking.smallest(case, lambda c: c == case) == case


def without_flags(value):
    if isinstance(value, dict):
        return {k: without_flags(v) for k, v in value.items() if k != "continue_on_error"}
    return [without_flags(v) for v in value] if isinstance(value, list) else value


def test_where_the_flag_is_omitted_nothing_has_changed():
    for number in range(60):
        case = side_by_side.numbered(number, 5, V0_9_1)
        plain = replace(case, workflow=without_flags(case.workflow), resumes=[{} for _ in case.resumes])
        before, after = modelled(plain, V0_9_1), modelled(plain, V0_9_4)
        assert [(look.state, look.log, look.raised) for look in before] == [
            (look.state, look.log, look.raised) for look in after
        ]


def test_values_agree_only_if_they_are_of_one_type():
    assert agree("x…", "xyz")
    assert agree({"a": [1]}, {"a": [1]})
    assert not agree(1, True)
    assert not agree(1, 1.0)
    assert not agree([1], [1, 2])


def test_an_engine_that_cannot_be_had_says_so(tmp_path):
    with pytest.raises(EngineUnavailableError, match="is not installed"):
        RealEngine(tmp_path / "python")
    with pytest.raises(EngineUnavailableError, match="expected a version"):
        environment("latest; rm -rf /", tmp_path)


def test_a_version_is_modelled_by_the_newest_release_before_it():
    assert modelled_as("1.2.9").release == "1.2.3"
    assert modelled_as("1.1.2").release == "1.1.2"
    assert modelled_as("1.0.5").release == "1.0.1"
    with pytest.raises(UnknownReleaseError):
        modelled_as("0.1.0")
