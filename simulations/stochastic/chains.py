"""Exact values: absorbing Markov chains, and decision processes where nobody knows how likely something is.

A state has one *option* for each thing that may be decided in it (one, if nothing is); an option has a few ways to
go on, each with a probability. Values are solved for by sparse linear algebra; where there is something to decide,
by policy iteration towards the least and the greatest value.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, identity
from scipy.sparse.linalg import spsolve

Floats = NDArray[np.float64]
Value = Callable[[Sequence[int]], Floats]
"""The values of all states, for the options that are picked in them."""


@dataclass
class Option:
    """What can follow one decision: states with their probabilities, and what passes on the way to each.

    `rewards` has a list for each name, in the order of `targets`.
    """

    targets: list[int]
    chances: list[float]
    rewards: dict[str, list[float]]

    def add(self, target: int, chance: float, gained: Mapping[str, float]) -> None:
        """One way more."""
        self.targets.append(target)
        self.chances.append(chance)
        for name, gain in gained.items():
            self.rewards[name].append(gain)


@dataclass
class Chain:
    """States by number, 0 the first; those without options are absorbing, and have labels."""

    options: list[list[Option]] = field(default_factory=list)
    labels: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def decided(self) -> bool:
        """Whether nothing is left to decide."""
        return all(len(options) <= 1 for options in self.options)

    @property
    def transitions(self) -> int:
        """How many ways lead from a state to another by some option."""
        return sum(len(o.targets) for options in self.options for o in options)

    def labelled(self, label: str) -> Floats:
        """For each state 1 if it has the label, else 0."""
        return np.array([float(label in self.labels.get(state, ())) for state in range(len(self.options))])


class TooManyError(Exception):
    """There are more situations than can be looked at."""


class Situations:
    """The states of a chain by what they are, numbered as they are met: `most` of them, and no more."""

    def __init__(self, most: int) -> None:
        self.chain = Chain()
        self.most = most
        self._numbers: dict[Hashable, int] = {}

    def number(self, situation: Hashable, labels: tuple[str, ...] = ()) -> tuple[int, bool]:
        """Its number, and whether it is met for the first time. With `labels` it is an end.

        Raises TooManyError.
        """
        found = self._numbers.get(situation)
        if found is not None:
            return found, False
        number = self._numbers[situation] = len(self.chain.options)
        if number >= self.most:
            raise TooManyError(f"there are more than {self.most:,} situations")
        self.chain.options.append([])
        if labels:
            self.chain.labels[number] = labels
        return number, True


@dataclass(frozen=True)
class Bounds:
    """The least and the greatest value there can be; the same where nothing is left to decide."""

    least: float
    greatest: float


class NeverEndsError(ValueError):
    """A value is infinite, because a run may never end."""


def probability(chain: Chain, label: str) -> Bounds:
    """How likely an absorbing state with the label is reached."""
    goal = chain.labelled(label)

    def value(picked: Sequence[int]) -> Floats:
        matrix, _ = _matrix(chain, picked, None)
        return _reach(matrix, goal, chain)

    return _bounds(chain, value, None)


def expected(chain: Chain, reward: str) -> Bounds:
    """How much of a reward is gathered on the way to an end.

    Raises NeverEndsError if there may be no end.
    """

    def value(picked: Sequence[int]) -> Floats:
        matrix, gained = _matrix(chain, picked, reward)
        _refuse_endless(matrix, chain)
        return _solve(matrix, gained)

    return _bounds(chain, value, reward)


def expected_if(chain: Chain, reward: str, label: str) -> float:
    """How much of a reward is gathered on the way to the label, by those runs that come there.

    Raises ValueError if something is left to decide, or no run comes there.
    """
    if not chain.decided:
        raise ValueError("an average over the runs that come somewhere is not defined before all is decided")
    first = [0] * len(chain.options)
    goal = chain.labelled(label)
    matrix, _ = _matrix(chain, first, None)
    reached = _reach(matrix, goal, chain)
    if not reached[0]:
        raise ValueError(f"no run ends {label}")
    weighted = np.zeros(len(chain.options))
    for state, options in enumerate(chain.options):
        for option in options:
            gains = option.rewards[reward]
            weighted[state] = sum(
                p * g * reached[t] for p, g, t in zip(option.chances, gains, option.targets, strict=True)
            )
    # Only states from which the label can be reached count; the others would make the matrix singular.
    can = reached > 0
    inner = matrix[can][:, can]
    solved = np.zeros(len(chain.options))
    solved[can] = _solve(csr_array(inner), weighted[can])
    return float(solved[0] / reached[0])


def _matrix(chain: Chain, picked: Sequence[int], reward: str | None) -> tuple[csr_array, Floats]:
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    gained = np.zeros(len(chain.options))
    for state, options in enumerate(chain.options):
        if options:
            option = options[picked[state]]
            rows += [state] * len(option.targets)
            columns += option.targets
            values += option.chances
            if reward:
                gained[state] = float(np.dot(option.chances, option.rewards[reward]))
    size = len(chain.options)
    return csr_array(coo_array((values, (rows, columns)), shape=(size, size))), gained


def _solve(matrix: csr_array, right: Floats) -> Floats:
    system = identity(matrix.shape[0], format="csc") - matrix.tocsc()
    return np.atleast_1d(np.asarray(spsolve(system, right)))


def _reaches(matrix: csr_array, goal: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The states from which one of the goal can be reached."""
    step = csr_array((np.ones(len(matrix.data)), matrix.indices, matrix.indptr), shape=matrix.shape)
    found = goal.copy()
    while True:
        more = found | ((step @ found.astype(np.float64)) > 0)
        if (more == found).all():
            return found
        found = more


