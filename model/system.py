"""Variables, actions, sequences and systems: the words every model here is written in.

Terms are those of TLA+ and of model checking. A *state* is one value for every state variable. An *action* is
a pure function whose parameters are the variables it reads; it answers with its possible outcomes, each a
short label and new values for some variables. No outcome means that it is not enabled. Because an action
cannot see a variable it does not name, its outcomes depend on its arguments alone: they are kept in a
`Table`, one row per combination of arguments ever met, shared by every action made of the same function and
constants. The engines that explore, the simulator and the replay all read these tables; there is no second
copy of any rule.

A *sequence* runs its parts one after the other as one atomic step. Local variables live only inside a step:
between steps they have their initial value.
"""

from __future__ import annotations

import inspect
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from operator import itemgetter
from types import FunctionType
from typing import Any, TypeVar

Value = Hashable
State = Mapping[str, Any]
"""One value for every state variable that is not local, by name."""


class ModelError(Exception):
    """A model contradicts itself: the message says what was asked, what was found and what is possible."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A named slot of the state, holding immutable, hashable values that `==` can tell apart.

    `initial` lists the values it may start with (usually one). `domain` lists every value it can have where
    that is known, which spares the engines a restart; empty means that values are numbered as they appear. A
    `local` variable lives only inside a sequence and has exactly one initial value.
    """

    name: str
    initial: tuple[Value, ...]
    domain: tuple[Value, ...] = ()
    local: bool = False


def variable(name: str, *initial: Value, domain: Iterable[Value] = ()) -> Variable:
    """A state variable that starts with one of `initial`, whichever."""
    return Variable(name, initial, tuple(domain))


