"""The command line: what each call answers, on which stream, in which format, and with which exit code."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import kargo_model
from invariants.kargo import systems
from model.kargo.releases import RELEASES
from model.toys import TOYS

ROOT = Path(__file__).parents[1]
SCENARIO = ROOT / "simulations" / "kargo" / "scenarios" / "skip-vs-retry"
REPORT = (str(SCENARIO / "stage.yaml"), str(SCENARIO / "task.yaml"))
RECORDINGS = ROOT / "tests" / "recordings" / "steps"

TWO = """\
apiVersion: kargo.akuity.io/v1alpha1
kind: Stage
metadata: {name: test, namespace: demo}
spec:
  requestedFreight:
  - {origin: {kind: Warehouse, name: main}, sources: {direct: true}}
  promotionTemplate:
    spec:
      steps:
      - {as: clone, uses: git-clone, retry: {errorThreshold: 3}}
      - {as: sync, uses: argocd-update}
"""


class Answer(NamedTuple):
    """What a call came to."""

    code: int
    out: str
    err: str

    @property
    def first(self) -> str:
        return self.out.splitlines()[0]

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Call:
    """Calls the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str) -> Answer:
        code = kargo_model.main(words)
        return Answer(code, *self.capsys.readouterr())


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """The command line."""
    return Call(capsys)


@pytest.fixture
def stage(tmp_path: Path) -> str:
    """A Stage of two steps."""
    file = tmp_path / "stage.yaml"
    file.write_text(TWO)
    return str(file)


def process(*words: str, **options: Any) -> subprocess.Popen[bytes]:
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "kargo_model.py", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


# Help and wrong calls


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_names_every_command_and_exit_code(call: Call, word: str) -> None:
    answer = call(word)

    assert (answer.code, answer.err) == (0, "")
    assert all(re.search(rf"^  {name} +\w", answer.out, re.MULTILINE) for name in kargo_model.COMMANDS)
    assert "exit codes: 0 holds or done, 1 violated or diverged, 2 bad input or usage" in answer.out


SHOWN = {"draw", "report", "serve"}
"""Commands whose answer is to be looked at: pictures and pages."""


@pytest.mark.parametrize("name", kargo_model.COMMANDS)
def test_every_command_has_help(call: Call, name: str) -> None:
    answer = call(name, "--help")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"usage: kargo-model {name} ")
    assert name in SHOWN or re.search(r"--format \{text,json[,}]", answer.out)


def test_no_command_at_all_is_wrong_and_shows_help(call: Call) -> None:
    answer = call()

    assert answer.code == 2
    assert answer.out.startswith("usage: kargo-model COMMAND")


