"""Folders of recordings: a file for each release, and mostly the programs that were run in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from model.kargo.releases import RELEASES, Behaviours, release
from simulations.replay import RecordingError, read_lines

Json = dict[str, Any]

PROGRAMS = "programs.jsonl.gz"
"""The file of the programs; a recording has a line for each of them, in the same order."""


def recording(folder: Path, name: str) -> Path:
    """The file of what was recorded of a release."""
    return folder / f"{name}.jsonl.gz"


def recorded_releases(folder: Path) -> list[str]:
    """The modelled releases whose recordings are in the folder, oldest first."""
    return [name for name in RELEASES if recording(folder, name).exists()]


def chosen(folder: Path, releases: Iterable[str] | None) -> Iterator[Behaviours]:
    """The releases that are named, in order; all that were recorded and are modelled, if none are.

    Raises UnknownReleaseError for a release that is not modelled.
    """
    yield from map(release, recorded_releases(folder) if releases is None else releases)


def pairs(folder: Path, name: str) -> Iterator[tuple[Json, Json]]:
    """Each program, with what was recorded of it in the release called `name`.

    Raises RecordingError if a file is missing or cannot be read, or the two do not belong together.
    """
    path, nothing = recording(folder, name), dict[str, Any]()
    for program, recorded in zip_longest(read_lines(folder / PROGRAMS), read_lines(path), fillvalue=nothing):
        expected, found = program.get("id"), recorded.get("id")
        if not isinstance(expected, str) or found != expected:
            raise RecordingError(
                f"{path} does not hold one recording per program, in order: "
                f"expected {expected or 'nothing more'}, found {found or 'nothing more'}"
            )
        yield program, recorded
