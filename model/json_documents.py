"""Large JSON documents, read quickly: without the line and column of each value."""

from __future__ import annotations

import json
from typing import Any

from model.inputs import Document, Limits, Node


class _DeepError(ValueError):
    """The document is nested too deeply."""


def read_json(text: str, file: str, limits: Limits, skip: frozenset[str]) -> Document | None:
    """The document in a text that is JSON; None if it is not, or is over a limit, of which others say what.

    The values of keys in `skip` are not kept. Nothing says where a value stands but the way to it.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        root = _node(json.loads(text, parse_constant=_none), skip, limits.depth)
    except (ValueError, RecursionError):
        return None
    return Document(file, 1, root) if root.value is not None else None


def _none(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _node(value: Any, skip: frozenset[str], depth: int) -> Node:
    if depth < 0:
        raise _DeepError
    if isinstance(value, dict):
        inner = {key: _node(one, skip, depth - 1) for key, one in value.items() if key not in skip}
        return Node(inner, 0, 0)
    if isinstance(value, list):
        return Node([_node(one, skip, depth - 1) for one in value], 0, 0)
    return Node(value, 0, 0)
