"""Triggers that are consumed in vain: the pattern on a toy, and where Kargo has it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from invariants.check import Report, Verdict, check
from invariants.findings import no_property
from invariants.kargo import consumed_triggers as kargo
from invariants.properties import Kind
from invariants.triggers import asked_for_while_failed, consumed_only_when_done
from model.kargo.releases import LATEST, RELEASES
from model.system import NOT_ENABLED, Outcomes, Rule, System, action, mutate, only, outcome, variable

# A toy: a bell asks for a letter to be carried; the way may be closed


def ring(bell: bool) -> Outcomes:
    return only("rung", bell=True) if not bell else NOT_ENABLED


def carry(bell: bool) -> Outcomes:
    """Who cannot carry the letter leaves the bell on."""
    if not bell:
        return NOT_ENABLED
    return (outcome("carried", bell=False, letters="carried"), outcome("not carried", letters="left"))


def carry_once(bell: bool) -> Outcomes:
    """A broken rule: it forgets that the letter is still there."""
    if not bell:
        return NOT_ENABLED
    return (outcome("carried", bell=False, letters="carried"), outcome("not carried", bell=False, letters="left"))


def post() -> System:
    letters = variable("letters", "none", domain=("none", "left", "carried"))
    bell = variable("bell", False, domain=(False, True))
    return System("post", (bell, letters), (action(ring), action(carry, writes=("letters",))))


def bell_is_on(bell: bool) -> bool:
    return bell


def letter_is(letters: str, wanted: str) -> bool:
    return letters == wanted


def is_carried(next_letters: str) -> bool:
    return next_letters == "carried"


CONSUMED = consumed_only_when_done("the_bell_goes_off_only_for_a_letter", asks=bell_is_on, done=is_carried)
LEFT = asked_for_while_failed(
    "the_bell_is_on_while_a_letter_is_left", failed=partial(letter_is, wanted="left"), asks=bell_is_on
)


def lengths(report: Report) -> dict[str, int | None]:
    return {j.property.name: len(j.trace.steps) if j.trace else None for j in report.judgements}


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_a_trigger_that_stays_until_it_is_done_is_no_violation(engine: str) -> None:
    found = check(post(), (CONSUMED, LEFT), engine=engine)

    assert lengths(found) == {CONSUMED.name: None, LEFT.name: None}


@pytest.mark.parametrize("engine", ["symbolic", "explicit"])
def test_a_trigger_that_is_consumed_in_vain_is_found_in_both_forms(engine: str) -> None:
    found = check(mutate(post(), carry=carry_once), (CONSUMED, LEFT), engine=engine)

    assert lengths(found) == {CONSUMED.name: 2, LEFT.name: 2}


def test_a_claim_is_named_as_it_says() -> None:
    assert CONSUMED.claim == "the bell goes off only for a letter"
    assert (CONSUMED.kind, LEFT.kind) == (Kind.EVERY_STEP, Kind.ALWAYS)


# Kargo

ALL = tuple(RELEASES)
VIOLATED = {"triggers-steps": ALL[:1], "triggers-records": ALL[:4], "triggers-gates": ALL}
"""The releases in which a trigger is consumed in vain."""

STATES = {"triggers-steps": (22, 22), "triggers-records": (28_086, 1_539), "triggers-gates": (177, 177)}
"""In 1.9.9 and 1.11.2."""


def look_at(name: str, release: str, **mutants: Rule) -> Report:
    subject = kargo.subject(name, RELEASES[release])
    system = mutate(subject.system, **mutants) if mutants else subject.system
    steps = name == "triggers-steps"
    return check(
        system,
        subject.properties,
        strategy="layers" if steps else "saturation",
        transitions=False,
        traced=no_property,
    )


def violated(found: Report) -> set[str]:
    return {j.property.claim for j in found.judgements if j.verdict is Verdict.VIOLATED}


CLAIM = dict(zip(kargo.NAMES, (kargo.ATTEMPT, kargo.RECORD, kargo.PASSAGE), strict=True))


QUICK = [
    ("triggers-steps", "1.8.3"),
    ("triggers-steps", "1.11.2"),
    ("triggers-records", "1.10.10"),
    ("triggers-records", "1.11.2"),
    ("triggers-gates", "1.11.2"),
]


@pytest.mark.parametrize(("name", "release"), QUICK)
def test_kargo_consumes_a_trigger_in_vain_in_these_releases(name: str, release: str) -> None:
    found = look_at(name, release)

    wanted = {CLAIM[name].replace("_", " ")} if release in VIOLATED[name] else set()
    assert violated(found) == wanted
    assert found.complete


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "release"), [(name, r) for name in kargo.NAMES for r in ALL if (name, r) not in QUICK]
)
def test_the_other_releases_do_as_their_neighbours(name: str, release: str) -> None:
    assert bool(violated(look_at(name, release))) == (release in VIOLATED[name])


def record_nothing(
    phase: object, name: str, started: int | None, last: str | None, *, inherits_collection: bool
) -> Outcomes:
    """A broken rule: it forgets to record."""
    return ()


def test_what_breaks_each_where_it_holds() -> None:
    forgetful = replace(LATEST, if_reevaluated_on_retry=True)
    steps = kargo.subject("triggers-steps", forgetful)

    assert violated(check(steps.system, steps.properties)) == {kargo.ATTEMPT.replace("_", " ")}
    assert kargo.RECORD.replace("_", " ") in violated(
        look_at("triggers-records", LATEST.release, record=record_nothing)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", kargo.NAMES)
def test_the_systems_have_their_pinned_sizes(name: str) -> None:
    assert tuple(look_at(name, release).states for release in ("1.9.9", "1.11.2")) == STATES[name]
