"""Durations as Go writes them, in whole milliseconds.

Source: Go's `time.ParseDuration` and `Duration.String`
"""

from __future__ import annotations

import re

_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_WHOLE = re.compile(rf"[+-]?(?:0|(?:{_PART.pattern})+)")
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_MILLISECOND = 10**6
_LONGEST = 2**63 - 1  # nanoseconds in the 64 bits that Go has for them


def parse_duration(text: str) -> int:
    """The milliseconds that a Go duration such as `1m30s`, `1.5h`, `-300ms` or `0` stands for.

    Raises ValueError, saying what is wrong, if `text` is not a Go duration or not a whole number of
    milliseconds.
    """
    if len(text) > 100 or not _WHOLE.fullmatch(text):
        raise ValueError('not a duration such as "90s", "5m" or "1h30m"')
    total = 0
    for whole, fraction, unit in _PART.findall(text):
        if not whole and not fraction:
            raise ValueError('not a duration such as "90s", "5m" or "1h30m"')
        size = _NANOSECONDS[unit]
        total += int(whole or "0") * size + int(fraction or "0") * size // 10 ** len(fraction)
    if total > _LONGEST:
        raise ValueError("longer than the 292 years a duration can be")
    milliseconds, rest = divmod(total, _MILLISECOND)
    if rest:
        raise ValueError("not a whole number of milliseconds")
    return -milliseconds if text.startswith("-") else milliseconds


def format_duration(milliseconds: int) -> str:
    """The duration as Go prints it: `5m0s`, `1h0m0s`, `1.5s`, `300ms`, `0s`."""
    sign = "-" if milliseconds < 0 else ""
    seconds, rest = divmod(abs(milliseconds), 1000)
    if not seconds:
        return f"{sign}{rest}ms" if rest else "0s"
    fraction = f".{rest:03}".rstrip("0") if rest else ""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{seconds}{fraction}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    if hours:
        text = f"{hours}h{text}"
    return sign + text
