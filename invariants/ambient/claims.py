"""Claims about a session of the operator.

A session is *at rest* when nothing will happen unless somebody interferes: the last pass did nothing and nothing
has happened since, or nobody will look at it. What is said of a session at rest is the safety half of what must
happen eventually (`invariants.ambient.liveness`). The other half: a push fails only for a reason that goes away, so
that trying for ever is not in vain.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from model.ambient.phases import PodPhase, SessionPhase
from model.ambient.values import Condition, Desired, Observed, Push, Timer, Writing

Claim = Callable[..., bool]

RUNNING, SERVING = SessionPhase.RUNNING, PodPhase.SERVING


def at_rest(settled: bool, woken: bool, timer: Timer, writing: Writing) -> bool:
    """Whether nothing will happen to a session by itself."""
    return settled or will_not_be_looked_at(woken, timer, writing)


def will_not_be_looked_at(woken: bool, timer: Timer, writing: Writing) -> bool:
    """Whether no pass over a session is under way, or will come by itself."""
    return not woken and timer is Timer.NONE and writing is Writing.NOTHING


def serves(phase: SessionPhase, pod: PodPhase, desired: Desired) -> bool:
    """Whether a session is Running, its runner listens, and nobody wants it to stop."""
    return phase is RUNNING and pod is SERVING and desired is not Desired.STOPPED


def rests_and_serves(
    settled: bool,
    woken: bool,
    timer: Timer,
    writing: Writing,
    phase: SessionPhase,
    pod: PodPhase,
    desired: Desired,
) -> bool:
    """Whether nothing will happen by itself to a session that serves."""
    return at_rest(settled, woken, timer, writing) and serves(phase, pod, desired)


def of_a_session_that_rests(claim: Claim) -> Claim:
    """The claim of sessions that rest while they serve; it says nothing of others."""
    rest = inspect.signature(rests_and_serves).parameters

    @wraps(claim)
    def about(**values: Any) -> bool:
        resting = {name: values.pop(name) for name in rest}
        return not rests_and_serves(**resting) or claim(**values)

    every = (*rest.values(), *inspect.signature(claim).parameters.values())
    keywords = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in every]
    vars(about)["__signature__"] = inspect.Signature(keywords)
    return about


# The workflow


@of_a_session_that_rests
def a_workflow_whose_push_failed_is_pushed_again(workflow: str | None, condition: Condition) -> bool:
    """No session rests with a runner that listens and WorkflowReconciled=False, while it has a workflow."""
    return not (workflow is not None and condition is Condition.FALSE)


@of_a_session_that_rests
def a_session_at_rest_has_told_its_runner(workflow: str | None, acknowledged: str | None) -> bool:
    """No session rests with a workflow that the operator has not told its present runner."""
    return workflow is None or acknowledged == workflow


@of_a_session_that_rests
def a_session_at_rest_has_its_workflow(workflow: str | None, runner_workflow: str | None) -> bool:
    """No session rests while its runner has another workflow than the spec."""
    return runner_workflow == workflow


@of_a_session_that_rests
def a_session_at_rest_has_the_files_of_its_workflow(workflow: str | None, files: bool) -> bool:
    """No session rests while its runner lacks the files of the workflow."""
    return workflow is None or files


def what_is_reported_as_reconciled_was_told_to_this_pod(
    phase: SessionPhase, condition: Condition, workflow: str | None, recorded: str | None, acknowledged: str | None
) -> bool:
    """While a session is Running, WorkflowReconciled=True means that its present pod knows what is recorded."""
    if phase is not RUNNING or condition is not Condition.TRUE or workflow is None:
        return True
    return recorded is not None and acknowledged == recorded


def no_workflow_is_pushed_without_a_pod(pod: PodPhase, next_push: Push) -> bool:
    """Nothing is sent to a runner before its pod exists."""
    return pod is not PodPhase.NONE or next_push not in (Push.DELIVERED, Push.FAILED)


def an_acknowledged_workflow_is_not_pushed_again(next_again: bool) -> bool:
    """What the present runner has acknowledged is not sent to it again."""
    return not next_again


def a_failed_push_waits_before_the_next(
    phase: SessionPhase, next_phase: SessionPhase, next_push: Push, next_asked: Timer, next_woken: bool
) -> bool:
    """After a push that failed, five seconds pass before the next, unless something has changed."""
    if next_push is not Push.FAILED or next_phase is not phase:
        return True
    return next_asked is not Timer.TWO_SECONDS and not next_woken


def a_push_fails_only_for_a_reason_that_goes_away(
    pod: PodPhase, faults: int, next_faults: int, next_push: Push
) -> bool:
    """A push fails only because something goes wrong just now, or because the runner is still starting."""
    return next_push is not Push.FAILED or next_faults < faults or pod is PodPhase.STARTED


# The rest of the spec


@of_a_session_that_rests
def a_session_at_rest_has_its_repositories(repos: str | None, runner_repos: str | None) -> bool:
    """No session rests while its runner has other repositories than the spec."""
    return runner_repos == repos


@of_a_session_that_rests
def a_session_at_rest_has_observed_its_generation(observed: Observed) -> bool:
    """No session rests while its observedGeneration differs from its generation."""
    return observed is Observed.CURRENT


# The session itself


def a_running_session_will_be_looked_at(phase: SessionPhase, woken: bool, timer: Timer, writing: Writing) -> bool:
    """A Running session is in the queue, or has a timer."""
    return phase is not RUNNING or not will_not_be_looked_at(woken, timer, writing)


def a_running_session_can_be_reached(phase: SessionPhase, pod: PodPhase, service: bool) -> bool:
    """While a session is Running and its runner's container runs, there is a Service for it."""
    return phase is not RUNNING or not pod.runs or service


def a_session_whose_runner_has_ended_does_not_stay_running(
    settled: bool, woken: bool, timer: Timer, writing: Writing, phase: SessionPhase, pod: PodPhase
) -> bool:
    """No session rests in Running with a runner that has ended."""
    return not (at_rest(settled, woken, timer, writing) and phase is RUNNING and pod is PodPhase.ENDED)


# Witnesses: situations without which the claims would say little


def a_session_is(phase: SessionPhase, *, wanted: SessionPhase) -> bool:
    """Some session gets to a phase."""
    return phase is wanted


def a_session_rests_while_its_runner_serves(
    settled: bool, phase: SessionPhase, pod: PodPhase, desired: Desired
) -> bool:
    """Some session comes to rest with a runner that listens."""
    return settled and serves(phase, pod, desired)


def a_spec_is_behind(observed: Observed) -> bool:
    """Some spec was edited since it was last observed."""
    return observed is Observed.BEHIND
