"""Proposed fixes judged, what today's operator loses, and what it takes for nothing to be lost."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from invariants.verdicts import Verdict
from model.ambient.behaviours import FIX, HEAD, PRE, Behaviours, Repair, Retry
from model.ambient.surroundings import Act
from simulations.ambient import judging, losses, options
from simulations.ambient.judging import QUESTIONS, Question
from simulations.ambient.losses import LOSSES, Loss
from simulations.ambient.options import REPAIRED

NAMES = tuple(q.name for q in QUESTIONS)
EVERYWHERE = QUESTIONS[-1]

YES: dict[str, str] = {
    "as reported": "edits no-hot-loop once",
    "A1": "heals edits no-hot-loop restart lost-status",
    "A2": "edits no-hot-loop once",
    "A3": "heals edits once restart lost-status",
    "B": "no-hot-loop once",
    "B'": "heals edits no-hot-loop once",
    "C": "heals edits no-hot-loop",
    "A1+B": "heals edits no-hot-loop restart lost-status",
    "A1+B'": "heals edits no-hot-loop restart lost-status",
    "A1+C": "heals edits no-hot-loop restart lost-status",
    "A2+B": "edits no-hot-loop once",
    "A2+B'": "edits no-hot-loop once",
    "A2+C": "heals edits no-hot-loop restart",
    "A3+B": "heals edits once restart lost-status",
    "A3+B'": "heals edits once restart lost-status",
    "A3+C": "heals edits restart lost-status",
    "B'+C": "edits no-hot-loop",
    "B+C": "heals no-hot-loop once",
    "A1+B'+C": "heals edits no-hot-loop restart lost-status",
    "A1+B+C": "heals edits no-hot-loop restart lost-status",
    "A2+B'+C": "heals edits no-hot-loop restart",
    "A2+B+C": "heals edits no-hot-loop restart",
    "A3+B'+C": "heals edits restart lost-status",
    "A3+B+C": "heals edits restart lost-status",
    "as fixed (#1487)": "heals edits no-hot-loop restart lost-status",
    "today": "heals heals-(token) edits no-hot-loop restart lost-status",
    "today + repairs": "heals heals-(token) edits no-hot-loop restart lost-status in-all-cases",
}
"""The questions that a variant answers with yes."""

QUICK = ("as reported", "A3", "today", "today + repairs")


def yes(behaviours: Behaviours) -> set[str]:
    [found] = judging.judge([("", behaviours)])
    return {name for name in NAMES if found.says_yes(name)}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in options.variants()]
)
def test_a_variant_answers_these_questions_with_yes(name: str) -> None:
    assert {n.replace(" ", "-") for n in yes(options.variants()[name])} == set(YES[name].split())


def test_every_variant_is_judged() -> None:
    assert list(YES) == list(options.variants())
    assert len(dict(options.options())) == 4 * 3 * 2


def test_options_are_values() -> None:
    known = dict(options.options())

    assert known["as reported"] == PRE
    assert known["A1"] == replace(PRE, version="A1", pushes_while_pending=False, retry=Retry.UNLESS_TRUE)
    assert replace(known["A1"], version=FIX.version, returns_early=True) == FIX
    assert known["A1+C"].retry is Retry.UNLESS_TRUE
    assert not known["A2+B+C"].stamps_failures
    assert known["A2+B+C"].retry is Retry.AFTER_FAILURE


# What is lost today

STEPS = {
    "second-push": 12,
    "edited-back": 13,
    "edited-back-after-a-new-pod": 21,
    "selected-back": 12,
    "removed-workflow": 10,
    "no-service": 9,
    "no-service-after-a-restart": 8,
    "unmanaged-namespace": 9,
    "failed-clone": 9,
    "ended-runner": 9,
    "status-of-a-former-pod": 18,
    "repositories": 11,
    "repositories-after-a-restart": 11,
    "request-to-stop": 4,
    "request-to-start": 11,
}
"""The length of the shortest way to each loss."""

BY_NAME = {loss.name: loss for loss in LOSSES}


FEW = ("second-push", "removed-workflow", "no-service-after-a-restart", "repositories", "request-to-stop")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in FEW else [pytest.mark.slow]) for n in STEPS])
def test_something_is_lost_in_so_many_steps_and_is_not_with_what_it_needs(name: str) -> None:
    found = losses.look(BY_NAME[name])

    assert found.judgement.verdict is Verdict.VIOLATED
    assert found.steps == STEPS[name]
    assert found.repaired is Verdict.HOLDS


def needed(loss: Loss) -> list[object]:
    in_order = sorted(loss.needs, key=lambda repair: repair.name)
    return [pytest.param(loss, repair, id=f"{loss.name}-{repair.name}") for repair in in_order]


@pytest.mark.parametrize(
    ("loss", "repair"), [case for loss in LOSSES if len(loss.needs) > 1 for case in needed(loss)]
)
def test_less_than_what_it_needs_does_not_do(loss: Loss, repair: Repair) -> None:
    almost = losses.with_repairs(HEAD, loss.needs - {repair})

    assert losses.judged(loss, almost).verdict is Verdict.VIOLATED


def test_every_loss_is_known_and_every_repair_is_for_something() -> None:
    assert list(BY_NAME) == list(STEPS)
    assert {repair for loss in LOSSES for repair in loss.needs} == set(Repair)


# In all cases

FOR_THE_WORKFLOW = (
    Repair.STATUS_OF_THIS_POD,
    Repair.RECORD_IS_NOT_BELIEVED,
    Repair.NONE_IS_TOLD,
    Repair.SERVICE_IS_KEPT,
    Repair.UNMANAGED_IS_LOOKED_AT,
    Repair.CLONES_COUNT,
    Repair.END_IS_SEEN,
)
"""What it takes for the runner to get the workflow of the spec; the other repairs are for the rest of the spec."""


@cache
def holds_with(repairs: frozenset[Repair], question: Question = EVERYWHERE) -> bool:
    return judging.answer(replace(HEAD, repairs=repairs), question).yes


def test_the_seven_repairs_are_enough_for_the_workflow() -> None:
    assert holds_with(frozenset(FOR_THE_WORKFLOW))


@pytest.mark.parametrize("repair", FOR_THE_WORKFLOW)
def test_and_each_of_them_is_needed(repair: Repair) -> None:
    assert not holds_with(frozenset(FOR_THE_WORKFLOW) - {repair})


@pytest.mark.slow
@pytest.mark.parametrize("repair", Repair)
def test_no_repair_alone_is_enough(repair: Repair) -> None:
    assert not holds_with(frozenset({repair}))


@pytest.mark.slow
@pytest.mark.parametrize(("acts", "faults"), [(3, 1), (2, 2), (1, 3), (3, 3)])
def test_they_are_enough_whatever_more_goes_wrong(acts: int, faults: int) -> None:
    more = replace(
        EVERYWHERE.bounds, acts=acts, faults=faults, may_do=EVERYWHERE.bounds.may_do | {Act.START_AND_STOP}
    )

    assert holds_with(frozenset(FOR_THE_WORKFLOW), EVERYWHERE._replace(bounds=more))
    assert judging.answer(REPAIRED, EVERYWHERE._replace(bounds=more)).yes