def test_the_version_is_told(call: Call) -> None:
    assert re.fullmatch(r"kargo-model \d+\.\d+\.\d+\n", call("--version").out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chekc"], "no command 'chekc'; the commands are: diagnose, lint"),
        (["check", "nope"], "no system 'nope'; the systems are: retry, wait"),
        (["check", "retry", "--property", "nope"], "no property has 'nope' in its name; the properties are: "),
        (["check", "retry", "--kargo", "0.1"], "Kargo '0.1' is not modelled; the releases are: 1.8.3, "),
        (["check", "retry", "--size", "3"], "--size goes with the name of a toy"),
        (["check", "--size", "3"], "--size goes with the name of a toy"),
        (["check", "die-hard", "--size", "3"], "die-hard has no size to choose"),
        (
            ["check", "retry", "--promotions", "2"],
            "--promotions and --freight go with the name of a control loop: ",
        ),
        (["check", "--freight", "2"], "--promotions and --freight go with the name of a control loop: "),
        (
            ["check", "retry", "--engine", "explicit", "--strategy", "saturation"],
            "no strategy 'saturation' of the ",
        ),
        (["reproduce", "nope"], "no scenario 'nope'; the scenarios are: skip-vs-retry"),
        (["replay", "nowhere"], "nowhere does not exist; expected a folder with programs.jsonl.gz"),
        (["replay", str(RECORDINGS), "--kargo", "2"], "Kargo '2' is not modelled"),
        (["run", "nowhere.yaml"], "nowhere.yaml"),
        (["run", *REPORT, "--kargo", "9.9"], "Kargo '9.9' is not modelled"),
        (["explore", *REPORT, "--kargo", "9.9"], "Kargo '9.9' is not modelled"),
    ],
)
def test_a_wrong_call_gets_one_sentence(call: Call, words: list[str], said: str) -> None:
    answer = call(*words)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("kargo-model: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "--bogus"], "unrecognized arguments: --bogus"),
        (["check", "retry", "--states", "0"], "expected a whole number above zero, found '0'"),
        (["check", "retry", "--states", "-1"], "expected"),
        (["check", "retry", "--depth", "many"], "expected a whole number above zero, found 'many'"),
        (["check", "retry", "--memory", "lots"], "expected an amount of memory such as 512M or 4G, found 'lots'"),
        (["check", "retry", "--engine", "steam"], "invalid choice: 'steam'"),
        (["check", "single", "--promotions", "10"], "expected a whole number from 1 to 9, found '10'"),
        (["check", "retry", "--format", "xml"], "invalid choice: 'xml'"),
        (["run"], "the following arguments are required: FILE"),
        (["explore"], "the following arguments are required: FILE"),
        (["run", *REPORT, "--passes", "0"], "expected a whole number above zero, found '0'"),
        (["run", *REPORT, "--after", "soon"], "expected a duration such as 30s or 5m, found 'soon'"),
        (["run", *REPORT, "--after=-5s"], "expected a duration such as 30s or 5m, found '-5s'"),
        (["replay"], "the following arguments are required: FOLDER"),
        (["replay", "x", "--limit", "0"], "expected a whole number above zero"),
    ],
)
def test_a_wrong_option_is_explained_beside_the_usage(call: Call, words: list[str], said: str) -> None:
    answer = call(*words)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"usage: kargo-model {words[0]} ")
    assert said in answer.err.splitlines()[-1]


# check


def test_check_answers_in_its_first_line_that_all_holds(call: Call) -> None:
    answer = call("check", "tolerated")

    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(r"holds: all \d+ properties of 1 system \(\d+\.\d s\)", answer.first)


def test_check_answers_in_its_first_line_what_is_violated(call: Call) -> None:
    answer = call("check", "retry", "--kargo", "v1.8.3")

    assert answer.code == 1
    assert re.match(r"violated: \d+ of \d+ properties of 1 system, in 1 system ", answer.first)
    assert re.search(r"^ +violated +a started step is never skipped by the engine$", answer.out, re.MULTILINE)
    assert re.search(r"^ +2  controller: reconcile: .*skipped", answer.out, re.MULTILINE)


@pytest.mark.parametrize(
    "words",
    [
        ["tolerated", "--states", "2"],
        ["tolerated", "--depth", "2"],
        ["tolerated", "--engine", "explicit", "--depth", "2"],
        ["two-phase-commit", "--size", "9", "--engine", "explicit", "--seconds", "0.05"],
    ],
)
def test_a_bound_that_is_hit_is_said_and_is_no_verdict(call: Call, words: list[str]) -> None:
    answer = call("check", *words)

    assert answer.code == 3
    assert answer.first.startswith("no violation within the bound: ")
    assert "  stopped: the bound of " in answer.out
    assert not re.search(r"^ +holds ", answer.out, re.MULTILINE)


def test_a_violation_within_a_bound_is_a_violation(call: Call) -> None:
    answer = call("check", "retry", "--kargo", "1.8.3", "--depth", "3")

    assert answer.code == 1
    assert answer.first.endswith("; 1 system not seen whole")


