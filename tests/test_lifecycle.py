"""The extractor of lifecycles: what it reads, what it refuses, and that the library means the same."""

from __future__ import annotations

import pickle

import pytest
from statemachine import StateChart
from statemachine.states import States

from model.lifecycle import (
    Arrow,
    IllegalTransitionError,
    LifecycleError,
    Strict,
    event,
    guard_names,
    lifecycle,
    phases,
)
from model.phase import Phase
from tests.lifecycle_agreement import cases, check_agreement


class Door(Phase):
    OPEN = "open", "One can walk through."
    SHUT = "shut", "One has to open it first."
    GONE = "gone", "There is no door any more."


class Window(Phase):
    OPEN = "open", "One can look through."


class DoorLifecycle(Strict):
    """A door, with every spelling of a guard."""

    phase = phases(Door, initial=Door.OPEN, final=[Door.GONE])

    @event(phase.OPEN.to(phase.SHUT))
    def shut(self) -> None:
        """Someone shuts it."""

    @event(phase.SHUT.to(phase.OPEN, cond=["unlocked", "handle or kick"], unless="walled_up"))
    def open_up(self) -> None:
        """Someone opens it."""

    @event(phase.OPEN.from_(phase.OPEN, cond="windy"), phase.SHUT.to(phase.SHUT, unless="handle"))
    def rattle(self) -> None:
        """It rattles."""

    @event(phase.GONE.from_(phase.OPEN, phase.SHUT))
    def remove(self) -> None:
        """Someone takes it away."""


DOOR = lifecycle(DoorLifecycle, Door)


def test_a_lifecycle_says_what_was_declared():
    assert DOOR.name == "Door"
    assert DOOR.doc == "A door, with every spelling of a guard."
    assert DOOR.phases == (Door.OPEN, Door.SHUT, Door.GONE)
    assert DOOR.initial is Door.OPEN
    assert DOOR.final == (Door.GONE,)
    opening = DOOR.leaving(Door.SHUT)["open_up"]
    assert opening == Arrow(
        Door.SHUT, "open_up", Door.OPEN, "unlocked and (handle or kick) and not walled_up", "Someone opens it."
    )
    assert guard_names(opening.guard) == ("unlocked", "handle", "kick", "walled_up")
    assert not DOOR.leaving(Door.GONE)


@pytest.mark.parametrize(("phase", "name"), cases(DoorLifecycle))
def test_the_table_agrees_with_the_library(phase, name):
    check_agreement(DoorLifecycle, DOOR, phase, name)


def test_allows_is_one_arrow_and_leads_to_any_number():
    assert DOOR.allows(Door.OPEN, Door.OPEN)
    assert DOOR.allows(Door.GONE, Door.GONE)
    assert not DOOR.allows(Door.GONE, Door.OPEN)
    assert DOOR.leads_to(Door.SHUT, Door.GONE)
    assert not DOOR.leads_to(Door.GONE, Door.SHUT)


def test_an_illegal_transition_says_what_was_allowed():
    with pytest.raises(IllegalTransitionError) as refused:
        DOOR.after(Door.OPEN, "open_up")
    assert str(refused.value) == "Door: no 'open_up' from OPEN ('open'); allowed: shut, rattle, remove"
    with pytest.raises(IllegalTransitionError, match="allowed: nothing, it is final"):
        DOOR.after(Door.GONE, "shut")
    with pytest.raises(IllegalTransitionError, match="is not one of its phases"):
        DOOR.after(Window.OPEN, "shut")


def test_a_lifecycle_cannot_be_changed():
    with pytest.raises(AttributeError):
        DOOR.name = "Gate"
    with pytest.raises(TypeError):
        DOOR.leaving(Door.OPEN)["fly"] = None


def test_phases_are_told_apart_by_identity_and_survive_pickling():
    assert Door.OPEN != Window.OPEN
    assert pickle.loads(pickle.dumps(Door.SHUT)) is Door.SHUT
    assert str(Door.OPEN) == "open"
    assert Door("open") is Door.OPEN


