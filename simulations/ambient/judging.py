"""Judging the operator and the fixes proposed for it: questions, each decided by claims on a small session.

Nothing is typed in: an answer is the verdict of the checker on every state that can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from invariants.ambient.systems import NETWORK, explored
from invariants.check import check
from invariants.findings import each_property, no_property
from invariants.verdicts import Judgement, Verdict
from model.ambient.behaviours import Behaviours
from model.ambient.session import Bounds
from model.ambient.surroundings import Act, Fault

EDITS = frozenset({Act.EDIT, Act.RENAME})
TOLD = ("a_workflow_whose_push_failed_is_pushed_again", "a_session_at_rest_has_told_its_runner")
HAS_IT = "a_session_that_is_to_run_gets_there: its_runner_has_the_workflow"
HEALED = (*TOLD, "a_failed_push_leads_to_one_that_succeeds", HAS_IT)


class Question(NamedTuple):
    """A question to a version: the answer is yes if all `claims` hold of a session within `bounds`.

    `name` is a word or two for the head of a column.
    """

    name: str
    asks: str
    bounds: Bounds
    claims: tuple[str, ...]


QUESTIONS = (
    Question(
        "heals",
        "Is the push that fails at first, or while the runner starts, repeated until it succeeds?",
        Bounds(faults=1, may_fail=NETWORK),
        HEALED,
    ),
    Question(
        "heals (token)",
        "The same, of a runner that asks for a token, as all do since #1378?",
        Bounds(faults=1, may_fail=NETWORK, asks_for_token=True),
        HEALED,
    ),
    Question(
        "edits",
        "Are later edits of the spec applied, and observed?",
        Bounds(acts=2, may_do=EDITS),
        ("a_session_at_rest_has_its_workflow", "a_session_at_rest_has_observed_its_generation"),
    ),
    Question(
        "no hot loop",
        "Are there at least five seconds between a push that failed and the next?",
        Bounds(acts=1, may_do=EDITS, faults=2, may_fail=NETWORK),
        ("a_failed_push_waits_before_the_next",),
    ),
    Question(
        "once",
        "Is a workflow that the runner has acknowledged never pushed to it again?",
        Bounds(acts=1, may_do=EDITS, faults=1, may_fail=NETWORK),
        ("an_acknowledged_workflow_is_not_pushed_again",),
    ),
    Question(
        "restart",
        "Is the push still owed, and not forgotten, when the operator is restarted at any moment?",
        Bounds(faults=1, may_fail=frozenset({Fault.CRASH})),
        TOLD,
    ),
    Question(
        "lost status",
        "The same, when a status patch is lost?",
        Bounds(faults=1, may_fail=frozenset({Fault.STATUS})),
        TOLD,
    ),
    Question(
        "in all cases",
        "Does every session that is to run get the workflow of its spec, once nothing more fails?",
        Bounds(acts=2, may_do=EDITS | {Act.DESELECT, Act.SELECT}, faults=1, may_fail=frozenset(Fault)),
        HEALED,
    ),
)
"""What one would ask of a fix."""


@dataclass(frozen=True)
class Answer:
    """The answer to a question, and the judgements that decide it."""

    question: Question
    judgements: tuple[Judgement, ...]

    @property
    def yes(self) -> bool:
        """Whether every claim holds."""
        return all(j.verdict is Verdict.HOLDS for j in self.judgements)


@dataclass(frozen=True)
class Judged:
    """A version, and the answers to all questions."""

    name: str
    behaviours: Behaviours
    answers: tuple[Answer, ...]

    def says_yes(self, name: str) -> bool:
        """Whether the answer to the question of this name is yes."""
        return next(a.yes for a in self.answers if a.question.name == name)


def answer(behaviours: Behaviours, question: Question, *, traced: bool = False) -> Answer:
    """The answer of one version to a question; `traced`: what is violated comes with the shortest way to it."""
    subject = explored(question.name, question.asks, behaviours, question.bounds)
    asked = [p for p in subject.properties if p.name in question.claims]
    ways = each_property if traced else no_property
    report = check(subject.system, asked, engine="explicit", transitions=False, traced=ways)
    return Answer(question, report.judgements)


def judge(versions: Iterable[tuple[str, Behaviours]], *, traced: bool = False) -> Iterator[Judged]:
    """Every version with its answers, one after the other; `traced` as in `answer`."""
    for name, behaviours in versions:
        yield Judged(name, behaviours, tuple(answer(behaviours, q, traced=traced) for q in QUESTIONS))
