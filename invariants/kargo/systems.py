"""Kargo's systems that can be checked by name: small Promotions, each with a situation that matters."""

from __future__ import annotations

from invariants.kargo import step_engine
from invariants.subjects import Subject
from model.kargo import planning, promotion
from model.kargo.manifest_types import Retry
from model.kargo.plan import Plan
from model.kargo.planning import Planner
from model.kargo.releases import Behaviours
from model.kargo.templates import StepSpec, Template

TWICE = Retry(None, 2)
THRICE = Retry(None, 3)

_STEPS: dict[str, tuple[str, tuple[StepSpec, ...]]] = {
    "retry": (
        "one step that may fail twice before it fails for good",
        (StepSpec("clone", "git-clone", retry=THRICE),),
    ),
    "wait": (
        "a step that waits, with a timeout and retries, and one that depends on it",
        (StepSpec("sync", "argocd-update", retry=THRICE), StepSpec("notify", "http-download")),
    ),
    "poll": (
        "a request that may answer that it failed, without an error",
        (StepSpec("ask", "http", retry=TWICE),),
    ),
    "conditions": (
        "a step that may fail, and three after it that ask, ask something else, and do not ask",
        (
            StepSpec("test", "git-clone"),
            StepSpec("merge", "git-merge-pr", condition="${{ outputs.test.approved != '' }}"),
            StepSpec("push", "git-push"),
            StepSpec("clean", "git-clear", condition="${{ failure() }}"),
        ),
    ),
    "tolerated": (
        "a step that may fail, one after it that looks at how it went, and one that waits whatever happened",
        (
            StepSpec("try", "git-clone", continue_on_error=True, retry=TWICE),
            StepSpec("then", "git-push", condition="${{ status('try') == 'Succeeded' }}"),
            StepSpec("wait", "git-wait-for-pr", condition="${{ always() }}", retry=TWICE),
        ),
    ),
    "task": (
        "the steps of a task, the last of which composes its output, and a step that reads it",
        (
            StepSpec("task-1::commit", "git-commit"),
            StepSpec("task-1::out", "compose-output", config='{"sha": "${{ task.outputs.commit.commit }}"}'),
            StepSpec("tag", "git-push", config='{"tag": "${{ outputs[\'task-1\'].sha }}"}'),
        ),
    ),
}
_SHUTDOWNS = "shutdown"

NAMES = (*_STEPS, _SHUTDOWNS)
"""What to call them."""


def subject(name: str, behaviours: Behaviours) -> Subject:
    """The system called `name` as one release behaves, with every claim about the step engine.

    Raises KeyError for a name that is not one of `NAMES`.
    """
    if name == _SHUTDOWNS:
        about = "two steps, and a controller that may be shut down during a pass"
        two = (StepSpec("clone", "git-clone", retry=TWICE), StepSpec("push", "git-push"))
        return explored(name, about, planning.free(_planner(two, behaviours), writes_can_fail=True))
    about, steps = _STEPS[name]
    return explored(name, about, planning.free(_planner(steps, behaviours)))


def _planner(steps: tuple[StepSpec, ...], behaviours: Behaviours) -> Planner:
    return planning.planner_of(Template(steps, ()), behaviours)


def explored(name: str, about: str, plan: Plan) -> Subject:
    """A Promotion with everything that can happen to it, the claims about the step engine, and their witnesses."""
    properties = step_engine.claims(plan) + step_engine.witnesses(plan)
    return Subject(name, about, promotion.exploration(name, plan), properties, QUIET)


QUIET = ("text[", "output[", "message", "health_checks", "current_step", "work_dir", "requeue")
"""What the labels of a story say already, or what follows from the rest."""