FOUND = Arrow(Door.GONE, "remove", Door.OPEN, "", "It is back again.", ("1.0",))


def test_a_finding_is_made_on_request_and_never_allowed():
    table = lifecycle(DoorLifecycle, Door, findings=[FOUND])
    with pytest.raises(IllegalTransitionError):
        table.after(Door.GONE, "remove")
    assert table.after(Door.GONE, "remove", findings=True) is Door.OPEN
    assert not table.allows(Door.GONE, Door.OPEN)
    assert table.finding(Door.GONE, Door.OPEN) is FOUND
    assert table.finding(Door.OPEN, Door.SHUT) is None
    with pytest.raises(IllegalTransitionError, match="allowed: remove"):
        table.after(Door.GONE, "shut", findings=True)


@pytest.mark.parametrize(
    "arrow",
    [
        Arrow(Door.OPEN, "shut", Door.SHUT, "", "It shuts.", ("1.0",)),
        Arrow(Door.OPEN, "slam", Door.SHUT, "", "It shuts.", ("1.0",)),
        Arrow(Door.GONE, "haunt", Door.OPEN, "", "", ("1.0",)),
        Arrow(Door.GONE, "haunt", Door.OPEN, "", "It is back again."),
        Arrow(Window.OPEN, "break", Door.OPEN, "", "It breaks.", ("1.0",)),
    ],
    ids=["intended event", "intended change", "no doc", "no releases", "foreign phase"],
)
def test_a_finding_that_is_none_is_refused(arrow):
    with pytest.raises(LifecycleError, match="finding"):
        lifecycle(DoorLifecycle, Door, findings=[arrow])


def declare(*, base=Strict, doc="A door.", **body):
    """A class declared from `body`, whose functions take the states."""
    states = phases(Door, initial=Door.OPEN, final=[Door.GONE])
    made = {name: make(states) if callable(make) else make for name, make in body.items()}
    return type("Bad", (base,), {"__doc__": doc, "phase": states, **made})


def documented(arrows, doc="It happens."):
    def method(self):
        pass

    method.__doc__ = doc
    return event(*arrows)(method)


def named(name, arrows, doc="It happens."):
    def method(self):
        """It happens."""

    method.__name__ = name
    method.__doc__ = doc
    return event(*arrows)(method)


def shut(p):
    return named("shut", [p.OPEN.to(p.SHUT)])


def remove(p):
    return named("remove", [p.GONE.from_(p.OPEN, p.SHUT)])


def test_the_declaration_the_refusals_vary_is_sound():
    assert lifecycle(declare(shut=shut, remove=remove), Door).arrows


def double(p):
    named("shut", [p.OPEN.to(p.SHUT)])
    return named("shut", [p.SHUT.to(p.SHUT)])


REFUSED = {
    "two unguarded arrows, one event": (
        {"shut": lambda p: named("shut", [p.OPEN.to(p.SHUT), p.OPEN.to(p.GONE)])},
        "2 arrows leave open with the event 'shut'",
    ),
    "the same arrow twice": (
        {"shut": lambda p: named("shut", [p.OPEN.to(p.SHUT), p.OPEN.to(p.SHUT)])},
        "2 arrows leave open with the event 'shut'",
    ),
    "an arrow without an event": (
        {"shut": lambda p: shut(p) if p.SHUT.to(p.OPEN) else None},
        "would fire by itself",
    ),
    "one event declared twice": ({"shut": double}, "would fire by itself"),
    "an undocumented event": ({"shut": lambda p: p.OPEN.to(p.SHUT)}, "'shut' has no documentation"),
    "an event named like the library's": (
        {"shut": shut, "prepare": lambda p: named("prepare", [p.SHUT.to(p.OPEN)])},
        "'prepare' has the name of something else",
    ),
    "an event called error": (
        {"shut": shut, "error": lambda p: named("error", [p.SHUT.to(p.OPEN)])},
        "a meaning of its own",
    ),
    "an event called error_something": (
        {"shut": shut, "error_shut": lambda p: named("error_shut", [p.SHUT.to(p.OPEN)])},
        "error",
    ),
    "a guard without a name": (
        {"shut": lambda p: named("shut", [p.OPEN.to(p.SHUT, cond=lambda: True)])},
        "without a name",
    ),
    "a validator": (
        {"shut": lambda p: named("shut", [p.OPEN.to(p.SHUT, validators="check")])},
        "the validator 'check'",
    ),
    "an inline action": ({"shut": lambda p: named("shut", [p.OPEN.to(p.SHUT, on="log")])}, "the action 'log'"),
    "a method that is no event": (
        {"shut": shut, "on_enter_SHUT": lambda p: lambda self: None},
        "on_enter_SHUT is not an event",
    ),
}


