"""Reproduce a reported bug or a finding, and judge its remedies.

NAME is a scenario, or the number of a report such as K5 or "#6810", or of a finding such as F1, or a file with a
scenario of Kargo's control loop, such as `serve` gives. Without it, lists what can be reproduced. Exits with 0 if
the run shows what the report shows, or if there is nothing that it is to show; with 1 if not.
"""

from __future__ import annotations

import argparse

from commands.output import DONE, VIOLATED, add_format, print_json
from diagrams import reproductions, sessions, stories
from diagrams.speckit import scenarios as workflow_stories
from model.inputs import InputError
from model.kargo.releases import release
from model.releases import UnknownReleaseError
from model.speckit import releases as speckit
from simulations.ambient import lost_retry
from simulations.kargo import scenarios, skip_vs_retry
from simulations.kargo.loop import reported
from simulations.kargo.scenarios import Entry, UnknownScenarioError
from simulations.speckit import scenarios as workflows

REFUSED = (
    UnknownScenarioError,
    InputError,
    UnknownReleaseError,
    workflows.SeveralScenariosError,
)

NOT_KARGO = f"--kargo goes with a scenario of Kargo; {lost_retry.NAME} is one of Ambient"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `reproduce`."""
    parser.add_argument("scenario", nargs="?", metavar="NAME", help="a scenario, its file, or a report's number")
    parser.add_argument("--list", action="store_true", help="list what can be reproduced, whatever else is said")
    parser.add_argument(
        "--kargo", metavar="VERSION", help="the release to run (default: the newest that shows the bug)"
    )
    parser.add_argument("--spec-kit", metavar="VERSION", help="the same for a scenario of spec-kit")
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    """Reproduce and print, or list."""
    if options.scenario is None or options.list:
        return _list(options.format)
    if lost_retry.goes_by(options.scenario):
        return _of_a_session(options)
    if (of_a_workflow := workflows.find(options.scenario)) is not None:
        return _of_a_workflow(of_a_workflow, options)
    if options.spec_kit:
        raise UnknownScenarioError(f"--spec-kit goes with one of its scenarios: {', '.join(workflows.NAMES)}")
    name = scenarios.find(options.scenario, lost_retry.NAME, *workflows.NAMES)
    if name == skip_vs_retry.NAME:
        return _from_manifests(options)
    found = reported.reproduce(scenarios.story(name), options.kargo)
    if options.format == "json":
        print_json("reproduce", 1, stories.as_json(found))
    else:
        print("\n".join(stories.lines(found)))
    return DONE if found.here.breaks or not found.here.violations else VIOLATED


def _of_a_session(options: argparse.Namespace) -> int:
    if options.kargo:
        raise UnknownScenarioError(NOT_KARGO)
    found = lost_retry.reproduce()
    if options.format == "json":
        print_json("reproduce", 1, sessions.as_json(found))
    else:
        print("\n".join(sessions.lines(found)))
    return DONE if found.reproduced else VIOLATED


def _of_a_workflow(name: str, options: argparse.Namespace) -> int:
    if options.kargo:
        raise UnknownScenarioError(f"--kargo goes with a scenario of Kargo; {name} is one of spec-kit")
    told = speckit.release(options.spec_kit) if options.spec_kit else None
    found = workflows.reproduce(workflows.load(name), told)
    if options.format == "json":
        print_json("reproduce", 1, workflow_stories.as_json(found))
    else:
        print("\n".join(workflow_stories.lines(found)))
    return DONE if found.here.comes_true else VIOLATED


def _from_manifests(options: argparse.Namespace) -> int:
    found = skip_vs_retry.reproduce(release(options.kargo or skip_vs_retry.REPORTED_FOR))
    if options.format == "json":
        print_json("reproduce", 1, reproductions.as_json(found))
    else:
        print("\n".join(reproductions.lines(found)))
    return DONE if found.reproduced else VIOLATED


def _list(form: str) -> int:
    of_a_session = Entry(lost_retry.NAME, lost_retry.ABOUT, lost_retry.REPORTS)
    of_workflows = (Entry(s.name, s.about, s.reports) for s in map(workflows.load, workflows.NAMES))
    known = sorted((*scenarios.entries(), of_a_session, *of_workflows), key=lambda entry: entry.name)
    if form == "json":
        listed = [{"name": e.name, "about": e.about, "reports": list(e.reports)} for e in known]
        print_json("reproduce", 1, {"scenarios": listed})
        return DONE
    width = max(len(entry.name) for entry in known)
    print(f"{len(known)} bugs can be reproduced: kargo-model reproduce NAME")
    for entry in known:
        print(f"  {entry.name:{width}}  {entry.about} ({', '.join(entry.reports)})")
    return DONE
