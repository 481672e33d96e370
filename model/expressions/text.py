"""How Go writes values as text: numbers, `%v`, `%q`, and JSON both ways."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from typing import Final

from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.values import (
    UNKNOWN,
    AnyMap,
    Named,
    Nil,
    Number,
    Struct,
    Unordered,
    encode,
    go_type,
    type_name,
)

MAX_DEPTH: Final = 150
"""How deeply nested a value may be to be written or read; Go allows more."""

_DECIMAL: Final = re.compile(r"[+-]?([0-9_]+\.?[0-9_]*|\.[0-9_]+)([eE][+-]?[0-9_]+)?\Z")
_HEXADECIMAL: Final = re.compile(r"[+-]?0[xX]([0-9a-fA-F_]+\.?[0-9a-fA-F_]*|\.[0-9a-fA-F_]+)[pP][+-]?[0-9_]+\Z")
_SPECIAL: Final = re.compile(r"([+-]?)(inf|infinity|nan)\Z", re.IGNORECASE)
# An underscore may stand between digits, and between the base prefix and the first digit.
_MISPLACED: Final = re.compile(r"(?<![0-9a-fA-FxX])_|_(?![0-9a-fA-F])|(?<!\A0)(?<!\A[+-]0)[xX]_")


def parse_float(text: str) -> float | None:
    """The number that `strconv.ParseFloat` reads in ``text``; None if it reports an error, overflow included."""
    special = _SPECIAL.match(text)
    if special:
        sign, name = special.groups()
        if name.lower() == "nan":
            return None if sign else math.nan
        return -math.inf if sign == "-" else math.inf
    decimal = _DECIMAL.match(text)
    if not decimal and not _HEXADECIMAL.match(text):
        return None
    if "_" in text and (_MISPLACED.search(text) or (decimal and re.search("[eE]_|_[eE]", text))):
        return None
    digits = text.replace("_", "")
    try:
        number = float(digits) if decimal else float.fromhex(digits)
    except (OverflowError, ValueError):
        return None
    return None if math.isinf(number) else number


def parse_bool(text: str) -> bool | None:
    """The boolean that `strconv.ParseBool` reads in ``text``; None if it is none."""
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    return None


def shortest(number: float) -> tuple[str, str, int]:
    """Sign, digits and decimal exponent of the shortest text for a finite float: 0.ddd times ten to the power."""
    sign = "-" if math.copysign(1.0, number) < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    power = int(exponent or "0") + len(whole)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    if not stripped:
        return (sign, "0", 1)
    return (sign, stripped.rstrip("0"), power - (len(digits) - len(stripped)))


def _plain_float(sign: str, digits: str, power: int) -> str:
    if power <= 0:
        return f"{sign}0.{'0' * -power}{digits}"
    if power >= len(digits):
        return f"{sign}{digits}{'0' * (power - len(digits))}"
    return f"{sign}{digits[:power]}.{digits[power:]}"


def _scientific(sign: str, digits: str, power: int, width: int) -> str:
    exponent = power - 1
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):0{width}d}"


def float_text(number: float) -> str:
    """A float as `%v` prints it."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return scientific_from(number, 21)


def scientific_from(number: float, exponent: int) -> str:
    """A finite float in Go's `g` format, which turns to an exponent at that power of ten."""
    sign, digits, power = shortest(number)
    if power - 1 < -4 or power - 1 >= exponent:
        return _scientific(sign, digits, power, 2)
    return _plain_float(sign, digits, power)


def json_float(number: float) -> str:
    """A float as `encoding/json` writes it. Raises ExpressionError for what JSON cannot hold."""
    if math.isnan(number) or math.isinf(number):
        raise ExpressionError(f"json: unsupported value: {float_text(number)}")
    sign, digits, power = shortest(number)
    if number != 0 and (abs(number) < 1e-6 or abs(number) >= 1e21):
        return _scientific(sign, digits, power, 1 if power - 1 < 0 else 2)
    return _plain_float(sign, digits, power)


_SHORT_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_JSON_SPECIAL: Final = re.compile('["\\\\\x00-\x1f<>&\u2028\u2029\ud800-\udfff]')


def _escaped(found: re.Match[str]) -> str:
    char = found.group()
    if "\ud800" <= char <= "\udfff":
        return "\\ufffd"
    return _SHORT_ESCAPES.get(char) or f"\\u{ord(char):04x}"


def json_string(text: str) -> str:
    """A string as `encoding/json` writes it, HTML-safe."""
    return f'"{_JSON_SPECIAL.sub(_escaped, text)}"'


def to_json(value: object, indent: bool = False) -> str:
    """A value as JSON: in one line with sorted keys, or indented by two blanks as `json.MarshalIndent` does.

    Raises ExpressionError where Go's encoder fails, and UndecidedError if the value holds an unknown.
    """
    return _json(value, "\n" if indent else "", 0)


