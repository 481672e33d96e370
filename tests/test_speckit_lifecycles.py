"""The lifecycles of spec-kit's runs and steps."""

from __future__ import annotations

import pytest
from lifecycle_agreement import cases, check_agreement

from model.lifecycle import IllegalTransitionError
from model.speckit.lifecycles import RUN, STEP, RunLifecycle, StepLifecycle
from model.speckit.releases import RELEASES
from model.speckit.statuses import RunStatus, StepStatus


@pytest.mark.parametrize(("phase", "name"), cases(RunLifecycle))
def test_the_table_of_runs_agrees_with_the_library(phase, name):
    check_agreement(RunLifecycle, RUN, phase, name)


@pytest.mark.parametrize(("phase", "name"), cases(StepLifecycle))
def test_the_table_of_steps_agrees_with_the_library(phase, name):
    check_agreement(StepLifecycle, STEP, phase, name)


def test_statuses_are_spelled_as_spec_kit_spells_them():
    assert [s.value for s in RunStatus] == ["created", "running", "paused", "completed", "failed", "aborted"]
    assert [s.value for s in StepStatus] == ["pending", "running", "completed", "failed", "skipped", "paused"]


def test_only_a_run_that_is_paused_or_failed_is_resumed():
    assert [s for s in RunStatus if "resume" in RUN.leaving(s)] == [RunStatus.PAUSED, RunStatus.FAILED]


def test_what_was_done_is_run_again_only_where_a_release_restarts_what_is_around():
    for status in (StepStatus.COMPLETED, StepStatus.SKIPPED):
        with pytest.raises(IllegalTransitionError):
            STEP.after(status, "redo")
        found = STEP.finding(status, StepStatus.RUNNING)
        assert found is not None
        assert found.releases == tuple(b.release for b in RELEASES.values() if not b.keeps_a_tree)


def test_everything_is_documented():
    for table in (RUN, STEP):
        assert all(p.doc.endswith(".") for p in table.phases)
        assert all(a.doc.endswith(".") for a in (*table.arrows, *table.findings))
