"""What text a program is made of: two of the same digest do the same."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from types import ModuleType

import commands
import invariants
import model
import simulations


@cache
def digest(*packages: ModuleType) -> str:
    """A digest of every Python file of these packages."""
    found = hashlib.sha256()
    for package in packages:
        folder = Path(package.__path__[0])
        for file in sorted(folder.rglob("*.py")):
            found.update(f"{file.relative_to(folder)}\n".encode())
            found.update(file.read_bytes())
    return found.hexdigest()


def of_the_checker() -> str:
    """A digest of the model and of the checker: of all that a verdict depends on."""
    return digest(model, invariants)


def of_the_work() -> str:
    """A digest of all that runs where work is done for a command."""
    return digest(model, invariants, simulations, commands)
