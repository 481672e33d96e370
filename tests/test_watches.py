"""Who is woken by a change: the rules one by one, above all where they are not what one would expect."""

from __future__ import annotations

import pytest

from model.kargo import annotations
from model.kargo.annotations import AbortPromotionRequest, VerificationRequest
from model.kargo.phases import PromotionPhase
from model.kargo.watches import (
    FreightInStage,
    OwnerReference,
    PromotionTriggers,
    Shard,
    StageTriggers,
    analysis_run_wakes_stage,
    freight_wakes_approved,
    freight_wakes_downstream,
    freight_wakes_requesters,
    is_new,
    owning_stage,
    promotion_wakes_its_stage,
    promotion_wakes_itself,
    stage_acknowledges,
    stage_wakes_itself,
)

KARGO = "kargo.akuity.io/v1alpha1"


def test_a_controller_takes_its_shard_and_by_default_what_has_none():
    assert Shard("east", default=True).is_responsible("east")
    assert Shard("east", default=True).is_responsible("")
    assert not Shard("east", default=False).is_responsible("")
    assert not Shard("", default=True).is_responsible("east")
    assert Shard("", default=False).is_responsible("")


def test_a_request_is_new_if_it_is_there_and_was_not():
    assert is_new(None, "t1")
    assert is_new("t1", "t2")
    assert is_new(None, "")
    assert not is_new("t1", "t1")
    assert not is_new("t1", None)
    assert not is_new(None, None)


# An object wakes itself


def test_a_new_promotion_wakes_itself_whatever_is_asked_of_it():
    assert promotion_wakes_itself(None, PromotionTriggers())
    assert promotion_wakes_itself(None, PromotionTriggers(refresh="t1", abort="terminate"))


def test_a_deleted_object_does_not_wake_itself():
    assert not promotion_wakes_itself(PromotionTriggers(), None)
    assert not stage_wakes_itself(StageTriggers(), None)


@pytest.mark.parametrize("change", [{"generation": 2}, {"refresh": "t1"}, {"abort": "pause"}])
def test_a_promotion_wakes_itself_by_its_generation_a_refresh_or_an_abort(change):
    assert promotion_wakes_itself(PromotionTriggers(), PromotionTriggers(**change))
    assert not promotion_wakes_itself(PromotionTriggers(**change), PromotionTriggers(**change))


@pytest.mark.parametrize("change", [{"generation": 2}, {"refresh": "t1"}])
@pytest.mark.parametrize("control_flow", [False, True])
def test_stages_of_both_kinds_wake_themselves_by_their_generation_or_a_refresh(change, control_flow):
    was, now = StageTriggers(control_flow), StageTriggers(control_flow, **change)

    assert stage_wakes_itself(was, now, control_flow=control_flow)
    assert not stage_wakes_itself(was, now, control_flow=not control_flow)


@pytest.mark.parametrize("change", [{"reverify": "v1"}, {"abort": "v1"}])
def test_only_regular_stages_know_requests_about_verifications(change):
    assert stage_wakes_itself(StageTriggers(), StageTriggers(**change))
    gate = StageTriggers(control_flow=True)
    assert not stage_wakes_itself(gate, gate._replace(**change), control_flow=True)


def test_a_stage_that_changes_its_kind_is_of_the_kind_it_has_become():
    was, now = StageTriggers(control_flow=False), StageTriggers(control_flow=True, generation=2)

    assert stage_wakes_itself(was, now, control_flow=True)
    assert not stage_wakes_itself(was, now, control_flow=False)


# Requests


def noted(key, text):
    return {key: text}


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("v1", VerificationRequest("v1")),
        ('{"id": "v1", "actor": "a", "controlPlane": true}', VerificationRequest("v1", "a", True)),
        ('{"ID": "v1", "extra": {"a": [1]}}', VerificationRequest("v1")),
        ('{"id": "v1", "id": "v2"}', VerificationRequest("v2")),
        ('{"id": "v1", "actor": null}', VerificationRequest("v1")),
        ("{broken", VerificationRequest("{broken")),
        ("NaN", VerificationRequest("NaN")),
        ("[" * 100_000, VerificationRequest("[" * 100_000)),
        ("", None),
        ("123", None),
        ("true", None),
        ("null", None),
        ('"v1"', None),
        ('["v1"]', None),
        ("{}", None),
        ('{"id": ""}', None),
        ('{"actor": "a"}', None),
        ('{"id": 1}', None),
        ('{"id": "v1", "actor": 1}', None),
        ('{"id": "v1", "controlPlane": 1}', None),
    ],
)
def test_a_request_is_read_as_json_if_it_is_json_else_as_the_text_it_is(text, request_):
    assert annotations.reverify_request(noted(annotations.REVERIFY, text)) == request_
    assert annotations.abort_verification_request(noted(annotations.ABORT, text)) == request_


