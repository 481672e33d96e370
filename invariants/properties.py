"""Properties: named claims about states and steps.

A property is a pure function of the variables it names; its name is the claim. It never calls an action: a
claim that calls the code it judges proves nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from enum import Enum

from model.system import ModelError

AFTER = "next_"
"""A parameter that starts so sees the value after the step."""


class Kind(Enum):
    """What a property looks at."""

    ALWAYS = "always"  # every reachable state
    EVERY_STEP = "every step"  # every step from a reachable state: the values before and after
    SOMETIMES = "sometimes"  # some reachable state: a witness that a situation can arise
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Property:
    """A claim, bound to variables.

    `reads` pairs each parameter with (variable, sees the value after the step). `by` restricts a claim about
    steps to the actions of those names; empty means all of them. A claim about steps may read a local
    variable, as the step left it, through a `next_` parameter.
    """

    kind: Kind
    name: str
    function: Callable[..., bool]
    reads: tuple[tuple[str, tuple[str, bool]], ...]
    constants: tuple[tuple[str, Hashable], ...] = ()
    by: tuple[str, ...] = ()

    @property
    def claim(self) -> str:
        """What is claimed, as a sentence; the same for every instance of the property."""
        return str(getattr(self.function, "__name__", self.name)).replace("_", " ")


Constants = Mapping[str, Hashable]


def always(
    function: Callable[..., bool],
    name: str = "",
    *,
    constants: Constants | None = None,
    reads: Mapping[str, str] | None = None,
    **binding: str,
) -> Property:
    """The claim that `function` is true in every reachable state."""
    return _bind(Kind.ALWAYS, function, name, constants or {}, (), {**(reads or {}), **binding})


def sometimes(
    function: Callable[..., bool],
    name: str = "",
    *,
    constants: Constants | None = None,
    reads: Mapping[str, str] | None = None,
    **binding: str,
) -> Property:
    """The claim that some reachable state satisfies `function`: nothing holds for want of cases."""
    return _bind(Kind.SOMETIMES, function, name, constants or {}, (), {**(reads or {}), **binding})


def every_step(
    function: Callable[..., bool],
    name: str = "",
    *,
    by: tuple[str, ...] = (),
    constants: Constants | None = None,
    reads: Mapping[str, str] | None = None,
    **binding: str,
) -> Property:
    """The claim that `function` is true of every step: `x` is the value before it, `next_x` the one after."""
    return _bind(Kind.EVERY_STEP, function, name, constants or {}, by, {**(reads or {}), **binding})


def _bind(
    kind: Kind,
    function: Callable[..., bool],
    name: str,
    fixed: Constants,
    by: tuple[str, ...],
    binding: Mapping[str, str],
) -> Property:
    parameters = tuple(inspect.signature(function).parameters)
    bare = {p.removeprefix(AFTER) for p in parameters}
    if unknown := [n for n in fixed if n not in parameters] + [n for n in binding if n not in bare]:
        raise ModelError(f"{function.__name__} has no parameter {unknown[0]!r}; it has: {', '.join(parameters)}")
    reads = []
    for p in parameters:
        if p not in fixed:
            after = kind is Kind.EVERY_STEP and p.startswith(AFTER)
            plain = p.removeprefix(AFTER) if after else p
            reads.append((p, (binding.get(plain, plain), after)))
    return Property(kind, name or function.__name__, function, tuple(reads), tuple(sorted(fixed.items())), by)
