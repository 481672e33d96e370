"""Types of arguments, each with a message that says what was expected."""

from __future__ import annotations

import argparse
import re

from model.kargo.durations import parse_duration

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def memory(text: str) -> int:
    """Bytes, from a number with K, M or G behind it."""
    found = re.fullmatch(r"(\d{1,9})([KMG]?)B?", text.upper())
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"expected an amount of memory such as 512M or 4G, found {text!r}")
    return int(found[1]) * _UNITS[found[2]]


def positive(text: str) -> int:
    """A whole number above zero."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII) or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number above zero, found {text!r}")
    return int(text)


def duration(text: str) -> int:
    """Milliseconds, from a duration in Go's notation that is not negative."""
    try:
        found = parse_duration(text)
    except ValueError:
        found = -1
    if found < 0:
        raise argparse.ArgumentTypeError(f"expected a duration such as 30s or 5m, found {text!r}")
    return found


def seconds(text: str) -> float:
    """A number of seconds above zero."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of seconds above zero, found {text!r}")
    return found


def port(text: str) -> int:
    """A port that can be asked for."""
    found = positive(text)
    if found > 65_535:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, found {text!r}")
    return found


LARGEST = 1_000


def size(text: str) -> int:
    """The size of a toy."""
    found = positive(text)
    if found > LARGEST:
        raise argparse.ArgumentTypeError(f"expected a size up to {LARGEST:,}, found {text!r}")
    return found


MOST = 9
"""How many Promotions or Freight are numbered such that their names sort as they were made."""


def few(text: str) -> int:
    """How many Promotions or Freight there are."""
    found = positive(text)
    if found > MOST:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to {MOST}, found {text!r}")
    return found
