"""What a pass over a session decides, phase by phase; and the writes that the handler of a Pending session makes.

A pass reads the session once, as it begins: what it `seen_...` stays what it knows, even where it writes itself.
Source: `components/operator/internal/controller/reconcile_phases.go`, unless said otherwise
"""

from __future__ import annotations

from model.ambient.behaviours import Retry, Started
from model.ambient.lifecycles import POD, SESSION
from model.ambient.phases import PodPhase, SessionPhase
from model.ambient.values import Condition, Desired, Observed, Patch, Place, Push, Timer, Writing
from model.system import NOT_ENABLED, Outcomes, only, outcome

SOONER = tuple(Timer)
"""Timers, the soonest last."""


def begin(
    phase: SessionPhase, woken: bool, timer: Timer, writing: Writing, *, phases: tuple[SessionPhase, ...]
) -> Outcomes:
    """Enabled for a session in one of `phases` that is in the queue, or whose timer fires, and not being handled.

    An event does not put off a timer: that stays until it fires.
    Source: controller-runtime 0.20 `Controller.reconcileHandler`, client-go `delayingType.AddAfter`
    """
    if phase not in phases or writing is not Writing.NOTHING:
        return NOT_ENABLED
    if woken and timer is not Timer.NONE:
        return (outcome(woken=False), outcome("its timer fires", woken=False, timer=Timer.NONE))
    if woken:
        return only(woken=False)
    return only("its timer fires", timer=Timer.NONE) if timer is not Timer.NONE else NOT_ENABLED


def see(condition: Condition, recorded: str | None) -> Outcomes:
    """What the pass reads of the status, and goes by until it ends."""
    return only(seen_condition=condition, seen_recorded=recorded)


# Pending


def heed_wish(phase: SessionPhase, desired: Desired) -> Outcomes:
    """Enabled when somebody asked for the session to be stopped: no pod is created."""
    if desired is not Desired.STOPPED:
        return NOT_ENABLED
    return only("stopped", phase=SESSION.after(phase, "be_stopped"), desired=Desired.NOTHING, at=Place.DONE)


def initialize(phase: SessionPhase) -> Outcomes:
    """Enabled when the session has no phase yet. Source: `handleAgenticSessionEvent`."""
    if phase is not SessionPhase.NEW:
        return NOT_ENABLED
    return only(phase=SESSION.after(phase, "initialize"))


def adopt_pod(phase: SessionPhase, pod: PodPhase, lost: bool, *, observes: bool) -> Outcomes:
    """Enabled when there is a pod already: the generation counts as observed, and nothing is pushed or created.

    An error of the status patch is dropped. Source: `handleAgenticSessionEvent`
    """
    if pod is PodPhase.NONE:
        return NOT_ENABLED
    if lost:
        return only("finds a pod", desired=Desired.NOTHING, at=Place.DONE, asked=Timer.TWO_SECONDS)
    return only(
        "finds a pod",
        phase=SESSION.after(phase, "have_pod"),
        observed=Observed.CURRENT if observes else Observed.BEHIND,
        desired=Desired.NOTHING,
        at=Place.DONE,
        asked=Timer.TWO_SECONDS,
    )


def create_pod(
    pod: PodPhase,
    workflow: str | None,
    repos: str | None,
    push: Push,
    faults: int,
    *,
    stamps_failures: bool,
    may_fail: bool,
) -> Outcomes:
    """Enabled when there is no pod: it is created with the workflow and repositories of the spec.

    The status is collected, and written after it. Source: `handleAgenticSessionEvent`
    """
    if pod is not PodPhase.NONE:
        return NOT_ENABLED
    patch = Patch(REPORTED.get(push), repos, stamps=stamps_failures or push is not Push.FAILED)
    created = outcome(
        "creates the pod",
        pod=POD.after(pod, "create"),
        runner_workflow=workflow,
        runner_repos=repos,
        files=True,
        acknowledged=None,
        writing=Writing.STATUS,
        patch=patch,
        at=Place.DONE,
    )
    if may_fail and faults:
        failed = outcome("cannot create the pod", faults=faults - 1, at=Place.DONE, asked=Timer.BACKOFF)
        return (created, failed)
    return (created,)


REPORTED = {
    Push.NOT_CONFIGURED: Condition.TRUE,
    Push.DELIVERED: Condition.TRUE,
    Push.FAILED: Condition.FALSE,
}
"""What WorkflowReconciled says after a push; nothing where there was none to make."""


def write_status(phase: SessionPhase, writing: Writing, patch: Patch | None, lost: bool) -> Outcomes:
    """Enabled when the pod has just been created: the collected status is written, or lost, which is only logged.

    Source: `handleAgenticSessionEvent`
    """
    if writing is not Writing.STATUS or patch is None:
        return NOT_ENABLED
    if lost:
        return only(writing=Writing.DESIRED)
    return only(phase=SESSION.after(phase, "have_pod"), writing=Writing.DESIRED)


def forget_former_pod() -> Outcomes:
    """What the status says of the workflow is not about this pod."""
    return only(condition=Condition.ABSENT, recorded=None)


