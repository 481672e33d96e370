"""Where work is done that can be cut into independent portions: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from multiprocessing.pool import Pool
from typing import Protocol, TypeVar

from model.garbage import collect_rarely

P = TypeVar("P")
R = TypeVar("R")

HERE = "processes"
MOST_PROCESSES = 4
"""More would want more memory than they save time."""

CLUSTER, EXTRA = "commands.cluster", "distributed"
"""The module for clusters, and the library that it needs, which not everybody has."""


class PlaceError(Exception):
    """The work cannot be done where it was to be done; the message says why, and what to do about it."""


class Place(Protocol):
    """Where portions of work are done, side by side. `few` portions or less are not worth sending there."""

    few: int

    def each(self, work: Callable[[P], R], portions: Iterable[P]) -> Iterator[R]:
        """What `work`, a function of a module, makes of each portion, as they come.

        What is under way when this process leaves the place is stopped there. Raises PlaceError.
        """


def add_on(parser: argparse.ArgumentParser) -> None:
    """The option that says where work is done."""
    parser.add_argument(
        "--on",
        type=_address,
        default=HERE,
        metavar="WHERE",
        help=f"{HERE} of this machine, or a Dask cluster by its scheduler, tcp://HOST:PORT (default: {HERE})",
    )


def _address(text: str) -> str:
    if text != HERE and not re.fullmatch(r"(tcp|tls)://(\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+):\d{1,5}", text):
        raise argparse.ArgumentTypeError(f"expected {HERE}, or a scheduler such as tcp://host:8786, found {text!r}")
    return text


def place(where: str) -> AbstractContextManager[Place]:
    """The place of that name, to be left at the end; nothing is begun there before it is needed.

    Raises PlaceError if there is no such place, or it does not do the same work.
    """
    if where == HERE:
        return Processes()
    try:
        module = importlib.import_module(CLUSTER)
    except ModuleNotFoundError as missing:
        if missing.name != EXTRA:
            raise
        text = f"--on {where} needs Dask, which is not installed; install kargo-model[dask] to have it"
        raise PlaceError(text) from None
    opened: AbstractContextManager[Place] = module.Cluster(where)
    return opened


class Processes:
    """A few processes of this machine, begun when they are first needed."""

    few = 2

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._pool: Pool | None = None

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def each(self, work: Callable[[P], R], portions: Iterable[P]) -> Iterator[R]:
        """What `work` makes of each portion, as they come."""
        return self._processes().imap_unordered(work, portions)

    def _processes(self) -> Pool:
        if self._pool is None:
            number = min(os.cpu_count() or 1, MOST_PROCESSES)
            # Spawned, not forked: nothing of this process, threads least of all, should be in them. Leaving the
            # pool's context ends them, whatever they are at.
            spawned = multiprocessing.get_context("spawn")
            self._pool = self._stack.enter_context(spawned.Pool(number, initializer=_begin))
        return self._pool


def _begin() -> None:
    """A process begins; interrupts it leaves to its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_rarely()
