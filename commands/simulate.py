"""Simulate a study: how often a Promotion succeeds, how long it takes and what it costs, under a failure policy.

FILE is a study: what is promoted, how the world behaves, how many runs. The rules that decide are the model's own;
chance is in the study. `--example` prints a study that explains itself:

  kargo-model simulate --example > study.yaml
  kargo-model simulate study.yaml --compare policy=none,restart:3,recreate:3,rollback --plots plots

A comparison is of the same runs with the same luck. What can be compared: policy=..., kargo=1.8.3,1.11.2; of a step
STEP.errorThreshold=1,3,5 and STEP.timeout=5m,10m,15m; of Stages that push to one branch also branch.stages=2,10,50,
branch.retries=true,false and others. With --sweep the comparison is made at each of several values of any of these.
The same study gives the same bytes, whoever computes.

With --exact, nothing is drawn: every situation that a Promotion can come to is solved for. That takes times that
are `values` or lists, and answers also where nobody knows how likely something is. --export writes it for Storm.
Ctrl-C stops, and shows what the runs that are done say.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from commands.arguments import positive
from commands.fan_out import PlaceError, add_on, place
from commands.output import BOUNDED, DONE, OutputError, print_json, write
from diagrams import simulations as shown
from diagrams import sweeps
from diagrams.simulations import Result
from diagrams.sweeps import Sweep
from model.inputs import InputError, printable
from simulations.kargo.study import comparing, exact, measures, study_file
from simulations.kargo.study.comparing import ComparisonError
from simulations.kargo.study.exact import Exact
from simulations.kargo.study.measures import Tally, Variant
from simulations.kargo.study.study import Study, StudyError
from simulations.stochastic import chains
from simulations.stochastic.chains import TooManyError

PLOTS, EXTRA = "diagrams.plots", "matplotlib"
"""The module that draws, and the library that it needs, which not everybody has."""

INTERRUPTED = 130
FORMATS = ("text", "json", "csv")


class Plots(Protocol):
    """The module that draws."""

    def write(self, result: Result, folder: Path) -> Iterator[Path]:
        """Write every plot of a result into a folder; the files, as they are written."""

    def write_sweep(self, sweep: Sweep, folder: Path) -> Iterator[Path]:
        """Write the plot of a sweep into a folder; the files, as they are written."""


class UsageError(Exception):
    """The call is wrong; the message says how."""


REFUSED = (InputError, StudyError, ComparisonError, UsageError, OutputError, PlaceError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `simulate`."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="a study; - is stdin")
    parser.add_argument("--example", action="store_true", help="print a study that explains itself")
    parser.add_argument("--runs", type=positive, metavar="N", help="instead of as many as the study says")
    parser.add_argument("--seed", type=_seed, metavar="N", help="instead of that of the study")
    parser.add_argument(
        "--compare", metavar="WHAT=A,B,...", help="the same runs with each of these, such as policy=none,recreate:3"
    )
    parser.add_argument(
        "--sweep", metavar="WHAT=A,B,...", help="do all that at each of these values, such as branch.stages=2,10,50"
    )
    parser.add_argument("--exact", action="store_true", help="exact values instead of runs")
    parser.add_argument("--export", type=Path, metavar="FILE.drn", help="write the chain for Storm; with --exact")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="write plots there, as SVG and PNG")
    parser.add_argument("--format", choices=FORMATS, default="text", help="how to print (default: text)")
    add_on(parser)


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > study_file.LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 2^63 - 1, found {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Simulate, or solve, and print."""
    if options.example:
        print(study_file.EXAMPLE.read_text(encoding="utf-8"), end="")
        return DONE
    _refuse_contradictions(options)
    study = study_file.load(options.file, stdin=sys.stdin.buffer)
    changed = {name: value for name in ("runs", "seed") if (value := getattr(options, name)) is not None}
    study = replace(study, **changed)
    if options.sweep:
        return _sweep(study, options)
    variants = comparing.variants(study, options.compare)
    return _solve(variants, options) if options.exact else _simulate(study, variants, options)


def _refuse_contradictions(options: argparse.Namespace) -> None:
    if options.file is None:
        raise UsageError("expected the FILE of a study; `kargo-model simulate --example` prints one")
    if options.export and not options.exact:
        raise UsageError("--export goes with --exact: it writes the chain that is solved")
    if options.exact and options.sweep:
        raise UsageError("--sweep is of runs; leave out --exact")
    if options.exact and (options.plots or options.format == "csv"):
        raise UsageError("--plots and --format csv show runs; leave out --exact")


# Runs


