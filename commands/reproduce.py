"""Reproduce a reported bug, and judge its remedies.

Without NAME, lists what can be reproduced. Exits with 0 if the run shows what the report shows, 1 if not.
"""

from __future__ import annotations

import argparse

from commands.output import DONE, VIOLATED, add_format, print_json
from diagrams import reproductions
from model.inputs import InputError
from simulations.kargo import scenarios


class UsageError(Exception):
    """There is no such scenario."""


REFUSED = (UsageError, InputError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `reproduce`."""
    parser.add_argument("scenario", nargs="?", metavar="NAME", help=f"one of: {', '.join(scenarios.SCENARIOS)}")
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    """Reproduce and print, or list."""
    if options.scenario is None:
        return _list(options.format)
    if options.scenario not in scenarios.SCENARIOS:
        known = ", ".join(scenarios.SCENARIOS)
        raise UsageError(f"no scenario {options.scenario!r}; the scenarios are: {known}")
    found = scenarios.reproduce(options.scenario)
    if options.format == "json":
        print_json("reproduce", 1, reproductions.as_json(found))
    else:
        print("\n".join(reproductions.lines(found)))
    return DONE if found.reproduced else VIOLATED


def _list(form: str) -> int:
    known = {name: scenarios.about(name) for name in scenarios.SCENARIOS}
    if form == "json":
        print_json("reproduce", 1, {"scenarios": [{"name": n, "about": a} for n, a in known.items()]})
        return DONE
    width = max(map(len, known))
    print(
        f"{len(known)} reported bug{'s' if len(known) != 1 else ''} can be reproduced: kargo-model reproduce NAME"
    )
    for name, about in known.items():
        print(f"  {name:{width}}  {about}")
    return DONE
