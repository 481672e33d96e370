"""Claims about runs: the cases that checkers are known to get wrong, and how a run that never ends is told."""

from __future__ import annotations

import pytest

from diagrams import traces
from invariants.check import Bounds, Judgement, Verdict, check
from invariants.properties import (
    Property,
    always,
    always_eventually,
    eventually,
    leads_to,
    stays_possible,
    strong,
    weak,
)
from invariants.trace import Trace
from model.system import ModelError, Outcomes, System, action, only, variable
from tests.naive_runs import graph_of, holds, violates

ENGINES = [("symbolic", "layers"), ("symbolic", "saturation"), ("explicit", "layers")]
Edges = dict[str, list[tuple[str, str]]]


def go(at: str, edges: tuple[tuple[str, str], ...]) -> Outcomes:
    """Every edge from here."""
    return tuple(o for a, b in edges if a == at for o in only(f"{a} to {b}", at=b))


def system(edges: Edges) -> System:
    """One variable, and for every action the edges that it has."""
    steps = tuple(action(go, name, constants={"edges": tuple(some)}) for name, some in edges.items())
    return System("graph", (variable("at", "a"),), steps)


def arrives(at: str, where: str) -> bool:
    """The goal."""
    return at == where


def judged(edges: Edges, claim: Property, engine: str, strategy: str) -> Judgement:
    """The verdict, which is that of the yardstick, with a run that is one."""
    made = system(edges)
    report = check(made, (claim,), engine=engine, strategy=strategy)
    (judgement,) = report.judgements
    graph = graph_of(made)
    assert (judgement.verdict is Verdict.HOLDS) is holds(graph, claim)
    if judgement.trace is not None:
        assert violates(made, graph, claim, judgement.trace)
    return judgement


