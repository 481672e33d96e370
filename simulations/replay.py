"""What every replay of recordings reports: the differences found, and how much was compared.

A replay never raises for a difference between the model and a recording; it returns the difference. It
raises :class:`RecordingError` when the recording itself cannot be read.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class RecordingError(Exception):
    """A recording is missing or cannot be read; the message is one sentence that names the file."""


@dataclass(frozen=True)
class Divergence:
    """One field in which the model and a recording differ.

    ``program`` is the id of the recorded program, ``where`` the place inside its run (empty when the run
    has only one), ``field`` what was compared; ``expected`` is the recorded value and ``got`` the model's,
    both as text.
    """

    program: str
    release: str
    where: str
    field: str
    expected: str
    got: str

    def __str__(self) -> str:
        place = f"{self.program} ({self.where})" if self.where else self.program
        return f"{self.release} {place} {self.field}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True)
class Replayed:
    """The result of replaying the recordings of one release.

    ``programs`` counts the programs run, ``compared`` the fields compared over all of them, ``passes`` the
    reconciliations where there are such.
    """

    release: str
    programs: int
    compared: int
    divergences: tuple[Divergence, ...]
    passes: int = 0

    @property
    def agrees(self) -> bool:
        """Whether something was compared and nothing differed."""
        return self.compared > 0 and not self.divergences


@dataclass
class Comparison:
    """How one program went, compared with its recording: the fields compared, the passes made, what differs."""

    program: str
    release: str
    compared: int = 0
    passes: int = 0
    divergences: list[Divergence] = field(default_factory=list)

    def differs(self, where: str, name: str, expected: str, got: str) -> None:
        """Note a field that is not as it was recorded."""
        self.divergences.append(Divergence(self.program, self.release, where, name, expected, got))


def replayed(release: str, found: Sequence[Comparison]) -> Replayed:
    """What came of all programs of a release."""
    return Replayed(
        release,
        len(found),
        sum(comparison.compared for comparison in found),
        tuple(d for comparison in found for d in comparison.divergences),
        sum(comparison.passes for comparison in found),
    )


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a compressed file, one per line.

    Raises RecordingError if the file is missing or broken, or a line is not an object.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                yield _object(line, f"{path} line {number}")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise RecordingError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise RecordingError(f"{where} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise RecordingError(f"{where} is not a JSON object")
    return found
