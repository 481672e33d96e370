"""Scenarios of all engines by name, as playbacks: what `report` shows of them."""

from __future__ import annotations

from diagrams.ambient import tales as of_sessions
from diagrams.kargo import tales as of_kargo
from diagrams.pages.playbacks import Playback
from diagrams.speckit import tales as of_workflows
from model.inputs import InputError
from model.releases import UnknownReleaseError
from model.speckit import releases as speckit
from simulations.ambient import lost_retry
from simulations.kargo import scenarios, skip_vs_retry
from simulations.kargo.loop import reported
from simulations.kargo.scenarios import UnknownScenarioError
from simulations.speckit import scenarios as workflows

OF_SESSIONS = (lost_retry.NAME,)
OF_WORKFLOWS = workflows.NAMES
OF_KARGO = tuple(sorted((skip_vs_retry.NAME, *scenarios.STORIES)))
KNOWN = (*OF_KARGO, *OF_SESSIONS, *OF_WORKFLOWS)
"""What scenarios are called."""

REFUSED = (UnknownScenarioError, workflows.SeveralScenariosError, UnknownReleaseError, InputError)


def find(word: str) -> str:
    """The name of the scenario that goes by a word: its name, or the number of a report.

    Raises UnknownScenarioError, or SeveralScenariosError.
    """
    if lost_retry.goes_by(word):
        return lost_retry.NAME
    return workflows.find(word) or scenarios.find(word, *OF_SESSIONS, *OF_WORKFLOWS)


def told(name: str, *, kargo: str, spec_kit: str | None) -> tuple[Playback, ...]:
    """All stories of a scenario: in the release that is named if it breaks there, else in the newest that does."""
    if name in OF_SESSIONS:
        return of_sessions.of_reproduction(lost_retry.reproduce())
    if name in OF_WORKFLOWS:
        return (_of_a_workflow(name, spec_kit),)
    return (_of_kargo(name, kargo),)


def _of_a_workflow(name: str, release: str | None) -> Playback:
    scenario = workflows.load(name)
    found = workflows.reproduce(scenario)
    wanted = next((r for r in found.releases if release and r.release == speckit.release(release).release), None)
    if wanted is not None and wanted.comes_true:
        found = workflows.Reproduction(scenario, wanted, found.releases)
    return of_workflows.of_scenario(found)


def _of_kargo(name: str, release: str) -> Playback:
    if name == skip_vs_retry.NAME:
        return of_kargo.of_manifests(skip_vs_retry.reproduce())
    found = reported.reproduce(scenarios.story(name))
    wanted = next((r for r in found.releases if r.release == release.removeprefix("v")), None)
    if wanted is not None and wanted.breaks and found.release != wanted.release:
        found = reported.reproduce(scenarios.story(name), wanted.release)
    return of_kargo.of_story(found)
