"""The toys' properties: which hold, which mutant breaks each, and that none holds for want of cases."""

from __future__ import annotations

import pytest

from invariants.check import Report, Verdict, check
from invariants.properties import ABOUT_RUNS
from invariants.toys import CLAIMS
from invariants.trace import true_of
from model.system import NOT_ENABLED, Outcomes, Rule, mutate, only
from model.toys import TOYS
from tests.naive_runs import graph_of, violates

"""The one claim that is not true, and is not meant to be."""


def commit_at_will(commit_sent: bool) -> Outcomes:
    """A broken rule: a resource manager does not wait for the message."""
    return only(rm="committed")


def hear_both(abort_sent: bool) -> Outcomes:
    """A broken rule: a resource manager changes its mind after the commit."""
    return only(rm="aborted")


def never_mind(rm: str) -> Outcomes:
    """A broken rule: an abort does not look at what others did."""
    return only()


def abort_always(rm: str) -> Outcomes:
    """A broken rule: what has aborted works again."""
    return only(rm="working" if rm == "aborted" else "aborted")


def spill(big: int, small: int) -> Outcomes:
    """A broken rule: pouring makes water."""
    return only(big=min(5, big + small), small=small)


def do_not_wait(at: str, other_flag: bool, turn: int, mine: int) -> Outcomes:
    """A broken rule: nobody looks at the turn."""
    return only(at="cs") if at == "a3" else NOT_ENABLED


def just_eat(
    at: str,
    hungry: bool,
    left: int,
    left_clean: bool,
    right: int,
    right_clean: bool,
    me: int,
    left_neighbour: int,
    right_neighbour: int,
) -> Outcomes:
    """A broken rule: whoever holds the left fork eats, and never lets go of a clean one."""
    return only(at="Eat") if at == "Loop" and left == me else NOT_ENABLED


def clean_and_keep(
    at: str,
    hungry: bool,
    left: int,
    left_clean: bool,
    right: int,
    right_clean: bool,
    me: int,
    left_neighbour: int,
    right_neighbour: int,
) -> Outcomes:
    """A broken rule: a philosopher cleans its forks and keeps the left one."""
    if at != "Loop":
        return NOT_ENABLED
    if right == me:
        return only(right=right_neighbour, right_clean=True)
    return only(left_clean=True) if left == me else NOT_ENABLED


def stay_white(active: bool) -> Outcomes:
    """A broken rule: a node does not remember that it woke one behind the token."""
    return only(other=True) if active else NOT_ENABLED


def keep_silent(tm: str) -> Outcomes:
    """A broken rule: the transaction manager tells nobody."""
    return only(tm="committed") if tm == "init" else NOT_ENABLED


def keep_the_flag(at: str) -> Outcomes:
    """A broken rule: a process rests with its flag raised."""
    return only(at="a0") if at == "a4" else NOT_ENABLED


def stay_put(token: int, token_color: str, color: str, *, last: int, because: str) -> Outcomes:
    """A broken rule: node 0 keeps the token."""
    return NOT_ENABLED


def keep_the_water() -> Outcomes:
    """A broken rule: nothing is poured away."""
    return NOT_ENABLED


MUTANTS: tuple[tuple[str, dict[str, Rule], str], ...] = (
    ("two-phase-commit", {"hear_commit": commit_at_will}, "rm1_and_rm2_agree"),
    ("two-phase-commit", {"hear_abort": hear_both}, "a_decision_of_rm1_is_final"),
    ("two-phase-commit", {"commit": keep_silent}, "rm1_decides"),
    ("tcommit", {"has_not_committed": never_mind}, "rm1_and_rm2_agree"),
    ("tcommit", {"abort": abort_always}, "a_decision_of_rm1_is_final"),
    ("die-hard", {"small_to_big": spill}, "no_water_comes_from_nowhere"),
    ("die-hard", {"empty_big": keep_the_water, "empty_small": keep_the_water}, "four_gallons_stay_possible"),
    ("peterson", {"lower_flag": keep_the_flag}, "1_gets_in"),
    ("peterson", {"enter": do_not_wait}, "never_both_in_the_critical_section"),
    ("dining-philosophers", {"hand_over_or_choose": just_eat}, "3_and_4_never_eat_together"),
    ("dining-philosophers", {"hand_over_or_choose": clean_and_keep}, "not_everybody_waits_for_a_fork"),
    ("dining-philosophers", {"hand_over_or_choose": clean_and_keep}, "1_does_not_starve"),
    ("ewd840", {"initiate_probe": stay_put}, "termination_is_detected_in_the_end"),
    ("ewd840", {"send_up": stay_white}, "node_2_rests_when_termination_is_detected"),
)


def verdicts(report: Report) -> dict[str, Verdict]:
    return {j.property.name: j.verdict for j in report.judgements}


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
@pytest.mark.parametrize("toy", TOYS)
def test_every_claim_of_a_toy_holds(toy: str, engine: str) -> None:
    found = verdicts(check(TOYS[toy](), CLAIMS[toy](), engine=engine))

    assert dict.fromkeys(found, Verdict.HOLDS) == found


@pytest.mark.parametrize(("toy", "rules", "claim"), MUTANTS, ids=[f"{t}: {c}" for t, _, c in MUTANTS])
def test_a_mutant_breaks_the_claim(toy: str, rules: dict[str, Rule], claim: str) -> None:
    system = mutate(TOYS[toy](), **rules)

    report = check(system, CLAIMS[toy](), stop_when_decided=True)

    judgement = next(j for j in report.judgements if j.property.name == claim)
    assert Verdict.VIOLATED is judgement.verdict
    assert judgement.trace is not None
    if judgement.property.kind in ABOUT_RUNS:
        assert violates(system, graph_of(system), judgement.property, judgement.trace)
        return
    last = judgement.trace.steps[-1]
    before = last.before if any(late for _, (_, late) in judgement.property.reads) else last.after
    assert not true_of(judgement.property, before, last.after)


def test_every_claim_but_the_witnesses_has_a_mutant() -> None:
    caught = {(toy, _family(claim)) for toy, _, claim in MUTANTS}
    claimed = {(toy, _family(c.name)) for toy in TOYS for c in CLAIMS[toy]() if c.kind.value != "sometimes"}

    assert claimed == caught


def _family(name: str) -> str:
    return "".join(c for c in name if not c.isdigit())


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_die_hard_is_solved_in_six_pours(engine: str) -> None:
    report = check(TOYS["die-hard"](), CLAIMS["die-hard"](), engine=engine)

    trace = report.judgements[0].trace
    assert trace is not None
    solution = [(0, 0), (5, 0), (2, 3), (2, 0), (0, 2), (5, 2), (4, 3)]
    assert solution == [(s["big"], s["small"]) for s in trace.states]
