"""Timelines and state tables: of traces, of runs, of stories."""

from __future__ import annotations

from itertools import pairwise

import pytest

from commands import draw_told
from diagrams.drawing import as_dot, as_mermaid, as_text, drawn
from diagrams.kargo import runs as of_kargo
from diagrams.kargo import stages
from diagrams.kargo.stages import KARGO, LANES, PROMOTION
from diagrams.theme import Kind
from diagrams.timeline_dots import LANE, broken, width
from diagrams.timelines import Lane, Note, Row, StateTable, Timeline, used
from diagrams.tracing import Told, parts, plainly, state_table, timeline
from invariants import toys
from invariants.check import check
from invariants.kargo import loops, systems
from invariants.trace import Taken, Trace
from model.kargo.loop.exploration import exploration
from model.kargo.phases import PromotionPhase
from model.kargo.releases import RELEASES
from simulations.ambient import lost_retry
from simulations.kargo import skip_vs_retry
from tests.layouts import check_layout
from tests.test_pictures import NASTY

TOLD = Told("told", "A title", "about it", "So it is.", False, ("a remark",))

BEFORE = {"phase[dev.1]": PromotionPhase.NEW, "current[dev]": None, "verified[f1/dev]": None}
RUNNING = BEFORE | {"phase[dev.1]": PromotionPhase.RUNNING, "current[dev]": "dev.1"}
TRACE = Trace(
    BEFORE,
    (
        Taken("promote", "person", "", BEFORE, BEFORE, {}),
        Taken("reconcile dev", "controller", "dev.1 becomes current", BEFORE, RUNNING, {}),
    ),
)


def test_who_acted_and_what_changed_stand_in_their_lanes():
    found = timeline(TRACE, KARGO, TOLD)

    assert [lane.label for lane in found.lanes] == ["person", "controller", "Promotion", "Stage"]
    assert [(row.number, row.lane, row.text) for row in found.rows] == [
        ("1", "person", "promote"),
        ("2", "controller", "reconcile dev: dev.1 becomes current"),
    ]
    assert found.rows[1].notes == (
        Note("promotion", "dev.1", ("phase new → Running",), Kind.BUSY),
        Note("stage", "dev", ("current none → dev.1",)),
    )


def test_a_table_says_only_what_changed():
    found = state_table(TRACE, TOLD)

    assert found.names == ("dev.1: phase", "dev: current")
    assert found.steps == (
        "at the start",
        "1  person: promote",
        "2  controller: reconcile dev: dev.1 becomes current",
    )
    assert found.cells == (("new", "none"), ("", ""), ("Running", "dev.1"))


def test_what_a_story_need_not_tell_of_is_left_out():
    found = timeline(TRACE, KARGO, TOLD, shown=lambda variable: not variable.startswith("current"))

    assert [note.lane for note in found.rows[1].notes] == ["promotion"]


@pytest.mark.parametrize(
    ("loop", "divider"), [(1, "From here on again and again, for ever:"), (2, "And nothing more happens.")]
)
def test_a_run_without_an_end_says_so(loop, divider):
    found = timeline(Trace(TRACE.start, TRACE.steps, loop), KARGO, TOLD)

    assert [row.divider for row in found.rows if row.divider] == [divider]
    assert found.rows[loop].divider == divider


def test_every_variable_of_the_control_loop_has_a_lane_that_exists():
    lanes = {lane.key for lane in LANES}
    for loop in loops.LOOPS.values():
        system = exploration("x", loop.pipeline, RELEASES["1.11.2"], loop.bounds)
        assert {KARGO.lane(v.name) for v in system.variables} <= lanes
        assert {a.actor for a in system.actions} <= set(stages.ACTORS)
    assert KARGO.lane("health[dev]") == "stage"
    assert KARGO.lane("app[dev]") == "application"
    assert KARGO.lane("phase[dev.1]") == PROMOTION
    assert KARGO.lane("verified[f1/dev]") == "freight"
    assert KARGO.lane("entry[clone]") == "step"
    assert parts("a b[c/d]") == ("a b", "c/d")


def test_a_system_of_which_nothing_is_known_has_a_lane_for_each_actor():
    subject = toys.subject("die-hard", None)
    [judgement] = [j for j in check(subject.system, subject.properties).judgements if j.trace][:1]
    found = timeline(judgement.trace, plainly(judgement.trace), TOLD)

    assert found.lanes[-1] == Lane("state", "state")
    assert len(found.rows) == len(judgement.trace.steps)


def test_lanes_in_which_nothing_happens_are_left_out():
    rows = (Row("person", "do", (Note("stage", "dev", ("x",)),)),)

    assert [lane.key for lane in used(LANES, rows)] == ["person", "stage"]


# Counterexamples


def test_a_counterexample_is_drawn_with_every_step():
    subject = systems.subject("retry", RELEASES["1.8.3"])
    judged = check(subject.system, subject.properties).judgements
    for trace in (j.trace for j in judged if j.trace is not None):
        found = timeline(trace, KARGO, TOLD)
        assert [r.text.split(":")[0] for r in found.rows] == [s.action for s in trace.steps]
        table = state_table(trace, TOLD)
        for step, row in zip(trace.steps, table.cells[1:], strict=True):
            assert sum(map(bool, row)) == len(step.changes)


# Runs


