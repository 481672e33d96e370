"""Pictures as values, written for Graphviz and for Mermaid, and rendered."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from diagrams import drawing, theme
from diagrams.dots import dot
from diagrams.drawing import as_json, as_mermaid, as_text, drawn
from diagrams.pictures import Box, Edge, Mark, Node, Picture, Shape, shortened, slug, wrapped
from diagrams.rendering import IMAGES, digest, render
from diagrams.theme import DARK, LIGHT, Kind
from tests.layouts import check_layout

SVG = "{http://www.w3.org/2000/svg}"
NASTY = '</td><script>alert(1)</script>"]; click n0 "x" \\N \\\\ %%{init: {}}%% #35; & &lt; ` $$x$$ \x1b[31m\x00'


def small(text: str = "Running") -> Picture:
    return Picture(
        "small",
        f"About {text}",
        f"all of {text}",
        (
            Node("s", shape=Shape.START),
            Node("a", text, (f"line {text}",), Kind.BUSY, box="live", tooltip=text, classes=("phase-a", "phase")),
            Node("b", "done", kind=Kind.GOOD, box="over"),
        ),
        (Box("live", f"in {text}"), Box("over", "final", right=True)),
        (
            Edge("s", "a"),
            Edge("a", "b", text, text, text, Kind.GOOD, Mark.FINDING, text, ("event-x", "event")),
            Edge("live", "b", "abort", kind=Kind.STOPPED),
            Edge("a", "a", "again"),
        ),
        (f"It is {text}.",),
    )


def large(count: int = 30) -> Picture:
    nodes = tuple(
        Node(f"n{i}", f"a node with the number {i}", ("a line", "another"), Kind.BUSY) for i in range(count)
    )
    edges = tuple(
        Edge(f"n{i}", f"n{j}", f"from {i} to {j}", "a guard that is long enough to be broken")
        for i in range(count)
        for j in {(i + 1) % count, (i * 7 + 3) % count}
    )
    return Picture("large", "Large", nodes=nodes, edges=edges)


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# The theme


def test_every_kind_has_colours_in_the_light_and_in_the_dark():
    assert set(LIGHT) == set(DARK) == set(Kind)


@pytest.mark.parametrize("shades", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_can_be_read_on_their_area_and_on_paper(shades):
    paper = theme.PAPER if shades is LIGHT else theme.colours()[theme.PAPER]

    for kind, shade in shades.items():
        assert contrast(shade.text, shade.area) >= 7, kind
        assert contrast(shade.text, paper) >= 7, kind
        assert contrast(shade.line, paper) >= 3, kind


def test_what_is_said_beside_can_be_read():
    colours = theme.colours()

    for area in (theme.PAPER, theme.BOX, *(shade.area for shade in LIGHT.values())):
        assert contrast(theme.PALE, area) >= 4.5
        assert contrast(colours[theme.PALE], colours[area]) >= 4.5
    assert contrast(theme.ALARM, theme.PAPER) >= 4.5
    assert contrast(colours[theme.ALARM], colours[theme.PAPER]) >= 4.5


def test_no_two_colours_are_the_same_so_each_has_one_dark_counterpart():
    every = [c for shade in LIGHT.values() for c in (shade.area, shade.line, shade.text)]
    every += [theme.PAPER, theme.INK, theme.PALE, theme.BOX, theme.BOX_LINE, theme.ALARM]

    assert len(set(every)) == len(every)
    assert set(theme.colours()) == set(every)


def test_a_picture_has_no_colour_that_the_dark_does_not_know():
    found = set(re.findall(r"(?:fill|stroke)=\"(#[0-9a-f]+|[a-z]+)\"", render(dot(small()), ".svg").decode()))

    assert found - {"none"} <= set(theme.colours())


# Texts


def test_texts_are_made_fit():
    assert slug("Failed (tried again)") == "Failed-tried-again"
    assert slug("--") == "x"
    assert shortened("a  b\nc", 10) == "a b c"
    assert shortened("abcdefgh", 4) == "abc…"
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("x" * 10, 4) == ["xxxx", "xxxx", "xx"]


@pytest.mark.parametrize("suffix", IMAGES)
def test_whatever_a_text_holds_it_is_drawn(suffix):
    assert len(drawn(small(NASTY), suffix)) > 1000


def test_a_text_from_outside_stays_a_text_in_svg():
    root = ElementTree.fromstring(drawn(small(NASTY), ".svg"))
    words = " ".join(e.text or "" for e in root.iter(f"{SVG}text"))

    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        *("svg", "style", "g", "title", "text", "path", "polygon", "ellipse", "polyline"),
    }
    assert "<script>alert(1)</script>" in words
    titles = [(e.text or "").replace("\xa0", " ").strip() for e in root.iter(f"{SVG}title")]
    plain = NASTY.replace("\x1b", " ").replace("\x00", "")
    assert titles.count(plain) == 3, "a node, an edge, and what is written beside the edge"


def test_a_text_from_outside_stays_a_text_in_mermaid():
    text = as_mermaid(small(NASTY))

    assert "<script>" not in text
    assert "click n0 &quot;" in text
    assert "%%{" not in text
    assert "$$" not in text
    assert all(line.isprintable() for line in text.replace("\u200b", "").splitlines())


# Rendering


@pytest.mark.parametrize("suffix", drawing.SUFFIXES)
def test_a_picture_is_the_same_to_the_byte_each_time(suffix):
    assert drawn(small(), suffix) == drawn(small(), suffix)


def test_a_picture_is_the_same_in_another_process():
    code = (
        "import sys, tests.test_pictures as t; from diagrams.drawing import drawn\n"
        "for s in ('.svg', '.png', '.pdf', '.mmd'): sys.stdout.buffer.write(drawn(t.small(), s))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)

    assert other.stdout == b"".join(drawn(small(), s) for s in (".svg", ".png", ".pdf", ".mmd"))
    assert other.stderr == b""


def test_each_format_is_what_it_is_called():
    assert drawn(small(), ".png").startswith(b"\x89PNG")
    assert drawn(small(), ".pdf").startswith(b"%PDF")
    assert drawn(small(), ".svg").startswith(b"<?xml")
    assert drawn(small(), ".dot").startswith(b'digraph "About Running" {')
    assert b"flowchart LR" in drawn(small(), ".mmd")
    assert b"CreationDate" not in drawn(small(), ".pdf")


def test_an_svg_can_be_found_in_and_read_aloud():
    root = ElementTree.fromstring(drawn(small(), ".svg"))
    groups = {e.get("id"): e for e in root.iter(f"{SVG}g")}

    assert root.get("role") == "img"
    assert root.get("aria-label") == "About Running"
    assert root.get("data-source") == digest(dot(small()))
    assert groups["small-phase-a"].get("class") == "node phase-a phase"
    title = groups["small-phase-a"].find(f"{SVG}title")
    assert title is not None
    assert title.text == "Running"
    assert [e for e in root.iter(f"{SVG}g") if e.get("class") == "edge event-x event finding"]
    assert "prefers-color-scheme:dark" in (root.findtext(f"{SVG}style") or "")


def crowded(labels: bool = True) -> Picture:
    """Eight nodes, each with an edge to every other."""
    nodes = tuple(Node(f"n{i}", str(i)) for i in range(8))
    edges = tuple(
        Edge(a.key, b.key, f"from {a.label} to {b.label}" if labels else "") for a in nodes for b in nodes if a != b
    )
    return Picture("crowded", "Crowded", nodes=nodes, edges=edges)


def test_no_line_goes_through_what_was_written_before():
    drawing = ElementTree.fromstring(drawn(crowded(), ".svg")).find(f"{SVG}g")
    assert drawing is not None
    inside = [[e.tag.removeprefix(SVG) for e in group.iter()] for group in drawing if group.get("class") == "edge"]
    lines = [at for at, tags in enumerate(inside) if "path" in tags]
    texts = [at for at, tags in enumerate(inside) if "text" in tags]

    assert len(lines) == len(texts) == 56
    assert max(lines) < min(texts)


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_labels_are_drawn_where_they_are_nodes(suffix):
    picture = drawn(crowded(), suffix)

    assert len(picture) > 1.1 * len(drawn(crowded(labels=False), suffix))
    assert picture == drawn(crowded(), suffix)


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_a_label_that_is_a_plain_text_stays_one(suffix, capfd):
    picture = render('digraph { a -> b [label="x < y & z"] }', suffix)

    assert capfd.readouterr().err == "", "the renderer says there what it cannot read"
    assert len(picture) > len(render('digraph { a -> b [label=" "] }', suffix))


def test_the_fonts_of_this_machine_are_not_asked_and_nobody_sees_that(monkeypatch):
    monkeypatch.setenv("FONTCONFIG_FILE", "/nowhere/fonts.conf")
    code = (
        "import os, sys, tests.test_pictures as t; from diagrams.drawing import drawn\n"
        "sys.stdout.buffer.write(drawn(t.small(), '.svg'))\n"
        "assert os.environ['FONTCONFIG_FILE'] == '/nowhere/fonts.conf'\n"
        "assert 'FONTCONFIG_SYSROOT' not in os.environ"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60, env=os.environ
    )

    assert other.stdout == drawn(small(), ".svg")


@pytest.mark.parametrize("down", [False, True])
def test_nothing_overlaps_at_thirty_nodes(down):
    picture = large()
    check_layout(dot(Picture(picture.name, picture.title, nodes=picture.nodes, edges=picture.edges, down=down)))


def test_an_overlap_would_be_seen():
    two = 'digraph { layout=nop; a [pos="0,0"]; b [pos="10,0"] }'

    with pytest.raises(AssertionError):
        check_layout(two)


@pytest.mark.parametrize(
    ("call", "message"), [((".gif"), "no picture ends in '.gif'"), ((""), "no picture ends in ''")]
)
def test_an_unknown_format_is_refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        drawn(small(), call)
    with pytest.raises(ValueError, match=re.escape(message)):
        render("digraph {}", call)


def test_what_is_not_dot_is_refused():
    with pytest.raises(ValueError, match="this is not DOT"):
        render("digraph {", ".svg")


def test_a_picture_in_words_and_for_programs():
    words = list(as_text(small()))
    assert words[0] == "About Running"
    assert "Running -> done: Running [Running] Running finding" in words

    told = as_json(small())
    assert told["kind"] == "graph"
    assert told["edges"][1]["mark"] == "finding"
    assert told["nodes"][1]["kind"] == "busy"
