"""What is known of a bug: its reports, the releases that have it, and the fix, by the scenario that reproduces it.

Nothing is written down by hand: `known_bugs.json` is what comes of telling the stories (`telling_bugs`), for which
somebody who has a cluster to mend does not want to wait.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("known_bugs.json")


@dataclass(frozen=True)
class KnownBug:
    """A bug: its scenario, what is seen of it, its reports, the releases that have it, and its fixes."""

    name: str
    about: str
    reports: tuple[str, ...]
    releases: tuple[str, ...]
    fixes: tuple[str, ...]


@cache
def known_bugs() -> dict[str, KnownBug]:
    """Every bug that is known, by the name of its scenario."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    lists = ("reports", "releases", "fixes")
    return {
        name: KnownBug(name, bug["about"], *(tuple(bug[which]) for which in lists)) for name, bug in found.items()
    }


def known_bug(name: str) -> KnownBug:
    """What is known of the bug that a scenario reproduces."""
    return known_bugs()[name]
