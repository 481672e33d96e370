"""Generated names of Promotions: the Stage, a ULID, and the beginning of the Freight's name.

Source: `pkg/api/promotion.go: GeneratePromotionName`
"""

from __future__ import annotations

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""The digits of Crockford's base 32, as lower case."""

EPOCH_MS = 946_684_800_000
"""The instant 0 of runs and recordings, in milliseconds since 1970: the beginning of the year 2000."""


def generated_name(stage: str, now: int, number: int, freight: str) -> str:
    """The name of a Promotion made at the instant `now` (milliseconds).

    A ULID ends in random digits, which have no meaning but are never the same twice. Here they are a `number`, so
    that of two made in the same millisecond the later has the larger name, as in one process of Kargo.
    """
    return f"{stage}.{_base32(EPOCH_MS + now, 10)}{number:016d}.{freight[:7]}"


def _base32(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
