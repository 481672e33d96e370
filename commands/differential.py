"""Hold the model against the real thing: both run generated workflows, and everything that can be seen is compared.

ENGINE is speckit: the real engine is the package specify-cli. Without --spec-kit it is the one installed beside
this project (with its extra `test`); with a version, that one is installed once into an environment of its
own in the cache folder. Compared are: what validation says, the status of the run, where it halted, every record,
every line of the log, and what was really run; and the same after each resumption.

Exits with 0 if there is no difference, 1 if there is one, 2 if the engine cannot be had.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from commands.arguments import positive
from commands.looking import cache_folder
from commands.output import DONE, VIOLATED, add_format, print_json
from diagrams.speckit import comparisons
from model.releases import UnknownReleaseError
from model.speckit.releases import modelled_as, release
from simulations.speckit.real_engine import EngineUnavailableError, RealEngine, environment
from simulations.speckit.side_by_side import compare

REFUSED = (EngineUnavailableError, UnknownReleaseError)

DEFAULT_COUNT, DEFAULT_SEED = 1_000, 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `differential`."""
    parser.add_argument("engine", choices=("speckit",), metavar="ENGINE", help="speckit")
    parser.add_argument("--count", type=positive, default=DEFAULT_COUNT, metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, metavar="N", help="default: %(default)s")
    parser.add_argument("--spec-kit", metavar="VERSION", help="default: the one that is installed")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="where environments are kept")
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    """Compare and print."""
    if options.spec_kit is None:
        python = Path(sys.executable)
    else:
        version = release(options.spec_kit).release
        python = environment(version, options.cache or cache_folder())
    with RealEngine(python) as engine:
        behaviours = modelled_as(engine.version)
        found = compare(engine, behaviours, count=options.count, seed=options.seed, watch=_told)
    if options.format == "json":
        print_json("differential", 1, comparisons.as_json(found))
    else:
        print("\n".join(comparisons.lines(found)))
    return VIOLATED if found.divergent else DONE


def _told(done: int, of: int) -> None:
    """Say on the terminal how far it is, now and then, and leave no trace at the end."""
    if sys.stderr.isatty() and (done % 20 == 0 or done == of):
        text = f"{done:,} of {of:,} workflows" if done < of else ""
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
