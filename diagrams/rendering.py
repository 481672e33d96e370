"""Pictures as files: DOT rendered in this process, as SVG, PNG and PDF, the same bytes for the same picture.

Texts are laid out with the font that comes with a package, and with no other: so a picture is the same on every
machine with the same renderer, even on one without fonts.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
from copy import deepcopy
from functools import cache
from io import BytesIO
from pathlib import Path
from shutil import copy
from typing import Any
from xml.etree import ElementTree

import fontpkg_fira_sans
import pygraphviz

from diagrams import theme

IMAGES = (".svg", ".png", ".pdf")
"""What DOT can be rendered as, by the end of a file's name."""

DPI = 144
"""Dots per inch of a PNG: twice what a picture measures, for screens that have as many."""

AS_LAID_OUT = "nop2"
"""The engine that leaves everything where it is."""

VEIL = "c0"
"""How much is hidden behind a line of a label, as two hexadecimal digits."""

_STYLES = ("Regular", "Bold")
_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""
_ONE_AT_A_TIME = threading.Lock()


def render(dot: str, suffix: str) -> bytes:
    """A picture that is written as DOT, in the format that `suffix` names; one of `IMAGES`.

    PNG and PDF are light, SVG is what people prefer. Raises ValueError for another suffix, or for what is not DOT.
    """
    if suffix not in IMAGES:
        raise ValueError(f"no picture ends in {suffix!r}; expected {', '.join(IMAGES)}")
    with _ONE_AT_A_TIME:  # the renderer has one context for the whole process
        _use_our_fonts()
        try:
            graph = pygraphviz.AGraph(string=dot)
        except pygraphviz.DotError as error:
            raise ValueError(f"this is not DOT: {error}") from error
        if suffix == ".png":
            graph.graph_attr["dpi"] = str(DPI)
        engine = dict(graph.graph_attr.items()).get("layout") or "dot"
        if engine == "dot" and suffix != ".svg":
            graph.layout(prog=engine)
            _labels_above_lines(graph)
            engine = AS_LAID_OUT
        drawn: Any = graph.draw(format=suffix[1:], prog=engine)
        graph.close()
    data = bytes(drawn)
    if suffix == ".svg":
        return _page(data, digest(dot))
    return _undated(data) if suffix == ".pdf" else data


def _labels_above_lines(graph: pygraphviz.AGraph) -> None:
    """Make the labels of edges nodes, which come last, so that no line that comes later goes through one.

    Lines that went through before are veiled; not where there are boxes, in which a veil would be seen. Labels that
    are no tables stay as they are.
    """
    veil = "" if graph.subgraphs() else f' bgcolor="{theme.PAPER}{VEIL}"'
    for number, edge in enumerate(graph.edges()):
        label, place = edge.attr["label"], edge.attr["lp"]
        if not place or not label.startswith("<table"):
            continue
        edge.attr["label"] = ""
        veiled = re.sub(r"<td align=[^>]*", rf"\g<0>{veil}", label)
        graph.add_node(f"label {number}", label=f"<{veiled}>", pos=place, shape="plain", style="")


def digest(dot: str) -> str:
    """What tells a picture from others: an SVG has it as `data-source`, so one that is old is known."""
    return hashlib.sha256(dot.encode()).hexdigest()


@cache
def _use_our_fonts() -> tempfile.TemporaryDirectory[str]:
    """Show the renderer our fonts and nothing else; done before it first looks for any.

    As it is told that its root is a folder, it reads no settings of this machine. Some paths it takes below that
    root and some as they are; the folder holds a link to itself, so that both are the same.
    """
    folder = tempfile.TemporaryDirectory(prefix="kargo-model-fonts-")
    root = Path(folder.name).resolve()
    again = root.joinpath(*root.parts[1:])
    again.parent.mkdir(parents=True)
    again.symlink_to(root, target_is_directory=True)
    for style in _STYLES:
        copy(fontpkg_fira_sans.ROOT / "files" / f"{theme.FONT.replace(' ', '')}-{style}.ttf", root)
    settings = root / "fonts.conf"
    settings.write_text(_FONTS.format(folder=root), encoding="utf-8")
    ours = {"FONTCONFIG_SYSROOT": str(root), "FONTCONFIG_FILE": str(settings)}
    theirs = {name: os.environ.get(name) for name in ours}
    os.environ |= ours
    pygraphviz.AGraph(string="digraph { a }").draw(format="svg", prog="dot")  # now it looks, once and for all
    for name, value in theirs.items():
        os.environ.pop(name)
        os.environ |= {name: value} if value is not None else {}
    return folder


