"""`kargo-model simulate`: what it prints, compares and draws, and what it says about bad studies."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import kargo_model
from commands import simulate
from model.kargo.failure_policies import policy_named
from simulations.kargo.study import exact, measures, study_file
from simulations.kargo.study.measures import ALL, PUSHED, REJECTED, TO_THE_LAST, Tally, Variant

Main = Callable[..., tuple[int, str, str]]


@pytest.fixture
def main(capsys: pytest.CaptureFixture[str]) -> Main:
    def call(*words: str) -> tuple[int, str, str]:
        code = kargo_model.main(["simulate", *words])
        return (code, *capsys.readouterr())

    return call


EXAMPLE = str(study_file.EXAMPLE)
STUDIES = Path(__file__).parents[1] / "examples" / "studies"
SMALL = str(STUDIES / "small.yaml")
SMALL_BRANCH, BRANCH = str(STUDIES / "shared-branch-small.yaml"), str(STUDIES / "shared-branch.yaml")


def test_the_example_explains_itself_and_runs(main: Main, tmp_path: Path) -> None:
    code, example, _ = main("--example")
    file = tmp_path / "study.yaml"
    file.write_text(example)
    answered, out, err = main(str(file), "--runs", "300")

    assert (code, answered, err) == (0, 0, "")
    assert re.match(r"\d+(\.\d+)? % of the Promotions are verified \(.* to .*\), 95% of these within \d+m", out)
    assert out.splitlines()[0].endswith("; 300 runs")
    for field in ("kargo", "policy", "runs", "seed", "confidence", "until", "promotions", "manifests", "world"):
        assert re.search(rf"^(# )?{field}:", example, re.M), field


def test_policies_are_compared_in_the_same_runs(main: Main) -> None:
    code, out, _ = main(EXAMPLE, "--runs", "4000", "--compare", "policy=none,restart:3,recreate:3,rollback")

    assert code == 0
    assert re.match(r"(restart|recreate):3: 9\d.* % of .*; \d\.\d+ points more than none \(.*\); 4,000 runs", out)
    assert re.search(r"^more than none, in the same runs +restart:3 +recreate:3 +rollback$", out, re.M)
    assert re.search(r"^rolled back +0 % .* 1\.", out, re.M)


@pytest.mark.parametrize("what", ["kargo=1.9.9,1.11.2", "sync.timeout=1m,10m", "sync.errorThreshold=1,3"])
def test_releases_and_retry_settings_are_compared_too(what: str, main: Main) -> None:
    code, out, _ = main(EXAMPLE, "--runs", "2000", "--compare", what, "--format", "json")
    first, second = json.loads(out)["variants"]

    assert code == 0
    assert [first["name"], second["name"]] == [
        f"{what.partition('=')[0]} {v}" for v in what.partition("=")[2].split(",")
    ]
    assert (first["differences"], first["means"] == second["means"]) == (None, False)


def test_a_document_for_programs_says_what_the_text_says(main: Main) -> None:
    words = (EXAMPLE, "--runs", "1000", "--compare", "policy=none,recreate:1")
    _, out, _ = main(*words, "--format", "json")
    _, table, _ = main(*words, "--format", "csv")
    document = json.loads(out)
    rows = {tuple(row[:3]): row[3:] for row in csv.reader(table.splitlines())}

    assert (document["schema"], document["version"]) == ("kargo-model/simulate", 1)
    assert (document["runs"], document["wanted"], document["promotions"], document["seed"]) == (1000, 1000, 1, 1)
    for variant in document["variants"]:
        verified = variant["outcomes"]["verified"]
        assert sum(o["count"] for o in variant["outcomes"].values()) == variant["asked"] == 1000
        assert verified["low"] < verified["value"] == verified["count"] / 1000 < verified["high"]
        assert rows[variant["name"], "verified", "share"] == [repr(verified[k]) for k in ("value", "low", "high")]
        p95 = variant["quantiles"]["time to verified"]["p95"]
        assert rows[variant["name"], "time to verified", "p95"] == [repr(p95[k]) for k in ("value", "low", "high")]
        assert 60 < p95["value"] < 900  # seconds


@pytest.mark.slow
def test_the_same_bytes_wherever_it_is_done(main: Main, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (EXAMPLE, "--runs", "40000", "--format", "json")
    _, here, _ = main(*words)
    monkeypatch.setattr(simulate, "FEW", 0)
    _, there, _ = main(*words)

    assert here == there


def test_exact_values_and_their_export(main: Main, tmp_path: Path) -> None:
    chain = tmp_path / "small.drn"
    code, out, _ = main(SMALL, "--exact", "--export", str(chain))
    _, document, _ = main(SMALL, "--exact", "--compare", "policy=none,restart:1", "--format", "json")
    none, restart = json.loads(document)["variants"]

    assert code == 0
    assert out.startswith("exactly 58.78 % of the Promotions are verified, after 58.0s on average; policy none\n")
    assert chain.read_text().startswith("@type: DTMC\n")
    assert none["outcomes"]["verified"]["least"] == none["outcomes"]["verified"]["greatest"]
    assert none["outcomes"]["verified"]["least"] < restart["outcomes"]["verified"]["least"]
    assert none["verified_after"] == pytest.approx(58.0, abs=0.1)


def test_plots_are_labelled_and_the_same_each_time(main: Main, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    words = (SMALL, "--runs", "50", "--compare", "policy=none,recreate:2", "--plots")
    for folder in ("a", "b"):
        code, _, err = main(*words, str(tmp_path / folder))
        assert (code, err.count("wrote ")) == (0, 6)
    names = [f"small-{plot}.{form}" for plot in ("cost", "outcomes", "verified") for form in ("png", "svg")]

    assert sorted(f.name for f in (tmp_path / "a").iterdir()) == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_every_plot_has_a_title_and_axes_with_labels() -> None:
    pytest.importorskip("matplotlib")
    from diagrams import plots
    from diagrams.simulations import Result

    study = study_file.load(SMALL)
    variants = tuple(Variant(p, replace(study, runs=200, policy=policy_named(p))) for p in ("none", "restart:1"))
    tallies = measures.together(map(measures.count, measures.portions(variants)))
    drawn = dict(plots.figures(Result(study, tallies, 200)))

    assert [*drawn] == ["verified", "outcomes", "cost"]
    for name, figure in drawn.items():
        [axes] = figure.axes
        assert axes.get_title("left"), name
        assert axes.get_xlabel() or axes.get_ylabel(), name
        assert axes.get_legend() is not None, name
    lines = drawn["verified"].axes[0].get_lines()
    assert len({line.get_linestyle() for line in lines}) == len({line.get_color() for line in lines}) == 2


def test_without_matplotlib_the_extra_is_named(main: Main, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "diagrams.plots", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = main(EXAMPLE, "--runs", "10", "--plots", str(tmp_path / "p"))

    assert (code, out) == (2, "")
    assert err.endswith("--plots needs matplotlib, which is not installed; install kargo-model[plots] to have it\n")


# Stages that push to one branch


def test_all_policies_are_compared(main: Main) -> None:
    code, out, _ = main(BRANCH, "--runs", "100", "--compare", "policy=none,restart:3,recreate:3,rollback")

    assert code == 0
    assert ": all Promotions of a run succeed in " in out.splitlines()[0]
    for row in ("all of a run promoted", "wasted attempts", "pushes rejected", "time to the end of the last, mean"):
        assert f"\n{row}  " in out


def test_a_sweep_over_the_number_of_stages(main: Main, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    words = (BRANCH, "--runs", "40", "--compare", "policy=none,restart:3", "--sweep", "branch.stages=2,6")
    code, out, err = main(*words, "--plots", str(tmp_path))
    _, document, _ = main(*words, "--format", "json")
    _, text, _ = main(*words, "--format", "csv")
    points = json.loads(document)["points"]
    rows = [*csv.reader(text.splitlines())]

    assert code == 0
    assert out.startswith("at branch.stages 6, all Promotions of a run succeed in ")
    assert [p["value"] for p in points] == ["2", "6"]
    assert [p["promotions"] for p in points] == [2, 6]
    assert points[0]["variants"][1]["all"]["value"] == 1.0
    assert rows[0] == ["branch.stages", "variant", "measure", "statistic", "value", "low", "high"]
    told = {tuple(row[:4]): row[4] for row in rows}
    for point in points:
        for variant in point["variants"]:
            for name in (ALL, PUSHED, REJECTED, TO_THE_LAST):
                value = told[point["value"], variant["name"], name, "mean"]
                assert float(value) == variant["means"][name]["value"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["shared-branch-sweep.png", "shared-branch-sweep.svg"]
    assert err.count("wrote ") == 2


@pytest.mark.parametrize(
    "what",
    ["branch.retries=true,false", "branch.shared=true,false", "branch.controllers=1,2", "branch.gitlab=true"],
)
def test_the_branch_is_compared_too(what: str, main: Main) -> None:
    code, out, _ = main(BRANCH, "--runs", "50", "--compare", what, "--format", "json")

    assert code == 0
    assert [v["name"] for v in json.loads(out)["variants"]] == [
        f"{what.partition('=')[0]} {value}" for value in what.partition("=")[2].split(",")
    ]


def test_exact_values_are_printed(main: Main) -> None:
    code, out, _ = main(SMALL_BRANCH, "--exact", "--compare", "policy=restart:2,restart:1")
    _, document, _ = main(SMALL_BRANCH, "--exact", "--format", "json")

    assert code == 0
    assert out.startswith("all Promotions of a run succeed in exactly 100 % of the runs; exactly 100 % of the Prom")
    assert json.loads(document)["variants"][0]["all_promoted"] == 0.0


def test_the_chain_of_a_branch_is_written_for_storm(main: Main, tmp_path: Path) -> None:
    file = tmp_path / "branch.drn"
    code, out, _ = main(SMALL_BRANCH, "--exact", "--export", str(file))
    text = file.read_text()

    assert code == 0
    assert re.search(r"^Kargo 1\.11\.2, Stage shared-branch-small: \d+ situations$", out, re.M)
    assert text.startswith("@type: DTMC\n")
    assert "@reward_models\nmilliseconds attempts promotions starts work pushes rejections\n" in text
    assert re.search(r"^state \d+ s1_verified s2_failed s3_failed over$", text, re.M)
    assert "all_promoted" not in text  # somebody is always left behind


def test_plots_that_cannot_be_written_are_refused_before_anything_is_simulated(main: Main, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "file"
    file.touch()
    code, out, err = main(SMALL, "--plots", str(file))

    assert (code, out) == (2, "")
    assert err == f"kargo-model: {str(file)!r} cannot be written: File exists\n"


# Interrupted


def test_ctrl_c_keeps_what_was_finished_and_says_what_it_rests_on(
    main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []

    def count(portion: measures.Portion) -> tuple[Tally, ...]:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(portion)
        return counted(portion)

    counted = measures.count
    monkeypatch.setattr(measures, "count", count)
    monkeypatch.setattr(measures, "BLOCK", 100)
    monkeypatch.setattr(simulate, "FEW", 1000)
    code, out, err = main(EXAMPLE, "--runs", "1000")

    assert code == 130
    assert out.splitlines()[0].endswith("; interrupted: this rests on 200 of 1,000 runs")
    assert err == "kargo-model: interrupted: this rests on 200 of 1,000 runs\n"
    done[:] = [1, 1]
    assert main(EXAMPLE, "--runs", "1000") == (130, "", "kargo-model: interrupted before any run was done\n")


# Bad studies

GOOD = """
stage:
  steps:
  - {uses: git-clone, as: clone}
  - {uses: argocd-update, as: sync}
