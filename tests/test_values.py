"""Values for people: words, and nothing of the language that the model is written in."""

from __future__ import annotations

import pytest

from diagrams.values import alone, show
from model.ambient.values import Condition as Reconciled
from model.kargo.loop.values import Condition, Intent, Note, Run, Verification
from model.kargo.phases import VerificationPhase
from model.speckit.statuses import StepStatus
from model.speckit.values import Record
from model.system import Value

VERIFIED = Verification(1, VerificationPhase.SUCCESSFUL, finished=0)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "none"),
        (True, "yes"),
        (7, "7"),
        ("", "empty"),
        ("a\nb", r"'a\nb'"),
        ((), "empty"),
        (("a1",), "a1"),
        (("a1", "b1"), "(a1, b1)"),
        ((("w", "a1"), ("w2", "b1")), "((w, a1), (w2, b1))"),
        (frozenset({"b", "a"}), "(a, b)"),
        (Note(), "empty"),
        (Note(started=0), "started 0"),
        (Intent("w", hold=False), "(origin w, hold no)"),
        (Condition("True", "Ready", 1), "(status True, reason Ready, generation 1)"),
        (Reconciled.FALSE, "False"),
        (VERIFIED, "(id 1, phase Successful, finished 0)"),
        ((Run(1, ("a1",)),), "(number 1, collection a1)"),
        (
            ((("w", "a1"),), ((VERIFIED, Note(started=0)),)),
            "((w, a1), ((id 1, phase Successful, finished 0), started 0))",
        ),
        (Record(StepStatus.FAILED, '{"exit_code": 1}', None, "a"), "failed (exit code 1)"),
    ],
)
def test_a_value_is_told_in_words(value: Value, said: str) -> None:
    assert show(value) == said


def test_nothing_stands_around_a_value_that_is_alone() -> None:
    assert alone(VERIFIED) == "id 1, phase Successful, finished 0"
    assert alone(("a1", "b1")) == "a1, b1"
    assert alone("a1") == "a1"
    assert alone(()) == "empty"
