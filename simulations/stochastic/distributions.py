"""Distributions of times, by the names that SciPy has for them, and of choices.

Times are whole milliseconds. A distribution is sampled by its quantile function, so that equal random numbers mean
equal luck whatever the distribution.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Column = NDArray[np.int64]

LONGEST_MS = 1 << 45
"""A thousand years: where a distribution's tail goes on for ever, it is cut off here."""


class DistributionError(ValueError):
    """There is no such distribution; the message is a sentence without a subject's place."""


class UncountableError(ValueError):
    """What was to be enumerated has no end of values; the message names it."""


class Distribution(ABC):
    """Where values come from: whole numbers, a time in milliseconds or the number of a choice."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def at(self, uniform: Floats) -> Column:
        """The quantiles: the values that this large a share of all does not exceed."""

    def atoms(self) -> tuple[tuple[int, float], ...]:
        """Every value with its probability. Raises UncountableError if they cannot be counted."""
        raise UncountableError(f"{self.name} has no end of values")

    @property
    def only(self) -> int | None:
        """The value, if there is only one."""
        return None

    @property
    def _parts(self) -> tuple[object, ...]:
        """What tells it from others of its kind."""
        return (self.name,)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Distribution) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash((type(self), self._parts))

    def __str__(self) -> str:
        return self.name


class Values(Distribution):
    """A few values, each with its probability; these are made to sum to 1."""

    def __init__(self, name: str, values: Mapping[int, float]) -> None:
        super().__init__(name)
        total = math.fsum(values.values())
        self._atoms = tuple((v, p / total) for v, p in values.items() if p > 0)
        edges = np.cumsum([p for _, p in self._atoms])
        edges[-1] = 1.0  # what rounding lost
        self._edges = edges
        self._values = np.array([v for v, _ in self._atoms], np.int64)

    @property
    def _parts(self) -> tuple[object, ...]:
        return (self.name, self._atoms)

    def at(self, uniform: Floats) -> Column:
        """The values in the order given, as far as their probabilities add up."""
        return self._values[np.searchsorted(self._edges, uniform, side="right")]

    def atoms(self) -> tuple[tuple[int, float], ...]:
        """Every value with its probability."""
        return self._atoms

    @property
    def only(self) -> int | None:
        """The value, if there is only one."""
        return self._atoms[0][0] if len(self._atoms) == 1 else None


def always(value: int, name: str = "") -> Values:
    """Always the same."""
    return Values(name or str(value), {value: 1.0})


class Sometimes(Distribution):
    """A value now and then, else zero."""

    def __init__(self, chance: float, of: Distribution) -> None:
        super().__init__(f"{of.name} with probability {chance:g}")
        self.chance = chance
        self.of = of

    @property
    def _parts(self) -> tuple[object, ...]:
        return (self.chance, self.of)

    def at(self, uniform: Floats) -> Column:
        """Zero for the small ones."""
        if not self.chance:
            return np.zeros(len(uniform), np.int64)
        rest = np.clip((uniform - (1 - self.chance)) / self.chance, 0.0, 1.0 - 2.0**-53)
        return np.where(uniform < 1 - self.chance, 0, self.of.at(np.maximum(rest, 2.0**-53)))

    def atoms(self) -> tuple[tuple[int, float], ...]:
        """Zero, and what there is now and then."""
        some = tuple((v, p * self.chance) for v, p in self.of.atoms()) if self.chance else ()
        return ((0, 1 - self.chance), *some) if self.chance < 1 else some


class Continuous(Distribution):
    """A distribution of SciPy, with its own parameters; `loc` and `scale` are milliseconds."""

    def __init__(self, name: str, parameters: Mapping[str, float]) -> None:
        super().__init__(name)
        self.parameters = dict(parameters)

    @property
    def _parts(self) -> tuple[object, ...]:
        return (self.name, *sorted(self.parameters.items()))

    @cached_property
    def _frozen(self) -> Any:
        return getattr(stats, self.name)(**self.parameters)

    def at(self, uniform: Floats) -> Column:
        """The quantiles, to the millisecond."""
        with np.errstate(all="ignore"):  # a tail may be beyond all numbers, and is cut off
            found = np.asarray(self._frozen.ppf(uniform), np.float64)
        return np.rint(np.fmin(found, float(LONGEST_MS))).astype(np.int64)

    @property
    def least(self) -> float:
        """The smallest value there can be, in milliseconds."""
        return float(self._frozen.support()[0])


def continuous(name: str, parameters: Mapping[str, float]) -> Continuous:
    """The distribution that SciPy calls `name`.

    Raises DistributionError if there is none, it can only be sampled slowly, it has not these parameters, or it can
    be negative.
    """
    known = names()
    if name not in known:
        raise DistributionError(f"no distribution {name!r}; there are: {', '.join(known)}")
    shapes = shapes_of(name)
    needed = [s for s in shapes if s not in parameters]
    if needed:
        raise DistributionError(
            f"{name} needs {needed[0]!r}; its parameters are: {', '.join((*shapes, *_PLACING))}"
        )
    if unknown := [p for p in parameters if p not in (*shapes, *_PLACING)]:
        raise DistributionError(
            f"{name} has no parameter {unknown[0]!r}; its parameters are: {', '.join((*shapes, *_PLACING))}"
        )
    found = Continuous(name, parameters)
    with np.errstate(all="ignore"):
        middle = float(found._frozen.ppf(0.5))
    if not math.isfinite(middle):
        raise DistributionError(f"{name} is not defined for these parameters, or has no finite median")
    if found.least < 0:
        raise DistributionError(f"{name} with these parameters can be negative; give it a `loc`, or take another")
    return found


_PLACING = ("loc", "scale")
_SHAPES: dict[str, tuple[str, ...]] = {
    "uniform": (),
    "expon": (),
    "gamma": ("a",),
    "lognorm": ("s",),
    "weibull_min": ("c",),
    "truncnorm": ("a", "b"),
    "halfnorm": (),
    "triang": ("c",),
    "beta": ("a", "b"),
    "pareto": ("b",),
    "lomax": ("c",),
    "invgamma": ("a",),
    "invgauss": ("mu",),
    "fisk": ("c",),
    "burr12": ("c", "d"),
    "rayleigh": (),
    "chi2": ("df",),
    "norm": (),
}


def names() -> tuple[str, ...]:
    """The distributions that can be asked for: those of SciPy that times are usually described with."""
    return tuple(_SHAPES)


def shapes_of(name: str) -> tuple[str, ...]:
    """The parameters of a distribution besides `loc` and `scale`; they are numbers, not times."""
    return _SHAPES[name]