def test_only_the_properties_asked_for_are_judged(call: Call) -> None:
    for wanted, few in (("never skipped", ()), ("never-skipped", ("retry",)), ("NEVER_SKIPPED", ("retry",))):
        document = call("check", *few, "--property", wanted, "--format", "json").document
        names = {p["claim"] for s in document["systems"] for p in s["properties"]}
        assert names == {"a started step is never skipped by the engine"}
        assert [s["system"] for s in document["systems"]] == list(few or systems.NAMES)


PROPERTY = {"name", "claim", "kind", "verdict", "vacuous", "trace"}
SYSTEM = {
    *("system", "about", "engine", "strategy", "states", "transitions", "levels", "seconds", "complete", "bound"),
    "properties",
}


def assert_trace(trace: dict[str, Any]) -> None:
    assert trace.keys() == {"start", "steps", "loop"}
    for step in trace["steps"]:
        assert step.keys() == {"action", "actor", "label", "changes"}
        assert all(change.keys() == {"before", "after"} for change in step["changes"].values())


def assert_system(found: dict[str, Any]) -> None:
    assert found.keys() >= SYSTEM
    for judged in found["properties"]:
        assert judged.keys() == PROPERTY
        assert judged["kind"] in ("always", "every step", "sometimes")
        assert judged["verdict"] in ("holds", "violated", "no violation within the bound")
        if judged["trace"]:
            assert_trace(judged["trace"])


@pytest.mark.parametrize("strategy", ["layers", "saturation"])
def test_check_prints_the_documented_fields_as_json(call: Call, strategy: str) -> None:
    answer = call("check", "retry", "--kargo", "1.8.3", "--format", "json", "--strategy", strategy)
    document = answer.document

    assert (answer.code, answer.err) == (1, "")
    assert (document["schema"], document["version"]) == ("kargo-model/check", 1)
    (found,) = document["systems"]
    assert_system(found)
    assert (found["system"], found["strategy"], found["complete"], found["bound"]) == (
        "retry",
        strategy,
        True,
        None,
    )
    assert (found["levels"] is None) is (strategy == "saturation")
    assert any(p["verdict"] == "violated" and p["trace"]["steps"] for p in found["properties"])


def test_json_says_what_stopped_an_exploration(call: Call) -> None:
    answer = call("check", "tolerated", "--depth", "2", "--format", "json")
    (found,) = answer.document["systems"]

    assert answer.code == 3
    assert found["complete"] is False
    assert found["bound"].startswith("the bound of 2 levels was hit")


@pytest.mark.parametrize("toy", TOYS)
def test_every_toy_can_be_checked_by_name(call: Call, toy: str) -> None:
    assert call("check", toy).code == 0


def test_a_profile_names_the_functions_and_their_actions(call: Call) -> None:
    printed = call("check", "two-phase-commit", "--profile").out

    assert re.search(r"^ +rows +calls +python +images +function: actions$", printed, re.M)
    assert re.search(r"^ +2 +2 .* has_prepared: rm\d has prepared, rm\d has prepared and 1 more$", printed, re.M)


def test_a_control_loop_is_checked_by_name_and_tells_who_did_what(call: Call) -> None:
    answer = call("check", "by-hand", "--promotions", "1", "--freight", "1", "--kargo", "1.9.9")

    assert answer.code == 1
    assert re.match(r"violated: \d+ of \d+ properties of 1 system", answer.first)
    assert re.search(r"^ +violated +the later promotion has the larger name$", answer.out, re.MULTILINE)
    assert "person: promote a1 to dev: dev.1 is created for a1\n            dev.1: phase none -> new" in answer.out
    assert "transitions" not in answer.out


def test_layers_of_a_control_loop_are_had_by_asking(call: Call) -> None:
    words = ("check", "single", "--promotions", "1", "--freight", "1", "--format", "json")
    (suiting,) = call(*words).document["systems"]
    (layers,) = call(*words, "--strategy", "layers").document["systems"]

    assert (suiting["strategy"], suiting["transitions"], suiting["levels"]) == ("saturation", None, None)
    assert layers["transitions"] > layers["states"] == suiting["states"]


