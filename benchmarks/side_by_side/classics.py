"""The classic models that every tool has, by their size N."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from invariants.properties import Property, always
from invariants.toys import (
    detected_is_terminated,
    neighbours_never_eat_together,
    nobody_aborts_what_another_commits,
)
from model.system import System
from model.toys import TOYS

Claims = tuple[Property, ...]


class Model(NamedTuple):
    """A model by its size N: the system, one claim that "saturation" judges, and how it begins.

    `initial` is how many initial states there are. `module` is what the file for TLC is called. SPIN has one
    initial state; `set_up` says that it takes a step of its own to the ones of the model.
    """

    about: str
    system: Callable[[int], System]
    claims: Callable[[int], Claims]
    initial: Callable[[int], int] = lambda n: 1
    module: str = ""
    set_up: bool = False


def two_of_them_agree(n: int) -> Claims:
    """The first and the last resource manager never decide differently."""
    return (always(nobody_aborts_what_another_commits, "agree", rm="rm1", other=f"rm{n}"),)


def two_never_eat_together(n: int) -> Claims:
    """The first philosopher and the neighbour never eat at the same time."""
    return (always(neighbours_never_eat_together, "apart", at="at1", neighbour="at2"),)


def what_is_detected_is_true(n: int) -> Claims:
    """When node 0 finds out that everybody rests, the last node does."""
    return (always(detected_is_terminated, "true", color="color0", first="active0", active=f"active{n - 1}"),)


CLASSICS: dict[str, Model] = {
    "two-phase-commit": Model(
        "N resource managers agree to commit or to abort",
        TOYS["two-phase-commit"],
        two_of_them_agree,
        module="TwoPhaseCommit",
    ),
    "dining-philosophers": Model(
        "N philosophers hand each other forks",
        TOYS["dining-philosophers"],
        two_never_eat_together,
        module="DiningPhilosophers",
        set_up=True,
    ),
    "ewd840": Model(
        "termination detection on a ring of N nodes",
        TOYS["ewd840"],
        what_is_detected_is_true,
        initial=lambda n: n * 4**n,
        module="Ewd840",
        set_up=True,
    ),
}
"""By name."""
