"""Sessions on the command line: check, reproduce and judge, as text and as JSON; and the stories behind them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import kargo_model
from commands import judge
from invariants.verdicts import Verdict
from model.ambient.behaviours import FIX, HEAD, PRE, version
from model.ambient.session import Bounds
from model.ambient.surroundings import Act
from model.ambient.values import Condition
from model.inputs import InputError
from model.releases import UnknownReleaseError
from simulations.ambient import lost_retry
from simulations.ambient.losses import LOSSES
from simulations.ambient.runs import Event, play

Capture = pytest.CaptureFixture[str]
DOCS = Path(__file__).parents[1] / "docs"


def call(capsys: Capture, *words: str) -> tuple[int, str, str]:
    code = kargo_model.main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def document(capsys: Capture, *words: str) -> dict[str, Any]:
    code, out, _ = call(capsys, *words, "--format", "json")
    assert code in (0, 1)
    found: dict[str, Any] = json.loads(out)
    return found


# Runs


def test_the_first_push_fails_and_is_never_repeated_as_reported() -> None:
    run = play(PRE, lost_retry.CREATED, until=3_600)

    assert run.count("push failed: no such host") == run.count("push") == 1
    assert run.end["condition"] is Condition.FALSE
    assert run.at_rest
    assert not run.told
    # By hand: ten steps until the runner listens, then a pass at 32 s and every 30 s after it.
    assert len(run.beats) == 10 + 1 + (3_600 - 32) // 30


def test_an_edit_of_something_else_repeats_it() -> None:
    run = play(PRE, lost_retry.RENAMED, (Event(60.0, "edit the display name"),))

    assert run.count("push") == 2
    assert run.told
    [edited] = [beat for beat in run.beats if beat.taken.action == "edit the display name"]
    assert edited.at == 60.0


@pytest.mark.parametrize(
    ("behaviours", "token", "pushes", "told"),
    [
        (FIX, False, 3, True),
        (FIX, True, 13, False),
        (HEAD, True, 3, True),
    ],
)
def test_the_fix_heals_it_once_the_operator_sends_the_token(
    behaviours: Any, token: bool, pushes: int, told: bool
) -> None:
    run = play(behaviours, Bounds(asks_for_token=token), until=60.0)

    # By hand: after 1 s, 2 s and 7 s, and if that is refused every 5 s.

    assert run.count("push") == pushes
    assert run.told is told


def test_a_run_refuses_what_cannot_happen() -> None:
    acts = Bounds(acts=1, may_do=frozenset({Act.SELECT}))

    with pytest.raises(InputError, match="'select w2' cannot happen"):
        play(HEAD, acts, (Event(0.0, "select w2"),))
    with pytest.raises(InputError, match="'reconcile Running' cannot happen"):
        play(HEAD, acts, (Event(0.0, "reconcile Running"),))
    with pytest.raises(InputError, match="'fly' cannot happen"):
        play(HEAD, acts, (Event(9.0, "fly"),))


# reproduce


def test_the_report_is_reproduced_in_words(capsys: Capture) -> None:
    code, out, _ = call(capsys, "reproduce", "lost-retry")

    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("reproduced: lost-retry: ")
    assert lines[0].endswith("(Ambient d1645a957)")
    for told in (
        "push failed: no such host; creates the pod",
        "nothing will change any more by itself",
        "and after a minute somebody edits the display name",
        "push failed: 401 (5 times)",
        "it goes on like that",
        "today: the operator sends the token (#1556)",
    ):
        assert told in out
    assert "differs" not in out


def test_the_report_goes_by_its_number_and_is_listed(capsys: Capture) -> None:
    assert document(capsys, "reproduce", "#1486")["scenario"] == "lost-retry"
    code, out, _ = call(capsys, "reproduce")
    assert code == 0
    assert "lost-retry" in out
    listed = document(capsys, "reproduce")["scenarios"]
    assert [e["name"] for e in listed] == sorted(e["name"] for e in listed)


def test_the_claims_of_the_report_are_judged_in_every_version(capsys: Capture) -> None:
    claims = document(capsys, "reproduce", "lost-retry")["claims"]

    verdicts = {
        (c["system"], c["name"]): [v["verdict"] == Verdict.HOLDS.value for v in c["verdicts"]] for c in claims
    }
    assert verdicts == {
        ("session", "a_workflow_whose_push_failed_is_pushed_again"): [False, True, True],
        ("session", "a_failed_push_leads_to_one_that_succeeds"): [False, True, True],
        ("session-token", "a_failed_push_leads_to_one_that_succeeds"): [False, False, True],
        # The contrast that the report draws; and what the fix made of it.
        ("session-renamed", "an_edit_after_a_failed_push_leads_to_one_that_succeeds"): [True, False, False],
        ("session", "a_generation_is_observed_only_when_its_workflow_was_applied"): [False, True, True],
    }


def test_a_run_that_shows_something_else_says_so() -> None:
    assert list(lost_retry.differences(play(PRE, lost_retry.CREATED))) == []
    assert list(lost_retry.differences(play(HEAD, lost_retry.CREATED))) == [
        "the first push fails with `no such host`",
        "WorkflowReconciled is False",
        "there is no other push",
    ]


# check


def test_a_session_is_checked_by_name(capsys: Capture) -> None:
    code, out, _ = call(capsys, "check", "session", "--ambient", "pre")

    assert code == 1
    assert "violated  a workflow whose push failed is pushed again" in out
    assert call(capsys, "check", "session")[0] == 0


def test_the_versions_of_a_session_are_shown_side_by_side(capsys: Capture) -> None:
    code, out, _ = call(capsys, "check", "session", "--all-releases")

    assert code == 1
    assert "  NO   yes  yes   a workflow whose push failed is pushed again" in out.splitlines()
    systems = document(capsys, "check", "session", "--ambient", "d1645a957", "--ambient", "head")["systems"]
    assert [(s["kargo"], s["ambient"], s["states"]) for s in systems] == [(None, "pre", 24), (None, "head", 29)]


# judge


def test_a_variant_tells_how_it_comes_to_its_answers(capsys: Capture) -> None:
    code, out, _ = call(capsys, "judge", "lost-retry", "--show", "B")

    assert code == 0
    assert out.startswith("B: 6 of 8 answers are not the one wanted\n")
    assert "Are later edits of the spec applied, and observed? no" in out
    told = document(capsys, "judge", "lost-retry", "--show", "B")
    [variant] = told["variants"]
    assert [a["question"] for a in variant["answers"] if a["answer"]] == ["no hot loop", "once"]


def test_a_loss_tells_its_story(capsys: Capture) -> None:
    code, out, _ = call(capsys, "judge", "lost-retry", "--show", "request-to-stop")

    assert code == 0
    assert out.startswith("request-to-stop: a request to stop that comes while the pod is being created")
    assert "desired Stopped -> nothing" in out
    [loss] = document(capsys, "judge", "lost-retry", "--show", "request-to-stop")["losses"]
    assert (loss["verdict"], loss["with_needs"]) == ("violated", "holds")
    assert len(loss["trace"]["steps"]) == 4


TOLD = re.findall(r"```console\n\$ kargo-model (.*)\n((?:.*\n)*?)```", (DOCS / "lost-retry.md").read_text("utf-8"))


@pytest.mark.parametrize(
    ("words", "output"),
    [
        pytest.param(*told, marks=[pytest.mark.slow] if k else [], id=told[0].split()[-1])
        for k, told in enumerate(TOLD)
    ],
)
def test_a_story_of_the_documentation_is_what_is_told(capsys: Capture, words: str, output: str) -> None:
    assert call(capsys, *words.split()) == (0, output, "")


def test_the_documentation_tells_of_every_loss() -> None:
    assert [words.split()[-1] for words, _ in TOLD] == [loss.name for loss in LOSSES]


@pytest.mark.slow
def test_everything_is_judged_as_text_as_json_and_as_the_documentation_has_it(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "_judge", cache(judge._judge))  # once for all three
    code, out, _ = call(capsys, "judge", "lost-retry")
    found = document(capsys, "judge", "lost-retry")
    table = call(capsys, "judge", "lost-retry", "--format", "markdown")

    assert code == 0
    assert out.startswith("18 of 23 proposals heal the initial failure; ")
    assert "in all cases: today + repairs" in out
    assert len(found["variants"]) == 27
    assert len(found["losses"]) == 15
    assert table[0] == 0
    assert table[1] in (DOCS / "lost-retry.md").read_text(encoding="utf-8")


# Bad calls


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("judge", "frozen-stage"), "no report 'frozen-stage'; the reports are: lost-retry"),
        (("judge", "lost-retry", "--show", "D"), "nothing called 'D'; the variants are: as reported, A1, "),
        (
            ("check", "session", "--ambient", "next"),
            "Ambient 'next' is not modelled; the versions are: pre (d1645a957)",
        ),
        (("check", "retry", "--ambient", "pre"), "--ambient goes with the name of a session: session, "),
        (
            ("check", "session", "--all-releases", "--ambient", "pre"),
            "--all-releases leaves nothing to choose with",
        ),
        (("reproduce", "lost-retry", "--kargo", "1.8.3"), "--kargo goes with a scenario of Kargo; lost-retry"),
        (("reproduce", "lost-retrys"), "no scenario 'lost-retrys'; the scenarios are: "),
    ],
)
def test_a_bad_call_gets_one_sentence(capsys: Capture, words: tuple[str, ...], says: str) -> None:
    code, out, err = call(capsys, *words)

    assert code == 2
    assert out == ""
    assert err.startswith(f"kargo-model: {says}")
    assert err.count("\n") == 1


def test_a_version_goes_by_its_name_or_its_commit() -> None:
    assert version("fix") is version("6347f3207") is FIX
    with pytest.raises(UnknownReleaseError):
        version("main")
