"""Large JSON is read quickly, to the same values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from model.documents import DEFAULT_LIMITS, LARGE, InputError, parse
from model.inputs import plain
from model.json_documents import read_json

FOUND: dict[str, Any] = {"a": [1, 2.5, None, True, "x\u2028y", {"managedFields": [1], "b": {}}], "c": "\U0001f600"}


def test_quick_and_slow_reading_give_the_same_values() -> None:
    small = json.dumps(FOUND).encode()
    large = json.dumps(FOUND | {"padding": "x" * LARGE}).encode()

    [slow] = parse(small, "small", skip=("managedFields",))
    [quick] = parse(large, "large", skip=("managedFields",))

    assert quick.root.line == 0
    assert slow.root.line == 1
    values = plain(quick.root)
    del values["padding"]
    assert values == plain(slow.root) == {**FOUND, "a": [*FOUND["a"][:5], {"b": {}}]}


@pytest.mark.parametrize("text", ["", "a: b", "{", "[NaN]", "[" * 200 + "]" * 200, "{}x", "null"])
def test_what_is_not_read_quickly_is_left_to_others(text: str) -> None:
    assert read_json(text, "f", DEFAULT_LIMITS, frozenset()) is None


def test_a_large_text_that_is_no_json_gets_its_sentence() -> None:
    with pytest.raises(InputError, match="not YAML or JSON"):
        parse(b'{"a": [1, 2' + b" " * LARGE, "f")
