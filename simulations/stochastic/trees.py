"""What can happen in one step of a model, as a tree of comparisons and choices, and many runs going through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from simulations.stochastic.batches import Batch
from simulations.stochastic.forking import Choice, Sum, Test, Way

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Compare(Generic[T]):
    """Whether a sum is positive decides."""

    of: Sum
    yes: Tree[T]
    no: Tree[T]


@dataclass(frozen=True, eq=False)
class Choose(Generic[T]):
    """The world decides which way an action goes; a tree for each of its outcomes, in their order."""

    choice: Choice
    ways: tuple[Tree[T], ...]


@dataclass(frozen=True, eq=False)
class End(Generic[T]):
    """What it comes to."""

    result: T


Tree = Compare[T] | Choose[T] | End[T]
Chooser = Callable[[Choice, Batch], Iterable[tuple[int, Batch]]]
"""Says which way each row of a batch goes, by the number of the outcome."""


def tree_of(results: Iterable[tuple[Way, T]]) -> Tree[T]:
    """The tree of every way with its result."""
    return _tree([*results], 0)


def _tree(results: list[tuple[Way, T]], depth: int) -> Tree[T]:
    way, result = results[0]
    if len(way) == depth:
        return End(result)
    first = way[depth]
    if isinstance(first, Test):
        sides: dict[bool, list[tuple[Way, T]]] = {True: [], False: []}
        for each in results:
            test = each[0][depth]
            assert isinstance(test, Test)
            sides[test.holds].append(each)
        return Compare(first.of, _tree(sides[True], depth + 1), _tree(sides[False], depth + 1))
    by_way: list[list[tuple[Way, T]]] = [[] for _ in first.ways]
    for each in results:
        choice = each[0][depth]
        assert isinstance(choice, Choice)
        by_way[choice.way].append(each)
    return Choose(first, tuple(_tree(each, depth + 1) for each in by_way))


def follow(
    tree: Tree[T], batch: Batch, choose: Chooser, stop: Callable[[Choice], bool] = lambda _: False
) -> Iterator[tuple[End[T] | Choose[T], Batch]]:
    """Where the rows of a batch come to: an end, or a choice at which to `stop`."""
    if not len(batch):
        return
    if isinstance(tree, End) or (isinstance(tree, Choose) and stop(tree.choice)):
        yield tree, batch
    elif isinstance(tree, Compare):
        yes, no = batch.split(tree.of.at(batch.columns, len(batch)) > 0)
        yield from follow(tree.yes, yes, choose, stop)
        yield from follow(tree.no, no, choose, stop)
    else:
        for way, rows in choose(tree.choice, batch):
            yield from follow(tree.ways[way], rows, choose, stop)
