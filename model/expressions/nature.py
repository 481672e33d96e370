"""What the checker knows of a sub-expression before anything runs.

Source: expr-lang/expr ``checker/nature/nature.go``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from model.expressions import types
from model.expressions.types import GoType, Signature


@dataclass(frozen=True, eq=False, slots=True)
class Nature:
    """The static type of a sub-expression: unknown if there is no ``type`` and it is not ``nil``.

    ``element`` refines that of an array; ``overloads`` are those of a function that is named but not called;
    ``body`` is the nature of a closure's body.
    """

    type: GoType | None = None
    nil: bool = False
    element: Nature | None = None
    overloads: tuple[Signature, ...] | None = None
    body: Nature | None = None

    @property
    def kind(self) -> str:
        """The kind of the type; `invalid` if there is none."""
        return "invalid" if self.type is None else self.type.kind

    @property
    def unknown(self) -> bool:
        """Whether a value of any type may turn up."""
        return (self.type is None and not self.nil) or self.type is types.ANY

    @property
    def integer(self) -> bool:
        """Whether it is one of Go's own integer types."""
        return self.type is not None and not self.type.package and self.type.kind in types.INTEGER_KINDS

    @property
    def number(self) -> bool:
        """Whether it is one of Go's own number types."""
        return self.integer or self.type is types.FLOAT

    @property
    def string(self) -> bool:
        """Whether it is a string, of a named type or not."""
        return self.kind == "string"

    @property
    def boolean(self) -> bool:
        """Whether it is a boolean."""
        return self.kind == "bool"

    @property
    def array(self) -> bool:
        """Whether it is a slice or an array."""
        return self.kind in ("slice", "array")

    @property
    def duration(self) -> bool:
        """Whether it is a `time.Duration`."""
        return self.type is types.DURATION

    def deref(self) -> Nature:
        """The nature of what a pointer points to; any other as it is."""
        if self.kind != "ptr" or self.type is None:
            return self
        return of_type(types.dereferenced(self.type))

    def items(self) -> Nature:
        """The nature of the elements of an array or of the values of a map."""
        if self.array and self.element is not None:
            return self.element
        if self.type is None or self.type.element is None:
            return UNKNOWN_NATURE
        return of_type(self.type.element)

    def __str__(self) -> str:
        return "unknown" if self.type is None else self.type.name


UNKNOWN_NATURE: Final = Nature()
NIL_NATURE: Final = Nature(nil=True)


@cache
def of_type(type_: GoType) -> Nature:
    """The nature of a value of a type."""
    return Nature(type_)


def array_of(element: Nature) -> Nature:
    """The nature of a `[]any` whose elements are known."""
    return Nature(types.ANYS, element=element)


def assignable(source: Nature, target: Nature) -> bool:
    """Whether a value of the one nature may be used where the other is asked for."""
    if source.nil and target.kind in types.NILABLE_KINDS:
        return True
    if source.type is None or target.type is None:
        return False
    return types.assignable(source.type, target.type)


def comparable(left: Nature, right: Nature) -> bool:
    """Whether `==` is allowed between the two."""
    return (
        left.unknown
        or right.unknown
        or left.nil
        or right.nil
        or (left.number and right.number)
        or (left.duration and right.duration)
        or (left.array and right.array)
        or assignable(left, right)
    )


_CHECKS: Final = {
    "bool": lambda nature: nature.boolean,
    "string": lambda nature: nature.string,
    "integer": lambda nature: nature.integer,
    "number": lambda nature: nature.number,
    "duration": lambda nature: nature.duration,
    "array": lambda nature: nature.array,
    "map": lambda nature: nature.kind == "map",
}


def is_any_of(nature: Nature, checks: tuple[str, ...]) -> bool:
    """Whether a nature passes one of the named checks."""
    return any(_CHECKS[check](nature) for check in checks)


def maybe_compatible(left: Nature, right: Nature, checks: tuple[str, ...]) -> bool:
    """Whether an operator that asks for one of the ``checks`` may turn out to be applicable at run time."""
    if left.unknown:
        return right.unknown or is_any_of(right, checks)
    return right.unknown and is_any_of(left, checks)
