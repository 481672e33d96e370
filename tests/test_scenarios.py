"""Reported bugs of the control loop: every verdict here was found by telling the story, and is pinned."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import kargo_model
from diagrams import stories
from model.inputs import InputError
from model.kargo.older_releases import OLDER
from model.kargo.releases import RELEASES, Behaviours, PromotionGate
from model.releases import UnknownReleaseError
from model.system import Tables
from simulations.kargo import scenarios
from simulations.kargo.loop.phrases import EXPECTATIONS, PHRASES, PhraseError, event_of, expectation_of
from simulations.kargo.loop.reported import Reproduced, judged, releases_of, reproduce, tried
from simulations.kargo.loop.scenario_file import Scenario, load
from simulations.kargo.loop.symptoms import CLAIMS
from simulations.kargo.loop.told import tell

EVERY = tuple(RELEASES)
UP_TO_1_9 = ("1.8.3", "1.8.5", "1.9.9")
UP_TO_1_10 = (*UP_TO_1_9, "1.10.10")

BREAKS_IN = {
    "aborting-a-later-promotion-hides-an-earlier-success": EVERY,
    "aborting-a-waiting-promotion-ends-verification": EVERY,
    "deleted-freight-comes-along": EVERY,
    "deleted-freight-takes-other-origins-along": EVERY,
    "failed-freight-comes-along": EVERY,
    "hold-lost-with-its-record": ("1.11.2", "main"),
    "failed-turns-errored": UP_TO_1_9,
    "failed-verification-blocks-the-queue": ("1.1.0",),
    "failing-freight-promoted-for-ever": ("1.8.0-rc.2",),
    "finished-steps-run-again": ("1.8.3", "1.8.5"),
    "frozen-stage": UP_TO_1_10,
    "late-verification": UP_TO_1_9,
    "lost-origin": UP_TO_1_10,
    "no-end-to-waiting-for-health": EVERY,
    "odd-name-survives-an-upgrade": EVERY,
    "promoted-for-ever-after-an-odd-name": ("1.11.2", "main"),
    # The second time by what 1.3.0 made of health: Unknown, where the gate asked for Unhealthy.
    "queue-stuck-after-a-failure": ("1.1.0-rc.3", "1.4.3"),
    "restart-runs-everything-again": EVERY,
    "rollout-that-never-ends-blocks-the-queue": ("1.0.0", "1.0.1", "1.1.0", "1.1.1", "1.4.3"),
    "scaling-looks-unready": EVERY,
    "steps-run-after-a-failure": EVERY,
    "unverified-stage-stuck": ("1.0.0",),
    "verification-overtaken": ("0.9",),
    "waiting-step-seen-late": EVERY,
}
"""In which releases each scenario breaks, of those that were recorded and the older ones it asks about."""

WORKS = {
    "aborting-a-later-promotion-hides-an-earlier-success": [False, False, False, True, True, True, True],
    "aborting-a-waiting-promotion-ends-verification": [False, False, False, False, True, True],
    "deleted-freight-comes-along": [False, False, False, False, True],
    "deleted-freight-takes-other-origins-along": [True, False, False, False, True],
    "failed-freight-comes-along": [True, True, False, False],
    "hold-lost-with-its-record": [True, True, False, True],
    "failed-turns-errored": [False],
    "failed-verification-blocks-the-queue": [False, True, True],
    "failing-freight-promoted-for-ever": [False, True],
    "finished-steps-run-again": [False, True, True],
    "frozen-stage": [False, False, False, False, False, True],
    "late-verification": [False, True],
    "lost-origin": [True, False, False, False, True],
    "no-end-to-waiting-for-health": [False, False, True],
    "odd-name-survives-an-upgrade": [False, True],
    "promoted-for-ever-after-an-odd-name": [False, True, True],
    "queue-stuck-after-a-failure": [False, False, False],
    "restart-runs-everything-again": [True, True],
    "rollout-that-never-ends-blocks-the-queue": [False, False, True],
    "scaling-looks-unready": [False, True],
    "steps-run-after-a-failure": [True, True, True, False],
    "unverified-stage-stuck": [False, True],
    "verification-overtaken": [],
    "waiting-step-seen-late": [False, True, True],
}
"""Which recoveries work, in the order of the file, in the newest release in which the scenario breaks."""

OTHERWISE = {
    # The gate of 1.0 is open after a Promotion that did not succeed, also after one that was aborted in the queue.
    ("rollout-that-never-ends-blocks-the-queue", "1.0.0"): [False, True, True],
    ("rollout-that-never-ends-blocks-the-queue", "1.0.1"): [False, True, True],
}
"""Where a recovery works in one release and not in another."""

FOR_EVER = {
    "aborting-a-later-promotion-hides-an-earlier-success",
    "aborting-a-waiting-promotion-ends-verification",
    "deleted-freight-takes-other-origins-along",
    "failed-freight-comes-along",
    "frozen-stage",
    "lost-origin",
    "no-end-to-waiting-for-health",
    "odd-name-survives-an-upgrade",
    "queue-stuck-after-a-failure",
    "unverified-stage-stuck",
    "failed-verification-blocks-the-queue",
}
"""The scenarios after which nothing changes any more."""


@cache
def reproduced(name: str) -> Reproduced:
    return reproduce(scenarios.story(name))


def breaks(scenario: Scenario, behaviours: Behaviours) -> bool:
    return judged(scenario, "", tell(scenario.program, scenario.story, behaviours, Tables())).breaks


# Verdicts


def test_there_is_a_verdict_for_every_scenario() -> None:
    assert set(BREAKS_IN) == set(WORKS) == set(scenarios.STORIES)


@pytest.mark.parametrize("name", scenarios.STORIES)
def test_a_scenario_breaks_where_it_was_reported(name: str) -> None:
    found = reproduced(name)

    assert tuple(r.release for r in found.releases if r.breaks) == BREAKS_IN[name]
    assert found.release == BREAKS_IN[name][-1]
    assert [m.fix.name for m in found.fixes if m.found.breaks] == []
    assert [t.works for t in found.recoveries] == WORKS[name]
    assert found.told.at_rest is (name in FOR_EVER)


def works(scenario: Scenario, release: str) -> list[bool]:
    """Which of the recoveries work in a release."""
    behaviours, tables = releases_of(scenario)[release], Tables()
    return [tried(scenario, recovery, behaviours, tables).works for recovery in scenario.recoveries]


@pytest.mark.parametrize("name", scenarios.STORIES)
def test_a_recovery_works_in_the_first_release_as_in_the_last(name: str) -> None:
    first = BREAKS_IN[name][0]

    assert works(scenarios.story(name), first) == OTHERWISE.get((name, first), WORKS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, where in BREAKS_IN.items() if len(where) > 2])
def test_a_recovery_works_in_every_release_between_them(name: str) -> None:
    for release in BREAKS_IN[name][1:-1]:
        assert works(scenarios.story(name), release) == OTHERWISE.get((name, release), WORKS[name]), release


@pytest.mark.parametrize(
    ("name", "release", "change"),
    [
        ("frozen-stage", "main", {"names_overwritten": False}),
        ("finished-steps-run-again", "main", {"reads_past_the_cache": False}),
        ("lost-origin", "main", {"unstarted_inherits_collection": False}),
        ("late-verification", "1.10.10", {"unknown_health_is_an_error": True}),
        ("failed-turns-errored", "main", {"failed_status_kept": False}),
        ("failed-verification-blocks-the-queue", "main", {"promotion_gate": PromotionGate.SUCCESSFUL}),
        ("queue-stuck-after-a-failure", "main", {"promotion_gate": PromotionGate.OVER}),
        ("verification-overtaken", "main", {"promotion_gate": PromotionGate.NONE}),
    ],
)
def test_a_release_without_its_fix_breaks(name: str, release: str, change: dict[str, Any]) -> None:
    scenario = scenarios.story(name)

    assert not breaks(scenario, RELEASES[release])
    assert breaks(scenario, replace(RELEASES[release], **change))


def test_every_claim_catches_something() -> None:
    asked = {claim.name for name in scenarios.STORIES for claim in scenarios.story(name).claims}

    assert asked == set(CLAIMS)


def test_every_claim_of_a_scenario_is_violated_where_it_breaks() -> None:
    for name in scenarios.STORIES:
        found = reproduced(name).here

        assert [claim for claim, violation in found.violations.items() if violation is None] == []


def test_older_releases_are_asked_about_only_by_name() -> None:
    asked = {release for name in scenarios.STORIES for release in scenarios.story(name).older}

    assert asked == set(OLDER)
    assert not set(OLDER) & set(RELEASES)


def test_how_late_the_verification_begins() -> None:
    found = reproduced("late-verification").here
    late = next(v for v in found.violations.values() if v is not None)

    # The success is on record at 3640 s; the next look at the Stage is 710 s after it.
    assert late.lasted_ms is not None
    assert (late.at_ms + late.lasted_ms) // 1000 == 3640 + 710


def test_a_release_that_is_not_modelled_is_refused() -> None:
    with pytest.raises(UnknownReleaseError, match=r"'1\.2\.3' is not modelled; the releases for frozen-stage are"):
        reproduce(scenarios.story("frozen-stage"), "1.2.3")


def test_the_readme_names_every_scenario_and_every_report() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

    assert [
        entry.name for entry in scenarios.entries() if f"| `{entry.name}` | {entry.reports[0]}" not in text
    ] == []


# Sentences


@pytest.mark.parametrize("text", [phrase.text for phrase in PHRASES], ids=str)
def test_every_phrase_is_understood_as_itself(text: str) -> None:
    words = {
        "promotion": "dev#1", "duration": "1h30m", "number": "2", "health": "Unknown", "name": "dev.zzz",
        "verification": "Failed", "switch": "off", "warehouse": "w1", "freight": "f1", "stage": "dev",
    }  # fmt: skip
    written = text.format(**words)

    event = event_of(written)

    assert event.text == written
    assert event.does["do"]


def test_expectations_are_understood() -> None:
    words = {"freights": "f1 and g1", "promotion": "dev#1", "phase": "Failed", "status": "Skipped", "step": "s-1"}
    for text, _ in EXPECTATIONS:
        written = text.format(stage="dev", freight="f1", **words)
        assert expectation_of(written).text == written


@pytest.mark.parametrize("understand", [event_of, expectation_of])
def test_another_sentence_is_refused(understand: Callable[[str], object]) -> None:
    with pytest.raises(PhraseError, match=r"'hope for the best' is no (event|expectation); "):
        understand("hope for the best")


# Files

GOOD = """
reports: [K0]
about: a story
warehouses: [w1]
stages:
- {name: dev, takes: [w1], steps: [deploy]}
story: [w1 finds f1, promote f1 to dev, let the controllers work for 1m]
claims: [names tell the order of creation]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine" / "scenario.yaml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_a_scenario(tmp_path: Path) -> None:
    scenario = load(written(tmp_path, GOOD))

    assert (scenario.name, scenario.reports, len(scenario.story)) == ("mine", ("K0",), 3)
    assert not breaks(scenario, RELEASES["main"])


