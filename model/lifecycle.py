"""Lifecycles: which phase may follow which, declared once and read off as an immutable table.

A lifecycle is declared as a python-statemachine class, one documented method per event. The class is for
reading: the model uses the `Lifecycle` read off it, and a test drives the library's own runtime over every
phase and event to show that both agree.

The library accepts in silence much that is a mistake: an arrow without an event fires by itself, of two
arrows with one event the first wins, a raw value in `final` makes nothing final. `lifecycle` refuses it.

The table holds the *intended* lifecycle. What some release of a controller does against it is a *finding*: an
arrow kept beside the table, with the releases that have it. The model makes the move, and `allows` denies it.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from types import FunctionType, MappingProxyType
from typing import Any, Generic, TypeVar

from statemachine import StateChart
from statemachine.event import Event
from statemachine.states import States
from statemachine.transition_list import TransitionList

from model.phase import Phase
from model.system import ModelError

P = TypeVar("P", bound=Phase)


class IllegalTransitionError(ModelError):
    """A phase was asked to change in a way that its lifecycle does not know."""


class LifecycleError(ModelError):
    """The class that declares a lifecycle says something else than its author meant."""


class Strict(StateChart[Any]):
    """The base of every declared lifecycle: the library with its silent defaults turned off."""

    allow_event_without_transition = False
    catch_errors_as_events = False
    atomic_configuration_update = True
    enable_self_transition_entries = False


class _Declared(States):
    """States whose initial and final phases were checked to be members of their enum."""


def phases(of: type[P], *, initial: P, final: Iterable[P] = ()) -> States:
    """The states of a lifecycle, one for each member of `of`.

    Raises LifecycleError if `initial` or one of `final` is not a member: the library would then quietly
    start with the first state, or have no final one.
    """
    ends = list(final)
    if strange := [p for p in (initial, *ends) if not isinstance(p, of)]:
        raise LifecycleError(f"{strange[0]!r} is not a member of {of.__name__}")
    states: States = _Declared.from_enum(of, initial=initial, final=ends)
    return states


def event(*arrows: TransitionList) -> Callable[[Callable[..., None]], Event]:
    """Declares a documented method to be the event of `arrows`; a typed face on the library's decorator."""
    joined: Any = reduce(or_, arrows)
    return lambda method: joined(method)


@dataclass(frozen=True, slots=True)
class Arrow(Generic[P]):
    """A phase may follow another when `event` happens and `guard` (as text, may be empty) holds.

    `releases` is empty for an intended arrow. For a finding it names the releases that make the move.
    """

    source: P
    event: str
    target: P
    guard: str = ""
    doc: str = ""
    releases: tuple[str, ...] = ()


Rows = Mapping[P, Mapping[str, Arrow[P]]]

Heard = set[tuple[Phase, str, Phase]]
"""Moves that were made: a phase, the event, the phase after it."""

_LISTENER: ContextVar[Heard | None] = ContextVar("_LISTENER", default=None)


@contextmanager
def listening() -> Iterator[Heard]:
    """Every move that any lifecycle is asked to make meanwhile, findings among them.

    A rule whose answer is in a table already is not asked again: listen to a system that is new.
    """
    heard: Heard = set()
    token = _LISTENER.set(heard)
    try:
        yield heard
    finally:
        _LISTENER.reset(token)


