"""Gathering documents from files and folders, where one that is bad does not hide the others.

`model.documents.read` refuses all if something is wrong. Here everything that can be read is, and what cannot be is
told beside it: for those who look at many files at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from model import documents
from model.inputs import DEFAULT_LIMITS, Document, InputError, Limits, Place

SUFFIXES = (".yaml", ".yml", ".json")
"""What the names of the files in a folder have to end with."""

MOST_PIECES = 5_000
"""A file that cannot be read whole is cut into so many documents at most."""

_BETWEEN = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_TEMPLATE = re.compile(r"(?<!\$)\{\{")
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)


@dataclass
class Gathered:
    """What was found: documents, problems, and the text of every file that was read, by its name.

    `passed_over` counts files in folders that do not mention what is looked for; `templates` are those that become
    YAML only once another program has filled them in.
    """

    documents: list[Document] = field(default_factory=list)
    problems: list[InputError] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    passed_over: int = 0
    templates: list[str] = field(default_factory=list)


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

    A file in a folder is read only if the text `about` is in it; if `lenient`, so is one that is named. Hidden
    folders are left out.
    """
    found = Gathered()
    seen: set[str] = set()
    for path in paths:
        for name, listed in _files(path, found):
            if name in seen and name != documents.STANDARD_INPUT:
                continue
            seen.add(name)
            try:
                data = documents.read_bytes(name, stdin, limits)
            except InputError as error:
                found.problems.append(error)
                continue
            listed = listed or lenient
            if listed and about.encode() not in data:
                found.passed_over += 1
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
            if name.endswith(SUFFIXES) and file.is_file():
                yield str(file), True


def _take(found: Gathered, data: bytes, file: str, limits: Limits, skip: Collection[str], *, named: bool) -> None:
    found.texts[file] = text = data.decode("utf-8", "replace")
    try:
        found.documents += documents.parse(data, file, limits=limits, skip=skip)
    except InputError as error:
        if not text.strip():
            found.problems += [error] if named else []
        elif _TEMPLATE.search(text):
            found.templates.append(file)
            if named:
                problem = "is a template, such as those of Helm, and no YAML; give what comes of it"
                found.problems.append(InputError(problem, Place(file)))
        else:
            _take_pieces(found, text, file, limits, skip, error)


def _take_pieces(
    found: Gathered, text: str, file: str, limits: Limits, skip: Collection[str], error: InputError
) -> None:
    """The documents of a file one by one, so that only the bad ones are lost."""
    starts = [0, *(m.start() for m in _BETWEEN.finditer(text) if m.start())]
    if len(starts) > MOST_PIECES or len(starts) < 2 or _DIRECTIVE.search(text):
        found.problems.append(error)
        return
    number, line, problems = 0, 0, list[InputError]()
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        piece = text[begin:end]
        if begin or piece.strip():
            number += 1
        try:
            data = ("\n" * line + piece).encode("utf-8", "surrogatepass")
            parsed = documents.parse(data, file, limits=limits, skip=skip) if piece.strip("-\n\t\r ") else []
            found.documents += (d._replace(number=number) for d in parsed)
        except InputError as problem:
            if "is empty" not in problem.problem:
                place = replace(problem.place or Place(file), document=number)
                problems.append(InputError(problem.problem, place))
        line += piece.count("\n")
    found.problems += problems or [error]
