"""Many runs at once, as columns; and where the values come from that nobody decides: drawn, or each in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulations.stochastic.distributions import Distribution
from simulations.stochastic.philox import uniforms

Column = NDArray[np.int64]
Weights = NDArray[np.float64]

RUN = "run"
"""The column that says which run it is: what is drawn for it depends on this."""


class Batch:
    """Columns of equal length, a row for each run; `weight` is how likely a row is, where rows are enumerated."""

    __slots__ = ("columns", "length", "weight")

    def __init__(self, columns: Mapping[str, Column], length: int, weight: Weights | None = None) -> None:
        self.columns = dict(columns)
        self.length = length
        self.weight = weight

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def put(self, **columns: Column) -> Batch:
        """The same rows with some columns set."""
        return self.set(columns)

    def set(self, columns: Mapping[str, Column]) -> Batch:
        """The same rows with some columns set, by whatever names."""
        return Batch({**self.columns, **columns}, self.length, self.weight)

    def take(self, rows: NDArray[np.int64]) -> Batch:
        """Some rows, in the order given; a row may come more than once."""
        weight = None if self.weight is None else self.weight[rows]
        return Batch({n: c[rows] for n, c in self.columns.items()}, len(rows), weight)

    def split(self, where: NDArray[np.bool_]) -> tuple[Batch, Batch]:
        """The rows where it is true, and those where it is not."""
        if where.all():
            return self, self.take(np.zeros(0, np.int64))
        if not where.any():
            return self.take(np.zeros(0, np.int64)), self
        return self.take(np.flatnonzero(where)), self.take(np.flatnonzero(~where))

    def by(self, values: Column) -> Iterator[tuple[int, Batch]]:
        """The rows for each of `values` that there are, smallest first."""
        for value in np.unique(values).tolist():
            yield value, self.take(np.flatnonzero(values == value))


def constant(value: int, length: int) -> Column:
    """A column that is the same everywhere."""
    return np.full(length, value, np.int64)


def joined(batches: Iterable[Batch]) -> Batch:
    """Several batches with the same columns as one."""
    parts = list(batches)
    if len(parts) == 1:
        return parts[0]
    columns = {n: np.concatenate([p[n] for p in parts]) for n in parts[0].columns}
    weights = [p.weight for p in parts if p.weight is not None]
    return Batch(columns, sum(map(len, parts)), np.concatenate(weights) if weights else None)


class Source(Protocol):
    """Where values come from that nobody decides."""

    def draw(self, batch: Batch, distribution: Distribution, stream: int, number: Column) -> tuple[Batch, Column]:
        """A value for each row; the batch that is returned may have several rows for one.

        `stream` says what it is for, `number` the how many-th time it is asked.
        """


class Sampled:
    """Values drawn at random: the same for the same seed, run, stream and number, whatever came before."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def draw(self, batch: Batch, distribution: Distribution, stream: int, number: Column) -> tuple[Batch, Column]:
        """A value for each row."""
        if (only := distribution.only) is not None:
            return batch, constant(only, len(batch))
        return batch, distribution.at(uniforms(self.seed, batch[RUN], stream, number))


class Enumerated:
    """Every value in turn: a row becomes as many as there are values, each as likely as that value makes it."""

    def draw(self, batch: Batch, distribution: Distribution, stream: int, number: Column) -> tuple[Batch, Column]:
        """A row for each value of each row. Raises UncountableError if there is no end to the values."""
        atoms = distribution.atoms()
        if len(atoms) == 1:
            return batch, constant(atoms[0][0], len(batch))
        rows = np.repeat(np.arange(len(batch)), len(atoms))
        values = np.tile(np.array([v for v, _ in atoms], np.int64), len(batch))
        spread = batch.take(rows)
        chances = np.tile(np.array([p for _, p in atoms]), len(batch))
        assert spread.weight is not None, "rows that are enumerated have weights"
        spread.weight = spread.weight * chances
        return spread, values
