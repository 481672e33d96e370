"""`draw pipeline` and `draw template`: what users have in their manifests."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from commands import inputs
from commands.check import UsageError
from diagrams.kargo import pipelines, templates
from diagrams.pictures import Picture
from model.documents import read
from model.inputs import printable
from model.kargo.live.reading import SKIPPED, read_live

REFUSED = (*inputs.REFUSED, UsageError)


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw pipeline`."""
    help_ = "Stages, and whatever else is known: Warehouses, Freight, Promotions, ProjectConfigs; - is stdin"
    parser.add_argument("files", nargs="+", metavar="FILE", help=help_)
    parser.add_argument("--project", default="", metavar="NAME", help="only this project")


def pipeline(options: argparse.Namespace) -> Picture:
    """The pipeline of the projects in the files."""
    live = read_live(read(options.files, stdin=sys.stdin.buffer, skip=SKIPPED))
    for problem in live.problems:
        print(f"warning: {problem}", file=sys.stderr)
    if not options.project:
        return pipelines.picture(live)
    projects = tuple(project for project in live.projects if project.name == options.project)
    if not projects:
        names = ", ".join(printable(project.name) for project in live.projects)
        raise UsageError(
            f"no project {printable(options.project)!r} has Stages in these files; these have: {names}"
        )
    return pipelines.picture(replace(live, projects=projects))


def add_template(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw template`."""
    inputs.add_manifests(parser)


def template(options: argparse.Namespace) -> Picture:
    """The template that the options name."""
    found, behaviours = inputs.load(options)
    return templates.picture(found, inputs.planner(found, behaviours))
