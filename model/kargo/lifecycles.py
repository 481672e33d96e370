"""The lifecycles of a Promotion and of its steps, as Kargo means them.

A controller that has lost the working directory of a Promotion forgets what it knew of the steps. That is no
change of phase: the old entries are gone, and the steps begin anew.

Source: `pkg/controller/promotions/promotions.go: reconciler.Reconcile`,
`pkg/promotion/local_orchestrator.go: LocalOrchestrator.ExecuteSteps`
"""

from __future__ import annotations

from model.kargo.phases import PromotionPhase, StepPhase
from model.lifecycle import Arrow, Strict, event, lifecycle, phases


class PromotionLifecycle(Strict):
    """One Promotion, from its creation to its verdict."""

    phase = phases(
        PromotionPhase,
        initial=PromotionPhase.NEW,
        final=[
            PromotionPhase.SUCCEEDED,
            PromotionPhase.FAILED,
            PromotionPhase.ERRORED,
            PromotionPhase.ABORTED,
        ],
    )

    @event(phase.NEW.to(phase.PENDING))
    def acknowledge(self) -> None:
        """The Promotion controller sees it for the first time."""

    @event(phase.PENDING.to(phase.RUNNING, cond="current_promotion_of_its_stage"))
    def start(self) -> None:
        """The Stage names it as its current Promotion."""

    @event(phase.RUNNING.to(phase.SUCCEEDED))
    def succeed(self) -> None:
        """The steps are through, and of those that count the worst was Succeeded or Skipped."""

    @event(phase.RUNNING.to(phase.FAILED))
    def fail(self) -> None:
        """The steps are through, and of those that count the worst was Failed."""

    @event(phase.RUNNING.to(phase.ERRORED))
    def err(self) -> None:
        """A step that counts Errored, or there is no Freight to promote, or the engine itself failed."""

    @event(phase.ABORTED.from_(phase.NEW, phase.PENDING, phase.RUNNING, cond="abort_requested"))
    def abort(self) -> None:
        """A person asked for it to be terminated."""


class StepLifecycle(Strict):
    """One step of a Promotion, from the moment the engine reaches it until the engine moves past it."""

    phase = phases(
        StepPhase,
        initial=StepPhase.NEW,
        final=[
            StepPhase.SUCCEEDED,
            StepPhase.FAILED,
            StepPhase.ERRORED,
            StepPhase.ABORTED,
            StepPhase.SKIPPED,
            StepPhase.NOTHING_TO_DO,
        ],
    )

    unfinished = (
        phase.NEW,
        phase.RUNNING,
        phase.FAILED_FOR_NOW,
        phase.ERRORED_FOR_NOW,
        phase.ABORTED_FOR_NOW,
    )

    @event(phase.NEW.to(phase.SKIPPED, cond="condition_is_false"))
    def pass_over(self) -> None:
        """The engine skips it: its `if` is false, or it has none and an earlier step that counts failed."""

    @event(phase.RUNNING.from_(*unfinished))
    def wait(self) -> None:
        """The attempt says that it is still waiting; the step is polled again."""

    @event(phase.FAILED_FOR_NOW.from_(*unfinished))
    def fail_for_now(self) -> None:
        """The attempt reports failure, either below the error threshold or without an error to count."""

    @event(phase.ERRORED_FOR_NOW.from_(*unfinished))
    def err_for_now(self) -> None:
        """The attempt ends in an error below the error threshold; the step will be retried."""

    @event(phase.ABORTED_FOR_NOW.from_(*unfinished))
    def abort_for_now(self) -> None:
        """The attempt calls itself aborted and gives no error; it is polled as if it were Running."""

    @event(phase.SUCCEEDED.from_(*unfinished))
    def succeed(self) -> None:
        """The attempt succeeds."""

    @event(phase.NOTHING_TO_DO.from_(*unfinished))
    def find_nothing_to_do(self) -> None:
        """The attempt itself reports that there was nothing to do."""

    @event(phase.FAILED.from_(*unfinished))
    def fail(self) -> None:
        """The attempt reports failure, with a terminal error or the last one allowed (since 1.10)."""

    @event(phase.ERRORED.from_(*unfinished))
    def err(self) -> None:
        """The error is terminal or the last one allowed, time is up, or no attempt could be made."""

    @event(phase.RUNNING.to(phase.ABORTED, cond="promotion_aborted"))
    def abort(self) -> None:
        """The Promotion is aborted while the step is Running."""


def _passed_over(source: StepPhase, when: str) -> Arrow[StepPhase]:
    doc = f"The engine skips a step that has started: its condition is asked again {when}."
    return Arrow(source, "pass_over", StepPhase.SKIPPED, "condition_is_false", doc, _IF_ASKED_AGAIN)


_IF_ASKED_AGAIN = ("1.8.0", "1.8.1", "1.8.2", "1.8.3", "1.8.4")

PROMOTION = lifecycle(PromotionLifecycle, PromotionPhase)

STEP = lifecycle(
    StepLifecycle,
    StepPhase,
    findings=[
        _passed_over(StepPhase.RUNNING, "while the step waits, and has become false"),
        _passed_over(StepPhase.FAILED_FOR_NOW, "before the next attempt, and counts the step's own failure"),
        _passed_over(StepPhase.ERRORED_FOR_NOW, "before the retry, and counts the step's own error"),
        _passed_over(StepPhase.ABORTED_FOR_NOW, "before the next attempt, and has become false"),
    ],
)
