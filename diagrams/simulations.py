"""What studies came to, as text, as JSON and as comma-separated values."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from diagrams.tables import table
from simulations.kargo.study.exact import Exact
from simulations.kargo.study.measures import (
    ALL,
    BLOCKED,
    COUNTS,
    IN_TIME,
    MEASURES,
    OF_RUNS,
    SUCCESS,
    TIMES,
    TO_THE_LAST,
    TO_VERIFIED,
    Tally,
)
from simulations.kargo.study.study import OUTCOMES, Outcome, Study
from simulations.stochastic.chains import Bounds
from simulations.stochastic.tallies import Estimate

_Shower = Callable[[float], str]

QUANTILES = (0.5, 0.95, 0.99)
LATEST = 0.95
"""The quantile that the first line names."""


@dataclass(frozen=True)
class Result:
    """What a study came to, in one variant or more; `wanted` is how many runs were asked for."""

    study: Study
    tallies: tuple[Tally, ...]
    wanted: int

    @property
    def runs(self) -> int:
        """How many runs it rests on."""
        return self.tallies[0].runs if self.tallies else 0

    @property
    def confidence(self) -> float:
        """Of every interval."""
        return self.study.confidence


def headline(result: Result) -> str:
    """The answer in one line."""
    return _of_all(result) if result.study.branch else _of_each(result)


def _of_all(result: Result) -> str:
    """How often all Stages of a branch are promoted."""
    best = max(result.tallies, key=lambda t: t.means[ALL].sums[0])
    found = best.all_of_a_run(result.confidence)
    each = best.share_of(Outcome.VERIFIED, result.confidence)
    assert found is not None, "a result rests on at least one run"
    assert each is not None, "a result rests on at least one run"
    text = f"all Promotions of a run succeed in {percent(found.value)} of the runs{_range(found, percent)}"
    if len(result.tallies) > 1:
        text = f"{best.name}: {text}"
    last = best.mean(TO_THE_LAST, result.confidence)
    assert last is not None, "every run is over some time"
    more = f"{percent(each.value)} of the Promotions are verified, and all is over after {duration(last.value)}"
    return f"{text}; {more} on average; {rests_on(result)}"


def _of_each(result: Result) -> str:
    first, best = result.tallies[0], max(result.tallies, key=lambda t: t.outcomes[0])
    verified = best.share_of(Outcome.VERIFIED, result.confidence)
    assert verified is not None, "a result rests on at least one run"
    text = f"{percent(verified.value)} of the Promotions are verified{_range(verified, percent)}"
    if len(result.tallies) > 1:
        text = f"{best.name}: {text}"
    last = best.quantile(TO_VERIFIED, LATEST, result.confidence)
    if last is not None:
        text += f", {LATEST:.0%} of these within {duration(last.value)}"
    if best is not first:
        more = best.difference(SUCCESS, result.confidence)
        assert more is not None
        sure = "" if more.low > 0 else ", which may be chance"
        text += f"; {_points(more.value)} points more than {first.name}{_range(more, _points)}{sure}"
    return f"{text}; {rests_on(result)}"


def rests_on(result: Result) -> str:
    """How many runs it rests on."""
    if result.runs < result.wanted:
        return f"interrupted: this rests on {result.runs:,} of {result.wanted:,} runs"
    return f"{result.runs:,} runs"


def lines(result: Result) -> Iterator[str]:
    """Everything that was measured, a column for each variant; then differences from the first."""
    study = result.study
    yield f"Kargo {study.behaviours.release}, {study.template.subject}, seed {study.seed}"
    yield f"in brackets: {percent(result.confidence)} confidence intervals"
    yield ""
    yield from _with_columns("of the Promotions", _outcome_rows(result), result)
    yield ""
    if study.each > 1 or study.branch:
        yield from _with_columns("of the runs", _run_rows(result), result)
        yield ""
    yield from _with_columns("time", _time_rows(result), result)
    yield ""
    yield from _with_columns("for each Promotion asked for", _count_rows(result), result)
    if len(result.tallies) > 1:
        yield ""
        first, *others = result.tallies
        rows = [[name, *(_difference(t, name, result.confidence) for t in others)] for name in _compared(result)]
        yield from table([f"more than {first.name}, in the same runs", *(t.name for t in others)], rows)


def _with_columns(head: str, rows: Sequence[Sequence[str]], result: Result) -> Iterator[str]:
    return table([head, *(t.name for t in result.tallies)], rows)


def _outcome_rows(result: Result) -> list[list[str]]:
    met = [o for k, o in enumerate(OUTCOMES) if any(t.outcomes[k] for t in result.tallies)]
    return [[o.value, *(_shown(t.share_of(o, result.confidence), percent) for t in result.tallies)] for o in met]


def _run_rows(result: Result) -> list[list[str]]:
    """What can be said of all Promotions of a run."""
    confidence = result.confidence
    return [
        [ALL, *(_shown(t.all_of_a_run(confidence), percent) for t in result.tallies)],
        [f"{TO_THE_LAST}, mean", *(_shown(t.mean(TO_THE_LAST, confidence), duration) for t in result.tallies)],
    ]


def _time_rows(result: Result) -> list[list[str]]:
    rows = []
    for name in _times(result):
        means = [_shown(t.mean(name, result.confidence), duration) for t in result.tallies]
        rows.append([f"{name}, mean", *means])
        for part in QUANTILES:
            found = [_shown(t.quantile(name, part, result.confidence), duration) for t in result.tallies]
            rows.append([f"{name}, {_quantile(part)}", *found])
    return rows


def _count_rows(result: Result) -> list[list[str]]:
    rows = []
    for name in COUNTS:
        if name != SUCCESS and any(t.means[name].sums[0] for t in result.tallies):
            how = duration if name in IN_TIME else count
            rows.append([name, *(_shown(t.mean(name, result.confidence), how) for t in result.tallies)])
    return rows


def _times(result: Result) -> list[str]:
    """The times worth showing: nobody waits in a queue of one."""
    return [name for name in TIMES if name != BLOCKED or result.study.promotions > 1]


def _compared(result: Result) -> list[str]:
    several = OF_RUNS if result.study.each > 1 else ()
    names = [SUCCESS, *_times(result), *(n for n in COUNTS if n != SUCCESS), *several]
    return [n for n in names if any(t.means[n].sums[0] for t in result.tallies)]


def _difference(tally: Tally, name: str, confidence: float) -> str:
    found = tally.difference(name, confidence)
    if found is None:
        return "-"
    if name in (SUCCESS, ALL):
        return f"{_signed(found.value, _points)} points{_range(found, lambda v: _signed(v, _points))}"
    how = duration if name in IN_TIME else count
    return f"{_signed(found.value, how)}{_range(found, lambda v: _signed(v, how))}"


def _quantile(part: float) -> str:
    return "median" if part == 0.5 else f"p{part * 100:g}"


# Numbers for people


def duration(milliseconds: float) -> str:
    """A time to about three figures: 350ms, 12.3s, 3m24s, 1h02m."""
    if milliseconds < 0:
        return f"-{duration(-milliseconds)}"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f}ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.3g}s" if seconds < 10 else f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02}m"


def percent(share: float) -> str:
    """A share to four figures."""
    return f"{share * 100:.4g} %"


def _points(share: float) -> str:
    return f"{share * 100:.3g}"


def count(number: float) -> str:
    """A number to four figures."""
    return f"{number:.4g}"


def _signed(value: float, how: _Shower) -> str:
    shown = how(abs(value))
    return f"{'-' if value < 0 else '+'}{shown}"


def _shown(estimate: Estimate | None, how: _Shower) -> str:
    return "-" if estimate is None else f"{how(estimate.value)}{_range(estimate, how)}"


def _range(estimate: Estimate, how: _Shower) -> str:
    if estimate.low == estimate.high or not math.isfinite(estimate.low):
        return ""
    return f" ({how(estimate.low)} to {how(estimate.high)})"


# Exact values


def exact_lines(study: Study, exact: Exact, name: str) -> Iterator[str]:
    """Exact values, the answer first."""
    verified = exact.outcomes.get(Outcome.VERIFIED, Bounds(0.0, 0.0))
    after = "" if exact.verified_after is None else f", after {duration(exact.verified_after)} on average"
    exactly = "exactly " if verified.least == verified.greatest else ""
    text = f"{exactly}{_bounds(verified, percent)} of the Promotions are verified{after}; {name}"
    if exact.all_promoted is not None:
        text = f"all Promotions of a run succeed in exactly {percent(exact.all_promoted)} of the runs; {text}"
    yield text
    yield f"Kargo {study.behaviours.release}, {study.template.subject}: {exact.situations:,} situations"
    yield ""
    rows = [[o.value, _bounds(b, percent)] for o, b in exact.outcomes.items()]
    for gathered, bounds in exact.gathered.items():
        how = duration if gathered in IN_TIME else count
        rows.append([f"{gathered}, expected", _bounds(bounds, how)])
    yield from table(["", name], rows)
    if exact.never_ends:
        yield "some Promotions may never end, so that there are no expected amounts"
    if any(b.least < b.greatest for b in exact.outcomes.values()):
        yield "where nobody knows how likely something is, these are the least and the greatest value there can be"


def _bounds(bounds: Bounds, how: _Shower) -> str:
    least, greatest = how(bounds.least), how(bounds.greatest)
    return least if least == greatest else f"{least} to {greatest}"


# For programs


def as_json(result: Result) -> dict[str, object]:
    """A result for programs; see docs/json.md."""
    study = result.study
    return {
        "study": study.name,
        "kargo": study.behaviours.release,
        "subject": study.template.subject,
        "seed": study.seed,
        "runs": result.runs,
        "wanted": result.wanted,
        "promotions": study.each,
        "confidence": study.confidence,
        "variants": [_variant(t, result) for t in result.tallies],
    }


def _variant(tally: Tally, result: Result) -> dict[str, object]:
    confidence, first = result.confidence, result.tallies[0]
    return {
        "name": tally.name,
        "asked": tally.asked,
        "outcomes": {
            o.value: {"count": tally.outcomes[k], **_estimate(tally.share_of(o, confidence), 1)}
            for k, o in enumerate(OUTCOMES)
        },
        "all": _estimate(tally.all_of_a_run(confidence), 1),
        "means": {name: _estimate(tally.mean(name, confidence), _scale(name)) for name in MEASURES},
        "quantiles": {
            name: {_quantile(p): _estimate(tally.quantile(name, p, confidence), 1000) for p in QUANTILES}
            for name in TIMES
        },
        "differences": None
        if tally is first
        else {name: _estimate(tally.difference(name, confidence), _scale(name)) for name in MEASURES},
    }


def _scale(name: str) -> int:
    return 1000 if name in IN_TIME else 1


def _estimate(estimate: Estimate | None, scale: int) -> dict[str, float | None]:
    names = ("value", "low", "high")
    if estimate is None:
        return dict.fromkeys(names)
    return {n: v / scale if math.isfinite(v) else None for n, v in zip(names, estimate, strict=True)}


def exact_as_json(study: Study, exact: Exact, name: str) -> dict[str, object]:
    """Exact values for programs."""
    return {
        "study": study.name,
        "kargo": study.behaviours.release,
        "subject": study.template.subject,
        "name": name,
        "situations": exact.situations,
        "transitions": exact.transitions,
        "outcomes": {o.value: {"least": b.least, "greatest": b.greatest} for o, b in exact.outcomes.items()},
        "expected": {
            n: {"least": b.least / _scale(n), "greatest": b.greatest / _scale(n)} for n, b in exact.gathered.items()
        },
        "all_promoted": exact.all_promoted,
        "verified_after": None if exact.verified_after is None else exact.verified_after / 1000,
        "never_ends": exact.never_ends,
    }


HEAD = ("variant", "measure", "statistic", "value", "low", "high")


def as_csv(result: Result) -> str:
    """A row for each value, times in seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for tally in result.tallies:
        for variant, measure, statistic, estimate, scale in rows(tally, result):
            writer.writerow([variant, measure, statistic, *values_of(estimate, scale)])
    return text.getvalue()


def values_of(estimate: Estimate | None, scale: int) -> list[str]:
    """A value and its interval, as texts; empty where there is none."""
    return ["" if v is None else repr(v) for v in _estimate(estimate, scale).values()]


def rows(tally: Tally, result: Result) -> Iterator[tuple[str, str, str, Estimate | None, int]]:
    """Every value of a variant: variant, measure, statistic, the value, and by how much it is to be divided."""
    confidence = result.confidence
    for outcome in OUTCOMES:
        yield tally.name, outcome.value, "share", tally.share_of(outcome, confidence), 1
    yield tally.name, ALL, "share", tally.all_of_a_run(confidence), 1
    for name in MEASURES:
        yield tally.name, name, "mean", tally.mean(name, confidence), _scale(name)
        if tally is not result.tallies[0]:
            yield tally.name, name, "difference", tally.difference(name, confidence), _scale(name)
    for name in TIMES:
        for part in QUANTILES:
            yield tally.name, name, _quantile(part), tally.quantile(name, part, confidence), 1000
