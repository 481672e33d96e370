"""Values of state variables, for people and for programs."""

from __future__ import annotations

from enum import Enum

from model.system import Value


def show(value: Value) -> str:
    """A value in a few words, on one line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value) or value.name.replace("_", " ").lower()
    if isinstance(value, str):
        return value if value and value.isprintable() else repr(value)
    if type(value) is tuple:
        return f"({', '.join(map(show, value))})"
    if isinstance(value, tuple) and type(value).__str__ is object.__str__:
        return _shown(value)
    return str(value)


def _shown(value: tuple[Value, ...]) -> str:
    """A named tuple, without the fields that are as they always are at first."""
    fields: tuple[str, ...] = getattr(value, "_fields", ())
    usual: dict[str, Value] = getattr(value, "_field_defaults", {})
    said = (
        f"{n.replace('_', ' ')} {show(v)}" for n, v in zip(fields, value, strict=True) if usual.get(n, ...) != v
    )
    return f"{type(value).__name__}({', '.join(said)})"


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
