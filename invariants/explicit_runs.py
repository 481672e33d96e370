"""Claims about runs on the explicit engine: the steps as a graph, and its strongly connected components.

The cross-check of `invariants.awaiting`: nothing is shared with it but the walk round a component. A component that
cannot be fair is broken up by taking away the states where a strong fairness is enabled that is never kept there
(Streett's condition), until what is left is fair or empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from invariants.explicit import Explicit
from invariants.gather import Judge
from invariants.lassos import Moves, Need, round_trip
from invariants.packing import Keys, join
from invariants.properties import Kind, Property

Mask = NDArray[np.bool_]
Numbers = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Graph:
    """Every state of a complete exploration, by its place in the sorted `keys`, and every step between two."""

    engine: Explicit
    keys: Keys
    source: Numbers
    target: Numbers
    step: Numbers

    def named(self, names: Iterable[str]) -> Mask:
        """The steps of these names."""
        wanted = set(names)
        return np.array([s.name in wanted for s in self.engine.system.actions], np.bool_)[self.step]

    @cached_property
    def size(self) -> int:
        """How many states there are."""
        return len(self.keys)


def graph_of(engine: Explicit, pause: Callable[[int], None]) -> Graph:
    """The graph of everything that was reached; `pause` is told the bytes in use and may raise to stop."""
    keys = np.sort(np.concatenate(engine.layers))
    nothing = np.zeros(0, np.int64)
    parts: list[tuple[Numbers, Numbers, Numbers]] = [(nothing, nothing, nothing)]
    used = base = 0
    for states in engine.chunks(keys):
        for number, taken in enumerate(engine.system.actions):
            after, source = engine.advance(taken, states)
            ends = np.searchsorted(keys, join(after[: engine.layout.lasting_words]))
            parts.append((source + base, ends, np.full(len(ends), number)))
            used += 3 * ends.nbytes
        base += len(states[0])
        pause(used)
    source, target, step = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return Graph(engine, keys, source, target, step)


class Runs:
    """The states of a graph where a claim about runs awaits its goal; `vacuous` if none meets its premise."""

    def __init__(self, graph: Graph, claim: Property) -> None:
        self.graph = graph
        self.claim = claim
        self.allowed = graph.named(claim.by) if claim.by else np.ones(len(graph.step), np.bool_)
        goal = self._true(claim)
        self.waits = ~goal
        premise = self._true(claim.premise) if claim.premise else ~goal | goal
        self.vacuous = not premise.any()
        self.starts = self.waits & premise
        if claim.kind is Kind.EVENTUALLY:
            self.starts &= self._at(graph.engine.layers[0])
        self.taken = [self.allowed & graph.named(f.steps) for f in claim.fair]
        self.enabled = [self._ends(graph.source[taken]) for taken in self.taken]
        self.stops = self.hull = np.zeros(graph.size, np.bool_)
        if claim.kind is Kind.STAYS_POSSIBLE:
            self.within = np.ones(graph.size, np.bool_)
            self.doomed = ~self._closure(goal, self.within, backwards=True)
        else:
            self.within = self._closure(self.starts, self.waits)
            self.stops = self.within & ~np.any([np.zeros(graph.size, np.bool_), *self.enabled], axis=0)
            self.hull, self.labels = self._fair_components()
            self.doomed = self._closure(self.stops | self.hull, self.within, backwards=True)

    def bad(self) -> Mask:
        """The states where the premise is true and from which the goal may never be met."""
        return self.starts & self.doomed

    def lasso(self, start: int) -> tuple[Moves[int], int | None]:
        """The moves from a bad state on that never meet the goal, and to which of their states the run returns."""
        if self.claim.kind is Kind.STAYS_POSSIBLE:
            return [], None
        moves = self.way(start, self.stops | self.hull, self.within)
        here = moves[-1][1] if moves else start
        if self.stops[here]:
            return moves, len(moves)
        component = Component(self, self.hull & (self.labels == self.labels[here]))
        return [*moves, *round_trip(component, here, self.claim.fair)], len(moves)

    def way(self, start: int, targets: Mask, inside: Mask, *, moving: bool = False) -> Moves[int]:
        """A shortest way inside, with one step at least if `moving`; there has to be one."""
        if not moving and targets[start]:
            return []
        edges = self._edges(inside)
        size = self.graph.size
        # A node of its own to begin at, so that the way back to the start is a way like any other.
        firsts = self.graph.target[edges & (self.graph.source == start)]
        steps = self._matrix(edges, np.full(len(firsts), size), firsts)
        order, before = breadth_first_order(steps, size)
        at = int(next(node for node in order if node != size and targets[node]))
        nodes = [at]
        while before[at] != size:
            at = int(before[at])
            nodes.insert(0, at)
        return [(self._name(a, b, edges), b) for a, b in zip([start, *nodes], nodes, strict=False)]

    def step_inside(self, here: int, among: Mask, inside: Mask) -> tuple[str, int]:
        """One of these steps from here that stays inside."""
        at = int(np.flatnonzero(among & self._edges(inside) & (self.graph.source == here))[0])
        return self._step(at), int(self.graph.target[at])

    def sources(self, among: Mask, inside: Mask) -> Mask:
        """The states from which one of these steps stays inside."""
        return self._ends(self.graph.source[among & self._edges(inside)])

    def _name(self, source: int, target: int, edges: Mask) -> str:
        graph = self.graph
        at = int(np.flatnonzero(edges & (graph.source == source) & (graph.target == target))[0])
        return self._step(at)

    def _step(self, edge: int) -> str:
        return self.graph.engine.system.actions[int(self.graph.step[edge])].name

    def _true(self, claim: Property) -> Mask:
        engine = self.graph.engine
        found = np.ones(self.graph.size, np.bool_)
        found[Judge(claim, engine.layout, engine.numbers).bad(engine.states(self.graph.keys))] = False
        return found

    def _at(self, keys: Keys) -> Mask:
        return self._ends(np.searchsorted(self.graph.keys, keys))

    def _ends(self, nodes: Numbers) -> Mask:
        found = np.zeros(self.graph.size, np.bool_)
        found[nodes] = True
        return found

    def _edges(self, inside: Mask) -> Mask:
        """The steps allowed that begin and end inside."""
        return self.allowed & inside[self.graph.source] & inside[self.graph.target]

    def _matrix(
        self, edges: Mask, more_sources: Sequence[int] | Numbers = (), more_targets: Sequence[int] | Numbers = ()
    ) -> csr_array:
        source = np.concatenate([self.graph.source[edges], np.asarray(more_sources, np.int64)])
        target = np.concatenate([self.graph.target[edges], np.asarray(more_targets, np.int64)])
        size = self.graph.size + 1
        return csr_array((np.ones(len(source), np.bool_), (source, target)), shape=(size, size))

    def _closure(self, nodes: Mask, inside: Mask, *, backwards: bool = False) -> Mask:
        """These states and all that can be reached from them inside (backwards: from which they can be)."""
        froms = np.flatnonzero(nodes & inside)
        size = self.graph.size
        steps = self._matrix(self._edges(inside))
        first = csr_array((np.ones(len(froms), np.bool_), (np.full(len(froms), size), froms)), shape=steps.shape)
        order = breadth_first_order((steps.T if backwards else steps) + first, size, return_predecessors=False)
        return self._ends(order[order != size])

    def _fair_components(self) -> tuple[Mask, Numbers]:
        """The states of components where a run can stay for ever and be fair, and a number for each component."""
        size = self.graph.size
        left, hull = self.within.copy(), np.zeros(size, np.bool_)
        labels = np.full(size, -1, np.int64)
        used = 0
        while left.any():
            edges = self._edges(left)
            count, parts = connected_components(self._matrix(edges), connection="strong")
            parts = parts[:size]
            inner = edges & (parts[self.graph.source] == parts[self.graph.target])
            good = self._has(parts, count, self.graph.source[inner])
            unkept: list[tuple[Mask, Mask]] = []
            for fairness, taken, enabled in zip(self.claim.fair, self.taken, self.enabled, strict=True):
                kept = self._has(parts, count, self.graph.source[inner & taken])
                if fairness.strong:
                    unkept.append((enabled, self._has(parts, count, np.flatnonzero(left & enabled)) & ~kept))
                else:
                    good &= kept | self._has(parts, count, np.flatnonzero(left & ~enabled))
            broken = np.any([np.zeros(count, np.bool_), *(where for _, where in unkept)], axis=0)
            done = left & (good & ~broken)[parts]
            hull |= done
            labels[done] = parts[done] + used
            used += count
            left &= (good & broken)[parts]
            for enabled, where in unkept:
                left &= ~(enabled & where[parts])
        return hull, labels

    def _has(self, parts: Numbers, count: int, nodes: Numbers) -> Mask:
        """Which parts have one of these states."""
        found = np.zeros(count, np.bool_)
        found[parts[nodes]] = True
        return found


class Component:
    """A strongly connected set of states, and ways inside it."""

    def __init__(self, runs: Runs, states: Mask) -> None:
        self.runs = runs
        self.states = states

    def need(self, number: int) -> Need:
        """What the fairness of that number wants of a run that visits all of these states again and again."""
        enabled = self.runs.enabled[number]
        if self.runs.claim.fair[number].strong:
            return Need.TAKEN if bool((self.states & enabled).any()) else Need.NOTHING
        return Need.DISABLED if bool((self.states & ~enabled).any()) else Need.TAKEN

    def disabled(self, number: int, state: int) -> bool:
        """Whether the steps of that fairness are all disabled in a state."""
        return not self.runs.enabled[number][state]

    def to_disabled(self, here: int, number: int) -> Moves[int]:
        """A way to a state where the steps of that fairness are all disabled."""
        return self.runs.way(here, self.states & ~self.runs.enabled[number], self.states)

    def to_taken(self, here: int, number: int) -> Moves[int]:
        """A way whose last step is one of that fairness."""
        taken = self.runs.taken[number]
        moves = self.runs.way(here, self.runs.sources(taken, self.states), self.states)
        return [*moves, self.runs.step_inside(moves[-1][1] if moves else here, taken, self.states)]

    def back(self, here: int, home: int, *, moving: bool) -> Moves[int]:
        """A way from here to home, with one step at least if `moving`."""
        at_home = np.zeros_like(self.states)
        at_home[home] = True
        return self.runs.way(here, at_home, self.states, moving=moving)