@dataclass(frozen=True, slots=True)
class Lifecycle(Generic[P]):
    """What may follow what. `arrows` are intended, in the order of declaration; `findings` are not."""

    name: str
    doc: str
    phases: tuple[P, ...]
    initial: P
    final: tuple[P, ...]
    arrows: tuple[Arrow[P], ...]
    findings: tuple[Arrow[P], ...] = ()
    _targets: dict[P, dict[str, P]] = field(init=False, repr=False, compare=False)
    _found: dict[P, dict[str, P]] = field(init=False, repr=False, compare=False)
    _followers: dict[P, frozenset[P]] = field(init=False, repr=False, compare=False)
    _rows: Rows[P] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows: dict[P, dict[str, Arrow[P]]] = {phase: {} for phase in self.phases}
        found: dict[P, dict[str, P]] = {phase: {} for phase in self.phases}
        for arrow in self.arrows:
            rows[arrow.source][arrow.event] = arrow
        for arrow in self.findings:
            found[arrow.source][arrow.event] = arrow.target
        targets = {p: {name: arrow.target for name, arrow in row.items()} for p, row in rows.items()}
        followers = {p: frozenset({p, *row.values()}) for p, row in targets.items()}
        put = object.__setattr__
        put(self, "_rows", MappingProxyType({p: MappingProxyType(row) for p, row in rows.items()}))
        put(self, "_targets", targets)
        put(self, "_found", found)
        put(self, "_followers", followers)

    def after(self, phase: P, event: str, *, findings: bool = False) -> P:
        """The phase that follows `phase` when `event` happens.

        `findings` also admits the moves that some release makes against the intended lifecycle. Guards are
        for the caller to decide.

        Raises IllegalTransitionError if no such arrow leaves `phase`.
        """
        target = self._targets.get(phase, {}).get(event)
        if target is None and findings:
            target = self._found.get(phase, {}).get(event)
        if target is None:
            raise IllegalTransitionError(self._refusal(phase, event, findings))
        if (heard := _LISTENER.get()) is not None:
            heard.add((phase, event, target))
        return target

    def _refusal(self, phase: P, event: str, findings: bool) -> str:
        if phase not in self._rows:
            return f"{self.name}: {phase!r} is not one of its phases"
        allowed = [*self._rows[phase], *(self._found[phase] if findings else ())]
        return (
            f"{self.name}: no {event!r} from {phase.name} ({phase.value!r}); "
            f"allowed: {', '.join(allowed) or 'nothing, it is final'}"
        )

    def leaving(self, phase: P) -> Mapping[str, Arrow[P]]:
        """The intended arrows out of `phase`, by event."""
        return self._rows[phase]

    def allows(self, before: P, now: P) -> bool:
        """Whether `now` is `before`, or may follow it by one intended arrow."""
        return now in self._followers[before]

    def leads_to(self, before: P, now: P) -> bool:
        """Whether `now` is `before`, or may follow it by any number of intended arrows."""
        seen: set[P] = {before}
        waiting = [before]
        while waiting:
            new = self._followers[waiting.pop()] - seen
            seen |= new
            waiting.extend(new)
        return now in seen

    def finding(self, before: P, now: P) -> Arrow[P] | None:
        """The finding that goes from `before` to `now`, if it is one."""
        return next((a for a in self.findings if a.source is before and a.target is now), None)


def lifecycle(
    machine: type[Strict], of: type[P], *, name: str = "", findings: Iterable[Arrow[P]] = ()
) -> Lifecycle[P]:
    """The table that `machine` declares over the phases of `of`.

    `name` defaults to that of the class, without a trailing `Lifecycle`.

    Raises LifecycleError where the class says something else than it seems to say.
    """
    title = name or machine.__name__.removesuffix("Lifecycle")
    declared = _read(machine)
    if why := next(_mistakes(machine, of, declared), ""):
        raise LifecycleError(f"{machine.__name__}: {why}")
    table: Lifecycle[P] = Lifecycle(
        name=title,
        doc=_text(machine.__doc__),
        phases=tuple(of),
        initial=declared.initial,
        final=declared.final,
        arrows=tuple(Arrow(r.source, r.events[0], r.target, r.guard, r.doc) for r in declared.arrows),
    )
    found = tuple(findings)
    if why := next(_strange_findings(table, found), ""):
        raise LifecycleError(f"{machine.__name__}: {why}")
    return replace(table, findings=found)


@dataclass(frozen=True, slots=True)
class _RawArrow:
    source: Any
    events: tuple[str, ...]
    target: Any
    guard: str
    doc: str
    oddities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Raw:
    values: tuple[Any, ...]
    initial: Any
    final: tuple[Any, ...]
    arrows: tuple[_RawArrow, ...]
    oddities: tuple[str, ...]


def _read(machine: type[Strict]) -> _Raw:
    """Everything that is taken from attributes of the library; most of these are not documented."""
    chart: Any = machine
    arrows, oddities = [], []
    for state in chart.states:
        if state.states or state.parallel or state.history:
            oddities.append(f"the state {state.id} has states inside")
        if any(not spec.is_convention for spec in state._specs):
            oddities.append(f"the state {state.id} has actions")
        for transition in state.transitions:
            names = tuple(str(e) for e in transition.events)
            methods = [vars(machine).get(f"_{n}_") for n in names]
            odd = [f"the validator {spec.func!r}" for spec in transition.validators]
            odd += [f"the guard {s.func!r} without a name" for s in transition.cond if callable(s.func)]
            odd += [
                f"the action {spec.func!r}"
                for spec in (*transition.before, *transition.on, *transition.after)
                if not spec.is_convention and spec.func not in methods
            ]
            if len(transition.targets) != 1 or transition.internal:
                odd.append("not exactly one target")
            guard = [(spec.func, spec.expected_value) for spec in transition.cond if isinstance(spec.func, str)]
            method = methods[0] if methods else None
            doc = "" if method is None else _text(getattr(method, "__doc__", ""))
            target = transition.target.value if transition.target else None
            arrows.append(_RawArrow(state.value, names, target, _guard(guard), doc, tuple(odd)))
    if chart._class_listeners:
        oddities.append("it has listeners")
    return _Raw(
        tuple(s.value for s in chart.states),
        chart.initial_state.value,
        tuple(s.value for s in chart.final_states),
        tuple(arrows),
        tuple(oddities),
    )


