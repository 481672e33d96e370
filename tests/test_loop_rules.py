"""Rules of the control loop that only unusual programs show, each in the smallest one."""

from __future__ import annotations

from typing import Any

from model.kargo.releases import RELEASES
from simulations.kargo.loop.walks import Walk

Json = dict[str, Any]
NEWEST = "1.11.2"
OLDER = "1.10.10"
CACHED = "1.8.5"

FREIGHT = {"do": "freight", "freight": "f01", "warehouse": "w1"}
RECONCILE = {"do": "reconcile_stage", "stage": "dev"}
PROMOTE = {"do": "promote", "stage": "dev", "freight": "f01"}
SETTLE = {"do": "settle"}
CURRENT = {"do": "reconcile_promotion", "promo": "dev#1"}


def stage(name: str, *upstream: str, **more: Any) -> Json:
    request = {"warehouse": "w1", "stages": list(upstream)} if upstream else {"warehouse": "w1", "direct": True}
    return {"name": name, "requests": [request | more.pop("request", {})], "template": [{}]} | more


def told(stages: list[Json], *events: Json, release: str = NEWEST, script: Json | None = None) -> list[Json]:
    """What is told of each event."""
    topology = {"warehouses": ["w1"], "stages": stages}
    walk = Walk(
        {"id": "rule", "topology": topology, "script": script or {}, "events": list(events)}, RELEASES[release]
    )
    walk.begin()
    return [walk.do(event) for event in walk.program.events]


def sleep(seconds: int) -> Json:
    return {"do": "sleep", "seconds": seconds}


# Who is told first


def test_of_one_write_the_controller_for_regular_stages_is_told_before_the_one_for_control_flow():
    gate, dev = stage("gate", template=[]), stage("dev")
    for stages in ([gate, dev], [dev, gate]):
        assert told(stages, FREIGHT)[-1]["q"] == ["Stage/dev", "Gate/gate"]


def test_of_one_kind_the_stages_are_told_in_order():
    stages = [stage("gate-b", template=[]), stage("b"), stage("gate-a", template=[]), stage("a")]
    assert told(stages, FREIGHT)[-1]["q"] == ["Stage/b", "Stage/a", "Gate/gate-b", "Gate/gate-a"]


# When to look again

WAITING = {"dev": [[["run"]]]}


def waiting(seconds: int) -> Json:
    """What a pass over a waiting step with a timeout of 30 seconds asks for, so many seconds after its start."""
    dev = stage("dev", template=[{"retry": {"timeout": 30}}])
    events = (FREIGHT, RECONCILE, PROMOTE, RECONCILE, CURRENT, sleep(seconds), CURRENT)
    return told([dev], *events, script=WAITING)[-1].get("r", {})


def test_a_step_is_looked_at_again_when_its_time_is_over():
    assert waiting(29) == {"after": 1}


def test_at_the_very_end_of_its_time_asking_for_another_look_at_once_is_asking_for_none():
    assert waiting(30) == {}


# Names


def names(told_of: Json) -> list[str]:
    """The names of the Promotions that came, without their Freight."""
    changes = [told_of.get("d", {}), *(step.get("d", {}) for step in told_of.get("steps") or [])]
    made = (fields["name"] for change in changes for fields in change.values() if fields and "name" in fields)
    return [name.split(".")[1] for name in made]


def test_a_promotion_that_admission_refuses_to_a_stage_uses_up_a_name():
    """The list of available Freight is content with soaking in any Stage, admission is not."""
    stages = [stage("early"), stage("dev"), stage("prod", "dev", request={"soak": 600}, auto=True)]
    early = PROMOTE | {"stage": "early"}
    events = (SETTLE, FREIGHT, early, SETTLE, sleep(600), PROMOTE, SETTLE, PROMOTE)
    *_, settled, promoted = told(stages, *events, release=OLDER)
    errors = [step["r"]["err"] for step in settled["steps"] if "err" in step.get("r", {})]
    assert errors
    assert all("Freight is not available to this Stage" in error for error in errors)
    [name] = names(promoted)
    assert int(name[10:]) == 2 + len(errors) + 1


# What is gone


def test_a_stage_that_is_gone_cannot_be_refreshed():
    events = ({"do": "delete_stage", "stage": "dev"}, {"do": "refresh", "stage": "dev"})
    refusal = 'refresh: patch annotation: stages.kargo.akuity.io "dev" not found'
    assert told([stage("dev")], *events)[-1]["r"] == {"err": refusal}


# Stale reads


def test_a_pass_that_believes_a_running_promotion_pending_starts_it_again_but_not_its_steps():
    dev = stage("dev", template=[{}, {}])
    stale = {"do": "stale", "kind": "Promotion", "back": 2}
    events = (RECONCILE, FREIGHT, PROMOTE, RECONCILE, CURRENT, sleep(10), stale, CURRENT)
    changed = told([dev], *events, release=CACHED, script={"dev": [[["ok", "err"], ["run", "ok"]]]})[-1]["d"]
    promotion = changed["Promotion/dev#1"]
    assert promotion["phase"] == "Succeeded"
    assert promotion["started"] == promotion["finished"] == 10
    assert [(step["started"], step["finished"]) for step in promotion["steps"]] == [(0, 0), (0, 10)]


def test_a_pass_that_knows_a_promotion_is_running_runs_the_steps_again_that_it_does_not_know_to_be_over():
    dev = stage("dev", template=[{}, {}])
    stale = {"do": "stale", "kind": "Promotion", "back": 1}
    events = (RECONCILE, FREIGHT, PROMOTE, RECONCILE, CURRENT, sleep(10), stale, CURRENT)
    changed = told([dev], *events, release=CACHED, script={"dev": [[["ok", "err!"], ["run"]]]})[-1]["d"]
    assert changed["Promotion/dev#1"]["phase"] == "Errored"


# An AnalysisRun that is over and goes on all the same


def test_when_an_analysis_run_ended_counts_in_newer_releases_even_while_it_goes_on_again():
    def analysis(phase: str) -> Json:
        return {"do": "analysis", "stage": "dev", "phase": phase}

    events = (SETTLE, FREIGHT, PROMOTE, SETTLE, analysis("Failed"), sleep(60), analysis("Running"), SETTLE)
    finished = {}
    for release in RELEASES:
        after = told([stage("dev", verification=True)], *events, release=release)[-1]
        verification = after["steps"][0]["d"]["Stage/dev"]["history"][0]["verifications"][0]
        assert verification["phase"] == "Running"
        finished[release] = "finished" in verification
    assert [release for release, said in finished.items() if said] == ["1.11.2", "main"]
