"""The command line: `kargo-model draw`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import kargo_model
from diagrams.drawing import SUFFIXES

FOLDER = Path(__file__).parents[1] / "simulations" / "kargo" / "scenarios" / "skip-vs-retry"
MANIFESTS = [str(FOLDER / "stage.yaml"), str(FOLDER / "task.yaml")]
WORKFLOW = """\
schema_version: "1.0"
workflow: {id: w, name: two steps, version: 1.0.0}
steps:
- {id: lint, type: shell, run: ./lint, continue_on_error: true}
- {id: deploy, type: shell, run: ./deploy}
"""


@pytest.fixture
def draw(capsys):
    def call(*words: str) -> tuple[int, str, str]:
        code = kargo_model.main(["draw", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


FORMS = {
    "lifecycle": ["lifecycle", "promotion"],
    "one release": ["lifecycle", "step", "--kargo", "v1.8.3"],
    "diff": ["lifecycle", "speckit-step", "--diff", "1.1.2", "1.2.3"],
    "meant": ["lifecycle", "ambient-session", "--meant"],
    "pipeline": ["pipeline", *MANIFESTS],
    "template": ["template", *MANIFESTS, "--kargo", "1.8.3"],
    "run": ["run", *MANIFESTS, "--outcome", "gitClone=Errored,Succeeded"],
    "run table": ["run", *MANIFESTS, "--table"],
    "scenario": ["scenario", "K3"],
    "scenario table": ["scenario", "skip-vs-retry", "--table"],
    "session": ["scenario", "lost-retry", "--story", "2"],
    "session table": ["scenario", "lost-retry", "--table"],
    "story table": ["scenario", "frozen-stage", "--table"],
    "workflow table": ["scenario", "declared-failure-goes-on", "--table"],
    "workflow": ["scenario", "declared-failure-goes-on"],
    "counterexample": ["counterexample", "retry", "--kargo", "1.8.3"],
    "witness": ["counterexample", "retry", "--property", "a_step_waits_for_its_next_attempt"],
    "counterexample table": ["counterexample", "retry", "--kargo", "1.8.3", "--table"],
    "states": ["states", "die-hard"],
    "states by": ["states", "single", "--by", "stage.health,promotion.phase"],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_prints_dot_and_writes_an_svg(draw, tmp_path, form):
    code, out, _ = draw(*FORMS[form])
    assert code == 0
    assert out.startswith("digraph ")

    file = tmp_path / "picture.svg"
    code, out, _ = draw(*FORMS[form], "-o", str(file))
    assert code == 0
    assert out.startswith(f"{file}: ")
    assert b"</svg>" in file.read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_end_of_the_name_says_how_it_is_written(draw, tmp_path, suffix):
    file = tmp_path / f"picture{suffix}"

    assert draw("lifecycle", "promotion", "--meant", "-o", str(file))[0] == 0
    assert file.stat().st_size > 200
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("form", ["lifecycle", "run", "run table"])
def test_what_is_printed_for_people_and_for_programs(draw, form):
    words = draw(*FORMS[form], "--format", "text")[1]
    assert words.splitlines()[0]
    told = json.loads(draw(*FORMS[form], "--format", "json")[1])
    assert (told["schema"], told["version"]) == ("kargo-model/picture", 1)
    assert told["kind"] == {"lifecycle": "graph", "run": "timeline", "run table": "table"}[form]
    assert told["title"] == words.splitlines()[0]


def test_mermaid_can_be_printed(draw):
    assert "\nflowchart LR\n" in draw("lifecycle", "promotion", "--meant", "--format", "mermaid")[1]
    assert "\nsequenceDiagram\n" in draw(*FORMS["run"], "--format", "mermaid")[1]


def test_a_run_of_a_workflow(draw, tmp_path):
    file = tmp_path / "w.yml"
    file.write_text(WORKFLOW)

    code, out, _ = draw("run", str(file), "--outcome", "lint=failed", "--format", "text")
    assert code == 0
    assert "step: failed" in out.replace("      ", "")
    table = draw("run", str(file), "--outcome", "lint=failed", "--table", "--format", "text")[1].splitlines()
    assert table[3].split() == ["run", "lint", "deploy"]
    assert table[6].split() == ["execute", "completed", "failed", "completed"]


def test_manifests_come_from_standard_input(draw, monkeypatch):
    text = Path(MANIFESTS[0]).read_bytes() + b"\n---\n" + Path(MANIFESTS[1]).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))

    assert draw("pipeline", "-", "--format", "text")[0] == 0


def test_a_counterexample_says_what_else_is_broken(draw):
    code, out, err = draw("counterexample", "retry", "--kargo", "1.8.3", "--format", "text")

    assert code == 0
    assert out.startswith("Violated: ")
    assert out.splitlines()[1] == "retry: one step that may fail twice before it fails for good, as Kargo 1.8.3"
    assert err.startswith("drawn: ")
    assert "broken as well" in err


def test_where_nothing_is_broken_nothing_is_drawn(draw, tmp_path):
    file = tmp_path / "x.svg"
    wanted = ["--property", "a_finished_step_never_runs_again"]
    code, out, err = draw("counterexample", "retry", "--kargo", "1.11.2", *wanted, "-o", str(file))

    assert (code, out) == (0, "")
    assert err == "kargo-model: there is no counterexample: every claim asked for holds\n"
    assert not file.exists()


def test_where_time_was_short_that_is_said(draw):
    wanted = ["--property", "no promotion starts before the freight"]
    code, _, err = draw("counterexample", "dev-prod", *wanted, "--seconds", "0.01")

    assert code == 3
    assert err.startswith("kargo-model: no counterexample was found: ")


def test_one_project_of_several_is_drawn(draw, tmp_path):
    file = tmp_path / "all.yaml"
    text = Path(MANIFESTS[0]).read_text()
    file.write_text(f"{text}\n---\n{text.replace('namespace:', 'namespace: bank #')}")

    assert "Pipeline of bank" in draw("pipeline", str(file), "--project", "bank", "--format", "text")[1]
    code, _, err = draw("pipeline", str(file), "--project", "none")
    assert code == 2
    assert "no project 'none' has Stages in these files; these have: acme, bank\n" in err


BAD = {
    "no such lifecycle": (
        ["lifecycle", "nonsense"],
        "no lifecycle 'nonsense'; the lifecycles are: promotion, step",
    ),
    "not its release": (["lifecycle", "promotion", "--spec-kit", "1.2.3"], "--spec-kit does not go with promotion"),
    "two choices": (
        ["lifecycle", "step", "--meant", "--kargo", "1.8.3"],
        "choose one of: a release, --diff, --meant",
    ),
    "no such release": (["lifecycle", "step", "--kargo", "9.9.9"], "9.9.9"),
    "no such release to compare with": (["lifecycle", "step", "--diff", "1.8.3", "x"], "x"),
    "no such format": (["lifecycle", "step", "-o", "x.gif"], "x.gif has to end in .svg, .png, .pdf, .dot"),
    "no such folder": (["lifecycle", "step", "--meant", "-o", "/nowhere/x.svg"], "cannot be written"),
    "no such file": (["pipeline", "/nowhere.yaml"], "/nowhere.yaml"),
    "no such scenario": (["scenario", "nonsense"], "no scenario 'nonsense'"),
    "no such story": (["scenario", "lost-retry", "--story", "99"], "lost-retry has "),
    "not its release of a scenario": (["scenario", "frozen-stage", "--spec-kit", "1.2.3"], "--spec-kit goes with"),
    "not its story": (["scenario", "K3", "--story", "2"], "--story goes with lost-retry"),
    "no table in mermaid": (["run", *MANIFESTS, "--table", "--format", "mermaid"], "Mermaid knows no tables"),
    "no such system": (["counterexample", "nonsense"], "no system 'nonsense'"),
    "no such property": (["counterexample", "retry", "--property", "nonsense"], "has no property with 'nonsense'"),
    "too many states": (["states", "single"], "has more than 60 states: narrow it with"),
    "no such variable": (["states", "retry", "--by", "nonsense"], "retry has no variable 'nonsense'"),
    "several releases": (["states", "retry", "--kargo", "1.8.3", "--kargo", "1.8.5"], "a graph is of one system"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_call_gets_one_sentence(draw, case):
    words, message = BAD[case]
    code, out, err = draw(*words)

    assert (code, out) == (2, "")
    assert err.startswith("kargo-model: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_file_that_was_there_stays_if_the_new_one_cannot_be_drawn(draw, tmp_path):
    file = tmp_path / "x.mmd"
    file.write_text("old")

    assert draw("run", *MANIFESTS, "--table", "-o", str(file))[0] == 2
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.mmd"]


def test_a_state_graph_has_each_state_and_counts_the_steps_between_two(draw):
    told = json.loads(draw("states", "die-hard", "--format", "json")[1])

    assert len(told["nodes"]) == 16
    assert told["about"].startswith("16 states, 96 edges")
    assert "Steps that change nothing are left out." in told["remarks"]
    assert all(edge["source"] != edge["target"] for edge in told["edges"])
    assert [node["lines"][0] for node in told["nodes"] if node["label"] == "0"] == ["at the start"]


def test_a_state_graph_by_variables_counts_states(draw):
    small = ("--promotions", "1", "--freight", "1")
    told = json.loads(draw(*FORMS["states by"], *small, "--format", "json")[1])

    assert {node["label"] for node in told["nodes"]} >= {"Healthy, Succeeded", "not assessed, none"}
    assert told["about"].startswith(f"{len(told['nodes'])} nodes for 129 states")
    [box] = told["boxes"]
    assert {n["label"] for n in told["nodes"] if n["box"] == box["key"]} == {
        *("Healthy, none", "Progressing, none", "Unhealthy, none"),
    }
    assert sum(int(n["lines"][0].split()[0]) for n in told["nodes"]) == 129
    kinds = {n["key"]: n["kind"] for n in told["nodes"]}
    assert all(edge["kind"] == kinds[edge["target"]] for edge in told["edges"])


def test_where_all_of_a_kind_are_too_many_the_first_of_them_is_shown_and_that_is_said(draw):
    told = json.loads(draw(*FORMS["states by"], "--format", "json")[1])

    assert "Unknown, Succeeded" in {node["label"] for node in told["nodes"]}
    assert "With phase[dev.2], phase[dev.3] as well there would be more than 60 nodes." in told["remarks"]
    assert any("its values of dev: health, dev.1: phase." in remark for remark in told["remarks"])
    code, _, err = draw(*FORMS["states by"], "--states", "5")
    assert (code, "more than 5" in err) == (2, True)


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path: Path) -> None:
    there, link = tmp_path / "there.dot", tmp_path / "link.dot"
    there.write_text("old")
    link.symlink_to(there)

    assert kargo_model.main(["draw", "lifecycle", "step", "--meant", "-o", str(link)]) == 0

    assert link.is_symlink()
    assert there.read_text().startswith("digraph")
    assert sorted(tmp_path.iterdir()) == [link, there]