def local(name: str, initial: Value, *, domain: Iterable[Value] = ()) -> Variable:
    """A variable that lives only inside a sequence; it is `initial` in every state between steps."""
    return Variable(name, (initial,), tuple(domain), local=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way an action can go: a label for people and the new values, by the names the action uses."""

    label: str
    changes: Mapping[str, Value]


Outcomes = tuple[Outcome, ...]
Rule = Callable[..., Outcomes]
NOT_ENABLED: Outcomes = ()


def outcome(label: str = "", /, **changes: Value) -> Outcome:
    """An outcome; names that are not given keep their value."""
    return Outcome(label, changes)


def only(label: str = "", /, **changes: Value) -> Outcomes:
    """The outcomes of an action that can go one way."""
    return (Outcome(label, changes),)


@dataclass(frozen=True, slots=True)
class Action:
    """A function bound to the variables it reads and writes.

    `reads` pairs each parameter with a variable, in the order of the function's parameters; `writes` pairs
    each name an outcome may use with a variable (every parameter, and names that are written but not read).
    `constants` are the arguments fixed when the system was built. `actor` says who acts (controller, person,
    clock, ...). `ignored` are names an outcome may use whose variables were sliced away.
    """

    name: str
    function: Rule
    reads: tuple[tuple[str, str], ...]
    writes: tuple[tuple[str, str], ...]
    constants: tuple[tuple[str, Hashable], ...] = ()
    actor: str = ""
    ignored: frozenset[str] = frozenset()


def _parameters(function: Rule) -> tuple[str, ...]:
    return _known(function) if isinstance(function, FunctionType) else tuple(inspect.signature(function).parameters)


@cache  # of functions only, which stay; an object that can be called would be kept for ever
def _known(function: FunctionType) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def action(
    function: Rule,
    name: str = "",
    *,
    actor: str = "",
    writes: Mapping[str, str] | Iterable[str] = (),
    constants: Mapping[str, Hashable] | None = None,
    reads: Mapping[str, str] | None = None,
    **binding: str,
) -> Action:
    """Bind `function` to variables.

    A parameter that is neither in `constants`, nor in `reads`, nor in `binding` (the same, as keywords) reads
    the variable of its own name. `writes` names what an outcome may write without reading it (a mapping where
    the variable is called differently).

    Raises ModelError if `constants` or `binding` name something that is not a parameter.
    """
    fixed = constants or {}
    binding = {**(reads or {}), **binding}
    parameters = _parameters(function)
    if unknown := [n for n in (*fixed, *binding) if n not in parameters]:
        raise ModelError(f"{function.__name__} has no parameter {unknown[0]!r}; it has: {', '.join(parameters)}")
    read = tuple((p, binding.get(p, p)) for p in parameters if p not in fixed)
    more = writes.items() if isinstance(writes, Mapping) else ((w, w) for w in writes)
    return Action(name or function.__name__, function, read, (*read, *more), tuple(sorted(fixed.items())), actor)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a sequence.

    It runs only where every variable in `when` has one of the values listed there; elsewhere, and where it
    has no outcome, the state stays as it is and the sequence goes on. A `required` part is a guard of the
    whole: where it does not run or has no outcome, the sequence is not enabled.
    """

    body: Action | Sequence
    when: tuple[tuple[str, tuple[Value, ...]], ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Several actions one after the other, as one atomic step.

    Only the sequence that a system lists may have required parts, not one nested in it.
    """

    name: str
    parts: tuple[Part, ...]
    actor: str = ""


def sequence(name: str, *parts: Part | Action | Sequence, actor: str = "") -> Sequence:
    """A sequence; a bare action or sequence is a part without conditions."""
    return Sequence(name, tuple(p if isinstance(p, Part) else Part(p) for p in parts), actor)


def part(body: Action | Sequence, **when: Value | tuple[Value, ...]) -> Part:
    """A part that runs only where each named variable has the given value, or one of a tuple of them."""
    return Part(body, tuple((n, v if isinstance(v, tuple) else (v,)) for n, v in when.items()))


def required(body: Action) -> Part:
    """A part without which the sequence is not enabled."""
    return Part(body, required=True)


class Table:
    """What a function answered, by arguments; `calls` and `seconds` say what learning it took."""

    __slots__ = ("calls", "constants", "function", "names", "rows", "seconds")

    def __init__(self, function: Rule, constants: tuple[tuple[str, Hashable], ...]) -> None:
        self.function = function
        self.constants = dict(constants)
        self.names = tuple(p for p in _parameters(function) if p not in self.constants)
        self.rows: dict[tuple[Value, ...], Outcomes] = {}
        self.calls = 0
        self.seconds = 0.0

    def __getitem__(self, arguments: tuple[Value, ...]) -> Outcomes:
        """The outcomes for `arguments`, in the order of the parameters that are not constants."""
        try:
            return self.rows[arguments]
        except KeyError:
            began = time.perf_counter()
            row = self.function(**dict(zip(self.names, arguments, strict=True)), **self.constants)
            self.seconds += time.perf_counter() - began
            self.calls += 1
            self.rows[arguments] = row
            return row


Scope = dict[str, Any]
Run = list[tuple[str, Scope]]
Bound = tuple[Action, Table, Callable[[Scope], tuple[Value, ...]], dict[str, str]]


class Tables:
    """The tables of a set of actions: one for every function and constants, however many actions share them."""

    def __init__(self) -> None:
        self._by_function: dict[object, Table] = {}
        # To hash the constants at every step would cost more than the step. The action is kept with its table, so
        # that no other can come to have its id.
        self._by_action: dict[int, Bound] = {}

    def table(self, of: Action) -> Table:
        """The table that `of` shares with every action made of the same function and constants."""
        return self._bound(of)[1]

    def _bound(self, of: Action) -> Bound:
        """The action with its table, what reads its arguments, and the variables it writes by its own names."""
        found = self._by_action.get(id(of))
        if found is None:
            key = (of.function, of.constants)
            table = self._by_function.get(key) or self._by_function.setdefault(key, Table(*key))
            targets = {n: v for n, v in of.writes if n not in of.ignored}
            found = self._by_action[id(of)] = (of, table, _reader([v for _, v in of.reads]), targets)
        return found

    def row(self, of: Action, scope: Scope) -> Outcomes:
        """The outcomes of `of` where the variables have these values."""
        _, table, read, _ = self._bound(of)
        arguments = read(scope)
        row = table.rows.get(arguments)
        return table[arguments] if row is None else row

    def assign(self, of: Action, result: Outcome, scope: Scope) -> Scope:
        """The same `scope`, in which `of` ended in one of its outcomes.

        Raises ModelError if that writes a name that the action does not declare.
        """
        targets = self._bound(of)[3]
        for name, value in result.changes.items():
            if name in targets:
                scope[targets[name]] = value
            elif name not in of.ignored:
                assignments(of, result)
        return scope


def _reader(names: list[str]) -> Callable[[Scope], tuple[Value, ...]]:
    """What looks up these variables, all at once."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda scope: tuple([scope[name] for name in names])


def run(step: Action | Sequence, scope: Scope, tables: Tables) -> Run:
    """Every way `step` can go, as a label and the values of all variables after it; none if it is not enabled.

    `scope` holds a value for every variable that is used, local ones too. It is given away: one of the results may
    be the same dictionary.
    """
    if isinstance(step, Action):
        return _act(step, scope, tables)
    label = ""
    for number, p in enumerate(step.parts):
        if p.when and not applies(p, scope):
            after = None
        elif isinstance(p.body, Action):
            after = _act(p.body, scope, tables)
        else:
            after = run(p.body, scope, tables)
        if not after:
            if p.required:
                return []
        elif len(after) == 1:
            more, scope = after[0]
            label = _both(label, more)
        else:
            rest = Sequence("", step.parts[number + 1 :])
            going = [(_both(label, more), s) for more, s in after]
            return [(_both(so_far, more), s) for so_far, way in going for more, s in run(rest, way, tables)]
    return [(label, scope)]


def applies(p: Part, scope: Mapping[str, Value]) -> bool:
    """Whether the part runs where the variables have these values: each of `when` has one of those listed."""
    for name, values in p.when:  # noqa: SIM110 - a generator would take twice as long, and this is asked often
        if scope[name] not in values:
            return False
    return True


def _both(label: str, more: str) -> str:
    return f"{label}; {more}" if label and more else label or more


def _act(of: Action, scope: Scope, tables: Tables) -> Run:
    row = tables.row(of, scope)
    if len(row) == 1:
        return [(row[0].label, tables.assign(of, row[0], scope))]
    return [(o.label, tables.assign(of, o, {**scope})) for o in row]


@dataclass(frozen=True, slots=True)
class Successor:
    """A step that can be taken: by which action, how it went, the state after it.

    `record` holds the local variables as the step left them: what happened inside it.
    """

    action: Action | Sequence
    label: str
    state: State
    record: State


@dataclass(frozen=True)
class System:
    """Variables, and the one visible list of everything that can happen.

    The order of `variables` is the order of the decision diagrams: keep together what changes together.

    Raises ModelError where names are doubled, unknown or inconsistent.
    """

    name: str
    variables: tuple[Variable, ...]
    actions: tuple[Action | Sequence, ...]
    tables: Tables = field(default_factory=Tables, repr=False, compare=False)

    def __post_init__(self) -> None:
        _validate(self)

    def initial_states(self) -> Iterator[State]:
        """Every state the system may start in."""
        states: list[dict[str, Value]] = [{}]
        for v in self.variables:
            if not v.local:
                states = [{**s, v.name: value} for s in states for value in v.initial]
        yield from states

    def successors(self, state: State) -> Iterator[Successor]:
        """Every step that can be taken from `state`, in the order of `actions`."""
        for step in self.actions:
            yield from self.perform(step, state)

    def perform(self, step: Action | Sequence, state: State) -> list[Successor]:
        """Every way `step` can go from `state`; none if it is not enabled."""
        locals_ = {v.name: v.initial[0] for v in self.variables if v.local}
        kept = tuple(state)
        return [
            Successor(step, label, {n: scope[n] for n in kept}, {n: scope[n] for n in locals_})
            for label, scope in run(step, {**state, **locals_}, self.tables)
        ]


def assignments(of: Action, result: Outcome) -> dict[str, Value]:
    """The new values of `result` by variable.

    Raises ModelError if it writes a name that the action does not declare.
    """
    targets = dict(of.writes)
    try:
        return {targets[n]: v for n, v in result.changes.items() if n not in of.ignored}
    except KeyError as unknown:
        declared = ", ".join(targets)
        raise ModelError(
            f"{of.name} writes {unknown}, which it does not declare; it declares: {declared}"
        ) from None


def parts_of(step: Action | Sequence) -> Iterator[Action]:
    """Every action in `step`, in order."""
    if isinstance(step, Action):
        yield step
    else:
        for p in step.parts:
            yield from parts_of(p.body)


S = TypeVar("S", Action, Sequence, Action | Sequence)


def rename(step: S, names: Mapping[str, str]) -> S:
    """The same step over other variables: those in `names` by their new names."""

    def new(name: str) -> str:
        return names.get(name, name)

    def bound(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((name, new(variable)) for name, variable in pairs)

    if isinstance(step, Action):
        return replace(step, reads=bound(step.reads), writes=bound(step.writes))
    parts = (Part(rename(p.body, names), tuple((new(n), v) for n, v in p.when), p.required) for p in step.parts)
    return replace(step, parts=tuple(parts))


def mutate(system: System, **functions: Rule) -> System:
    """The system with the functions named by keyword replaced: a mutant for a property to catch."""
    known = {a.function.__name__ for step in system.actions for a in parts_of(step)}
    if missing := sorted(functions.keys() - known):
        raise ModelError(f"{system.name} has no action function {missing[0]!r}; it has: {', '.join(sorted(known))}")

    def swap(step: Action | Sequence) -> Action | Sequence:
        if isinstance(step, Sequence):
            return replace(step, parts=tuple(replace(p, body=swap(p.body)) for p in step.parts))
        return replace(step, function=functions.get(step.function.__name__, step.function))

    return System(system.name, system.variables, tuple(swap(a) for a in system.actions))


def _validate(system: System) -> None:
    names = [v.name for v in system.variables]
    _refuse_doubles(f"{system.name}: variable", names)
    _refuse_doubles(f"{system.name}: action", [a.name for a in system.actions])
    for v in system.variables:
        if not v.initial or (v.local and len(v.initial) > 1):
            raise ModelError(f"{system.name}: {v.name} needs {'one' if v.local else 'an'} initial value")
        if v.domain and not set(v.initial) <= set(v.domain):
            raise ModelError(f"{system.name}: {v.name} starts outside its domain")
    known = set(names)
    for step in system.actions:
        _validate_step(system.name, step, known, top=True)


def _validate_step(where: str, step: Action | Sequence, known: set[str], *, top: bool) -> None:
    if isinstance(step, Action):
        if unknown := [v for _, v in (*step.reads, *step.writes) if v not in known]:
            raise ModelError(f"{where}: {step.name} uses the variable {unknown[0]!r}, which does not exist")
        return
    for p in step.parts:
        if unknown := [v for v, _ in p.when if v not in known]:
            raise ModelError(f"{where}: {step.name} asks for the variable {unknown[0]!r}, which does not exist")
        if p.required and (not top or isinstance(p.body, Sequence)):
            raise ModelError(f"{where}: in {step.name}, only an action of the outermost sequence can be required")
        _validate_step(where, p.body, known, top=False)


def _refuse_doubles(what: str, names: list[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise ModelError(f"{what} {name!r} exists twice")
