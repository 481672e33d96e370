"""Parts of a cluster that have nothing to do with each other, looked at one by one, or by all processors."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from model.kargo.live.objects import LiveProject
from model.system import Tables

R = TypeVar("R")

MANY_PARTS = 8 if multiprocessing.get_all_start_methods()[0] == "fork" else 64
"""From how many parts on it is worth while to have all processors work: sooner where a process begins at once."""

MOST_AT_ONCE = 8
"""How many parts at most are looked at before it is said how far it is, and others may take their share."""

Look = Callable[[LiveProject, Tables], R]
Progress = Callable[[int, int], None]
"""Is told how many parts are done, of how many."""

_given: dict[str, Any] = {}
"""What a process that works for another was given when it began: handed on once, not with every task."""


def silent(done: int, of: int) -> None:
    """Nobody wants to know."""


def look_at_each(look: Look[R], parts: list[LiveProject], progress: Progress = silent) -> Iterator[R]:
    """What `look` finds in each part, in their order; the tables that go with it may be shared by parts."""
    done = 0
    for found in _some(look, parts) if len(parts) < MANY_PARTS else _all_processors(look, parts):
        done += len(found)
        progress(done, len(parts))
        yield from found


def _some(look: Look[R], parts: Iterable[LiveProject]) -> Iterator[list[R]]:
    tables = Tables()
    for part in parts:
        yield [look(part, tables)]


def _all_processors(look: Look[R], parts: list[LiveProject]) -> Iterator[list[R]]:
    count = os.cpu_count() or 1
    at_once = max(1, min(MOST_AT_ONCE, len(parts) // (4 * count)))
    tasks = [range(start, min(start + at_once, len(parts))) for start in range(0, len(parts), at_once)]
    with ProcessPoolExecutor(count, initializer=_begin, initargs=(look, parts)) as pool:
        yield from pool.map(_task, tasks)


def _begin(look: Look[R], parts: list[LiveProject]) -> None:
    _given.update(look=look, parts=parts, tables=Tables())


def _task(places: range) -> list[Any]:
    return [_given["look"](_given["parts"][place], _given["tables"]) for place in places]