def test_a_file_of_ones_own_is_reproduced_and_is_called_after_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "walk.yaml"
    file.write_text(GOOD.replace("promote f1 to dev,", "promote f1 to dev as dev.zzz, promote f1 to dev,"))

    assert kargo_model.main(["reproduce", str(file), "--kargo", "1.8.3"]) == 0
    assert ": walk: a story" in capsys.readouterr().out.splitlines()[0]
    assert kargo_model.main(["reproduce", str(tmp_path / "none.yaml")]) == 2
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("about: a story\n", "", "the field 'about' is missing"),
        ("about:", "abaut:", '"abaut" is no known field'),
        ("w1 finds f1,", "w1 loses f1,", "'w1 loses f1' is no event; events are: "),
        ("for 1m", "for 1 minute", "is no event"),
        ("for 1m", "for 1mm", "not a duration"),
        ("promote f1 to dev,", "promote f1 to prod,", "story[1]: 'stage' should be one of dev"),
        ("w1 finds f1,", "w2 finds f1,", "'warehouse' should be one of w1"),
        ("names tell the order of creation", "all is well", "there is no claim 'all is well'"),
        ("takes: [w1]", "takes: ['w1 of dev']", "expected WAREHOUSE, or WAREHOUSE from STAGE"),
        ("takes: [w1]", "takes: [w2]", "'warehouse' should be one of w1"),
        ("steps: [deploy]", "steps: deploy", "expected a list of steps"),
        ("steps: [deploy]", "steps: [deploy, deploy]", "two steps have the same alias"),
        ("- {name", "- {name: dev, takes: [w1], steps: []}\n- {name", "Stage 'dev' is there twice"),
        ("claims:", "attempts: {dev: [{deploy: [Great]}]}\nclaims:", "expected one of Succeeded, Running, "),
        ("claims:", "attempts: {dev: [{deplyo: [Failed]}]}\nclaims:", '"deplyo" is no known field'),
        ("claims:", "attempts: {dev: [{deploy: [Failed after 1mm]}]}\nclaims:", "not a duration"),
        ("claims:", "older: [0.1.0]\nclaims:", "there is no older release '0.1.0'"),
        ("claims:", "fixes: [{name: f, change: {hold: true}}]\nclaims:", '"hold" is no known field'),
        ("claims:", "fixes: [{name: f, change: {holds: maybe}}]\nclaims:", "expected true or false"),
        ("claims:", "fixes: [{name: f, change: {promotion_gate: X}}]\nclaims:", "there is no PromotionGate 'X'"),
        (
            "claims:",
            "fixes: [{name: f, change: {release: main}}]\nclaims:",
            "only behaviours that are true or false",
        ),
        ("claims:", "recoveries: [{name: r, events: [], then: [hope]}]\nclaims:", "'hope' is no expectation"),
        (
            "claims:",
            "recoveries: [{name: r, events: [], then: [], instead of: x}]\nclaims:",
            "is no event of the story",
        ),
        (
            "claims:",
            "recoveries: [{name: r, events: [], then: [prod is ready]}]\nclaims:",
            "there is no Stage 'prod'; there are: dev",
        ),
        ("story: [", "story: [{edit: dev}, ", "expected an event, or `edit STAGE` with its new steps"),
        ("story: [", "story: [{edit prod: {steps: [a]}}, ", "'stage' should be one of dev"),
    ],
)
def test_a_bad_file_gets_one_sentence(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD

    with pytest.raises(InputError) as caught:
        load(written(tmp_path, GOOD.replace(old, new, 1)))

    assert problem in str(caught.value)
    assert "scenario.yaml:" in str(caught.value)
    assert "\n" not in str(caught.value)


# The command


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = kargo_model.main(["reproduce", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_first_line_is_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "K5")

    assert code == 0
    assert out.startswith("breaks in 1.8.3, 1.8.5, 1.9.9, 1.10.10; not in 1.11.2, main: lost-origin: ")
    assert "The story, as Kargo 1.10.10 tells it:" in out
    assert "In the last 1h0m0s nothing changed: so it stays, unless somebody acts." in out
    assert "  promote Freight of the missing origin: works\n" in out
    assert "removes it" in out


def test_a_release_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "lost-origin", "--kargo", "v1.11.2")

    assert code == 1
    assert "The story, as Kargo 1.11.2 tells it:" in out
    assert "Holds: a promotion takes along every origin in use." in out


def test_the_report_with_manifests_can_be_run_as_another_release(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "K3")[0] == 0
    code, out, _ = call(capsys, "#5379", "--kargo", "1.8.5")

    assert code == 1
    assert out.startswith("NOT reproduced: skip-vs-retry: ")


def test_older_releases_are_said_to_be_unrecorded(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "K10", "--kargo", "1.1.0")

    assert "1.1.0*" in out
    assert "* never recorded" in out


def test_what_happens_endlessly_is_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "K7")

    assert "lines like these" in out
    assert len(out.splitlines()) < 60


