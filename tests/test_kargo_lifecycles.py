"""The lifecycles of Promotions and steps."""

from __future__ import annotations

import subprocess
import sys
import timeit

import pytest

from model.kargo.lifecycles import PROMOTION, STEP, PromotionLifecycle, StepLifecycle
from model.kargo.phases import PromotionPhase, StepPhase, StepStatus, step_phase
from model.lifecycle import IllegalTransitionError
from tests.lifecycle_agreement import cases, check_agreement


@pytest.mark.parametrize(("phase", "name"), cases(PromotionLifecycle))
def test_the_table_of_promotions_agrees_with_the_library(phase, name):
    check_agreement(PromotionLifecycle, PROMOTION, phase, name)


@pytest.mark.parametrize(("phase", "name"), cases(StepLifecycle))
def test_the_table_of_steps_agrees_with_the_library(phase, name):
    check_agreement(StepLifecycle, STEP, phase, name)


def test_phases_are_spelled_as_kargo_spells_them():
    assert [s.value for s in StepStatus] == [
        "",
        "Running",
        "Succeeded",
        "Failed",
        "Errored",
        "Aborted",
        "Skipped",
    ]
    assert [p.value for p in PromotionPhase] == [
        "",
        "Pending",
        "Running",
        "Succeeded",
        "Failed",
        "Errored",
        "Aborted",
    ]
    assert {p.status for p in StepPhase} == set(StepStatus)
    assert all(p.value.startswith(p.status.value) for p in StepPhase)


def test_final_phases_are_those_that_are_over():
    assert set(PROMOTION.final) == {p for p in PromotionPhase if p.terminal}
    assert set(STEP.final) == {p for p in StepPhase if p.over}


def test_a_step_that_is_not_over_may_come_to_any_result():
    results = set(StepPhase) - {StepPhase.NEW, StepPhase.SKIPPED, StepPhase.ABORTED}
    for before in StepPhase:
        if not before.over:
            assert {now for now in results if STEP.allows(before, now)} == results


def test_a_step_that_is_over_stays_as_it_is():
    assert not any(
        STEP.allows(before, now) for before in StepPhase if before.over for now in StepPhase if now is not before
    )


def test_only_a_new_step_may_be_passed_over():
    assert [p for p in StepPhase if STEP.allows(p, StepPhase.SKIPPED)] == [StepPhase.NEW, StepPhase.SKIPPED]


def test_a_started_step_that_is_passed_over_is_a_finding_of_early_releases():
    started = [p for p in StepPhase if not p.over and p is not StepPhase.NEW]
    assert [f.source for f in STEP.findings] == started
    for phase in started:
        with pytest.raises(IllegalTransitionError):
            STEP.after(phase, "pass_over")
        assert STEP.after(phase, "pass_over", findings=True) is StepPhase.SKIPPED
        found = STEP.finding(phase, StepPhase.SKIPPED)
        assert found is not None
        assert "1.8.3" in found.releases
        assert "1.8.5" not in found.releases


def test_only_a_running_step_is_aborted_with_its_promotion():
    assert [p for p in StepPhase if "abort" in STEP.leaving(p)] == [StepPhase.RUNNING]


def test_every_phase_of_a_step_is_found_again_from_what_its_metadata_says():
    finished = {
        StepPhase.SUCCEEDED,
        StepPhase.FAILED,
        StepPhase.ERRORED,
        StepPhase.ABORTED,
        StepPhase.NOTHING_TO_DO,
    }
    for phase in StepPhase:
        assert step_phase(phase.status, over=phase.over, finished=phase in finished) is phase
    assert step_phase(StepStatus.ERRORED, over=True, finished=False) is StepPhase.ERRORED


@pytest.mark.parametrize("status", [StepStatus.NEW, StepStatus.RUNNING])
def test_what_a_step_cannot_be_is_refused(status):
    with pytest.raises(KeyError):
        step_phase(status, over=True, finished=False)


def test_a_promotion_can_be_aborted_until_it_ends():
    assert [p for p in PromotionPhase if "abort" in PROMOTION.leaving(p)] == [
        p for p in PromotionPhase if not p.terminal
    ]


def test_a_promotion_may_go_through_its_whole_life_in_one_pass():
    assert PROMOTION.leads_to(PromotionPhase.NEW, PromotionPhase.SUCCEEDED)
    assert not PROMOTION.allows(PromotionPhase.NEW, PromotionPhase.SUCCEEDED)
    assert not PROMOTION.leads_to(PromotionPhase.FAILED, PromotionPhase.RUNNING)


def test_everything_is_documented():
    for table in (PROMOTION, STEP):
        assert table.doc.endswith(".")
        assert all(p.doc.endswith(".") for p in table.phases)
        assert all(a.doc.endswith(".") for a in (*table.arrows, *table.findings))


def test_a_lookup_costs_next_to_nothing():
    running = StepPhase.RUNNING
    seconds = min(timeit.repeat(lambda: STEP.after(running, "succeed"), number=10_000, repeat=5))
    assert seconds / 10_000 < 2e-6  # measured 0.07 µs; the rest is for a busy machine


def test_naming_phases_does_not_load_the_state_machine_library():
    code = "import sys, model.kargo.phases; sys.exit('statemachine' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
