"""What live objects do not say is told, and not taken for something that they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from live_cases import CASES

from diagrams.kargo.diagnoses import verdict
from kargo_model import main
from model.kargo import step_engine
from model.kargo.live.values import instant_of, instant_text
from model.kargo.phases import StepPhase, StepStatus
from model.kargo.releases import RELEASES, Behaviours
from model.kargo.step_engine import Condition, Entry, StepRules, Turn
from simulations.kargo.live.verdicts import Now, Verdict
from simulations.kargo.live.writing import manifests
from simulations.kargo.loop.walks import Walk

ROOT = Path(__file__).parents[1]
Json = dict[str, Any]


def written(name: str) -> Json:
    """The objects of a case."""
    case = next(case for case in CASES if case.name == name)
    walk = Walk(case.program, RELEASES[case.kargo])
    walk.begin()
    for event in case.program["events"]:
        walk.do(event)
    return manifests(walk.cluster)


def one(found: Json, kind: str, name: str = "") -> Json:
    """An object of a kind, the last there is or that of this name."""
    named = [o for o in found["items"] if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    return dict(named[-1])


def diagnosed(found: Json, folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said of objects, the first line first."""
    path = folder / "objects.yaml"
    path.write_text(yaml.dump(found))
    main(["diagnose", str(path), "--kargo", "1.11.2", *arguments])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2025-01-31", "2025-01-31T12:00:00", "soon"]
)
def test_what_is_no_instant_that_can_be_written_is_none(text: str) -> None:
    assert instant_of(text) is None


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z", "2025-03-04T01:02:03.004Z"])
def test_an_instant_is_written_as_it_was_read(text: str) -> None:
    instant = instant_of(text)

    assert instant is not None
    assert instant_text(instant) == text


def test_freight_of_a_warehouse_that_is_no_longer_asked_for_exists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written("all is well")
    origin = one(found, "Stage")["spec"]["requestedFreight"][0]["origin"]
    origin["name"] = "w9"
    found["items"] = [o for o in found["items"] if o["kind"] != "Promotion"]
    other = json.loads(json.dumps(one(found, "Warehouse")))
    other["metadata"]["name"] = "w9"
    found["items"].append(other)

    assert diagnosed(found, tmp_path, capsys).startswith("dev: idle")


def test_a_step_that_began_late_tells_what_time_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written("a step that polls for ever")
    one(found, "Promotion")["status"]["stepExecutionMetadata"][0]["startedAt"] = "2000-01-01T01:00:00Z"

    assert "at 2000-01-01T01:00:00Z" in diagnosed(found, tmp_path, capsys)


HOURS_LATER = ("--now", "2000-01-01T08:00:00Z")


def test_a_step_that_nobody_has_ended_long_after_its_time_has_lost_its_timer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A live controller ends it within five minutes; what another look and a restart do is tried."""
    found = written("a step with a timeout")

    out = diagnosed(found, tmp_path, capsys, *HOURS_LATER)

    assert out.startswith("dev: needs someone to look at the Promotion again")
    assert "queue: nobody has looked at Promotion" in out
    assert "way out 2: restart the controller" in out
    assert "why nobody looks at Promotion" in out


def test_a_step_without_a_timeout_may_wait_or_be_overlooked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = diagnosed(written("a step that polls for ever"), tmp_path, capsys, *HOURS_LATER)

    assert out.startswith("dev: waiting for the step under way to end")
    assert "whether anybody still looks at Promotion" in out
    assert "--what-if" in out
    at_once = diagnosed(written("a step that polls for ever"), tmp_path, capsys)
    assert "whether anybody still looks" not in at_once


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [("946688400", "needs someone"), ("1999-12-31T23:00:00Z", "needs someone"), ("x", "wait")],
)
def test_another_look_that_was_asked_for_and_never_had_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str, verdict: str
) -> None:
    found = written("a step that polls for ever")
    promotion = one(found, "Promotion")
    promotion["metadata"].setdefault("annotations", {})["kargo.akuity.io/refresh"] = asked

    assert diagnosed(found, tmp_path, capsys, *HOURS_LATER).startswith(f"dev: {verdict}")

    promotion["status"]["lastHandledRefresh"] = asked
    assert diagnosed(found, tmp_path, capsys, *HOURS_LATER).startswith("dev: waiting")


def test_a_promotion_that_could_have_begun_long_ago_makes_one_ask_for_the_controller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written("a new Promotion")

    assert diagnosed(found, tmp_path, capsys).startswith("dev: moving")
    out = diagnosed(found, tmp_path, capsys, *HOURS_LATER)
    assert out.startswith("dev: moving, if its controller runs")
    assert "queue: nobody has looked at Stage dev for 7h59m" in out


@pytest.mark.parametrize(
    "disturbed",
    [
        {"metadata": {"generation": 2}},
        {"metadata": {"annotations": {"kargo.akuity.io/refresh": "token"}}},
        {"metadata": {"deletionTimestamp": "2000-01-01T07:59:59Z"}},
    ],
    ids=["an edit", "a refresh", "a deletion"],
)
def test_what_may_have_happened_just_now_is_not_overlooked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], disturbed: Json
) -> None:
    found = written("a new Promotion")
    one(found, "Stage")["metadata"] |= disturbed["metadata"]

    assert "nobody has looked at" not in diagnosed(found, tmp_path, capsys, *HOURS_LATER)


def test_a_control_flow_stage_after_a_soak_time_is_not_looked_at_by_design(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = diagnosed(written("a control flow Stage after its soak time"), tmp_path, capsys, *HOURS_LATER)

    assert "gate: needs someone to look at the Stage again" in out
    assert "nobody has looked at" not in out


def test_other_words_in_a_status_are_no_work_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another patch of a release writes other messages; a pass of ours would write its own."""
    found = written("a control flow Stage after its soak time")
    one(found, "Stage", "gate")["status"]["conditions"] = [{"type": "Ready", "status": "True", "reason": "Odd"}]

    assert "gate: needs someone" in diagnosed(found, tmp_path, capsys)