def test_an_abort_of_a_promotion_is_any_action():
    def read(text):
        return annotations.abort_promotion_request(noted(annotations.ABORT, text))

    assert read("pause") == AbortPromotionRequest("pause")
    assert read('{"action": "terminate", "actor": "a"}') == AbortPromotionRequest("terminate", "a")
    assert read('{"id": "v1"}') is None
    assert read("123") is None


def test_a_refresh_is_asked_for_even_by_an_empty_text():
    assert annotations.refresh_request(noted(annotations.REFRESH, "")) == ""
    assert annotations.refresh_request({}) is None


# Promotions and Stages wake one another


def test_a_promotion_wakes_its_stage_by_a_change_of_its_phase():
    assert promotion_wakes_its_stage(PromotionPhase.NEW, PromotionPhase.PENDING)
    assert promotion_wakes_its_stage(PromotionPhase.SUCCEEDED, PromotionPhase.RUNNING)
    assert not promotion_wakes_its_stage(PromotionPhase.RUNNING, PromotionPhase.RUNNING)


def test_a_promotion_does_not_wake_its_stage_by_being_created():
    assert not any(promotion_wakes_its_stage(None, phase) for phase in PromotionPhase)


def test_a_deleted_promotion_wakes_its_stage_unless_it_was_over():
    woke = {phase for phase in PromotionPhase if promotion_wakes_its_stage(phase, None)}

    assert woke == {PromotionPhase.NEW, PromotionPhase.PENDING, PromotionPhase.RUNNING}
    assert promotion_wakes_its_stage("Strange", None)


def test_the_owning_stage_is_the_controlling_owner_if_it_is_a_stage_that_is_served():
    dev = OwnerReference(KARGO, "Stage", "dev", controller=True)

    assert owning_stage([dev]) == "dev"
    assert owning_stage([OwnerReference(KARGO, "Stage", "uat"), dev]) == "dev"
    assert owning_stage([]) is None
    assert owning_stage([dev._replace(controller=False)]) is None
    assert owning_stage([dev._replace(kind="PromotionRequest")]) is None
    assert owning_stage([dev._replace(api_version="example.com/v1")]) is None
    assert owning_stage([dev._replace(api_version="kargo.akuity.io/v1beta1")]) is None


def test_a_stage_wakes_the_promotion_that_it_newly_acknowledges():
    assert stage_acknowledges(None, "p1") == "p1"
    assert stage_acknowledges("p1", "p2") == "p2"
    assert stage_acknowledges("p1", "p1") is None
    assert stage_acknowledges("p1", None) is None


# Freight and AnalysisRuns wake Stages


def test_freight_wakes_downstream_when_it_is_newly_verified_or_newly_there_and_verified():
    nowhere, verified = FreightInStage(), FreightInStage(verified=True)
    there, both = FreightInStage(currently_in=True), FreightInStage(verified=True, currently_in=True)

    woke = {(was, now) for was in (nowhere, verified, there, both) for now in (nowhere, verified, there, both)
            if freight_wakes_downstream(was, now)}  # fmt: skip

    assert woke == {(nowhere, verified), (nowhere, both), (there, verified), (there, both), (verified, both)}


def test_freight_that_is_created_or_deleted_wakes_nobody_downstream():
    both = FreightInStage(verified=True, currently_in=True)

    assert not freight_wakes_downstream(None, both)
    assert not freight_wakes_downstream(both, None)


def test_freight_wakes_a_stage_it_is_newly_approved_for_but_not_by_its_creation():
    assert freight_wakes_approved(False, True)
    assert not freight_wakes_approved(True, True)
    assert not freight_wakes_approved(True, False)
    assert not freight_wakes_approved(None, True)
    assert not freight_wakes_approved(False, None)


def test_freight_wakes_those_who_request_it_when_it_is_created():
    assert freight_wakes_requesters(None, "f1")
    assert not freight_wakes_requesters("f1", "f1")
    assert not freight_wakes_requesters("f1", None)


def test_an_analysis_run_wakes_a_stage_by_a_change_of_its_phase():
    assert analysis_run_wakes_stage("", "Running")
    assert analysis_run_wakes_stage("Successful", "")
    assert not analysis_run_wakes_stage("Running", "Running")
    assert not analysis_run_wakes_stage(None, "Running")
    assert not analysis_run_wakes_stage("Running", None)
