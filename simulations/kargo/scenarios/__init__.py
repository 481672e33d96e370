"""Reported bugs that can be reproduced by name: one from its own manifests, the others from a story in a file.

The folder of a scenario has its name. Reports are known by their numbers, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.inputs import printable
from simulations.kargo import skip_vs_retry
from simulations.kargo.loop import scenario_file
from simulations.kargo.loop.scenario_file import Scenario

FOLDER = Path(__file__).parent
STORY = "scenario.yaml"

STORIES = tuple(sorted(path.parent.name for path in FOLDER.glob(f"*/{STORY}")))
"""The scenarios of the control loop."""


@dataclass(frozen=True)
class Entry:
    """A scenario in a list: its name, what it is about in a sentence, and the reports."""

    name: str
    about: str
    reports: tuple[str, ...]


class UnknownScenarioError(ValueError):
    """There is no such scenario, or there are several; the message lists them."""


FILES = (".yaml", ".yml")
"""How the names of files with a scenario of one's own end."""


def story(name: str) -> Scenario:
    """The scenario of the control loop called `name`, or in the file of that name.

    Raises InputError if its file is not as it should be.
    """
    return scenario_file.load(Path(name) if name.endswith(FILES) else FOLDER / name / STORY)


def entries() -> tuple[Entry, ...]:
    """Every scenario, in order of name."""
    stories = (Entry(found.name, found.about, found.reports) for found in map(story, STORIES))
    first = Entry(skip_vs_retry.NAME, skip_vs_retry.ABOUT, skip_vs_retry.REPORTS)
    return tuple(sorted((first, *stories), key=lambda entry: entry.name))


def find(word: str, *others: str) -> str:
    """The scenario that goes by a word: its name, its file, or the number of a report, such as K5 or #6810.

    Raises UnknownScenarioError; its message lists `others`, too, which are found elsewhere.
    """
    names = (skip_vs_retry.NAME, *STORIES)
    if word in names or word.endswith(FILES):
        return word
    shown, number = printable(word), word.lstrip("#").upper()
    known = [entry.name for entry in entries() if number in {r.lstrip("#") for r in entry.reports}]
    if len(known) == 1:
        return known[0]
    if known:
        raise UnknownScenarioError(f"{shown} is about several scenarios; name one of: {', '.join(known)}")
    raise UnknownScenarioError(f"no scenario {shown!r}; the scenarios are: {', '.join((*names, *others))}")