def _json(value: object, margin: str, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise UndecidedError(f"a value is nested more than {MAX_DEPTH} deep")
    writer = _JSON_WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    if isinstance(value, (dict, list, Struct)) and not isinstance(value, Unordered):
        return _json_composite(value, margin, depth)
    if isinstance(value, AnyMap):
        raise ExpressionError(f"json: unsupported type: {value.type.name}")
    if value is UNKNOWN:
        raise UndecidedError("it depends on something that is not known")
    if isinstance(value, Unordered):
        raise UndecidedError("it depends on the order of a map's keys")
    raise ExpressionError(f"json: unsupported type: {type_name(value)}")


_JSON_WRITERS: Final[dict[type, Callable[[object], str]]] = {
    type(None): lambda value: "null",
    Nil: lambda value: "null",
    bool: lambda value: "true" if value else "false",
    int: str,
    Number: lambda value: int.__repr__(value) if isinstance(value, int) else "",
    float: lambda value: json_float(value) if isinstance(value, float) else "",
    str: lambda value: json_string(str(value)),
    Named: lambda value: json_string(str.__str__(value)) if isinstance(value, str) else "",
    bytes: lambda value: f'"{base64.b64encode(value).decode()}"' if isinstance(value, bytes) else "",
}


def _json_composite(value: object, margin: str, depth: int) -> str:
    if isinstance(value, Struct):
        if value.json_text is not None:
            return value.json_text
        pairs = [
            (declared.json, item)
            for declared, item in zip(value.type.fields, value.values, strict=True)
            if not (declared.omit_empty and _is_empty(item))
        ]
        return _json_object(pairs, margin, depth)
    if isinstance(value, dict):
        return _json_object(sorted(value.items(), key=lambda pair: encode(pair[0])), margin, depth)
    assert isinstance(value, list)
    inner = margin and margin + "  "
    items = [_json(item, inner, depth + 1) for item in value]
    return f"[{inner}{f',{inner}'.join(items)}{margin}]" if items else "[]"


def _json_object(pairs: list[tuple[str, object]], margin: str, depth: int) -> str:
    inner = margin and margin + "  "
    colon = ": " if margin else ":"
    items = [f"{json_string(key)}{colon}{_json(item, inner, depth + 1)}" for key, item in pairs]
    return f"{{{inner}{f',{inner}'.join(items)}{margin}}}" if items else "{}"


def _is_empty(value: object) -> bool:
    if value is None or isinstance(value, Nil) or value is False:
        return True
    if isinstance(value, (int, float)):
        return value == 0
    return isinstance(value, (str, list, dict)) and len(value) == 0


def from_json(text: str) -> object:
    """The value that `json.Unmarshal` reads into an `any`. Raises ExpressionError if ``text`` is no JSON."""
    try:
        return json.loads(
            valid(text), parse_int=_json_number, parse_float=_json_number, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise ExpressionError(f"invalid JSON: {error}") from error


def _json_number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return number


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is not JSON")


def valid(text: str) -> str:
    """``text`` as valid UTF-8: everything that is not becomes the replacement character."""
    if text.isascii() or not re.search("[\ud800-\udfff]", text):
        return text
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


_QUOTE_ESCAPES: Final = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    "\\": "\\\\", '"': '\\"',
}  # fmt: skip


def quoted(text: str) -> str:
    """A string as `%q` prints it."""
    return '"' + "".join(_quoted_character(char) for char in text) + '"'


def _quoted_character(char: str) -> str:
    known = _QUOTE_ESCAPES.get(char)
    if known is not None:
        return known
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown(value: object, depth: int = 0) -> str:
    """A value as `%v` prints it. Raises UndecidedError for a pointer inside another value (an address)."""
    if depth > MAX_DEPTH:
        raise UndecidedError(f"a value is nested more than {MAX_DEPTH} deep")
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, int):
        return _shown_integer(value)
    return _shown_composite(value, depth)


def _shown_integer(value: int) -> str:
    declared = go_type(value)
    if declared is not None and declared.name == "time.Duration":
        return duration_text(int(value))
    return int.__repr__(value)


def _shown_composite(value: object, depth: int) -> str:
    if isinstance(value, Nil):
        return {"map": "map[]", "slice": "[]"}.get(value.type.kind, "<nil>")
    if isinstance(value, (list, bytes)):
        return f"[{' '.join(shown(item, depth + 1) for item in value)}]"
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: encode(pair[0]))
        return f"map[{' '.join(f'{key}:{shown(item, depth + 1)}' for key, item in pairs)}]"
    if isinstance(value, Struct):
        return _shown_struct(value, depth)
    raise UndecidedError(f"the text of a {type_name(value)} is not modelled")


def _shown_struct(value: Struct, depth: int) -> str:
    if value.text is not None or value.pointer_text is not None:
        return value.text or value.pointer_text or ""
    if value.pointer and depth > 0:
        raise UndecidedError("the text holds an address in memory")
    inside = " ".join(shown(item, depth + 1) for item in value.values)
    return f"{'&' if value.pointer else ''}{{{inside}}}"


def duration_text(nanoseconds: int) -> str:
    """A duration as `time.Duration.String` writes it, such as `1h15m30.918s`."""
    if nanoseconds == 0:
        return "0s"
    sign, left = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if left < 1_000_000_000:
        unit, size = next(pair for pair in (("ns", 1), ("µs", 1000), ("ms", 1_000_000)) if left < pair[1] * 1000)
        return f"{sign}{_fraction(left, size)}{unit}"
    minutes, seconds = divmod(left, 60_000_000_000)
    text = f"{_fraction(seconds, 1_000_000_000)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}"
    return sign + text


def _fraction(amount: int, size: int) -> str:
    whole, rest = divmod(amount, size)
    digits = str(rest).rjust(len(str(size)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