@pytest.mark.parametrize("word", ["K5", "k5", "#6810", "6810"])
def test_a_report_is_known_by_its_number(word: str) -> None:
    assert scenarios.find(word) == "lost-origin"


def test_a_number_of_several_scenarios_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "K18")

    assert code == 2
    assert "K18 is about several scenarios; name one of: " in err


def test_all_are_listed_with_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "lost-origin", "--list")

    first, *listed = out.splitlines()
    assert first.startswith(f"{len(listed)} bugs can be reproduced")
    names = [line.split()[0] for line in listed]
    assert len(set(names)) == len(names)
    assert {e.name for e in scenarios.entries()} < set(names)


def test_a_story_is_told_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = call(capsys, "K4", "--format", "json")
    found = json.loads(out)

    assert (found["schema"], found["version"], found["scenario"]) == (
        "kargo-model/reproduce",
        1,
        "finished-steps-run-again",
    )
    assert [r["kargo"] for r in found["releases"] if r["breaks"]] == ["1.8.3", "1.8.5"]
    assert [r["works"] for r in found["recoveries"]] == WORKS["finished-steps-run-again"]
    assert found["story"][1]["happened"][0]["changes"][0].startswith("dev#1 is made, of f1")


def test_what_changed_is_said_in_words() -> None:
    found = reproduced("restart-runs-everything-again")
    told = "; ".join(
        text for beat in found.told.beats for moment in beat.moments for text in stories.changes(moment)
    )

    assert "push of dev#1 is Succeeded again" in told
    assert "dev has Ready False (LastPromotionErrored)" not in told
