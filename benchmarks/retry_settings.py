"""What retry settings buy: docs/retry-settings.md, its tables and plots, by `python -m benchmarks.retry_settings`.

Prints the tables, and writes the plots to docs/plots. The studies are examples/studies/heavy.yaml and light.yaml,
in a release whose backoff is exponential from 5 ms and in one that looks again after five minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from diagrams.plots import COLOURS, DASHES, STYLE, save, short
from diagrams.simulations import duration
from diagrams.tables import markdown_table
from simulations.kargo.study import comparing, measures, study_file
from simulations.kargo.study.measures import TO_VERIFIED, Tally
from simulations.kargo.study.study import Outcome, Study
from simulations.stochastic.distributions import always, continuous

ROOT = Path(__file__).parent.parent
STUDIES, PLOTS = ROOT / "examples" / "studies", ROOT / "docs" / "plots"
APPS = ("heavy", "light")
POLLING, BACKING_OFF = "1.8.3", "1.11.2"
RELEASES = {POLLING: "looks again after 5 minutes", BACKING_OFF: "backs off from 5 ms"}
THRESHOLDS = ("1", "3", "5")
TIMEOUTS = ("5m", "10m", "15m")
OUTAGES_MS = (1_000, 30_000, 180_000)
MORE_THRESHOLDS = ("1", "3", "5", "9", "14", "17")
"""Those of the report, and what it takes to outlast each of the outages by backing off."""

FEW = 2000
"""Runs for each point of a curve."""

Rows = list[list[str]]


def study(app: str, release: str) -> Study:
    """The study of an application in a release."""
    [found] = comparing.variants(study_file.load(str(STUDIES / f"{app}.yaml")), f"kargo={release}")
    return found.study


def tallies(of: Study, what: str, values: tuple[str, ...]) -> tuple[Tally, ...]:
    """What the runs come to with each of the values."""
    variants = comparing.variants(of, f"{what}={','.join(values)}")
    return measures.together(map(measures.count, measures.portions(variants)))


def with_threshold(of: Study, threshold: str) -> Study:
    """The study with an error threshold of the step that syncs."""
    [found] = comparing.variants(of, f"sync.errorThreshold={threshold}")
    return found.study


def verified(tally: Tally) -> float:
    """The share of Promotions that are verified."""
    found = tally.share_of(Outcome.VERIFIED, 0.95)
    assert found is not None
    return found.value


def cell(tally: Tally) -> str:
    """The share, and by when 95 % of these are."""
    late = tally.quantile(TO_VERIFIED, 0.95, 0.95)
    return f"{verified(tally):.2%}, {duration(late.value)}" if late else f"{verified(tally):.2%}"


def settings() -> Iterator[list[str]]:
    """A row for each application, release and threshold, a column for each timeout."""
    for app in APPS:
        for release in RELEASES:
            for threshold in THRESHOLDS:
                found = tallies(with_threshold(study(app, release), threshold), "sync.timeout", TIMEOUTS)
                yield [app, release, threshold, *map(cell, found)]


def met(of: Study, lasts_ms: int, *, anywhere: bool, runs: int) -> Study:
    """The study in which every run meets an outage: just as it begins, or anywhere in it."""
    lasts = continuous("uniform", {"scale": float(lasts_ms)}) if anywhere else always(lasts_ms)
    steps = tuple(replace(s, outage=lasts) if s.outage else s for s in of.steps)
    return replace(of, steps=steps, runs=runs)


def outages() -> Iterator[list[str]]:
    """A row for each release and threshold, a column for each outage, which a light app meets as it begins."""
    for release in RELEASES:
        for threshold in MORE_THRESHOLDS:
            row = [release, threshold]
            for lasts in OUTAGES_MS:
                of = with_threshold(met(study("light", release), lasts, anywhere=False, runs=FEW), threshold)
                [found] = tallies(of, "sync.timeout", ("10m",))
                row.append(cell(found))
            yield row


def table_of_settings() -> list[str]:
    """The first table."""
    return [*markdown_table(("app", "Kargo", "errorThreshold", *(f"timeout {t}" for t in TIMEOUTS)), [*settings()])]


def table_of_outages() -> list[str]:
    """The second table."""
    head = ("Kargo", "errorThreshold", *(f"outage of {short(ms / 1000)}" for ms in OUTAGES_MS))
    return [*markdown_table(head, [*outages()])]


# Plots


def plot_outages() -> Figure:
    """How many Promotions outlast an outage that they meet, by how long it lasts."""
    lengths = [round(10 * 10 ** (k / 4)) for k in range(20)]
    figure, panels = _panels("Promotions of a light application that come to an outage, anywhere in it")
    for axes, (release, how) in zip(panels, RELEASES.items(), strict=True):
        for k, threshold in enumerate(MORE_THRESHOLDS):
            base = with_threshold(study("light", release), threshold)
            shares = []
            for lasts in lengths:
                [found] = tallies(met(base, lasts, anywhere=True, runs=FEW), "sync.timeout", ("10m",))
                shares.append(verified(found))
            seconds = [ms / 1000 for ms in lengths]
            axes.plot(seconds, shares, color=COLOURS[k], linestyle=DASHES[k], label=f"errorThreshold {threshold}")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(short))
        axes.set_xticks([0.01, 0.1, 1, 10, 60, 600])
        axes.minorticks_off()
        axes.set_xlabel("how long the outage lasts")
        axes.set_title(f"Kargo {release}: {how}", loc="left", fontsize=10)
    panels[0].legend(frameon=False, fontsize=8, loc="center left")
    return figure


def plot_settings() -> Figure:
    """How many Promotions are verified, by timeout."""
    figure, panels = _panels("Promotions verified, one in twenty of which comes to an outage of up to 30 s")
    for axes, (release, how) in zip(panels, RELEASES.items(), strict=True):
        cases = [(app, threshold) for app in APPS for threshold in ("1", "3")]
        for k, (app, threshold) in enumerate(cases):
            found = tallies(with_threshold(study(app, release), threshold), "sync.timeout", TIMEOUTS)
            label = f"{app}, errorThreshold {threshold}"
            marker = "os^D"[k]
            axes.plot(
                TIMEOUTS, [*map(verified, found)], color=COLOURS[k], linestyle=DASHES[k], marker=marker, label=label
            )
        axes.set_xlabel("timeout of argocd-update")
        axes.set_title(f"Kargo {release}: {how}", loc="left", fontsize=10)
    panels[1].legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _panels(title: str) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    left.set_ylabel("share verified")
    left.set_ylim(0, 1.02)
    left.yaxis.set_major_formatter(PercentFormatter(1.0))
    return figure, [left, right]


def main() -> None:
    """Print the tables and write the plots."""
    print("\n".join((*table_of_settings(), "", *table_of_outages())))
    PLOTS.mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, draw in (("outages", plot_outages), ("timeouts", plot_settings)):
            save(draw(), PLOTS / f"retry-{name}.svg")


if __name__ == "__main__":
    main()
