"""Releases by name, and what is said of one that is not modelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


class UnknownReleaseError(ValueError):
    """A release, or a version, that is not modelled; the message lists those that are."""


def named(whose: str, name: str, releases: Mapping[str, T]) -> T:
    """The release called `name`, with or without a leading `v`, of those `whose` name is given.

    Raises UnknownReleaseError.
    """
    found = releases.get(name.removeprefix("v"))
    if found is None:
        raise unknown(whose, name, releases)
    return found


def unknown(whose: str, name: str, known: Iterable[str], *, kind: str = "releases") -> UnknownReleaseError:
    """What to raise where `name` is none of the `known` ones."""
    return UnknownReleaseError(f"{whose} {name!r} is not modelled; the {kind} are: {', '.join(known)}")
