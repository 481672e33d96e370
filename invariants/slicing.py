"""Slicing: variables that nothing of interest reads are dropped before a system is explored.

The cone of influence of the properties: a variable is of interest if a property reads it, or if an action
(or a part of a sequence) that may write a variable of interest reads it. A sequence that may write one has
its required parts, and the conditions on the way to the parts that write, in the cone as well. Actions and
parts that write only dropped variables vanish; the others ignore what they write to them.

What an action may write is read off its function: the keywords of its outcomes, or, where its source does not show
them, the names that it mentions as keywords or strings, in its own code and in the functions that it calls. An
action that writes a name that is not found so is caught when
it runs, and the system is then explored unsliced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from types import CodeType, FunctionType, ModuleType

from invariants.properties import Kind, Property
from invariants.writing import written_names
from model.system import Action, Part, Sequence, System, only, outcome

Body = Action | Sequence


@dataclass(frozen=True, slots=True)
class Slice:
    """A system without the variables that nothing of interest reads.

    `dropped` are those variables, `vanished` the steps that wrote nothing else.
    """

    system: System
    dropped: tuple[str, ...]
    vanished: tuple[str, ...]


def sliced(system: System, properties: Iterable[Property]) -> Slice:
    """The slice of `system` that the properties need; all of it if there are none."""
    claims = tuple(properties)
    if not claims:
        return Slice(system, (), ())
    kept = cone(system, claims)
    named = {name for c in claims for name in c.named}
    steps = tuple(
        slim
        for step in system.actions
        if (wanted := step.name in named) or writes_any(step, kept)
        if (slim := _slim(step, kept, wanted=wanted)) is not None
    )
    left = {s.name for s in steps}
    return Slice(
        System(system.name, tuple(v for v in system.variables if v.name in kept), steps, system.tables),
        tuple(v.name for v in system.variables if v.name not in kept),
        tuple(s.name for s in system.actions if s.name not in left),
    )


def cone(system: System, properties: Iterable[Property]) -> frozenset[str]:
    """The variables that the properties read, and those that can have an influence on them."""
    claims = tuple(properties)
    kept = {v for c in claims for v in c.variables}
    named = {name for c in claims for name in c.named}
    open_ = [(written, read) for s in system.actions for written, read in _influences(s, wanted=s.name in named)]
    while True:
        later: list[_Influence] = []
        more: set[str] = set()
        for written, read in open_:
            if written is None or not written.isdisjoint(kept):
                more |= read
            else:
                later.append((written, read))
        if more <= kept:
            return frozenset(kept)
        kept |= more
        open_ = later


_Influence = tuple[frozenset[str] | None, frozenset[str]]
"""Where one of these variables is of interest (None: anyhow), so is each of those."""


def _influences(step: Body, *, wanted: bool, when: frozenset[str] = frozenset()) -> Iterator[_Influence]:
    """What `step` must read to write variables (if `wanted`, to be enabled) as it does; it runs by `when`."""
    if isinstance(step, Action):
        yield None if wanted else may_write(step), when.union(v for _, v in step.reads)
        return
    whole = None if wanted else may_write(step) if any(p.required for p in step.parts) else frozenset[str]()
    for p in step.parts:
        conditions = when.union(name for name, _ in p.when)
        for written, read in _influences(p.body, wanted=False, when=conditions):
            yield whole if p.required else written, read


def _slim(step: Body, kept: frozenset[str], *, wanted: bool) -> Body | None:
    """`step` without what concerns only dropped variables, None if nothing is left."""
    if isinstance(step, Action):
        writable = _writable(step)
        targets = {n: v for n, v in step.writes if n in writable}
        if not wanted and kept.isdisjoint(targets.values()):
            return None
        return replace(
            step,
            writes=tuple((n, v) for n, v in targets.items() if v in kept),
            ignored=step.ignored.union(n for n, v in targets.items() if v not in kept),
        )
    slim = ((p, _slim(p.body, kept, wanted=p.required)) for p in step.parts)
    parts = tuple(Part(body, p.when, p.required) for p, body in slim if body is not None)
    return Sequence(step.name, parts, step.actor) if parts or wanted else None


def writes_any(step: Body, names: Iterable[str]) -> bool:
    """Whether `step` may write one of these variables."""
    return not may_write(step).isdisjoint(names)


def may_write(step: Body) -> frozenset[str]:
    """The variables that `step` may write, as far as its functions show."""
    if isinstance(step, Sequence):
        return frozenset[str]().union(*(may_write(p.body) for p in step.parts))
    names = _writable(step)
    return frozenset(v for n, v in step.writes if n in names)


def _writable(of: Action) -> frozenset[str]:
    """The names among those that `of` declares that it may write."""
    read = {n for n, _ in of.reads}
    written = written_names(of.function)
    mentioned = _mentioned(of.function).union(_strings(of.constants)) if written is None else written
    return frozenset(n for n, _ in of.writes if n not in of.ignored and (n not in read or n in mentioned))


@lru_cache(maxsize=1_000)  # some are of one system only, and would keep it
def _mentioned(function: Callable[..., object]) -> frozenset[str]:
    """Every string in the code of `function` and of the functions that it refers to."""
    found: set[str] = set()
    seen: set[int] = set()
    todo: list[object] = [function]
    while todo:
        item = todo.pop()
        if id(item) in seen or item in (outcome, only):
            continue
        seen.add(id(item))
        if isinstance(item, partial):
            found.update(_strings((item.args, tuple(item.keywords.items()))))
            todo.append(item.func)
        elif isinstance(item, FunctionType):
            found.update(_strings(item.__code__.co_consts))
            found.update(_strings((item.__defaults__, tuple((item.__kwdefaults__ or {}).items()))))
            todo.extend(_referred(item))
        else:
            todo.extend(getattr(item, name, None) for name in ("__wrapped__", "__func__"))
            todo.append(vars(type(item)).get("__call__"))
            found.update(_strings(item))
    return frozenset(found)


def _referred(function: FunctionType) -> Iterator[object]:
    """The objects that the code of `function` names: globals, what it closes over, members of modules."""
    names = set(_names(function.__code__))
    for cell in function.__closure__ or ():
        yield cell.cell_contents
    for name in names:
        item = function.__globals__.get(name)
        if isinstance(item, ModuleType):
            yield from (getattr(item, n) for n in names if isinstance(getattr(item, n, None), FunctionType))
        elif item is not None:
            yield item


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)


def _strings(item: object) -> Iterator[str]:
    if isinstance(item, str):
        yield item
    elif isinstance(item, CodeType):
        yield from _strings(item.co_consts)
    elif isinstance(item, (tuple, list, frozenset, set)):
        for x in item:
            yield from _strings(x)
    elif isinstance(item, dict):
        for pair in item.items():
            yield from _strings(pair)


def stutter_claims(properties: Iterable[Property]) -> tuple[Property, ...]:
    """The claims that a vanished step could break without changing anything they read."""
    return tuple(c for c in properties if c.kind is Kind.EVERY_STEP and not c.by)
