"""`draw pipeline` and `draw template`: what users have in their manifests."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace

from commands import inputs
from commands.check import UsageError
from diagrams.kargo import pipelines, templates
from diagrams.pictures import Picture
from model import gathering
from model.inputs import InputError, printable
from model.kargo.live.objects import Live
from model.kargo.live.reading import SKIPPED, read_live
from model.kargo.manifests import API_GROUP

REFUSED = (*inputs.REFUSED, UsageError)


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw pipeline`."""
    help_ = "Stages and whatever else is known, such as Warehouses, Freight, Promotions; or a folder; - is stdin"
    parser.add_argument("files", nargs="+", metavar="FILE", help=help_)
    parser.add_argument("--project", default="", metavar="NAME", help="only this project")


@dataclass(frozen=True)
class Partly:
    """A picture without what could not be read; `left_out` says what that is."""

    picture: Picture
    left_out: tuple[InputError, ...]


def pipeline(options: argparse.Namespace) -> Picture | Partly:
    """The pipeline of the projects in the files: what cannot be read does not hide the rest."""
    gathered = gathering.gather(options.files, about=API_GROUP, stdin=sys.stdin.buffer, skip=SKIPPED)
    live = read_live(gathered.documents, gathered.problems)
    drawn = _pipeline(live, options)
    if not live.problems:
        return drawn
    left_out = f"{len(live.problems)} {'thing' if len(live.problems) == 1 else 'things'} that could not be read"
    return Partly(replace(drawn, remarks=(*drawn.remarks, f"Left out: {left_out}.")), tuple(live.problems))


def _pipeline(live: Live, options: argparse.Namespace) -> Picture:
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
