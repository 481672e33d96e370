"""Fusing: neighbouring parts of a sequence that look at few variables become one action.

A controller's pass is written as many narrow rules, which is right for reading, for slicing and for testing, and
slow where every rule costs an operation on large diagrams. Parts that together read few variables have few
combinations of values, so what they do together is tabulated as if it were one action, by running them on one
combination after the other. Nothing else changes: the same rules run in the same order.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from invariants.mentions import looked_at, mentioned
from model.system import (
    Action,
    Outcome,
    Outcomes,
    Part,
    Sequence,
    System,
    Tables,
    Value,
    rename,
    run,
)

READS = 10
"""How many variables fused parts may look at together."""

UNSET = object()


@dataclass(frozen=True, eq=False)
class Composite:
    """A sequence as a rule: its variables are called `v0`, `v1`, ...

    `reads` are those whose values it needs, `writes` those it may change; `inner` are its own, with their initial
    values.
    """

    body: Sequence
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    inner: tuple[tuple[str, Value], ...]
    tables: Tables

    @property
    def __name__(self) -> str:
        return self.body.name

    @cached_property
    def __signature__(self) -> inspect.Signature:
        return inspect.Signature([inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in self.reads])

    def __call__(self, **values: Any) -> Outcomes:
        """Every way the sequence can go."""
        scope = dict.fromkeys(self.writes, UNSET) | dict(self.inner) | values
        return tuple(
            Outcome(label, {n: after[n] for n in self.writes if after[n] is not values.get(n, UNSET)})
            for label, after in run(self.body, scope, self.tables)
        )


def fused(system: System, seen: Iterable[str] = (), reads: int = READS) -> System:
    """The system with neighbouring parts fused where they look at no more than `reads` variables together.

    `seen` are local variables that somebody wants to see as a step leaves them.
    """
    fusing = _Fusing(system, frozenset(seen), reads)
    return System(system.name, system.variables, tuple(map(fusing.step, system.actions)), system.tables)


class _Fusing:
    """One system being fused, and what was made of equal sequences before."""

    def __init__(self, system: System, seen: frozenset[str], most: int) -> None:
        self.locals = {v.name: v.initial[0] for v in system.variables if v.local and v.name not in seen}
        self.tables = system.tables
        self.most = most
        self._made: dict[object, Composite] = {}

    def step(self, step: Action | Sequence) -> Action | Sequence:
        """A step of the system, fused."""
        if isinstance(step, Action):
            return step
        uses = Counter(v for p in step.parts for v in set(mentioned((p,))))
        return replace(step, parts=tuple(self._parts(step.parts, uses)))

    def _parts(self, parts: tuple[Part, ...], uses: Counter[str]) -> Iterator[Part]:
        """The parts of a sequence, fused; `uses` says how many parts mention a variable, here and around."""
        group: list[Part] = []
        for part in parts:
            if part.required:
                yield from self._closed(group, uses)
                group = []
                yield part
                continue
            if group and len(_reads(Sequence("", (*group, part)), self._inner([*group, part], uses))) > self.most:
                yield from self._closed(group, uses)
                group = []
            group.append(part)
        yield from self._closed(group, uses)

    def _inner(self, group: list[Part], uses: Counter[str]) -> dict[str, Value]:
        """The local variables that nothing outside the group mentions."""
        here = Counter(v for p in group for v in set(mentioned((p,))))
        return {v: self.locals[v] for v, n in here.items() if v in self.locals and uses[v] == n}

    def _closed(self, group: list[Part], uses: Counter[str]) -> Iterator[Part]:
        if not group:
            return
        inner = self._inner(group, uses)
        body = Sequence("; ".join(p.body.name for p in group), tuple(group))
        if len(_reads(body, inner)) <= self.most:
            if len(group) == 1 and isinstance(group[0].body, Action):
                yield group[0]
            else:
                yield Part(self._composed(body, inner))
            return
        for part in group:
            if isinstance(part.body, Action):
                yield part
                continue
            within = Counter(v for p in part.body.parts for v in set(mentioned((p,))))
            outside = {v for v in within if uses[v] > 1 or v in dict(part.when)}
            within.update(outside)
            yield replace(part, body=replace(part.body, parts=tuple(self._parts(part.body.parts, within))))

    def _composed(self, body: Sequence, inner: dict[str, Value]) -> Action:
        reads = tuple(_reads(body, inner))
        writes = tuple(dict.fromkeys(v for v in _written(body) if v not in inner))
        names = {v: f"v{k}" for k, v in enumerate(dict.fromkeys((*reads, *writes, *inner)))}
        again = replace(rename(body, names), name=body.name)
        key = (again, tuple(names[v] for v in reads))
        composite = self._made.get(key)
        if composite is None:
            own = tuple((names[v], value) for v, value in inner.items())
            mine = [tuple(names[v] for v in some) for some in (reads, writes)]
            composite = self._made[key] = Composite(again, mine[0], mine[1], own, self.tables)
        return Action(
            body.name,
            composite,
            tuple((names[v], v) for v in reads),
            tuple((names[v], v) for v in writes),
        )


def _written(step: Sequence) -> Iterator[str]:
    for p in step.parts:
        if isinstance(p.body, Sequence):
            yield from _written(p.body)
        else:
            yield from (v for n, v in p.body.writes if n not in p.body.ignored)


def _reads(step: Sequence, inner: dict[str, Value]) -> list[str]:
    """The variables whose values decide what the sequence does, without its own."""
    return [v for v in dict.fromkeys(looked_at(step.parts)) if v not in inner]
