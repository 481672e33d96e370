"""What holds for every test."""

from __future__ import annotations

import signal

# Whoever starts the tests in the background, as scripts do, has Ctrl-C ignored, and every process begun from here
# would inherit that: tests that interrupt one would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)
