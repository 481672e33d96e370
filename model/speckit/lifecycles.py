"""The lifecycles of a workflow run and of its steps, as the engine means them.

Source: `specify_cli/workflows/engine.py: WorkflowEngine.execute`, `resume`, `_execute_steps`; from 1.1.3 on
`_execution.py: Execution.transition`
"""

from __future__ import annotations

from model.lifecycle import Arrow, Strict, event, lifecycle, phases
from model.speckit.statuses import RunStatus, StepStatus


class RunLifecycle(Strict):
    """One run of a workflow, through any number of resumptions."""

    phase = phases(RunStatus, initial=RunStatus.CREATED, final=[RunStatus.COMPLETED, RunStatus.ABORTED])

    @event(phase.CREATED.to(phase.RUNNING))
    def execute(self) -> None:
        """Its first process sets out."""

    @event(phase.RUNNING.to(phase.PAUSED))
    def pause(self) -> None:
        """A step asks to be run again later, or a person interrupts the process."""

    @event(phase.RUNNING.to(phase.COMPLETED))
    def complete(self) -> None:
        """The list of steps is at its end."""

    @event(phase.RUNNING.to(phase.FAILED))
    def fail(self) -> None:
        """A step failed without `continue_on_error`, has no known type, or its code raised an error."""

    @event(phase.RUNNING.to(phase.ABORTED))
    def abort(self) -> None:
        """A step failed, and its output is marked as aborted."""

    @event(phase.RUNNING.from_(phase.PAUSED, phase.FAILED))
    def resume(self) -> None:
        """A person resumes it."""


class StepLifecycle(Strict):
    """One step as its record shows it, through every resumption of its run. Each pass of a loop is a new one."""

    phase = phases(StepStatus, initial=StepStatus.PENDING, final=[StepStatus.COMPLETED, StepStatus.SKIPPED])

    @event(phase.PENDING.to(phase.RUNNING))
    def start(self) -> None:
        """The engine reaches it."""

    @event(phase.RUNNING.from_(phase.FAILED, phase.PAUSED, cond="run_resumed"))
    def try_again(self) -> None:
        """The run is resumed, and the step was not done."""

    @event(phase.RUNNING.to(phase.COMPLETED))
    def complete(self) -> None:
        """Its code says so."""

    @event(phase.RUNNING.to(phase.FAILED))
    def fail(self) -> None:
        """Its code says so."""

    @event(phase.RUNNING.to(phase.SKIPPED))
    def skip(self) -> None:
        """Its code says so."""

    @event(phase.RUNNING.to(phase.PAUSED))
    def pause(self) -> None:
        """Its code says so."""


def _redone(source: StepStatus) -> Arrow[StepStatus]:
    doc = "The run is resumed, and a step that was done is run once more, because what it is in was not."
    return Arrow(source, "redo", StepStatus.RUNNING, "run_resumed", doc, _RESTARTS_WHAT_IS_AROUND)


_RESTARTS_WHAT_IS_AROUND = ("0.9.1", "0.9.4", "1.0.1", "1.1.2")

RUN = lifecycle(RunLifecycle, RunStatus)

STEP = lifecycle(StepLifecycle, StepStatus, findings=[_redone(StepStatus.COMPLETED), _redone(StepStatus.SKIPPED)])
