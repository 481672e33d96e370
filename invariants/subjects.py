"""Subjects: what can be checked by name."""

from __future__ import annotations

from dataclasses import dataclass

from invariants.properties import Property
from model.system import System


@dataclass(frozen=True)
class Subject:
    """A system, what it stands for in a sentence, and what is claimed of it.

    `quiet` are beginnings of names of variables that a story need not tell of, unless its claim does.
    """

    system: System
    about: str
    properties: tuple[Property, ...]
    quiet: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name to call it by."""
        return self.system.name
