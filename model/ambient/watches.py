"""What puts a session in the operator's queue.

Source: `components/operator/internal/controller/agenticsession_controller.go: SetupWithManager`
"""

from __future__ import annotations

from model.ambient.phases import PodPhase, SessionPhase
from model.ambient.values import Desired
from model.system import NOT_ENABLED, Outcomes, only

POD_SEEN = {
    PodPhase.NONE: None,
    PodPhase.STARTING: "Pending",
    PodPhase.STARTED: "Running",
    PodPhase.SERVING: "Running",
    PodPhase.ENDED: "terminated",
}
"""What the watch of pods can tell apart; one that is being deleted looks as it did before."""


def watch_phase(was_phase: SessionPhase, phase: SessionPhase) -> Outcomes:
    """Enabled when the phase has changed. A change of conditions or of recorded values wakes nobody."""
    return only(woken=True) if was_phase is not phase else NOT_ENABLED


def watch_desired(was_desired: Desired, desired: Desired) -> Outcomes:
    """Enabled when an annotation has changed."""
    return only(woken=True) if was_desired is not desired else NOT_ENABLED


def watch_generation(edited: bool) -> Outcomes:
    """Enabled when the spec was edited."""
    return only(woken=True) if edited else NOT_ENABLED


def watch_pod(was_pod: PodPhase, pod: PodPhase) -> Outcomes:
    """Enabled when the pod is created or gone, or its phase or that of its runner's container has changed."""
    if PodPhase.NONE in (was_pod, pod):
        return only(woken=True) if was_pod is not pod else NOT_ENABLED
    if PodPhase.DELETING in (was_pod, pod) or POD_SEEN[was_pod] == POD_SEEN[pod]:
        return NOT_ENABLED
    return only(woken=True)
