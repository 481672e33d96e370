"""Explore by hand, in a browser on this machine.

Pick a system and a release, see what can happen, take a step, see what it changes and which claims it breaks, go
back, and go the shortest way to a state of your choice. The walk can be copied as a test. SUBJECT is a system to
begin with (as for `check`), or a file with manifests or a workflow of spec-kit (as for `explore`). Serves 127.0.0.1
only, until Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from commands import check, explore, workflows
from commands.arguments import port, seconds
from commands.output import DONE
from commands.web.addresses import Address
from commands.web.catalogue import Catalogue, Group, NothingLikeItError, Own
from diagrams.kargo.lifecycles import LIFECYCLES as OF_KARGO
from diagrams.speckit.lifecycles import LIFECYCLES as OF_WORKFLOWS
from invariants.subjects import Subject
from model.documents import STANDARD_INPUT
from model.inputs import InputError, printable
from model.kargo import releases as kargo
from model.speckit import releases as speckit

APP, SERVER = "commands.web.app", "commands.web.server"
LIBRARIES = ("starlette", "uvicorn")
"""What it needs, which not everybody has."""


class ServeError(Exception):
    """It cannot be served; the message says why, and what to do about it."""


REFUSED = (*explore.REFUSED, ServeError, NothingLikeItError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `serve`."""
    text = "a system to begin with, or files with manifests or a workflow of spec-kit"
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=text)
    help_ = f"the release to begin with (default: {kargo.LATEST.release})"
    parser.add_argument("--kargo", metavar="VERSION", help=help_)
    parser.add_argument("--spec-kit", metavar="VERSION", help="the same for a workflow of spec-kit")
    parser.add_argument("--name", default="", help="which template of the files, where there are several")
    parser.add_argument("--anyway", action="store_true", help="templates with broken expressions, too")
    parser.add_argument("--port", type=port, metavar="N", help="default: one that is free")
    text = "how long the shortest way to something is looked for (default: %(default)g)"
    parser.add_argument("--seconds", type=seconds, default=20.0, metavar="N", help=text)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    catalogue, begin = _asked(options)
    try:
        app, server = importlib.import_module(APP), importlib.import_module(SERVER)
    except ModuleNotFoundError as missing:
        if missing.name not in LIBRARIES:
            raise
        said = f"it needs {' and '.join(LIBRARIES)}, which are not installed; install kargo-model[serve]"
        raise ServeError(said) from None
    try:
        at = server.bound(options.port)
    except OSError as error:
        raise ServeError(f"port {options.port} of {server.HOST} cannot be had: {error.strerror}") from error
    tell = partial(_say, begin=begin)
    server.Server(app.Explorer(catalogue, options.seconds), at, tell).serve_here()
    return DONE


def _say(address: str, begin: str) -> None:
    print(f"{address}{begin}", flush=True)
    print("Ctrl-C ends it.", flush=True)


def _asked(options: argparse.Namespace) -> tuple[Catalogue, str]:
    """What can be explored, and the address to begin at."""
    words = options.subjects
    if not words:
        return Catalogue(), "/"
    if len(words) == 1 and words[0] in check.KNOWN:
        catalogue = Catalogue()
        asked = Address(words[0], _release(catalogue.group(words[0]), options))
        catalogue.subject(asked.system, asked.release)
        return catalogue, str(asked)
    return _of_files(words, options)


def _release(group: Group, options: argparse.Namespace) -> str:
    asked = {"Kargo": options.kargo, workflows.ENGINE: options.spec_kit}.get(group.engine)
    return asked.removeprefix("v") if asked else group.usual


def _of_files(files: Sequence[str], options: argparse.Namespace) -> tuple[Catalogue, str]:
    for file in files:
        if file == STANDARD_INPUT:
            raise ServeError("standard input cannot be read again for another release; name a file")
        if not Path(file).exists():
            known = ", ".join(check.KNOWN)
            raise ServeError(f"{printable(file)!r} is no file, and no system; the systems are: {known}")
    places = [str(Path(file).resolve()) for file in files]
    of_workflow = workflows.are_meant(argparse.Namespace(files=places, spec_kit=options.spec_kit))
    more = (", anyway=True" if options.anyway else "") if of_workflow else _more(options)
    call = "from_workflow" if of_workflow else "from_files"

    def make(release: str) -> Subject:
        try:
            if of_workflow:
                return explore.from_workflow(places, release, anyway=options.anyway)
            return explore.from_files(places, release, name=options.name, anyway=options.anyway)
        except InputError as error:
            raise NothingLikeItError(str(error)) from error

    usual = (options.spec_kit or speckit.LATEST.release) if of_workflow else (options.kargo or kargo.LATEST.release)
    usual = usual.removeprefix("v")
    subject = make(usual)
    name = subject.name if subject.name not in check.KNOWN else f"{subject.name} (yours)"
    releases = tuple(speckit.RELEASES if of_workflow else kargo.RELEASES)
    drawn = OF_WORKFLOWS if of_workflow else OF_KARGO
    engine = workflows.ENGINE if of_workflow else "Kargo"
    group = Group("Your own", engine, (name,), releases, usual, drawn)
    expression = f"explore.{call}({json.dumps(places)}, RELEASE{more})"
    own = Own(group, make, ("from commands import explore",), expression)
    return Catalogue({name: own}), str(Address(name, usual))


def _more(options: argparse.Namespace) -> str:
    name = f", name={json.dumps(options.name)}" if options.name else ""
    return name + (", anyway=True" if options.anyway else "")