def write_observed(patch: Patch | None) -> Outcomes:
    """Enabled where the patch stamps the generation that the handler has read."""
    if patch is None or not patch.stamps:
        return NOT_ENABLED
    return only(observed=Observed.BEHIND if patch.stale else Observed.CURRENT)


def write_workflow(patch: Patch | None) -> Outcomes:
    """Enabled where the patch says something of the workflow; before there is a pod, none can be recorded."""
    if patch is None or patch.condition is None:
        return NOT_ENABLED
    if patch.condition is Condition.TRUE:
        return only(condition=Condition.TRUE, recorded=None)
    return only(condition=patch.condition)


def write_repos(patch: Patch | None) -> Outcomes:
    """Enabled where there is a patch: the repositories count as reconciled."""
    return NOT_ENABLED if patch is None else only(recorded_repos=patch.repos)


def clear_desired(writing: Writing, desired: Desired, *, keeps_wishes: bool) -> Outcomes:
    """Enabled after the status patch: the wish of people is cleared, whatever it is by now.

    Source: `handleAgenticSessionEvent`, `clearAnnotation`
    """
    if writing is not Writing.DESIRED:
        return NOT_ENABLED
    if keeps_wishes and desired is Desired.STOPPED:
        return only(writing=Writing.SERVICE)
    return only(desired=Desired.NOTHING, writing=Writing.SERVICE)


def create_service(writing: Writing, pod: PodPhase, timer: Timer, faults: int, *, may_fail: bool) -> Outcomes:
    """Enabled last: the Service is created, which an error of is only logged, and the pass ends.

    It belongs to the pod, and goes with it. Source: `handleAgenticSessionEvent`
    """
    if writing is not Writing.SERVICE:
        return NOT_ENABLED
    soon = sooner(timer, Timer.TWO_SECONDS)
    made = outcome(service=pod is not PodPhase.NONE, writing=Writing.NOTHING, patch=None, timer=soon)
    if may_fail and faults:
        failed = outcome("cannot create it", writing=Writing.NOTHING, patch=None, timer=soon, faults=faults - 1)
        return (made, failed)
    return (made,)


# Creating


def look_at_new_pod(phase: SessionPhase, pod: PodPhase, desired: Desired, *, started: Started) -> Outcomes:
    """What a Creating session becomes, by its pod; one whose pod exists cannot be stopped yet.

    Source: `reconcileCreating`, `UpdateSessionFromPodStatus`
    """
    if pod is PodPhase.NONE and desired is Desired.STOPPED:
        return only("stopped", phase=SESSION.after(phase, "be_stopped"), desired=Desired.NOTHING, at=Place.DONE)
    if pod is PodPhase.NONE:
        return only("the pod is missing", phase=SESSION.after(phase, "reset"), at=Place.DONE, asked=Timer.BACKOFF)
    if pod is PodPhase.ENDED:
        gone = POD.after(pod, "delete")
        return (
            outcome(
                "the runner has ended",
                phase=SESSION.after(phase, "complete"),
                pod=gone,
                service=False,
                at=Place.DONE,
                asked=Timer.TWO_SECONDS,
            ),
            outcome(
                "the runner has failed",
                phase=SESSION.after(phase, "fail"),
                pod=gone,
                service=False,
                at=Place.DONE,
            ),
        )
    if not pod.runs:
        return only(at=Place.DONE, asked=Timer.TWO_SECONDS)
    if started is Started.NOT_PUSHED:
        return only("runs", phase=SESSION.after(phase, "run"), at=Place.DONE, asked=Timer.HALF_A_MINUTE)
    return only(at=Place.WORKFLOW)


def run_after_push(phase: SessionPhase, push: Push, lost: bool, *, started: Started) -> Outcomes:
    """What a Creating session becomes once its workflow was pushed: Running, unless it waits for a success."""
    if started is Started.PUSHED_UNTIL_DONE and (push is Push.FAILED or lost):
        return only("stays", at=Place.DONE, asked=Timer.TWO_SECONDS)
    return only("runs", phase=SESSION.after(phase, "run"), at=Place.DONE, asked=Timer.HALF_A_MINUTE)


# Running


def keep_service(service: bool, pod: PodPhase, faults: int, *, may_fail: bool) -> Outcomes:
    """Enabled when a pod has no Service: it gets one. No version does that."""
    if service or pod in (PodPhase.NONE, PodPhase.DELETING):
        return NOT_ENABLED
    if may_fail and faults:
        return (outcome("makes a Service", service=True), outcome("cannot make a Service", faults=faults - 1))
    return only("makes a Service", service=True)


def see_end(phase: SessionPhase, pod: PodPhase) -> Outcomes:
    """Enabled when the runner of a Running session has ended. No version looks at that."""
    if pod is not PodPhase.ENDED:
        return NOT_ENABLED
    gone = POD.after(pod, "delete")
    return (
        outcome(
            "the runner has ended", phase=SESSION.after(phase, "complete"), pod=gone, service=False, at=Place.DONE
        ),
        outcome(
            "the runner has failed", phase=SESSION.after(phase, "fail"), pod=gone, service=False, at=Place.DONE
        ),
    )


