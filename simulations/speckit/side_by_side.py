"""The model and the real engine side by side on generated workflows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from model.speckit.releases import Behaviours
from simulations.speckit import generated, shrinking
from simulations.speckit.cases import Case
from simulations.speckit.comparing import differences
from simulations.speckit.real_engine import RealEngine


@dataclass(frozen=True)
class Divergence:
    """A case in which the two differ, as small as it could be made: its number, and the differences in words."""

    number: int
    case: Case
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """How a comparison went: what was compared with what, how often they differ, and the smallest case in which."""

    release: str
    version: str
    seed: int
    count: int
    divergent: tuple[int, ...]
    smallest: Divergence | None
    statuses: dict[str, int]
    """How often the engine returned with each status."""


def compare(
    engine: RealEngine,
    behaviours: Behaviours,
    *,
    count: int,
    seed: int,
    watch: Callable[[int, int], None] = lambda done, of: None,
) -> Compared:
    """Compare on `count` generated cases; the smallest divergent one is made from the first that diverges.

    Raises EngineUnavailableError if the engine ends.
    """
    divergent: list[int] = []
    statuses: Counter[str] = Counter()
    for number in range(count):
        case = numbered(number, seed, behaviours)
        real = engine.run(case)
        statuses.update(look["state"]["status"] for look in real.get("looks", ()) if "state" in look)
        if differences(case, real, behaviours):
            divergent.append(number)
        watch(number + 1, count)
    first = divergence(engine, behaviours, divergent[0], seed) if divergent else None
    return Compared(
        behaviours.release, engine.version, seed, count, tuple(divergent), first, dict(sorted(statuses.items()))
    )


def numbered(number: int, seed: int, behaviours: Behaviours) -> Case:
    """The case with that number of that seed."""
    return generated.case(Random(f"{seed}/{number}"), behaviours)


def divergence(engine: RealEngine, behaviours: Behaviours, number: int, seed: int) -> Divergence:
    """What is left of a divergent case when it has been made as small as possible."""

    def differs(case: Case) -> bool:
        return bool(differences(case, engine.run(case), behaviours))

    case = shrinking.smallest(numbered(number, seed, behaviours), differs)
    return Divergence(number, case, tuple(differences(case, engine.run(case), behaviours)))
