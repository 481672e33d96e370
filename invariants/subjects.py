"""Subjects: what can be checked by name."""

from __future__ import annotations

from dataclasses import dataclass

from invariants.properties import Property
from model.system import System


@dataclass(frozen=True)
class Subject:
    """A system, what it stands for in a sentence, and what is claimed of it."""

    system: System
    about: str
    properties: tuple[Property, ...]

    @property
    def name(self) -> str:
        """The name to call it by."""
        return self.system.name
