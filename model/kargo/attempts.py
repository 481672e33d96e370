"""Attempts: what the runner of a step can come back with, and what the engine makes of it.

Source: `pkg/promotion/local_executor.go: LocalStepExecutor.ExecuteStep`,
`pkg/promotion/local_orchestrator.go: LocalOrchestrator.reconcileResultWithMetadata`
"""

from __future__ import annotations

from typing import NamedTuple

from model.kargo.phases import StepStatus
from model.kargo.releases import Behaviours, ErrorPrefix

UNKNOWN_OUTPUT = "?"
"""An output of which nothing is known, where another would be JSON text."""


class Attempt(NamedTuple):
    """One run of a step's runner.

    `status` is the text it returned, which need not be a valid status. `output` is JSON text of an object,
    `"null"`, or `UNKNOWN_OUTPUT`. `error` is the returned error's text, `terminal` whether it wraps a terminal
    error. `panic` is the text it panicked with; then nothing else of the result matters. `takes_ms` is the
    time that passes inside it and `cancels` whether the controller's context is cancelled meanwhile.
    """

    status: str
    message: str = ""
    output: str = "null"
    error: str | None = None
    terminal: bool = False
    panic: str | None = None
    retry_after_ms: int | None = None
    health_check: str | None = None
    takes_ms: int = 0
    cancels: bool = False

    def __str__(self) -> str:
        if self.panic is not None:
            return "panics"
        if self.error is not None:
            return f"{self.status or 'no status'} with {'a terminal' if self.terminal else 'an'} error"
        failed = self.status == StepStatus.FAILED.value
        return "Failed without an error" if failed else self.status or "no status"


class StepError(NamedTuple):
    """The error the engine reckons with after an attempt."""

    text: str
    terminal: bool


VALID = {status.value: status for status in StepStatus if status is not StepStatus.NEW}
"""The statuses a runner may return. Source: `PromotionStepStatus.Valid`"""


def result_status(attempt: Attempt) -> str:
    """The status text of the result; a panic counts as Errored."""
    return StepStatus.ERRORED.value if attempt.panic is not None else attempt.status


def output(attempt: Attempt) -> str:
    """The output of the result, as JSON text; a panic leaves none."""
    return "null" if attempt.panic is not None else attempt.output


def error(attempt: Attempt, alias: str, behaviours: Behaviours) -> StepError | None:
    """The error of an attempt, with the executor's words around it; None if there is none.

    A result that says Errored without an error becomes one.
    """
    if attempt.panic is not None:
        return StepError(behaviours.panic_text.format(alias=alias, value=attempt.panic), terminal=True)
    if attempt.error is not None:
        return StepError(_prefixed(attempt.error, attempt.status, alias, behaviours), attempt.terminal)
    if attempt.status == StepStatus.ERRORED.value:
        return StepError(f'step "{alias}" errored: {attempt.message or "no details provided"}', terminal=False)
    return None


def effective_status(attempt: Attempt) -> StepStatus:
    """The status the metadata gets: with an error, anything but Failed becomes Errored."""
    status = VALID[result_status(attempt)]
    if attempt.panic is None and attempt.error is None:
        return status
    return status if status is StepStatus.FAILED else StepStatus.ERRORED


def effective_message(attempt: Attempt, alias: str, behaviours: Behaviours) -> str:
    """The message the metadata gets: the error's where the runner returned one, else the result's."""
    if attempt.panic is None and attempt.error is None:
        return attempt.message
    found = error(attempt, alias, behaviours)
    return found.text if found else attempt.message


def _prefixed(text: str, status: str, alias: str, behaviours: Behaviours) -> str:
    always = behaviours.error_prefix is ErrorPrefix.ALWAYS
    if always or status == StepStatus.ERRORED.value:
        return f'error running step "{alias}": {text}'
    return f'step "{alias}": {text}'
