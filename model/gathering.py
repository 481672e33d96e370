"""Gathering documents from files and folders, where one that is bad does not hide the others.

`model.documents.read` refuses all if something is wrong. Here everything that can be read is, and what cannot be is
told beside it: for those who look at many files at once.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from model import documents
from model.inputs import DEFAULT_LIMITS, Document, InputError, Limits, Place, plain

SUFFIXES = (".yaml", ".yml", ".json")
"""What the names of the files in a folder have to end with."""

MOST_PIECES = 20_000
"""A file that cannot be read whole is cut into so many documents at most."""

_BETWEEN = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_TEMPLATE = re.compile(r"(?<!\$)\{\{")
_OF_HELM = re.compile(
    r"\{\{-?\s*(?:\.(?:Capabilities|Chart|Release|Template|Values)\b|include\s|tpl\s|end\s*-?\}\}|`|\"\{\{)"
)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_CONTENT = re.compile(r"^\s*[^\s#]", re.MULTILINE)


@dataclass
class Gathered:
    """What was found: documents, problems, and the text of every file that was read, by its name.

    `passed_over` counts files in folders that do not mention what is looked for; `templates` are those that become
    YAML only once another program has filled them in, `patches` those that Kustomize applies to others, and
    `no_objects` those in folders with documents that are no Kubernetes objects, such as the values of a chart.
    `named` counts the files that were asked for by name.
    """

    documents: list[Document] = field(default_factory=list)
    problems: list[InputError] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    passed_over: int = 0
    templates: list[str] = field(default_factory=list)
    patches: list[str] = field(default_factory=list)
    no_objects: list[str] = field(default_factory=list)
    named: int = 0

    @property
    def left_out(self) -> tuple[str, ...]:
        """The files that were looked into, and left out."""
        return (*self.templates, *self.patches, *self.no_objects)


def gather(
    paths: Iterable[str],
    *,
    about: str,
    stdin: BinaryIO | None = None,
    limits: Limits = DEFAULT_LIMITS,
    skip: Collection[str] = (),
    lenient: bool = False,
) -> Gathered:
    """Every document of the files at `paths`, and of the files in those that are folders; `-` is standard input.

    A file in a folder is read only if the text `about` is in it and it is no patch of Kustomize, and of that only
    the Kubernetes objects; if `lenient`, so is one that is named. Hidden folders are left out.
    """
    found = Gathered()
    seen: set[str] = set()
    patches = lru_cache(maxsize=64)(_patches)
    for path in paths:
        for name, listed in _files(path, found):
            same = os.path.realpath(name)
            if same in seen and name != documents.STANDARD_INPUT:
                continue
            seen.add(same)
            found.named += not listed
            try:
                data = documents.read_bytes(name, stdin, limits)
            except InputError as error:
                found.problems.append(error)
                continue
            listed = listed or lenient
            if listed and about.encode() not in data:
                found.passed_over += 1
                continue
            if listed and any(same in patches(folder) for folder in Path(same).parents):
                found.patches.append(name)
                continue
            shown = "standard input" if name == documents.STANDARD_INPUT else name
            _take(found, data, shown, limits, skip, named=not listed)
    return found


def _files(path: str, found: Gathered) -> Iterator[tuple[str, bool]]:
    """The file itself, or the files of a folder in order; with whether it comes from a folder."""
    if path == documents.STANDARD_INPUT or "\0" in path or not Path(path).is_dir():
        yield path, False
        return

    def unreadable(error: OSError) -> None:
        problem = f"may not be read ({(error.strerror or 'unknown error').lower()})"
        found.problems.append(InputError(problem, Place(str(error.filename))))

    for folder, inner, names in os.walk(path, onerror=unreadable):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder) / name
            if name.lower().endswith(SUFFIXES) and file.is_file():
                yield str(file), True


def _take(found: Gathered, data: bytes, file: str, limits: Limits, skip: Collection[str], *, named: bool) -> None:
    found.texts[file] = text = data.decode("utf-8", "replace")
    try:
        parsed = documents.parse(data, file, limits=limits, skip=skip)
    except InputError as error:
        if not text.strip():
            found.problems += [error] if named else []
        elif _TEMPLATE.search(text):
            _take_template(found, file, named=named)
        else:
            _take_pieces(found, text, file, limits, skip, error)
        return
    if _OF_HELM.search(text):
        _take_template(found, file, named=named)
        return
    objects = [d for d in parsed if named or _is_object(d)]
    found.documents += objects
    if len(objects) < len(parsed):
        found.no_objects.append(file)


def _take_template(found: Gathered, file: str, *, named: bool) -> None:
    found.templates.append(file)
    if named:
        problem = "is a template, such as those of Helm, and no YAML; give what comes of it"
        found.problems.append(InputError(problem, Place(file)))


def _is_object(document: Document) -> bool:
    """Whether a document is meant to be a Kubernetes object: it says of what version, or of what kind, it is."""
    value = document.root.value
    return isinstance(value, dict) and not {"apiVersion", "kind"}.isdisjoint(value)


_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def _patches(folder: Path) -> frozenset[str]:
    """The files in which the `kustomization.yaml` of a folder has patches, in full.

    They look like objects, and are parts of some. Source: the fields `patches`, `patchesStrategicMerge` and
    `patchesJson6902` of Kustomize's `Kustomization`.
    """
    found: list[object] = []
    for name in _KUSTOMIZATIONS:
        file = folder / name
        if not file.is_file():
            continue
        try:
            read = [plain(document.root) for document in documents.parse(file.read_bytes(), str(file))]
        except (InputError, OSError):
            continue
        for kustomization in read:
            for field_ in ("patches", "patchesStrategicMerge", "patchesJson6902"):
                listed = kustomization.get(field_) if isinstance(kustomization, dict) else None
                found += listed if isinstance(listed, list) else []
    paths = (entry.get("path") if isinstance(entry, dict) else entry for entry in found)
    return frozenset(os.path.realpath(folder / p) for p in paths if isinstance(p, str) and p.isprintable())


def _take_pieces(
    found: Gathered, text: str, file: str, limits: Limits, skip: Collection[str], error: InputError
) -> None:
    """The documents of a file but for the bad ones, which are found by cutting it into halves."""
    starts = [0, *(m.start() for m in _BETWEEN.finditer(text) if m.start())]
    if len(starts) > MOST_PIECES or len(starts) < 2 or _DIRECTIVE.search(text):
        found.problems.append(error)
        return
    pieces, number, line = list[_Piece](), 0, 0
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        piece = text[begin:end]
        number += bool(begin or _CONTENT.search(piece))
        if piece.strip("-\n\t\r "):
            pieces.append(_Piece(piece, number, line))
        line += piece.count("\n")
    problems: list[InputError] = []
    waiting = [pieces]
    while waiting:
        some = waiting.pop()
        try:
            found.documents += _parsed(some, file, limits, skip)
        except InputError as problem:
            if len(some) > 1:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]
            elif "is empty" not in problem.problem:
                place = replace(problem.place or Place(file), document=some[0].number)
                problems.append(InputError(problem.problem, place))
    found.problems += problems or [error]


class _Piece(NamedTuple):
    """A document of a file as text: which it is, and after how many lines it begins."""

    text: str
    number: int
    line: int


def _parsed(pieces: list[_Piece], file: str, limits: Limits, skip: Collection[str]) -> list[Document]:
    """The documents in some pieces, each with its own lines and number. Raises InputError if one of them is bad."""
    lines, whole = 0, list[str]()
    for piece in pieces:
        whole += ["\n" * (piece.line - lines), piece.text]
        lines = piece.line + piece.text.count("\n")
    parsed = documents.parse("".join(whole).encode("utf-8", "surrogatepass"), file, limits=limits, skip=skip)
    begins = [piece.line for piece in pieces]
    return [d._replace(number=pieces[bisect_left(begins, d.root.line) - 1].number) for d in parsed]
