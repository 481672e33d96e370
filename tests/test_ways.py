"""Where each outcome of each step of a template leads."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from model.kargo import planning
from model.kargo.attempts import Attempt
from model.kargo.manifest_types import NO_RETRY, Retry
from model.kargo.phases import PromotionPhase
from model.kargo.releases import RELEASES
from model.kargo.step_engine import Turn
from model.kargo.templates import StepSpec, Template
from simulations.kargo import runs
from simulations.kargo import ways as searching
from simulations.kargo.ways import Came, Way, Ways, steps_after, ways

CLONE = StepSpec("clone", "git-clone", retry=Retry(None, 3))
PUSH = StepSpec("push", "git-push")
PUSH_AGAIN = StepSpec("again", "git-push")
CLEAN = StepSpec("clean", "git-clear", condition="${{ always() }}")


def planner(*steps: StepSpec, kargo: str = "1.11.2") -> planning.Planner:
    return planning.planner_of(Template(steps, ()), RELEASES[kargo])


def found(*steps: StepSpec, kargo: str = "1.11.2") -> Ways:
    return ways(planner(*steps, kargo=kargo))


def of(ways_: Ways, source: int | None, came: Came | None) -> set[object]:
    return {w.target for w in ways_.ways if (w.source, w.came) == (source, came)}


def test_a_step_leads_to_the_next_and_the_last_one_to_the_end():
    seen = found(CLONE, PUSH)

    assert seen.complete
    assert of(seen, None, None) == {0}
    assert of(seen, 0, Came.DONE) == {1}
    assert of(seen, 1, Came.DONE) == {PromotionPhase.SUCCEEDED}
    assert of(seen, 0, Came.RETRIED) == {None}
    assert of(seen, 0, Came.FAILED) == {PromotionPhase.ERRORED, PromotionPhase.FAILED}


def test_a_failure_leads_to_the_next_step_that_asks_about_failures():
    seen = found(CLONE, PUSH, CLEAN)

    assert of(seen, 0, Came.FAILED) == {2}
    assert steps_after(seen.ways) == {2}
    assert Way(2, Came.DONE, PromotionPhase.ERRORED, late=True) in seen.ways
    assert Way(2, Came.DONE, PromotionPhase.SUCCEEDED) in seen.ways


def test_a_failure_that_does_not_count_is_swallowed():
    seen = found(replace(CLONE, continue_on_error=True), PUSH)

    assert Way(0, Came.FAILED, 1, swallowed=True) in seen.ways
    assert not [w for w in found(CLONE, PUSH).ways if w.swallowed]


def test_a_step_that_waits_comes_again():
    sync = StepSpec("sync", "argocd-update")

    assert None in of(found(sync), 0, Came.WAITS)


def test_only_the_release_with_the_bug_gives_up_a_step_that_was_begun():
    assert of(found(CLONE, kargo="1.8.3"), 0, Came.GIVEN_UP) == {PromotionPhase.SUCCEEDED}
    assert of(found(CLONE, kargo="1.8.5"), 0, Came.GIVEN_UP) == set()


def test_what_cannot_be_decided_goes_both_ways():
    maybe = StepSpec("maybe", "git-push", condition="${{ outputs.clone.commit == 'x' }}")

    seen = found(CLONE, maybe)
    assert PromotionPhase.SUCCEEDED in of(seen, 1, Came.PASSED_OVER)
    assert PromotionPhase.SUCCEEDED in of(seen, 1, Came.DONE)


@pytest.mark.parametrize("kargo", RELEASES)
@pytest.mark.parametrize("fails", ["push", "clone", "clean", "nothing"])
def test_every_run_goes_along_the_ways(fails, kargo):
    steps = (replace(PUSH, continue_on_error=True), replace(CLONE, retry=NO_RETRY), PUSH_AGAIN, CLEAN)
    legs = {(w.source, w.target) for w in found(*steps, kargo=kargo).ways}

    plan = planning.scripted(planner(*steps, kargo=kargo), {fails: (Attempt("Failed", error="x", terminal=True),)})
    run = runs.run(plan, limit=2)
    [only] = run.passes
    reached = [number for number, s in enumerate(only.steps) if s.turn is not Turn.SKIPPED_AFTER_FAILURE]
    assert set(pairwise([None, *reached, run.phase])) <= legs


def test_too_many_ways_are_admitted(monkeypatch):
    monkeypatch.setattr(searching, "MOST_WAYS", 3)

    assert not found(*(replace(PUSH, alias=f"p{i}", continue_on_error=True) for i in range(4))).complete


def test_many_steps_take_no_more_than_a_moment():
    steps = tuple(replace(CLEAN, alias=f"s{i}", continue_on_error=i % 3 == 0) for i in range(12))

    assert {w.source for w in found(*steps).ways} == {None, *range(12)}
