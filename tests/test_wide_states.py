"""States of several machine words, and footprints too wide for an array, in the explicit engine."""

from __future__ import annotations

import inspect

import pytest

from invariants.check import check
from invariants.properties import Kind, Property, always, every_step
from model.system import (
    NOT_ENABLED,
    Outcome,
    Outcomes,
    Rule,
    System,
    action,
    local,
    only,
    part,
    required,
    sequence,
    variable,
)
from model.toys.dining_philosophers import dining_philosophers
from tests.naive import explore


def switch(on: bool) -> Outcomes:
    return only(on=not on)


def count_on(on: bool, seen: int) -> Outcomes:
    return only(seen=seen + 1) if on else NOT_ENABLED


def few(seen: int, limit: int) -> Outcomes:
    return only() if seen < limit else NOT_ENABLED


def resetting(names: tuple[str, ...]) -> Rule:
    """The rule that resets these lamps when the first and the last of them are on."""

    def reset(**lamps: bool) -> Outcomes:
        if not (lamps[names[0]] and lamps[names[-1]]):
            return NOT_ENABLED
        return (Outcome("all", dict.fromkeys(names, False)), Outcome("the last", {names[-1]: False}))

    parameters = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in names]
    reset.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return reset


def lamps(count: int, moving: int, read: int) -> System:
    """`count` lamps; some of the first and of the last can be switched, and `read` of them are read at once."""
    names = [f"lamp{i:03}" for i in range(count)]
    movable = names[: moving // 2] + names[-moving // 2 :]
    wide = (*movable[:1], *names[moving : moving + read - 2], *movable[-1:])
    return System(
        "lamps",
        (
            *(variable(n, False, domain=(False, True)) for n in names[: count // 2]),
            local("seen", 0),
            local("limit", 0),
            *(variable(n, False, domain=(False, True)) for n in names[count // 2 :]),
        ),
        (
            *(action(switch, f"switch {n}", on=n) for n in movable[:-1]),
            action(resetting(wide)),
            sequence(
                "switch the last when few are on",
                *(action(count_on, on=n) for n in movable[:-1]),
                required(action(few, constants={"limit": 2})),
                part(action(switch, on=movable[-1]), seen=(0, 1)),
            ),
        ),
    )


def not_both(first: bool, last: bool) -> bool:
    return not (first and last)


def few_seen(next_seen: int) -> bool:
    return next_seen < 2


def not_all(**on: bool) -> bool:
    return not all(on.values())


@pytest.mark.parametrize(("count", "read"), [(40, 4), (70, 4), (150, 30), (150, 90)])
def test_wide_states_and_footprints(count: int, read: int) -> None:
    system = lamps(count, 8, read)
    names = [v.name for v in system.variables if not v.local]
    claims = (
        always(not_both, first=names[0], last=names[-1]),
        every_step(few_seen, reads={"seen": "seen"}),
        Property(Kind.ALWAYS, "not_all", not_all, tuple((n, (n, False)) for n in names)),
    )
    truth = explore(system, claims)

    for engine in ("symbolic", "explicit"):
        report = check(system, claims, engine=engine, sliced=False)
        assert (truth.states, truth.transitions, truth.levels) == (
            report.states,
            report.transitions,
            report.levels,
        )
        found = {
            j.property.name: (j.verdict, None if j.trace is None else len(j.trace.steps)) for j in report.judgements
        }
        assert truth.verdicts == found


def test_philosophers_of_more_than_one_word() -> None:
    system = dining_philosophers(11)
    truth = explore(system)

    for engine in ("symbolic", "explicit"):
        report = check(system, engine=engine)
        assert (truth.states, truth.transitions, truth.levels) == (
            report.states,
            report.transitions,
            report.levels,
        )
