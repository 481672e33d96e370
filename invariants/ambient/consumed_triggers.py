"""What asks the operator to do something, and is taken away before that is done.

Two things ask: a generation that differs from the observed one, and the annotation by which people start and stop.
"""

from __future__ import annotations

from invariants.properties import Property
from invariants.triggers import consumed_only_when_done
from model.ambient.phases import SessionPhase
from model.ambient.values import Condition, Desired, Observed, Patch, Push

STARTED = (SessionPhase.PENDING, SessionPhase.CREATING, SessionPhase.RUNNING)
STOPPED = (SessionPhase.STOPPING, SessionPhase.STOPPED)


def generation_differs(observed: Observed) -> bool:
    """The spec asks to be applied."""
    return observed is not Observed.CURRENT


def workflow_was_applied(
    patch: Patch | None, next_push: Push, workflow: str | None, next_runner_workflow: str | None
) -> bool:
    """The runner has the workflow of the spec, and no push of it has failed."""
    failed = next_push is Push.FAILED or (patch is not None and patch.condition is Condition.FALSE)
    return not failed and next_runner_workflow == workflow


def repositories_were_applied(repos: str | None, next_runner_repos: str | None) -> bool:
    """The runner has the repositories of the spec."""
    return next_runner_repos == repos


def start_is_asked_for(desired: Desired) -> bool:
    """Somebody wants the session to start."""
    return desired is Desired.RUNNING


def session_starts(next_phase: SessionPhase, next_desired: Desired) -> bool:
    """The session is on its way, or people have changed their minds."""
    return next_phase in STARTED or next_desired is Desired.STOPPED


def stop_is_asked_for(desired: Desired) -> bool:
    """Somebody wants the session to stop."""
    return desired is Desired.STOPPED


def session_stops(next_phase: SessionPhase, next_desired: Desired) -> bool:
    """The session is on its way, or people have changed their minds."""
    return next_phase in STOPPED or next_desired is Desired.RUNNING


def claims() -> tuple[Property, ...]:
    """That no such trigger is consumed in vain."""
    return (
        consumed_only_when_done(
            "a_generation_is_observed_only_when_its_workflow_was_applied",
            asks=generation_differs,
            done=workflow_was_applied,
        ),
        consumed_only_when_done(
            "a_generation_is_observed_only_when_its_repositories_were_applied",
            asks=generation_differs,
            done=repositories_were_applied,
        ),
        consumed_only_when_done(
            "a_request_to_start_is_cleared_only_by_starting", asks=start_is_asked_for, done=session_starts
        ),
        consumed_only_when_done(
            "a_request_to_stop_is_cleared_only_by_stopping", asks=stop_is_asked_for, done=session_stops
        ),
    )
