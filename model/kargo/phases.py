"""The phases of Kargo's own objects, spelled as Kargo spells them.

The empty spelling stands for "nothing written yet". It is not a status that Kargo declares, but objects have
it, so the model has it too.

Source: `api/v1alpha1/promotion_types.go: PromotionStepStatus`, `PromotionPhase`
"""

from __future__ import annotations

from model.phase import Phase


class StepStatus(Phase):
    """The status in the metadata that a Promotion keeps of each step it has reached."""

    NEW = "", "The engine has reached the step and written nothing about it yet."
    RUNNING = "Running", "An attempt ended without a verdict; the step is waiting for something and polled."
    SUCCEEDED = "Succeeded", "The step did what it is for."
    FAILED = "Failed", "The step reports that it failed; it is tried again unless finished."
    ERRORED = (
        "Errored",
        "Something in or around the step went wrong; it is tried again unless finished.",
    )
    ABORTED = (
        "Aborted",
        "The step was cut off, as a rule because its Promotion was aborted while it ran.",
    )
    SKIPPED = "Skipped", "The step was passed over, by its condition or because it found nothing to do."


class PromotionPhase(Phase):
    """The phase of a Promotion."""

    NEW = "", "Created; no controller has acknowledged it yet."
    PENDING = "Pending", "Acknowledged, and waiting for its Stage to make it the current one."
    RUNNING = "Running", "The current Promotion of its Stage; its steps are being run."
    SUCCEEDED = "Succeeded", "Every step that counts succeeded or was skipped."
    FAILED = "Failed", "A step that counts reported failure, and none errored."
    ERRORED = "Errored", "A step that counts errored, or the Promotion itself could not be run."
    ABORTED = "Aborted", "A person asked for it to be terminated before it ended by itself."

    @property
    def terminal(self) -> bool:
        """Whether a Promotion in this phase has ended. Source: `PromotionPhase.IsTerminal`."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {PromotionPhase.SUCCEEDED, PromotionPhase.FAILED, PromotionPhase.ERRORED, PromotionPhase.ABORTED}
)


class HealthState(Phase):
    """The health of a Stage, or of one thing in it, from good to bad.

    Source: `api/v1alpha1/stage_types.go: HealthState`
    """

    HEALTHY = "Healthy", "Everything that was checked is as it should be."
    NOT_APPLICABLE = "NotApplicable", "There is nothing to check."
    PROGRESSING = "Progressing", "Something is on its way to being healthy."
    UNKNOWN = "Unknown", "It cannot be told, or is not to be trusted yet."
    UNHEALTHY = "Unhealthy", "Something is not as it should be."
    NOT_ASSESSED = "", "Nobody has looked: the Stage has no Freight, or has it only just."


class VerificationPhase(Phase):
    """The phase of one verification of a Stage's Freight; that of its AnalysisRun, as a rule.

    Source: `api/v1alpha1/stage_types.go: VerificationPhase`
    """

    NEW = "", "Its AnalysisRun exists and has no phase yet."
    PENDING = "Pending", "Its AnalysisRun has been made."
    RUNNING = "Running", "Its AnalysisRun is measuring."
    SUCCESSFUL = "Successful", "The Freight passed."
    FAILED = "Failed", "The Freight did not pass, or a person aborted the verification."
    ERROR = "Error", "The verification could not be carried out."
    ABORTED = "Aborted", "Cut off. No release of the controller writes this itself."
    INCONCLUSIVE = "Inconclusive", "The measurements say neither yes nor no."

    @property
    def terminal(self) -> bool:
        """Whether a verification in this phase is over. Source: `VerificationPhase.IsTerminal`."""
        return self not in (VerificationPhase.NEW, VerificationPhase.PENDING, VerificationPhase.RUNNING)


class StepPhase(Phase):
    """Where a step is in its life: its status, and what the status alone does not say.

    A step below its error threshold keeps the status Failed or Errored while it waits for its next attempt,
    and one that returned Failed or Aborted without an error is polled again just as if it were Running. So
    each of these has two phases, one that is `over` and one that is not. And a step is Skipped in two ways:
    the engine passes over it, or its own attempt finds nothing to do; only the second has a finish time.
    """

    status: StepStatus
    over: bool

    def __new__(cls, value: str, status: StepStatus, over: bool, doc: str = "") -> StepPhase:
        """A phase that Kargo's API shows as `status`; `over` says whether the engine has moved past it."""
        member = object.__new__(cls)
        member._value_ = value
        member.status, member.over, member.doc = status, over, doc or status.doc
        return member

    NEW = "", StepStatus.NEW, False
    RUNNING = "Running", StepStatus.RUNNING, False
    FAILED_FOR_NOW = (
        "Failed (tried again)",
        StepStatus.FAILED,
        False,
        "The attempt reported failure; the step is below its error threshold, or gave no error to count.",
    )
    ERRORED_FOR_NOW = (
        "Errored (tried again)",
        StepStatus.ERRORED,
        False,
        "The attempt ended in an error; the step is below its error threshold and will be retried.",
    )
    ABORTED_FOR_NOW = (
        "Aborted (tried again)",
        StepStatus.ABORTED,
        False,
        "The attempt called itself aborted, which the engine takes for one that is not done yet.",
    )
    SUCCEEDED = "Succeeded", StepStatus.SUCCEEDED, True
    FAILED = "Failed", StepStatus.FAILED, True, "The step failed for good."
    ERRORED = "Errored", StepStatus.ERRORED, True, "The step ended in an error that is not tried again."
    ABORTED = "Aborted", StepStatus.ABORTED, True, "The Promotion was aborted while the step was Running."
    SKIPPED = "Skipped", StepStatus.SKIPPED, True, "The engine passed over the step."
    NOTHING_TO_DO = (
        "Skipped (nothing to do)",
        StepStatus.SKIPPED,
        True,
        "The step's own attempt found that there was nothing to do.",
    )


_TRIED_AGAIN = {
    StepStatus.FAILED: (StepPhase.FAILED_FOR_NOW, StepPhase.FAILED),
    StepStatus.ERRORED: (StepPhase.ERRORED_FOR_NOW, StepPhase.ERRORED),
    StepStatus.ABORTED: (StepPhase.ABORTED_FOR_NOW, StepPhase.ABORTED),
}
_STEP_PHASES = {
    (StepStatus.NEW, False, False): StepPhase.NEW,
    (StepStatus.RUNNING, False, False): StepPhase.RUNNING,
    (StepStatus.SUCCEEDED, True, True): StepPhase.SUCCEEDED,
    (StepStatus.SKIPPED, True, False): StepPhase.SKIPPED,
    (StepStatus.SKIPPED, True, True): StepPhase.NOTHING_TO_DO,
    **{(status, False, False): pair[0] for status, pair in _TRIED_AGAIN.items()},
    **{(status, True, done): pair[1] for status, pair in _TRIED_AGAIN.items() for done in (False, True)},
}


def step_phase(status: StepStatus, *, over: bool, finished: bool) -> StepPhase:
    """The phase of a step with `status`.

    `over` says whether the engine has moved past the step (Kargo: it is complete), `finished` whether its
    metadata has a finish time. A step whose condition or configuration could not be evaluated is over without
    one.

    Raises KeyError for what cannot be, such as a step that is over and Running.
    """
    return _STEP_PHASES[status, over, finished]