def _simulate(study: Study, variants: tuple[Variant, ...], options: argparse.Namespace) -> int:
    _refuse_unknowns(study)
    plots = _plots(options.plots) if options.plots else None
    tallies, finished = _counted(variants, options.on)
    if not tallies:
        print("kargo-model: interrupted before any run was done", file=sys.stderr)
        return INTERRUPTED
    result = Result(study, tallies, study.runs)
    if options.format == "json":
        print_json("simulate", 1, shown.as_json(result))
    elif options.format == "csv":
        print(shown.as_csv(result), end="")
    else:
        print("\n".join((shown.headline(result), *shown.lines(result))))
    if plots is not None:
        for file in plots.write(result, options.plots):
            print(f"wrote {file}", file=sys.stderr)
    if not finished:
        print(f"kargo-model: {shown.rests_on(result)}", file=sys.stderr)
    return DONE if finished else INTERRUPTED


def _sweep(study: Study, options: argparse.Namespace) -> int:
    """The same at each of several values."""
    _refuse_unknowns(study)
    plots = _plots(options.plots) if options.plots else None
    what, _, _ = options.sweep.partition("=")
    points: list[tuple[str, Result]] = []
    value, finished = "", True
    for value, at in comparing.points(study, options.sweep):
        tallies, finished = _counted(comparing.variants(at, options.compare), options.on)
        if tallies:
            points.append((value, Result(at, tallies, at.runs)))
        if not finished:
            break
    if not points:
        print("kargo-model: interrupted before any run was done", file=sys.stderr)
        return INTERRUPTED
    sweep = Sweep(what, tuple(points))
    if options.format == "json":
        print_json("simulate-sweep", 1, sweeps.sweep_as_json(sweep))
    elif options.format == "csv":
        print(sweeps.sweep_as_csv(sweep), end="")
    else:
        print("\n".join((sweeps.headline(sweep), *sweeps.lines(sweep))))
    if plots is not None:
        for file in plots.write_sweep(sweep, options.plots):
            print(f"wrote {file}", file=sys.stderr)
    if not finished:
        _, last = points[-1]
        told = shown.rests_on(last) if last.runs < last.wanted else "what is shown is finished"
        print(f"kargo-model: interrupted at {printable(what)} {printable(value)}; {told}", file=sys.stderr)
    return DONE if finished else INTERRUPTED


def _refuse_unknowns(study: Study) -> None:
    if not study.sampled:
        raise StudyError("what nobody knows cannot be drawn by chance; --exact gives the bounds there are")


def _plots(folder: Path) -> Plots:
    """What draws, with a folder to write to: better before all is simulated than after it."""
    try:
        module: Plots = importlib.import_module(PLOTS)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != EXTRA:
            raise
        text = "--plots needs matplotlib, which is not installed; install kargo-model[plots] to have it"
        raise UsageError(text) from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{str(folder)!r} cannot be written: {error.strerror}") from None
    return module


def _counted(variants: tuple[Variant, ...], on: str) -> tuple[tuple[Tally, ...], bool]:
    """What all portions came to, or those that were done when somebody interrupted."""
    work = [*measures.portions(variants)]
    line = _Line(variants[0].study.runs)
    total: tuple[Tally, ...] = ()
    try:
        with place(on) as there:
            # A portion of Stages that push to one branch takes as many turns as there are Stages.
            turns = max(variant.study.each if variant.study.branch else 1 for variant in variants)
            few = len(work) * len(variants) * turns <= FEW or len(work) <= there.few
            for tallies in map(measures.count, work) if few and there.few else there.each(measures.count, work):
                total = measures.together((total, tallies) if total else (tallies,))
                line(total[0].runs)
    except KeyboardInterrupt:
        line.clear()
        return total, False
    line.clear()
    return total, True


FEW = 40
"""So many portions and variants take less time than other processes take to begin."""


class _Line:
    """A line on the terminal that says how many runs are done; silent where nobody looks."""

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self.began = time.monotonic()
        self.wanted = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Show it."""
        if self.wanted:
            seconds = max(time.monotonic() - self.began, 0.001)
            text = f"simulate: {done:,} of {self.runs:,} runs, {done / seconds:,.0f}/s, {seconds:.0f} s"
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave no trace on the terminal."""
        if self.wanted:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


# Exact values


def _solve(variants: tuple[Variant, ...], options: argparse.Namespace) -> int:
    if options.export and len(variants) > 1:
        raise UsageError("--export writes one chain; leave out --compare")
    solved = []
    for variant in variants:
        try:
            values = _exact(variant.study, options.export)
        except TooManyError as error:
            print(
                f"kargo-model: {variant.name}: {error}; simulate it, or let times have fewer values",
                file=sys.stderr,
            )
            return BOUNDED
        solved.append((variant, values))
    if options.format == "json":
        documents = [shown.exact_as_json(variant.study, values, variant.name) for variant, values in solved]
        print_json("simulate-exact", 1, {"variants": documents})
    else:
        print("\n\n".join("\n".join(shown.exact_lines(v.study, values, v.name)) for v, values in solved))
    return DONE


def _exact(study: Study, export: Path | None) -> Exact:
    """The exact values; if asked for, the chain they are those of is written."""
    chain = exact.chain_of(study)
    if export:
        write(export, chains.drn(chain, exact.exported(study)).encode())
    return exact.exact(chain, study)
