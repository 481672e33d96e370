"""Subjects: what can be checked by name."""

from __future__ import annotations

from dataclasses import dataclass

from invariants.properties import Property
from model.system import System


@dataclass(frozen=True)
class Subject:
    """A system, what it stands for in a sentence, and what is claimed of it.

    `name` is what to call it by; `quiet` are beginnings of names of variables that a story need not tell of, unless
    its claim does.
    """

    name: str
    about: str
    system: System
    properties: tuple[Property, ...]
    quiet: tuple[str, ...] = ()
