"""The language's own functions on strings.

Lengths and places are counted in bytes, as Go does, except by `len`. Source: expr-lang/expr
``builtin/builtin.go``, Go's ``strings`` and ``encoding/base64``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Final

from model.expressions import types
from model.expressions.lexer import SPACES
from model.expressions.operators import MAX_TEXT, plain_string
from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.values import Nil, TypedList, decode, encode, to_int, type_name

Arguments = tuple[object, ...]

_BLANKS: Final = "".join(sorted(SPACES))


def _strings(arguments: Arguments, count: int) -> list[str]:
    return [plain_string(value) for value in arguments[:count]]


def _trim(arguments: Arguments) -> str:
    texts = _strings(arguments, 2)
    return texts[0].strip(_BLANKS if len(texts) == 1 else texts[1])


def _trim_prefix(arguments: Arguments) -> str:
    text, prefix = [*_strings(arguments, 2), " "][:2]
    return text.removeprefix(prefix)


def _trim_suffix(arguments: Arguments) -> str:
    text, suffix = [*_strings(arguments, 2), " "][:2]
    return text.removesuffix(suffix)


def _cased(convert: Callable[[str], str]) -> Callable[[Arguments], str]:
    def run(arguments: Arguments) -> str:
        text = plain_string(arguments[0])
        if text.isascii():
            return convert(text)
        # Go maps one character to one character.
        return "".join(convert(char) if len(convert(char)) == 1 else char for char in text)

    return run


def _split(keep: bool) -> Callable[[Arguments], object]:
    def run(arguments: Arguments) -> object:
        text, separator = _strings(arguments, 2)
        limit = to_int(arguments[2]) if len(arguments) == 3 else -1
        if limit == 0:
            return Nil(types.STRINGS)
        if separator == "":
            parts = list(text) if limit < 0 else _exploded(text, limit)
            return TypedList(parts, types.STRINGS)
        parts = text.split(separator, limit - 1 if limit > 0 else -1)
        if keep:
            parts = [part + separator for part in parts[:-1]] + parts[-1:]
        return TypedList(parts, types.STRINGS)

    return run


def _exploded(text: str, limit: int) -> list[str]:
    rest = text[limit - 1 :]
    return [*text[: limit - 1], rest] if rest else list(text)


def _replace(arguments: Arguments) -> str:
    text, old, new = _strings(arguments, 3)
    count = to_int(arguments[3]) if len(arguments) == 4 else -1
    if len(text) + (text.count(old) if old else len(text) + 1) * len(new) > MAX_TEXT:
        raise UndecidedError(f"a text is longer than {MAX_TEXT} characters")
    return text.replace(old, new, count)


def _repeat(arguments: Arguments) -> str:
    text = plain_string(arguments[0])
    count = to_int(arguments[1])
    if count < 0:
        raise ExpressionError(f"invalid argument for repeat (expected positive integer, got {count})")
    if count > 1_000_000 or len(encode(text)) * count >= 1_000_000:
        raise ExpressionError("memory budget exceeded")
    return text * count


def _join(arguments: Arguments) -> str:
    glue = plain_string(arguments[1]) if len(arguments) == 2 else ""
    values = arguments[0]
    if isinstance(values, Nil) and values.type is types.STRINGS:
        return ""
    plain = type(values) is list or (isinstance(values, TypedList) and values.type is types.STRINGS)
    if not plain or not isinstance(values, list):
        found = "%!s(<nil>)" if values is None else type_name(values)
        raise ExpressionError(f"invalid argument for join (type {found})")
    texts = [plain_string(value) for value in values]
    if sum(map(len, texts)) + len(glue) * len(texts) > MAX_TEXT:
        raise UndecidedError(f"a text is longer than {MAX_TEXT} characters")
    return glue.join(texts)


def _index_of(arguments: Arguments) -> int:
    text, part = _strings(arguments, 2)
    return encode(text).find(encode(part))


def _last_index_of(arguments: Arguments) -> int:
    text, part = _strings(arguments, 2)
    return encode(text).rfind(encode(part))


def _has_prefix(arguments: Arguments) -> bool:
    text, part = _strings(arguments, 2)
    return text.startswith(part)


def _has_suffix(arguments: Arguments) -> bool:
    text, part = _strings(arguments, 2)
    return text.endswith(part)


def _to_base64(arguments: Arguments) -> str:
    return base64.b64encode(encode(plain_string(arguments[0]))).decode()


def _from_base64(arguments: Arguments) -> str:
    text = plain_string(arguments[0]).replace("\r", "").replace("\n", "")
    try:
        if not text.isascii():
            raise ValueError("not ASCII")
        return decode(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise ExpressionError("illegal base64 data") from error


RUN: Final[dict[str, Callable[[Arguments], object]]] = {
    "trim": _trim,
    "trimPrefix": _trim_prefix,
    "trimSuffix": _trim_suffix,
    "upper": _cased(str.upper),
    "lower": _cased(str.lower),
    "split": _split(keep=False),
    "splitAfter": _split(keep=True),
    "replace": _replace,
    "repeat": _repeat,
    "join": _join,
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "hasPrefix": _has_prefix,
    "hasSuffix": _has_suffix,
    "toBase64": _to_base64,
    "fromBase64": _from_base64,
}
