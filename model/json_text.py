"""JSON as text that is safe to print."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_UNUSUAL = re.compile(r"[^\n\x20-\x7e]")


def json_text(document: Mapping[str, object]) -> str:
    """A document as JSON text without anything that a terminal would obey."""
    return _UNUSUAL.sub(_escaped, json.dumps(document, indent=2, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    """A character that a terminal may obey, escaped: JSON has to escape only some of these."""
    character = found[0]
    return character if character.isprintable() else json.dumps(character)[1:-1].replace("\x7f", "\\u007f")
