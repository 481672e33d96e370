"""Random numbers that are a function of what they are for: Philox4x32-10.

A number is not the next one of a stream; it is computed from a seed and a counter. So what chance decides for the
third attempt of the second step of run 71,000 is the same in whatever order and in however many processes runs are
done, and the same under every policy that is compared.

Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]

ROUNDS = 10
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Four random words of 32 bits for each counter of four such words."""
    a, b, c, d = counter
    left_key, right_key = key
    for _ in range(ROUNDS):
        left, right = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (
            (right >> _HALF) ^ b ^ np.uint64(left_key),
            right & _LOW,
            (left >> _HALF) ^ d ^ np.uint64(right_key),
            left & _LOW,
        )
        left_key, right_key = (left_key + _WEYL[0]) & 0xFFFFFFFF, (right_key + _WEYL[1]) & 0xFFFFFFFF
    return a, b, c, d


def uniforms(seed: int, run: NDArray[np.int64], stream: int, number: NDArray[np.int64]) -> Floats:
    """A number between 0 and 1, neither of them, for the `number`-th draw of each run for what `stream` stands for.

    `seed` has 64 bits, a run 64, `stream` and `number` 32 each.
    """
    runs, numbers = run.astype(np.uint64), number.astype(np.uint64)
    counter = (runs & _LOW, runs >> _HALF, numbers & _LOW, np.full(len(runs), stream, np.uint64))
    high, low, _, _ = philox(counter, (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF))
    bits = (high << np.uint64(20)) | (low >> np.uint64(12))  # 52 bits, so that a half can be added exactly
    return (bits.astype(np.float64) + 0.5) * 2.0**-52
