"""Phases: enums whose members say what they mean.

Kept apart from `model.lifecycle`, which needs the state machine library: a table or a report that only names
phases should not pay for loading it.
"""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """A phase of a lifecycle: its value is the spelling of the controller, `doc` a sentence about it.

    Members are told apart by identity, so a phase of one lifecycle never equals one of another, even where
    both are spelled the same.
    """

    doc: str

    def __new__(cls, value: str, doc: str = "") -> Phase:
        """A member spelled `value`."""
        member = object.__new__(cls)
        member._value_ = value
        member.doc = doc
        return member

    # Enum's own hash is Python code, four times as slow. Members are singletons, even unpickled ones.
    __hash__ = object.__hash__

    def __str__(self) -> str:
        return str(self.value)


def phase_of(value: object) -> Phase | None:
    """The phase that a value is in: itself, or what it calls its phase; None for a value that is in none."""
    found = value if isinstance(value, Phase) else getattr(value, "phase", None)
    return found if isinstance(found, Phase) else None
