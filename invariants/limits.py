"""Where an exploration stops before its end, and how it reports on the way."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from invariants.encoding import DDMemoryError
from invariants.verdicts import Bounds, Progress, Watch

EVERY = 0.05
"""Seconds between reports: counting the states of a large diagram for each image would cost more than it says."""


class Stop(Exception):  # noqa: N818  (the end of an exploration, not an error)
    """An exploration stops here; the message says why."""


@dataclass
class Limits:
    """Bounds that are watched from the moment this is made."""

    bounds: Bounds
    watch: Watch | None = None
    began: float = field(default_factory=time.perf_counter)
    _said: float = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.began

    def tick(self) -> None:
        """Raise Stop if the time is up."""
        if self.bounds.seconds is not None and self.seconds >= self.bounds.seconds:
            raise Stop(f"the bound of {self.bounds.seconds:g} seconds was hit")

    def enter(self, level: int, states: Callable[[], int], *, depths: bool = True) -> None:
        """Raise Stop if the level, or the number of states, has reached its bound."""
        self.tick()
        if depths and self.bounds.depth is not None and level >= self.bounds.depth:
            raise Stop(f"the bound of {self.bounds.depth:,} levels was hit")
        if self.bounds.states is not None and (seen := states()) >= self.bounds.states:
            raise Stop(f"the bound of {self.bounds.states:,} states was hit, with {seen:,} seen")

    def report(self, level: int, states: Callable[[], int], nodes: Callable[[], int | None]) -> None:
        """Tell whoever watches how far it is, unless that was told just now."""
        if self.watch is not None and (self.seconds - self._said >= EVERY or level == 1):
            self._said = self.seconds
            self.watch(Progress(level, states(), nodes(), self.seconds, memory_in_use()))


def memory_in_use() -> int:
    """Bytes of memory that this process takes; where that cannot be asked, the most that it ever took."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most << 10


@contextmanager
def stopping(why: list[str]) -> Iterator[None]:
    """Run the block; if a bound, a lack of memory or Ctrl-C ends it early, append the reason to `why`."""
    try:
        yield
    except Stop as stop:
        why.append(str(stop))
    except (DDMemoryError, MemoryError):
        why.append("the bound of memory was hit")
    except KeyboardInterrupt:
        why.append("it was interrupted")
