"""What is known of bugs, found by telling the story of each scenario in each release."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from model.kargo.releases import RELEASES
from model.system import Tables
from simulations.kargo.live.known_bugs import KnownBug
from simulations.kargo.loop import reported, scenario_file
from simulations.kargo.loop.told import tell

FOLDER = Path(scenario_file.__file__).parents[1] / "scenarios"


def tell_bug(name: str) -> KnownBug:
    """What is known of the bug that a scenario reproduces.

    Raises InputError if there is no such scenario.
    """
    scenario = scenario_file.load(FOLDER / name / "scenario.yaml")
    told = {r: tell(scenario.program, scenario.story, b, Tables()) for r, b in RELEASES.items()}
    broken = tuple(r for r in RELEASES if reported.judged(scenario, r, told[r]).breaks)
    return KnownBug(name, scenario.about, scenario.reports, broken, tuple(fix.name for fix in scenario.fixes))


def as_text(bugs: list[KnownBug]) -> str:
    """Bugs as the file that is kept has them."""
    found = {bug.name: {key: value for key, value in asdict(bug).items() if key != "name"} for bug in bugs}
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
