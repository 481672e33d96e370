"""One look for every picture: colours by kind, light and dark, and fonts.

A kind says what something is in words that fit every domain: what waits, what is under way, what went well. It has
a colour for its area, one for its outline (and for arrows that lead to it), and one for its text, each legible on
the others. Pictures are written in light colours; the style sheet of an SVG replaces them where people prefer dark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What something in a picture is."""

    __hash__ = object.__hash__

    PLAIN = "plain"
    WAITING = "waiting"
    BUSY = "busy"
    GOOD = "good"
    MOOT = "moot"
    BAD = "bad"
    BROKEN = "broken"
    STOPPED = "stopped"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Shade:
    """The colours of a kind: of its area, of its outline, and of its text."""

    area: str
    line: str
    text: str


LIGHT: dict[Kind, Shade] = {
    Kind.PLAIN: Shade("#fdfdfe", "#64738b", "#1e293b"),
    Kind.WAITING: Shade("#f1f5f9", "#64748b", "#334155"),
    Kind.BUSY: Shade("#dbeafe", "#2563eb", "#1e3a8a"),
    Kind.GOOD: Shade("#dcfce7", "#16a34a", "#14532d"),
    Kind.MOOT: Shade("#d5f5f0", "#0d9488", "#134e4a"),
    Kind.BAD: Shade("#fee2e2", "#dc2626", "#7f1d1d"),
    Kind.BROKEN: Shade("#ffedd5", "#ea580c", "#7c2d12"),
    Kind.STOPPED: Shade("#f3e8ff", "#9333ea", "#581c87"),
    Kind.UNCLEAR: Shade("#fef9c3", "#a16207", "#713f12"),
}

DARK: dict[Kind, Shade] = {
    Kind.PLAIN: Shade("#111a2c", "#8394ad", "#e5eaf2"),
    Kind.WAITING: Shade("#1e293b", "#94a3b8", "#dbe3ec"),
    Kind.BUSY: Shade("#172a56", "#60a5fa", "#c7dcfe"),
    Kind.GOOD: Shade("#10331f", "#4ade80", "#bdf5d0"),
    Kind.MOOT: Shade("#0c3430", "#2dd4bf", "#a3f3e6"),
    Kind.BAD: Shade("#451a1c", "#f87171", "#fecdcd"),
    Kind.BROKEN: Shade("#43210c", "#fb923c", "#fedcb5"),
    Kind.STOPPED: Shade("#331a4f", "#c084fc", "#ead6fe"),
    Kind.UNCLEAR: Shade("#3a2c08", "#facc15", "#fdf0a0"),
}

PAPER, INK, PALE, BOX, BOX_LINE, ALARM = "#ffffff", "#0f172a", "#4f5d73", "#f8fafc", "#e2e8f0", "#c8102e"
"""The ground, titles, what is said beside, a box around something, its outline, and what should not be."""

_DARK = {
    PAPER: "#0b1220",
    INK: "#f1f5f9",
    PALE: "#b3bfd0",
    BOX: "#121c2f",
    BOX_LINE: "#2a3a55",
    ALARM: "#ff7a85",
}

FONT = "Fira Sans"
"""The font that pictures are laid out with; it comes with the package `fontpkg-fira-sans`."""

FAMILIES = f"'{FONT}', 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"
"""The fonts of an SVG, for a browser that lacks the first: those that follow are about as wide."""

TITLE_SIZE, ABOUT_SIZE, NODE_SIZE, EDGE_SIZE, SMALL_SIZE = 19, 12, 13, 11, 9.5
"""Sizes of texts, in points."""


def colours() -> dict[str, str]:
    """Every colour of a picture, with what it is where people prefer dark."""
    found = dict(_DARK)
    for kind, light in LIGHT.items():
        dark = DARK[kind]
        found |= {light.area: dark.area, light.line: dark.line, light.text: dark.text}
    return found


def variable(colour: str) -> str:
    """The name of the variable that holds a colour in a style sheet: a page around a picture may set it."""
    return _NAMES[colour]


def _names() -> Iterator[tuple[str, str]]:
    plain = {"paper": PAPER, "ink": INK, "pale": PALE, "box": BOX, "box-line": BOX_LINE, "alarm": ALARM}
    yield from ((colour, f"--{name}") for name, colour in plain.items())
    for kind, shade in LIGHT.items():
        for part in ("area", "line", "text"):
            yield getattr(shade, part), f"--{kind.value}-{part}"


_NAMES = dict(_names())


def style_sheet(scope: str = "svg.picture") -> str:
    """Rules that make the colours of a picture variables, which are darker where people prefer that.

    `scope` selects the pictures that they are about.
    """
    pairs = colours()
    light = ";".join(f"{_NAMES[c]}:{c}" for c in pairs)
    dark = ";".join(f"{_NAMES[c]}:{d}" for c, d in pairs.items())
    rules = [
        f"{scope}{{{light};font-family:{FAMILIES}}}",
        f"@media (prefers-color-scheme:dark){{{scope}{{{dark}}}}}",
        f"@media print{{{scope}{{{light}}}}}",
    ]
    halo = "paint-order:stroke;stroke:var(--paper);stroke-width:2.5px;stroke-linejoin:round"
    rules.append(f"{scope} .edge text{{{halo}}}")
    for colour, name in _NAMES.items():
        rules.append(f'{scope} [fill="{colour}"]{{fill:var({name})}}')
        rules.append(f'{scope} [stroke="{colour}"]{{stroke:var({name})}}')
    return "\n".join(rules)
