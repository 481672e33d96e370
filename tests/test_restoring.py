"""A cluster that is made of live objects goes on in the order in which the controllers of a real one would."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from live_walks import read_back

from model.kargo.loop.values import of
from model.kargo.releases import RELEASES
from simulations.kargo.live.course import begin
from simulations.kargo.live.hidden import Hidden
from simulations.kargo.live.not_given import with_mentioned
from simulations.kargo.live.restoring import Restored, restore
from simulations.kargo.live.writing import manifests
from simulations.kargo.loop.walks import Walk

Json = dict[str, Any]
NEWEST = RELEASES["1.11.2"]
SETTLE: Json = {"do": "settle"}


def stage(name: str, *warehouses: str, **more: Any) -> Json:
    requests = [{"warehouse": w, "direct": True} for w in warehouses]
    return {"name": name, "requests": requests, "template": [{}]} | more


def freight(name: str, warehouse: str = "w1") -> Json:
    return {"do": "freight", "freight": name, "warehouse": warehouse}


def promote(stage: str, name: str) -> Json:
    return {"do": "promote", "stage": stage, "freight": name}


def restored(stages: list[Json], *events: Json, hidden: Hidden | None = None) -> Restored:
    """What is made of the objects that are there after some events."""
    topology = {"warehouses": ["w1", "w2"], "stages": stages}
    program = {"id": "restored", "topology": topology, "script": {}, "events": list(events)}
    walk = Walk(program, NEWEST)
    walk.begin()
    for event in walk.program.events:
        walk.do(event)
    live, names = read_back(manifests(walk.cluster)), [s["name"] for s in stages]
    return restore(live.projects[0], NEWEST, walk.cluster.now, hidden or Hidden(), stages=names)


def test_what_stages_mention_is_added_once() -> None:
    """Newer releases are tried on objects that were completed already."""
    program = {"id": "given", "topology": {"warehouses": ["w1"], "stages": [stage("dev", "w1", verification=True)]}}
    walk = Walk(program | {"script": {}, "events": [freight("f01"), promote("dev", "f01"), SETTLE]}, NEWEST)
    walk.begin()
    for event in walk.program.events:
        walk.do(event)
    given = read_back(manifests(walk.cluster)).projects[0]
    stages_alone = replace(given, freight=(), promotions=(), runs=(), kinds=frozenset({"Stage"}))
    completed, _ = with_mentioned(stages_alone)

    assert len(completed.freight) == len(completed.runs) == 1
    assert with_mentioned(completed)[0] == completed


def test_after_a_restart_promotions_are_looked_at_in_the_order_in_which_all_of_them_were_made() -> None:
    made = [promote("prod", "f01"), promote("dev", "f01"), promote("prod", "f01")]
    later = [event for one in made for event in (one, {"do": "sleep", "seconds": 1})]
    found = restored([stage("dev", "w1"), stage("prod", "w1")], freight("f01"), *later)

    order = begin(found).controllers.restart()

    assert order == ["Stage/dev", "Stage/prod", "Promotion/prod#1", "Promotion/dev#1", "Promotion/prod#2"]


def test_freight_that_is_verified_in_one_pass_is_told_of_by_name() -> None:
    events = [{"do": "health", "stage": "app", "value": "Unhealthy"}, SETTLE, freight("f09"), freight("f02", "w2")]
    both = [promote("app", "f09"), SETTLE, promote("app", "f02"), SETTLE]
    found = restored([stage("app", "w1", "w2")], *events, *both, hidden=Hidden(queue=("Stage/app",)))
    course = begin(found)
    course.run()

    assert [change.value for change in course.changes if change.what == "verified"] == ["f02", "f09"]


def test_a_timer_of_a_stage_that_is_gone_comes_to_nothing() -> None:
    found = restored([stage("dev", "w1")], SETTLE, hidden=Hidden(timers={"Stage/gone": 1000}))
    course = begin(found)
    course.run()

    assert course.passes == 1
    assert course.controllers.queue.timers == {}


def test_a_stage_that_waits_twice_waits_for_both_controllers_of_stages() -> None:
    gate = stage("gate", "w1", template=[])
    found = restored([gate], SETTLE, hidden=Hidden(queue=("Stage/gate", "Stage/gate")))
    course = begin(found)

    assert list(course.controllers.queue.items) == ["Gate/gate", "Stage/gate"]
    course.run()
    assert course.passes == 2


def test_a_pass_that_was_made_before_writes_what_was_there_the_first_time() -> None:
    """Also what it does not read: its next look, and what is wrong with the applications."""
    cluster = restored([stage("dev", "w1")], freight("f01"), promote("dev", "f01"), SETTLE).cluster
    cluster.remember_passes()
    first, issues = cluster.reconcile_stage("dev"), cluster.state[of("issues", "dev")]
    cluster.reconcile_stage("dev")

    cluster.state = cluster.state | {of("stage_requeue", "dev"): None, of("issues", "dev"): ("old",)}

    assert cluster.reconcile_stage("dev") == first
    assert first.after_ms is not None
    assert cluster.state[of("issues", "dev")] == issues
