"""What was measured: its tables, and that everybody has seen the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.side_by_side.plan import PUBLISHED, Step
from benchmarks.side_by_side.processes import Ran
from benchmarks.side_by_side.tools import LAYERS, TOOLS, Size

HEADER = ("model", "N", "tool", "states", "transitions", "seconds", "whole", "processor", "peak MB")
"""The columns of the table of results."""

EXACT = 10**12
"""Larger numbers are shown with two digits."""


class Result(NamedTuple):
    """The fastest of several runs, or why there is none.

    `seconds` is the exploration: as the process says itself where it has to start an interpreter or a machine
    before, and else the whole process.
    """

    step: Step
    size: Size | None = None
    ran: Ran | None = None
    stopped: str = ""

    @property
    def seconds(self) -> float | None:
        """The exploration, in seconds; None if it was stopped."""
        if self.size is None or self.ran is None:
            return None
        return self.ran.seconds if self.size.seconds is None else self.size.seconds


class DisagreementError(Exception):
    """Two tools have seen different sizes; the message says which."""


def agree(results: Iterable[Result]) -> None:
    """That everybody has seen the published sizes, or the same where none are.

    Raises DisagreementError.
    """
    states = {key: (size[0], "it is published") for key, size in PUBLISHED.items()}
    transitions = {key: (size[1], "it is published") for key, size in PUBLISHED.items()}
    for result in results:
        if result.size is None:
            continue
        key = (result.step.model, result.step.n)
        for what, seen, found in (
            ("states", states, result.size.states),
            ("transitions", transitions, result.size.transitions),
        ):
            if found is None:
                continue
            first, who = seen.setdefault(key, (found, result.step.tool))
            if not _equal(first, found, result.size.digits):
                raise DisagreementError(
                    f"{key[0]}, N={key[1]}: {found:,} {what} by {result.step.tool}, {first:,} by {who}"
                )


def _equal(number: int, seen: int, digits: int | None) -> bool:
    """Whether two numbers are equal, as far as one can tell that was printed with so many digits."""
    return number == seen or (digits is not None and abs(number - seen) * 10 ** (digits - 1) < number)


def brief(number: int | None) -> str:
    """A number for people: exact, or with two digits if it is very large; a dash for none."""
    if number is None:
        return "-"
    if number < EXACT:
        return f"{number:,}"
    digits = str(number)
    tenths = int(digits[:3]) + 5
    exponent = len(digits) - 1
    if tenths >= 1000:
        tenths, exponent = tenths // 10, exponent + 1
    return f"{tenths // 100}.{tenths // 10 % 10}e{exponent}"


def _duration(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 10 else f"{seconds:.1f}"


def line(cells: Iterable[object]) -> str:
    """A line of a table in Markdown."""
    return f"| {' | '.join(map(str, cells))} |"


def rule(columns: Sequence[str]) -> str:
    """The line below the header."""
    return f"|{'---|' * len(columns)}"


def row(result: Result) -> str:
    """A result as a line of the table."""
    step, size, ran, seconds = result.step, result.size, result.ran, result.seconds
    where = (step.model, step.n, step.tool)
    if size is None or ran is None or seconds is None:
        return line((*where, result.stopped, *"-----"))
    times = (_duration(s) for s in (seconds, ran.seconds, ran.processor))
    return line((*where, brief(size.states), brief(size.transitions), *times, ran.megabytes))


def ratios(results: Sequence[Result]) -> Iterator[str]:
    """A table of how many times as long as our layers each tool took, by model and size."""
    took = {r.step: r.seconds for r in results if r.seconds is not None}
    others = [name for name in TOOLS if name != LAYERS and any(step.tool == name for step in took)]
    places = dict.fromkeys((step.model, step.n) for step in took if step.tool == LAYERS)
    if not others or not places:
        return
    columns = ("times as long as ours by layers", "N", *others)
    yield line(columns)
    yield rule(columns)
    for model, n in places:
        mine = took[Step(model, n, LAYERS)]
        theirs = (took.get(Step(model, n, name)) for name in others)
        yield line((model, n, *("-" if s is None else _times(s / mine) for s in theirs)))


def _times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}"
