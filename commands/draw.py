"""Draw: lifecycles, pipelines, templates, runs, scenarios, counterexamples, state graphs, and a gallery of them.

`-o FILE` writes the picture; the end of the file's name says how: .svg (light and dark), .png, .pdf, .dot, .mmd
(Mermaid), .txt, .json. Nothing else has to be installed for it. Without -o, DOT is printed, or what --format says.

Exits with 0 if it is drawn, 3 if a counterexample was not found before a bound was hit, or if objects of a pipeline
could not be read and were left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from commands import draw_lifecycle, draw_manifests, draw_system, draw_told, gallery
from commands.check import UsageError
from commands.draw_manifests import Partly
from commands.draw_system import NothingToDrawError
from commands.output import BOUNDED, DONE, OutputError, write
from diagrams import drawing
from diagrams.drawing import Drawable

REFUSED = (
    *draw_lifecycle.REFUSED,
    *draw_manifests.REFUSED,
    *draw_system.REFUSED,
    *draw_told.REFUSED,
    OutputError,
)

FORMATS = {"dot": ".dot", "mermaid": ".mmd", "svg": ".svg", "text": ".txt", "json": ".json"}


class Form(NamedTuple):
    """Something that can be drawn: what it is, its arguments, and the way from these to a picture."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    make: Callable[[argparse.Namespace], Drawable | Partly]


FORMS = {
    "lifecycle": Form(
        "a lifecycle: its phases and events, and what releases do",
        draw_lifecycle.add_arguments,
        draw_lifecycle.make,
    ),
    "pipeline": Form(
        "Stages and Warehouses of manifests, and where Freight is",
        draw_manifests.add_pipeline,
        draw_manifests.pipeline,
    ),
    "template": Form(
        "the steps of a Stage or task, and where each outcome leads",
        draw_manifests.add_template,
        draw_manifests.template,
    ),
    "run": Form("a run of a template or workflow, as `run` takes it", draw_told.add_run, draw_told.run),
    "scenario": Form("a reported bug, as `reproduce` tells it", draw_told.add_scenario, draw_told.scenario),
    "counterexample": Form(
        "the shortest way to break a claim", draw_system.add_counterexample, draw_system.counterexample
    ),
    "states": Form("what a small system can reach", draw_system.add_states, draw_system.states),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw`: those of each form."""
    forms = parser.add_subparsers(dest="form", required=True, metavar="FORM")
    for name, form in FORMS.items():
        one = forms.add_parser(name, help=form.help, description=f"Draw {form.help}.")
        form.add_arguments(one)
        _add_output(one)
    gallery.add_arguments(forms.add_parser("gallery", help="a page with all lifecycles and some scenarios"))


def _add_output(parser: argparse.ArgumentParser) -> None:
    ends = ", ".join(drawing.SUFFIXES)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"a file that ends in {ends}")
    parser.add_argument("--format", choices=FORMATS, default="dot", help="how to print (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Draw, and print or write."""
    if options.form == "gallery":
        return gallery.run(options)
    file: Path | None = options.output
    if file and file.suffix not in drawing.SUFFIXES:
        raise UsageError(f"{file} has to end in {', '.join(drawing.SUFFIXES)}, which says how it is drawn")
    try:
        made = FORMS[options.form].make(options)
    except NothingToDrawError as nothing:
        print(f"kargo-model: {nothing}", file=sys.stderr)
        return DONE if nothing.complete else BOUNDED
    what, left_out = (made.picture, made.left_out) if isinstance(made, Partly) else (made, ())
    try:
        picture = drawing.drawn(what, file.suffix if file else FORMATS[options.format])
    except ValueError as error:
        raise UsageError(str(error)) from error
    if file:
        write(file, picture)
        print(f"{file}: {what.title}")
    else:
        print(picture.decode(), end="")
    for problem in left_out:
        print(f"left out: {problem}", file=sys.stderr)
    return BOUNDED if left_out else DONE
