"""Go types as far as the language asks for them: their names, kinds, elements, fields and methods.

A type is a value that is compared by identity, so the derived ones (`slice_of`, `map_of`, ...) are made once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

INTEGER_KINDS = frozenset(("int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64"))
FLOAT_KINDS = frozenset(("float32", "float64"))
NILABLE_KINDS = frozenset(("ptr", "interface", "func", "map", "slice"))


@dataclass(frozen=True, eq=False, slots=True)
class GoType:
    """A Go type. ``name`` is what `%T` prints, ``package`` the import path of a named type (else empty).

    ``element`` is that of a slice, map or pointer, ``key`` that of a map. A struct has ``fields``. ``methods``
    holds the method set by name, of the pointer's own if this is a pointer.
    """

    name: str
    kind: str
    package: str = ""
    element: GoType | None = None
    key: GoType | None = None
    fields: tuple[GoField, ...] = ()
    methods: dict[str, Signature] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, slots=True)
class GoField:
    """A field of a struct: its Go name, its type and how JSON names it."""

    name: str
    type: GoType
    json: str
    omit_empty: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Signature:
    """The parameters and first result of a function; the last parameter repeats if ``variadic``."""

    parameters: tuple[GoType, ...]
    result: GoType
    variadic: bool = False


ANY = GoType("interface {}", "interface")
BOOL = GoType("bool", "bool")
INT = GoType("int", "int")
INT64 = GoType("int64", "int64")
UINT8 = GoType("uint8", "uint8")
UINT32 = GoType("uint32", "uint32")
UINT64 = GoType("uint64", "uint64")
FLOAT = GoType("float64", "float64")
STRING = GoType("string", "string")
FUNC = GoType("func(...interface {}) (interface {}, error)", "func")
EMPTY_STRUCT = GoType("struct {}", "struct")
DURATION = GoType(
    "time.Duration",
    "int64",
    "time",
    methods={
        **{name: Signature((), FLOAT) for name in ("Hours", "Minutes", "Seconds")},
        **{name: Signature((), INT64) for name in ("Milliseconds", "Microseconds", "Nanoseconds")},
        "String": Signature((), STRING),
    },
)
TIME = GoType("time.Time", "struct", "time")


@cache
def slice_of(element: GoType) -> GoType:
    """The slice type of an element type."""
    return GoType(f"[]{element.name}", "slice", element=element)


@cache
def array_of(element: GoType, length: int) -> GoType:
    """The array type of an element type and a length."""
    return GoType(f"[{length}]{element.name}", "array", element=element)


@cache
def map_of(key: GoType, element: GoType) -> GoType:
    """The map type of a key and an element type."""
    return GoType(f"map[{key.name}]{element.name}", "map", element=element, key=key)


@cache
def function_type(result: GoType | None) -> GoType:
    """The type of a predicate: one parameter of any type; without result if that is always nil."""
    shown = "" if result is None else f" {result.name}"
    return GoType(f"func(interface {{}}){shown}", "func", element=result)


ANYS = slice_of(ANY)
INTS = slice_of(INT)
FLOATS = slice_of(FLOAT)
STRINGS = slice_of(STRING)
BYTES = slice_of(UINT8)
PAIR = array_of(ANY, 2)
PAIRS = slice_of(PAIR)
OBJECT = map_of(STRING, ANY)
STRING_MAP = map_of(STRING, STRING)
ANY_MAP = map_of(ANY, ANY)
GROUPS = map_of(ANY, ANYS)


def pointer_to(struct: GoType, methods: dict[str, Signature] | None = None) -> GoType:
    """A pointer type to a struct, with its method set; made once per struct by whoever declares it."""
    return GoType(f"*{struct.name}", "ptr", element=struct, methods=methods or {})


def dereferenced(type_: GoType) -> GoType:
    """The type that a pointer type points to, other types as they are."""
    while type_.kind == "ptr" and type_.element is not None:
        type_ = type_.element
    return type_


def assignable(source: GoType, target: GoType) -> bool:
    """Whether Go lets a value of ``source`` be passed as ``target``."""
    if target is ANY or source is target:
        return True
    same_shape = source.kind == target.kind and source.element is target.element and source.key is target.key
    composite = source.kind in ("slice", "map", "func", "ptr", "array")
    return same_shape and composite and not (source.package and target.package)
