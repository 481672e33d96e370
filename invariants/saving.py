"""Saving an exploration as it goes, and going on with it later.

A folder has one file for each level (or, with saturation, one with everything seen so far), in the format in which
decision diagrams are exchanged (DDDMP), and a *manifest* that says what was asked, how values are numbered, and
which files belong to it, with their digests. A file is written whole before the manifest names it, and the
manifest is replaced as a whole; so whatever ends the program, what the manifest says is there. It is read with
suspicion: another question, another version of the model, or a file that is not what was written is refused.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oxidd.util import DDDMPFile

from invariants.encoding import Column, Diagram, Numbers, minus, numbers_of
from invariants.symbolic import Symbolic
from invariants.value_text import UnreadableValueError, from_json, to_json
from model.system import ModelError, System

SCHEMA, VERSION = "kargo-model/checkpoint", 1
MANIFEST = "manifest.json"
EVERY = 10.0
"""Seconds between two saves of everything seen, with saturation."""


class CheckpointError(Exception):
    """What was saved cannot be gone on with, or nothing can be saved; the message says why."""


@dataclass
class Checkpoint:
    """A folder in which an exploration is saved.

    `about` says what was asked, in words that a person knows it by, and `version` what is the same only for the
    same model and checker. With `resume` the exploration goes on with what is there.
    """

    folder: Path
    about: str
    version: str
    strategy: str
    resume: bool = False
    _files: list[dict[str, Any]] = field(default_factory=list)
    _saved: float = 0.0

    def begin(self, system: System) -> tuple[Numbers, dict[str, int]] | None:
        """How values are numbered in what was saved, and the places of variables; None if nothing is to be resumed.

        Raises CheckpointError if there is nothing to resume, or nothing can be saved.
        """
        if self.resume:
            return self._numbering(system)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if (self.folder / MANIFEST).exists():
                raise CheckpointError(f"{self.folder} has a saved exploration; resume it, or name another folder")
            if any(self.folder.iterdir()):
                raise CheckpointError(f"{self.folder} is not empty, and no saved exploration; name another folder")
        except OSError as error:
            raise CheckpointError(f"nothing can be saved in {self.folder}: {error.strerror}") from error
        return None

    def start_again(self) -> None:
        """Forget what was saved: the exploration begins anew with more places for values."""
        self.resume = False
        for entry in self._files:
            (self.folder / entry["name"]).unlink(missing_ok=True)
        self._files = []

    def level(self, engine: Symbolic) -> None:
        """Save the levels that are complete."""
        for number in range(len(self._files), len(engine.layers)):
            self._write(engine, f"level-{number + 1}.dddmp", engine.layers[number])
        self._put_manifest(engine)

    def seen(self, engine: Symbolic, *, now: bool = False) -> None:
        """Save everything seen, if that was not done just now."""
        if not now and time.monotonic() - self._saved < EVERY:
            return
        before = self._files
        number = 1 + (before[-1]["number"] if before else 0)
        self._files = []
        self._write(engine, f"seen-{number}.dddmp", engine.growing(engine.seen), number=number)
        self._put_manifest(engine)
        for entry in before:
            (self.folder / entry["name"]).unlink(missing_ok=True)
        self._saved = time.monotonic()

    # Writing

    def _write(self, engine: Symbolic, name: str, states: Diagram, **more: int) -> None:
        path = self.folder / name
        try:
            engine.encoding.manager.export_dddmp(path, [states], strict=False)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise CheckpointError(f"{path} cannot be written: {error}") from error
        self._files.append({"name": name, "sha256": digest, "widths": dict(engine.encoding.width), **more})

    def _put_manifest(self, engine: Symbolic) -> None:
        encoding = engine.encoding
        try:
            values = {name: [to_json(v) for v in known] for name, known in encoding.numbers.values.items()}
        except UnreadableValueError as error:
            raise CheckpointError(f"{self.about} cannot be saved: {error}") from error
        body = {
            "schema": SCHEMA,
            "version": VERSION,
            "about": self.about,
            "strategy": self.strategy,
            "sources": self.version,
            "places": encoding.places,
            "values": values,
            "files": self._files,
        }
        body["sha256"] = _digest(body)
        partial = self.folder / f"{MANIFEST}.partial"
        try:
            partial.write_text(json.dumps(body), encoding="utf-8")
            partial.replace(self.folder / MANIFEST)
        except OSError as error:
            raise CheckpointError(f"{self.folder / MANIFEST} cannot be written: {error.strerror}") from error

    # Reading

    def _manifest(self) -> dict[str, Any]:
        path = self.folder / MANIFEST
        try:
            body = json.loads(path.read_bytes())
        except OSError as error:
            raise CheckpointError(f"there is no saved exploration in {self.folder}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise CheckpointError(f"{path} is not what was written: {error}") from error
        if not isinstance(body, dict) or (body.get("schema"), body.get("version")) != (SCHEMA, VERSION):
            raise CheckpointError(f"{path} is no saved exploration of this version")
        if body.pop("sha256", None) != _digest(body):
            raise CheckpointError(f"{path} is not what was written: its digest differs")
        if (body["about"], body["strategy"]) != (self.about, self.strategy):
            saved_for = f"{body['about']} (by {body['strategy']})"
            asked = f"{self.about} (by {self.strategy})"
            raise CheckpointError(f"{self.folder} was saved for: {saved_for}; not for: {asked}")
        if body["sources"] != self.version:
            raise CheckpointError(f"{self.folder} was saved by another version of the model; explore again")
        return body

    def _numbering(self, system: System) -> tuple[Numbers, dict[str, int]]:
        body = self._manifest()
        numbers = numbers_of(system)
        try:
            values = {name: [from_json(v) for v in known] for name, known in body["values"].items()}
            for name, known in numbers.values.items():
                if values[name][: len(known)] != known:
                    raise ValueError(f"{name} has other values")
                for value in values[name]:
                    numbers.code(name, value)
            places = {name: int(body["places"][name]) for name in numbers.values}
        except (UnreadableValueError, ModelError, KeyError, ValueError) as error:
            raise CheckpointError(f"{self.folder / MANIFEST} does not fit the system: {error}") from error
        self._files = body["files"]
        return numbers, places

    def take_up(self, engine: Symbolic, tick: Callable[[], None]) -> None:
        """Have the engine go on from what was saved.

        Raises CheckpointError if a file is not what was written, or not what the system can reach.
        """
        sets = [self._read(engine, entry) for entry in self._files]
        if not sets:
            return
        if self.strategy == "saturation":
            self._check(not minus(engine.start, sets[-1]).satisfiable())
            engine.seed = sets[-1]
        else:
            self._check(sets[0] == engine.start)
            self._check(engine.resume_layers(sets, tick))

    def _check(self, fits: bool) -> None:
        if not fits:
            raise CheckpointError(f"what is saved in {self.folder} is not what this system can reach")

    def _read(self, engine: Symbolic, entry: dict[str, Any]) -> Diagram:
        path = self.folder / entry["name"]
        try:
            if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
                raise CheckpointError(f"{path} is not what was written: its digest differs")
            with DDDMPFile(path) as stored:
                (states,) = engine.encoding.manager.import_dddmp(stored)
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error}") from error
        for name in engine.names:
            for index in range(entry["widths"][name], engine.encoding.width[name]):
                states = states & engine.encoding.manager.not_var(engine.encoding.bit((Column.NOW, name), index))
        return states


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