def _reach(matrix: csr_array, goal: Floats, chain: Chain) -> Floats:
    can = _reaches(matrix, goal > 0)
    inner = can & (goal == 0)
    solved = goal.copy()
    if inner.any():
        right = np.asarray(matrix[inner] @ goal)
        solved[inner] = _solve(csr_array(matrix[inner][:, inner]), right)
    return solved


def _refuse_endless(matrix: csr_array, chain: Chain) -> None:
    ends = np.array([not options for options in chain.options])
    if not _reaches(matrix, ends).all():
        raise NeverEndsError("some runs never end")


def _bounds(chain: Chain, value: Value, reward: str | None) -> Bounds:
    if chain.decided:
        only = float(value([0] * len(chain.options))[0])
        return Bounds(only, only)
    return Bounds(_best(chain, value, reward, -1.0), _best(chain, value, reward, 1.0))


def _best(chain: Chain, value: Value, reward: str | None, sign: float) -> float:
    """Policy iteration: pick what is better by the values of the last picks, until nothing is."""
    picked = [0] * len(chain.options)
    while True:
        values = value(picked)
        better = [*picked]
        for state, gains in _gains(chain, values, reward):
            best = max(range(len(gains)), key=lambda k: sign * gains[k])
            if sign * gains[best] > sign * gains[picked[state]] + 1e-12 * max(1.0, abs(gains[best])):
                better[state] = best
        if better == picked:
            return float(values[0])
        picked = better


def _gains(chain: Chain, values: Floats, reward: str | None) -> Iterator[tuple[int, list[float]]]:
    for state, options in enumerate(chain.options):
        if len(options) > 1:
            yield (
                state,
                [
                    float(np.dot(o.chances, values[o.targets] + (np.array(o.rewards[reward]) if reward else 0.0)))
                    for o in options
                ],
            )


def drn(chain: Chain, rewards: Mapping[str, str]) -> str:
    """The chain in Storm's explicit format, with the rewards expected for each option of a state.

    `rewards` says what each is called there: a word.

    Source: the documentation of Storm's DRN format
    """
    kind = "DTMC" if chain.decided else "MDP"
    choices = sum(max(1, len(options)) for options in chain.options)
    lines = [f"@type: {kind}", "@parameters", "", "@reward_models", " ".join(rewards.values()), "@nr_states"]
    lines += [str(len(chain.options)), "@nr_choices", str(choices), "@model"]
    for state, options in enumerate(chain.options):
        labels = ["init"] * (state == 0) + [*chain.labels.get(state, ())]
        lines.append(" ".join([f"state {state}", *labels]))
        nothing: dict[str, list[float]] = {name: [0.0] for name in rewards}
        for number, option in enumerate(options or [Option([state], [1.0], nothing)]):
            gained = ", ".join(repr(float(np.dot(option.chances, option.rewards[n]))) for n in rewards)
            lines.append(f"\taction {number} [{gained}]")
            summed: dict[int, float] = {}
            for target, chance in zip(option.targets, option.chances, strict=True):
                summed[target] = summed.get(target, 0.0) + chance
            lines += [f"\t\t{target} : {chance!r}" for target, chance in sorted(summed.items())]
    return "\n".join(lines) + "\n"
