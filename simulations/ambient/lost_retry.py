"""The report "Workflow reconciliation fails on session creation and is never retried" (ambient-code/platform#1486).

A session is created with a workflow. The operator pushes that to a runner that does not exist yet, drops the error,
and writes that it has observed the generation. So nothing asks for the push any more; but an edit of the spec does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from invariants.ambient import systems
from invariants.check import check
from invariants.verdicts import Judgement
from model.ambient.behaviours import FIX, HEAD, PRE, VERSIONS, Behaviours
from model.ambient.phases import SessionPhase
from model.ambient.session import Bounds
from model.ambient.surroundings import Act
from model.ambient.values import Condition
from simulations.ambient.runs import Event, Run, play

NAME = "lost-retry"
ABOUT = "a session's workflow that could not be pushed when the session was created is never pushed again"
REPORTS = ("#1486", "#1487", "#1555", "#1556")

CREATED = Bounds()
WITH_TOKEN = Bounds(asks_for_token=True)
RENAMED = Bounds(acts=1, may_do=frozenset({Act.RENAME}))

CLAIMS = (
    ("session", "a_workflow_whose_push_failed_is_pushed_again"),
    ("session", "a_failed_push_leads_to_one_that_succeeds"),
    ("session-token", "a_failed_push_leads_to_one_that_succeeds"),
    ("session-renamed", "an_edit_after_a_failed_push_leads_to_one_that_succeeds"),
    ("session", "a_generation_is_observed_only_when_its_workflow_was_applied"),
)
"""The claims of the report, each with the session that it is judged on."""


@dataclass(frozen=True)
class Telling:
    """A story: in which version it is told, what is special about it, and the run."""

    version: str
    behaviours: Behaviours
    about: str
    run: Run


@dataclass(frozen=True)
class Claimed:
    """A claim on a session, and what came of it in each version."""

    system: str
    name: str
    judgements: dict[str, Judgement]


@dataclass(frozen=True)
class Reproduction:
    """The stories, the first as the report tells it, and the claims; `differences` are in words."""

    stories: tuple[Telling, ...]
    claims: tuple[Claimed, ...]
    differences: tuple[str, ...]

    @property
    def reproduced(self) -> bool:
        """Whether the first story shows what the report shows."""
        return not self.differences


def goes_by(word: str) -> bool:
    """Whether somebody who says `word` means this report: its name, or its number."""
    return word == NAME or word.lstrip("#") in {number.lstrip("#") for number in REPORTS}


def reproduce() -> Reproduction:
    """Tell the story in every version, hold the first one against the report, and judge the claims."""
    stories = tuple(tellings())
    return Reproduction(stories, tuple(claimed()), tuple(differences(stories[0].run)))


def tellings() -> Iterator[Telling]:
    """The report's story; the contrast it draws; the fix, and what kept it from working; the operator of today."""
    yield Telling("pre", PRE, "as reported", play(PRE, CREATED))
    edit = (Event(60.0, "edit the display name"),)
    yield Telling("pre", PRE, "and after a minute somebody edits the display name", play(PRE, RENAMED, edit))
    yield Telling("fix", FIX, "with the fix (#1487)", play(FIX, CREATED))
    token = "with the fix, and a runner that asks for a token (#1378)"
    yield Telling("fix", FIX, token, play(FIX, WITH_TOKEN, until=30.0))
    yield Telling("head", HEAD, "today: the operator sends the token (#1556)", play(HEAD, WITH_TOKEN))


def differences(run: Run) -> Iterator[str]:
    """What the report says and the run does not show."""
    expected = (
        ("the first push fails with `no such host`", "no such host" in run.beats[0].taken.label),
        ("the session is Running", run.end["phase"] is SessionPhase.RUNNING),
        ("WorkflowReconciled is False", run.end["condition"] is Condition.FALSE),
        ("there is no other push", run.count("push") == 1),
        ("nothing changes any more", run.at_rest),
    )
    return (what for what, so in expected if not so)


def claimed() -> Iterator[Claimed]:
    """The claims of the report, judged in every version."""
    for system, name in CLAIMS:
        judgements = {}
        for version, behaviours in VERSIONS.items():
            subject = systems.subject(system, behaviours)
            asked = [p for p in subject.properties if p.name == name]
            [judgements[version]] = check(subject.system, asked, transitions=False).judgements
        yield Claimed(system, name, judgements)
