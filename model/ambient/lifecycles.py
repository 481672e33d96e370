"""The lifecycles of a session and of its pod.

Source: `components/operator/internal/controller/reconcile_phases.go`,
`components/operator/internal/handlers/{sessions,reconciler}.go`
"""

from __future__ import annotations

from model.ambient.phases import PodPhase, SessionPhase
from model.lifecycle import Strict, event, lifecycle, phases


class SessionLifecycle(Strict):
    """One session. It has no end: from every phase in which nothing happens it can be started again."""

    phase = phases(SessionPhase, initial=SessionPhase.NEW)

    @event(phase.NEW.to(phase.PENDING))
    def initialize(self) -> None:
        """The operator sees it for the first time."""

    @event(phase.PENDING.to(phase.CREATING))
    def have_pod(self) -> None:
        """Its pod was created, or is found to exist."""

    @event(phase.CREATING.to(phase.RUNNING, cond="container_runs"))
    def run(self) -> None:
        """The runner's container is seen running."""

    @event(phase.COMPLETED.from_(phase.CREATING, phase.RUNNING, cond="container_ended"))
    def complete(self) -> None:
        """The runner ended by itself. No version sees that of a Running session."""

    @event(phase.FAILED.from_(phase.CREATING, phase.RUNNING, cond="container_ended"))
    def fail(self) -> None:
        """The runner or its pod failed. No version sees that of a Running session."""

    @event(
        phase.PENDING.from_(
            phase.CREATING,
            phase.RUNNING,
            phase.STOPPED,
            phase.COMPLETED,
            phase.FAILED,
        )
    )
    def reset(self) -> None:
        """Its pod is missing, or somebody asks for it to be started again."""

    @event(phase.RUNNING.to(phase.STOPPING, cond="stop_requested"))
    def stop(self) -> None:
        """Somebody asked for it to be stopped: its pod is deleted."""

    @event(phase.STOPPED.from_(phase.NEW, phase.PENDING, phase.CREATING, phase.STOPPING, cond="no_pod"))
    def be_stopped(self) -> None:
        """Somebody asked for it to be stopped, and it has no pod, or not yet."""


class PodLifecycle(Strict):
    """The pod of a session, and the place where the next one may be."""

    phase = phases(PodPhase, initial=PodPhase.NONE)

    @event(phase.NONE.to(phase.STARTING))
    def create(self) -> None:
        """The operator creates it."""

    @event(phase.STARTING.to(phase.STARTED))
    def start(self) -> None:
        """The runner's container starts."""

    @event(phase.STARTED.to(phase.SERVING))
    def serve(self) -> None:
        """The runner begins to listen."""

    @event(phase.ENDED.from_(phase.STARTING, phase.STARTED, phase.SERVING))
    def end(self) -> None:
        """The runner's container terminates, or cannot be started."""

    @event(phase.DELETING.from_(phase.STARTED, phase.SERVING, phase.ENDED, phase.DELETING))
    def delete(self) -> None:
        """The operator deletes it."""

    @event(phase.NONE.from_(phase.STARTING, phase.STARTED, phase.SERVING, phase.ENDED, phase.DELETING))
    def vanish(self) -> None:
        """It is gone: its deletion is done, or its node is lost, or somebody deleted it."""


SESSION = lifecycle(SessionLifecycle, SessionPhase)
POD = lifecycle(PodLifecycle, PodPhase)
