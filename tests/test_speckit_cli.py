"""spec-kit on the command line: run, explore, check, reproduce, differential."""

from __future__ import annotations

import json

import pytest

import kargo_model
from model.speckit.advice import advice
from model.speckit.releases import LATEST, V0_9_1
from model.speckit.workflow import compiled
from simulations.speckit import files

WORKFLOW = """\
schema_version: "1.0"
workflow: {id: release, name: Release, version: 1.0.0}
inputs:
  verdict: {type: string, default: ""}
steps:
  - {id: build, type: shell, run: make}
  - {id: lint, type: shell, run: make lint, continue_on_error: true}
  - {id: flaky, type: shell, run: make e2e, continue_on_error: true, output_format: json}
  - id: route
    type: if
    condition: "{{ steps.flaky.output.exit_code != 0 }}"
    then: [{id: review, type: gate, message: e2e failed, verdict_input: verdict}]
    else: [{id: publish, type: prompt, prompt: publish it}]
"""


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "release.yml"
    found.write_text(WORKFLOW)
    return found


@pytest.fixture
def call(capsys):
    def called(*words):
        code = kargo_model.main([str(word) for word in words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return called


def test_a_workflow_is_run_and_resumed(call, path):
    outcomes = ("--outcome", "lint=failed", "--outcome", "flaky={exit_code: 2}", "--outcome", "review=no-terminal")
    code, out, _ = call("run", path, *outcomes, "--resume", "--resume", "verdict=approve")
    assert code == 0
    assert out.splitlines()[0] == (
        "completed after 2 resumptions: release, spec-kit 1.2.3; passed over: lint, flaky"
    )
    assert "  status: paused, at review" in out
    assert "lint: a failure of it is swallowed" in out
    assert "flaky: what comes after it reads only its exit code" in out
    assert "&id" not in out, "what is recorded twice is written out twice"


def test_a_workflow_is_run_as_an_older_release(call, path):
    code, out, _ = call("run", "--engine", "spec-kit", "--spec-kit", "v0.9.1", path, "--outcome", "lint=failed")
    assert code == 0
    assert out.splitlines()[0] == "failed: release, spec-kit 0.9.1"
    assert "does not know `continue_on_error`" in out


def test_a_run_for_programs(call, path):
    code, out, _ = call("run", path, "--outcome", "lint=raises", "--format", "json")
    found = json.loads(out)
    assert code == 0
    assert found["schema"] == "kargo-model/workflow-run"
    assert found["status"] == "failed"
    assert found["calls"][0]["raised"] == "something went wrong"
    assert found["calls"][0]["log"][-1]["event"] == "workflow_failed"
    assert [a["step"] for a in found["advice"] if a["swallowed"]] == ["lint"]


def test_a_workflow_is_explored(call, path):
    code, out, _ = call("explore", path, "--spec-kit", "1.1.2", "--engine", "explicit")
    assert code == 1
    assert out.startswith("release, spec-kit 1.1.2: ends: completed, failed, paused, aborted; violated: ")
    assert "a completed run has no failure" in out


def test_a_workflow_may_call_others(call, tmp_path):
    head = "schema_version: '1.0'\nworkflow: {id: %s, name: x, version: 1.0.0}\nsteps:\n"
    outer, inner = tmp_path / "outer.yml", tmp_path / "inner.yml"
    outer.write_text(head % "outer" + "  - {id: call, type: workflow, workflow: inner, continue_on_error: true}\n")
    inner.write_text(head % "inner" + "  - {id: task, type: shell, run: x}\n")
    code, out, _ = call("run", outer, inner, "--outcome", "task=failed")
    assert code == 0
    assert out.startswith("completed: outer, spec-kit 1.2.3; passed over: call")


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (
            ("true}", "'yes'}"),
            (),
            "release.yml:7:5: document 1, steps[1]: spec-kit 1.2.3 refuses it: Step 'lint': ",
        ),
        (("type: gate", "type: nonsense"), (), "steps[3].then[0]: spec-kit 1.2.3 refuses it"),
        (("type: prompt", "type: init"), ("--anyway",), "steps of the type init are not modelled"),
        (
            ("steps:", "stages:"),
            ("--engine", "spec-kit"),
            "expected a workflow with `workflow` and a list of `steps`",
        ),
        (("- {id: build,", "- [build"), ("--anyway",), "not YAML or JSON"),
        (("", ""), ("--outcome", "nothing=failed"), "nothing is not the id of a step that runs"),
        (("", ""), ("--outcome", "lint=perhaps"), "--outcome lint: expected one of completed, failed"),
        (("", ""), ("--outcome", "lint={exit_code: x}"), "expected an exit_code that is a whole number"),
        (("", ""), ("--outcome", "review=perhaps"), "--outcome review: expected one of approve, reject"),
        (("", ""), ("--outcome", "publish={status: great}"), "expected a status of completed, failed"),
        (("", ""), ("--outcome", "publish={output: 1}"), "expected an output that is a mapping"),
        (("", ""), ("--outcome", "publish={output: {a: 2020-01-01}}"), "expected what JSON can say"),
        (("", ""), ("--outcome", "lint"), "expected ID=ANSWER"),
        (("", ""), ("--outcome", "lint=["), "expected answers separated by commas"),
        (("", ""), ("--outcome", "lint=failed", "--outcome", "lint=failed"), "is given twice"),
        (("", ""), ("--input", "verdict"), "--input verdict: expected NAME=VALUE"),
        (("", ""), ("--input", "verdict=1"), "expected a string, got 1"),
        (("", ""), ("--input", "verdict=[1]"), "expected a text, a number, or true or false"),
        (("", ""), ("--spec-kit", "7"), "spec-kit '7' is not modelled"),
    ],
)
def test_what_cannot_be_used_gets_one_sentence(call, path, change, words, said):
    path.write_text(WORKFLOW.replace(*change, 1) if change[0] else WORKFLOW)
    code, _, err = call(
        "run", "--engine", "spec-kit", path, *[w for w in words if w != "spec-kit" and w != "--engine"]
    )
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_two_workflows_of_one_id_are_refused(call, path):
    code, _, err = call("run", path, path)
    assert code == 2
    assert "two of the workflows have the same id" in err


