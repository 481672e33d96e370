"""The yardstick for claims about runs: graphs of dictionaries, and guesses of what happens again and again."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from itertools import chain, combinations

import networkx as nx

from invariants.properties import Fairness, Kind, Property
from invariants.trace import Trace, true_of
from model.system import State, System

Node = Hashable


@dataclass
class Graph:
    """Every reachable state, and every step between two of them, by the name of the action."""

    states: dict[Node, State] = field(default_factory=dict)
    starts: set[Node] = field(default_factory=set)
    edges: set[tuple[Node, str, Node]] = field(default_factory=set)

    def enabled(self, steps: Iterable[str]) -> set[Node]:
        return {a for a, name, _ in self.edges if name in steps}


def graph_of(system: System) -> Graph:
    names = [v.name for v in system.variables if not v.local]
    graph = Graph()

    def add(state: State) -> Node:
        node = tuple(state[n] for n in names)
        if node not in graph.states:
            graph.states[node] = state
            todo.append(node)
        return node

    todo: list[Node] = []
    graph.starts = {add(s) for s in system.initial_states()}
    while todo:
        here = todo.pop()
        for step in system.successors(graph.states[here]):
            graph.edges.add((here, step.action.name, add(step.state)))
    return graph


def holds(graph: Graph, claim: Property) -> bool:
    """Whether a claim about runs holds, straight from what its words mean."""
    meets = {n for n, s in graph.states.items() if true_of(claim, s, s)}
    starts = set(graph.starts) if claim.kind is Kind.EVENTUALLY else set(graph.states)
    if claim.premise is not None:
        starts = {n for n in starts if true_of(claim.premise, graph.states[n], graph.states[n])}
    allowed = {e for e in graph.edges if not claim.by or e[1] in claim.by}
    plain = nx.DiGraph((a, b) for a, _, b in allowed)
    plain.add_nodes_from(graph.states)
    if claim.kind is Kind.STAYS_POSSIBLE:
        return all({n, *nx.descendants(plain, n)} & meets for n in starts)
    waits = set(graph.states) - meets
    inside = plain.subgraph(waits)
    reached = {m for n in starts & waits for m in (n, *nx.descendants(inside, n))}
    return not may_stay(Graph(graph.states, set(), allowed), reached, claim.fair)


def may_stay(graph: Graph, inside: set[Node], fair: tuple[Fairness, ...]) -> bool:
    """Whether a fair run can stay inside for ever: stop there, or go round and round."""
    enabled = [graph.enabled(f.steps) for f in fair]
    if inside - set().union(*enabled):
        return True
    strong = [k for k, f in enumerate(fair) if f.strong]
    guesses = chain.from_iterable(combinations(strong, n) for n in range(len(strong) + 1))
    return any(_goes_round(graph, inside, fair, enabled, set(rare)) for rare in guesses)


def _goes_round(
    graph: Graph, inside: set[Node], fair: tuple[Fairness, ...], enabled: list[set[Node]], rare: set[int]
) -> bool:
    """Whether a run goes round inside, in states where the steps of the rare fairnesses are never enabled."""
    inside = inside - set().union(*(enabled[k] for k in rare))
    edges = [e for e in graph.edges if e[0] in inside and e[2] in inside]
    for part in nx.strongly_connected_components(nx.DiGraph((a, b) for a, _, b in edges)):
        own = [e for e in edges if e[0] in part and e[2] in part]
        taken = [any(name in f.steps for _, name, _ in own) for f in fair]
        idle = [not f.strong and bool(part - enabled[k]) for k, f in enumerate(fair)]
        if own and all(taken[k] or idle[k] or k in rare for k in range(len(fair))):
            return True
    return False


def violates(system: System, graph: Graph, claim: Property, trace: Trace) -> bool:
    """Whether a trace is a run that violates a claim about runs, without looking at how it was found."""
    states = trace.states
    names = [v.name for v in system.variables if not v.local]
    nodes = [tuple(s[n] for n in names) for s in states]
    moves = [(nodes[k], step.action, nodes[k + 1]) for k, step in enumerate(trace.steps)]
    assert nodes[0] in graph.starts
    assert all(move in graph.edges for move in moves)
    goal = [true_of(claim, s, s) for s in states]
    premise = [claim.premise is None or true_of(claim.premise, s, s) for s in states]
    allowed = [not claim.by or name in claim.by for _, name, _ in moves]
    if claim.kind is Kind.STAYS_POSSIBLE:
        return premise[-1] and not holds(graph, claim) and not _can(graph, claim, nodes[-1])
    froms = [0] if claim.kind is Kind.EVENTUALLY else range(len(states))
    if not any(premise[k] and not any(goal[k:]) and all(allowed[k:]) for k in froms):
        return False
    assert trace.loop is not None
    assert trace.loop == len(moves) or nodes[trace.loop] == nodes[-1]
    round_, taken = set(nodes[trace.loop :]), {name for _, name, _ in moves[trace.loop :]}
    for fairness in claim.fair:
        steps = {s for s in fairness.steps if not claim.by or s in claim.by}
        enabled = graph.enabled(steps)
        free = not (round_ & enabled) if fairness.strong else bool(round_ - enabled)
        if not (free or taken & steps):
            return False
    return True


def _can(graph: Graph, claim: Property, node: Node) -> bool:
    plain = nx.DiGraph((a, b) for a, name, b in graph.edges if not claim.by or name in claim.by)
    plain.add_node(node)
    return any(true_of(claim, graph.states[n], graph.states[n]) for n in (node, *nx.descendants(plain, node)))
