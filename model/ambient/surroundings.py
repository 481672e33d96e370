"""What happens around the operator: pods, people, and what goes wrong.

What people do and what goes wrong is counted: `acts` and `faults` say how much of it is still to come. So a run has
a point after which nothing fails any more, and nobody interferes.
"""

from __future__ import annotations

from model.ambient.lifecycles import POD
from model.ambient.phases import PodPhase, SessionPhase
from model.ambient.values import Desired, Observed, Patch, Push, Timer, Value, Writing
from model.system import NOT_ENABLED, Outcomes, only, outcome


class Fault(Value):
    """What may go wrong."""

    PUSH = "a request to the runner is lost"
    STATUS = "a status patch is lost"
    POD_CREATION = "a pod cannot be created"
    SERVICE_CREATION = "a Service cannot be created"
    CLONE = "a workflow cannot be cloned"
    CRASH = "the operator is restarted"
    POD_LOSS = "a pod is lost"
    RUNNER_END = "a runner ends"
    NAMESPACE = "a namespace looks unmanaged"


class Act(Value):
    """What people may do."""

    SELECT = "select another workflow, through the backend"
    EDIT = "edit the workflow in the spec"
    DESELECT = "remove the workflow from the spec"
    RENAME = "edit something else in the spec"
    REPOS = "edit the repositories"
    START_AND_STOP = "start and stop"


# Pods


def start_container(pod: PodPhase, workflow: str | None, faults: int, *, may_fail: bool) -> Outcomes:
    """Enabled while the pod starts: the runner's container runs, after its workflow was cloned, or was not.

    Source: `components/runners/state-sync/hydrate.sh`, which goes on after a failed clone
    """
    if pod is not PodPhase.STARTING:
        return NOT_ENABLED
    runs = outcome(pod=POD.after(pod, "start"))
    if may_fail and faults and workflow is not None:
        return (
            runs,
            outcome("the workflow is not cloned", pod=POD.after(pod, "start"), files=False, faults=faults - 1),
        )
    return (runs,)


def begin_to_serve(pod: PodPhase) -> Outcomes:
    """Enabled when the runner's container runs: it begins to listen."""
    return only(pod=POD.after(pod, "serve")) if pod is PodPhase.STARTED else NOT_ENABLED


def finish_deletion(pod: PodPhase) -> Outcomes:
    """Enabled when the pod is being deleted: it is gone."""
    return only(pod=POD.after(pod, "vanish")) if pod is PodPhase.DELETING else NOT_ENABLED


# People


def has_phase(phase: SessionPhase, *, phases: tuple[SessionPhase, ...]) -> Outcomes:
    """Enabled in these phases. Source: backend `ensureRuntimeMutationAllowed`."""
    return only() if phase in phases else NOT_ENABLED


def set_workflow(workflow: str | None, acts: int, *, to: str | None) -> Outcomes:
    """Enabled when the spec has another workflow, or none."""
    return only(workflow=to, acts=acts - 1, edited=True) if workflow != to and acts else NOT_ENABLED


def set_repos(repos: str | None, acts: int, *, to: str | None) -> Outcomes:
    """Enabled when the spec has other repositories, or none."""
    return only(repos=to, acts=acts - 1, edited=True) if repos != to and acts else NOT_ENABLED


def rename(acts: int) -> Outcomes:
    """Enabled as long as people do something: an edit that says nothing of workflows or repositories."""
    return only(acts=acts - 1, edited=True) if acts else NOT_ENABLED


def set_desired(desired: Desired, acts: int, *, to: Desired) -> Outcomes:
    """Enabled when the session is not asked for this already. Source: backend `StartSession`, `StopSession`."""
    return only(desired=to, acts=acts - 1) if desired is not to and acts else NOT_ENABLED


def fall_behind(edited: bool, observed: Observed) -> Outcomes:
    """Enabled when the spec was edited, and its generation was observed: it has grown."""
    return only(observed=Observed.BEHIND) if edited and observed is Observed.CURRENT else NOT_ENABLED


def outdate(edited: bool, patch: Patch | None) -> Outcomes:
    """Enabled when the spec was edited while the handler of a Pending session is at work: it has read another."""
    return only(patch=patch._replace(stale=True)) if edited and patch is not None else NOT_ENABLED


def is_writing(writing: Writing, *, wanted: Writing) -> Outcomes:
    """Enabled when the handler of a Pending session has come to this write."""
    return only() if writing is wanted else NOT_ENABLED


def send_too() -> Outcomes:
    """The backend tells the runner itself what was selected. Source: backend `SelectWorkflow`."""
    return only(push=Push.DUE)


# What goes wrong


def spend(faults: int) -> Outcomes:
    """Enabled as long as something may still go wrong."""
    return only(faults=faults - 1) if faults else NOT_ENABLED


def restart() -> Outcomes:
    """What the operator had in memory is gone; it lists all sessions, and looks at each."""
    return only(writing=Writing.NOTHING, patch=None, timer=Timer.NONE, woken=True)


def lose_pod(pod: PodPhase) -> Outcomes:
    """Enabled when there is a pod: it is gone."""
    return only(pod=POD.after(pod, "vanish")) if pod is not PodPhase.NONE else NOT_ENABLED


def end_runner(pod: PodPhase) -> Outcomes:
    """Enabled when the pod starts or runs: the runner's container has terminated."""
    if pod in (PodPhase.STARTING, PodPhase.STARTED, PodPhase.SERVING):
        return only(pod=POD.after(pod, "end"))
    return NOT_ENABLED


# What follows


def lose_service(pod: PodPhase) -> Outcomes:
    """Enabled when there is no pod: its Service goes with it."""
    return only(service=False) if pod is PodPhase.NONE else NOT_ENABLED


def disturb() -> Outcomes:
    """Something has happened: the session is not at rest."""
    return only(settled=False)