def test_systems_are_checked_by_name(call):
    code, out, _ = call("check", "speckit-flag", "--spec-kit", "0.9.1", "--property", "passed over")
    assert code == 1
    assert "a failure with the flag is passed over" in out
    code, _, err = call("check", "retry", "--spec-kit", "1.2.3")
    assert code == 2
    assert "--spec-kit goes with the name of a workflow" in err


def test_scenarios_are_reproduced_by_name_and_number(call):
    code, out, _ = call("reproduce", "S5")
    assert code == 0
    assert out.startswith("gate-forgotten-by-resume: happens in 0.9.1 to 1.1.2, does not happen in 1.1.3 to 1.2.3")
    code, out, _ = call("reproduce", "declared-failure-goes-on", "--spec-kit", "0.9.1", "--format", "json")
    assert code == 1
    assert json.loads(out)["told"] == "0.9.1"
    for words, said in (
        (("#2663",), "several"),
        (("S5", "--kargo", "1.8.3"), "--kargo"),
        (("K5", "--spec-kit", "1"), "--spec"),
    ):
        code, _, err = call("reproduce", *words)
        assert code == 2
        assert said in err


def test_the_model_is_held_against_the_engine(call, tmp_path):
    code, out, _ = call("differential", "speckit", "--count", "3", "--seed", "1")
    assert code == 0
    assert out.startswith("no divergence: 3 workflows (seed 1)")
    code, out, _ = call("differential", "speckit", "--count", "2", "--format", "json")
    assert json.loads(out)["compared"] == 2
    code, _, err = call("differential", "speckit", "--spec-kit", "7", "--cache", tmp_path)
    assert code == 2
    assert "is not modelled" in err


def steps(*found):
    head = {"id": "w", "name": "w", "version": "1.0.0"}
    return compiled({"schema_version": "1.0", "workflow": head, "steps": list(found)})


def shell(name, **more):
    return {"id": name, "type": "shell", "run": "x", **more}


FLAG = {"continue_on_error": True}
LOOKS = "{{ steps.a.status == 'failed' }}"


@pytest.mark.parametrize(
    ("found", "swallowed"),
    [
        ([shell("a", **FLAG)], True),
        ([shell("a", **FLAG), shell("b")], True),
        ([shell("a", **FLAG), shell("b", run="x {{ steps.a.output.exit_code }}")], False),
        ([shell("b", run=LOOKS), shell("a", **FLAG)], True),
        ([shell("a", **FLAG), {"id": "i", "type": "if", "condition": LOOKS, "then": [shell("b")]}], False),
        ([{"id": "i", "type": "if", "condition": LOOKS, "then": [shell("a", **FLAG)]}], True),
        ([{"id": "l", "type": "while", "condition": LOOKS, "steps": [shell("a", **FLAG)]}], False),
        (
            [{"id": "l", "type": "while", "condition": True, "steps": [shell("b", run=LOOKS), shell("a", **FLAG)]}],
            False,
        ),
        ([shell("a", **FLAG), {"id": "f", "type": "fan-in", "wait_for": ["a"]}], False),
        (
            [{"id": "i", "type": "if", "condition": True, "then": [shell("a", **FLAG)]}, shell("b", run=LOOKS)],
            False,
        ),
        (
            [shell("a", **FLAG), {"id": "i", "type": "if", "condition": True, "then": [shell("b", run=LOOKS)]}],
            False,
        ),
        ([shell("a")], False),
    ],
)
def test_a_failure_is_swallowed_if_nothing_after_it_looks(found, swallowed):
    assert any(a.swallowed and a.step == "a" for a in advice(steps(*found), LATEST)) is swallowed


def test_other_things_to_know_about_the_flag():
    def texts(step, behaviours=LATEST):
        return [a.text for a in advice(steps(step), behaviours)]

    assert "is no field of a step" in texts(shell("a", **{"continue-on-error": True}))[0]
    assert "does not know" in texts(shell("a", **FLAG), V0_9_1)[0]
    assert (
        "covers only its own"
        in texts({"id": "a", "type": "if", "condition": True, "then": [shell("b")], **FLAG})[0]
    )
    assert "a rejection aborts" in texts({"id": "a", "type": "gate", "message": "x", **FLAG})[0]
    assert texts(shell("a", continue_on_error="true")) == []
    assert (
        "side by side"
        in texts({"id": "a", "type": "fan-out", "items": [1], "step": shell("b"), "max_concurrency": 2})[0]
    )


def test_what_looks_like_a_workflow(path, tmp_path):
    other = tmp_path / "stage.yaml"
    other.write_text("kind: Stage\nworkflow: x\nsteps: []\n")
    from_files = [files.is_workflow(d) for p in (path, other) for d in files.read([p])]
    assert from_files == [True, False]
