"""The gallery: a page with the lifecycles of all engines and some scenarios, made by one command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from commands import draw_told
from commands.draw_lifecycle import LIFECYCLES
from commands.output import DONE, OutputError, write
from diagrams import drawing, lifecycles
from diagrams.drawing import Drawable
from diagrams.lifecycles import Known
from diagrams.pictures import Picture
from simulations.ambient import lost_retry
from simulations.kargo import skip_vs_retry

FOLDER, PAGE, PICTURES = Path("docs"), "gallery.md", "gallery"

DIFF = ("1.8.3", "1.9.9")
LOOPS = ("frozen-stage", "late-verification", "failed-freight-comes-along")
WORKFLOW = "declared-failure-goes-on"

HEAD = """\
# Gallery

Every picture here is computed: lifecycles from their declarations and from what releases were seen to do, stories
from the runs that `kargo-model reproduce` takes. `kargo-model draw gallery` makes this page; a test says when it
is old. Pictures are light or dark as the reader prefers, and say more where the mouse rests.
"""


class Entry(NamedTuple):
    """A picture of the gallery: its section, the name of its file, the command that draws it, and the way to it."""

    section: str
    name: str
    command: str
    draw: Callable[[], Drawable]


def entries() -> Iterator[Entry]:
    """Every picture, in order."""
    for name, (known, _) in LIFECYCLES.items():
        yield Entry("Lifecycles", f"lifecycle-{name}", f"draw lifecycle {name}", partial(_lifecycle, known))
    old, new = DIFF
    step, _ = LIFECYCLES["step"]
    command = f"draw lifecycle step --diff {old} {new}"
    yield Entry("What a release changed", "lifecycle-step-diff", command, partial(_lifecycle, step, DIFF))
    own, loop = skip_vs_retry.NAME, "draw scenario"
    yield Entry("Scenarios", f"scenario-{own}", f"{loop} {own}", draw_told.from_manifests)
    for name in LOOPS:
        yield Entry("Scenarios", f"scenario-{name}", f"{loop} {name}", partial(draw_told.of_the_loop, name))
    lost = lost_retry.NAME
    yield Entry("Scenarios", f"scenario-{lost}", f"{loop} {lost}", _lost)
    yield Entry(
        "Scenarios", f"scenario-{WORKFLOW}", f"{loop} {WORKFLOW}", partial(draw_told.of_a_workflow, WORKFLOW)
    )
    command = f"draw scenario {own} --table"
    yield Entry("Step by step", f"table-{own}", command, partial(draw_told.from_manifests, table=True))


def _lifecycle(known: Known[Any], diff: tuple[str, str] | None = None) -> Picture:
    return lifecycles.picture(known, lifecycles.moves_of(known, diff=diff))


def _lost() -> Drawable:
    return draw_told.of_a_session(next(lost_retry.tellings()))


def page() -> str:
    """The page that shows them."""
    lines = [HEAD.rstrip()]
    section = ""
    for entry in entries():
        if entry.section != section:
            section = entry.section
            lines += ["", f"## {section}"]
        what = entry.name.replace("-", " ")
        lines += ["", f"`kargo-model {entry.command}`", "", f"![{what}]({PICTURES}/{entry.name}.svg)"]
    return "\n".join(lines) + "\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw gallery`."""
    help_ = "the folder that it is written into (default: %(default)s)"
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, metavar="FOLDER", help=help_)


def run(options: argparse.Namespace) -> int:
    """Draw all of them, and write the page."""
    folder: Path = options.folder
    try:
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error
    for entry in entries():
        write(folder / PICTURES / f"{entry.name}.svg", drawing.drawn(entry.draw(), ".svg"))
    write(folder / PAGE, page().encode())
    print(folder / PAGE)
    return DONE