"""
PUSHES = """
stage:
  steps:
  - {uses: git-clone, as: clone}
  - {uses: git-push, as: push%s}
branch: {stages: 2%s}
"""
BAD = {
    "an unknown distribution": (
        GOOD + "world: {steps: {clone: {takes: {normal: {scale: 3s}}}}}",
        "world.steps.clone.takes.normal: no distribution 'normal'; there are: uniform, expon,",
    ),
    "probabilities above one": (
        GOOD + "world: {steps: {clone: {results: {Errored: 0.7, Failed: 0.4}}}}",
        "world.steps.clone.results: the probabilities sum to 1.1, which is above 1",
    ),
    "probabilities below one": (
        GOOD + "world: {steps: {clone: {results: {Succeeded: 0.7, Failed: 0.2}}}}",
        "world.steps.clone.results: the probabilities sum to 0.9; leave out Succeeded to have it take the rest",
    ),
    "a probability above one": (
        GOOD + "world: {health: {healthy: 1.5}}",
        "world.health.healthy: expected a probability from 0 to 1, found the number 1.5",
    ),
    "a negative duration": (
        GOOD + "world: {steps: {clone: {takes: -3s}}}",
        "world.steps.clone.takes: expected a duration that is not negative, such as 4s, or a distribution, found",
    ),
    "a distribution that can be negative": (
        GOOD + "world: {latency: {norm: {loc: 1s, scale: 500ms}}}",
        "world.latency.norm: norm with these parameters can be negative",
    ),
    "an unknown step": (
        GOOD + "world: {steps: {clonr: {takes: 3s}}}",
        'world.steps.clonr: there is no step "clonr"; the steps are: clone, sync',
    ),
    "an unknown kind": (
        "stage: {steps: [{uses: git-clown}]}",
        "stage.steps[0]: Kargo 1.11.2 has no step 'git-clown'",
    ),
    "a kind of a later release": (
        "kargo: 1.8.3\nstage: {steps: [{uses: argocd-wait}]}",
        "stage.steps[0]: Kargo 1.8.3 has no step 'argocd-wait'",
    ),
    "a step that does not wait": (
        GOOD + "world: {steps: {clone: {ready: 3s}}}",
        "world.steps.clone.ready: git-clone does not wait: no attempt of it comes back Running",
    ),
    "a result that cannot be": (
        GOOD + "world: {steps: {clone: {results: {Skipped: 0.1}}}}",
        'world.steps.clone.results.Skipped: git-clone never comes back "Skipped"; it can: Succeeded, Errored',
    ),
    "an unknown field": (
        GOOD + "world: {latencyy: 3s}",
        'world: "latencyy" is no known field; is "latency" meant?',
    ),
    "an unknown field of a step": (
        "stage: {steps: [{uses: git-clone, retries: 3}]}",
        'stage.steps[0]: "retries" is no known field',
    ),
    "an unknown policy": (
        GOOD + "policy: pray:3",
        "policy: no failure policy 'pray:3'; there are: none, restart:N,",
    ),
    "an unknown release": (GOOD + "kargo: 1.7.0", "kargo: Kargo '1.7.0' is not modelled"),
    "no result": (
        GOOD + "world: {steps: {clone: {results: []}}}",
        "world.steps.clone.results: expected a list of at least one result, found an empty list",
    ),
    "a chance of an outage that never ends": (
        GOOD + "world: {steps: {sync: {outage: {chance: 0.5}}}}",
        "world.steps.sync.outage: the field 'lasts' is missing; expected how long it lasts",
    ),
    "a controller that is always restarted": (
        GOOD + "world: {restarts: {every: 0s}}",
        "world.restarts.every: expected a duration above zero, such as 6h, or a distribution, found the text",
    ),
    "restarts without a time": (
        GOOD + "world: {restarts: {down: 3s}}",
        "world.restarts: the field 'every' is missing; expected how often it is restarted",
    ),
    "an abort that is more than certain": (
        GOOD + "world: {abort: {chance: 2}}",
        "world.abort.chance: expected a probability from 0 to 1, found the number 2",
    ),
    "no files": ("manifests: []", "manifests: expected a list of at least one file, found an empty list"),
    "two documents": (GOOD + "---\n" + GOOD, "bad.yaml: expected one document, found 2"),
    "a field that is given twice": (GOOD + "stage: {steps: []}", "the key 'stage' is given twice"),
    "a distribution without a name": (
        GOOD + "world: {steps: {clone: {takes: {}}}}",
        "world.steps.clone.takes: expected the name of a distribution with its parameters, such as {expon:",
    ),
    "no time at all": (
        GOOD + "world: {steps: {clone: {takes: []}}}",
        "world.steps.clone.takes: expected at least one duration, found an empty list",
    ),
    "an unknown hint": (GOOD + "world: {hints: {pray: 1}}", 'world.hints.pray: there is no hint "pray"'),
    "no template": ("runs: 3", "expected either `stage`, with steps, or `manifests`, a list of files"),
    "too few runs": (GOOD + "runs: 0", "runs: expected a whole number from 1 to 1000000000, found the number 0"),
    "a shape beyond measure": (
        GOOD + "world: {latency: {lognorm: {s: 1.0e+9}}}",
        "latency.lognorm.s: expected a number",
    ),
    "too late an end": (GOOD + "until: 2000h", "until: expected a duration above zero and up to 720h, found"),
    "no study": ("- 1", "expected a mapping with some of: kargo, runs, seed"),
    "no YAML": ("runs: [", "not YAML or JSON"),
    "values that do not sum to one": (
        GOOD + "world: {latency: {values: {1s: 0.5, 2s: 0.4}}}",
        "world.latency.values: the probabilities sum to 0.9, not to 1",
    ),
    "an if that cannot be decided": (
        'stage: {steps: [{uses: http, as: ask}, {uses: git-clone, as: clone, if: "${{ outputs.ask.ok }}"}]}',
        "the `if` of step 'clone' cannot be decided; say how often it `holds`",
    ),
    "nobody knows": (
        GOOD + "world: {steps: {clone: {results: unknown}}}",
        "what nobody knows cannot be drawn by chance; --exact gives the bounds there are",
    ),
    "no number of Stages": (
        PUSHES.replace("stages: 2%s", "%s") % ("", ""),
        "'stages' is missing; expected how many",
    ),
    "too few Stages": (
        PUSHES.replace("2%s", "0%s") % ("", ""),
        "branch.stages: expected a whole number from 1 to 1000",
    ),
    "an unknown field of the branch": (
        PUSHES % ("", ", shard: 1"),
        'branch: "shard" is no known field; is "shared" meant?',
    ),
    "no step that pushes": (
        "stage: {steps: [{uses: git-clone, as: clone}]}\nbranch: {stages: 2}",
        "there are 0 steps of the kind git-push; say which is meant with `push`",
    ),
    "a step that does not push": (
        PUSHES % ("", ", push: clone"),
        'branch.push: "clone" is no step of the kind git-push; these are: push',
    ),
    "a forced push": (
        PUSHES % (", config: {path: ., force: true}", ""),
        "branch: a git-push with `force` does not look at what others have pushed",
    ),
    "no attempt": (
        PUSHES % (", config: {path: ., maxAttempts: 0}", ""),
        "expected `maxAttempts` of push to be a whole number from 1 on",
    ),
    "several Promotions": (PUSHES % ("", "") + "promotions: {count: 2}", "there is one Promotion of each Stage"),
    "an outage of the push": (
        PUSHES % ("", "") + "world: {steps: {push: {outage: {chance: 0.1, lasts: 3s}}}}",
        "branch: the results of push are up to the branch, and to chance",
    ),
    "a conflict that is too likely": (PUSHES % ("", ", conflicts: 2"), "branch.conflicts: expected a probability"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_study_gets_one_sentence(what: str, main: Main, tmp_path: Path) -> None:
    text, said = BAD[what]
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    code, out, err = main(str(file))

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected the FILE of a study; `kargo-model simulate --example` prints one"),
        (("nope.yaml",), "nope.yaml: there is no such file"),
        ((EXAMPLE, "--exact"), "there are no exact values: "),
        ((EXAMPLE, "--export", "x.drn"), "--export goes with --exact"),
        ((SMALL, "--exact", "--export", "nowhere/x.drn"), "'nowhere/x.drn' cannot be written: No such file or"),
        ((EXAMPLE, "--exact", "--plots", "x"), "leave out --exact"),
        ((EXAMPLE, "--compare", "policy"), "expected WHAT=A,B,..."),
        ((EXAMPLE, "--compare", "policy=none,none"), "none of them twice"),
        ((EXAMPLE, "--compare", "policy=pray"), "--compare policy: no failure policy 'pray'"),
        ((EXAMPLE, "--compare", "weather=fair"), "what can be compared is: policy, kargo, STEP.errorThreshold"),
        ((EXAMPLE, "--compare", "clown.timeout=3s"), "no step 'clown'; the steps are: clone, update"),
        ((EXAMPLE, "--compare", "sync.timeout=3"), "--compare sync.timeout: expected a duration such as 5m"),
        ((EXAMPLE, "--compare", "kargo=0.1"), "Kargo '0.1' is not modelled"),
        ((BRANCH, "--compare", "branch.weather=fair"), "of a branch can be compared: branch.stages,"),
        ((BRANCH, "--compare", "branch.stages=many"), "--compare branch.stages: expected a whole number"),
        ((BRANCH, "--compare", "branch.shared=perhaps"), "--compare branch.shared: expected true or false"),
        ((SMALL, "--compare", "branch.stages=2"), "the study has no branch"),
        ((BRANCH, "--sweep", "branch.stages"), "expected WHAT=A,B,..."),
        ((SMALL_BRANCH, "--sweep", "branch.stages=2", "--exact"), "--sweep is of runs; leave out --exact"),
        ((BRANCH, "--exact"), "there are no exact values: "),
    ],
)
def test_a_bad_call_gets_one_sentence(words: tuple[str, ...], said: str, main: Main) -> None:
    code, out, err = main(*words)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_too_many_situations_are_said_to_be_too_many(main: Main, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact.chain_of, "__kwdefaults__", {"most": 10})
    code, out, err = main(SMALL, "--exact")

    assert (code, out) == (3, "")
    assert "there are more than 10 situations; simulate it, or let times have fewer values" in err
