"""Rules run on instants that are not known yet.

A rule compares an instant with another and goes one way or the other. Given an `Unknown` in place of a number it
computes as before; where it comes to compare, it goes both ways, one after the other, and what it compared is
noted. So the rule itself says what there is to decide, and what follows: a million runs can then be decided by
comparing columns of numbers, and no second copy of the rule is needed.

Nothing is approximated: an unknown is a sum of named numbers, and of such sums divided and rounded down.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.system import Action, ModelError, Outcome, Outcomes, Part, Rule, Sequence

Column = NDArray[np.int64]
T = TypeVar("T")


class Quotient(NamedTuple):
    """A sum, divided and rounded down."""

    of: Sum
    divisor: int


class Sum(NamedTuple):
    """A whole number that depends on others: names, or quotients, each with a factor, in order of their texts."""

    terms: tuple[tuple[str | Quotient, int], ...]
    constant: int = 0

    def at(self, columns: Mapping[str, Column], length: int) -> Column:
        """Its value in every row."""
        total = np.full(length, self.constant, np.int64)
        for atom, factor in self.terms:
            value = atom.of.at(columns, length) // atom.divisor if isinstance(atom, Quotient) else columns[atom]
            total += value if factor == 1 else value * factor
        return total

    def names(self) -> Iterator[str]:
        """The names in it."""
        for atom, _ in self.terms:
            yield from atom.of.names() if isinstance(atom, Quotient) else (atom,)


def _sum(terms: Mapping[str | Quotient, int], constant: int) -> int:
    kept = tuple(sorted(((a, f) for a, f in terms.items() if f), key=lambda term: repr(term[0])))
    return Unknown(Sum(kept, constant)) if kept else constant


def sum_of(value: int) -> Sum:
    """A number as a sum."""
    return value.value if isinstance(value, Unknown) else Sum((), value)


class Unknown(int):
    """A whole number that is not known yet; two are equal if they are the same sum."""

    value: Sum

    def __new__(cls, value: Sum) -> Unknown:
        """The number that `value` stands for."""
        made = super().__new__(cls, 0)
        made.value = value
        return made

    def __reduce__(self) -> tuple[type[Unknown], tuple[Sum]]:
        return Unknown, (self.value,)

    def _plus(self, other: int, factor: int) -> int:
        terms = dict(self.value.terms)
        theirs = sum_of(other)
        for atom, times in theirs.terms:
            terms[atom] = terms.get(atom, 0) + factor * times
        return _sum(terms, self.value.constant + factor * theirs.constant)

    def __add__(self, other: int) -> int:
        return self._plus(other, 1)

    __radd__ = __add__

    def __sub__(self, other: int) -> int:
        return self._plus(other, -1)

    def __rsub__(self, other: int) -> int:
        return -self + other

    def __neg__(self) -> int:
        return self * -1

    def __mul__(self, factor: int) -> int:
        if isinstance(factor, Unknown):
            raise ModelError("a rule multiplies two numbers that are not known yet")
        return _sum({a: f * factor for a, f in self.value.terms}, self.value.constant * factor)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> int:
        if isinstance(divisor, Unknown) or divisor <= 0:
            raise ModelError("a rule divides by a number that is not known yet, or not positive")
        return _sum({Quotient(self.value, divisor): 1}, 0)

    def __gt__(self, other: int) -> bool:
        return positive(self - other)

    def __lt__(self, other: int) -> bool:
        return positive(-(self - other))

    def __ge__(self, other: int) -> bool:
        return not self < other

    def __le__(self, other: int) -> bool:
        return not self > other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and self.value == other.value

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.value)

    def __bool__(self) -> bool:
        raise ModelError("a rule asks whether a number is zero that is not known yet")

    def __repr__(self) -> str:
        return f"Unknown({self.value!r})"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return "…"


def unknown(name: str) -> Unknown:
    """The number called `name`."""
    return Unknown(Sum(((name, 1),)))


# What is decided on the way


class Test(NamedTuple):
    """A comparison on the way: whether a sum is positive."""

    of: Sum
    holds: bool


class Choice(NamedTuple):
    """An action on the way that could go several ways: which of `ways` it went, and what numbers it read."""

    action: str
    way: int
    ways: tuple[str, ...]
    numbers: tuple[tuple[str, Sum], ...]


Way = tuple[Test | Choice, ...]

CHANCE = "chance"
"""The actor of an action that chance decides about: it is a choice even where it has one outcome."""

PATH = "decided on the way"
"""The variable that holds the way so far; its initial value is an empty tuple."""


class _Asked:
    """The comparisons of one run of a rule: those laid down beforehand, then each first true."""

    def __init__(self, known: Mapping[Sum, bool], laid_down: tuple[bool, ...]) -> None:
        self.known = dict(known)
        self.laid_down = laid_down
        self.met: list[Test] = []

    def decide(self, what: Sum) -> bool:
        if what in self.known:
            return self.known[what]
        at = len(self.met)
        holds = self.laid_down[at] if at < len(self.laid_down) else True
        self.known[what] = holds
        self.met.append(Test(what, holds))
        return holds


_asked: ContextVar[_Asked | None] = ContextVar("asked", default=None)


def positive(value: int) -> bool:
    """Whether a number is above zero: known, or decided on the way."""
    if not isinstance(value, Unknown):
        return value > 0
    asked = _asked.get()
    if asked is None:
        raise ModelError("a number that is not known yet is compared where nobody goes both ways")
    return asked.decide(value.value)


def ways(function: Callable[[], T], known: Way = ()) -> Iterator[tuple[tuple[Test, ...], T]]:
    """Every way that `function`, which changes nothing, can go: what was decided anew, and its result."""
    before = {test.of: test.holds for test in known if isinstance(test, Test)}
    todo: list[tuple[bool, ...]] = [()]
    while todo:
        asked = _Asked(before, todo.pop())
        token = _asked.set(asked)
        try:
            result = function()
        finally:
            _asked.reset(token)
        met = tuple(asked.met)
        yield met, result
        decided = tuple(test.holds for test in met)
        todo += [(*decided[:at], False) for at in range(len(asked.laid_down), len(met))]


@dataclass(frozen=True, eq=False)
class Forking:
    """A rule that goes every way, and notes which in `path`; its only way, too, if it is up to `chance`."""

    rule: Rule
    name: str
    chance: bool = False

    @property
    def __name__(self) -> str:
        return self.name

    @property
    def __signature__(self) -> inspect.Signature:
        parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in inspect.signature(self.rule).parameters.values()]
        return inspect.Signature([*parameters, inspect.Parameter("path", inspect.Parameter.KEYWORD_ONLY)])

    def __call__(self, *, path: Way, **arguments: Any) -> Outcomes:
        """Every outcome on every way, each with the way."""
        found: list[Outcome] = []
        for met, outcomes in ways(lambda: self.rule(**arguments), path):
            longer: Way = (*path, *met)
            if not outcomes and met:
                found.append(Outcome("", {"path": longer}))
            several = self.chance or len(outcomes) > 1
            labels = tuple(o.label for o in outcomes)
            for way, each in enumerate(outcomes):
                numbers = tuple((n, sum_of(v)) for n, v in arguments.items() if type(v) in (int, Unknown))
                chosen = (Choice(self.name, way, labels, numbers),) if several else ()
                changed = {"path": (*longer, *chosen)} if several or met else {}
                found.append(Outcome(each.label, {**each.changes, **changed}))
        return tuple(found)


def forking(step: Sequence) -> Sequence:
    """The same sequence, going every way; its parts that are required must not compare what is not known."""
    return Sequence(step.name, tuple(_forking(p) for p in step.parts), step.actor)


def _forking(p: Part) -> Part:
    if isinstance(p.body, Sequence):
        return Part(forking(p.body), p.when, p.required)
    body = p.body
    rule = Forking(body.function, body.name, body.actor == CHANCE)
    reads, writes = (*body.reads, ("path", PATH)), (*body.writes, ("path", PATH))
    return Part(
        Action(body.name, rule, reads, writes, body.constants, body.actor, body.ignored), p.when, p.required
    )
