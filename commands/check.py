"""Check every property of the systems that exist, or of one of them.

Without SYSTEM, checks them all, which takes a minute or so. Kargo's systems are checked as the release given by
--kargo behaves: Promotions with a few steps, and control loops, which are small pipelines with all that people,
applications and the controller do in them. The toys are classic systems whose sizes are known, to try the checker.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Hashable
from dataclasses import replace
from functools import partial

from commands.arguments import few, memory, positive, seconds, size
from commands.output import BOUNDED, DONE, VIOLATED, ProgressLine, add_format, print_json
from diagrams import reports
from invariants import toys
from invariants.check import ENGINES, STRATEGIES, Bounds, check
from invariants.kargo import loops
from invariants.kargo import systems as kargo_systems
from invariants.properties import Kind, Property
from invariants.subjects import Subject
from invariants.verdicts import Report, Verdict
from model.kargo.releases import LATEST, Behaviours, UnknownReleaseError, release
from model.system import ModelError
from model.toys import TOYS


class UsageError(Exception):
    """The call asks for something that does not exist."""


REFUSED = (UsageError, UnknownReleaseError, ModelError)

LAYERS, SATURATION = STRATEGIES
SYMBOLIC = "symbolic"

KNOWN = (*kargo_systems.NAMES, *loops.LOOPS, *TOYS)


def add_bounds(
    parser: argparse.ArgumentParser, engine: str | None = SYMBOLIC, strategy: str | None = LAYERS
) -> None:
    """The options that choose an engine and a strategy (None: whichever suits), and bound their work."""
    default = engine or "the one that suits the number of states"
    parser.add_argument("--engine", choices=sorted(ENGINES), default=engine, help=f"default: {default}")
    default = strategy or f"{SATURATION} for control loops, {LAYERS} for the rest"
    default = f"of the symbolic engine (default: {default})"
    parser.add_argument("--strategy", choices=STRATEGIES, default=strategy, help=default)
    parser.add_argument("--states", type=positive, metavar="N", help="stop after about this many states")
    parser.add_argument("--depth", type=positive, metavar="N", help="stop after this many levels")
    parser.add_argument("--seconds", type=seconds, metavar="N", help="stop each system after this long")
    parser.add_argument("--memory", type=memory, default=2 << 30, metavar="SIZE", help="such as 512M (default 2G)")
    parser.add_argument("--no-slice", action="store_true", help="keep variables that no property depends on")
    parser.add_argument("--profile", action="store_true", help="show what each function of the model cost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `check`."""
    parser.add_argument("system", nargs="?", metavar="SYSTEM", help=f"one of: {', '.join(KNOWN)}")
    parser.add_argument("--kargo", default=LATEST.release, metavar="VERSION", help="default: %(default)s")
    parser.add_argument("--property", metavar="NAME", help="only properties with this in their name")
    parser.add_argument("--size", type=size, metavar="N", help="of a toy: how many processes it has")
    parser.add_argument("--promotions", type=few, metavar="N", help="of a control loop: so many for each Stage")
    parser.add_argument("--freight", type=few, metavar="N", help="of a control loop: so many from each Warehouse")
    add_bounds(parser, strategy=None)
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
            print("\n".join(reports.lines(subject, report, witnesses=bool(options.property))))
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
    strategy = options.strategy or _suiting(subject, options)
    try:
        return check(
            subject.system,
            subject.properties,
            engine=options.engine,
            strategy=strategy,
            bounds=bounds(options),
            sliced=not options.no_slice,
            transitions=strategy == LAYERS or subject.name not in loops.LOOPS,
            traced=partial(_traced, all_of_them=options.format == "json", witnesses=bool(options.property)),
            progress=line,
        )
    finally:
        line.clear()


def _traced(claim: Property, *, all_of_them: bool, witnesses: bool) -> Hashable:
    """People are told one story for each claim, and of what is possible only if they ask for it."""
    if all_of_them:
        return claim
    return claim.function if claim.kind is not Kind.SOMETIMES or witnesses else None


def _suiting(subject: Subject, options: argparse.Namespace) -> str:
    """Control loops are too deep for layers, unless the engine or a bound on depth asks for these."""
    shallow = options.engine != SYMBOLIC or options.depth is not None
    return SATURATION if subject.name in loops.LOOPS and not shallow else LAYERS


def _subjects(options: argparse.Namespace) -> list[Subject]:
    behaviours = release(options.kargo)
    _refuse(options)
    names = [options.system] if options.system else list(KNOWN)
    subjects = [_subject(name, options, behaviours) for name in names]
    return _only(subjects, options.property) if options.property else subjects


def _refuse(options: argparse.Namespace) -> None:
    """Raise UsageError if the system does not exist, or has no such bounds."""
    if options.system and options.system not in KNOWN:
        raise UsageError(f"no system {options.system!r}; the systems are: {', '.join(KNOWN)}")
    if options.size and options.system not in TOYS:
        raise UsageError("--size goes with the name of a toy")
    if (options.promotions or options.freight) and options.system not in loops.LOOPS:
        named = ", ".join(loops.LOOPS)
        raise UsageError(f"--promotions and --freight go with the name of a control loop: {named}")


def _subject(name: str, options: argparse.Namespace, behaviours: Behaviours) -> Subject:
    if name in loops.LOOPS:
        return loops.subject(name, behaviours, promotions=options.promotions, freight=options.freight)
    if name not in TOYS:
        return kargo_systems.subject(name, behaviours)
    try:
        return toys.subject(name, options.size)
    except TypeError:
        raise UsageError(f"{name} has no size to choose") from None


def _only(subjects: list[Subject], wanted: str) -> list[Subject]:
    """The systems that have properties of that name, with those."""
    name = _plain(wanted)
    chosen = [replace(s, properties=tuple(p for p in s.properties if name in _plain(p.name))) for s in subjects]
    if not any(s.properties for s in chosen):
        listed = ", ".join(dict.fromkeys(p.claim for s in subjects for p in s.properties))
        raise UsageError(f"no property has {wanted!r} in its name; the properties are: {listed}")
    return [s for s in chosen if s.properties]


def _plain(name: str) -> str:
    return name.replace("-", " ").replace("_", " ").lower()
