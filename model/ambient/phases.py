"""The phases of a session and of its pod.

Source: `components/manifests/base/crds/agenticsessions-crd.yaml` (the enum of `status.phase`); those of the pod are
what the operator can tell apart, and one that it cannot: whether the runner listens yet.
"""

from __future__ import annotations

from model.phase import Phase


class SessionPhase(Phase):
    """Where a session is in its life, as `status.phase` says."""

    NEW = "", "It was created, and the operator has not written a status yet."
    PENDING = "Pending", "Its pod is still to be created."
    CREATING = "Creating", "Its pod exists, and the runner's container is not known to run yet."
    RUNNING = "Running", "The runner's container has been seen running."
    STOPPING = "Stopping", "Its pod is being deleted, because somebody asked for that."
    STOPPED = "Stopped", "Its pod is gone, because somebody asked for that."
    COMPLETED = "Completed", "The runner ended by itself, without an error."
    FAILED = "Failed", "The runner, or its pod, failed."

    @property
    def over(self) -> bool:
        """Whether nothing happens any more unless somebody asks for it."""
        return self in _OVER


_OVER = frozenset({SessionPhase.STOPPED, SessionPhase.COMPLETED, SessionPhase.FAILED})


class PodPhase(Phase):
    """Where the pod of a session is in its life. There is at most one, because its name is fixed."""

    NONE = "none", "There is no pod."
    STARTING = "starting", "It is being scheduled, pulls images, and clones what it was created with."
    STARTED = "started", "The runner's container runs; the runner does not listen yet."
    SERVING = "serving", "The runner listens."
    ENDED = "ended", "The runner's container has terminated; it is not started again."
    DELETING = "being deleted", "It was deleted, and has not stopped yet."

    @property
    def runs(self) -> bool:
        """Whether the runner's container runs, which is all that the operator looks at."""
        return self in (PodPhase.STARTED, PodPhase.SERVING)