def test_a_soak_time_of_a_week_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written("soak time that is not over")
    one(found, "Stage", "prod")["spec"]["requestedFreight"][0]["sources"]["requiredSoakTime"] = "168h"

    out = diagnosed(found, tmp_path, capsys)

    assert "prod: waiting for time to pass, about 168h" in out
    assert "way out" not in out


def test_analysis_runs_that_were_not_given_are_not_taken_for_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written("a verification that does not end")
    found["items"] = [o for o in found["items"] if o["kind"] != "AnalysisRun"]

    out = diagnosed(found, tmp_path, capsys)

    assert out.startswith("dev: waiting for the end of its AnalysisRun")
    assert "no AnalysisRuns were given" in out


@pytest.mark.parametrize("kind", ["Freight", "Promotion", "AnalysisRun"])
def test_what_could_not_be_read_is_not_taken_for_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    found = written("a step that polls for ever" if kind == "Promotion" else "a verification that does not end")
    for o in (o for o in found["items"] if o["kind"] == kind):
        o["metadata"]["creationTimestamp"] = "yesterday"

    out = diagnosed(found, tmp_path, capsys)

    assert out.startswith("dev: waiting for the")
    assert f"{kind} " in out
    assert "which could not be read; what Stages say of it is believed" in out
    assert "what is in the objects that could not be read" in out


def test_an_idle_stage_says_why_newer_freight_does_not_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = diagnosed(written("no policy"), tmp_path, capsys)

    assert out.startswith("dev: idle: nothing happens by itself")
    assert "the Stage does not promote by itself: no policy is for it" in out


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        (("origin", "name"), "Warehouse gone, whose Freight the Stage asks for, does not exist"),
        (("sources", "stages"), "Stage gone, from which the Stage takes Freight, does not exist, or was not given"),
    ],
)
def test_sources_that_do_not_exist_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: tuple[str, str], sentence: str
) -> None:
    found = written("soak time that is not over")
    request = one(found, "Stage", "prod")["spec"]["requestedFreight"][0]
    request[field[0]][field[1]] = ["gone"] if field[1] == "stages" else "gone"

    assert sentence in diagnosed(found, tmp_path, capsys)


def test_a_way_out_by_another_stage_names_that(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = diagnosed(written("Freight that is verified in one of two Stages"), tmp_path, capsys)

    assert "prod: needs someone to promote the Freight (fa1, Stage uat)" in out
    assert "kargo promote --project=demo --freight=fa1 --stage=uat" in out


def test_what_a_step_last_said_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written("a step that polls for ever")
    one(found, "Promotion")["status"]["stepExecutionMetadata"][0]["message"] = "waiting for somebody"

    assert "status.stepExecutionMetadata.message: waiting for somebody" in diagnosed(found, tmp_path, capsys)


def test_a_deletion_that_is_not_done_for_hours_makes_one_ask_for_the_controller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written("all is well")
    one(found, "Stage")["metadata"]["deletionTimestamp"] = "2000-01-01T01:00:00Z"

    assert diagnosed(found, tmp_path, capsys, *HOURS_LATER).startswith("dev: moving, if its controller runs")


def test_what_a_verification_ended_with_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written("a verification that failed (K10)")
    [entry] = one(found, "Stage")["status"]["freightHistory"]
    entry["verificationHistory"][0]["message"] = "metric latency assessed Failed"

    assert "verificationHistory[0].message: metric latency assessed Failed" in diagnosed(found, tmp_path, capsys)


def test_without_stages_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written("a step that polls for ever")
    found["items"] = [o for o in found["items"] if o["kind"] != "Stage"]
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.dump(found))

    assert main(["diagnose", str(path)]) == 2
    assert "expected the Stages of a live cluster, found none" in capsys.readouterr().err


