"""What a YAML scalar means, to a reader of Kubernetes manifests.

That is YAML 1.1 with the exceptions that its Go tools make: dates and sexagesimal numbers are texts. Whatever
is no JSON value is refused.
"""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **{form: True for word in ("true", "yes", "on") for form in (word, word.title(), word.upper())},
    **{form: False for word in ("false", "no", "off") for form in (word, word.title(), word.upper())},
}
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_OTHER_BASE = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+)")
_FRACTION = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMERIC = frozenset("0123456789+-.")
_TAG = "tag:yaml.org,2002:"
_LONGEST_INTEGER = 19  # digits; a longer one is a float to Go, and could be slow to read
_LONGEST_BINARY = 66  # digits of 64 bits, and the prefix


def plain_scalar(text: str) -> Scalar:
    """The value of a scalar without quotes or tag.

    Raises ValueError if it is a number that JSON cannot hold.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    number = _number(text)
    return text if number is None else number


def tagged_scalar(tag: str | None, text: str) -> Scalar:
    """The value of a scalar in quotes, or with an explicit tag.

    Raises ValueError if the tag is not one of YAML's own for JSON values, or does not fit the text.
    """
    if tag in (None, "!", _TAG + "str", _TAG + "timestamp"):
        return text
    wanted: dict[str, type | tuple[type, ...]] = {
        _TAG + "int": int,
        _TAG + "float": (int, float),
        _TAG + "bool": bool,
        _TAG + "null": type(None),
    }
    if tag not in wanted:
        raise ValueError(f"the tag {tag[:40]!a} is not supported")
    value = plain_scalar(text)
    if not isinstance(value, wanted[tag]):
        raise ValueError(f"the tag {tag!r} does not fit its value")
    return value


def _number(text: str) -> int | float | str | None:
    if _DECIMAL.fullmatch(text):
        digits = text.replace("_", "")
        return int(digits) if len(digits) <= _LONGEST_INTEGER else _finite(digits)
    if _OTHER_BASE.fullmatch(text):
        return _other_base(text.replace("_", ""))
    if _FRACTION.fullmatch(text.replace("_", "")):
        return _finite(text.replace("_", ""))
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a number that JSON can hold")
    return None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("the number is too large")
    return value


def _other_base(text: str) -> int | str:
    digits = text.lstrip("+-")
    if len(digits) > _LONGEST_BINARY:
        return text
    try:
        size = int(digits, 0 if digits[1:2] in ("b", "o", "x") else 8)
    except ValueError:
        return text
    value = -size if text.startswith("-") else size
    return value if -(2**63) <= value < 2**64 else text
