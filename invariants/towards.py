"""One way for a step to go: the one that ends where a trace says, or that is called as a trace says.

A sequence of many choices can go more ways than can be listed, and few of them end in a given state. So the choices
are made one after the other, each time the way after which the fewest values are still wrong at the end, the
later choices being made anyhow. That is a guess; if it leads nowhere, all ways are gone through.

Labels are made from left to right, so that of the ways called otherwise only the beginnings are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from model.system import Action, Part, Run, Sequence, State, Successor, System, Value, applies
from model.system import run as ways_of

Good = Callable[[State], bool]

Choices = tuple[tuple[int, int], ...]
"""Of each choice that is made on a way: the number of what is chosen, and of how many."""


def towards(
    system: System, step: Action | Sequence, before: State, target: Mapping[str, Value], good: Good
) -> Successor | None:
    """A way from `before` that `step` goes and that ends with the values of `target` and is `good`.

    It is the same every time. `target` may name local variables, and `good` sees them too, as the step left them.
    None if there is no such way.
    """
    seeker = _Seeker(system, step, before, target, good)
    run = seeker.guess() or seeker.exhaust()
    return seeker.successor(run) if run else None


def chosen(
    system: System, step: Action | Sequence, before: State, made: Choices, *, begun: bool = False
) -> Successor | None:
    """The way that is gone by these choices; None if there are others to make.

    If they are only `begun`, the first way of each choice is gone after them.
    """
    seeker = _Seeker(system, step, before, {}, lambda _: True)
    run, wrong = seeker.go(tuple(way for way, _ in made))
    found = [*zip(run.taken, run.ways, strict=True)]
    if wrong or (found[: len(made)] if begun else found) != [*made]:
        return None
    return seeker.successor(run)


def labelled(system: System, step: Action | Sequence, before: State, label: str) -> list[Successor]:
    """The ways of `system.perform` that have this label, in the same order."""
    initial = {v.name: v.initial[0] for v in system.variables if v.local}
    return [
        Successor(step, label, {n: scope[n] for n in before}, {n: scope[n] for n in initial})
        for so_far, scope in _labelled(Part(step, required=True), "", {**before, **initial}, label, system)
        if so_far == label
    ]


def _labelled(p: Part, so_far: str, scope: dict[str, Value], label: str, system: System) -> Run:
    """Every way to run a part whose label, and what came before it, is one that `label` begins with."""
    stays: Run = [] if p.required else [(so_far, scope)]
    if p.when and not applies(p, scope):
        return stays
    if isinstance(p.body, Action):
        ways = ways_of(p.body, scope, system.tables)
        named = [(f"{so_far}; {more}" if so_far and more else so_far or more, after) for more, after in ways]
        return [way for way in named if f"{label}; ".startswith(f"{way[0]}; " if way[0] else "")] if ways else stays
    going: Run = [(so_far, scope)]
    for each in p.body.parts:
        going = [after for name, values in going for after in _labelled(each, name, values, label, system)]
    return going


@dataclass(slots=True)
class _Run:
    """A way gone to its end: the values there, and of how many ways each choice was one, and which."""

    scope: dict[str, Value]
    planned: tuple[int, ...]
    labels: list[str] = field(default_factory=list)
    ways: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    def choose(self, ways: int) -> int:
        """The next choice: as planned, if there is such a way, then the first way of each."""
        number = len(self.taken)
        way = self.planned[number] if number < len(self.planned) and self.planned[number] < ways else 0
        self.ways.append(ways)
        self.taken.append(way)
        return way


@dataclass(frozen=True, slots=True)
class _Seeker:
    system: System
    step: Action | Sequence
    before: State
    target: Mapping[str, Value]
    good: Good

    def label(self, run: _Run) -> str:
        """What the way is called."""
        return "; ".join(run.labels)

    def successor(self, run: _Run) -> Successor:
        """The step that goes that way."""
        locals_ = [v.name for v in self.system.variables if v.local]
        state, record = ({n: run.scope[n] for n in names} for names in (self.before, locals_))
        return Successor(self.step, self.label(run), state, record)

    def guess(self) -> _Run | None:
        """Choose step by step what leaves the fewest values wrong."""
        planned: tuple[int, ...] = ()
        while True:
            run, wrong = self.go(planned)
            if not wrong:
                return run
            if len(planned) >= len(run.taken):
                return None
            others = range(1, run.ways[len(planned)])
            tried = [(wrong, 0), *((self.go((*planned, way))[1], way) for way in others)]
            planned = (*planned, min(tried)[1])

    def exhaust(self) -> _Run | None:
        """Go every way, in order."""
        planned: tuple[int, ...] = ()
        while True:
            run, wrong = self.go(planned)
            if not wrong:
                return run
            last = len(run.taken) - 1
            while last >= 0 and run.taken[last] + 1 == run.ways[last]:
                last -= 1
            if last < 0:
                return None
            planned = (*run.taken[:last], run.taken[last] + 1)

    def go(self, planned: tuple[int, ...]) -> tuple[_Run, int]:
        """One way, and how much is wrong with its end; nothing is if it is the one that is sought."""
        initial = {v.name: v.initial[0] for v in self.system.variables if v.local}
        run = _Run({**self.before, **initial}, planned)
        if not self._part(Part(self.step, required=True), run):
            return run, len(self.target) + 2
        wrong = sum(run.scope[n] != value for n, value in self.target.items())
        return run, wrong if wrong or self.good(run.scope) else 1

    def _part(self, p: Part, run: _Run) -> bool:
        """Run a part; False if that ends it all, because it is required and does not run."""
        if p.when and not applies(p, run.scope):
            return not p.required
        if isinstance(p.body, Action):
            return self._act(p.body, run) or not p.required
        return all(self._part(each, run) for each in p.body.parts)

    def _act(self, action: Action, run: _Run) -> bool:
        row = self.system.tables.row(action, run.scope)
        if not row:
            return False
        result = row[run.choose(len(row)) if len(row) > 1 else 0]
        self.system.tables.assign(action, result, run.scope)
        if result.label:
            run.labels.append(result.label)
        return True