def test_a_run_tells_what_each_pass_did_with_each_step():
    run = skip_vs_retry.run_of(skip_vs_retry.load(), RELEASES["1.8.3"])
    found = of_kargo.timeline("Stage x", "1.8.3", run)

    assert [row.at for row in found.rows] == ["0s", "5m0.001s"]
    assert found.rows[0].notes[0] == Note("promotion", "", ("phase new → Running",), Kind.BUSY)
    assert "skipped" in found.rows[1].notes[1].texts[0]
    assert found.rows[1].notes[1].kind is Kind.BAD
    assert not found.good
    assert "was begun and never done" in found.verdict


def test_the_table_of_a_run_is_the_difference_between_statuses():
    run = skip_vs_retry.run_of(skip_vs_retry.load(), RELEASES["1.8.3"])
    found = of_kargo.state_table("Stage x", "1.8.3", run)

    rows = dict(zip(found.names, zip(*found.cells, strict=True), strict=True))
    assert rows["phase"] == ("new", "Running", "Succeeded")
    assert rows["task-1::gitClone: errorCount"] == ("", "1", "")
    assert rows["task-1::gitClone: status"] == ("", "Errored", "Skipped")


# Stories


@pytest.mark.parametrize("name", ["frozen-stage", "late-verification"])
def test_a_story_is_told_in_lanes_as_it_went(name):
    found = draw_told.of_the_loop(name)

    assert isinstance(found, Timeline)
    assert found.verdict.startswith("Violated: ")
    assert {"person", "controller", "Promotion", "Stage"} <= {lane.label for lane in found.lanes}
    assert [r.number for r in found.rows if r.number] == [
        str(i) for i, _ in enumerate([r for r in found.rows if not r.divider], start=1)
    ]
    check_layout(as_dot(found))


def test_the_table_of_a_story_says_what_each_pass_changed():
    found = draw_told.of_the_loop("frozen-stage", table=True)

    assert isinstance(found, StateTable)
    row = dict(zip(found.names, zip(*found.cells, strict=True), strict=True))
    assert [v for v in row["dev: last"] if v] == ["none", "dev.zzz"]
    assert [v for v in row["dev#1: phase"] if v] == ["none", "Pending", "Succeeded"]


def test_a_story_of_a_release_without_the_bug_ends_well():
    found = draw_told.of_the_loop("frozen-stage", "1.11.2")

    assert isinstance(found, Timeline)
    assert found.good
    assert found.verdict == "Every claim holds in 1.11.2."


def test_the_stories_of_the_other_engines_are_drawn_as_well():
    lost = draw_told.of_a_session(next(lost_retry.tellings()))
    assert isinstance(lost, Timeline)
    assert [lane.label for lane in lost.lanes] == ["operator", "cluster", "state"]
    assert "was never told its workflow" in lost.verdict

    workflow = draw_told.of_a_workflow("declared-failure-goes-on", "1.2.3")
    assert isinstance(workflow, Timeline)
    assert [lane.label for lane in workflow.lanes] == ["person", "engine", "step", "run"]
    assert {note.kind for row in workflow.rows for note in row.notes} == {Kind.GOOD, Kind.BAD}


# How they are drawn


def nasty(count: int = 6) -> Timeline:
    rows = tuple(
        Row(
            "person",
            f"{NASTY} {i}",
            (Note("stage", NASTY, (NASTY * 3, "w" * 90)), Note("stage", "b", ("c",))),
            str(i),
        )
        for i in range(count)
    )
    return Timeline("nasty", NASTY, NASTY, used(LANES, rows), (*rows, Row(divider=NASTY)), NASTY, False, (NASTY,))


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".mmd", ".dot", ".json", ".txt"])
def test_whatever_a_text_holds_a_timeline_is_drawn_and_the_same_each_time(suffix):
    assert drawn(nasty(), suffix) == drawn(nasty(), suffix)


def test_nothing_overlaps_in_a_timeline_of_thirty_rows():
    check_layout(as_dot(nasty(30)))


def test_lines_fit_into_their_lane():
    for text in (NASTY, "w" * 200, "ILLIilli" * 20, "a few words of usual length " * 5, ""):
        for line in broken(text, LANE - 16, 10.5):
            assert width(line, 10.5) <= LANE - 16


def test_rows_go_down_and_lanes_stay_in_their_columns():
    found = as_dot(timeline(TRACE, KARGO, TOLD))
    places = [tuple(map(float, p.split(","))) for p in _positions(found)]

    columns = sorted({x for x, _ in places if x > LANE / 2})
    assert all(b - a > 1 for a, b in pairwise(columns))


def _positions(dot: str) -> list[str]:
    return [line.split('pos="')[1].split('"')[0] for line in dot.splitlines() if 'pos="' in line]


def test_a_table_has_as_few_columns_as_it_can():
    wide = StateTable("t", "t", "", ("0", "1"), tuple("abcde"), (("x",) * 5, ("y",) * 5))
    tall = StateTable("t", "t", "", tuple("012345"), ("a", "b"), (("x", "y"),) * 6)

    assert as_dot(wide).count("<tr>") == 1 + 1 + 5 + 1
    assert as_dot(tall).count("<tr>") == 1 + 1 + 6 + 1
    check_layout(as_dot(wide))


def test_a_table_has_no_form_in_mermaid():
    with pytest.raises(ValueError, match="Mermaid knows no tables"):
        as_mermaid(state_table(TRACE, TOLD))


def test_a_timeline_in_words():
    words = list(as_text(timeline(TRACE, KARGO, TOLD)))

    assert words[0] == "A title"
    assert "  2 controller: reconcile dev: dev.1 becomes current" in words
    assert "      Stage: dev: current none → dev.1" in words
    assert words[-1] == "So it is."
    assert any("dev.1: phase" in line for line in as_text(state_table(TRACE, TOLD)))
