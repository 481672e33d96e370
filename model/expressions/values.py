"""Go values at run time, in Python.

The everyday ones are plain: nil is None, ``bool`` is bool, ``int`` is int, ``float64`` is float, ``string`` is str,
``[]any`` is list and ``map[string]any`` is dict. A string that is not valid UTF-8 carries its stray bytes as
surrogates, as Python's ``surrogateescape`` does. Everything else names its type with one of the classes below.

:data:`UNKNOWN` stands for a value that nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from model.expressions import types
from model.expressions.results import ExpressionError
from model.expressions.types import GoType


class Unknown:
    """The type of :data:`UNKNOWN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


class Number(int):
    """An integer of another type than ``int``, such as ``uint32`` or ``time.Duration``."""

    type: GoType

    def __new__(cls, value: int, type_: GoType) -> Number:
        """Make the number."""
        made = super().__new__(cls, value)
        made.type = type_
        return made


class Named(str):
    """A string of a named type, which is equal to no plain string, whatever it says."""

    type: GoType

    def __new__(cls, value: str, type_: GoType) -> Named:
        """Make the string."""
        made = super().__new__(cls, value)
        made.type = type_
        return made

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and other.type is self.type and str.__eq__(self, other)


class TypedList(list[object]):
    """A slice or array of another type than ``[]any``."""

    def __init__(self, items: Iterable[object], type_: GoType) -> None:
        super().__init__(items)
        self.type = type_


class Unordered(list[object]):
    """A `[]any` with several elements whose order is not known, such as the keys of a map."""


class TypedMap(dict[str, object]):
    """A map with string keys of another type than ``map[string]any``."""

    def __init__(self, items: dict[str, object], type_: GoType) -> None:
        super().__init__(items)
        self.type = type_


class AnyMap:
    """A map whose keys may be of any type: 1, 1.0 and true are three keys here, which a dict would take for one."""

    def __init__(self, type_: GoType) -> None:
        self.type = type_
        self._entries: dict[tuple[str, object], tuple[object, object]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return self._tag(key) in self._entries

    def __setitem__(self, key: object, value: object) -> None:
        self._entries[self._tag(key)] = (key, value)

    def get(self, key: object) -> object:
        """The value under ``key``, None if there is none."""
        found = self._entries.get(self._tag(key))
        return None if found is None else found[1]

    def items(self) -> Iterator[tuple[object, object]]:
        """The pairs, in the order in which the keys came."""
        return iter(self._entries.values())

    @staticmethod
    def _tag(key: object) -> tuple[str, object]:
        name = type_name(key)
        if isinstance(key, (list, dict, AnyMap, bytes)):
            raise ExpressionError(f"runtime error: hash of unhashable type {name}")
        if isinstance(key, Struct):
            return (name, id(key) if key.pointer else repr(key))
        return (name, key)


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct, or a pointer to one, with the values of its fields in the order of the type's.

    ``text`` is what the type's own `String` method gives; None if it has none, or if only the pointer has one:
    that gives ``pointer_text``. ``json_text`` likewise is what `MarshalJSON` gives, and ``call`` runs a method.
    """

    type: GoType
    values: tuple[object, ...]
    pointer: bool = False
    pointer_type: GoType | None = None
    text: str | None = None
    pointer_text: str | None = None
    json_text: str | None = None
    call: Callable[[str, tuple[object, ...]], object] | None = None

    def field(self, name: str) -> object:
        """The value of the field ``name``; KeyError if the type has none of that name."""
        for declared, value in zip(self.type.fields, self.values, strict=True):
            if declared.name == name:
                return value
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Nil:
    """A nil that has a type: a pointer that points nowhere, or a map or slice that was never made."""

    type: GoType


@dataclass(frozen=True, slots=True)
class Method:
    """A method taken from a value; ``run`` calls it with the arguments."""

    name: str
    signature: types.Signature
    run: Callable[[tuple[object, ...]], object]


_PLAIN: Final[dict[type, GoType]] = {
    bool: types.BOOL,
    int: types.INT,
    float: types.FLOAT,
    str: types.STRING,
    list: types.ANYS,
    Unordered: types.ANYS,
    dict: types.OBJECT,
    bytes: types.BYTES,
}


def go_type(value: object) -> GoType | None:
    """The Go type of a value; None for the untyped nil."""
    plain = _PLAIN.get(type(value))
    if plain is not None or value is None:
        return plain
    if isinstance(value, Struct):
        return (value.pointer_type or types.pointer_to(value.type)) if value.pointer else value.type
    if isinstance(value, Method):
        return types.FUNC
    declared = getattr(value, "type", None)
    return declared if isinstance(declared, GoType) else types.ANY


def type_name(value: object) -> str:
    """What `%T` prints for a value."""
    found = go_type(value)
    return "<nil>" if found is None else found.name


def kind_of(value: object) -> str:
    """The kind of a value; `invalid` for the untyped nil."""
    found = go_type(value)
    return "invalid" if found is None else found.kind


def is_nil(value: object) -> bool:
    """Whether a value is nil, with or without a type."""
    return value is None or isinstance(value, Nil)


def dereference(value: object) -> object:
    """What a pointer points to, None for a nil pointer, any other value as it is."""
    if isinstance(value, Struct) and value.pointer:
        return replace(value, pointer=False, pointer_type=None, pointer_text=None)
    if isinstance(value, Nil) and value.type.kind == "ptr":
        return None
    return value


def mentions_unknown(value: object) -> bool:
    """Whether a value is, or somewhere holds, :data:`UNKNOWN`."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if item is UNKNOWN or isinstance(item, Unordered):
            return True
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, Struct):
            waiting.extend(item.values)
        elif isinstance(item, AnyMap):
            waiting.extend(value for _, value in item.items())
    return False


def is_integer(value: object) -> bool:
    """Whether a value is of one of Go's own integer types."""
    return type(value) is int or (isinstance(value, Number) and not value.type.package)


def is_number(value: object) -> bool:
    """Whether a value is of one of Go's own number types."""
    return type(value) is int or type(value) is float or is_integer(value)


def wrapped(value: int, bits: int = 64) -> int:
    """An integer as a signed one of that many bits holds it."""
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half


def to_int(value: object) -> int:
    """A number cut to ``int``, as an index is. Raises ExpressionError for anything else."""
    if is_integer(value):
        assert isinstance(value, int)
        return wrapped(int(value))
    if isinstance(value, float):
        return float_to_int(value)
    raise ExpressionError(f"invalid operation: int({type_name(value)})")


def float_to_int(value: float) -> int:
    """Go's conversion on amd64: cut towards zero, and the smallest integer for what does not fit."""
    if value != value or not -(2.0**63) <= value < 2.0**63:
        return -(1 << 63)
    return int(value)


def encode(text: str) -> bytes:
    """The bytes of a Go string."""
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    """The Go string of some bytes."""
    return data.decode("utf-8", "surrogateescape")
