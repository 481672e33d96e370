"""Check every property of the systems that exist, or of one of them.

Without SYSTEM, checks them all. Kargo's systems are checked as the release given by --kargo behaves; the toys
are classic systems whose sizes are known, to try the checker on.
"""

from __future__ import annotations

import argparse
import re
import time

from commands.output import BOUNDED, DONE, VIOLATED, ProgressLine, add_format, print_json
from diagrams import reports
from invariants.check import ENGINES, STRATEGIES, Bounds, check
from invariants.kargo import systems as kargo_systems
from invariants.subjects import Subject
from invariants.toys import TOY_SUBJECTS, toy
from invariants.verdicts import Report, Verdict
from model.kargo.releases import LATEST, UnknownReleaseError, release
from model.system import ModelError


class UsageError(Exception):
    """The call asks for something that does not exist."""


REFUSED = (UsageError, UnknownReleaseError, ModelError)

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def memory(text: str) -> int:
    """Bytes, from a number with K, M or G behind it."""
    found = re.fullmatch(r"(\d+)([KMG]?)", text.upper().removesuffix("B"))
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"expected an amount of memory such as 512M or 4G, found {text!r}")
    return int(found[1]) * UNITS[found[2]]


def positive(text: str) -> int:
    """A whole number above zero."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number above zero, found {text!r}")
    return int(text)


def add_bounds(parser: argparse.ArgumentParser) -> None:
    """The options that choose an engine and bound its work."""
    parser.add_argument("--engine", choices=sorted(ENGINES), default="symbolic")
    parser.add_argument("--strategy", choices=STRATEGIES, default="layers", help="of the symbolic engine")
    parser.add_argument("--states", type=positive, metavar="N", help="stop after about this many states")
    parser.add_argument("--depth", type=positive, metavar="N", help="stop after this many levels")
    parser.add_argument("--seconds", type=float, metavar="N", help="stop each system after this long")
    parser.add_argument("--memory", type=memory, default=2 << 30, metavar="SIZE", help="such as 512M (default 2G)")
    parser.add_argument("--no-slice", action="store_true", help="keep variables that no property depends on")
    parser.add_argument("--profile", action="store_true", help="show what each function of the model cost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `check`."""
    names = ", ".join([*kargo_systems.NAMES, *TOY_SUBJECTS])
    parser.add_argument("system", nargs="?", metavar="SYSTEM", help=f"one of: {names}")
    parser.add_argument("--kargo", default=LATEST.release, metavar="VERSION", help="default: %(default)s")
    parser.add_argument("--property", metavar="NAME", help="only properties with this in their name")
    parser.add_argument("--size", type=positive, metavar="N", help="of a toy: how many processes it has")
    add_bounds(parser)
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    """Check, print, and say by the exit code how it went."""
    began = time.perf_counter()
    checked = [(s, _check(s, options)) for s in _subjects(options)]
    seconds = time.perf_counter() - began
    if options.format == "json":
        print_json("check", 1, {"systems": [reports.as_json(s, r) for s, r in checked]})
    else:
        print(reports.summary(checked, seconds))
        for subject, report in checked:
            print()
            print("\n".join(reports.lines(subject, report)))
            if options.profile:
                print("\n".join(reports.profile(report)))
    return exit_code([report for _, report in checked])


def exit_code(checked: list[Report]) -> int:
    """1 if a property is violated, 3 if a bound was hit, 0 if everything holds."""
    if any(j.verdict is Verdict.VIOLATED for report in checked for j in report.judgements):
        return VIOLATED
    return DONE if all(report.complete for report in checked) else BOUNDED


def bounds(options: argparse.Namespace) -> Bounds:
    """The bounds that the options name."""
    return Bounds(options.states, options.depth, options.seconds, options.memory)


def _check(subject: Subject, options: argparse.Namespace) -> Report:
    line = ProgressLine(subject.name)
    try:
        return check(
            subject.system,
            subject.properties,
            engine=options.engine,
            strategy=options.strategy,
            bounds=bounds(options),
            sliced=not options.no_slice,
            progress=line,
        )
    finally:
        line.clear()


def _subjects(options: argparse.Namespace) -> list[Subject]:
    behaviours = release(options.kargo)
    known = [*kargo_systems.NAMES, *TOY_SUBJECTS]
    wanted = [options.system] if options.system else known
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(f"no system {unknown[0]!r}; the systems are: {', '.join(known)}")
    if options.size and not (options.system in TOY_SUBJECTS):
        raise UsageError("--size goes with the name of a toy")
    subjects = [
        toy(name, options.size) if name in TOY_SUBJECTS else kargo_systems.subject(name, behaviours)
        for name in wanted
    ]
    return [_only(s, options.property) for s in subjects] if options.property else subjects


def _only(subject: Subject, wanted: str) -> Subject:
    name = wanted.replace("-", "_").replace(" ", "_")
    chosen = tuple(p for p in subject.properties if name in p.name.replace(" ", "_"))
    if not chosen:
        listed = ", ".join(dict.fromkeys(p.name for p in subject.properties))
        raise UsageError(f"{subject.name} has no property {wanted!r}; it has: {listed}")
    return Subject(subject.system, subject.about, chosen)
