"""The work queue of the controllers: what is to be looked at next, and what later.

Source: the format of the recordings, as their README describes it; it stands for the three queues of
controller-runtime, with its `workqueue.DefaultTypedItemBasedRateLimiter`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

FIRST_BACKOFF_MS = 5
"""How long an item waits after its first failure; each further one in a row doubles it."""

LONGEST_BACKOFF_MS = 1_000_000
"""How long it waits at most."""


@dataclass
class WorkQueue:
    """First in, first out, and nothing twice; instants are in milliseconds.

    An item has one timer at most. `timers_set` counts them, so that of two that are due at the same time the
    older is the first.
    """

    items: dict[str, None] = field(default_factory=dict)
    timers: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    timers_set: int = 0

    def __bool__(self) -> bool:
        return bool(self.items)

    def add(self, items: Iterable[str]) -> None:
        """Put items at the end; those that are in the queue stay where they are."""
        self.items |= dict.fromkeys(items)

    def add_due(self, now: int) -> None:
        """Put those at the end whose timers have run out."""
        due = sorted((*timer, item) for item, timer in self.timers.items() if timer[0] <= now)
        for _, _, item in due:
            del self.timers[item]
            self.items.setdefault(item)

    def take(self) -> str:
        """Take the first item out. Raises StopIteration if there is none."""
        item = next(iter(self.items))
        del self.items[item]
        return item

    def next_due(self) -> int | None:
        """When the next timer runs out, None if there is none."""
        return min((at for at, _ in self.timers.values()), default=None)

    def come_back(self, item: str, now: int, after_ms: int | None) -> None:
        """The controller is done with an item; it comes back to it after that time, or not (None, or not later)."""
        self.failures.pop(item, None)
        if after_ms is not None and after_ms > 0:
            self._set_timer(item, now + after_ms)

    def back_off(self, item: str, now: int) -> None:
        """The controller failed, and tries again, each time later than the time before."""
        failures = self.failures.get(item, 0)
        self.failures[item] = failures + 1
        self._set_timer(item, now + _backoff_ms(failures))

    def backs_off_further(self, item: str) -> bool:
        """Whether an item that has failed will, after its next failure, not wait as long as after the one then."""
        failures = self.failures.get(item, 0)
        return failures > 0 and _backoff_ms(failures + 1) > _backoff_ms(failures)

    def _set_timer(self, item: str, due: int) -> None:
        if item not in self.timers or due < self.timers[item][0]:
            self.timers_set += 1
            self.timers[item] = (due, self.timers_set)

    def forget(self) -> None:
        """The controllers start anew."""
        self.items.clear()
        self.timers.clear()
        self.failures.clear()


def _backoff_ms(failures: int) -> int:
    """How long an item waits that has failed so often in a row before."""
    return min(FIRST_BACKOFF_MS << min(failures, 30), LONGEST_BACKOFF_MS)
