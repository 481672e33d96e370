"""Values of state variables, for people and for programs."""

from __future__ import annotations

from enum import Enum

from model.system import Value


def show(value: Value) -> str:
    """A value in a few words, on one line; one of several parts is in parentheses.

    A record tells its fields by their names, but for those that are as they always are at first.
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value) or value.name.replace("_", " ").lower()
    if isinstance(value, str):
        return (value if value.isprintable() else repr(value)) or EMPTY
    parts = _parts(value)
    if parts is None:
        return str(value)
    return f"({', '.join(parts)})" if len(parts) > 1 else "".join(parts) or EMPTY


EMPTY = "empty"
"""A text without characters, a tuple without items, a record that says nothing."""


def alone(value: Value) -> str:
    """A value where nothing stands beside it: `show` without the parentheses around everything."""
    parts = _parts(value)
    return show(value) if parts is None else ", ".join(parts) or EMPTY


def _parts(value: Value) -> list[str] | None:
    """What a tuple, a set or a record consists of, in words; None for what has no parts, or words of its own."""
    if type(value) is tuple:
        return [show(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(map(show, value))
    if not isinstance(value, tuple) or type(value).__str__ is not object.__str__:
        return None
    names: tuple[str, ...] = getattr(value, "_fields", ())
    usual: dict[str, Value] = getattr(value, "_field_defaults", {})
    said = (pair for pair in zip(names, value, strict=True) if usual.get(pair[0], ...) != pair[1])
    return [f"{name.replace('_', ' ')} {show(item)}" for name, item in said]


def plain(value: Value) -> object:
    """A value as JSON has it: enums by their value, named tuples as objects, other tuples as arrays."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, tuple):
        fields = getattr(value, "_fields", None)
        if fields:
            return {name: plain(v) for name, v in zip(fields, value, strict=True)}
        return [plain(v) for v in value]
    if isinstance(value, frozenset):
        return sorted((plain(v) for v in value), key=str)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
