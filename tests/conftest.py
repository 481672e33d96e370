"""What holds for every test."""

from __future__ import annotations

import gc
import signal

from hypothesis import settings

# Whoever starts the tests in the background, as scripts do, has Ctrl-C ignored, and every process begun from here
# would inherit that: tests that interrupt one would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Looking for garbage takes a sixth of the time otherwise; what holds much memory is let go of often enough.
gc.set_threshold(50_000, 20, 20)

# The same examples every time, so that what fails here fails everywhere, and nothing takes long only now and then.
# `pytest --hypothesis-profile=others` looks at others.
settings.register_profile("same", derandomize=True)
settings.register_profile("others", derandomize=False, print_blob=True)
settings.load_profile("same")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays until the end: every module, every test."""
    gc.collect()
    gc.freeze()
