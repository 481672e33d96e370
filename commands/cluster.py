"""Work in a Dask cluster: its scheduler hands the portions to workers, and again where a worker dies.

Functions are sent by name: the workers have the same version of this project installed, which is made sure of
before anything begins, and again with every portion, because workers may join later.

Loaded only where a cluster is asked for, because Dask is an extra and takes a second to load.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import TypeVar

from distributed import Client, Future, KilledWorker, rpc
from distributed.client import FutureCancelledError

from commands.digests import of_the_work
from commands.fan_out import PlaceError
from invariants.interrupts import uninterrupted

P = TypeVar("P")
R = TypeVar("R")

AS_LOADED = of_the_work()
"""What runs in this process: taken as it begins, so that a file which changes later does not pass for it."""

CONNECT_S = 10.0
"""How long to try to reach a scheduler."""

LOOK_S = 1.0
"""How often to look whether there is still a cluster, while nothing comes."""

PATIENCE_S = 60.0
"""How long to go on without any worker: a batch system may be about to start one."""


class Cluster:
    """The workers of a Dask scheduler. See `fan_out.Place`."""

    few = 0

    def __init__(self, address: str) -> None:
        self.address = address
        self.run = uuid.uuid4().hex
        self.futures: set[Future[object]] = set()
        # What Dask logs when a connection ends is about itself; what it means for the caller is said once. Nothing
        # else here logs, and every logger of Dask has a level of its own.
        logging.disable(logging.CRITICAL)
        _refuse_all_but_schedulers(address)
        self.client = Client(address, timeout=CONNECT_S, set_as_default=False, name="kargo-model")

    def __enter__(self) -> Cluster:
        try:
            self._compare()
        except BaseException:
            self.client.close(CONNECT_S)
            raise
        return self

    def _compare(self) -> None:
        """Raise PlaceError unless there are workers, and all do the same as this process would."""
        found: dict[str, object] = self.client.run(_as_loaded, on_error="return")
        if not found:
            raise PlaceError(f"{self.address} has no workers; start some: dask worker {self.address} --nthreads 1")
        for worker, digest in sorted(found.items()):
            if digest != AS_LOADED:
                raise PlaceError(_other_version(worker))

    def __exit__(self, *error: object) -> None:
        with uninterrupted(), contextlib.suppress(OSError, TimeoutError):
            if self.futures and self.client.status == "running":
                self.client.cancel(list(self.futures), force=True)
                self.client.run(_stop, self.run, on_error="ignore")
        with uninterrupted(), contextlib.suppress(OSError, TimeoutError):
            self.client.close(CONNECT_S)

    def each(self, work: Callable[[P], R], portions: Iterable[P]) -> Iterator[R]:
        """What `work` makes of each portion, as they come."""
        came: SimpleQueue[Future[R]] = SimpleQueue()
        for portion in portions:
            future = self.client.submit(_done, self.run, AS_LOADED, work, portion, pure=False)
            self.futures.add(future)
            future.add_done_callback(came.put)
        alone_since = None
        while self.futures:
            try:
                future = came.get(timeout=LOOK_S)
            except Empty:
                alone_since = self._alone(alone_since)
                continue
            try:
                result = self._result(future)
            except TimeoutError:
                came.put(future)
                alone_since = self._alone(alone_since)
                continue
            alone_since = None
            self.futures.discard(future)
            yield result

    def _result(self, future: Future[R]) -> R:
        """What a portion came to. Raises TimeoutError if its worker died, so that it is being done again."""
        try:
            result: R = future.result(timeout=LOOK_S)
        except KilledWorker as killed:
            text = "workers died one after the other at the same portion; they may need more memory"
            raise PlaceError(f"{self.address}: {text}") from killed
        except ModuleNotFoundError as missing:
            raise PlaceError(_other_version("a worker")) from missing
        except FutureCancelledError as lost:
            raise PlaceError(self._gone) from lost
        return result

    @property
    def _gone(self) -> str:
        return f"the scheduler at {self.address} is gone; what was not done is lost"

    def _alone(self, since: float | None) -> float | None:
        """Since when there are no workers, if there are none; raises PlaceError if that will not change."""
        if self.client.status != "running":
            raise PlaceError(self._gone)
        if self.client.scheduler_info()["workers"]:
            return None
        now = time.monotonic()
        if since is not None and now - since > PATIENCE_S:
            raise PlaceError(f"{self.address} has had no workers for {PATIENCE_S:.0f} s; what was not done is lost")
        return now if since is None else since


def _refuse_all_but_schedulers(address: str) -> None:
    """Raise PlaceError unless a scheduler answers there: a client would wait for its answer without end."""

    async def identity() -> dict[str, object]:
        async with rpc(address, timeout=CONNECT_S) as there:
            found: dict[str, object] = await there.identity()
            return found

    try:
        kind = asyncio.run(asyncio.wait_for(identity(), CONNECT_S)).get("type")
    except Exception as error:  # who answers there may answer anything
        raise PlaceError(f"{address} cannot be reached: expected the scheduler of a Dask cluster there") from error
    if kind != "Scheduler":
        raise PlaceError(f"{address} is no scheduler but a {kind}; expected the scheduler of a Dask cluster there")


def _other_version(worker: str) -> str:
    return (
        f"{worker} has another version of kargo-model than this call, or none; "
        "install the same there and start it again"
    )


# In the workers


class Stopped(BaseException):
    """A portion is stopped because nobody waits for it any more. No part of the checker catches this."""


def _as_loaded() -> str:
    return AS_LOADED


_turn = threading.Lock()
"""Held by the thread that explores: what reads the sources of rules is not made for several threads."""

_lock = threading.Lock()
_stopped: set[str] = set()
_at_work: dict[int, str] = {}
"""The threads that do a portion, each with the run that it belongs to."""


def _done(run: str, digest: str, work: Callable[[P], R], portion: P) -> R:
    """What `work` makes of a portion, in a worker that does the same as the caller would."""
    if digest != AS_LOADED:
        raise PlaceError(_other_version("a worker that joined"))
    thread = threading.get_ident()
    with _turn:
        with _lock:
            if run in _stopped:
                raise Stopped
            _at_work[thread] = run
        try:
            return work(portion)
        finally:
            with _lock:
                _at_work.pop(thread, None)
                # Nothing may reach the thread when it is at something else.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)


def _stop(run: str) -> None:
    """Stop what is done for a run in this worker: a thread cannot be ended from outside but by an exception."""
    with _lock:
        _stopped.add(run)
        for thread, its_run in _at_work.items():
            if its_run == run:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))