def _undated(pdf: bytes) -> bytes:
    """A PDF that does not say when it was made; places in the file stay where they are."""
    return re.sub(rb"/(CreationDate|ModDate) ?\(([^)]*)\)", lambda m: b"%" + b" " * (len(m[0]) - 1), pdf)


# SVG

_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"


def _page(svg: bytes, source: str) -> bytes:
    """What the renderer wrote, as an SVG that people can read by day and by night, and programs aloud."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for at, child in enumerate(list(parent)):
            if child.tag == f"{{{_SVG}}}g" and child.get("id", "").startswith("a_") and len(child) == 1:
                parent[at] = child[0]
    for element in root.iter():
        _tidy(element)
    for drawing in root:
        _texts_above_lines(drawing)
    about = root.find(f"{{{_SVG}}}g/{{{_SVG}}}title")
    root.set("class", "picture")
    root.set("role", "img")
    root.set("data-source", source)
    root.set("data-renderer", f"graphviz {pygraphviz.__graphviz_version__}")
    if about is not None and about.text:
        root.set("aria-label", about.text)
    style = ElementTree.Element(f"{{{_SVG}}}style")
    style.text = theme.style_sheet()
    root.insert(0, style)
    ElementTree.register_namespace("", _SVG)
    out = BytesIO()
    ElementTree.ElementTree(root).write(out, encoding="utf-8", xml_declaration=True)
    return out.getvalue() + b"\n"


def _tidy(element: ElementTree.Element) -> None:
    """Tooltips as titles, no names of nodes as such, and fonts from the style sheet."""
    tag = element.tag.removeprefix(f"{{{_SVG}}}")
    if tag == "text":
        element.attrib.pop("font-family", None)
        element.attrib.pop("{http://www.w3.org/XML/1998/namespace}space", None)
    if tag == "a":
        element.tag = f"{{{_SVG}}}g"
        element.attrib.clear()
    if tag == "g" and element.get("class", "").split(" ")[0] in ("node", "edge", "cluster"):
        _explain(element)


def _texts_above_lines(drawing: ElementTree.Element) -> None:
    """Draw the texts of edges after all lines, each in a group like that of its edge."""
    edges = [group for group in drawing if group.get("class", "").split(" ")[0] == "edge"]
    if not edges:
        return
    after = list(drawing).index(edges[-1]) + 1
    for edge in edges:
        told = ElementTree.Element(edge.tag, {"class": edge.get("class", "")})
        for parent in list(edge.iter()):
            for child in [child for child in parent if child.tag == f"{{{_SVG}}}text"]:
                parent.remove(child)
                told.append(child)
        if len(told):
            told[:0] = [deepcopy(title) for title in edge.iter(f"{{{_SVG}}}title")][:1]
            told.tail = edge.tail
            drawing.insert(after, told)
            after += 1


def _explain(group: ElementTree.Element) -> None:
    title = group.find(f"{{{_SVG}}}title")
    links = [child for child in group.iter() if child.get(f"{{{_LINK}}}title") is not None]
    words = next((w for w in (a.get(f"{{{_LINK}}}title", "").strip() for a in links) if w), "")
    for link in links:
        link.tag = f"{{{_SVG}}}g"
        link.attrib.clear()
    if title is not None and words:
        title.text = words
    elif title is not None:
        group.remove(title)
