"""State graphs as text for people, and as DOT, GraphML and JSON for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO

import networkx as nx

from diagrams import traces
from diagrams.values import plain, show
from invariants.graphs import StateGraph, components, deadlocks, way_into
from invariants.subjects import Subject
from model.json_text import json_text
from model.system import State

WAYS = 20
"""The ways into so many terminal components are told."""

NAMED = 5
"""So many nodes of a component are named."""

PALE = "#e8eef7"


def lines(subject: Subject, graph: StateGraph) -> Iterator[str]:
    """The sizes in the first line; then the terminal components, with a shortest way into each.

    A deadlock is always one of these.
    """
    yield headline(subject, graph)
    terminal = components(graph, terminal=True)
    for nodes in terminal[:WAYS]:
        data = graph.nodes[nodes[0]]
        what = "node" if _by(graph) else "state"
        size = f"{what} {nodes[0]}" if len(nodes) == 1 else f"{_count(len(nodes), what)}, {_named(nodes)}"
        dead = "; no step is enabled, so it is a deadlock" if data["deadlock"] else ""
        yield ""
        yield f"component {data['component']} is terminal: {size}{dead}"
        yield from _way(subject, graph, nodes)
    if len(terminal) > WAYS:
        yield ""
        yield f"and {len(terminal) - WAYS} more are terminal"
    if _by(graph):
        yield ""
        yield f"a node is what {', '.join(_by(graph))} can be at the same time, whatever else is;"
        yield "so a way along the edges need not be one that the system can go; the ways told here are"


def headline(subject: Subject, graph: StateGraph) -> str:
    """How much there is of everything."""
    every, terminal = len(components(graph)), len(components(graph, terminal=True))
    what = _count(len(graph), "node" if _by(graph) else "state")
    of = f" for {sum(graph.nodes[n]['states'] for n in graph):,} states" if _by(graph) else ""
    dead = (
        ""
        if _by(graph)
        else f", {_count(len(deadlocks(graph)), 'deadlock') if deadlocks(graph) else 'no deadlock'}"
    )
    edges = _count(graph.number_of_edges(), "edge")
    return f"{subject.name}: {what}{of}, {edges}, {_count(every, 'component')}, {terminal} of them terminal{dead}"


def _by(graph: StateGraph) -> list[str]:
    found: list[str] = graph.graph.get("by", [])
    return found


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _named(nodes: list[int]) -> str:
    if len(nodes) > NAMED:
        return f"{', '.join(map(str, nodes[:NAMED]))} and {len(nodes) - NAMED:,} more"
    return ", ".join(map(str, nodes))


def _way(subject: Subject, graph: StateGraph, nodes: list[int]) -> Iterator[str]:
    way = way_into(subject.system, graph, nodes)
    if way is None:
        yield "  the way into it was not found in time"
        return
    shown = set(_by(graph))
    told = traces.story(way, shown=lambda v: v in shown if shown else not v.startswith(subject.quiet))
    yield from (f"  {line}" for line in told)


# For programs


def dot(graph: StateGraph) -> str:
    """The graph for Graphviz: a box for each component of several nodes, terminal ones in colour."""
    out = [f"digraph {_quoted(str(graph.graph['name']))} {{", "  node [shape=box, style=rounded]"]
    for number, nodes in enumerate(components(graph)):
        boxed = [f"  {line}" for line in map(_node(graph), nodes)]
        colour = f' style=filled; color="{PALE}";' if graph.nodes[nodes[0]]["terminal"] else ""
        out += [f'  subgraph cluster_{number} {{ label="component {number}";{colour}', *boxed, "  }"]
    for source, target, data in sorted(graph.edges(data=True), key=_edge_order):
        out.append(f"  {source} -> {target} [label={_quoted(_edge(data))}]")
    return "\n".join([*out, "}"])


def varying(graph: StateGraph) -> list[str]:
    """The variables that tell nodes apart; one that never changes tells people nothing, either."""
    every = [data["state"] for _, data in graph.nodes(data=True)]
    return [n for n in next(iter(every), {}) if len({state[n] for state in every}) > 1]


def _node(graph: StateGraph) -> Callable[[int], str]:
    every = {node: data["state"] for node, data in graph.nodes(data=True)}
    names = varying(graph)

    def line(node: int) -> str:
        data = graph.nodes[node]
        said = [str(node), *(f"{name} = {show(every[node][name])}" for name in names)]
        words = "\\n".join(map(_escaped, said))
        more = ", penwidth=2" if data["initial"] else ""
        return f'  {node} [label="{words}"{more}{", color=red" if data["deadlock"] else ""}]'

    return line


def _edge(data: dict[str, str]) -> str:
    how = data["label"] and f": {data['label']}"
    return f"{data['actor']}: {data['action']}{how}" if data["actor"] else f"{data['action']}{how}"


def _edge_order(edge: tuple[int, int, dict[str, str]]) -> tuple[int, int, str]:
    return edge[0], edge[1], _edge(edge[2])


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _quoted(words: str) -> str:
    return f'"{_escaped(words)}"'


def graphml(graph: StateGraph) -> str:
    """The graph for programs that read GraphML: each variable is an attribute of the nodes, as text."""
    flat: StateGraph = nx.MultiDiGraph()
    for node, data in graph.nodes(data=True):
        said = {key: value for key, value in data.items() if key != "state"}
        flat.add_node(node, **said, **{f"state.{name}": show(v) for name, v in data["state"].items()})
    for source, target, data in sorted(graph.edges(data=True), key=_edge_order):
        flat.add_edge(source, target, **data)
    written = BytesIO()
    nx.write_graphml_xml(flat, written)
    return written.getvalue().decode("utf-8")


def as_json(graph: StateGraph) -> dict[str, object]:
    """The graph for programs; see docs/json.md."""
    return {
        "system": graph.graph["name"],
        "by": _by(graph),
        "components": [
            {"nodes": nodes, "terminal": graph.nodes[nodes[0]]["terminal"]} for nodes in components(graph)
        ],
        "deadlocks": deadlocks(graph),
        "nodes": [
            {"id": node, **{k: data[k] for k in ("initial", "states")}, "state": _plain(data["state"])}
            for node, data in ((node, graph.nodes[node]) for node in sorted(graph))
        ],
        "edges": [
            {"source": source, "target": target, **data}
            for source, target, data in sorted(graph.edges(data=True), key=_edge_order)
        ],
    }


def _plain(state: State) -> dict[str, object]:
    return {name: plain(value) for name, value in state.items()}


def document(graph: StateGraph) -> str:
    """The JSON document for a file."""
    return json_text({"schema": "kargo-model/graph", "version": 1, **as_json(graph)})


WRITERS: dict[str, Callable[[StateGraph], str]] = {".dot": dot, ".graphml": graphml, ".json": document}
"""How a graph is written, by the end of a file's name."""
