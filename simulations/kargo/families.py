"""Which replay a folder of recordings needs: told by what its programs look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from model.kargo.releases import RELEASES
from simulations.kargo import (
    recorded,
    replay_argocd,
    replay_availability,
    replay_expressions,
    replay_health,
    replay_steps,
    replay_wakeups,
)
from simulations.kargo.live import replay_snapshots
from simulations.kargo.loop import replay_walks
from simulations.kargo.recorded import PROGRAMS
from simulations.replay import RecordingError, Replayed, read_lines

Replay = Callable[[Path, Iterable[str] | None, int | None], Iterator[Replayed]]


@dataclass(frozen=True)
class Family:
    """Recordings of one kind: what they are called, how to know them, and how to replay them."""

    name: str
    keys: frozenset[str]
    replay: Replay


FAMILIES = (
    Family("steps", frozenset({"id", "steps", "script", "passes"}), replay_steps.replay),
    Family("expressions", frozenset({"id", "env", "alias", "template"}), replay_expressions.replay),
    Family(
        "availability", frozenset({"id", "now_ms", "policies", "freight", "stages"}), replay_availability.replay
    ),
    Family("wakeups", frozenset({"id", "controller", "world", "event"}), replay_wakeups.replay),
    Family("health", frozenset({"id", "now_ms", "argocd", "apps", "checks"}), replay_health.replay),
    Family("argocd", frozenset({"id", "step", "promotion", "config", "apps"}), replay_argocd.replay),
    Family("reports", frozenset({"id", "topology", "events", "story", "expect"}), replay_walks.replay),
    Family("walks", frozenset({"id", "topology", "events"}), replay_walks.replay),
    Family("snapshots", frozenset({"id", "manifests", "branches", "truth"}), replay_snapshots.replay),
)


def family_of(folder: Path) -> Family:
    """The family of the recordings in `folder`, by the fields of its first program.

    Recordings of moments have no programs; then it is told by the first moment.

    Raises RecordingError if there are none, or of no family known here.
    """
    described = _described(folder) or folder / PROGRAMS
    program: dict[str, Any] = next(islice(read_lines(described), 1), {})
    for family in FAMILIES:
        if family.keys <= program.keys():
            return family
    known = ", ".join(family.name for family in FAMILIES)
    missing = "" if described.name == PROGRAMS else f", and there is no {PROGRAMS} beside it"
    raise RecordingError(f"{described}: its lines are of no family that can be replayed: {known}{missing}")


def _described(folder: Path) -> Path | None:
    """The file that tells of which family the recordings are, None if there are none."""
    files = (folder / PROGRAMS, *(recorded.recording(folder, release) for release in RELEASES))
    return next((file for file in files if file.exists()), None)


def folders(path: Path) -> tuple[list[tuple[Path, Family]], list[Path]]:
    """The recordings at `path`, or in the folders in it; and those folders whose recordings are of no known family.

    Raises RecordingError if there is nothing to replay.
    """
    if not path.is_dir():
        problem = "is not a folder" if path.exists() else "does not exist"
        raise RecordingError(f"{path} {problem}; expected a folder with {PROGRAMS} and a recording per release")
    if _described(path):
        return [(path, family_of(path))], []
    found: list[tuple[Path, Family]] = []
    strange: list[Path] = []
    for folder in sorted(p for p in path.iterdir() if _described(p)):
        try:
            found.append((folder, family_of(folder)))
        except RecordingError:
            strange.append(folder)
    if not found:
        raise RecordingError(f"{path} holds no recordings: expected {PROGRAMS} in it or in a folder below it")
    return found, strange


def recorded_releases(folder: Path) -> list[str]:
    """The modelled releases whose recordings are in the folder, oldest first.

    Raises RecordingError if there are none.
    """
    found = recorded.recorded_releases(folder)
    if not found:
        raise RecordingError(f"{folder} has no recording of a modelled release: {', '.join(RELEASES)}")
    return found
