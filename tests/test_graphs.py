"""State graphs: sizes counted by hand and by the checker, components, ways into them, and how they are written."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pytest

import kargo_model
from diagrams import graphs as shown
from invariants import toys
from invariants.check import check
from invariants.graphs import TooLargeError, components, deadlocks, state_graph, way_into
from invariants.kargo import loops, systems
from invariants.subjects import Subject
from model.kargo.releases import LATEST
from model.system import NOT_ENABLED, ModelError, Outcomes, System, action, only, outcome, variable
from model.toys import TOYS


def toss(coin: str) -> Outcomes:
    """A coin falls, on its edge perhaps, where it can be tossed again."""
    if coin not in ("up", "edge"):
        return NOT_ENABLED
    return (outcome("heads", coin="heads"), outcome("tails", coin="tails"), outcome("edge", coin="edge"))


def turn(coin: str, turned: int) -> Outcomes:
    """A coin that shows tails is turned, again and again."""
    return only(turned=1 - turned) if coin == "tails" else NOT_ENABLED


COIN = System(
    "coin",
    (variable("coin", "up"), variable("turned", 0)),
    (action(toss, actor="person"), action(turn, actor="person")),
)
# By hand: up, heads, tails, edge, and tails turned. From up and from edge three edges each, one of them a loop at
# edge; tails and its turned side lead to each other. Heads is a deadlock.


def test_a_graph_counted_by_hand() -> None:
    graph = state_graph(COIN)

    assert [data["state"]["coin"] for _, data in graph.nodes(data=True)] == [
        "up",
        "heads",
        "tails",
        "edge",
        "tails",
    ]
    assert graph.number_of_edges() == 3 + 3 + 2
    assert components(graph) == [[0], [1], [2, 4], [3]]
    assert components(graph, terminal=True) == [[1], [2, 4]]
    assert deadlocks(graph) == [1]
    assert [graph.nodes[node]["initial"] for node in graph] == [True, False, False, False, False]
    assert graph.edges[0, 1, ("toss", "heads")] == {"action": "toss", "actor": "person", "label": "heads"}


def test_by_a_variable_there_is_a_node_for_each_of_its_values() -> None:
    graph = state_graph(COIN, by=["coin"])

    found = {data["state"]["coin"]: data["states"] for _, data in graph.nodes(data=True)}
    assert found == {"up": 1, "heads": 1, "tails": 1, "edge": 1}  # whether it was turned is sliced away
    assert sorted(graph.edges(keys=True)) == sorted((u, v, ("toss", "")) for u, v in graph.edges())
    assert graph.number_of_edges() == 5  # without the loop at edge
    both = state_graph(COIN, by=["turned", "coin"])
    assert (len(both), both.number_of_edges()) == (5, 7)
    assert [both.nodes[n]["state"] for n in both if both.nodes[n]["initial"]] == [{"turned": 0, "coin": "up"}]


def test_the_ways_are_shortest_and_can_be_gone() -> None:
    for by in ((), ("coin",)):
        graph = state_graph(COIN, by=by)
        (stuck,) = [node for node in graph if graph.nodes[node]["state"]["coin"] == "heads"]
        way = way_into(COIN, graph, [stuck])
        assert way
        assert [(step.action, step.label) for step in way.steps] == [("toss", "heads")]
    start = way_into(COIN, state_graph(COIN), [0])
    assert start
    assert start.steps == ()


SUBJECTS = [
    *(toys.subject(name, None) for name in TOYS),
    *(systems.subject(name, LATEST) for name in ("retry", "wait", "task")),
    *(loops.subject(name, LATEST, promotions=1, freight=1) for name in ("single", "lagging")),
]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_graph_has_the_states_and_transitions_that_the_checker_counts(subject: Subject) -> None:
    graph = state_graph(subject.system)
    report = check(subject.system, sliced=False)

    assert len(graph) == report.states
    apart = {(source, target, data["action"]) for source, target, data in graph.edges(data=True)}
    starts = sum(graph.nodes[node]["initial"] for node in graph)
    assert len(apart) + starts == report.transitions
    by = [v.name for v in subject.system.variables if not v.local][:2]
    few = state_graph(subject.system, by=by)
    kinds = {tuple(graph.nodes[node]["state"][name] for name in by) for node in graph}
    assert {tuple(few.nodes[node]["state"].values()) for node in few} == kinds


def test_components_and_ways_are_those_of_networkx() -> None:
    subject = systems.subject("tolerated", LATEST)
    graph = state_graph(subject.system)
    condensed = nx.condensation(graph)

    assert len(components(graph)) == len(condensed)
    assert len(components(graph, terminal=True)) == sum(condensed.out_degree(n) == 0 for n in condensed)
    for nodes in components(graph, terminal=True):
        way = way_into(subject.system, graph, nodes)
        assert way
        assert len(way.steps) == min(nx.shortest_path_length(graph, 0, node) for node in nodes)
        assert way.end == graph.nodes[min(nodes)]["state"]


def test_a_graph_has_its_bound() -> None:
    assert len(state_graph(COIN, most=5)) == 5
    for by in ((), ("coin", "turned")):
        with pytest.raises(TooLargeError, match="coin has more than 4 states"):
            state_graph(COIN, by=by, most=4)


def test_by_what_is_no_variable_is_refused() -> None:
    with pytest.raises(ModelError, match="coin has no variable 'die'; the variables are: coin, turned"):
        state_graph(COIN, by=["die"])


# What is written


def test_dot_has_every_node_edge_and_component() -> None:
    text = shown.dot(state_graph(COIN))

    assert text.startswith('digraph "coin" {\n')
    assert text.count("subgraph cluster_") == 4
    assert text.count('style=filled; color="#e8eef7"') == 2
    assert text.count(" -> ") == 8
    assert '    1 [label="1\\ncoin = heads\\nturned = 0", color=red]' in text
    assert '  0 -> 1 [label="person: toss: heads"]' in text


def test_graphml_is_read_back_by_networkx() -> None:
    graph = state_graph(COIN)
    read = nx.parse_graphml(shown.graphml(graph), node_type=int, force_multigraph=True)

    assert nx.is_isomorphic(read, graph)
    assert read.nodes[1]["state.coin"] == "heads"
    assert read.nodes[1]["deadlock"] is True
    assert sorted(d["label"] for _, _, d in read.edges(data=True)) == sorted(
        d["label"] for _, _, d in graph.edges(data=True)
    )


def test_json_has_the_documented_fields() -> None:
    document = json.loads(shown.document(state_graph(COIN, by=["coin"])))

    assert (document["schema"], document["version"], document["by"]) == ("kargo-model/graph", 1, ["coin"])
    assert document.keys() == {
        *("schema", "version", "system", "by", "components", "deadlocks", "nodes", "edges"),
    }
    assert all(node.keys() == {"id", "initial", "states", "state"} for node in document["nodes"])
    assert all(e.keys() == {"source", "target", "action", "actor", "label"} for e in document["edges"])
    assert all(c.keys() == {"nodes", "terminal"} for c in document["components"])


# The command


def test_the_command_answers_in_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["graph", "retry"]) == 0

    printed = capsys.readouterr().out
    assert printed.startswith("retry: 22 states, 31 edges, 19 components, 10 of them terminal, 10 deadlocks\n")
    assert printed.count("no step is enabled, so it is a deadlock\n") == 10
    assert "   1  controller: reconcile: clone: Succeeded; Succeeded\n" in printed


def test_by_a_variable_the_command_says_what_a_node_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        kargo_model.main(["graph", "by-hand", "--promotions", "1", "--freight", "1", "--by", "phase[dev.1]"]) == 0
    )

    printed = capsys.readouterr().out
    assert printed.startswith("by-hand: 7 nodes for ")
    assert "a node is what phase[dev.1] can be at the same time" in printed


@pytest.mark.parametrize("end", shown.WRITERS)
def test_the_end_of_a_name_says_how_it_is_written(
    end: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"retry{end}"
    assert kargo_model.main(["graph", "retry", "-o", str(file)]) == 0
    once = file.read_text()
    kargo_model.main(["graph", "retry", "-o", str(file)])

    assert capsys.readouterr().out.startswith("retry: 22 states")
    assert file.read_text() == once


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "no system 'nope'; the systems are: "),
        (["single", "--size", "3"], "--size goes with the name of a toy"),
        (["retry", "--freight", "1"], "--promotions and --freight go with the name of a control loop: "),
        (["retry", "--kargo", "0.1"], "Kargo '0.1' is not modelled"),
        (["retry", "--by", "nope"], "retry has no variable 'nope'; the variables are: phase, "),
        (
            ["retry", "-o", "retry.txt"],
            "retry.txt has to end in .dot, .graphml, .json, which says how it is written",
        ),
        (["retry", "-o", "/nowhere/retry.dot"], "/nowhere/retry.dot cannot be written: No such file or directory"),
        (["die-hard", "--size", "3"], "die-hard has no size to choose"),
        (
            ["single", "--states", "100"],
            "single has more than 100 states: narrow it with --promotions 1 --freight 1, or with --by and few "
            "variables, or allow more with --states",
        ),
        (["retry", "--states", "10"], "retry has more than 10 states: narrow it with --by and few variables, or "),
    ],
)
def test_a_wrong_call_gets_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["graph", *words]) == 2

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"kargo-model: {said}")