@pytest.mark.parametrize(("body", "why"), REFUSED.values(), ids=REFUSED)
def test_what_the_library_accepts_in_silence_is_refused(body, why):
    machine = declare(**{"remove": remove, **body})
    with pytest.raises(LifecycleError, match=why):
        lifecycle(machine, Door)


def test_an_event_that_does_something_is_refused():
    def body(p):
        def shut(self):
            """Someone shuts it."""
            print("bang")

        return event(p.OPEN.to(p.SHUT))(shut)

    with pytest.raises(LifecycleError, match="shut does something"):
        lifecycle(declare(shut=body, remove=remove), Door)


def test_a_raw_value_for_a_phase_is_refused():
    with pytest.raises(LifecycleError, match="'gone' is not a member of Door"):
        phases(Door, initial=Door.OPEN, final=["gone"])
    with pytest.raises(LifecycleError, match="None is not a member of Door"):
        phases(Door, initial=None)
    with pytest.raises(LifecycleError, match="is not a member of Door"):
        phases(Door, initial=Window.OPEN)


def test_states_that_were_not_checked_are_refused():
    states = States.from_enum(Door, initial=Door.OPEN, final={Door.GONE})
    body = {"__doc__": "A door.", "phase": states, "shut": shut(states), "remove": remove(states)}
    with pytest.raises(LifecycleError, match="its states must come from `phases`"):
        lifecycle(type("Bad", (Strict,), body), Door)


def test_other_phases_than_those_of_the_enum_are_refused():
    with pytest.raises(LifecycleError, match="are not the members of Window"):
        lifecycle(DoorLifecycle, Window)


def test_lax_flags_are_refused():
    machine = declare(shut=shut, remove=remove, allow_event_without_transition=True)
    with pytest.raises(LifecycleError, match="allow_event_without_transition must stay False"):
        lifecycle(machine, Door)


def test_a_subclass_of_a_lifecycle_is_refused():
    machine = type("Sub", (DoorLifecycle,), {"__doc__": "A door."})
    with pytest.raises(LifecycleError, match="only base"):
        lifecycle(machine, Door)


def test_a_chart_with_the_library_defaults_is_refused():
    with pytest.raises(LifecycleError, match="only base"):
        lifecycle(declare(base=StateChart, shut=shut, remove=remove), Door)


@pytest.mark.parametrize("doc", [None, "", "  "])
def test_an_undocumented_lifecycle_is_refused(doc):
    with pytest.raises(LifecycleError, match="no docstring"):
        lifecycle(declare(doc=doc, shut=shut, remove=remove), Door)


def test_an_undocumented_phase_is_refused():
    class Silent(Phase):
        ON = "on", "It is on."
        OFF = "off"

    class SilentLifecycle(Strict):
        """A switch."""

        phase = phases(Silent, initial=Silent.ON, final=[Silent.OFF])

        @event(phase.ON.to(phase.OFF))
        def switch(self) -> None:
            """It is switched off."""

    with pytest.raises(LifecycleError, match="the phase OFF has no documentation"):
        lifecycle(SilentLifecycle, Silent)
