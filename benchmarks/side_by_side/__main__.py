"""The command: `python -m benchmarks.side_by_side`; `--help` says what can be asked."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.side_by_side.models import MODELS
from benchmarks.side_by_side.plan import Step, steps
from benchmarks.side_by_side.results import HEADER, DisagreementError, Result, agree, line, ratios, row, rule
from benchmarks.side_by_side.tools import (
    CRATE,
    TOOLS,
    MissingToolError,
    Setup,
    StoppedError,
    explore,
    found_jar,
    found_storm,
)

Say = Callable[[str], None]
SHORT = 5.0
"""A run of fewer seconds is repeated."""


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.side_by_side",
        description="The same models, of the same sizes, in one run, by every tool that is installed.",
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="which (default: all)")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS), help="which (default: all)")
    parser.add_argument("--sizes", nargs="+", type=_positive, metavar="N", help="instead of those of the plan")
    parser.add_argument("--seconds", type=float, default=120.0, help="limit of each run (default: %(default)s)")
    parser.add_argument(
        "--memory", type=_positive, default=8192, metavar="MB", help="likewise (default: %(default)s)"
    )
    parser.add_argument("--repeats", type=_positive, default=3, help="of short runs; the least of them is shown")
    parser.add_argument(
        "--threads",
        type=_positive,
        default=os.cpu_count() or 1,
        help="for TLC and Stateright, the others have one (default: one for each core)",
    )
    parser.add_argument("--jar", help="tla2tools.jar (default: $TLA2TOOLS_JAR)")
    parser.add_argument("--storm-python", help="a Python that has stormpy (default: $STORM_PYTHON, or this one)")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="write a plot of time against N: .svg, .png, .pdf"
    )
    return parser.parse_args(words)


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not a positive number")
    return number


def versions(setup: Setup, names: Sequence[str], say: Say) -> list[str]:
    """The tools that are there; each is named with its version, or with how to get it."""
    there = []
    for name in names:
        try:
            say(f"{name}: {TOOLS[name].version(setup)}")
            there.append(name)
        except (MissingToolError, StoppedError) as why:
            say(f"{name}: skipped; {why}")
    return there


def measure(setup: Setup, todo: Sequence[Step], repeats: int, say: Say) -> list[Result]:
    """Every step in its turn; a tool that was stopped at a size is not asked for a larger one.

    Raises DisagreementError as soon as two tools disagree.
    """
    results: list[Result] = []
    over: set[tuple[str, str]] = set()
    for step in todo:
        if (step.model, step.tool) in over:
            continue
        result = fastest(setup, step, repeats)
        if result.size is None:
            over.add((step.model, step.tool))
        results.append(result)
        say(row(result))
        agree(results)
    return results


def fastest(setup: Setup, step: Step, repeats: int) -> Result:
    """The fastest of several runs, of one if it is long."""
    found: list[Result] = []
    for _ in range(repeats):
        try:
            size, ran = explore(TOOLS[step.tool], setup, step.model, step.n)
        except StoppedError as why:
            return min(found, key=_seconds, default=Result(step, stopped=str(why)))
        found.append(Result(step, size, ran))
        if ran.seconds > SHORT:
            break
    return min(found, key=_seconds)


def _seconds(result: Result) -> float:
    return result.seconds or 0.0


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print; 0 if all agree, 1 if sizes differ, 2 for a bad call."""
    asked = arguments(words)
    if asked.plot is not None and find_spec("matplotlib") is None:
        print("--plot needs matplotlib: `pip install -e '.[plots]'`", file=sys.stderr)
        return 2

    def say(text: str) -> None:
        print(text, flush=True)

    with tempfile.TemporaryDirectory(prefix="side-by-side-") as place:
        setup = Setup(
            seconds=asked.seconds,
            memory=asked.memory,
            threads=asked.threads,
            jar=found_jar(asked.jar),
            storm=found_storm(asked.storm_python),
            place=Path(place),
            target=CRATE / "target",
        )
        say(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores; {asked.threads} threads where used")
        there = versions(setup, asked.tools, say)
        for text in ("", line(HEADER), rule(HEADER)):
            say(text)
        try:
            results = measure(setup, steps(asked.models, there, asked.sizes), asked.repeats, say)
        except DisagreementError as what:
            print(f"the sizes differ: {what}", file=sys.stderr)
            return 1
    for text in ("", *ratios(results)):
        say(text)
    return _plotted(results, asked.plot) if asked.plot is not None else 0


def _plotted(results: Sequence[Result], file: Path) -> int:
    from benchmarks.side_by_side.plot import draw  # matplotlib is an extra

    try:
        draw(results, file)
    except (ValueError, OSError) as why:
        print(f"no plot: {why}", file=sys.stderr)
        return 2
    print(f"\nplot: {file}")
    return 0


def _terminated(number: int, _: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
