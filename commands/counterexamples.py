"""Handing counterexamples over to other tools: one on standard output, or a file for each in a folder."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from diagrams import itf, tla
from invariants.properties import Kind
from invariants.trace import Trace
from invariants.verdicts import Judgement, Verdict
from model.json_text import json_text


class CounterexampleError(Exception):
    """What was asked for cannot be written: a document holds one trace."""


class Counterexample(NamedTuple):
    """How a claim is violated (a situation: how it arises) in a system, as a release behaves (None: a toy)."""

    system: str
    release: str | None
    judgement: Judgement
    trace: Trace

    @property
    def where(self) -> str:
        """The system, and the release if there is one."""
        return f"{self.system}, as {self.release}" if self.release else self.system

    def stem(self, between: str) -> str:
        """A name for a file, of letters and digits with `between` between them."""
        words = " ".join(filter(None, (self.system, self.release, self.judgement.property.claim)))
        return re.sub(r"[^A-Za-z0-9]+", between, words).strip(between)


class Writer(NamedTuple):
    """How counterexamples are written: the text of one in a module of that name, and how files are called."""

    text: Callable[[Counterexample, str], str]
    between: str
    end: str


def _itf(found: Counterexample, _: str) -> str:
    return json_text(_document(found))


def _tla(found: Counterexample, module: str) -> str:
    return "\n".join(tla.lines(_document(found), module))


def _document(found: Counterexample) -> itf.Document:
    claim = found.judgement.property
    about = {
        "description": f"{_WORDS[found.judgement.verdict]}: {claim.claim}",
        "source": f"kargo-model: {found.where}",
        "property": claim.name,
    }
    return itf.document(found.trace, about)


_WORDS = {Verdict.VIOLATED: "violated", Verdict.HOLDS: "reached"}

WRITERS = {"itf": Writer(_itf, "-", ".itf.json"), "tla": Writer(_tla, "_", ".tla")}
"""By the name of the format."""


def add_output(parser: argparse.ArgumentParser) -> None:
    """The option that names a folder for counterexamples."""
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help=f"with --format {' or '.join(WRITERS)}: write a file for each counterexample into this folder",
    )


def refuse(options: argparse.Namespace, alone: bool, narrow: str) -> None:
    """Raise CounterexampleError if these options can only come to a folder, or to none.

    `alone` says whether they are about one system as one release behaves; `narrow` what to choose if not.
    """
    if options.output and options.format not in WRITERS:
        raise CounterexampleError(f"-o goes with --format {' or '.join(WRITERS)}")
    if options.format in WRITERS and not alone and not options.output:
        raise CounterexampleError(
            f"--format {options.format} is one trace: choose {narrow}, or write all with -o FOLDER"
        )


def of_claims(system: str, release: str | None, judgements: Iterable[Judgement]) -> list[Counterexample]:
    """The shortest counterexample for each claim that is violated; if none is, for each situation its witness."""
    traced = [Counterexample(system, release, j, j.trace) for j in judgements if j.trace is not None]
    violated = [c for c in traced if c.judgement.verdict is Verdict.VIOLATED]
    met = [c for c in traced if c.judgement.property.kind is Kind.SOMETIMES]
    shortest: dict[str, Counterexample] = {}
    for found in sorted(violated or met, key=lambda c: len(c.trace.steps)):
        shortest.setdefault(found.judgement.property.claim, found)
    return list(shortest.values())


def hand_over(found: Sequence[Counterexample], options: argparse.Namespace) -> None:
    """Print the one counterexample, or, with a folder, write them all and print the names of the files.

    Raises CounterexampleError if there are several and no folder, or if the folder cannot be written.
    """
    writer = WRITERS[options.format]
    if not found:
        print("kargo-model: there is no counterexample to write", file=sys.stderr)
    elif options.output:
        try:
            _fill(options.output, found, writer)
        except OSError as error:
            raise CounterexampleError(f"{options.output} cannot be written: {error.strerror}") from error
    elif len(found) > 1:
        claims = ", ".join(each.judgement.property.claim for each in found)
        choice = f"there are {len(found)} counterexamples: choose one with --property, or write all with -o FOLDER"
        raise CounterexampleError(f"{choice}; they are of: {claims}")
    else:
        print(writer.text(found[0], tla.MODULE))


def _fill(folder: Path, found: Iterable[Counterexample], writer: Writer) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in found:
        stem = each.stem(writer.between)
        file = folder / f"{stem}{writer.end}"
        file.write_text(f"{writer.text(each, stem)}\n", encoding="utf-8")
        print(file)
