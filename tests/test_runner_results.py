"""What a runner can come back with depends on its config, and is the same wherever every outcome is tried."""

from __future__ import annotations

import json
from typing import Any

import pytest

from model.kargo import planning
from model.kargo.attempts import UNKNOWN_OUTPUT
from model.kargo.releases import LATEST, RELEASES
from model.kargo.runner_results import results
from model.kargo.step_kinds import Result, step_kind
from model.kargo.templates import StepSpec, Template
from model.system import Tables, run


def can(kind: str, config: dict[str, Any], kargo: str = "1.11.2") -> frozenset[Result]:
    step = StepSpec("the-step", kind, config=json.dumps(config))
    found = step_kind(kind, kargo)
    assert found
    return frozenset(results(step, found))


@pytest.mark.parametrize("kargo", RELEASES)
@pytest.mark.parametrize(
    ("config", "waits"),
    [({}, False), ({"wait": False}, False), ({"wait": True}, True), ({"wait": "${{ vars.wait }}"}, True)],
)
def test_a_pull_request_is_waited_for_only_if_that_is_asked_for(
    kargo: str, config: dict[str, Any], waits: bool
) -> None:
    found = can("git-merge-pr", config, kargo)

    assert (Result.RUNNING in found) is waits
    assert {Result.SUCCEEDED, Result.ERRORED, Result.FAILED_TERMINALLY} <= found


def test_whoever_tries_every_outcome_knows_what_a_step_can_do_and_leave() -> None:
    """git-commit leaves its output even if it finds nothing to commit; `explore` and `lint` know that alike."""
    merge = StepSpec("merge", "git-merge-pr", config="{}")
    found = planning.planner_of(Template((StepSpec("commit", "git-commit"), merge), ()), LATEST)
    commits, merges = (
        [values["attempt"] for _, values in run(step.attempt, {"now": 0, "cancelled": False}, Tables())]
        for step in planning.free(found).steps
    )

    assert {a.status: a.output for a in commits}["Skipped"] == UNKNOWN_OUTPUT
    assert "Running" not in {a.status for a in merges}
