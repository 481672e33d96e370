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
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from commands import check, explore, inputs, workflows
from commands.arguments import port, seconds
from commands.output import DONE
from commands.web.addresses import Address
from commands.web.catalogue import Catalogue, Group, NothingLikeItError, Own
from diagrams.kargo.lifecycles import LIFECYCLES as OF_KARGO
from diagrams.lifecycles import Known
from diagrams.speckit.lifecycles import LIFECYCLES as OF_WORKFLOWS
from invariants.subjects import Subject
from model.documents import STANDARD_INPUT
from model.inputs import InputError, printable
from model.kargo import manifests, templates
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
    parser.add_argument(
        "--name", default="", help="only this template of the files: a name, NAMESPACE/NAME or KIND/NAMESPACE/NAME"
    )
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
        if not inputs.is_there(file):
            known = ", ".join(check.KNOWN)
            raise ServeError(f"{printable(file)!r} is no file, and no system; the systems are: {known}")
    places = [str(Path(file).resolve()) for file in inputs.files_of(files)]
    if workflows.are_meant(argparse.Namespace(files=places, spec_kit=options.spec_kit)):
        call = partial(explore.from_workflow, places, anyway=options.anyway)
        written = f"explore.from_workflow({json.dumps(places)}, RELEASE{_more(options)})"
        usual = (options.spec_kit or speckit.LATEST.release).removeprefix("v")
        return _catalogue([("", call, written)], workflows.ENGINE, tuple(speckit.RELEASES), usual, OF_WORKFLOWS)
    usual = (options.kargo or kargo.LATEST.release).removeprefix("v")
    names = (options.name,) if options.name else templates.names(manifests.load(places)) or ("",)
    found = [
        (
            name,
            partial(explore.from_files, places, name=name, anyway=options.anyway),
            f"explore.from_files({json.dumps(places)}, RELEASE{_more(options, name)})",
        )
        for name in names
    ]
    return _catalogue(found, "Kargo", tuple(kargo.RELEASES), usual, OF_KARGO)


Found = tuple[str, Callable[[str], Subject], str]
"""What was found in files: the name that chooses it, how to make it as a release behaves, and that as Python."""


def _catalogue(
    found: Sequence[Found], engine: str, releases: tuple[str, ...], usual: str, drawn: tuple[Known[Any], ...]
) -> tuple[Catalogue, str]:
    """What can be explored besides, and the address to begin at: that of the start page, if there is a choice.

    Raises InputError if nothing can; what else cannot is told.
    """
    named: dict[str, Found] = {}
    refused: list[InputError] = []
    for each in found:
        try:
            name = each[1](usual).name
        except InputError as error:
            refused.append(error)
            continue
        if name in check.KNOWN:
            name += " (yours)"
        named[f"{name} ({each[0]})" if name in named else name] = each
    if not named:
        raise refused[0]
    for problem in refused:
        print(f"left out: {problem}", file=sys.stderr)
    group = Group("Your own", engine, tuple(named), releases, usual, drawn)
    imports = ("from commands import explore",)
    own = {name: Own(group, _made_by(make), imports, written) for name, (_, make, written) in named.items()}
    return Catalogue(own), str(Address(next(iter(named)), usual)) if len(named) == 1 else "/"


def _made_by(make: Callable[[str], Subject]) -> Callable[[str], Subject]:
    """The same, refused as a catalogue refuses."""

    def made(release: str) -> Subject:
        try:
            return make(release)
        except InputError as error:
            raise NothingLikeItError(str(error)) from error

    return made


def _more(options: argparse.Namespace, name: str = "") -> str:
    return (f", name={json.dumps(name)}" if name else "") + (", anyway=True" if options.anyway else "")
