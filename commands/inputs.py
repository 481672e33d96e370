"""What the commands that read manifests share: their arguments, and the way from files to a template."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from model import gathering
from model.inputs import InputError, Place, printable
from model.kargo import manifests, planning, templates
from model.kargo.planning import Planner
from model.kargo.releases import LATEST, Behaviours, release
from model.kargo.templates import Template
from model.releases import UnknownReleaseError

REFUSED = (InputError, UnknownReleaseError)


def add_manifests(parser: argparse.ArgumentParser) -> None:
    """The arguments that name manifests, and which of them to run as which release."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="manifests, YAML or JSON, with a Stage, PromotionTask, ClusterPromotionTask or Promotion, or a folder "
        "of them; - is stdin",
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="run templates with broken expressions, which Kargo accepts; their steps end Errored",
    )
    parser.add_argument(
        "--name",
        default="",
        help="which of them to run, where there are several: a name, NAMESPACE/NAME or KIND/NAMESPACE/NAME",
    )
    parser.add_argument("--kargo", default=LATEST.release, metavar="VERSION", help="default: %(default)s")


def is_there(path: str) -> bool:
    """Whether there is a file or a folder of that name, also where none could be, as the name is too long."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def is_folder(path: str) -> bool:
    """Whether there is a folder of that name."""
    return is_there(path) and Path(path).is_dir()


def files_of(paths: Iterable[str]) -> list[str]:
    """The files, and of folders those files that hold manifests of Kargo, each once.

    Raises InputError if there are none in a folder, or one of them cannot be read.
    """
    found: dict[str, None] = {}
    for path in paths:
        if not is_folder(path):
            found[path] = None
            continue
        gathered = gathering.gather([path], about=manifests.API_GROUP)
        if gathered.problems:
            raise gathered.problems[0]
        read = [name for name in gathered.texts if name not in gathered.left_out]
        if not read:
            raise InputError(f"no file in this folder mentions {manifests.API_GROUP}", Place(path))
        found.update(dict.fromkeys(read))
    return [*found]


def load(options: argparse.Namespace) -> tuple[Template, Behaviours]:
    """The template that the options name, and the release to run it as; warnings go to standard error."""
    behaviours = release(options.kargo)
    found = manifests.load(files_of(options.files), stdin=sys.stdin.buffer)
    template = templates.template(found, name=options.name, release=behaviours.release)
    for warning in template.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if not options.anyway:
        _refuse_broken_expressions(template, behaviours)
    for step in template.steps:
        if planning.unknown_kind(step, behaviours):
            kind, alias = printable(step.kind), printable(step.alias)
            text = f"Kargo {behaviours.release} has no step {kind!r} built in; the engine will say so and go on"
            print(f"warning: {step.where}: {alias}: {text}", file=sys.stderr)
    return template, behaviours


def _refuse_broken_expressions(template: Template, behaviours: Behaviours) -> None:
    for broken in planning.broken_expressions(template, behaviours):
        path = ".".join(filter(None, (broken.where.path, broken.field)))
        raise InputError(
            f"the expression {printable(broken.text)} cannot work: {printable(broken.problem, 120)}; "
            "expected the expr language between ${{ and }} (--anyway shows what Kargo makes of it)",
            replace(broken.where, path=path),
        )


def planner(template: Template, behaviours: Behaviours) -> Planner:
    """The planner of a template."""
    return planning.planner_of(template, behaviours)
