"""The lifecycles of a Stage's health and of the verifications of its Freight, as Kargo means them.

Source: `pkg/controller/stages/regular_stages.go: assessHealth, verifyStageFreight`
"""

from __future__ import annotations

from model.kargo.phases import HealthState, VerificationPhase
from model.lifecycle import Strict, event, lifecycle, phases


class HealthLifecycle(Strict):
    """The health of a Stage, which is assessed anew in every pass and has no end."""

    phase = phases(HealthState, initial=HealthState.NOT_ASSESSED)

    any_health = (
        phase.NOT_ASSESSED,
        phase.HEALTHY,
        phase.NOT_APPLICABLE,
        phase.PROGRESSING,
        phase.UNKNOWN,
        phase.UNHEALTHY,
    )

    @event(phase.NOT_ASSESSED.from_(*any_health))
    def forget(self) -> None:
        """A Promotion succeeded, and nobody has looked since; or none was ever recorded."""

    @event(phase.HEALTHY.from_(*any_health, cond="last_promotion_succeeded"))
    def be_well(self) -> None:
        """Every health check of the last Promotion says so, or it has none."""

    @event(phase.NOT_APPLICABLE.from_(*any_health, cond="last_promotion_succeeded"))
    def need_no_check(self) -> None:
        """A health check finds that there is nothing to look at."""

    @event(phase.PROGRESSING.from_(*any_health, cond="last_promotion_succeeded"))
    def progress(self) -> None:
        """Something that is checked is on its way."""

    @event(phase.UNKNOWN.from_(*any_health))
    def lose_sight(self) -> None:
        """A Promotion is current, or the last one did not succeed, or what is seen is not to be trusted yet."""

    @event(phase.UNHEALTHY.from_(*any_health, cond="last_promotion_succeeded"))
    def be_unwell(self) -> None:
        """Something that is checked is not as it should be."""


class VerificationLifecycle(Strict):
    """One verification of a Stage's current Freight. It takes its phase from its AnalysisRun."""

    phase = phases(
        VerificationPhase,
        initial=VerificationPhase.NEW,
        final=[
            VerificationPhase.SUCCESSFUL,
            VerificationPhase.FAILED,
            VerificationPhase.ERROR,
            VerificationPhase.ABORTED,
            VerificationPhase.INCONCLUSIVE,
        ],
    )

    under_way = (phase.NEW, phase.PENDING, phase.RUNNING)

    @event(phase.NEW.from_(*under_way))
    def await_run(self) -> None:
        """The AnalysisRun has no phase yet."""

    @event(phase.PENDING.from_(*under_way))
    def begin(self) -> None:
        """The AnalysisRun has been made and waits."""

    @event(phase.RUNNING.from_(*under_way))
    def measure(self) -> None:
        """The AnalysisRun is measuring."""

    @event(phase.SUCCESSFUL.from_(*under_way))
    def succeed(self) -> None:
        """The AnalysisRun passed, or the Stage asks for no verification."""

    @event(phase.FAILED.from_(*under_way))
    def fail(self) -> None:
        """The AnalysisRun failed, or a person aborted the verification."""

    @event(phase.ERROR.from_(*under_way))
    def err(self) -> None:
        """The AnalysisRun ended in an error, could not be made, or is gone."""

    @event(phase.ABORTED.from_(*under_way))
    def be_cut_off(self) -> None:
        """The AnalysisRun says that it was aborted."""

    @event(phase.INCONCLUSIVE.from_(*under_way))
    def be_inconclusive(self) -> None:
        """The AnalysisRun came to no conclusion."""


HEALTH = lifecycle(HealthLifecycle, HealthState)
VERIFICATION = lifecycle(VerificationLifecycle, VerificationPhase)

_HEALTH_EVENTS = {
    HealthState.NOT_ASSESSED: "forget",
    HealthState.HEALTHY: "be_well",
    HealthState.NOT_APPLICABLE: "need_no_check",
    HealthState.PROGRESSING: "progress",
    HealthState.UNKNOWN: "lose_sight",
    HealthState.UNHEALTHY: "be_unwell",
}
_VERIFICATION_EVENTS = {
    VerificationPhase.NEW: "await_run",
    VerificationPhase.PENDING: "begin",
    VerificationPhase.RUNNING: "measure",
    VerificationPhase.SUCCESSFUL: "succeed",
    VerificationPhase.FAILED: "fail",
    VerificationPhase.ERROR: "err",
    VerificationPhase.ABORTED: "be_cut_off",
    VerificationPhase.INCONCLUSIVE: "be_inconclusive",
}


def assessed(before: HealthState, found: HealthState) -> HealthState:
    """The health of a Stage after a pass that found `found`."""
    return HEALTH.after(before, _HEALTH_EVENTS[found])


def proceeded(before: VerificationPhase, found: VerificationPhase) -> VerificationPhase:
    """The phase of a verification whose AnalysisRun is found to be in the phase `found`.

    Raises IllegalTransitionError for a verification that is over.
    """
    return VERIFICATION.after(before, _VERIFICATION_EVENTS[found])