def _guard(parts: Iterable[tuple[str, bool]]) -> str:
    def one(text: str, expected: bool) -> str:
        plain = text if text.isidentifier() else f"({text})"
        return plain if expected else f"not {plain}"

    return " and ".join(one(text, expected) for text, expected in parts)


def guard_names(guard: str) -> tuple[str, ...]:
    """The names a guard asks about, in order of appearance."""
    nodes = [node for node in ast.walk(ast.parse(guard, mode="eval")) if isinstance(node, ast.Name)]
    return tuple(dict.fromkeys(node.id for node in sorted(nodes, key=lambda node: node.col_offset)))


def _text(doc: str | None) -> str:
    return " ".join((doc or "").split())


def _mistakes(machine: type[Strict], of: type[Phase], declared: _Raw) -> Iterator[str]:
    yield from _class_mistakes(machine, of, declared)
    yield from declared.oddities
    for arrow in declared.arrows:
        where = f"{arrow.source} -> {arrow.target}"
        if not arrow.events:
            yield f"{where} has no event and would fire by itself; is one event declared twice?"
        if len(arrow.events) > 1:
            yield f"{where} has several events: {', '.join(arrow.events)}"
        yield from (f"{where} has {odd}" for odd in arrow.oddities)
        yield from _name_mistakes(arrow)
    many = Counter((a.source, a.events[0]) for a in declared.arrows)
    yield from (f"{n} arrows leave {s} with the event {e!r}" for (s, e), n in many.items() if n > 1)


_LAX = {
    "allow_event_without_transition": False,
    "catch_errors_as_events": False,
    "enable_self_transition_entries": False,
}


def _class_mistakes(machine: type[Strict], of: type[Phase], declared: _Raw) -> Iterator[str]:
    body = vars(machine)
    if machine.__bases__ != (Strict,):
        yield "it must have Strict as its only base; arrows of a subclass would be added to its base, too"
    yield from (f"{flag} must stay {want}" for flag, want in _LAX.items() if getattr(machine, flag) is not want)
    if not any(isinstance(value, _Declared) for value in body.values()):
        yield "its states must come from `phases`"
    if declared.values != tuple(of):
        yield f"its states are not the members of {of.__name__}, one each and in their order"
    if not _text(machine.__doc__) or machine.__doc__ == Strict.__doc__:
        yield "it has no docstring"
    yield from (f"the phase {p.name} has no documentation" for p in of if not p.doc)
    events = {f"_{name}_" for arrow in declared.arrows for name in arrow.events}
    for key, value in body.items():
        if isinstance(value, FunctionType) and key not in events:
            yield f"{key} is not an event; a lifecycle does nothing"
        if isinstance(value, FunctionType) and value.__code__.co_code != _nothing.__code__.co_code:
            yield f"{key.strip('_')} does something; a lifecycle only says what may follow what"


def _nothing(self: object) -> None:
    """What an event does: it is only declared."""


def _name_mistakes(arrow: _RawArrow) -> Iterator[str]:
    for name in arrow.events:
        if hasattr(Strict, name) or name in ("model", "initial_state", "final_states", "listeners"):
            yield f"the event {name!r} has the name of something else in the library"
        if name == "error" or name.startswith(("error_", "error.", "done_", "done.")):
            yield f"the event {name!r} has a name that the library gives a meaning of its own"
        if not arrow.doc:
            yield f"the event {name!r} has no documentation"


def _strange_findings(table: Lifecycle[P], findings: Iterable[Arrow[P]]) -> Iterator[str]:
    for arrow in findings:
        where = f"the finding {arrow.event!r} from {arrow.source}"
        if arrow.source not in table.phases or arrow.target not in table.phases:
            yield f"{where} to {arrow.target} leaves the phases of the lifecycle"
        elif arrow.event in table.leaving(arrow.source) or table.allows(arrow.source, arrow.target):
            yield f"{where} to {arrow.target} is intended already"
        if not arrow.releases or not arrow.doc:
            yield f"{where} says not in which releases, or not what happens"
