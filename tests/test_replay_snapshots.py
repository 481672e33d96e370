"""Recordings of moments are replayed: what happens next in every world, and what follows for each Stage."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from kargo_model import main
from model.kargo.releases import RELEASES, release
from simulations.kargo.families import family_of
from simulations.kargo.live.replay_manifests import _of_release, agreement, findings
from simulations.kargo.live.replay_snapshots import compare, replay
from simulations.kargo.live.scripts import Choice, Script
from simulations.kargo.loop.programs import attempt_of
from simulations.replay import RecordingError, read_lines

CARRIED = Path(__file__).parent / "recordings" / "snapshots"
WHOLE = Path(__file__).parents[2] / "shared" / "traces" / "snapshots"

Json = dict[str, Any]


def moment(name: str) -> Json:
    """A carried moment of 1.11.2."""
    found = next(line for line in read_lines(CARRIED / "1.11.2.jsonl.gz") if line["id"] == name)
    return copy.deepcopy(found)


def divergences(found: Json) -> set[tuple[str, str]]:
    """Where the model differs from a moment, and in which field."""
    return {(d.where, d.field) for d in compare(found, release("1.11.2")).divergences}


def test_the_family_is_told_without_programs() -> None:
    assert family_of(CARRIED).name == "snapshots"


@pytest.mark.parametrize("name", ["1.8.5", "1.11.2"])
def test_carried_moments_go_on_as_recorded(name: str) -> None:
    [result] = replay(CARRIED, [name], 3)

    assert result.agrees
    assert result.compared > 500
    assert result.divergences == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in RELEASES if (CARRIED / f"{n}.jsonl.gz").exists()])
def test_all_carried_moments_go_on_as_recorded(name: str) -> None:
    [result] = replay(CARRIED, [name])

    assert result.divergences == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in RELEASES if (WHOLE / f"{n}.jsonl.gz").exists()])
def test_all_moments_go_on_as_recorded(name: str) -> None:
    [result] = replay(WHOLE, [name])

    assert result.programs == 256
    assert result.divergences == ()


def test_what_was_recorded_otherwise_is_told() -> None:
    found = moment("all-not-met-02")
    stage = found["stages"][0]
    found["truth"][stage]["now"] = "stuck"
    found["branches"]["alone"]["passes"] += 1
    found["branches"]["cooperative"]["quiet"] = 1

    got = divergences(found)

    assert {(f"Stage {stage}", "now"), ("cooperative", "quiet")} <= got
    assert ("alone", "passes") in got


def test_another_change_than_recorded_is_told() -> None:
    found = moment("queued-behind-02")
    found["branches"]["cooperative"]["changes"][0][3] = "something else"

    assert ("cooperative", "change 1") in divergences(found)


def test_a_project_without_stages_is_a_moment_too() -> None:
    found = moment("queued-behind-02")
    project, _, _ = found["manifests"].partition("- apiVersion: kargo.akuity.io/v1alpha1\n  kind: Stage\n")
    nothing = {"changes": None, "passes": 0, "quiet": 0}
    found |= {"manifests": project + "kind: List\n", "hidden": {"queue": None}, "unmet": None, "stages": None}
    found |= {"branches": {"alone": nothing, "restart": nothing, "cooperative": nothing}, "actions": None}

    assert divergences(found) == set()


def test_a_hidden_part_that_is_not_so_makes_a_difference() -> None:
    found = moment("queued-behind-02")
    found["hidden"] = {}

    assert divergences(found)


def test_what_one_world_showed_of_an_attempt_says_nothing_of_later_ones_in_another() -> None:
    script = Script()
    script.choose(("dev#1", "step-1", 0), [Choice(attempt_of("run"), for_ever=True)])
    less = script.not_for_ever()

    assert script.at("dev#1", "step-1", 1) == Choice(attempt_of("run"), for_ever=True)
    assert less.at("dev#1", "step-1", 0) == Choice(attempt_of("run"))
    assert less.at("dev#1", "step-1", 1) is None


@pytest.mark.parametrize(
    "change",
    [{"manifests": 3}, {"manifests": "kind: Nothing"}, {"now": "soon"}, {"hidden": {"timers": {"x": "y"}}}],
)
def test_a_moment_that_is_not_as_it_should_be_is_refused(change: Json) -> None:
    with pytest.raises(RecordingError, match="all-not-met-02"):
        compare(moment("all-not-met-02") | change, release("1.11.2"))


def test_a_folder_of_nothing_known_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "1.11.2.jsonl.gz", "wt") as file:
        file.write(json.dumps({"id": "x"}) + "\n")

    with pytest.raises(RecordingError, match="no family"):
        family_of(tmp_path)


def test_from_the_manifests_alone_most_verdicts_are_as_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    found = list(agreement(CARRIED, ["1.8.5", "1.11.2"]))

    assert all(one.stages > 25 and one.same >= 0.9 * one.stages for one in found)
    assert all(one.worse == () for one in found)
    assert main(["replay", str(CARRIED), "--manifests-only", "--kargo", "1.11.2", "--limit", "3"]) == 0
    assert "verdicts as recorded" in capsys.readouterr().out


def test_a_recommendation_that_was_recorded_to_make_it_worse_is_told() -> None:
    def advice(found: Json) -> int:
        return len([1 for f in findings(found, release("1.11.2")).values() for way in f.ways])

    found = next(line for line in read_lines(CARRIED / "1.11.2.jsonl.gz") if advice(line))
    for action in found["actions"]:
        action["unmet"] = {
            stage: ["auto", "complete", "deleted", "open", "recorded", "verified"] for stage in found["stages"]
        }

    [one] = [_of_release(release("1.11.2"), [found])]

    assert one.worse


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in RELEASES if (WHOLE / f"{n}.jsonl.gz").exists()])
def test_from_all_manifests_alone_97_of_100_verdicts_are_as_recorded(name: str) -> None:
    [one] = agreement(WHOLE, [name])

    assert one.same >= 0.97 * one.stages
    assert one.worse == ()
