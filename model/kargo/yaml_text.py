"""Values as the YAML that the function `asYAML` writes.

Source: go.yaml.in/yaml/v3 ``encode.go``, ``emitterc.go``, ``resolve.go``: four blanks of indentation, keys sorted
by the numbers in them, no line breaks added.
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from typing import Final

from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.text import duration_text, float_text, scientific_from
from model.expressions.types import DURATION
from model.expressions.values import UNKNOWN, Nil, Number, Struct, Unordered, type_name

MAX_DEPTH: Final = 100
MAX_KEY: Final = 128
"""The longest key that is written before its colon in one line."""


def to_yaml(value: object) -> str:
    """A value as a YAML document, with a line feed at its end. Raises UndecidedError for an unknown."""
    return "\n".join(_lines(value, 0, 0)) + "\n"


def _lines(value: object, indent: int, depth: int, text_indent: int | None = None) -> list[str]:
    """The lines of a value; a collection starts at column ``indent``, its first line without the blanks for it.

    Text of several lines starts at ``text_indent``, or else inside ``indent``.
    """
    if depth > MAX_DEPTH:
        raise UndecidedError(f"a value is nested more than {MAX_DEPTH} deep")
    if value is UNKNOWN or isinstance(value, Unordered):
        raise UndecidedError("it depends on something that is not known")
    if _is_block(value) and not isinstance(value, list):
        entries = [_entry(key, item, indent, depth) for key, item in _pairs(value)]
        return _under_each_other(entries, indent)
    value = _plain(value)
    if isinstance(value, list) and value:
        # An item, text of several lines included, stands right behind its dash.
        items = [_lines(item, indent + 2, depth + 1, indent + 2) for item in value]
        return _under_each_other([[f"- {item[0]}", *item[1:]] for item in items], indent)
    return _scalar(value, _inside(indent) if text_indent is None else text_indent)


def _under_each_other(parts: list[list[str]], indent: int) -> list[str]:
    margin = " " * indent
    lines = [line for part in parts for line in (f"{margin}{part[0]}", *part[1:])]
    return [lines[0][indent:], *lines[1:]]


def _inside(indent: int) -> int:
    """The column of what belongs to something at ``indent``: the next multiple of four."""
    return 4 * ((indent + 4) // 4)


def _pairs(value: object) -> list[tuple[str, object]]:
    """The entries of a map, sorted, or the fields of a struct, in their order and in small letters."""
    if isinstance(value, Struct) and value.text is None:
        return [(one.name.lower(), item) for one, item in zip(value.type.fields, value.values, strict=True)]
    if isinstance(value, dict):
        return [(key, value[key]) for key in sorted(value, key=cmp_to_key(_key_order))]
    return []


def _plain(value: object) -> object:
    if isinstance(value, Struct):
        if value.text is None and value.json_text is not None:
            raise UndecidedError("the YAML of a time is not modelled")
        return value.text if value.text is not None else {}
    if isinstance(value, Number) and value.type is DURATION:
        return duration_text(int(value))
    if isinstance(value, Nil):
        return {"map": {}, "slice": []}.get(value.type.kind)
    return value


def _entry(key: str, value: object, indent: int, depth: int) -> list[str]:
    block = _is_block(value)
    if "\n" in key or len(key) > MAX_KEY:
        if block:
            raise UndecidedError("the YAML of a collection under a long key is not modelled")
        written, found = _scalar(key, _inside(indent)), _lines(value, indent, depth + 1)
        return [f"? {written[0]}", *written[1:], f"{' ' * indent}: {found[0]}", *found[1:]]
    if block:
        column = _inside(indent)
        inner = _lines(value, column, depth + 1)
        return [f"{_one_line(key)}:", f"{' ' * column}{inner[0]}", *inner[1:]]
    inner = _lines(value, indent, depth + 1)
    return [f"{_one_line(key)}: {inner[0]}", *inner[1:]]


def _is_block(value: object) -> bool:
    return bool(_pairs(value)) or (isinstance(value, list) and len(value) > 0)


def _scalar(value: object, indent: int) -> list[str]:
    if isinstance(value, str):
        text = str.__str__(value)
        if _OTHER_BREAKS.search(text):
            raise UndecidedError("the YAML of unusual line breaks is not modelled")
        if "\n" in text:
            return _literal_block(text, " " * indent)
        return [_one_line(text)]
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, float):
        return [{"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(float_text(value)) or _yaml_float(value)]
    if isinstance(value, int):
        return [int.__repr__(value)]
    if isinstance(value, (dict, list)):
        return ["{}" if isinstance(value, dict) else "[]"]
    raise ExpressionError(f"cannot marshal type: {type_name(value)}")


def _yaml_float(value: float) -> str:
    # The exponent appears earlier than in Go's %v: from a million on.
    return scientific_from(value, 6)


_OTHER_BREAKS: Final = re.compile("[\x85\u2028\u2029]")
_UNPRINTABLE: Final = re.compile("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")


def _literal_block(text: str, margin: str) -> list[str]:
    # Blanks before a line feed, or characters that cannot be shown, rule the block style out.
    if _UNPRINTABLE.search(text.replace("\t", "")) or " \n" in text or text.endswith(" "):
        return [_double_quoted(text)]
    hint = "4" if text[0] in " \n" else ""
    body = text.rstrip("\n")
    trailing = len(text) - len(body)
    chomp = "-" if trailing == 0 else ("+" if trailing > 1 or not body else "")
    lines = body.split("\n") + [""] * (trailing - 1)
    return [f"|{hint}{chomp}", *(f"{margin}{line}" if line else line for line in lines)]


def _one_line(text: str) -> str:
    if not _reads_as_text(text) or _UNPRINTABLE.search(text):
        return _double_quoted(text)
    if _plain_allowed(text):
        return text
    return "'" + text.replace("'", "''") + "'"


_NUMBER: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z|[-+]?0[xX][0-9a-fA-F]+\Z|[-+]?0[oO]?[0-7]+\Z|[-+]?0b[01]+\Z"
)
_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(([Tt]|[ ]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?([ ]*([zZ]|[-+][0-9:]+))?)?\Z"
)
_WORDS: Final = frozenset(
    (
        "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE",
        ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF",
    )
)  # fmt: skip


def _reads_as_text(text: str) -> bool:
    """Whether a plain scalar would be read as a string again."""
    if text in _WORDS or _BASE_60.match(text) or _TIME.match(text):
        return False
    return not _NUMBER.match(text.replace("_", ""))


def _plain_allowed(text: str) -> bool:
    first = text[0]
    if text[0] == " " or text[-1] == " " or text.startswith(("---", "...")):
        return False
    if first in "#,[]{}&*!|>'\"%@`":
        return False
    if first in "-?:" and (len(text) == 1 or text[1] in " \t"):
        return False
    return not (": " in text or " #" in text or text.endswith(":"))


_NAMED_ESCAPES: Final = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r",
    "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P", "\ufeff": "\\uFEFF",
}  # fmt: skip


def _double_quoted(text: str) -> str:
    return '"' + "".join(_quoted(char) for char in text) + '"'


def _quoted(char: str) -> str:
    known = _NAMED_ESCAPES.get(char)
    if known is not None:
        return known
    if not _UNPRINTABLE.search(char):
        return char
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _key_order(left: str, right: str) -> int:
    """Letters after other characters, numbers by value. Source: ``sorter.go: keyList.Less``."""
    digits = False
    for index in range(min(len(left), len(right))):
        one, other = left[index], right[index]
        if one == other:
            digits = one.isdigit()
            continue
        return _character_order(left, right, index, digits)
    return (len(left) > len(right)) - (len(left) < len(right))


def _character_order(left: str, right: str, index: int, digits: bool) -> int:
    one, other = left[index], right[index]
    if one.isalpha() and other.isalpha():
        return -1 if one < other else 1
    if one.isalpha() or other.isalpha():
        return (1 if one.isalpha() else -1) * (-1 if digits else 1)
    numbers = [_number_at(left, index, digits), _number_at(right, index, digits)]
    if numbers[0] != numbers[1]:
        return -1 if numbers[0] < numbers[1] else 1
    return -1 if one < other else 1


def _number_at(text: str, index: int, zero_matters: bool) -> tuple[int, int]:
    run = re.match(r"[0-9]*", text[index:])
    found = run.group() if run else ""
    return (int(found or 0), len(found))
