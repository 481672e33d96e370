"""Pictures of state graphs: what can be reached, and by which steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from diagrams.graphs import headline, varying
from diagrams.pictures import Box, Edge, Node, Picture, slug
from diagrams.theme import Kind
from diagrams.tracing import parts
from diagrams.values import show
from invariants.graphs import StateGraph, components
from invariants.subjects import Subject
from model.phase import Phase
from model.system import State

MOST = 60
"""So many nodes make a picture that can be looked at."""

NAMED = 3
"""Of the steps that lead from one node to another so many are named."""


def picture(
    subject: Subject, graph: StateGraph, kinds: Mapping[Phase, Kind], remarks: tuple[str, ...] = ()
) -> Picture:
    """The picture of a state graph; the first value of a kind that is known decides how a node is coloured.

    `remarks` are said below those that go for every such picture.
    """
    by = bool(graph.graph.get("by"))
    names = [name for name in varying(graph) if by or not name.startswith(subject.quiet)]
    terminal = [nodes for nodes in components(graph, terminal=True) if 1 < len(nodes) < len(graph)]
    box_of = {node: f"box{number}" for number, nodes in enumerate(terminal) for node in nodes}
    boxes = tuple(Box(f"box{number}", "never left again") for number in range(len(terminal)))
    nodes = tuple(_node(node, graph, names, kinds, box_of.get(node, ""), by) for node in sorted(graph))
    return Picture(
        slug(f"states-{subject.name}"),
        f"States of {subject.name}",
        headline(subject, graph).partition(": ")[2],
        nodes,
        boxes,
        tuple(_edges(graph, {node.key: node.kind for node in nodes})),
        (*_remarks(graph, names if by else ()), *remarks),
    )


def _remarks(graph: StateGraph, by: Sequence[str]) -> Iterator[str]:
    if any(source == target for source, target in graph.edges()):
        yield "Steps that change nothing are left out."
    if by:
        values = ", ".join(map(_named, by))
        yield f"A node stands for all states with its values of {values}."
        yield "A way along the edges need not be one to go."


def _node(
    node: int, graph: StateGraph, names: Sequence[str], kinds: Mapping[Phase, Kind], box: str, by: bool
) -> Node:
    data = graph.nodes[node]
    state: State = data["state"]
    label = ", ".join(show(state[name]) for name in names) if by else str(node)
    lines = [f"{data['states']:,} state{'' if data['states'] == 1 else 's'}"] if by else []
    lines += ["at the start"] if data["initial"] else []
    lines += ["deadlock"] if data["deadlock"] else []
    lines += [] if by else [f"{_named(name)} {show(state[name])}" for name in names]
    phases = [kinds[v] for v in state.values() if isinstance(v, Phase) and v in kinds]
    kind = (phases or [Kind.BAD if data["deadlock"] else Kind.PLAIN])[0]
    tooltip = ", ".join(f"{name} = {show(value)}" for name, value in state.items())
    classes = (f"state-{node}", "state")
    return Node(f"n{node}", label or str(node), tuple(lines), kind, box=box, tooltip=tooltip, classes=classes)


def _named(variable: str) -> str:
    field, owner = parts(variable)
    return f"{owner}: {field.replace('_', ' ')}" if owner else field.replace("_", " ")


def _edges(graph: StateGraph, kinds: Mapping[str, Kind]) -> Iterator[Edge]:
    """One edge for all steps from a node to another one, named and counted, in the colour of where it leads."""
    between: dict[tuple[int, int], list[str]] = defaultdict(list)
    for source, target, data in graph.edges(data=True):
        between[source, target].append(
            f"{data['action']}: {data['label']}" if data["label"] else str(data["action"])
        )
    for source, target in sorted(pair for pair in between if pair[0] != pair[1]):
        steps = sorted(set(between[source, target]))
        more = len(steps) - NAMED
        guard = "; ".join(steps[:NAMED]) + (f"; and {more} more" if more > 0 else "")
        label = f"{len(steps)} steps" if len(steps) > 1 else ""
        kind = kinds[f"n{target}"]
        yield Edge(f"n{source}", f"n{target}", label, "", guard, kind, tooltip="; ".join(steps), classes=("step",))
