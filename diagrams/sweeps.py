"""A study at several values of something, such as the number of Stages: text, JSON, comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from diagrams.simulations import HEAD, Result, as_json, count, duration, percent, rests_on, rows, values_of
from diagrams.tables import table
from simulations.kargo.study.measures import ATTEMPTS, IN_TIME, REJECTED, TO_THE_LAST, WASTED, Tally
from simulations.kargo.study.study import Outcome


@dataclass(frozen=True)
class Sweep:
    """What a study came to at each value of `what`, by the value, in the order asked for."""

    what: str
    points: tuple[tuple[str, Result], ...]

    @property
    def variants(self) -> list[str]:
        """What is compared at each value."""
        return [tally.name for tally in self.points[0][1].tallies]


Cell = Callable[[Tally, Result], str]

SHOWN = (ATTEMPTS, WASTED, REJECTED, TO_THE_LAST)
"""The means that people are shown, besides how many succeed."""


def headline(sweep: Sweep) -> str:
    """The answer in one line: how often all succeed at the last value, by variant."""
    value, result = sweep.points[-1]
    told = (f"{percent(share(t, result))} with {t.name}" for t in result.tallies)
    return f"at {sweep.what} {value}, all Promotions of a run succeed in {', '.join(told)}; {rests_on(result)} each"


def share(tally: Tally, result: Result) -> float:
    """In how many of the runs all Promotions succeed."""
    found = tally.all_of_a_run(result.confidence)
    assert found is not None, "a result rests on at least one run"
    return found.value


def lines(sweep: Sweep) -> Iterator[str]:
    """A table for each measure, with a row for each value and a column for each variant."""
    study = sweep.points[0][1].study
    yield f"Kargo {study.behaviours.release}, {study.template.subject}, seed {study.seed}"
    for name, cell in _cells():
        yield ""
        found = [[value, *(cell(t, r) for t in r.tallies)] for value, r in sweep.points]
        yield from table([f"{name}, by {sweep.what}", *sweep.variants], found)


def _cells() -> Iterator[tuple[str, Cell]]:
    yield "all of a run promoted", lambda t, r: percent(share(t, r))
    yield "verified", _verified
    for name in SHOWN:
        yield f"{name}, mean", _mean_of(name)


def _verified(tally: Tally, result: Result) -> str:
    found = tally.share_of(Outcome.VERIFIED, result.confidence)
    return percent(found.value) if found else "-"


def _mean_of(name: str) -> Cell:
    how = duration if name in IN_TIME else count

    def cell(tally: Tally, result: Result) -> str:
        found = tally.mean(name, result.confidence)
        return how(found.value) if found else "-"

    return cell


def sweep_as_json(sweep: Sweep) -> dict[str, object]:
    """A sweep for programs; see docs/json.md."""
    return {"what": sweep.what, "points": [{"value": value, **as_json(result)} for value, result in sweep.points]}


def sweep_as_csv(sweep: Sweep) -> str:
    """A row for each value of each measure of each variant at each point, times in seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([sweep.what, *HEAD])
    for value, result in sweep.points:
        for tally in result.tallies:
            writer.writerows(
                [value, *of, *values_of(estimate, scale)] for *of, estimate, scale in rows(tally, result)
            )
    return text.getvalue()
