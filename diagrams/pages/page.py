"""Pages as text: templates that escape everything, and the style sheets and scripts that go with them.

Style sheets and scripts are plain files beside the templates. A page that has to work alone carries them, and its
policy lets a browser run exactly these, nothing else, and fetch nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from diagrams import dots, lifecycles, theme
from diagrams.lifecycles import Known, Moves
from diagrams.rendering import render

HERE = Path(__file__).parent
STATIC, TEMPLATES = HERE / "static", HERE / "templates"


@cache
def environment(*folders: Path) -> Environment:
    """The templates in these folders, before those that all pages share. What is put into them is escaped."""
    found = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "sort_keys": True}
    return found


def static(name: str) -> str:
    """A style sheet or a script, as it is."""
    return (STATIC / name).read_text(encoding="utf-8")


def colours() -> str:
    """The colours of all pictures and pages, as variables of a style sheet, darker where people prefer that."""
    return theme.style_sheet(":root")


def alone(*, styles: tuple[str, ...], scripts: tuple[str, ...]) -> dict[str, Any]:
    """For a page that works alone: its style and script, and the policy that allows these and nothing else."""
    style = "\n".join((colours(), *map(static, styles)))
    script = "\n".join(map(static, scripts))
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"
    policy += "; form-action 'none'"
    # Both are files of ours, which hold no end tag; they may be written as they are.
    return {"style": Markup(style), "script": Markup(script), "policy": policy}


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_SVG = "http://www.w3.org/2000/svg"


def drawn(known: Known[Any], moves: Moves | None = None) -> Markup:
    """The picture of a lifecycle for a page: without style and ground of its own, with names of its own.

    With `moves` it shows what releases make of it.
    """
    root = ElementTree.fromstring(render(dots.dot(lifecycles.picture(known, moves)), ".svg"))
    root.set("aria-label", f"Lifecycle: {known.title or known.table.name}. {known.table.doc}")
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{{{_SVG}}}style" or _is_ground(child):
                parent.remove(child)
        if "id" in parent.attrib:
            parent.set("id", f"{known.name}-{parent.attrib['id']}")
    ElementTree.register_namespace("", _SVG)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _is_ground(element: ElementTree.Element) -> bool:
    """Whether it is what a picture is drawn on; the page has a ground, and shades it where there is more to see."""
    return element.get("fill") == theme.PAPER and element.get("stroke") == "none"
