"""`draw lifecycle`: the lifecycles of all engines."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from commands.check import UsageError
from diagrams import lifecycles
from diagrams.ambient.lifecycles import LIFECYCLES as OF_AMBIENT
from diagrams.kargo.lifecycles import LIFECYCLES as OF_KARGO
from diagrams.lifecycles import Known
from diagrams.pictures import Picture
from diagrams.speckit.lifecycles import LIFECYCLES as OF_SPECKIT
from diagrams.theme import Kind
from model.ambient import behaviours as ambient
from model.kargo import releases as kargo
from model.phase import Phase
from model.releases import UnknownReleaseError
from model.speckit import releases as speckit

REFUSED = (UsageError, UnknownReleaseError)


class Engine(NamedTuple):
    """Whose lifecycles they are: the option that names a release, and how a release is found by what people say."""

    option: str
    named: Callable[[str], str]


KARGO = Engine("kargo", lambda text: kargo.release(text).release)
AMBIENT = Engine("ambient", lambda text: ambient.named(ambient.version(text)))
SPECKIT = Engine("spec_kit", lambda text: speckit.release(text).release)
ENGINES = (KARGO, AMBIENT, SPECKIT)

LIFECYCLES: dict[str, tuple[Known[Any], Engine]] = {
    known.name: (known, engine)
    for some, engine in ((OF_KARGO, KARGO), (OF_AMBIENT, AMBIENT), (OF_SPECKIT, SPECKIT))
    for known in some
}


KINDS: Mapping[Phase, Kind] = {
    phase: kind for known, _ in LIFECYCLES.values() for phase, kind in known.kinds.items()
}
"""Of which kind the phases of all lifecycles are."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw lifecycle`."""
    parser.add_argument("name", metavar="LIFECYCLE", help=f"one of: {', '.join(LIFECYCLES)}")
    for engine in ENGINES:
        option = f"--{engine.option.replace('_', '-')}"
        parser.add_argument(option, metavar="VERSION", help="only what this release does (default: all of them)")
    parser.add_argument("--diff", nargs=2, metavar=("OLD", "NEW"), help="what the second release does otherwise")
    parser.add_argument("--meant", action="store_true", help="as it is meant, whatever releases do")


def make(options: argparse.Namespace) -> Picture:
    """The picture that the options ask for."""
    if options.name not in LIFECYCLES:
        raise UsageError(f"no lifecycle {options.name!r}; the lifecycles are: {', '.join(LIFECYCLES)}")
    known, engine = LIFECYCLES[options.name]
    for other in ENGINES:
        if other is not engine and getattr(options, other.option):
            raise UsageError(f"--{other.option.replace('_', '-')} does not go with {known.name}")
    asked = getattr(options, engine.option)
    if sum(map(bool, (asked, options.diff, options.meant))) > 1:
        raise UsageError("choose one of: a release, --diff, --meant")
    if options.meant:
        return lifecycles.picture(known)
    only = engine.named(asked) if asked else ""
    diff = (engine.named(options.diff[0]), engine.named(options.diff[1])) if options.diff else None
    return lifecycles.picture(known, lifecycles.moves_of(known, only=only, diff=diff))