# run


def test_run_answers_in_its_first_line_how_it_ended(call: Call) -> None:
    answer = call("run", *REPORT)

    assert (answer.code, answer.err) == (0, "")
    assert answer.first == "Succeeded after 1 pass: Stage test-skipped-step, Kargo 1.11.2"


def test_run_says_that_work_was_never_done(call: Call) -> None:
    answer = call("run", *REPORT, "--kargo", "1.8.3", "--outcome", "gitClone=Errored")

    assert answer.code == 0
    assert answer.first.startswith("Succeeded after 2 passes: ")
    assert answer.first.endswith("; but task-1::gitClone was begun and never done")


def test_run_prints_the_documented_fields_as_json(call: Call) -> None:
    answer = call("run", *REPORT, "--outcome", "gitClone=Errored,Succeeded", "--format", "json")
    document = answer.document

    assert (document["schema"], document["version"]) == ("kargo-model/run", 1)
    assert document.keys() == {
        *("schema", "version", "subject", "kargo", "phase", "ended", "undone", "passes", "warnings")
    }
    assert (document["kargo"], document["phase"], document["undone"]) == ("1.11.2", "Succeeded", [])
    assert [p["number"] for p in document["passes"]] == [1, 2]
    for account in document["passes"]:
        assert account.keys() == {"number", "at", "steps", "status", "next", "backoff"}
        assert all(step.keys() == {"alias", "turn", "why"} for step in account["steps"])
    assert document["passes"][0]["backoff"] is True
    assert document["passes"][1]["next"] is None


@pytest.mark.parametrize(
    ("outcome", "phase", "passes"),
    [
        ("clone=Succeeded", "Succeeded", 1),
        ("clone=Errored", "Errored", 3),
        ("clone=Errored,Errored,Succeeded", "Succeeded", 3),
        (" clone =Errored, Succeeded", "Succeeded", 2),
        ("clone={status: Failed, error: gone, terminal: true}", "Failed", 1),
        ("clone={error: gone}", "Errored", 3),
        ("clone={}", "Succeeded", 1),
        ("clone={panic: oops}", "Errored", 1),
        ("clone=Running,{status: Succeeded, output: {commit: abc}, duration: 90s}", "Succeeded", 2),
        ("clone={status: Running, retryAfter: 30s},Succeeded", "Succeeded", 2),
        ("clone=Skipped", "Succeeded", 1),
        ("sync={status: Succeeded, healthCheck: argocd, message: 3}", "Succeeded", 1),
        ("sync={status: Running, duration: 6m}", "Errored", 1),
    ],
)
def test_outcomes_are_lists_of_statuses_and_mappings(
    call: Call, stage: str, outcome: str, phase: str, passes: int
) -> None:
    document = call("run", stage, "--outcome", outcome, "--format", "json").document

    assert (document["phase"], len(document["passes"])) == (phase, passes)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("clone", "--outcome clone: expected ALIAS=ATTEMPT[,ATTEMPT...]"),
        ("clon=Errored", "clon is not the alias of a step; expected one of: clone, sync"),
        ("=Errored", "is not the alias of a step"),
        ("clone=", "expected attempts separated by commas"),
        ("clone=[", "expected attempts separated by commas"),
        ("clone={status: Succeeded", "expected attempts separated by commas"),
        ("clone=succeeded", "status succeeded is not one of Running"),
        ("clone=1", "status 1 is not one of "),
        ("clone=[Errored]", "is not one of "),
        ("clone={status: [Errored]}", "is not one of "),
        ("clone={status: {a: b}}", "is not one of "),
        ("clone={statsu: Errored}", "statsu is not a key of an attempt; expected status, message"),
        ("clone={1: 2}", "1 is not a key of an attempt"),
        ("clone={message: [1]}", "message: expected text"),
        ("clone={error: {a: b}}", "error: expected text"),
        ("clone={terminal: perhaps}", "terminal: expected true or false"),
        ("clone={output: 3}", "output: expected a mapping"),
        ("clone={output: {a: .nan}}", "output: expected what JSON can say"),
        ("clone={output: {a: 2020-01-01}}", "output: expected what JSON can say"),
        ("clone={duration: soon}", "duration: expected a duration such as 30s, found soon"),
        ("clone={duration: -3s}", "duration: expected a duration such as 30s"),
        ("clone={retryAfter: 3}", "retryAfter: expected a duration such as 30s"),
        ("clone={panic: [x]}", "panic: expected text"),
        ("clone={message: 2020-13-45}", "expected attempts separated by commas"),
        ("clone={message: " + 5000 * "9" + "}", "expected attempts separated by commas"),
        ("clone=" + 1000 * "[", "expected attempts separated by commas"),
        ("clone=" + 1000 * "[" + 1000 * "]", "expected attempts separated by commas"),
        ("clone={output: &a {b: *a}}", "output: expected what JSON can say"),
        ("clone=!!python/object:os.system {}", "expected attempts separated by commas"),
    ],
)
def test_an_outcome_that_cannot_be_understood_gets_one_sentence(
    call: Call, stage: str, outcome: str, said: str
) -> None:
    answer = call("run", stage, "--outcome", outcome, "--format", "json")

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("kargo-model: --outcome")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_a_step_has_one_script(call: Call) -> None:
    answer = call("run", *REPORT, "--outcome", "gitClone=Errored", "--outcome", "task-1::gitClone=Succeeded")

    assert answer.code == 2
    assert answer.err == "kargo-model: --outcome: task-1::gitClone is given twice\n"


