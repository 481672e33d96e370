"""Plots of studies, fit for a design document: labelled, told apart without colours, the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator, PercentFormatter

from diagrams.simulations import Result
from diagrams.sweeps import Sweep
from simulations.kargo.study.measures import (
    ATTEMPTS,
    PROMOTIONS,
    TO_THE_LAST,
    TO_VERIFIED,
    WASTED,
    WASTED_WORK,
    WORK,
    Tally,
)
from simulations.kargo.study.study import OUTCOMES, Outcome
from simulations.stochastic.tallies import Histogram, Moments, lower_edges

T = TypeVar("T")
_Draw = Callable[[Axes, Result], None]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442")
"""Colours that people with any kind of colour blindness tell apart. Source: Okabe and Ito (2008)"""

HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo", "--")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (5, 5)))

_TICKS = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
MOST_TICKS = 9
MANY = 8
"""So many variants go into one column of a legend."""

FORMATS = ("svg", "png")
STYLE: Any = {  # matplotlib types the names of settings as those of one version
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10,
    "grid.alpha": 0.3,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "path",
    "svg.hashsalt": "kargo-model",
}


def write(result: Result, folder: Path) -> Iterator[Path]:
    """Write every plot of a result into a folder, in each of `FORMATS`; the files, as they are written."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures(result):
        for form in FORMATS:
            file = folder / f"{result.study.name}-{name}.{form}"
            save(figure, file)
            yield file


def save(figure: Figure, file: Path) -> None:
    """Write a plot, in the format that the file's name ends in; without a date: the same is the same file."""
    with mpl.rc_context(STYLE):
        figure.savefig(file, dpi=150, metadata={"Date": None} if file.suffix == ".svg" else {"Software": None})


def figures(result: Result) -> Iterator[tuple[str, Figure]]:
    """Every plot of a result with its name."""
    with mpl.rc_context(STYLE):
        yield "verified", _figure(result, _verified, HEIGHT)
        yield "outcomes", _figure(result, _outcomes, _height(result))
        yield "cost", _figure(result, _cost, _height(result))


