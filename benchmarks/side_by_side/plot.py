"""A plot of time against N, one picture for each model, one line for each tool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.side_by_side.models import MODELS
from benchmarks.side_by_side.results import Result
from benchmarks.side_by_side.tools import TOOLS

STYLES = dict(zip(TOOLS, ("o-", "s-", "^-", "v--", "D--", "P--", "X--"), strict=True))
COLOURS = dict(
    zip(TOOLS, ("#1d4ed8", "#0d9488", "#7c3aed", "#dc2626", "#ea580c", "#ca8a04", "#64748b"), strict=True)
)


def draw(results: Sequence[Result], file: Path) -> None:
    """Write the plot in the format of the file's name.

    A run that was stopped is not shown: the line of its tool ends before it. Time is logarithmic, and so is N where
    it goes far.

    Raises ValueError for a format that matplotlib does not know, OSError if the file cannot be written.
    """
    measured = [r for r in results if r.seconds is not None]
    models = list(dict.fromkeys(r.step.model for r in measured))
    figure = Figure(figsize=(6.5 * min(len(models), 2), 4.6 * ((len(models) + 1) // 2)), layout="constrained")
    for place, model in enumerate(models, 1):
        axes = figure.add_subplot((len(models) + 1) // 2, min(len(models), 2), place)
        of_model = [r for r in measured if r.step.model == model]
        for tool in TOOLS:
            points = [(r.step.n, r.seconds) for r in of_model if r.step.tool == tool]
            if points:
                axes.plot(*zip(*points, strict=True), STYLES[tool], color=COLOURS[tool], label=tool, markersize=5)
        largest = max(r.step.n for r in of_model)
        axes.set_title(f"{model}: {MODELS[model].about}", fontsize=10)
        axes.set_yscale("log")
        if largest > 20:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlabel("N")
        axes.set_ylabel("seconds")
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend(fontsize=8)
    figure.savefig(file)
