"""What comes of passes, and of what people try to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from model.kargo.saving_rules import BACKOFF


@dataclass(frozen=True)
class Passed:
    """What came of a pass: how long the controller wants to wait (None: for ever), or its error or panic."""

    after_ms: int | None = None
    error: str | None = None


NOTHING = Passed()
"""What comes of a pass over what does not exist."""


class Refused(Enum):
    """Why a Promotion is not created."""

    NOT_AVAILABLE = "its Freight is not available to the Stage"
    NAME_TAKEN = "there is one of that name"


def passed(requeue: object, error: str | None) -> Passed:
    """What came of a pass that asks to be repeated: after some milliseconds, never (None), or as after an error."""
    if requeue == BACKOFF:
        return Passed(error=error or "")
    return Passed(after_ms=requeue if isinstance(requeue, int) else None)
