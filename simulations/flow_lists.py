"""Lists as people write them on a command line: in YAML's flow style, without the brackets."""

from __future__ import annotations

from typing import Any

import yaml


def values(text: str) -> list[Any]:
    """The values of a list, none if the text is no such list."""
    try:
        found = yaml.safe_load(f"[{text}]")
    except (yaml.YAMLError, ValueError, RecursionError):  # a date or number that is none; brackets without end
        return []
    return found if isinstance(found, list) else []