def look_at_pod(phase: SessionPhase, pod: PodPhase, desired: Desired) -> Outcomes:
    """Enabled when the pod of a Running session is missing, or somebody asked for it to be stopped.

    Whether the runner still runs is not looked at. Source: `reconcileRunning`, `InitiateStop`
    """
    if pod is PodPhase.NONE:
        return only("the pod is missing", phase=SESSION.after(phase, "reset"), at=Place.DONE, asked=Timer.BACKOFF)
    if desired is not Desired.STOPPED:
        return NOT_ENABLED
    return only(
        "deletes the pod",
        phase=SESSION.after(phase, "stop"),
        pod=POD.after(pod, "delete"),
        service=False,
        at=Place.DONE,
        asked=Timer.TWO_SECONDS,
    )


def look_for_drift(observed: Observed, *, unset_is_drift: bool) -> Outcomes:
    """Whether the spec counts as edited: the generation differs from the observed one, which has to be set."""
    drifted = observed is Observed.BEHIND or (unset_is_drift and observed is Observed.UNSET)
    return only(at=Place.SPEC if drifted else Place.WORKFLOW)


def stamp(push: Push, repos_push: Push, *, repositories_count: bool) -> Outcomes:
    """Enabled unless the workflow could not be pushed: the generation counts as observed.

    Source: `ReconcileSpecChanges`
    """
    failed = push is Push.FAILED or (repositories_count and repos_push is Push.FAILED)
    return NOT_ENABLED if failed else only(observed=Observed.CURRENT)


def end_spec(
    push: Push, repos_push: Push, lost: bool, *, returns_early: bool, repositories_count: bool
) -> Outcomes:
    """What comes after an edited spec: the pass ends if something failed, or goes on as if nothing had."""
    failed = push is Push.FAILED or lost or (repositories_count and repos_push is Push.FAILED)
    if returns_early and failed:
        return only(at=Place.DONE, asked=Timer.FIVE_SECONDS)
    return only(at=Place.WORKFLOW)


def look_for_failure(
    workflow: str | None, seen_condition: Condition, *, retry: Retry, tells_none: bool
) -> Outcomes:
    """Enabled when nothing is pushed: no workflow is configured, or the status gives no reason to.

    Source: `NeedsWorkflowReconciliation`
    """
    if (workflow is not None or tells_none) and (
        (retry is Retry.UNLESS_TRUE and seen_condition is not Condition.TRUE)
        or (retry is Retry.AFTER_FAILURE and seen_condition is Condition.FALSE)
    ):
        return NOT_ENABLED
    return only(at=Place.DONE, asked=Timer.HALF_A_MINUTE)


def end_retry(push: Push, lost: bool, *, returns_early: bool) -> Outcomes:
    """When a Running session whose workflow was pushed is looked at again."""
    early = returns_early and (push is Push.FAILED or lost)
    return only(at=Place.DONE, asked=Timer.FIVE_SECONDS if early else Timer.HALF_A_MINUTE)


# Stopping, and over


def wait_for_end(phase: SessionPhase, pod: PodPhase, desired: Desired, *, keeps_wishes: bool) -> Outcomes:
    """What a Stopping session becomes: Stopped once its pod is gone, and then any wish is cleared.

    Source: `reconcileStopping`, `TransitionToStopped`
    """
    if pod is PodPhase.NONE and keeps_wishes and desired is Desired.RUNNING:
        return only("stopped", phase=SESSION.after(phase, "be_stopped"), at=Place.DONE)
    if pod is PodPhase.NONE:
        return only("stopped", phase=SESSION.after(phase, "be_stopped"), desired=Desired.NOTHING, at=Place.DONE)
    return only(pod=POD.after(pod, "delete"), service=False, at=Place.DONE, asked=Timer.TWO_SECONDS)


def heed_restart(phase: SessionPhase, desired: Desired) -> Outcomes:
    """Enabled when somebody asked for a session that is over to be started again. Source: `Reconcile`."""
    if desired is not Desired.RUNNING:
        return NOT_ENABLED
    return only("is to start again", phase=SESSION.after(phase, "reset"), at=Place.DONE, asked=Timer.BACKOFF)


# The end of every pass


def sooner(one: Timer, other: Timer) -> Timer:
    """The timer that fires first."""
    return max(one, other, key=SOONER.index)


def ask(timer: Timer, asked: Timer) -> Outcomes:
    """When the session is looked at again: a timer that is running stays, unless the new one is sooner."""
    return only(timer=sooner(timer, asked))


def notice(was: object, now: object) -> Outcomes:
    """Enabled when a variable has changed: something was done."""
    return only(acted=True) if was != now else NOT_ENABLED


def notice_push(push: Push) -> Outcomes:
    """Enabled when something was sent: something was done."""
    return only(acted=True) if push in (Push.DELIVERED, Push.FAILED) else NOT_ENABLED


def look_again() -> Outcomes:
    """The session is looked at again after half a minute."""
    return only(asked=Timer.HALF_A_MINUTE)


def settle(acted: bool) -> Outcomes:
    """The session is at rest after a pass that did nothing, and will do nothing again until something happens."""
    return only(settled=not acted)
