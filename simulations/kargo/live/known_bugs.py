"""What is known of a bug: its reports, the releases that have it, and the fix, by the scenario that reproduces it.

Nothing is written down here: the story of the scenario is told in each release.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model.kargo.releases import RELEASES
from model.system import Tables
from simulations.kargo.loop import reported, scenario_file
from simulations.kargo.loop.told import tell

FOLDER = Path(scenario_file.__file__).parents[1] / "scenarios"


@dataclass(frozen=True)
class KnownBug:
    """A bug: its scenario, what is seen of it, its reports, the releases that have it, and its fixes."""

    name: str
    about: str
    reports: tuple[str, ...]
    releases: tuple[str, ...]
    fixes: tuple[str, ...]


@cache
def known_bug(name: str) -> KnownBug:
    """What is known of the bug that a scenario reproduces.

    Raises InputError if there is no such scenario.
    """
    scenario = scenario_file.load(FOLDER / name / "scenario.yaml")
    told = {r: tell(scenario.program, scenario.story, b, Tables()) for r, b in RELEASES.items()}
    broken = tuple(r for r in RELEASES if reported.judged(scenario, r, told[r]).breaks)
    return KnownBug(name, scenario.about, scenario.reports, broken, tuple(fix.name for fix in scenario.fixes))
