"""What many runs came to, in memory that does not grow with their number; and how sure one may be of it.

Everything that is counted is a whole number, so that it does not matter in which order portions are added up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Column = NDArray[np.int64]

FINE = 7
"""Bits of a value that its bin keeps: no bin is wider than 1/128 of the values in it."""

LARGEST = 46
"""Bits of the largest value: larger ones are counted as this large."""


class Estimate(NamedTuple):
    """A value, and an interval that holds the true one with the confidence asked for; None where there is none."""

    value: float
    low: float
    high: float


def normal(confidence: float) -> float:
    """How many standard deviations to either side hold so much of a normal distribution."""
    return float(ndtri(0.5 + confidence / 2))


@dataclass
class Histogram:
    """How many values fell into each of a few thousand bins, as narrow as the values in them are small."""

    counts: Column = field(default_factory=lambda: np.zeros(_bin(1 << LARGEST) + 1, np.int64))

    def add(self, values: Column) -> None:
        """Count values, which are not negative."""
        self.counts += np.bincount(_bins(values), minlength=len(self.counts))

    def merge(self, other: Histogram) -> None:
        """Add what another counted."""
        self.counts += other.counts

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())

    def quantile(self, share: float, confidence: float, independent: int | None = None) -> Estimate | None:
        """The value that a share of all does not exceed, to within the width of its bin.

        The interval is that of order statistics; `independent` is how many values count for it, where not all of
        them are independent of each other.
        """
        total = self.total
        if not total:
            return None
        count = max(1, min(total, independent or total))
        spread = normal(confidence) * math.sqrt(share * (1 - share) / count)
        running = np.cumsum(self.counts)
        low, middle, high = (
            int(np.searchsorted(running, max(1, math.ceil(min(1.0, max(0.0, s)) * total))))
            for s in (share - spread, share, share + spread)
        )
        return Estimate(_middle(middle), float(_least(low)), float(_least(high + 1) - 1))


def _bin(value: int) -> int:
    return int(_bins(np.array([value], np.int64))[0])


def _bins(values: Column) -> Column:
    clipped = np.clip(values, 0, 1 << LARGEST)
    exponent = np.frexp(clipped.astype(np.float64))[1].astype(np.int64)  # bits of the value
    shift = np.maximum(exponent - (FINE + 1), 0)
    return (shift << FINE) + (clipped >> shift)


def _least(number: int) -> int:
    """The smallest value in a bin."""
    half = 1 << FINE
    shift = max(number // half - 1, 0)
    return (number - (shift << FINE)) << shift


def lower_edges(numbers: Column) -> Column:
    """The smallest value in each of these bins."""
    return np.array([_least(number) for number in numbers.tolist()], np.int64)


def _middle(number: int) -> float:
    return (_least(number) + _least(number + 1) - 1) / 2


@dataclass
class Moments:
    """Sums, and sums of products, of a few numbers of each run: all that means with their errors need."""

    width: int
    runs: int = 0
    sums: list[int] = field(default_factory=list)
    products: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sums = self.sums or [0] * self.width
        self.products = self.products or [0] * (self.width * self.width)

    def add(self, columns: Sequence[Column]) -> None:
        """Add runs: a column for each number."""
        self.runs += len(columns[0])
        for i, left in enumerate(columns):
            self.sums[i] += int(left.sum())
            for j in range(i, self.width):
                product = _dot(left, columns[j])
                self.products[i * self.width + j] += product
                if i != j:
                    self.products[j * self.width + i] += product

    def merge(self, other: Moments) -> None:
        """Add what another counted."""
        self.runs += other.runs
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        self.products = [a + b for a, b in zip(self.products, other.products, strict=True)]

    def ratio(self, confidence: float, over: int = 0, under: int = 1) -> Estimate | None:
        """The sum of one number for each of another, such as waiting for each Promotion; None if there is none."""
        if not self.sums[under]:
            return None
        value = self.sums[over] / self.sums[under]
        weights = [0.0] * self.width
        weights[over], weights[under] = 1 / self.sums[under], -value / self.sums[under]
        return self._around(value, weights, confidence)

    def difference(self, confidence: float) -> Estimate | None:
        """The ratio of the third and fourth number less that of the first and second, both of the same runs."""
        if not (self.sums[1] and self.sums[3]):
            return None
        before, after = self.sums[0] / self.sums[1], self.sums[2] / self.sums[3]
        weights = [-1 / self.sums[1], before / self.sums[1], 1 / self.sums[3], -after / self.sums[3]]
        return self._around(after - before, weights, confidence)

    def _around(self, value: float, weights: Sequence[float], confidence: float) -> Estimate:
        """The value with the error of its first-order approximation, a weighted sum over runs."""
        if self.runs < 2:
            return Estimate(value, -math.inf, math.inf)
        total = 0.0
        for i, left in enumerate(weights):
            for j, right in enumerate(weights):
                # Centred exactly, because the products may be large and nearly equal.
                centred = self.products[i * self.width + j] * self.runs - self.sums[i] * self.sums[j]
                total += left * right * (centred / self.runs)
        error = normal(confidence) * math.sqrt(max(total, 0.0) * self.runs / (self.runs - 1))
        return Estimate(value, value - error, value + error)


def _dot(left: Column, right: Column) -> int:
    if not len(left):
        return 0
    largest = int(np.abs(left).max()) * int(np.abs(right).max())
    if largest * len(left) < 1 << 62:
        return int(np.dot(left, right))
    return int(np.dot(left.astype(object), right.astype(object)))


def share(successes: int, of: int, confidence: float, independent: int | None = None) -> Estimate | None:
    """A share with the interval of Wilson (1927), which is good for small numbers, too."""
    if not of:
        return None
    z, p = normal(confidence), successes / of
    n = max(1, min(of, independent or of))
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At the ends the interval ends there, too: rounding would say a little less, or more.
    low = max(0.0, centre - half) if successes else 0.0
    return Estimate(p, low, min(1.0, centre + half) if successes < of else 1.0)