def test_a_short_alias_that_two_tasks_have_is_ambiguous(call: Call, tmp_path: Path) -> None:
    found = yaml.safe_load((SCENARIO / "stage.yaml").read_text())
    steps = found["spec"]["promotionTemplate"]["spec"]["steps"]
    found["spec"]["promotionTemplate"]["spec"]["steps"] = [{"as": "one", **steps[0]}, {"as": "two", **steps[0]}]
    (tmp_path / "stage.yaml").write_text(yaml.safe_dump(found))
    files = (str(tmp_path / "stage.yaml"), REPORT[1])

    assert call("run", *files, "--outcome", "gitClone=Errored").err == (
        "kargo-model: --outcome: gitClone is ambiguous; expected one of: one::gitClone, two::gitClone\n"
    )
    assert call("run", *files, "--outcome", "two::gitClone=Errored").first.startswith("Errored after 3 passes")


def test_passes_end_a_run_that_goes_on(call: Call, stage: str) -> None:
    answer = call("run", stage, "--outcome", "clone=Running", "--passes", "2")

    assert answer.code == 0
    assert answer.first == "Running after 2 passes: Stage test, Kargo 1.11.2; stopped after 2 passes"


def test_the_time_between_passes_can_be_given(call: Call, stage: str) -> None:
    document = call(
        "run", stage, "--outcome", "clone=Running", "--passes", "3", "--after", "1m30s", "--format", "json"
    ).document

    assert [p["at"] for p in document["passes"]] == [0, 90, 180]


@pytest.mark.parametrize("release", RELEASES)
def test_every_release_runs_and_explores_the_report(call: Call, release: str) -> None:
    assert call("run", *REPORT, "--kargo", release).first.endswith(f"Kargo {release}")
    assert call("explore", *REPORT, "--kargo", release).code == (1 if release in ("1.8.3", "1.8.5", "1.9.9") else 0)


# Where manifests come from


def feed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@pytest.mark.parametrize("command", ["run", "explore"])
def test_a_hyphen_is_standard_input(call: Call, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, TWO)

    assert "Stage test, Kargo 1.11.2" in call(command, "-").first


