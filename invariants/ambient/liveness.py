"""What must happen eventually, once nothing more goes wrong and people leave a session alone.

From where a claim begins to wait, only what happens by itself is taken: passes, writes, and what pods do. A pass
may still fail as often as `faults` says. Each of these steps happens if it stays possible.
"""

from __future__ import annotations

from invariants.ambient.claims import RUNNING, SERVING
from invariants.properties import Property, always, leads_to, weak
from model.ambient.phases import PodPhase, SessionPhase
from model.ambient.session import BY_ITSELF
from model.ambient.values import Condition, Desired, Observed

FAIR = tuple(weak(step) for step in BY_ITSELF)

TO_RUN = (SessionPhase.NEW, SessionPhase.PENDING, SessionPhase.CREATING, RUNNING)


def a_push_of_the_workflow_has_failed(
    phase: SessionPhase, desired: Desired, workflow: str | None, condition: Condition
) -> bool:
    """A Running session that nobody wants to stop has a workflow, and WorkflowReconciled is False."""
    wanted = phase is RUNNING and desired is not Desired.STOPPED
    return wanted and workflow is not None and condition is Condition.FALSE


def an_edit_finds_a_push_that_has_failed(
    phase: SessionPhase, desired: Desired, workflow: str | None, condition: Condition, observed: Observed
) -> bool:
    """The same, and the spec was edited since its generation was observed."""
    failed = a_push_of_the_workflow_has_failed(phase, desired, workflow, condition)
    return failed and observed is Observed.BEHIND


def the_runner_is_told_and_the_status_says_so(
    phase: SessionPhase, workflow: str | None, condition: Condition, acknowledged: str | None
) -> bool:
    """WorkflowReconciled is True, and the present runner knows the workflow; or the session has ended."""
    return phase.over or (phase is RUNNING and condition is Condition.TRUE and acknowledged == workflow)


def a_session_is_to_run(phase: SessionPhase, desired: Desired) -> bool:
    """A session is not over, and nobody wants it to stop."""
    return phase in TO_RUN and desired is not Desired.STOPPED


def its_runner_has_the_workflow(
    phase: SessionPhase, pod: PodPhase, workflow: str | None, runner_workflow: str | None, files: bool
) -> bool:
    """The runner listens, and has the workflow of the spec with its files; or the session has ended."""
    has_it = runner_workflow == workflow and (files or workflow is None)
    return phase.over or (phase is RUNNING and pod is SERVING and has_it)


def its_runner_has_the_repositories(
    phase: SessionPhase, pod: PodPhase, repos: str | None, runner_repos: str | None
) -> bool:
    """The runner listens, and has the repositories of the spec; or the session has ended."""
    return phase.over or (phase is RUNNING and pod is SERVING and runner_repos == repos)


def its_generation_is_observed(phase: SessionPhase, observed: Observed) -> bool:
    """The operator says that it has seen the spec; or the session has ended."""
    return phase.over or (phase is RUNNING and observed is Observed.CURRENT)


def a_session_is_to_stop(phase: SessionPhase, desired: Desired) -> bool:
    """Somebody wants a session to stop that has not ended."""
    return desired is Desired.STOPPED and not phase.over


def it_has_ended(phase: SessionPhase) -> bool:
    """The session is over."""
    return phase.over


def claims() -> tuple[Property, ...]:
    """What every session owes."""
    to_run = always(a_session_is_to_run)
    return (
        leads_to(
            always(a_push_of_the_workflow_has_failed),
            the_runner_is_told_and_the_status_says_so,
            "a_failed_push_leads_to_one_that_succeeds",
            fair=FAIR,
            by=BY_ITSELF,
        ),
        leads_to(
            always(an_edit_finds_a_push_that_has_failed),
            the_runner_is_told_and_the_status_says_so,
            "an_edit_after_a_failed_push_leads_to_one_that_succeeds",
            fair=FAIR,
            by=BY_ITSELF,
        ),
        *(
            leads_to(to_run, goal, f"a_session_that_is_to_run_gets_there: {goal.__name__}", fair=FAIR, by=BY_ITSELF)
            for goal in (its_runner_has_the_workflow, its_runner_has_the_repositories, its_generation_is_observed)
        ),
        leads_to(
            always(a_session_is_to_stop),
            it_has_ended,
            "a_session_that_is_to_stop_gets_there",
            fair=FAIR,
            by=BY_ITSELF,
        ),
    )
