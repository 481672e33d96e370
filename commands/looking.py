"""Taking many looks: side by side where there is room, and remembered on disk.

What was seen is kept under a name made of the question, the Python that asked, and the text of the model and of the
checker: change one line of either, and all is looked at again. A file that says anything else than what is expected
counts as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from commands.digests import of_the_checker as _sources
from commands.fan_out import Place
from invariants.kargo.judging import Look, Seen, take_all

SCHEMA, VERSION = "kargo-model/look", 1
PORTION = 2
"""So many releases of a system are one portion: neighbours are often alike, and small portions even out."""


class Watcher(Protocol):
    """Who is told how many looks are done."""

    def __call__(self, done: int, of: int) -> None:
        """So many of so many."""


def cache_folder() -> Path:
    """Where what was seen is kept, if not said otherwise."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "kargo-model"


class Looker:
    """Takes looks at a place, and remembers in `folder` what was seen (None: nowhere)."""

    def __init__(self, folder: Path | None, watcher: Watcher, place: Place) -> None:
        self.folder = folder
        self.watcher = watcher
        self.place = place

    def __call__(self, looks: Iterable[Look]) -> dict[Look, Seen]:
        """What is seen of each: remembered, or looked at now."""
        wanted = list(looks)
        remembered = {look: seen for look in wanted if self.folder and (seen := _read(self.folder, look))}
        found = dict(remembered)
        missing = [look for look in wanted if look not in found]
        self.watcher(len(found), len(wanted))
        for look, seen in self._take(missing):
            found[look] = seen
            self.watcher(len(found), len(wanted))
            if self.folder and seen.complete:
                _write(self.folder, look, seen)
        return found

    def _take(self, looks: list[Look]) -> Iterator[tuple[Look, Seen]]:
        """Take them, those together that differ in the release alone: much of it may be the same exploration."""
        by_system: dict[object, list[Look]] = {}
        for look in looks:
            by_system.setdefault((look.system, look.changes, look.claims), []).append(look)
        if len(by_system) <= self.place.few:
            return chain.from_iterable(map(take_all, by_system.values()))
        portions = (some[at : at + PORTION] for some in by_system.values() for at in range(0, len(some), PORTION))
        return chain.from_iterable(self.place.each(_taken, portions))


def _taken(looks: list[Look]) -> list[tuple[Look, Seen]]:
    return list(take_all(looks))


# On disk


def _file(folder: Path, look: Look) -> Path:
    changes = sorted((field, repr(value)) for field, value in look.changes)
    asked = repr((look.behaviours, look.system, changes, sorted(look.claims)))
    name = hashlib.sha256(f"{VERSION} {_sources()} {sys.version} {asked}".encode()).hexdigest()
    return folder / "looks" / f"{name}.json"


def _read(folder: Path, look: Look) -> Seen | None:
    file = _file(folder, look)
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return _seen(found, file.stem, look)


def _seen(found: Any, name: str, look: Look) -> Seen | None:
    """What a document says was seen; None unless it is one of ours, and about this look."""
    if not isinstance(found, dict) or (found.get("schema"), found.get("look")) != (SCHEMA, name):
        return None
    violated, met = found.get("violated"), found.get("met")
    if not isinstance(violated, dict) or not isinstance(met, list):
        return None
    names = (*violated, *met)
    known = all(isinstance(n, str) and n in look.claims for n in names)
    if not known or not all(isinstance(v, str) for v in violated.values()):
        return None
    return Seen(violated, frozenset(met), True)


def _write(folder: Path, look: Look, seen: Seen) -> None:
    """Keep what was seen, if the disk lets us; a file is there whole or not at all."""
    file = _file(folder, look)
    body = {"schema": SCHEMA, "look": file.stem, "violated": seen.violated, "met": sorted(seen.met)}
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=file.parent, suffix=".partial")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                json.dump(body, out)
            Path(partial).replace(file)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
