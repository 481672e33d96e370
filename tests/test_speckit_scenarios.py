"""What the proposal of `continue_on_error` promises, and the findings beside it: where each comes true."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from diagrams.speckit import scenarios as shown
from model.speckit.releases import RELEASES
from simulations.speckit import scenarios

ALL = tuple(RELEASES)

TRUE_IN = {
    "undeclared-failure-halts": ALL,
    "declared-failure-goes-on": ALL[1:],
    "flag-without-a-failure-changes-nothing": ALL,
    "if-routes-around-a-failure": ALL[1:],
    "rejected-gate-beats-the-flag": ALL,
    "only-a-boolean-is-accepted": ALL[1:],
    "flag-covers-nothing-within": ALL,
    "json-failure-takes-the-side-of-success": ALL[2:],
    "retry-verdict-asks-again-and-repeats-nothing": ALL[1:],
    "resume-repeats-what-was-done": ("0.9.4", "1.0.1", "1.1.2"),
    "gate-forgotten-by-resume": ("0.9.1", "0.9.4", "1.0.1", "1.1.2"),
    "loop-gives-up-in-silence": ALL[1:],
}


def test_every_scenario_is_pinned():
    assert set(TRUE_IN) == set(scenarios.NAMES)
    promises = [n for n in scenarios.NAMES if scenarios.load(n).kind == scenarios.PROMISE]
    assert len(promises) == 6


@cache
def reproduced(name):
    return scenarios.reproduce(scenarios.load(name))


@pytest.mark.parametrize("name", TRUE_IN)
def test_a_scenario_comes_true_where_it_does(name):
    found = reproduced(name)
    assert tuple(r.release for r in found.releases if r.comes_true) == TRUE_IN[name]
    assert found.here.release == TRUE_IN[name][-1]
    text = list(shown.lines(found))
    assert text[0].startswith(f"{name}: ")
    assert all(len(claims) > 0 for claims in (r.verdicts() for r in found.releases[1:]))


def test_a_scenario_is_found_by_a_number_of_its_own():
    assert scenarios.find("S5") == "gate-forgotten-by-resume"
    assert scenarios.find("loop-gives-up-in-silence") == "loop-gives-up-in-silence"
    assert scenarios.find("K5") is None
    with pytest.raises(scenarios.SeveralScenariosError, match="several"):
        scenarios.find("#2663")


def test_what_is_not_as_expected_is_said():
    found = scenarios.reproduce(scenarios.load("declared-failure-goes-on"), RELEASES["0.9.1"])
    assert found.here.release == "0.9.1"
    assert any("status: failed instead of completed" in line for line in shown.lines(found))


DOCS = (Path(__file__).parents[1] / "docs" / "spec-kit.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TRUE_IN)
def test_the_page_says_what_is_computed(name):
    found = reproduced(name)
    scenario = found.scenario
    kind = "promise" if scenario.kind == scenarios.PROMISE else f"finding {scenario.reports[0]}"
    where = shown.headline(found).removeprefix(f"{name}: ")
    assert f"| `{name}` | {kind} | {where} |" in DOCS
