"""What the commands share: the `--format` option, documents for programs, and progress for people."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from model.json_text import json_text

DONE, VIOLATED, REFUSED, BOUNDED = 0, 1, 2, 3
"""Exit codes."""


class OutputError(Exception):
    """A file cannot be written; the message names it and says why."""


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: what was there before stays until all of it is written.

    What a link leads to is written, not the link. Raises OutputError.
    """
    try:
        if path.exists() and not path.is_file():  # a device or a pipe, which nothing may be put in the place of
            path.write_bytes(content)
            return
        place = Path(os.path.realpath(path))
        handle, partial = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
            Path(partial).chmod(_permissions(place))
            Path(partial).replace(place)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(partial).unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise OutputError(f"{str(path)!r} cannot be written: {why}") from error


def _permissions(path: Path) -> int:
    """Those that the file has, or that a new file would have."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def add_format(parser: argparse.ArgumentParser, *more: str) -> None:
    """The option that chooses between text for people and JSON for programs, and `more` where there is more."""
    forms = ("text", "json", *more)
    parser.add_argument("--format", choices=forms, default="text", help="how to print (default: text)")


def print_json(schema: str, version: int, body: Mapping[str, object]) -> None:
    """Print a document; `schema` and `version` say how to read it. See docs/json.md."""
    document = {"schema": f"kargo-model/{schema}", "version": version, **body}
    print(json_text(document))


def _amount(number: int) -> str:
    """A number that fits on a line, however large."""
    return f"{number:,}" if number < 10**12 else f"{number:.2e}"


class Progress(Protocol):
    """How far an exploration is, as `invariants.verdicts.Progress` tells it; to load that takes its time."""

    @property
    def level(self) -> int:
        """The breadth-first level."""

    @property
    def states(self) -> int:
        """How many states were found."""

    @property
    def nodes(self) -> int | None:
        """How many nodes the diagrams have, if there are any."""

    @property
    def memory(self) -> int:
        """Bytes."""

    @property
    def seconds(self) -> float:
        """Since the beginning."""


class ProgressLine:
    """A line on the terminal that says how far a long exploration is; silent where nobody looks."""

    def __init__(self, what: str, *, patience: float = 1.0) -> None:
        self.what = what
        self.patience = patience
        self.shown = 0.0
        self.began = time.monotonic()
        self.wanted = sys.stderr.isatty()

    def __call__(self, progress: Progress) -> None:
        """Show `progress`, at most five times a second, and only once it takes longer than the patience."""
        now = time.monotonic()
        if self.wanted and now - self.began > self.patience and now - self.shown > 0.2:
            self.shown = now
            text = f"{self.what}: level {progress.level}, {_amount(progress.states)} states"
            text += f", {_amount(progress.nodes)} nodes" if progress.nodes is not None else ""
            text += f", {_amount(round(progress.states / max(progress.seconds, 0.001)))} states/s"
            text += f", {progress.memory >> 20:,} MB, {progress.seconds:.0f} s"
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave no trace on the terminal."""
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class TallyLine:
    """A line on the terminal that says how many explorations, or other `things`, are done, if somebody looks."""

    def __init__(self, what: str, things: str = "explorations") -> None:
        self.what = what
        self.things = things
        self.began = time.monotonic()
        self.wanted = sys.stderr.isatty()

    def __call__(self, done: int, of: int) -> None:
        """Show it, and take it away once all are done."""
        if self.wanted:
            seconds = time.monotonic() - self.began
            text = f"{self.what}: {done} of {of} {self.things}, {seconds:.0f} s" if done < of else ""
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
