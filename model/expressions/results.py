"""What an evaluation ends in, and the exceptions that carry a failure to that end.

The exceptions stay inside this package: callers see :data:`Evaluation` values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Value:
    """The evaluation gave ``value``: None, bool, int, float, str, list or dict, or a Go value of `values`."""

    value: object


@dataclass(frozen=True, slots=True)
class Failure:
    """The evaluation fails in the controller, too; ``line`` and ``column`` count from 1, 0 where not known."""

    message: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Undecided:
    """What the evaluation gives cannot be said from what is known; ``reason`` says what was missing."""

    reason: str = "it depends on something that is not known"


Evaluation: TypeAlias = Value | Failure | Undecided

UNDECIDED = Undecided()


class ExpressionError(Exception):
    """The expression fails as it would in the controller. ``offset`` counts characters, -1 if not known."""

    def __init__(self, message: str, offset: int = -1) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class UndecidedError(Exception):
    """The expression cannot be decided here; the text is the reason."""


def place(source: str, offset: int) -> tuple[int, int]:
    """The line and column, from 1, of the character at ``offset``; (0, 0) if the offset is negative."""
    if offset < 0:
        return (0, 0)
    before = source[:offset]
    return (before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)
