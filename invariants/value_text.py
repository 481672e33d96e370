"""Values of variables as JSON, and back: what a model is made of, and nothing else.

A value is a constant, a tuple or a set of values, a member of an enumeration, a named tuple or a frozen dataclass
of the model. Reading makes no object of any other class, so that a file can be wrong, but never do anything.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

HOME = "model."
"""Where the classes are."""

_CONSTANTS = (type(None), bool, int, float, str)


class UnreadableValueError(ValueError):
    """A text does not stand for a value of a model, or a value cannot be written."""


def to_json(value: object) -> Any:
    """What stands for a value.

    Raises UnreadableValueError for a value that the reader would not make.
    """
    if isinstance(value, Enum):
        return {"enum": _name_of(type(value)), "member": value.name}
    if type(value) in _CONSTANTS:
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": repr(value)}
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"tuple": _name_of(type(value)), "items": [to_json(v) for v in value]}
    if type(value) is tuple:
        return [to_json(v) for v in value]
    if type(value) is frozenset:
        return {"set": sorted((to_json(v) for v in value), key=repr)}
    if is_dataclass(value) and not isinstance(value, type):
        return {"data": _name_of(type(value)), "items": [to_json(getattr(value, f.name)) for f in fields(value)]}
    raise UnreadableValueError(f"a value of {type(value).__qualname__} cannot be written: {value!r}")


def from_json(text: Any) -> Any:
    """The value that something stands for.

    Raises UnreadableValueError if it stands for none.
    """
    if isinstance(text, list):
        return tuple(map(from_json, text))
    if not isinstance(text, dict):
        return text
    for kind, read in _READERS.items():
        if kind in text:
            try:
                return read(text)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise UnreadableValueError(f"no value of a model: {text!r}") from error
    raise UnreadableValueError(f"no value of a model: {text!r}")


def _member(text: dict[str, Any]) -> Any:
    found = _class(text["enum"], lambda c: issubclass(c, Enum))
    return found[text["member"]]


def _tuple(text: dict[str, Any]) -> Any:
    found = _class(text["tuple"], lambda c: issubclass(c, tuple) and hasattr(c, "_fields"))
    return found(*map(from_json, text["items"]))


def _data(text: dict[str, Any]) -> Any:
    return _class(text["data"], is_dataclass)(*map(from_json, text["items"]))


def _set(text: dict[str, Any]) -> Any:
    return frozenset(map(from_json, text["set"]))


def _float(text: dict[str, Any]) -> Any:
    return float(text["float"])


_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "enum": _member,
    "tuple": _tuple,
    "data": _data,
    "set": _set,
    "float": _float,
}


def _name_of(of: type) -> str:
    name = f"{of.__module__}:{of.__qualname__}"
    if not name.startswith(HOME):
        raise UnreadableValueError(f"{name} is not a class of a model")
    return name


def _class(name: Any, wanted: Callable[[type], bool]) -> Any:
    if not isinstance(name, str) or not name.startswith(HOME):
        raise UnreadableValueError(f"{name!r} is not a class of a model")
    module, _, path = name.partition(":")
    # Not imported by its name: what a system is made of is there already.
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and found.__module__.startswith(HOME) and wanted(found)):
        raise UnreadableValueError(f"{name!r} is not a class of values")
    return found
