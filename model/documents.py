"""The door for documents: YAML and JSON from files and standard input, read safely and with limits.

Whatever is wrong with an input, what comes out is an `InputError`.
"""

from __future__ import annotations

import json
import re
import stat
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO

import yaml

from model.document_builder import Builder
from model.inputs import (
    DEFAULT_LIMITS,
    MEBIBYTE,
    Document,
    InputError,
    Limits,
    Node,
    Place,
    plain,
    printable,
)
from model.json_documents import read_json

__all__ = [
    "DEFAULT_LIMITS",
    "STANDARD_INPUT",
    "Document",
    "InputError",
    "Limits",
    "Node",
    "Place",
    "parse",
    "plain",
    "printable",
    "read",
    "read_bytes",
]

STANDARD_INPUT = "-"

LARGE = MEBIBYTE // 4
"""From this size on, JSON is read as such: some ten times as fast, but without lines and columns for messages."""


def read(
    paths: Iterable[str | Path],
    *,
    stdin: BinaryIO | None = None,
    limits: Limits = DEFAULT_LIMITS,
    skip: Collection[str] = (),
) -> tuple[Document, ...]:
    """Every document of every path, in order; `-` is standard input.

    The values of keys in `skip` are not kept.

    Raises InputError if something cannot be read, is not YAML or JSON, is over a limit, or holds nothing.
    """
    found: list[Document] = []
    for path in map(str, paths):
        data = read_bytes(path, stdin, limits)
        name = "standard input" if path == STANDARD_INPUT else path
        found.extend(parse(data, name, limits=limits, skip=skip))
    return tuple(found)


def read_bytes(path: str, stdin: BinaryIO | None = None, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """What the file at `path` holds, or standard input if that is `-`.

    Raises InputError if it cannot be read or is larger than the limit.
    """
    if path == STANDARD_INPUT:
        return _bounded(stdin or sys.stdin.buffer, "standard input", limits)
    place = Place(path)
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError("is a directory; give the files in it", place)
        if status.st_size > limits.bytes:
            raise InputError(_too_large(limits), place)
        with Path(path).open("rb") as file:
            return _bounded(file, path, limits)
    except FileNotFoundError:
        raise InputError("there is no such file", place) from None
    except PermissionError:
        raise InputError("may not be read (permission denied)", place) from None
    except OSError as error:
        raise InputError(f"cannot be read ({(error.strerror or 'unknown error').lower()})", place) from None
    except ValueError:
        raise InputError("is not the name of a file", place) from None


def _bounded(file: BinaryIO, name: str, limits: Limits) -> bytes:
    data = file.read(limits.bytes + 1)
    if len(data) > limits.bytes:
        raise InputError(_too_large(limits), Place(name))
    return data


def _too_large(limits: Limits) -> str:
    size = f"{limits.bytes // MEBIBYTE} MiB" if limits.bytes >= MEBIBYTE else f"{limits.bytes} bytes"
    return f"is larger than the limit of {size}"


def parse(data: bytes, file: str, *, limits: Limits = DEFAULT_LIMITS, skip: Collection[str] = ()) -> list[Document]:
    """The documents in `data`, which came from `file`.

    Raises InputError as `read` does.
    """
    text = _decode(data, file)
    if len(data) >= LARGE and (quick := read_json(text, file, limits, frozenset(skip))) is not None:
        return [quick]
    builder = Builder(file, limits, frozenset(skip))
    try:
        documents = list(builder.documents(yaml.parse(text, Loader=yaml.CSafeLoader)))
    except yaml.MarkedYAMLError as error:
        raise InputError(f"not YAML or JSON: {_problem(error)}", builder.place(error.problem_mark)) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise InputError(f"not YAML or JSON: {printable(str(error), 100)}", builder.place()) from None
    if not documents:
        raise InputError("is empty; expected at least one YAML or JSON document", Place(file))
    return documents


def _problem(error: yaml.MarkedYAMLError) -> str:
    parts = [error.context, error.problem]
    return printable(", ".join(p for p in parts if p) or "it cannot be parsed", 200)


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# JSON writes characters beyond 16 bits as two escapes, which YAML does not know.
_ESCAPED_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def _decode(data: bytes, file: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        found = f"the byte 0x{data[error.start]:02x}"
        raise InputError(f"is not UTF-8 text: found {found}", _position(before, file)) from None
    if odd := _UNPRINTABLE.search(text):
        found = f"the control character U+{ord(odd.group()):04X}"
        raise InputError(f"is not plain text: found {found}", _position(text[: odd.start()], file))
    if text.lstrip()[:1] in ("{", "[", '"'):
        text = _ESCAPED_PAIR.sub(_joined_pair, text)
        if _YAML_BREAK.search(text) and _is_json(text):
            text = _YAML_BREAK.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
    return text


_YAML_BREAK = re.compile("[\x85\u2028\u2029]")  # ends a line for YAML, stands in texts for JSON


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _joined_pair(match: re.Match[str]) -> str:
    high, low = int(match[2], 16), int(match[3], 16)
    return match[1] + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _position(before: str, file: str) -> Place:
    return Place(file, line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))
