"""Telling the runner what the spec says: its workflow and its repositories.

The workflow goes through four rules: what there is to push, whether that arrives, what the runner makes of it, and
what becomes of the status. The status is written by one patch, which may be lost.
Source: `components/operator/internal/handlers/sessions.go: reconcileActiveWorkflowWithPatch,
reconcileSpecReposWithPatch`
"""

from __future__ import annotations

from model.ambient.phases import PodPhase
from model.ambient.values import Condition, Push
from model.system import NOT_ENABLED, Outcomes, only, outcome


def compare(workflow: str | None, seen_recorded: str | None, *, pushes_anyway: bool, tells_none: bool) -> Outcomes:
    """What there is to push: nothing if there is no workflow, or if the status says that the runner has it.

    Where there is no workflow, the runner is not told.
    """
    if workflow is None and not tells_none:
        return only(push=Push.NOT_CONFIGURED)
    return only(push=Push.DUE if pushes_anyway or workflow != seen_recorded else Push.UNCHANGED)


def deliver(push: Push, pod: PodPhase, service: bool, faults: int, *, refused: bool, may_fail: bool) -> Outcomes:
    """Enabled when there is something to push: the request arrives, or it does not.

    The host name is that of the Service. `refused`: the runner asks for a token, and the sender has none.
    """
    if push is not Push.DUE:
        return NOT_ENABLED
    if not service:
        return only("push failed: no such host", push=Push.FAILED)
    if pod is not PodPhase.SERVING:
        return only("push failed: nobody listens", push=Push.FAILED)
    if refused:
        return only("push failed: 401", push=Push.FAILED)
    if may_fail and faults:
        lost = outcome("push failed: timed out", push=Push.FAILED, faults=faults - 1)
        return (outcome("pushed", push=Push.DELIVERED), lost)
    return only("pushed", push=Push.DELIVERED)


def receive(
    push: Push,
    workflow: str | None,
    runner_workflow: str | None,
    files: bool,
    faults: int,
    *,
    may_fail: bool,
    clones_count: bool,
) -> Outcomes:
    """Enabled when the push has arrived: the runner clones the workflow, unless it goes by that one already.

    It answers 200 even if it could not clone.
    Source: `components/runners/ambient-runner/ambient_runner/endpoints/workflow.py: change_workflow`
    """
    has_it = runner_workflow == workflow and (files or not clones_count)
    if push is not Push.DELIVERED or has_it:
        return NOT_ENABLED
    cloned = outcome(runner_workflow=workflow, files=True)
    if not (may_fail and faults and workflow is not None):
        return (cloned,)
    left = faults - 1
    if clones_count:
        return (cloned, outcome("and not cloned: 500", push=Push.FAILED, faults=left))
    return (cloned, outcome("and not cloned", runner_workflow=workflow, files=False, faults=left))


def acknowledge(push: Push, workflow: str | None, acknowledged: str | None) -> Outcomes:
    """Enabled when the push has arrived: the operator knows that this pod was told, perhaps `again`."""
    if push is not Push.DELIVERED:
        return NOT_ENABLED
    return only(acknowledged=workflow, again=workflow is not None and acknowledged == workflow)


def push_repos(
    repos: str | None,
    recorded_repos: str | None,
    pod: PodPhase,
    service: bool,
    faults: int,
    *,
    refused: bool,
    may_fail: bool,
) -> Outcomes:
    """Enabled when the status says that the runner has other repositories; a failure is only logged."""
    if repos == recorded_repos:
        return NOT_ENABLED
    if not service or pod is not PodPhase.SERVING or refused:
        return only("repositories not pushed", repos_push=Push.FAILED)
    if may_fail and faults:
        lost = outcome("repositories not pushed: timed out", repos_push=Push.FAILED, faults=faults - 1)
        return (outcome("repositories pushed", repos_push=Push.DELIVERED, runner_repos=repos), lost)
    return only("repositories pushed", repos_push=Push.DELIVERED, runner_repos=repos)


def try_to_write(faults: int, *, may_be_lost: bool) -> Outcomes:
    """The status patch is applied, or it is not: nothing is repeated, the error is returned or logged.

    Source: `components/operator/internal/handlers/helpers.go: mutateAgenticSessionStatus`
    """
    if may_be_lost and faults:
        return (outcome(lost=False), outcome("status not written", lost=True, faults=faults - 1))
    return only(lost=False)


def note_workflow(push: Push, workflow: str | None) -> Outcomes:
    """What the status says of the workflow after a push; where there was none to make, it is left as it is."""
    if push is Push.NOT_CONFIGURED:
        return only(condition=Condition.TRUE, recorded=None)
    if push is Push.DELIVERED:
        return only(condition=Condition.TRUE, recorded=workflow)
    if push is Push.FAILED:
        return only(condition=Condition.FALSE)
    return NOT_ENABLED


def note_repos(repos: str | None, repos_push: Push, *, repositories_count: bool) -> Outcomes:
    """What the status says of the repositories, whatever came of telling the runner."""
    return NOT_ENABLED if repositories_count and repos_push is Push.FAILED else only(recorded_repos=repos)
