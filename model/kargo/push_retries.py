"""How often a git-push that is rejected is tried again, and how long it waits in between.

Source: `pkg/promotion/runner/builtin/git_pusher.go: gitPushPusher.run`; `ExponentialBackoff` of
k8s.io/apimachinery (0.34, 0.36)
"""

from __future__ import annotations

from typing import NamedTuple

DEFAULT_ATTEMPTS = 10
"""`maxAttempts`, unless the step says otherwise."""

FIRST_WAIT_MS, FACTOR, LONGEST_WAIT_MS = 1000, 1.5, 30_000

JITTER = 0.5
"""Each wait is longer by a random part of itself, up to this one."""


class PushRetries(NamedTuple):
    """How often one git-push pushes at most, and how long it waits after each time it was rejected, without jitter.

    There may be as many waits as tries: then it waits once more before it gives up.
    """

    tries: int
    waits_ms: tuple[int, ...]


def push_retries(max_attempts: int = DEFAULT_ATTEMPTS) -> PushRetries:
    """What becomes of `maxAttempts`: where the next wait would be longer than the cap, the present one is the last.

    So there are never more than nine tries, although ten are the default.
    """
    waits: list[int] = []
    wait = float(FIRST_WAIT_MS)
    while len(waits) + 1 < max_attempts:
        waits.append(round(wait))
        wait *= FACTOR
        if wait > LONGEST_WAIT_MS:
            return PushRetries(len(waits), tuple(waits))
    return PushRetries(len(waits) + 1, tuple(waits))
