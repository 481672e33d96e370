"""State graphs of small systems, as networkx knows graphs.

A graph has the reachable states as nodes and the steps as edges. Seen *by* a few variables it has one node for
each combination of their values that is reached, and an edge where a step leads from one to another: a picture of
a system that is too large to be drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import networkx as nx
import numpy as np

from invariants.check import check
from invariants.encoding import Outgrown, numbers_of
from invariants.explicit import Explicit, expand
from invariants.explicit_runs import graph_of
from invariants.fusing import fused
from invariants.properties import Kind, Property
from invariants.slicing import sliced
from invariants.trace import Taken, Trace
from invariants.verdicts import Bounds
from model.system import ModelError, State, System, Value

StateGraph: TypeAlias = "nx.MultiDiGraph[int]"

MOST = 5_000
"""Nodes that a graph may have, if not said otherwise: nobody looks at more."""

MOST_SEEN = 2_000_000
"""States that are gone through for a graph by a few variables."""

PATIENCE_S = 60.0
"""How long the way into a component of such a graph is looked for."""


class TooLargeError(ModelError):
    """There are more states than the graph may have."""


def state_graph(system: System, *, by: Sequence[str] = (), most: int = MOST) -> StateGraph:
    """The graph of what can be reached, or, `by` some variables, of the combinations of their values.

    A node is a number, counted in breadth-first order in a graph of states. It has `state` (the value of each
    variable, or of those in `by`), `states` (how many it stands for), `initial`, `component` (the number of its
    strongly connected component), `terminal` (no edge leaves this), and `deadlock` (no step is enabled; never said
    in a graph by variables). An edge has `action`, `actor` and `label`; in a graph by variables there is one for
    each action, without a label, and none for steps that change none of the variables.

    Raises TooLargeError if there are more than `most` nodes, ModelError if `by` names what is no variable.
    """
    known = [v.name for v in system.variables if not v.local]
    if unknown := [name for name in by if name not in known]:
        raise ModelError(f"{system.name} has no variable {unknown[0]!r}; the variables are: {', '.join(known)}")
    graph = _seen_by(system, tuple(dict.fromkeys(by)), most) if by else _of_states(system, known, most)
    graph.graph["name"] = system.name
    _name_components(graph)
    return graph


def _of_states(system: System, names: Sequence[str], most: int) -> StateGraph:
    graph: StateGraph = nx.MultiDiGraph()
    numbers: dict[tuple[Value, ...], int] = {}
    states: list[State] = []

    def number(state: State, initial: bool) -> int:
        key = tuple(state[name] for name in names)
        if key not in numbers:
            _refuse(len(numbers) + 1, most, system)
            numbers[key] = len(states)
            states.append(state)
            graph.add_node(numbers[key], state=dict(state), states=1, initial=initial)
        return numbers[key]

    for state in system.initial_states():
        number(state, True)
    for source, state in enumerate(states):  # grows on the way
        for step in system.successors(state):
            edge = {"action": step.action.name, "actor": step.action.actor, "label": step.label}
            graph.add_edge(source, number(step.state, False), key=(step.action.name, step.label), **edge)
    for node in graph:
        graph.nodes[node]["deadlock"] = graph.out_degree(node) == 0
    return graph


def _refuse(size: int, most: int, system: System) -> None:
    if size > most:
        raise TooLargeError(f"{system.name} has more than {most:,} states")


def _seen_by(system: System, by: tuple[str, ...], most: int) -> StateGraph:
    def judged(*, is_met: bool = True, **_: Value) -> bool:
        return is_met

    part = sliced(system, [_about(by, judged)]).system
    try:
        engine = _explored(fused(part, set(by)))
    except ModelError as error:
        if isinstance(error, TooLargeError) or part == system:
            raise
        # A function may write under a name that its code does not show; then only the whole system is exact.
        engine = _explored(system)
    whole = graph_of(engine, lambda _: None)
    words = engine.states(whole.keys)
    columns = np.stack([engine.layout.column(words, name) for name in by], axis=1)
    kinds, node_of, sizes = np.unique(columns, axis=0, return_inverse=True, return_counts=True)
    _refuse(len(kinds), most, system)
    graph: StateGraph = nx.MultiDiGraph(by=list(by))
    starts = set(node_of[np.searchsorted(whole.keys, engine.layers[0])].tolist())
    for node, codes in enumerate(kinds.tolist()):
        state = {name: engine.numbers.values[name][code] for name, code in zip(by, codes, strict=True)}
        size = int(sizes[node])
        graph.add_node(node, state=state, states=size, initial=node in starts, deadlock=False)
    edges = np.stack([node_of[whole.source], node_of[whole.target], whole.step], axis=1)
    steps = engine.system.actions
    for source, target, step in np.unique(edges[edges[:, 0] != edges[:, 1]], axis=0).tolist():
        name, actor = steps[step].name, steps[step].actor
        graph.add_edge(source, target, key=(name, ""), action=name, actor=actor, label="")
    return graph


def _explored(system: System) -> Explicit:
    """Everything that can be reached. Raises TooLargeError."""
    engine = Explicit(system, (), numbers_of(system))
    while len(engine.layers[-1]):
        _refuse(sum(map(len, engine.layers)), MOST_SEEN, system)
        try:
            new = engine.seen.new(expand(engine, engine.layers[-1], lambda *_: None, lambda _: None))
        except Outgrown as need:
            engine.widen(need.variable)
            continue
        engine.layers.append(new)
        engine.seen.add(new)
    return engine


def _about(by: Iterable[str], function: Callable[..., bool], **constants: Any) -> Property:
    """A situation that some variables tell of, whatever they are called."""
    reads = tuple((f"v{number}", (name, False)) for number, name in enumerate(by))
    return Property(Kind.SOMETIMES, "a situation", function, reads, tuple(constants.items()))


# Components, and the ways into them


def _name_components(graph: StateGraph) -> None:
    """Number the components by their first nodes, and say which of them no edge leaves."""
    found = sorted((sorted(nodes) for nodes in nx.strongly_connected_components(graph)), key=lambda nodes: nodes[0])
    for number, nodes in enumerate(found):
        inside = set(nodes)
        terminal = all(target in inside for node in nodes for target in graph.successors(node))
        for node in nodes:
            graph.nodes[node].update(component=number, terminal=terminal)


def components(graph: StateGraph, *, terminal: bool = False) -> list[list[int]]:
    """The strongly connected components by their numbers, each with its nodes; with `terminal` only these."""
    found: dict[int, list[int]] = {}
    for node in sorted(graph):
        if graph.nodes[node]["terminal"] or not terminal:
            found.setdefault(graph.nodes[node]["component"], []).append(node)
    return [found[number] for number in sorted(found)]


def deadlocks(graph: StateGraph) -> list[int]:
    """The states in which no step is enabled; none are known of a graph by variables."""
    return [node for node in sorted(graph) if graph.nodes[node]["deadlock"]]


def way_into(system: System, graph: StateGraph, nodes: Iterable[int]) -> Trace | None:
    """A shortest way from an initial state of the system into one of these nodes.

    Also of a graph by variables it is one that the system can go; None if it was not found in time.
    """
    if by := graph.graph.get("by"):
        wanted = frozenset(tuple(graph.nodes[node]["state"].values()) for node in nodes)
        situation = _about(by, _is_one_of, wanted=wanted)
        bounds = Bounds(seconds=PATIENCE_S)
        report = check(system, [situation], transitions=False, stop_when_decided=True, bounds=bounds)
        return report.judgements[0].trace
    node = min(nodes)
    steps: list[Taken] = []
    while not graph.nodes[node]["initial"]:
        # Nodes are numbered breadth first: the first that leads here is one step nearer to the beginning.
        source = min(graph.predecessors(node))
        edge: Mapping[str, str] = next(iter(graph[source][node].values()))
        before, after = graph.nodes[source]["state"], graph.nodes[node]["state"]
        steps.insert(0, Taken(edge["action"], edge["actor"], edge["label"], before, after, {}))
        node = source
    return Trace(graph.nodes[node]["state"], tuple(steps))


def _is_one_of(wanted: frozenset[tuple[Value, ...]], **values: Value) -> bool:
    """A few variables have one of these combinations of values."""
    return tuple(values.values()) in wanted
