"""Choose which recordings the repository carries: few, and every behaviour among them.

    python tests/recordings/choose.py SOURCE [FAMILY ...] [--at-least N] [--at-most N]

SOURCE is a folder of recordings, one folder per family. For each family, programs are chosen greedily until
every feature that any program or any of its recordings shows is shown by a chosen one, or there are as many as
there may be; and then at random up to as many as there should be. A feature is a place inside a document with the
kind of value found there: texts with their names and numbers taken out, numbers by their sign and size. The chosen
lines are written beside this script, the same bytes at every run.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
NAMES = re.compile(r'"[^"]*"|\'[^\']*\'|`[^`]*`|[a-z0-9.-]+(?:::|/|#|~|!)[a-z0-9./:-]+|\b[0-9a-f]{7,8}\b|\d+')


def features(value: object, place: str = "") -> Iterator[str]:
    """Every feature of a document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from features(inner, f"{place}.{NAMES.sub('N', key)}")
    elif isinstance(value, list):
        yield f"{place}[{min(len(value), 4)}]"
        for inner in value:
            yield from features(inner, f"{place}[]")
    elif isinstance(value, bool) or value is None:
        yield f"{place}={value}"
    elif isinstance(value, (int, float)):
        yield f"{place}={'-' if value < 0 else '0' if value == 0 else '+'}"
    else:
        yield f"{place}={NAMES.sub('N', str(value))[:60]}"


def read(file: Path) -> list[str]:
    """The lines of a compressed file."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return lines.read().splitlines()


def write(file: Path, lines: list[str]) -> None:
    """Compress lines, without a time stamp."""
    raw = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=9) as packed:
        packed.write(("\n".join(lines) + "\n").encode())
    file.write_bytes(raw.getvalue())


def choose(documents: list[set[str]], at_least: int, at_most: int | None = None) -> list[int]:
    """Indices of documents that together show every feature, and more of them up to `at_least`.

    With `at_most`, fewer than show every feature if need be: those that show most of them.
    """
    missing = set().union(*documents)
    chosen: set[int] = set()
    while missing and (at_most is None or len(chosen) < at_most):
        best = max(range(len(documents)), key=lambda i: (len(documents[i] & missing), -i))
        chosen.add(best)
        missing -= documents[best]
    others = [i for i in range(len(documents)) if i not in chosen]
    random.Random(0).shuffle(others)
    chosen.update(others[: max(0, at_least - len(chosen))])
    return sorted(chosen)


def carry(source: Path, target: Path, at_least: int, at_most: int | None = None) -> None:
    """Choose from one family and write it."""
    files = {file.name: read(file) for file in sorted(source.glob("*.jsonl.gz"))}
    count = max(map(len, files.values()))
    documents: list[set[str]] = [set() for _ in range(count)]
    for name, lines in files.items():
        for index, line in enumerate(lines):
            documents[index] |= {name + found for found in features(json.loads(line))}
    chosen = choose(documents, at_least, at_most)
    target.mkdir(exist_ok=True)
    for name, lines in files.items():
        write(target / name, [lines[i] for i in chosen])
    for plain in sorted(source.glob("*.json")):
        shutil.copyfile(plain, target / plain.name)
    size = sum(f.stat().st_size for f in target.iterdir())
    print(f"{source.name}: {len(chosen)} of {count} programs, {size / 1024:.0f} KiB")


def main() -> None:
    """Choose from every family asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("family", nargs="*")
    parser.add_argument("--at-least", type=int, default=300)
    parser.add_argument("--at-most", type=int)
    options = parser.parse_args()
    families = options.family or sorted(p.name for p in options.source.iterdir() if p.is_dir())
    for family in families:
        carry(options.source / family, HERE / family, options.at_least, options.at_most)


if __name__ == "__main__":
    main()
