"""Replaying recorded watch events; and that wrong rules about them show."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace as changed
from pathlib import Path

import pytest

from model.kargo import annotations, watches
from model.kargo.releases import RELEASES
from model.kargo.watches import Shard
from simulations.kargo import replay_wakeups
from simulations.kargo.families import family_of
from simulations.kargo.replay_wakeups import replay
from simulations.kargo.watch_events import Reader
from simulations.replay import RecordingError

ROOT = Path(__file__).parents[1]
WHOLE = ROOT.parent / "shared" / "traces" / "wakeups"
CARRIED = ROOT / "tests" / "recordings" / "wakeups"


def agrees(folder):
    results = list(replay(folder))

    assert [result.release for result in results] == list(RELEASES)
    assert [str(one) for result in results for one in result.divergences] == []
    assert all(result.agrees and result.compared == 3 * result.programs for result in results)


def test_the_carried_events_wake_whom_the_controllers_woke():
    assert family_of(CARRIED).name == "wakeups"
    agrees(CARRIED)


@pytest.mark.slow
def test_all_recorded_events_wake_whom_the_controllers_woke():
    if not (WHOLE / "programs.jsonl.gz").exists():
        pytest.skip("the whole recordings are not here")
    agrees(WHOLE)


# Wrong rules


def divergences(release="1.11.2"):
    (result,) = replay(CARRIED, [release])
    return result.divergences


def rule(module, name):
    return module, name, getattr(module, name)


MUTANTS = {
    "a promotion that was over wakes its stage by being deleted": (
        *rule(watches, "promotion_wakes_its_stage"),
        lambda real, was, now: was is not None and (now is None or real(was, now)),
    ),
    "a request is new as soon as it is there": (*rule(watches, "is_new"), lambda real, was, now: now is not None),
    "the kind of a stage does not matter to itself": (
        *rule(watches, "stage_wakes_itself"),
        lambda real, was, now, control_flow: real(was, now, control_flow=now is not None and now.control_flow),
    ),
    "a created promotion asks what is requested of it": (
        *rule(watches, "promotion_wakes_itself"),
        lambda real, was, now: was is not None and real(was, now),
    ),
    "any owner is a stage": (
        *rule(watches, "owning_stage"),
        lambda real, references: next((one.name for one in references), None),
    ),
    "a stage acknowledges what it already had": (
        *rule(watches, "stage_acknowledges"),
        lambda real, was, now: now,
    ),
    "freight need not be verified": (
        *rule(watches, "freight_wakes_downstream"),
        lambda real, was, now: real(was, now) or (was is not None and now.currently_in and not was.currently_in),
    ),
    "approval wakes again and again": (*rule(watches, "freight_wakes_approved"), lambda real, was, now: now),
    "freight wakes those who request it by any change": (
        *rule(watches, "freight_wakes_requesters"),
        lambda real, was, now: now is not None,
    ),
    "an analysis run wakes by any change": (
        *rule(watches, "analysis_run_wakes_stage"),
        lambda real, was, now: was is not None,
    ),
    "an application wakes promotions at any phase": (
        *rule(replay_wakeups, "application_wakes_promotion"),
        lambda real, was, now, key, phase, targets, behaviours: real(
            was, now, key, watches.PromotionPhase.RUNNING, targets, behaviours
        ),
    ),
    "later steps count": (*rule(replay_wakeups, "targets_so_far"), lambda real, steps, current: real(steps, 99)),
    "an application wakes stages by any change": (
        *rule(replay_wakeups, "application_wakes_stages"),
        lambda real, was, now, behaviours: was is not None,
    ),
    "every text is a request": (
        *rule(annotations, "reverify_request"),
        lambda real, noted: (
            annotations.VerificationRequest(noted[annotations.REVERIFY]) if annotations.REVERIFY in noted else None
        ),
    ),
    "another actor is another request": (
        *rule(annotations, "reverify_request"),
        lambda real, noted: (found := real(noted)) and found._replace(id=noted[annotations.REVERIFY]),
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_rule_is_caught(mutant, monkeypatch):
    module, name, real, wrong = MUTANTS[mutant]
    monkeypatch.setattr(module, name, lambda *given, **named: wrong(real, *given, **named))
    # The reader holds on to the rule about owners by its name.
    monkeypatch.setattr("simulations.kargo.watch_events.owning_stage", watches.owning_stage)
    replay_wakeups._targets.cache_clear()

    assert divergences()


def test_a_controller_that_takes_what_is_not_its_own_is_caught(monkeypatch):
    monkeypatch.setattr(Shard, "is_responsible", lambda self, label: True)

    assert divergences()


@pytest.mark.parametrize(
    "field", ["applications_watched_closely", "selected_applications_wake", "several_authorized_stages"]
)
@pytest.mark.parametrize("release", ["1.9.9", "1.11.2", "main"])
def test_the_behaviour_of_another_release_is_caught(field, release, monkeypatch):
    other = changed(RELEASES[release], **{field: not getattr(RELEASES[release], field)})
    monkeypatch.setitem(RELEASES, release, other)

    assert divergences(release)


# Reading


DEV = {
    "metadata": {"namespace": "proj", "name": "dev", "generation": 1},
    "spec": {"promotionTemplate": {"spec": {"steps": [{"uses": "http"}]}}},
}
EVENT = {"object": "Stage", "type": "create", "new": DEV}
PROGRAM = {
    "id": "k1",
    "controller": {"shard": "", "default": True},
    "world": {"stages": [], "promotions": []},
    "event": EVENT,
}
RECORDING = {"id": "k1", "promotions": {}, "stages": {"self": ["proj/dev"]}, "controlflow": {}}


def write(folder, program, recording=RECORDING):
    for name, line in (("programs", program), ("1.11.2", recording)):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.write(json.dumps(line) + "\n")


def test_a_difference_shows_the_queue(tmp_path):
    write(tmp_path, PROGRAM, RECORDING | {"stages": {}})

    (result,) = replay(tmp_path)
    (one,) = result.divergences
    assert (one.program, one.field, one.expected, one.got) == ("k1", "stages", "{}", '{"self": ["proj/dev"]}')


@pytest.mark.parametrize("kind", ["update", "delete", "generic"])
def test_other_events_of_the_same_stage_wake_nobody(kind, tmp_path):
    write(tmp_path, PROGRAM | {"event": EVENT | {"type": kind, "old": DEV}}, RECORDING | {"stages": {}})

    (result,) = replay(tmp_path)
    assert result.agrees


def changed_event(**fields):
    return PROGRAM | {"event": EVENT | fields}


@pytest.mark.parametrize(
    "program",
    [
        {"id": "k1"},
        PROGRAM | {"controller": []},
        PROGRAM | {"world": None},
        PROGRAM | {"world": {"stages": [7], "promotions": []}},
        PROGRAM | {"world": {"stages": [], "promotions": [{"spec": {"steps": ["x"]}}]}},
        changed_event(object="Warehouse"),
        changed_event(object=["Stage"]),
        changed_event(type="merge"),
        changed_event(type="update"),
        changed_event(new="dev"),
        changed_event(new=DEV | {"metadata": {"generation": "1"}}),
        changed_event(new=DEV | {"status": {"freightHistory": [{"verificationHistory": 1}]}}),
        changed_event(object="Application", new={"status": {"reconciledAt": "soon"}}),
        changed_event(object="Application", new={"status": {"reconciledAt": "2026-01-01T12:00:00"}}),
        changed_event(object="Application", new={"metadata": {"labels": {"team": []}}}),
    ],
)
def test_what_is_no_watch_event_is_refused(program, tmp_path):
    write(tmp_path, program)

    with pytest.raises(RecordingError, match=r"program 'k1' .* cannot be replayed"):
        list(replay(tmp_path))


def test_missing_and_strange_files_are_named(tmp_path):
    with pytest.raises(RecordingError, match=r"programs\.jsonl\.gz cannot be read"):
        list(replay(tmp_path, ["1.11.2"]))
    write(tmp_path, PROGRAM, RECORDING | {"id": "k2"})
    with pytest.raises(RecordingError, match="does not hold one recording per program"):
        list(replay(tmp_path))


# Which object is asked, and by which controller


def queues(event, controller=None, **world):
    """What an event puts in the queues, without those that stay empty."""
    program = PROGRAM | {"event": event, "world": {"stages": [], "promotions": []} | world}
    program |= {"controller": controller} if controller else {}
    found = replay_wakeups.queues(Reader().program(program), RELEASES["1.11.2"])
    return {controller: queue for controller, queue in found.items() if queue}


def stage(name, *requests, shard="", steps=True):
    return {
        "metadata": {"namespace": "proj", "name": name, "labels": {"kargo.akuity.io/shard": shard}},
        "spec": {
            "requestedFreight": [{"origin": {"kind": "Warehouse", "name": w}, "sources": s} for w, s in requests],
            "promotionTemplate": {"spec": {"steps": [{"uses": "http"}] if steps else []}},
        },
    }


def promotion(phase, owner="dev", shard=""):
    reference = {"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Stage", "name": owner, "controller": True}
    return {
        "metadata": {
            "namespace": "proj",
            "name": "p1",
            "ownerReferences": [reference],
            "labels": {"kargo.akuity.io/shard": shard},
        },
        "status": {"phase": phase},
    }


def freight(**status):
    named = {"namespace": "proj", "name": "f1"}
    return {"metadata": named, "origin": {"kind": "Warehouse", "name": "wh1"}, "status": status}


def event(kind, new, old=None):
    return {"object": kind, "type": "update", "new": new, "old": old}


def test_a_generic_event_wakes_a_promotion_and_nobody_else():
    generic = event("Promotion", promotion("Running")) | {"type": "generic"}

    assert queues(generic) == {"promotions": {"self": ["proj/p1"]}}


def test_a_promotion_that_changes_its_owner_with_its_phase_wakes_both():
    change = event("Promotion", promotion("Running", "uat"), promotion("Pending", "dev"))

    assert queues(change) == {"stages": {"promotions": ["proj/dev", "proj/uat"]}}


def test_the_shard_after_the_change_counts_and_not_for_the_stage_of_a_promotion():
    east = {"shard": "east", "default": False}
    generation = {"metadata": {"generation": 2, "namespace": "proj", "name": "dev", "labels": {}}}

    assert queues(event("Stage", stage("dev") | generation, stage("dev", shard="east")), east) == {}
    entering = event("Promotion", promotion("Running"), promotion("Pending", shard="east"))
    assert queues(entering, east) == {"stages": {"promotions": ["proj/dev"]}}


def test_a_control_flow_stage_acknowledges_promotions_like_any_other():
    gate = stage("gate", steps=False)
    status = {"status": {"currentPromotion": {"name": "p1"}}}

    assert queues(event("Stage", gate | status, gate)) == {"promotions": {"stages": ["proj/p1"]}}
    assert queues(event("Stage", gate | status, gate), {"shard": "east", "default": False}) == {}


def test_freight_wakes_downstream_stages_whatever_they_request_from_there():
    other, gate = (
        stage("other", ("wh2", {"stages": ["dev"]})),
        stage("gate", ("wh1", {"stages": ["dev"]}), steps=False),
    )
    verified = event("Freight", freight(verifiedIn={"dev": {}}), freight())

    found = queues(verified, {"shard": "east", "default": False}, stages=[stage("dev"), other, gate])
    assert found == {
        "stages": {"freight-downstream": ["proj/other"]},
        "controlflow": {"freight-downstream": ["proj/gate"]},
    }


def test_freight_wakes_whatever_it_is_approved_for():
    approved = event("Freight", freight(approvedFor={"gate": {}, "nosuch": {}}), freight())

    found = queues(approved, stages=[stage("gate", steps=False)])
    assert found == {"stages": {"freight-approved": ["proj/gate", "proj/nosuch"]}}


def test_new_freight_wakes_those_who_request_it_directly():
    direct, indirect = stage("a", ("wh1", {"direct": True})), stage("b", ("wh1", {"stages": ["a"]}))
    created = event("Freight", freight(approvedFor={"b": {}}, verifiedIn={"a": {}})) | {"type": "create"}

    assert queues(created, stages=[direct, indirect]) == {"stages": {"freight-created": ["proj/a"]}}


def test_only_the_newest_verification_of_the_current_freight_waits_for_a_run():
    def waits(name, *collections, **more):
        named = [{"verificationHistory": [{"analysisRun": run} for run in runs]} for runs in collections]
        return stage(name, **more) | {"status": {"freightHistory": named}}

    run, none = {"namespace": "proj", "name": "run"}, None
    stages = [
        waits("newest", [run, none]),
        waits("second", [none, run]),
        waits("older", [], [run]),
        waits("far", [run], shard="east"),
        waits("gate", [run], steps=False),
    ]
    ran = {"metadata": run, "status": {"phase": "Successful"}}

    found = queues(event("AnalysisRun", ran, {"metadata": run}), stages=stages)
    assert found == {"stages": {"analysisruns": ["proj/newest"]}}
