"""Small classic systems, on which the checker is tested and with which it can be tried.

`TOYS` has a builder for each name that the command line knows; called without arguments it builds the
default size.
"""

from __future__ import annotations

from collections.abc import Callable

from model.system import System
from model.toys.two_phase_commit import two_phase_commit

TOYS: dict[str, Callable[..., System]] = {
    "two-phase-commit": two_phase_commit,
}
