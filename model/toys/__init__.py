"""Small classic systems, on which the checker is tested and with which it can be tried.

`TOYS` has a builder for each name that the command line knows; called without arguments it builds the
default size, and those that have a size take it as their argument.
"""

from __future__ import annotations

from collections.abc import Callable

from model.system import System
from model.toys.die_hard import die_hard
from model.toys.dining_philosophers import dining_philosophers
from model.toys.ewd840 import ewd840
from model.toys.peterson import peterson
from model.toys.tcommit import tcommit
from model.toys.two_phase_commit import two_phase_commit

TOYS: dict[str, Callable[..., System]] = {
    "die-hard": die_hard,
    "dining-philosophers": dining_philosophers,
    "ewd840": ewd840,
    "peterson": peterson,
    "tcommit": tcommit,
    "two-phase-commit": two_phase_commit,
}