def test_a_stage_that_could_not_be_read_is_not_taken_for_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written("a queue behind a step that polls")
    one(found, "Stage")["metadata"]["generation"] = "first"

    out = diagnosed(found, tmp_path, capsys)

    assert out.startswith("no Stage to diagnose")
    assert "does not exist" not in out


def test_a_stage_that_was_never_looked_at_makes_one_ask_for_the_controller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written("Freight that comes after its policy does")
    stage = one(found, "Stage")
    stage["status"].clear()
    stage["metadata"]["creationTimestamp"] = "2000-01-01T00:00:00Z"

    assert diagnosed(found, tmp_path, capsys, *HOURS_LATER).startswith("dev: moving, if its controller runs")


def test_policies_of_a_project_count_for_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written("no policy")
    found["items"] = [o for o in found["items"] if o["kind"] != "ProjectConfig"]
    policies = [{"stage": "dev", "autoPromotionEnabled": True}]
    project = {"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Project", "metadata": {"name": "demo"}}
    found["items"].append({**project, "spec": {"promotionPolicies": policies}})
    path = tmp_path / "objects.yaml"
    path.write_text(yaml.dump(found))

    assert main(["diagnose", str(path), "--kargo", "1.11.2"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("dev: idle")
    assert "promotion policies of a Project count for nothing" in err


@pytest.mark.parametrize(
    ("now", "said"), [(Now.WAITING, "waiting for time to pass, about 1s"), (Now.MOVING, "moving")]
)
@pytest.mark.parametrize(("together", "then"), [(True, "; then needs someone"), (False, "; then stuck")])
def test_what_comes_after_what_goes_by_itself_is_told(now: Now, said: str, together: bool, then: str) -> None:
    goes_on = Verdict(now, ("timer",), 1000, later=("open",), together=together)

    assert verdict(goes_on) == said + then


def test_freight_is_called_by_the_beginning_of_its_name_but_in_fields_and_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "fb27d0d2f7bd6d2c1d3f4ac0e9a2b7f61e9a4c22"
    found = json.loads(json.dumps(written("auto-promotion of what failed")).replace('"fa1"', f'"{name}"'))

    out = diagnosed(found, tmp_path, capsys)

    assert "auto-promotion: Freight fb27d0d is not promoted by itself" in out
    assert f"--freight={name} " in out


@pytest.mark.parametrize("behaviours", RELEASES.values(), ids=list(RELEASES))
@pytest.mark.parametrize("phase", [phase for phase in StepPhase if not phase.over])
def test_a_step_that_never_started_is_passed_over_whatever_else_its_status_says(
    phase: StepPhase, behaviours: Behaviours
) -> None:
    entry = Entry(phase, error_count=1)

    [by_if] = step_engine.obey_condition(
        Turn.TO_EVALUATE, entry, Condition(met=False), alias="step", behaviours=behaviours
    )
    [after_failure] = step_engine.ask_whether_to_skip(
        Turn.REACHED,
        entry,
        1,
        rules=StepRules("step", "git-clone", registered=True, has_if=False, error_threshold=3, timeout_ms=0),
        continue_on_error=False,
        behaviours=behaviours,
    )

    assert by_if.changes["entry"].status is after_failure.changes["entry"].status is StepStatus.SKIPPED


def test_what_is_being_promoted_is_taken_to_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written("a step that polls for ever")
    found["items"] = [o for o in found["items"] if o["kind"] == "Stage"]

    out = diagnosed(found, tmp_path, capsys, "--explain")

    assert out.startswith("dev: waiting for the step under way to end\n")
    assert "Errored" not in out


def test_nothing_is_proven_where_freight_that_helps_may_be_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = yaml.safe_load((ROOT / "examples" / "clusters" / "lost-origin.yaml").read_text())
    found["items"] = [o for o in found["items"] if o["kind"] in ("Stage", "Promotion")]

    out = diagnosed(found, tmp_path, capsys)

    assert out.startswith("dev: stuck: nothing that was tried helps")
    assert "proven" not in out
    assert "there may be other that helps" in out
