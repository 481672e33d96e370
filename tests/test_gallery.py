"""The gallery in `docs/` is what the command makes today."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pygraphviz
import pytest

import kargo_model
from commands import gallery
from diagrams.drawing import Drawable, as_dot, drawn
from diagrams.rendering import digest
from tests.layouts import check_layout

DOCS = Path(__file__).parents[1] / "docs"
ENTRIES = {entry.name: entry for entry in gallery.entries()}
SLOW = {f"scenario-{name}" for name in gallery.LOOPS[1:]}
SLOW |= {f"lifecycle-{name}" for name in ("stage-health", "verification", "ambient-session", "ambient-pod")}
"""What takes a second or more: stories are told, and lifecycles explored, in every release."""


@cache
def what(name: str) -> Drawable:
    return ENTRIES[name].draw()


NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in ENTRIES]


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_the_gallery_is_current(name):
    svg = (DOCS / gallery.PICTURES / f"{name}.svg").read_bytes()
    source, renderer = (re.search(rb'data-%b="([^"]*)"' % key, svg) for key in (b"source", b"renderer"))

    assert source
    assert source[1].decode() == digest(as_dot(what(name))), "run `kargo-model draw gallery`"
    # Another version of the renderer may put things elsewhere.
    if renderer and renderer[1].decode() == f"graphviz {pygraphviz.__graphviz_version__}":
        assert svg == drawn(what(name), ".svg")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps_in_the_gallery(name):
    check_layout(as_dot(what(name)))


def test_the_page_is_current_and_shows_all_of_them_and_nothing_else():
    page = (DOCS / gallery.PAGE).read_text()

    assert page == gallery.page()
    assert {p.stem for p in (DOCS / gallery.PICTURES).iterdir()} == set(ENTRIES)
    assert len([e for e in ENTRIES.values() if e.section == "Scenarios"]) >= 5
    assert len([e for e in ENTRIES.values() if e.section == "Lifecycles"]) == 8


@pytest.mark.parametrize("name", [e.name for e in ENTRIES.values() if e.name not in SLOW])
def test_the_command_that_stands_beside_a_picture_draws_it(name, tmp_path):
    file = tmp_path / "x.svg"

    assert kargo_model.main([*ENTRIES[name].command.split(), "-o", str(file)]) == 0
    assert file.read_bytes() == drawn(what(name), ".svg")


@pytest.mark.slow
def test_one_command_makes_all_of_it(tmp_path):
    assert kargo_model.main(["draw", "gallery", str(tmp_path / "new")]) == 0

    made = {p.relative_to(tmp_path / "new") for p in (tmp_path / "new").rglob("*.*")}
    assert made == {Path(gallery.PAGE), *(Path(gallery.PICTURES, f"{name}.svg") for name in ENTRIES)}
