"""Clusters with something the matter are diagnosed from what `kubectl get` prints of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pytest
from live_cases import CASES, Case
from live_walks import cuts, read_back

from model.kargo.live.objects import Live
from model.kargo.releases import RELEASES
from simulations.kargo.live.branches import WORLDS, run
from simulations.kargo.live.diagnosing import diagnose
from simulations.kargo.live.findings import Finding
from simulations.kargo.live.inferring import infer
from simulations.kargo.live.proving import states_without
from simulations.kargo.live.restoring import restore
from simulations.kargo.live.sharing_out import MANY_PARTS
from simulations.kargo.live.verdicts import Now
from simulations.kargo.live.writing import manifests
from simulations.kargo.loop.walks import Walk


def moment(case: Case) -> tuple[Live, int]:
    """The live objects of a case, and the instant."""
    return _moment(case.name)


@cache
def _moment(name: str) -> tuple[Live, int]:
    case = next(case for case in CASES if case.name == name)
    walk = Walk(case.program, RELEASES[case.kargo])
    walk.begin()
    for event in case.program["events"]:
        walk.do(event)
    return read_back(manifests(walk.cluster)), walk.cluster.now


def finding(case: Case) -> Finding:
    """What is said of the Stage that the case is about."""
    return _finding(case.name)


@cache
def _finding(name: str) -> Finding:
    case = next(case for case in CASES if case.name == name)
    live, now = moment(case)
    return next(f for f in diagnose(live, RELEASES[case.kargo], now).findings if f.stage == case.stage)


def by_name(cases: Iterable[Case]) -> list[str]:
    """What the cases are called."""
    return [case.name for case in cases]


def test_there_are_enough_cases_and_every_verdict_is_among_them() -> None:
    assert len(CASES) >= 25
    assert {case.now for case in CASES} == {now.value for now in Now}


@pytest.mark.parametrize("case", CASES, ids=by_name(CASES))
def test_a_case_is_diagnosed(case: Case) -> None:
    found = finding(case)

    assert found.verdict.now.value == case.now
    assert set(case.gates) <= {gate.name for gate in found.gates}
    assert not case.bug or case.bug in {gate.bug for gate in found.gates}
    assert not case.helps or found.ways[0].actions[0].do == case.helps


@pytest.mark.parametrize("case", CASES, ids=by_name(CASES))
def test_a_way_out_does_what_it_says(case: Case) -> None:
    live, now = moment(case)
    found = finding(case)
    restored = infer(live.projects[0], RELEASES[case.kargo], now, newest=live.newest).restored

    for way in found.ways:
        assert set(way.meets) & set(found.verdict.later or found.verdict.unmet)
        if way.actions:
            first, *then = way.actions
            branch = run(restored, [case.stage], WORLDS["cooperative"], action=first, then=then)
            assert branch.unmet.get(case.stage, ()) == way.leaves


@pytest.mark.parametrize("release", ["1.8.5", "1.11.2"])
def test_objects_that_are_put_out_and_read_back_are_the_same(release: str) -> None:
    behaviours = RELEASES[release]

    for cut in cuts(behaviours, 50, seed=1):
        names = cut.walk.cluster.pipeline.names
        restored = restore(cut.live.projects[0], behaviours, cut.walk.cluster.now, cut.hidden, stages=names)

        assert not cut.live.problems
        assert manifests(restored.cluster) == cut.written, cut.walk.program.id


@pytest.mark.parametrize("release", ["1.10.10", "1.11.2"])
def test_what_is_read_back_goes_on_as_what_was_put_out(release: str) -> None:
    """The same passes over the very same cluster, and over one made of its objects, change the same."""
    behaviours = RELEASES[release]

    for cut in cuts(behaviours, 12, seed=2):
        cluster, names = cut.walk.cluster, cut.walk.cluster.pipeline.names
        restored = restore(cut.live.projects[0], behaviours, cluster.now, cut.hidden, stages=names)
        for stage in cluster.existing_stages():
            before, after = cluster.copy(), restored.cluster.copy()

            assert before.reconcile_stage(stage) == after.reconcile_stage(stage)
            assert manifests(before) == manifests(after), cut.walk.program.id


def test_a_stage_that_is_stuck_is_proven_to_be() -> None:
    stuck = next(case for case in CASES if case.now == "stuck")
    found = finding(stuck)

    assert found.ways == ()
    assert found.proof is not None
    assert found.proof > 1


@pytest.mark.parametrize("now", ["needs-someone", "waiting"])
def test_nothing_is_proven_of_a_stage_that_can_come_right(now: str) -> None:
    """A verification that runs may end well; and where Freight can be promoted that is up to somebody."""
    case = next(case for case in CASES if case.now == now and "verification" in case.gates)
    live, at = moment(case)
    restored = infer(live.projects[0], RELEASES[case.kargo], at, newest=live.newest).restored

    assert (states_without(restored, case.stage) is None) is (now == "waiting")
    assert finding(case).proof is None


def test_what_only_time_brings_is_reached_by_a_proof() -> None:
    """A state after the end of a soak time is another one, though nothing has changed but the time."""
    case = next(case for case in CASES if case.name == "soak time that is not over")
    live, at = moment(case)
    restored = infer(live.projects[0], RELEASES[case.kargo], at, newest=live.newest).restored

    assert states_without(restored, case.stage) is None


def test_many_parts_are_diagnosed_as_one_by_one() -> None:
    case = next(case for case in CASES if case.helps == "reverify")
    live, now = moment(case)
    project = live.projects[0]
    many = replace(live, projects=tuple(replace(project, name=f"p{n:03}") for n in range(MANY_PARTS)))

    [alone] = diagnose(live, RELEASES[case.kargo], now).findings
    found = diagnose(many, RELEASES[case.kargo], now).findings

    assert [one.project for one in found] == [f"p{n:03}" for n in range(MANY_PARTS)]
    assert all(one.verdict == alone.verdict for one in found)
    for one in found:
        named = [tuple(line.replace(one.project, alone.project) for line in way.commands) for way in one.ways]
        assert [replace(w, commands=c) for w, c in zip(one.ways, named, strict=True)] == list(alone.ways)
