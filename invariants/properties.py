"""Properties: named claims about states, steps and runs.

A property is a pure function of the variables it names; its name is the claim. It never calls an action: a
claim that calls the code it judges proves nothing.

Claims about runs say that something happens sooner or later. A run need not go on for ever: it may stop wherever
no step is due by a fairness that the claim states. So a dead end stops every run, and without fairness nothing ever
has to happen. Fairness is about steps as such, whether or not they change anything; in this it differs from TLA+,
whose WF and SF are about steps that change something, and it does not depend on variables that nobody reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from model.system import ModelError

AFTER = "next_"
"""A parameter that starts so sees the value after the step."""


class Kind(Enum):
    """What a property looks at."""

    ALWAYS = "always"  # every reachable state
    EVERY_STEP = "every step"  # every step from a reachable state: the values before and after
    SOMETIMES = "sometimes"  # some reachable state: a witness that a situation can arise
    EVENTUALLY = "eventually"  # every fair run from an initial state: the goal is met
    LEADS_TO = (
        "leads to"  # every fair run from every reachable state of the premise: the goal is met there or later
    )
    STAYS_POSSIBLE = "stays possible"  # some run from every reachable state of the premise: the goal can be met
    __hash__ = object.__hash__


ABOUT_RUNS = frozenset((Kind.EVENTUALLY, Kind.LEADS_TO, Kind.STAYS_POSSIBLE))
"""Claims whose function is a goal, and about which one state, or one step, says nothing."""


@dataclass(frozen=True, slots=True)
class Fairness:
    """Steps of which one happens again and again, if they can.

    Weak: if from some state on one of them is always enabled. `strong`: if one is enabled again and again.
    """

    steps: tuple[str, ...]
    strong: bool = False


def weak(*steps: str) -> Fairness:
    """If one of these steps stays enabled, one of them happens."""
    return Fairness(steps)


def strong(*steps: str) -> Fairness:
    """If one of these steps is enabled again and again, one of them happens."""
    return Fairness(steps, strong=True)


@dataclass(frozen=True, slots=True)
class Property:
    """A claim, bound to variables.

    `reads` pairs each parameter with (variable, sees the value after the step). `by` restricts a claim about
    steps to the actions of those names; empty means all of them. A claim about steps may read a local
    variable, as the step left it, through a `next_` parameter.

    Of a claim about runs the function is the goal, `premise` a claim about states that says where it is awaited
    (None: everywhere), `fair` what has to happen, and `by` the steps that may be taken while it is awaited.
    """

    kind: Kind
    name: str
    function: Callable[..., bool]
    reads: tuple[tuple[str, tuple[str, bool]], ...]
    constants: tuple[tuple[str, Hashable], ...] = ()
    by: tuple[str, ...] = ()
    premise: Property | None = None
    fair: tuple[Fairness, ...] = ()

    @property
    def claim(self) -> str:
        """What is claimed, as a sentence; the same for every instance of the property."""
        says = str(getattr(self.function, "__name__", self.name)).replace("_", " ")
        if self.kind is Kind.EVENTUALLY:
            return f"eventually {says}"
        if self.kind is Kind.LEADS_TO:
            return (
                f"whenever {self.premise.claim}, {says} in the end" if self.premise else f"always eventually {says}"
            )
        if self.kind is Kind.STAYS_POSSIBLE:
            return f"{says} stays possible" + (f" when {self.premise.claim}" if self.premise else "")
        return says

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that it reads, in the order of its parameters; those of its goal before its premise's."""
        mine = [name for _, (name, _) in self.reads]
        return tuple(dict.fromkeys((*mine, *(self.premise.variables if self.premise else ()))))

    @property
    def named(self) -> frozenset[str]:
        """The steps that it speaks of by name and whose being enabled matters to it."""
        mine = () if self.kind in ABOUT_RUNS else self.by
        return frozenset((*mine, *(step for fairness in self.fair for step in fairness.steps)))


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


def eventually(
    goal: Callable[..., bool],
    name: str = "",
    *,
    fair: Iterable[Fairness] = (),
    by: tuple[str, ...] = (),
    constants: Constants | None = None,
    reads: Mapping[str, str] | None = None,
    **binding: str,
) -> Property:
    """The claim that every fair run from an initial state meets a state where `goal` is true."""
    bound = _bind(Kind.EVENTUALLY, goal, name, constants or {}, by, {**(reads or {}), **binding})
    return replace(bound, fair=tuple(fair))


def leads_to(
    premise: Property,
    goal: Callable[..., bool],
    name: str = "",
    *,
    fair: Iterable[Fairness] = (),
    by: tuple[str, ...] = (),
    constants: Constants | None = None,
    reads: Mapping[str, str] | None = None,
    **binding: str,
) -> Property:
    """The claim that wherever `premise` (an `always`) is true, `goal` is true then or later, in every fair run.

    With `by`, only these steps are taken from there on: the claim is that they are enough.
    """
    bound = _bind(Kind.LEADS_TO, goal, name, constants or {}, by, {**(reads or {}), **binding})
    return replace(bound, premise=premise, fair=tuple(fair))


def always_eventually(
    goal: Callable[..., bool],
    name: str = "",
    *,
    fair: Iterable[Fairness] = (),
    by: tuple[str, ...] = (),
    constants: Constants | None = None,
    reads: Mapping[str, str] | None = None,
    **binding: str,
) -> Property:
    """The claim that every fair run meets states where `goal` is true again and again."""
    bound = _bind(Kind.LEADS_TO, goal, name, constants or {}, by, {**(reads or {}), **binding})
    return replace(bound, fair=tuple(fair))


def stays_possible(
    goal: Callable[..., bool],
    name: str = "",
    *,
    premise: Property | None = None,
    by: tuple[str, ...] = (),
    constants: Constants | None = None,
    reads: Mapping[str, str] | None = None,
    **binding: str,
) -> Property:
    """The claim that wherever `premise` is true (everywhere without one), there is a way to where `goal` is true.

    With `by`, one that takes only these steps. CTL writes AG (premise => EF goal).
    """
    bound = _bind(Kind.STAYS_POSSIBLE, goal, name, constants or {}, by, {**(reads or {}), **binding})
    return replace(bound, premise=premise)


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
