"""Pictures of lifecycles: what is in them, and that what releases do is seen, not written down."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from commands.draw_lifecycle import LIFECYCLES
from diagrams.dots import dot
from diagrams.drawing import drawn
from diagrams.lifecycles import Known, event_class, moves_of, phase_class, picture
from diagrams.pictures import Edge, Mark, Picture, Shape
from invariants.check import check
from invariants.kargo import moves as kargo_moves
from invariants.kargo import systems
from invariants.moves import explore, moves
from model.kargo.lifecycles import PROMOTION, STEP
from model.kargo.phases import PromotionPhase, StepPhase
from model.kargo.releases import RELEASES
from model.lifecycle import listening
from model.system import ModelError
from tests.layouts import check_layout

NAMES = tuple(LIFECYCLES)
SVG = "{http://www.w3.org/2000/svg}"


def known(name: str) -> Known:
    return LIFECYCLES[name][0]


def marked(found: Picture, mark: Mark) -> list[Edge]:
    return [edge for edge in found.edges if edge.mark is mark]


# Moves


def test_moves_are_heard_as_they_are_made():
    with listening() as heard:
        PROMOTION.after(PromotionPhase.NEW, "acknowledge")
        STEP.after(StepPhase.RUNNING, "pass_over", findings=True)
    PROMOTION.after(PromotionPhase.PENDING, "start")

    assert heard == {
        (PromotionPhase.NEW, "acknowledge", PromotionPhase.PENDING),
        (StepPhase.RUNNING, "pass_over", StepPhase.SKIPPED),
    }


def test_who_listens_within_another_hears_alone():
    with listening() as outer:
        with listening() as inner:
            PROMOTION.after(PromotionPhase.NEW, "acknowledge")
        PROMOTION.after(PromotionPhase.PENDING, "start")

    assert [event for _, event, _ in inner] == ["acknowledge"]
    assert [event for _, event, _ in outer] == ["start"]


def test_every_move_that_is_heard_is_one_of_the_lifecycle():
    for release in RELEASES:
        for before, event, after in kargo_moves.of_steps(release):
            table = STEP if isinstance(before, StepPhase) else PROMOTION
            assert table.after(before, event, findings=True) is after


def test_exploring_for_moves_sees_as_many_states_as_the_checker_and_no_more_than_asked():
    system = systems.subject("retry", RELEASES["1.11.2"]).system

    assert explore(system, 1000) == check(system).states == 22
    with pytest.raises(ModelError, match="more than 5 states"):
        moves(systems.subject("retry", RELEASES["1.8.3"]).system, most=5)


def test_findings_are_made_by_the_releases_that_the_model_says_and_no_others():
    for arrow in STEP.findings:
        for release in RELEASES:
            made = (arrow.source, arrow.event, arrow.target) in kargo_moves.of_steps(release)
            assert made <= (release in arrow.releases)
    assert any(
        event == "pass_over" and before is StepPhase.RUNNING for before, event, _ in kargo_moves.of_steps("1.8.3")
    )


# Pictures


@pytest.mark.parametrize("name", NAMES)
def test_every_phase_and_event_is_in_the_picture_as_it_is_meant(name):
    table = known(name).table
    found = picture(known(name))

    assert {phase_class(p) for p in table.phases} == {n.classes[0] for n in found.nodes if "phase" in n.classes}
    shown = {c for edge in found.edges for c in edge.classes if c.startswith("event-")}
    assert {event_class(a.event) for a in table.arrows} <= shown
    assert all(n.tooltip for n in found.nodes if "phase" in n.classes)
    assert all(e.tooltip for e in found.edges if any(c.startswith("event-") for c in e.classes))


@pytest.mark.parametrize("name", NAMES)
def test_every_phase_has_a_kind(name):
    assert set(known(name).kinds) == set(known(name).table.phases)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps(name):
    check_layout(dot(picture(known(name))))


def test_phases_and_events_can_be_found_in_the_svg():
    root = ElementTree.fromstring(drawn(picture(known("promotion")), ".svg"))
    groups = {e.get("id"): (e.get("class") or "").split() for e in root.iter(f"{SVG}g") if e.get("id")}

    for phase in PromotionPhase:
        assert "phase" in groups[f"promotion-{phase_class(phase)}"]
    assert any("event-abort" in classes for classes in groups.values())


def test_what_every_live_phase_allows_is_one_edge_from_the_box():
    found = picture(known("promotion"))

    assert [e.source for e in found.edges if e.label == "abort"] == ["live"]
    assert [e.source for e in found.edges if e.label == "start"] == ["p_PENDING"]
    step = picture(known("step"))
    assert [e.source for e in step.edges if e.label == "succeed"] == ["live"]
    assert [e.source for e in step.edges if e.label == "wait"] == ["any"]


def test_terminal_phases_stand_apart():
    found = picture(known("promotion"))

    assert {n.label for n in found.nodes if n.box == "over"} == {"Succeeded", "Failed", "Errored", "Aborted"}
    assert picture(known("stage-health")).boxes == ()


def test_what_only_some_releases_do_is_marked_and_named():
    promotion = picture(known("promotion"), moves_of(known("promotion")))

    assert [(e.label, e.note) for e in marked(promotion, Mark.SOME)] == [("fail", "only in 1.10.10, 1.11.2, main")]
    step = picture(known("step"), moves_of(known("step")))
    assert {(e.label, e.note) for e in marked(step, Mark.FINDING) if e.label} == {("pass over", "only in 1.8.3")}


def test_one_release_is_shown_without_what_only_others_do():
    old, new = (picture(known("step"), moves_of(known("step"), only=v)) for v in ("1.8.3", "1.11.2"))

    assert marked(old, Mark.FINDING)
    assert not marked(new, Mark.FINDING)
    assert "fail" not in {e.label for e in old.edges}
    assert "fail" in {e.label for e in new.edges}
    assert [n.shape for n in old.nodes if n.label == "Failed"] == [Shape.ANY]
    assert old.title.endswith(", 1.8.3")


def test_what_all_phases_but_a_few_allow_is_one_edge_that_names_those():
    old = picture(known("step"), moves_of(known("step"), only="1.8.3"))

    said = {e.label: (e.source, e.note) for e in old.edges if e.note}
    assert said["wait"] == ("any", "not from Failed (tried again)")
    assert said["succeed"] == ("live", "not from Failed (tried again)")
    assert said["err for now"] == ("any", "not from Failed (tried again), Errored (tried again)")
    heard = {(m[0].value, m[1]) for m in known("step").heard("1.8.3")}
    assert not {(StepPhase.FAILED_FOR_NOW.value, "wait"), (StepPhase.FAILED_FOR_NOW.value, "succeed")} & heard


def test_a_diff_shows_what_a_release_has_changed():
    found = picture(known("step"), moves_of(known("step"), diff=("1.8.3", "1.9.9")))

    assert {e.label for e in marked(found, Mark.REMOVED) if e.label} == {"pass over"}
    added = {(e.source, e.label) for e in marked(found, Mark.ADDED)}
    assert ("p_FAILED_FOR_NOW", "wait") in added
    same = picture(known("step"), moves_of(known("step"), diff=("1.11.2", "main")))
    assert not marked(same, Mark.REMOVED)
    assert not marked(same, Mark.ADDED)
    assert any("is the same" in remark for remark in same.remarks)


def test_a_diff_the_other_way_round_says_the_opposite():
    there = picture(known("promotion"), moves_of(known("promotion"), diff=("1.9.9", "1.11.2")))
    back = picture(known("promotion"), moves_of(known("promotion"), diff=("1.11.2", "1.9.9")))

    assert [e.label for e in marked(there, Mark.ADDED)] == [e.label for e in marked(back, Mark.REMOVED)] == ["fail"]


def test_a_release_that_behaves_otherwise_is_drawn_otherwise():
    mended = replace(RELEASES["1.8.3"], if_reevaluated_on_retry=False)

    def heard(release: str):
        behaviours = mended if release == "1.8.3" else RELEASES[release]
        return {m for n in systems.NAMES for m in moves(systems.subject(n, behaviours).system)}

    other = replace(known("step"), heard=heard)
    assert not marked(picture(other, moves_of(other, only="1.8.3")), Mark.FINDING)
