"""When Python looks for garbage: objects that nobody uses and that refer to each other."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARELY = 100_000
"""After so many new objects. Python's own number is 700, which is little where values are made by the million."""


def collect_rarely() -> None:
    """From now on, look for garbage rarely.

    Here are many small objects, and next to no garbage of that kind: to look for it took a fifth of the time.
    """
    gc.set_threshold(RARELY, *gc.get_threshold()[1:])


@contextmanager
def collected_rarely() -> Iterator[None]:
    """A while in which garbage is looked for rarely."""
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)
