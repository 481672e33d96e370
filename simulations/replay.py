"""What every replay of recordings reports: the differences found, and how much was compared.

A replay never raises for a difference between the model and a recording; it returns the difference. It
raises :class:`RecordingError` when the recording itself cannot be read.
"""

from __future__ import annotations

from dataclasses import dataclass


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

    ``programs`` counts the programs run, ``compared`` the fields compared over all of them.
    """

    release: str
    programs: int
    compared: int
    divergences: tuple[Divergence, ...]

    @property
    def agrees(self) -> bool:
        """Whether something was compared and nothing differed."""
        return self.compared > 0 and not self.divergences