def goal(where: str) -> dict[str, str]:
    return {"where": where}


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
class TestCases:
    """Each with the verdict that the words have."""

    def test_a_path_that_joins_another_one(self, engine: str, strategy: str) -> None:
        """The goal is on one of two ways to the same end: a search that marks states as seen would miss it."""
        edges = {"go": [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]}
        found = judged(edges, eventually(arrives, constants=goal("b"), fair=[weak("go")]), engine, strategy)
        assert found.verdict is Verdict.VIOLATED
        assert [s["at"] for s in _trace(found).states] == ["a", "c", "d"]

    def test_a_path_into_a_cycle(self, engine: str, strategy: str) -> None:
        """Going round for ever never meets the goal, although no state is a dead end."""
        edges = {"go": [("a", "b"), ("b", "c"), ("c", "b"), ("a", "d")]}
        found = judged(edges, eventually(arrives, constants=goal("d"), fair=[weak("go")]), engine, strategy)
        assert (len(_trace(found).steps), _trace(found).loop) == (3, 1)

    def test_a_cycle_that_a_fair_step_leaves(self, engine: str, strategy: str) -> None:
        """Who may always leave leaves."""
        edges = {"round": [("a", "b"), ("b", "a")], "leave": [("a", "d"), ("b", "d")]}
        assert (
            judged(edges, eventually(arrives, constants=goal("d"), fair=[weak("leave")]), engine, strategy).trace
            is None
        )

    def test_a_dead_end(self, engine: str, strategy: str) -> None:
        """Where nothing is enabled nothing is due, however fair."""
        edges = {"go": [("a", "b"), ("a", "c")]}
        claim = eventually(arrives, constants=goal("c"), fair=[weak("go"), strong("go")])
        found = judged(edges, claim, engine, strategy)
        assert (len(_trace(found).steps), _trace(found).loop) == (1, 1)

    def test_a_step_that_changes_nothing_is_taken_all_the_same(self, engine: str, strategy: str) -> None:
        """Fairness is about steps: one that may go round for ever does, and keeps what is fair."""
        edges = {"go": [("a", "a"), ("a", "b")]}
        found = judged(edges, eventually(arrives, constants=goal("b"), fair=[weak("go")]), engine, strategy)
        assert (len(_trace(found).steps), _trace(found).loop) == (1, 0)

    def test_without_fairness_nothing_has_to_happen(self, engine: str, strategy: str) -> None:
        """Stuttering: the run may stop where it begins."""
        found = judged({"go": [("a", "b")]}, eventually(arrives, constants=goal("b")), engine, strategy)
        assert (len(_trace(found).steps), _trace(found).loop) == (0, 0)

    def test_weak_and_strong_differ(self, engine: str, strategy: str) -> None:
        """Enabled again and again but never for long: only strong fairness makes it happen."""
        edges = {"on": [("a", "b")], "off": [("b", "a")], "leave": [("b", "c")]}
        round_ = [weak("on"), weak("off")]
        weakly = always_eventually(arrives, constants=goal("c"), fair=[*round_, weak("leave")])
        strongly = eventually(arrives, constants=goal("c"), fair=[*round_, strong("leave")])
        assert judged(edges, strongly, engine, strategy).verdict is Verdict.HOLDS
        found = judged(edges, weakly, engine, strategy)
        lines = [*traces.story(_trace(found)), *traces.fairness(system(edges), weakly, _trace(found))]
        assert lines[0] == "    again and again, for ever:"
        assert lines[-1] == "never: leave (not enabled all the time: after step 1 it is)"

    def test_a_premise_that_is_never_met(self, engine: str, strategy: str) -> None:
        """It holds, and the answer says for want of what."""
        edges = {"go": [("a", "b")]}
        never = always(arrives, "never", constants=goal("x"))
        found = judged(edges, leads_to(never, arrives, constants=goal("z")), engine, strategy)
        assert (found.verdict, found.vacuous) == (Verdict.HOLDS, True)
        met = always(arrives, "met", constants=goal("b"))
        claim = leads_to(met, arrives, constants=goal("b"))
        assert not judged(edges, claim, engine, strategy).vacuous

    def test_alike_is_not_the_same(self, engine: str, strategy: str) -> None:
        """Two processes that are alike: that one of them gets on says nothing of the other."""
        steps = {
            f"{name} {p}": [(f"{p}{m}", f"{p}{n}")] for p in "lr" for name, m, n in (("out", 0, 1), ("in", 1, 0))
        }
        edges = {"choose": [("a", "l0"), ("a", "r0")], "swap": [("l0", "r0"), ("r0", "l0")], **steps}
        fair = [weak("choose"), weak("out l"), weak("in l"), weak("out r", "in r", "swap")]
        claim = always_eventually(arrives, constants=goal("r1"), fair=fair)
        assert judged(edges, claim, engine, strategy).verdict is Verdict.VIOLATED

    def test_only_these_steps_from_there_on(self, engine: str, strategy: str) -> None:
        """With `by` the claim is that they are enough; how one gets to the premise does not matter."""
        edges = {"person": [("a", "b"), ("c", "d")], "controller": [("b", "c")]}
        asked = always(arrives, "asked", constants=goal("b"))
        fair, by = [weak("controller"), weak("person")], ("controller",)
        assert (
            judged(edges, leads_to(asked, arrives, constants=goal("c"), fair=fair, by=by), engine, strategy).trace
            is None
        )
        found = judged(edges, leads_to(asked, arrives, constants=goal("d"), fair=fair, by=by), engine, strategy)
        assert [s["at"] for s in _trace(found).states] == ["a", "b", "c"]

    def test_what_stays_possible(self, engine: str, strategy: str) -> None:
        """That a state can be met again is no promise that it will be."""
        edges = {"go": [("a", "b"), ("b", "a"), ("b", "c")], "back": [("c", "a")]}
        assert (
            judged(edges, stays_possible(arrives, constants=goal("a")), engine, strategy).verdict is Verdict.HOLDS
        )
        lost = judged(edges, stays_possible(arrives, constants=goal("a"), by=("go",)), engine, strategy)
        assert ([s["at"] for s in _trace(lost).states], _trace(lost).loop) == (["a", "b", "c"], None)


def _trace(judgement: Judgement) -> Trace:
    assert judgement.trace is not None
    return judgement.trace


@pytest.mark.parametrize(("engine", "strategy"), ENGINES)
def test_nothing_is_said_before_all_was_seen(engine: str, strategy: str) -> None:
    edges = {"go": [(chr(97 + k), chr(98 + k)) for k in range(20)]}
    bounds = Bounds(states=5)
    report = check(
        system(edges), (eventually(arrives, constants=goal("c")),), engine=engine, strategy=strategy, bounds=bounds
    )
    assert [j.verdict for j in report.judgements] == [Verdict.BOUNDED]


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        (eventually(arrives, constants=goal("b"), fair=[weak("fly")]), "'fly'"),
        (eventually(arrives, constants=goal("b"), by=("fly",)), "'fly'"),
        (leads_to(always(arrives, constants=goal("b"), at="where_to"), arrives, constants=goal("b")), "'where_to'"),
    ],
)
def test_a_claim_about_what_does_not_exist_is_refused(claim: Property, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        check(system({"go": [("a", "b")]}), (claim,))


def test_the_claims_read_as_sentences() -> None:
    asked = always(arrives, "asked", constants=goal("b"))
    assert eventually(arrives, constants=goal("b")).claim == "eventually arrives"
    assert leads_to(asked, arrives, constants=goal("b")).claim == "whenever arrives, arrives in the end"
    assert always_eventually(arrives, constants=goal("b")).claim == "always eventually arrives"
    assert (
        stays_possible(arrives, constants=goal("b"), premise=asked).claim == "arrives stays possible when arrives"
    )