def manifests() -> list[dict[str, Any]]:
    return [yaml.safe_load(Path(file).read_text()) for file in REPORT]


def test_lists_documents_and_json_are_the_same_input(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {"apiVersion": "v1", "kind": "List", "items": manifests()}
    expected = call("run", *REPORT, "--format", "json").document
    for text in (json.dumps(whole), yaml.safe_dump(whole), yaml.safe_dump_all(manifests())):
        file = tmp_path / "manifests"
        file.write_text(text)
        assert call("run", str(file), "--format", "json").document == expected
        feed(monkeypatch, text)
        assert call("run", "-", "--format", "json").document == expected


def test_one_of_several_is_chosen_by_name(call: Call, stage: str) -> None:
    assert call("run", stage, *REPORT).code == 2
    assert call("run", stage, *REPORT, "--name", "test").first.endswith("Stage test, Kargo 1.11.2")


def untimed(text: str) -> str:
    """A text without how long it took."""
    return re.sub(r"[0-9.]+ s$", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("command", ["run", "explore", "draw template", "draw run"])
def test_a_folder_is_the_manifests_in_it(call: Call, tmp_path: Path, command: str) -> None:
    files = [tmp_path / Path(file).name for file in sorted(REPORT)]
    for copy, file in zip(files, sorted(REPORT), strict=True):
        copy.write_text(Path(file).read_text())
    (tmp_path / "values.yaml").write_text("replicas: 3\n")

    folder, named = call(*command.split(), str(tmp_path)), call(*command.split(), *map(str, files))
    assert (folder.code, untimed(folder.out)) == (named.code, untimed(named.out))


def test_a_folder_without_manifests_is_refused(call: Call, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("replicas: 3\n")

    assert "no file in this folder mentions kargo.akuity.io" in call("run", str(tmp_path)).err


# explore


def test_explore_answers_in_its_first_line_how_it_can_end(call: Call) -> None:
    holds, violated = call("explore", *REPORT), call("explore", *REPORT, "--kargo", "1.8.3")

    assert (holds.code, violated.code) == (0, 1)
    assert holds.first == (
        "Stage test-skipped-step, Kargo 1.11.2: ends: Succeeded, Failed, Errored, Aborted; every claim holds"
    )
    assert re.search(
        r"ends: Succeeded, Errored, Aborted; violated: 4 of 14 claims; 1 situation never reached$", violated.first
    )


def test_an_exploration_within_a_bound_says_so(call: Call) -> None:
    answer = call("explore", *REPORT, "--depth", "2")

    assert answer.code == 3
    assert answer.first.endswith("; no violation within the bound")


def test_a_shutdown_adds_to_what_can_happen(call: Call) -> None:
    plain, more = (
        call("explore", *REPORT, "--format", "json", *extra).document["system"]["transitions"]
        for extra in ([], ["--shutdown"])
    )

    assert more > plain


def test_explore_prints_the_documented_fields_as_json(call: Call) -> None:
    document = call("explore", *REPORT, "--kargo", "1.8.3", "--format", "json").document

    assert (document["schema"], document["version"]) == ("kargo-model/explore", 1)
    assert document.keys() >= {"subject", "kargo", "warnings", "system", "ends"}
    assert_system(document["system"])
    for end in document["ends"]:
        assert end.keys() >= {"phase", "trace"}
        if end["trace"]:
            assert_trace(end["trace"])
    assert {e["phase"] for e in document["ends"]} >= {"Succeeded", "Failed", "Errored", "Aborted"}


# reproduce and replay


def test_reproduce_lists_what_it_can(call: Call) -> None:
    text, document = call("reproduce"), call("reproduce", "--format", "json").document

    assert text.code == 0
    assert "can be reproduced" in text.first
    assert (document["schema"], document["version"]) == ("kargo-model/reproduce", 1)
    assert all(s["name"] in text.out and s["about"] in text.out for s in document["scenarios"])


def test_reproduce_prints_the_documented_fields_as_json(call: Call) -> None:
    answer = call("reproduce", "skip-vs-retry", "--format", "json")
    document = answer.document

    assert answer.code == 0
    assert document.keys() >= {
        *("schema", "version", "scenario", "about", "reported_for", "reproduced", "differences", "run"),
        *("releases", "remedies"),
    }
    assert (document["reproduced"], document["differences"]) == (True, [])


def test_replay_answers_in_its_first_line(call: Call) -> None:
    answer = call("replay", str(RECORDINGS), "--kargo", "1.11.2", "--limit", "10")

    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(r"agrees: no divergence; 10 programs, \d+ fields compared", answer.first)


def test_replay_prints_the_documented_fields_as_json(call: Call) -> None:
    document = call("replay", str(RECORDINGS), "--limit", "5", "--format", "json").document

    assert (document["schema"], document["version"]) == ("kargo-model/replay", 1)
    assert (document["programs"], document["divergences"]) == (5 * len(RELEASES), 0)
    (family,) = document["families"]
    assert family.keys() == {"folder", "family", "releases"}
    assert [r["kargo"] for r in family["releases"]] == list(RELEASES)
    for release in family["releases"]:
        assert release.keys() == {
            *("kargo", "programs", "passes", "compared", "divergences", "seconds", "first"),
        }


# Processes


def test_help_loads_none_of_the_libraries() -> None:
    program = (
        "import sys, kargo_model; kargo_model.main(['--help']); "
        "print([m for m in ('numpy', 'oxidd', 'statemachine', 'yaml', 'commands') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("words", "code"), [(["check", "retry"], 0), (["chekc"], 2), (["--help"], 0)])
def test_the_exit_code_is_that_of_the_process(words: list[str], code: int) -> None:
    running = process(*words)
    out, err = running.communicate(timeout=60)

    assert running.returncode == code
    assert bool(out) is (code == 0)
    assert bool(err) is (code == 2)


@pytest.mark.parametrize(
    ("words", "unbuffered"),
    [
        (["check", "retry", "--format", "json"], ""),
        (["check", "retry", "--format", "json"], "1"),
        (["chekc"], ""),
        (["check", "--help"], "1"),
        (["--help"], ""),
        ([], "1"),
    ],
)
def test_a_reader_that_goes_away_is_no_error(words: list[str], unbuffered: str) -> None:
    running = process(*words, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    said = running.stderr.read().decode()
    running.stderr.close()

    assert running.wait(60) in (0, 2, 128 + signal.SIGPIPE)
    assert "Traceback" not in said
    assert "Exception" not in said


def test_a_reader_that_takes_one_line_gets_it() -> None:
    line = f"{sys.executable} kargo_model.py check conditions --kargo 1.8.3 --format json | head -1"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("{\n", "")


def test_ctrl_c_ends_a_long_check_with_what_was_seen() -> None:
    """It comes in the fifth level; the whole would take minutes."""
    program = """if True:
        import os, signal, sys, kargo_model
        from invariants.limits import Limits
        def enter(self, level, *_, **__):
            if level == 5:
                os.kill(os.getpid(), signal.SIGINT)
        Limits.enter = enter
        sys.exit(kargo_model.main(["check", "two-phase-commit", "--size", "14", "--engine", "explicit"]))
    """
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("no violation within the bound")
    assert "it was interrupted" in done.stdout


@pytest.mark.parametrize("delay", [0.03, 0.1, 0.2, 0.35])
def test_ctrl_c_at_the_start_leaves_no_traceback(delay: float) -> None:
    program = (
        "import os, signal, sys, threading, kargo_model; "
        f"threading.Timer({delay}, os.kill, (os.getpid(), signal.SIGINT)).start(); "
        "sys.exit(kargo_model.main(['check', 'two-phase-commit', '--size', '14', '--engine', 'explicit']))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    assert "Traceback" not in done.stderr
    assert done.returncode in (3, 130)
