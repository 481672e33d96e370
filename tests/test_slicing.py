"""Slicing: what is dropped, what must not be, and that it changes no verdict."""

from __future__ import annotations

from functools import partial

import pytest

from invariants.check import Verdict, check
from invariants.properties import Property, always, every_step, sometimes
from invariants.slicing import cone, may_write, sliced
from model.system import (
    NOT_ENABLED,
    Outcome,
    Outcomes,
    System,
    action,
    local,
    only,
    part,
    required,
    sequence,
    variable,
)


def advance(phase: int) -> Outcomes:
    return only(phase=phase + 1, message=f"now in {phase + 1}") if phase < 3 else NOT_ENABLED


def report(phase: int, message: str) -> Outcomes:
    return only(message=f"seen {phase}")


def count(counter: int) -> Outcomes:
    return only(counter=(counter + 1) % 5)


def approve(approved: bool) -> Outcomes:
    return only() if approved else NOT_ENABLED


def decide(approved: bool) -> Outcomes:
    return only(approved=not approved)


def never_four(phase: int) -> bool:
    return phase < 4


def system() -> System:
    return System(
        "a phase with a message",
        (
            variable("phase", 0),
            variable("approved", False),
            variable("message", ""),
            variable("counter", 0),
            local("scratch", 0),
        ),
        (
            sequence("advance", required(action(approve)), action(advance, writes=["message"])),
            action(report),
            action(count),
            action(decide),
        ),
    )


def test_what_nothing_of_interest_reads_is_dropped() -> None:
    slice_ = sliced(system(), [always(never_four)])

    assert slice_.dropped == ("message", "counter", "scratch")
    assert slice_.vanished == ("report", "count")


def test_required_parts_are_of_interest() -> None:
    assert {"phase", "approved"} == cone(system(), [always(never_four)])


def test_without_properties_nothing_is_dropped() -> None:
    whole = system()

    assert whole is sliced(whole, []).system


def test_what_a_property_reads_stays() -> None:
    def short(message: str) -> bool:
        return len(message) < 20

    assert {"phase", "approved", "message"} == cone(system(), [always(short)])


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_traces_are_of_the_whole_system(engine: str) -> None:
    def early(phase: int) -> bool:
        return phase < 2

    report = check(system(), [always(early)], engine=engine)

    trace = report.judgements[0].trace
    assert trace is not None
    assert [s.action for s in trace.steps] == ["decide", "advance", "advance"]
    assert trace.end["message"] == "now in 2"
    assert report.sliced == ("message", "counter", "scratch")


def test_conditions_on_the_way_to_a_part_are_of_interest() -> None:
    def note(scratch: int) -> Outcomes:
        return only(scratch=1)

    nested = sequence("nested", part(action(advance, writes=["message"]), scratch=1))
    whole = System(
        "nested",
        (variable("phase", 0), variable("mode", 0, 1), variable("message", ""), local("scratch", 0)),
        (sequence("step", action(note), part(nested, mode=1), part(action(report), mode=0)),),
    )

    assert {"phase", "mode", "scratch"} == cone(whole, [always(never_four)])


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_a_claim_about_an_action_keeps_what_enables_it(engine: str) -> None:
    def counted_late(phase: int) -> bool:
        return phase < 3

    claims: list[Property] = [every_step(counted_late, by=("count",))]

    whole = check(system(), claims, engine=engine, sliced=False)
    part_ = check(system(), claims, engine=engine)

    assert Verdict.VIOLATED is whole.judgements[0].verdict is part_.judgements[0].verdict
    assert whole.judgements[0].trace is not None
    assert part_.judgements[0].trace is not None
    assert len(whole.judgements[0].trace.steps) == len(part_.judgements[0].trace.steps)


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_a_step_that_changes_nothing_of_interest_can_break_a_claim(engine: str) -> None:
    def every_step_changes_the_phase(phase: int, next_phase: int) -> bool:
        return phase != next_phase

    report = check(system(), [every_step(every_step_changes_the_phase)], engine=engine)

    assert Verdict.VIOLATED is report.judgements[0].verdict
    assert report.judgements[0].trace is not None
    assert len(report.judgements[0].trace.steps) == 1


def helper(value: int) -> Outcomes:
    return only(message=str(value))


def through_helper(phase: int, message: str) -> Outcomes:
    return helper(phase)


def by_string(phase: int, message: str, *, target: str) -> Outcomes:
    return (Outcome("", {target: str(phase)}),)


class Writer:
    """A rule that is an object."""

    __name__ = "writer"

    def __call__(self, phase: int, message: str) -> Outcomes:
        return only(message=str(phase))


def test_what_may_be_written_is_read_off_functions() -> None:
    def closing_over(phase: int, message: str) -> Outcomes:
        return inner(phase)

    inner = partial(helper)

    assert {"message"} == may_write(action(through_helper))
    assert {"message"} == may_write(action(by_string, constants={"target": "message"}))
    assert {"message"} == may_write(action(closing_over))
    assert {"message"} == may_write(action(Writer()))
    assert {"m"} == may_write(action(helper, value="phase", writes={"message": "m"}))
    assert set() == may_write(action(approve))


def hidden(phase: int, counter: int) -> Outcomes:
    return (Outcome("", {"".join(["pha", "se"]): 4}),) if counter == 2 else NOT_ENABLED


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_a_write_that_the_code_does_not_show_is_caught(engine: str) -> None:
    """The function is called because it also writes something of interest under a name that shows."""

    def openly(phase: int, counter: int) -> Outcomes:
        return (*hidden(phase, counter), *only(phase=phase))

    whole = System("hidden", (variable("phase", 0), variable("counter", 0)), (action(openly), action(count)))

    report = check(whole, [sometimes(never_four, "below four"), always(never_four)], engine=engine)

    assert Verdict.VIOLATED is report.judgements[1].verdict