def write_sweep(sweep: Sweep, folder: Path) -> Iterator[Path]:
    """Write the plot of a sweep into a folder, in each of `FORMATS`; the files, as they are written."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        figure = curves(sweep)
    for form in FORMATS:
        file = folder / f"{sweep.points[0][1].study.name}-sweep.{form}"
        save(figure, file)
        yield file


def curves(sweep: Sweep, title: str = "") -> Figure:
    """What a sweep came to: four measures, each over what is swept, a curve for each variant."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    figure.suptitle(title or f"Promotions of a run, by {sweep.what}", x=0.01, ha="left", fontsize=11)
    shares, attempts, wasted, times = figure.subplots(2, 2, sharex=True).flat
    at = np.arange(len(sweep.points))
    for k, name in enumerate(sweep.variants):
        style: Any = {
            "color": _of(COLOURS, k),
            "linestyle": _of(DASHES, k + k // len(COLOURS)),
            "marker": _of(MARKERS, k + k // len(COLOURS)),
            "label": name,
        }
        found = [(result.tallies[k], result) for _, result in sweep.points]
        every = [tally.all_of_a_run(result.confidence) for tally, result in found]
        middle = [e.value if e else 0.0 for e in every]
        off = [[e.value - e.low if e else 0.0 for e in every], [e.high - e.value if e else 0.0 for e in every]]
        shares.errorbar(at, middle, yerr=off, capsize=3, **style)
        for axes, measure, scale in ((attempts, ATTEMPTS, 1), (wasted, WASTED, 1), (times, TO_THE_LAST, 1000)):
            axes.plot(at, [_mean(tally, measure) / scale for tally, _ in found], **style)
    labels = ("all Promotions of a run succeed", "attempts of steps for each Promotion", "wasted attempts of these")
    for axes, label in zip((shares, attempts, wasted, times), (*labels, "time until all is over"), strict=True):
        axes.set_title(label, loc="left", fontsize=10)
        top = 1.0 if axes is shares else axes.get_ylim()[1]
        axes.set_ylim(-0.03 * top, 1.03 * top)  # so that no marker is cut off
        axes.set_xticks(at, [value for value, _ in sweep.points])
    for axes in (wasted, times):
        axes.set_xlabel(sweep.what)
    shares.yaxis.set_major_formatter(PercentFormatter(1.0))
    shares.set_ylabel("share of runs")
    attempts.set_ylabel("mean")
    wasted.set_ylabel("mean")
    times.set_ylabel("mean")
    _in_time(times.yaxis, times.get_ylim()[1])
    shares.legend(frameon=False, fontsize=8)
    study, runs = sweep.points[0][1].study, sweep.points[0][1].runs
    below = f"{study.name}: {runs:,} runs for each point, seed {study.seed}"
    figure.supxlabel(below, fontsize=8, color="0.35", x=0.99, ha="right")
    return figure


HEIGHT = 4.2
"""Of a plot, in inches."""


def _height(result: Result) -> float:
    """Of a plot with a bar for each variant, which needs room for its name."""
    return max(HEIGHT, 1.6 + 0.4 * len(result.tallies))


def _below(result: Result) -> float:
    """Where the legend of a plot with bars begins, in parts of its height."""
    return -0.16 * HEIGHT / _height(result)


def _figure(result: Result, draw: _Draw, height: float) -> Figure:
    figure = Figure(figsize=(7.2, height), layout="constrained")
    axes = figure.add_subplot()
    draw(axes, result)
    study = result.study
    below = f"{study.name}: Kargo {study.behaviours.release}, {result.runs:,} runs, seed {study.seed}"
    figure.supxlabel(below, fontsize=8, color="0.35", x=0.99, ha="right")
    return figure


def _verified(axes: Axes, result: Result) -> None:
    """How many of the Promotions are verified by when."""
    last = 0.0
    for k, tally in enumerate(result.tallies):
        seconds, shares = _curve(tally.times[TO_VERIFIED], tally.asked)
        axes.plot(
            seconds,
            shares,
            color=_of(COLOURS, k),
            linestyle=_of(DASHES, k + k // len(COLOURS)),
            label=tally.name,
            linewidth=1.8,
        )
        late = tally.quantile(TO_VERIFIED, 0.995, result.confidence)
        last = max(last, late.value / 1000 if late else 0.0)
    axes.set_xlim(0, last or 1)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    _in_time(axes.xaxis, last)
    axes.set_xlabel("time since the Promotion was created")
    axes.set_ylabel("share of Promotions verified by then")
    axes.set_title("How many Promotions are verified, and when", loc="left")
    axes.legend(frameon=False, loc="lower right", fontsize=8, ncols=1 + (len(result.tallies) > MANY))


def _in_time(axis: Axis, last: float) -> None:
    """Times up to the last, in seconds, that people would divide an hour by."""
    axis.set_major_locator(MultipleLocator(next((s for s in _TICKS if last / s <= MOST_TICKS), _TICKS[-1])))
    axis.set_major_formatter(FuncFormatter(short))


def _curve(histogram: Histogram, of: int) -> tuple[Sequence[float], Sequence[float]]:
    """Seconds, and how many of all have come to an end by then."""
    met = np.flatnonzero(histogram.counts)
    edges = lower_edges(met + 1) / 1000
    shares = np.cumsum(histogram.counts[met]) / max(of, 1)
    return [0.0, *edges.tolist()], [0.0, *shares.tolist()]


def _outcomes(axes: Axes, result: Result) -> None:
    """What becomes of the Promotions."""
    left = np.zeros(len(result.tallies))
    at = np.arange(len(result.tallies))[::-1]
    for k, outcome in enumerate(OUTCOMES):
        shares = np.array([t.outcomes[k] / t.asked for t in result.tallies])
        if shares.any():
            colour, hatch = _of(COLOURS, k), _of(HATCHES, k)
            axes.barh(at, shares, left=left, color=colour, hatch=hatch, edgecolor="white", label=outcome.value)
        left = left + shares
    for y, tally in zip(at, result.tallies, strict=True):
        found = tally.share_of(Outcome.VERIFIED, result.confidence)
        if found:
            off = [[found.value - found.low], [found.high - found.value]]
            axes.errorbar([found.value], [y], xerr=off, color="black", capsize=3, linewidth=1)
    axes.set_yticks(at, [t.name for t in result.tallies])
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(f"share of Promotions ({result.confidence * 100:g} % interval of those verified)")
    axes.set_title("What becomes of the Promotions that somebody asks for", loc="left")
    axes.grid(visible=False, axis="y")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, _below(result)), ncols=2, fontsize=8)


def _cost(axes: Axes, result: Result) -> None:
    """What it costs: work that was of use and work that was not, and how many Promotions it took."""
    at = np.arange(len(result.tallies))[::-1]
    work = np.array([_mean(t, WORK) for t in result.tallies]) / 1000
    wasted = np.array([_mean(t, WASTED_WORK) for t in result.tallies]) / 1000
    axes.barh(at, work - wasted, color=COLOURS[0], label="of use")
    axes.barh(at, wasted, left=work - wasted, color=COLOURS[1], hatch="//", edgecolor="white", label="wasted")
    for y, tally in zip(at, result.tallies, strict=True):
        found = tally.mean(WORK, result.confidence)
        if found and tally.runs > 1:
            off = [[(found.value - found.low) / 1000], [(found.high - found.value) / 1000]]
            axes.errorbar([found.value / 1000], [y], xerr=off, color="black", capsize=3, linewidth=1)
    axes.set_yticks(at, [f"{t.name}\n{_promotions(t)}" for t in result.tallies])
    _in_time(axes.xaxis, axes.get_xlim()[1])
    axes.set_xlabel(f"time spent in steps, mean ({result.confidence * 100:g} % interval)")
    axes.set_title("Work for each Promotion that somebody asks for", loc="left")
    axes.grid(visible=False, axis="y")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, _below(result)), ncols=2, fontsize=8)


def _promotions(tally: Tally) -> str:
    """How many Promotions it took."""
    number = f"{_mean(tally, PROMOTIONS):.3g}"
    return f"{number} Promotion" if number == "1" else f"{number} Promotions"


def short(seconds: float, _: object = None) -> str:
    """A time as short as it can be said: 0.5s, 2s, 1m30s, 5m, 1h30m."""
    whole = round(seconds)
    if whole < 60 or whole != seconds:
        return f"{seconds:g}s" if seconds else "0"
    parts = ((whole // 3600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _mean(tally: Tally, name: str) -> float:
    moments: Moments = tally.means[name]
    return moments.sums[0] / max(1, moments.sums[1])


def _of(many: Sequence[T], number: int) -> T:
    return many[number % len(many)]
