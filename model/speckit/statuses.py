"""The statuses of a workflow run and of its steps, spelled as spec-kit spells them.

Source: `specify_cli/workflows/base.py: RunStatus`, `StepStatus`
"""

from __future__ import annotations

from model.phase import Phase


class RunStatus(Phase):
    """The status of a run, as `state.json` has it."""

    CREATED = "created", "The run has a name; nothing of it has been done or saved."
    RUNNING = "running", "A process works on it, or did until it was killed."
    PAUSED = "paused", "A gate waits for a person, or a person has interrupted it."
    COMPLETED = "completed", "The list of steps was gone through to its end."
    FAILED = "failed", "A step failed and halted the run, or its code raised an error."
    ABORTED = "aborted", "A step's output says so: somebody has rejected a gate."


class StepStatus(Phase):
    """The status that a step's own code hands back, and that is recorded."""

    PENDING = "pending", "It has not been reached; there is no record of it."
    RUNNING = "running", "Its code is being run."
    COMPLETED = "completed", "Its code did what it is for; what is inside it may still be to come."
    FAILED = "failed", "Its code says that it failed."
    SKIPPED = "skipped", "Its code found nothing to do, which counts as a success."
    PAUSED = "paused", "Its code wants to be run again later."
