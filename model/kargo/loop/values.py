"""The values that the variables of the control loop hold, and what those variables are called."""

from __future__ import annotations

from typing import NamedTuple

from model.kargo.phases import VerificationPhase


def of(field: str, *objects: str) -> str:
    """The variable that holds `field` of an object, or of a pair of them: `of("since", "f1", "dev")`."""
    return f"{field}[{'/'.join(objects)}]"


class Condition(NamedTuple):
    """A condition of a Stage: its status (True, False, Unknown), reason, the generation seen, and a message."""

    status: str
    reason: str
    generation: int = 0
    message: str = ""


CONDITIONS = ("Healthy", "Promoting", "Ready", "Reconciling", "Verified")
"""The types of conditions a Stage has."""


class Verification(NamedTuple):
    """One verification of a Stage's current Freight: its id, its phase, the AnalysisRun it refers to, and its end.

    `finished` is the instant that is said to be its end, in milliseconds; Kargo fills it in before the end, too.

    Source: `api/v1alpha1/stage_types.go: VerificationInfo`
    """

    id: int
    phase: VerificationPhase
    run: int | None = None
    finished: int | None = None


class Note(NamedTuple):
    """What a verification says besides: its message, who asked for it, and when it began, in milliseconds."""

    message: str = ""
    actor: str = ""
    started: int | None = None


class Run(NamedTuple):
    """An AnalysisRun: its number, the collection it is for, its phase, and when it was completed, in milliseconds.

    The collection is named by its Freight, in order, as Kargo's collection ids stand for just that.
    """

    number: int
    collection: tuple[str, ...]
    phase: VerificationPhase = VerificationPhase.NEW
    completed: int | None = None


class RunNote(NamedTuple):
    """What an AnalysisRun says besides.

    When it was made, in milliseconds; which Promotion led to it; its message; whether it is to terminate.
    """

    number: int
    created: int
    promotion: str = ""
    message: str = ""
    terminate: bool = False


class Asked(NamedTuple):
    """A request about a verification, as an annotation of the Stage: for which one, by whom, on whose behalf."""

    id: int
    actor: str = ""
    control_plane: bool = False


class Hold(NamedTuple):
    """An auto-promotion hold: the Promotion that established it, and its Freight."""

    promotion: str
    freight: str


class Intent(NamedTuple):
    """What a Promotion means for auto-promotion from an origin: to hold it, or to resume it."""

    origin: str
    hold: bool


PANIC = "panic: runtime error: invalid memory address or nil pointer dereference"
"""What a pass ends with where the controller looks at a time that is not there."""
