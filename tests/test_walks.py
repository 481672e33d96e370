"""Walks: programs that are refused, the queue, the view, and what the recordings do not show."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from model.kargo.attempts import Attempt
from model.kargo.releases import RELEASES
from simulations.kargo.loop.cluster import Object
from simulations.kargo.loop.events import CHANGES
from simulations.kargo.loop.programs import OF_EVENTS, attempt_of, read_program
from simulations.kargo.loop.queue import WorkQueue
from simulations.kargo.loop.view import View, differences, filled
from simulations.kargo.loop.walks import Walk
from simulations.replay import RecordingError

Json = dict[str, Any]
NEWEST = "1.11.2"
OLDER = "1.10.10"


def program(*events: Json, **stage: Any) -> Json:
    """A Warehouse, a Stage that takes what it finds, and one downstream of it."""
    dev = {"name": "dev", "requests": [{"warehouse": "w1", "direct": True}], "template": [{}]}
    prod = {"name": "prod", "requests": [{"warehouse": "w1", "stages": ["dev"]}], "template": [{"as": "only"}]}
    stages = [dev | stage, prod]
    return {"id": "walk", "topology": {"warehouses": ["w1"], "stages": stages}, "events": list(events)}


FREIGHT = {"do": "freight", "freight": "f01", "warehouse": "w1"}
PROMOTE = {"do": "promote", "stage": "dev", "freight": "f01"}
SETTLE = {"do": "settle"}
RECONCILE = {"do": "reconcile_stage", "stage": "dev"}


def do(walked: Json, release: str = NEWEST) -> tuple[Walk, list[Json]]:
    """Do the events of a program, and tell of each."""
    walk = Walk(walked, RELEASES[release])
    walk.begin()
    return walk, [walk.do(event) for event in walk.program.events]


def last(*events: Json, release: str = NEWEST, **stage: Any) -> Json:
    """What the last event comes to."""
    return do(program(*events, **stage), release)[1][-1]


# Programs that are refused


def event(**fields: Any) -> Callable[[Json], object]:
    return lambda p: p["events"].append(fields)


def request(**fields: Any) -> Callable[[Json], object]:
    return lambda p: p["topology"]["stages"][1]["requests"][0].update(fields)


def step(**fields: Any) -> Callable[[Json], object]:
    return lambda p: p["topology"]["stages"][0]["template"][0].update(fields)


def topology(**fields: Any) -> Callable[[Json], object]:
    return lambda p: p["topology"].update(fields)


STAGE_1 = "program 'walk', topology, stages 1"
REFUSED: tuple[tuple[Callable[[Json], object], str], ...] = (
    (lambda p: p.pop("id"), "the program: the field 'id' is missing, which should be a text"),
    (lambda p: p.update(id=5), "the program: 'id' should be a text, not 5"),
    (lambda p: p.pop("topology"), "program 'walk': the field 'topology' is missing, which should be an object"),
    (lambda p: p.update(topology=[]), "program 'walk', topology: an object is needed, not []"),
    (topology(warehouses="w1"), "program 'walk', topology: 'warehouses' should be a list of texts, not \"w1\""),
    (topology(warehouses=["w1", "w1"]), "program 'walk', topology: Warehouse 'w1' is there twice"),
    (topology(stages={}), "program 'walk', topology: 'stages' should be a list of objects, not {}"),
    (topology(stages=[{"name": "a"}, {"name": "a"}]), "program 'walk', topology: Stage 'a' is there twice"),
    (lambda p: p["topology"]["stages"][0].pop("name"), f"{STAGE_1}: the field 'name' is missing"),
    (lambda p: p["topology"]["stages"][0].update(auto="on"), f"{STAGE_1}: 'auto' should be true or false"),
    (
        lambda p: p["topology"]["stages"][0].update(colour="red"),
        f"{STAGE_1}: there is no field 'colour'; known are",
    ),
    (request(warehouse="w9"), "program 'walk', topology, stages 2, requests 1: 'warehouse' should be one of w1"),
    (request(stages=["qa"]), "program 'walk', topology, stages 2, requests 1: there is no Stage 'qa'"),
    (request(strategy="Some"), "stages 2, requests 1: 'strategy' should be one of All, OneOf, not \"Some\""),
    (request(soak=-1), "stages 2, requests 1: 'soak' should be a number from 0 on, not -1"),
    (request(soak=True), "stages 2, requests 1: 'soak' should be a number from 0 on, not true"),
    (
        lambda p: p["topology"]["stages"][0]["requests"].append({"warehouse": "w1"}),
        f"{STAGE_1}: two requests are for one Warehouse",
    ),
    (step(**{"as": 7}), f"{STAGE_1}, template 1: 'as' should be a text, not 7"),
    (step(retry=5), f"{STAGE_1}, template 1, retry: an object is needed, not 5"),
    (step(retry={"errors": 1.5}), f"{STAGE_1}, template 1, retry: 'errors' should be a whole number from 0 on"),
    (step(retry={"tries": 1}), f"{STAGE_1}, template 1, retry: there is no field 'tries'"),
    (
        lambda p: p["topology"]["stages"][0].update(template=[{"as": "a"}, {"as": "a"}]),
        f"{STAGE_1}: two steps have the same alias",
    ),
    (lambda p: p.update(script={"qa": []}), "program 'walk', script: there is no field 'qa'; known are: dev, prod"),
    (lambda p: p.update(script={"dev": [5]}), "program 'walk', script: 'dev' should be a list of lists, not [5]"),
    (lambda p: p.update(script={"dev": [["ok"]]}), "program 'walk', script: 'dev' should have a list of attempts"),
    (
        lambda p: p.update(script={"dev": [[["okay"]]]}),
        "program 'walk', script: 'dev': there is no attempt 'okay'; known are: ok, run, skip,",
    ),
    (lambda p: p.update(events=None), "program 'walk': the field 'events' is missing"),
    (lambda p: p.update(events=["run"]), "program 'walk': 'events' should be a list of objects"),
    (event(), "program 'walk' event 2: the field 'do' is missing"),
    (event(do="dance"), "program 'walk' event 2: 'do' should be one of abort, abort_verification, analysis,"),
    (event(do="run"), "program 'walk' event 2: the field 'seconds' is missing, which should be a whole number"),
    (event(do="run", seconds="5"), "program 'walk' event 2: 'seconds' should be a whole number from 0 on"),
    (event(do="settle", rounds=3), "program 'walk' event 2: there is no field 'rounds'; known are: do"),
    (event(do="refresh", stage="qa"), "program 'walk' event 2: 'stage' should be one of dev, prod, not \"qa\""),
    (event(do="abort", promo="dev"), "program 'walk' event 2: promo should be a Promotion of a known Stage"),
    (event(do="abort", promo="qa#1"), "program 'walk' event 2: promo should be a Promotion of a known Stage"),
    (event(do="abort", promo="dev#newest"), "program 'walk' event 2: promo should be a Promotion of a known Stage"),
    (event(do="freight", freight="f2", warehouse="w9"), "program 'walk' event 2: 'warehouse' should be one of w1"),
    (
        event(do="freight", freight="", warehouse="w1"),
        "program 'walk' event 2: 'freight' should be a text, not \"\"",
    ),
    (event(do="health", stage="dev", value="Fine"), "program 'walk' event 2: 'value' should be one of Healthy,"),
    (event(do="analysis", stage="dev", phase="Done"), "program 'walk' event 2: 'phase' should be one of Aborted,"),
    (event(do="set_auto", stage="dev", value=True), "program 'walk' event 2: 'value' should be a text, not true"),
    (
        event(do="edit_stage", stage="dev", set={"requests": [{"warehouse": "w9"}]}),
        "program 'walk' event 2, set, requests 1: 'warehouse' should be one of w1",
    ),
    (
        event(do="edit_stage", stage="dev", set={"name": "x"}),
        "program 'walk' event 2, set: there is no field 'name'",
    ),
    (
        event(do="stale", kind="Stage", back=1),
        "program 'walk' event 2: 'kind' should be one of Promotion, not \"Stage\"",
    ),
)


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[message[-50:] for _, message in REFUSED])
def test_a_program_that_is_not_as_it_should_be_is_refused(change: Callable[[Json], object], message: str) -> None:
    broken = json.loads(json.dumps(program(SETTLE)))
    change(broken)

    with pytest.raises(RecordingError) as refused:
        read_program(broken)

    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_event_there_is_can_be_done() -> None:
    own = {"sleep", "stale", "restart", "reconcile_stage", "reconcile_promotion", "settle", "run"}

    assert own | CHANGES.keys() == OF_EVENTS.keys()
    assert not own & CHANGES.keys()


# Scripts


def test_an_attempt_may_take_time_and_suggest_another() -> None:
    assert attempt_of("ok@3") == Attempt("Succeeded", takes_ms=3000)
    assert attempt_of("run~20@5") == attempt_of("run@5~20")
    assert attempt_of("run~20@5").retry_after_ms == 20_000


def test_the_last_of_a_script_goes_on_and_what_is_not_said_succeeds() -> None:
    read = read_program(program() | {"script": {"dev": [[["err", "ok"]], [[], ["fail"]]]}})

    assert read.script("dev", 1, 2) == ((attempt_of("err"), attempt_of("ok")), (attempt_of("ok"),))
    assert read.script("dev", 2, 2) == read.script("dev", 9, 2) == ((attempt_of("ok"),), (attempt_of("fail"),))
    assert read.script("dev", 2, 1) == ((attempt_of("ok"),),)
    assert read.script("prod", 1, 1) == ((attempt_of("ok"),),)


# The queue


def test_an_item_is_in_the_queue_once_and_keeps_its_place() -> None:
    found = WorkQueue()
    found.add(["a", "b"])
    found.add(["b", "a", "c"])

    assert [found.take(), found.take(), found.take()] == ["a", "b", "c"]
    assert not found


def test_timers_that_are_due_come_in_order_of_time_then_of_age() -> None:
    found = WorkQueue()
    found.come_back("late", 0, 20)
    found.come_back("second", 0, 10)
    found.come_back("third", 5, 5)
    found.come_back("never", 0, None)
    found.come_back("not later", 0, 0)

    assert found.next_due() == 10
    found.add_due(9)
    assert not found
    found.add_due(20)
    assert list(found.items) == ["second", "third", "late"]
    assert found.next_due() is None


def test_a_timer_that_is_set_stays_if_it_is_earlier() -> None:
    found = WorkQueue()
    found.come_back("a", 0, 10)
    found.come_back("a", 0, 30)
    assert found.next_due() == 10

    found.come_back("a", 0, 4)
    assert found.next_due() == 4


def test_failures_in_a_row_make_the_wait_longer_up_to_a_limit() -> None:
    found = WorkQueue()
    waits = []
    for _ in range(40):
        found.back_off("a", 0)
        waits.append(found.next_due())
        found.add_due(10**9)
        found.take()

    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == 1_000_000
    found.come_back("a", 0, 7)
    found.add_due(7)
    found.back_off("a", 7)
    assert found.next_due() == 12


def test_a_controller_that_starts_anew_has_forgotten_everything() -> None:
    found = WorkQueue()
    found.add(["a"])
    found.back_off("b", 0)
    found.forget()

    assert (list(found.items), found.timers, found.failures) == ([], {}, {})


# The view


def test_what_is_empty_is_left_out_but_for_times() -> None:
    assert filled({"a": "", "b": 0, "c": None, "started": 0, "finished": None, "d": 1}) == {"started": 0, "d": 1}


def test_a_difference_has_what_changed_and_what_is_gone() -> None:
    assert differences({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5}) == {"b": 5, "c": None}
    assert differences(None, {"a": 1}) == {"a": 1}
    assert differences({"a": 1}, None) is None


def test_an_object_is_told_of_again_only_if_it_has_changed() -> None:
    walk = Walk(program(FREIGHT), RELEASES[NEWEST])
    view = View(walk.cluster)
    assert set(view.tell(view.changed())) == {"Stage/dev", "Stage/prod"}
    assert view.changed() == ()

    walk.cluster.create_freight("f01", "w1")
    assert view.tell(view.changed()) == {"Freight/f01": {"warehouse": "w1", "created": 0}}
    assert view.tell(view.changed()) == {}

    walk.cluster.delete_freight("f01")
    assert view.tell(view.changed()) == {"Freight/f01": None}


def test_names_of_promotions_are_told_as_labels() -> None:
    walk, told = do(program(FREIGHT, PROMOTE))

    name = told[-1]["d"]["Promotion/dev#1"]["name"]
    assert name.startswith("dev.")
    assert walk.view.label(name) == "dev#1"
    assert walk.view.text(f'no "{name}" and no "other"') == 'no "dev#1" and no "other"'


# What is woken


def test_freight_wakes_those_who_ask_for_it() -> None:
    assert last(FREIGHT)["q"] == ["Stage/dev"]


def test_a_promotion_wakes_itself_and_its_stage_by_its_phase() -> None:
    _, told = do(program(FREIGHT, RECONCILE, PROMOTE, {"do": "run", "seconds": 0}))

    assert told[2]["q"] == ["Promotion/dev#1"]
    assert [step["who"] for step in told[3]["steps"]] == [
        "Stage/dev",
        "Stage/prod",
        "Promotion/dev#1",
        "Stage/dev",
        "Stage/prod",
    ]


# Where the recordings are silent


def test_a_name_that_is_taken_is_refused_after_the_freight_was_admitted() -> None:
    named = PROMOTE | {"name": "m1"}
    taken = 'promotions.kargo.akuity.io "m1" already exists'

    walk, told = do(program(FREIGHT, named, named, named | {"stage": "prod"}, PROMOTE), OLDER)

    assert [t["r"] for t in told[1:3]] == [{"made": "dev#1"}, {"err": taken}]
    assert "Freight is not available to this Stage" in told[3]["r"]["err"]
    assert (told[4]["r"], walk.cluster.existing("dev")) == ({"made": "dev#2"}, ["dev#1", "dev#2"])


def test_a_name_is_free_again_once_its_promotion_is_gone() -> None:
    named = PROMOTE | {"name": "m1"}

    told = last(FREIGHT, named, {"do": "delete_promotion", "promo": "dev#1"}, named, release=OLDER)

    assert told["r"] == {"made": "dev#2"}


def test_a_name_does_not_count_where_admission_gives_all_names() -> None:
    named = PROMOTE | {"name": "m1"}

    assert last(FREIGHT, named, named)["r"] == {"made": "dev#2"}


DELETED = (RECONCILE, {"do": "delete_stage", "stage": "dev"})
"""A Stage that has its finalizer is being deleted."""


def test_a_stage_that_is_being_deleted_can_be_promoted_to_until_it_is_gone() -> None:
    _, told = do(program(FREIGHT, *DELETED, PROMOTE, RECONCILE, PROMOTE, {"do": "run", "seconds": 1}))

    assert told[3]["r"] == {"made": "dev#1"}
    assert told[4]["d"] == {"Stage/dev": None}
    assert told[5] == {"r": {"none": True}}
    assert 'could not find Stage "dev"' in str(told[6])


@pytest.mark.parametrize(
    ("does", "answer"),
    [
        ({"do": "refresh"}, {"err": 'refresh: patch annotation: stages.kargo.akuity.io "dev" not found'}),
        ({"do": "reverify"}, {"err": 'Stage "dev" in namespace "demo" not found'}),
        ({"do": "edit_stage"}, {"none": True}),
        ({"do": "clear_last"}, {"none": True}),
        ({"do": "set_last", "name": "x"}, {"none": True}),
        ({"do": "delete_stage"}, {"none": True}),
        ({"do": "analysis", "phase": "Failed"}, {"none": True}),
        ({"do": "health", "value": "Unknown"}, None),
        ({"do": "set_auto", "value": "on"}, None),
    ],
)
def test_what_is_said_of_a_stage_that_is_gone(does: Json, answer: Json | None) -> None:
    told = last({"do": "delete_stage", "stage": "dev"}, does | {"stage": "dev"})

    assert told == ({} if answer is None else {"r": answer})


def test_several_stages_may_be_deleted_and_a_restart_announces_what_is_left() -> None:
    prod = {"do": "delete_stage", "stage": "prod"}
    walk, told = do(
        program(FREIGHT, PROMOTE, *DELETED, prod, RECONCILE, {"do": "restart"}, {"do": "run", "seconds": 1})
    )

    assert walk.cluster.existing_stages() == []
    assert told[-2]["q"] == ["Promotion/dev#1"]
    assert told[-1]["steps"][0]["who"] == "Promotion/dev#1"


def test_freight_that_is_there_cannot_be_created_again() -> None:
    assert last(FREIGHT, FREIGHT) == {"r": {"err": 'freights.kargo.akuity.io "f01" already exists'}}


def test_freight_of_an_old_name_is_new() -> None:
    events = (
        FREIGHT,
        {"do": "approve", "freight": "f01", "stage": "prod"},
        {"do": "delete_freight", "freight": "f01"},
    )

    told = last(*events, {"do": "sleep", "seconds": 5}, FREIGHT)

    assert told["d"] == {"Freight/f01": {"warehouse": "w1", "created": 5}}
    assert told["q"] == ["Stage/dev"]


def test_a_stage_without_steps_becomes_a_control_flow_stage_and_a_regular_one_again() -> None:
    none = {"do": "edit_stage", "stage": "dev", "set": {"template": []}}
    one = {"do": "edit_stage", "stage": "dev", "set": {"template": [{"as": "new"}]}}
    _, told = do(program(FREIGHT, PROMOTE, SETTLE, none, RECONCILE, PROMOTE, one, RECONCILE, PROMOTE, SETTLE))

    assert told[3]["q"] == ["Gate/dev"]
    changed = told[4]["d"]["Stage/dev"]
    assert (changed["summary"], changed["history"], changed["last"], changed["health"]) == ("N/A", None, None, None)
    assert "defines no promotion steps" in told[5]["r"]["err"]
    assert told[6]["q"] == ["Stage/dev"]
    assert told[8]["r"] == {"made": "dev#2"}
    steps = [step["d"]["Promotion/dev#2"] for step in told[9]["steps"] if "Promotion/dev#2" in step.get("d", {})]
    assert [s["alias"] for s in steps[-1]["steps"]] == ["new"]


def test_what_a_stage_asks_for_may_be_edited() -> None:
    direct = {"do": "edit_stage", "stage": "prod", "set": {"requests": [{"warehouse": "w1", "direct": True}]}}
    to_prod = PROMOTE | {"stage": "prod"}

    _, told = do(program(FREIGHT, to_prod, direct, to_prod))

    assert "Freight is not available to this Stage" in told[1]["r"]["err"]
    assert (told[2]["d"], told[3]["r"]) == ({"Stage/prod": {"generation": 2}}, {"made": "prod#1"})


VERIFIED: tuple[Json, ...] = (
    FREIGHT,
    PROMOTE,
    SETTLE,
    {"do": "analysis", "stage": "dev", "phase": "Failed"},
    SETTLE,
)
"""A verification has failed."""


def verifications(walk: Walk) -> list[tuple[int, str]]:
    """The verifications of the current Freight, newest first: the numbers of their AnalysisRuns, and the phases."""
    ((_, told),) = walk.view.objects(Object("Stage", "dev"))
    assert told is not None
    return [(int(v["run"].partition("~")[2]), v.get("phase", "")) for v in told["history"][0]["verifications"]]


def test_an_analysis_run_that_was_deleted_is_not_taken_over() -> None:
    again = (
        PROMOTE | {"freight": "f02"},
        SETTLE,
        {"do": "analysis", "stage": "dev", "phase": "Successful"},
        SETTLE,
    )
    other = FREIGHT | {"freight": "f02"}
    deleted = {"do": "delete_analysis", "stage": "dev"}

    taken, _ = do(program(other, *VERIFIED, *again, PROMOTE, SETTLE, verification=True))
    anew, _ = do(program(other, *VERIFIED, deleted, *again, PROMOTE, SETTLE, verification=True))

    assert verifications(taken) == [(1, "Failed")]
    assert verifications(anew) == [(3, "")]


def test_no_analysis_run_is_taken_over_once_a_verification_was_asked_for_again() -> None:
    failed, passed = ({"do": "analysis", "stage": "dev", "phase": p} for p in ("Failed", "Successful"))
    again = ({"do": "reverify", "stage": "dev"}, SETTLE, passed, SETTLE)
    other = (FREIGHT | {"freight": "f02"}, PROMOTE | {"freight": "f02"}, SETTLE, failed, SETTLE)

    walk, _ = do(program(*VERIFIED, *again, *other, PROMOTE, SETTLE, verification=True))

    assert verifications(walk) == [(4, "")]


def test_a_last_promotion_that_is_not_there_cannot_be_renamed() -> None:
    with pytest.raises(RecordingError, match='the status of Stage "dev" has no last Promotion'):
        last({"do": "set_last", "stage": "dev", "name": "x"})


def test_freight_that_is_expected_does_not_exist_yet() -> None:
    expected = {"do": "freight", "freight": "f01", "warehouse": "w1"}

    refused = last(PROMOTE, expected)
    walk, told = do(program(PROMOTE, {"do": "approve", "freight": "f01", "stage": "dev"}, SETTLE, expected))

    assert refused["d"] == {"Freight/f01": {"warehouse": "w1", "created": 0}}
    assert "Freight is not available to this Stage" in told[0]["r"]["err"]
    assert told[1]["r"] == {"none": True}
    assert "Freight/f01" not in str(told[2])
    assert walk.cluster.exists_freight("f01")
