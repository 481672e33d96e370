"""What a step's code sees when it is called, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model.speckit.expressions import Names
from model.speckit.statuses import StepStatus
from model.speckit.values import Result, to_text


@dataclass(frozen=True)
class Seen:
    """What a step's code sees: the names its expressions may use, what the step is called now, and where it is."""

    names: Names
    called: str
    inside_fan_out: bool = False
    callers: tuple[str, ...] = ()


def failed(error: str, **output: Any) -> Result:
    """The result of a step that says itself that it failed."""
    return Result(StepStatus.FAILED, to_text(output), error)


def completed(body: str = "", **output: Any) -> Result:
    """The result of a step that did what it is for, and goes into the list `body` if there is one."""
    return Result(StepStatus.COMPLETED, to_text(output), body=body)
