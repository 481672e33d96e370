"""`kargo-model diagnose`, as it is called."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from live_cases import CASES, Case
from live_mutations import mutated
from live_walks import cuts, read_back

from diagrams.kargo import diagnoses
from kargo_model import main
from model.inputs import InputError
from model.kargo.releases import RELEASES
from simulations.kargo.live.diagnosing import diagnose
from simulations.kargo.live.writing import manifests
from simulations.kargo.loop.walks import Walk

CLUSTERS = Path(__file__).parents[1] / "examples" / "clusters"

Json = dict[str, Any]


def written(name: str) -> Json:
    """The objects of a case."""
    case: Case = next(case for case in CASES if case.name == name)
    walk = Walk(case.program, RELEASES[case.kargo])
    walk.begin()
    for event in case.program["events"]:
        walk.do(event)
    return manifests(walk.cluster)


@pytest.fixture
def frozen() -> Json:
    """A Stage that puts nothing on record any more."""
    return written("a name of a person's own (K1)")


def saved(folder: Path, found: object, name: str = "objects.yaml") -> str:
    """A file with objects."""
    path = folder / name
    path.write_text(yaml.safe_dump(found) if name.endswith("yaml") else json.dumps(found))
    return str(path)


def test_the_first_line_has_the_verdict_and_the_rest_why_and_what_helps(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["diagnose", saved(tmp_path, frozen), "--kargo", "1.10.10"])

    out = capsys.readouterr().out
    assert code == 0
    assert out.startswith("dev: needs someone to delete the Promotion (zz), then remove the last Promotion from ")
    assert out.index("kargo promote --project=demo --freight=fb2") < out.index("(gives up what was being promoted)")
    assert "known as K1, #6214, #6741, in 1.8.3 to 1.10.10" in out
    assert "status.lastPromotion.name: zz" in out
    assert "kargo promote --project=demo --freight=fa1 --stage=dev" in out


def test_order_form_and_files_make_no_difference(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    items = frozen["items"]
    for item in items:
        item["metadata"] |= {"managedFields": [{"manager": "kubectl"}], "selfLink": "x"}
        item["unknown"] = {"deep": [1, 2]}
    stages: Json = {"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "StageList"}
    stages |= {
        "items": [
            {k: v for k, v in i.items() if k not in ("apiVersion", "kind")} for i in items if i["kind"] == "Stage"
        ]
    }
    rest = [item for item in reversed(items) if item["kind"] != "Stage"]
    calls = [
        [saved(tmp_path, frozen)],
        [saved(tmp_path, frozen, "one.json")],
        [
            saved(tmp_path, {"apiVersion": "v1", "kind": "List", "items": rest}, "rest.json"),
            saved(tmp_path, stages, "s.yaml"),
        ],
    ]
    (tmp_path / "many.yaml").write_text(yaml.safe_dump_all(reversed(items)))
    calls.append([str(tmp_path / "many.yaml")])

    answers = []
    for files in calls:
        assert main(["diagnose", *files, "--kargo", "1.10.10"]) == 0
        answers.append(capsys.readouterr().out)

    assert len(set(answers)) == 1


def test_standard_input_and_json(
    frozen: Json, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = type("Stdin", (), {"buffer": io.BytesIO(json.dumps(frozen).encode())})
    monkeypatch.setattr("sys.stdin", stdin)

    code = main(["diagnose", "-", "--kargo", "1.10.10", "--now", "2000-01-01T02:00:00Z", "--format", "json"])

    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert found["schema"] == "kargo-model/diagnose"
    assert found["now"] == "2000-01-01T02:00:00Z"
    [stage] = found["stages"]
    assert stage["verdict"]["now"] == "needs-someone"
    assert stage["gates"][0]["known"]["scenario"] == "frozen-stage"
    assert stage["ways"][0]["commands"]


def test_the_release_is_guessed_and_that_is_said(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["diagnose", saved(tmp_path, frozen)])
    assert "it is taken to be 1.10.10" in capsys.readouterr().out

    promotion = next(item for item in frozen["items"] if item["kind"] == "Promotion")
    promotion["metadata"].setdefault("annotations", {})["kargo.akuity.io/stage"] = "dev"
    main(["diagnose", saved(tmp_path, frozen)])
    assert "it is taken to be 1.11.2, because of the annotation" in capsys.readouterr().out


def test_a_kind_that_is_missing_narrows_the_answer(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    frozen["items"] = [item for item in frozen["items"] if item["kind"] not in ("Promotion", "Warehouse")]

    main(["diagnose", saved(tmp_path, frozen), "--kargo", "1.10.10"])

    out = capsys.readouterr().out
    assert "no Promotions were given" in out
    assert "no Warehouses were given" in out


@pytest.mark.parametrize(
    ("shown", "verdict"), [("Degraded", "waiting for its applications"), ("Healthy", "moving")]
)
def test_applications_that_are_given_are_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shown: str, verdict: str
) -> None:
    found = written("applications that are not healthy (K19)")
    application = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
    meta = {"name": "a", "namespace": "argocd", "annotations": {"kargo.akuity.io/authorized-stage": "demo:dev"}}
    found["items"].append({**application, "metadata": meta, "status": {"health": {"status": shown}}})

    main(["diagnose", saved(tmp_path, found), "--kargo", "1.11.2"])

    assert capsys.readouterr().out.startswith(f"dev: {verdict}")


def of_argo(name: str, *, revision: str = "", **status: Any) -> Json:
    """An Application of Argo CD in its namespace, which the Stage dev may change."""
    annotations = {"kargo.akuity.io/authorized-stage": "demo:dev"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "annotations": annotations},
        "spec": {"source": {"repoURL": "https://example.com/a.git", "targetRevision": "main"}},
        "status": {"health": {"status": "Healthy"}, "sync": {"status": "Synced", "revision": revision}, **status},
    }


def checking(found: Json, *names: str) -> Json:
    """The same objects, where the last Promotion of the Stage has Applications checked, for a revision."""
    stage = next(item for item in found["items"] if item["kind"] == "Stage")
    apps = [{"name": name, "namespace": "argocd", "desiredRevisions": ["new"]} for name in names]
    stage["status"]["lastPromotion"]["status"]["healthChecks"] = [
        {"uses": "argocd-update", "config": {"apps": apps}}
    ]
    return found


OVER: Json = {"phase": "Succeeded", "finishedAt": "1999-12-31T23:00:00Z"}
LOOKED: Json = {"reconciledAt": "1999-12-31T23:30:00Z"}


@pytest.mark.parametrize(
    ("application", "verdict", "issue"),
    [
        (of_argo("a", revision="new", operationState=OVER, **LOOKED), "moving", ""),
        (
            of_argo("a", revision="old", operationState=OVER, **LOOKED),
            "waiting for its applications",
            'does not match the desired revision "new"',
        ),
        (
            of_argo("a", revision="new", operationState={"phase": "Running"}, **LOOKED),
            "waiting for its applications",
            "is being synced",
        ),
        (
            of_argo("a", revision="new", operationState=OVER, reconciledAt="1999-12-31T22:00:00Z"),
            "waiting for its applications",
            "was not reconciled after its most recent operation completed",
        ),
        (
            of_argo("a", conditions=[{"type": "ComparisonError", "message": "no such path"}]),
            "waiting for its applications",
            "no such path",
        ),
    ],
    ids=["as it should be", "another revision", "an operation", "not looked at since", "an error"],
)
def test_applications_are_judged_as_a_health_check_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], application: Json, verdict: str, issue: str
) -> None:
    found = checking(written("applications that are not healthy (K19)"), "a")
    found["items"].append(application)

    main(["diagnose", saved(tmp_path, found), "--kargo", "1.11.2"])

    out = capsys.readouterr().out
    assert out.startswith(f"dev: {verdict}")
    assert issue in out


def test_an_application_that_was_not_given_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checking(written("applications that are not healthy (K19)"), "a", "b")
    found["items"].append(of_argo("a", revision="new", operationState=OVER, **LOOKED))

    main(["diagnose", saved(tmp_path, found), "--kargo", "1.11.2"])

    assert "the Applications argocd/b of dev; only the others are judged" in capsys.readouterr().out


def test_one_bad_document_among_many_does_not_hide_the_others(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [yaml.safe_dump(item) for item in frozen["items"]]
    path = tmp_path / "many.yaml"
    path.write_text("---\n".join([*texts[:2], "kind: [not closed\n", *texts[2:]]))

    code = main(["diagnose", str(path), str(tmp_path / "missing.yaml"), "--kargo", "1.10.10"])

    found = capsys.readouterr()
    assert code == 3
    assert found.out.startswith("dev: needs someone")
    assert "document 3" in found.err
    assert "there is no such file" in found.err


def test_stages_of_several_projects_are_told_apart(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    other = json.loads(json.dumps(frozen).replace('"demo"', '"shop"'))

    main(["diagnose", saved(tmp_path, frozen), saved(tmp_path, other, "other.json"), "--kargo", "1.10.10"])

    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("demo/dev: needs someone")
    assert "; shop/dev: needs someone" in first

    call = ["--kargo", "1.10.10", "--stage", "shop/dev"]
    assert main(["diagnose", saved(tmp_path, frozen), saved(tmp_path, other, "other.json"), *call]) == 0
    assert "Stage dev of demo" not in capsys.readouterr().out


@pytest.mark.parametrize("now", ["1999-12-31T20:00:00Z", "2000-01-01T00:00:00Z"])
def test_a_clock_that_is_behind_that_of_the_cluster_changes_nothing_but_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], frozen: Json, now: str
) -> None:
    main(["diagnose", saved(tmp_path, frozen), "--kargo", "1.10.10"])
    at_once = capsys.readouterr().out.splitlines()

    assert main(["diagnose", saved(tmp_path, frozen), "--kargo", "1.10.10", "--now", now]) == 0

    found = capsys.readouterr().out.splitlines()
    assert found[0] == at_once[0]
    assert any("its clock and that of the cluster differ" in line for line in found)


def test_a_promotion_that_was_not_given_is_taken_to_be_under_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written("a step that polls for ever")
    found["items"] = [item for item in found["items"] if item["kind"] != "Promotion"]

    main(["diagnose", saved(tmp_path, found), "--kargo", "1.11.2"])

    out = capsys.readouterr().out
    assert out.startswith("dev: waiting for the step under way to end")
    assert "no Promotions were given: the current ones are taken to be under way" in out


def test_freight_that_was_not_given_is_not_taken_for_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written("all is well")
    found["items"] = [item for item in found["items"] if item["kind"] != "Freight"]

    main(["diagnose", saved(tmp_path, found), "--kargo", "1.11.2"])

    out = capsys.readouterr().out
    assert out.startswith("dev: idle")
    assert "no Freight was given: what Stages have is taken to exist" in out


def test_a_bad_object_is_left_out_and_the_rest_is_diagnosed(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    frozen["items"] += [
        {"kind": "Stage"},
        {"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Promotion", "metadata": {}},
    ]

    code = main(["diagnose", saved(tmp_path, frozen), "--kargo", "1.10.10"])

    found = capsys.readouterr()
    assert code == 3
    assert found.out.startswith("dev: needs someone")
    assert found.err.count("left out:") == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--stage", "nope"], 'there is no Stage "nope"; given are: dev'),
        (["--kargo", "0.1"], "not modelled"),
        (["--now", "yesterday"], "--now: expected an instant"),
        (["--what-if", "explode dev"], "is no action; there are: restart"),
        (["--what-if", ""], "is no action; there are: restart"),
        (["--what-if", "abort nothing"], 'there is no Promotion "nothing"'),
    ],
)
def test_a_wrong_call_gets_one_sentence(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["diagnose", saved(tmp_path, frozen), *arguments]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert err.count("\n") == 1


def test_a_step_that_is_over_without_a_status_is_left_out(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    promotion = next(item for item in frozen["items"] if item["kind"] == "Promotion")
    promotion["status"]["stepExecutionMetadata"] = [{"alias": "step-1", "finishedAt": "2025-03-04T00:00:00Z"}]

    assert main(["diagnose", saved(tmp_path, frozen), "--kargo", "1.10.10"]) == 3
    assert "expected a status of a step that is over" in capsys.readouterr().err


def test_objects_without_a_stage_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", saved(tmp_path, {"apiVersion": "v1", "kind": "List", "items": []})]) == 2
    assert "expected a Stage or a Promotion" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        ("refresh dev", "that does not help; still missing: the last success on record"),
        ("delete zz", "that does not help; still missing: the last success on record"),
        ("restart", "that does not help"),
        ("promote fa1 dev", "then the last success on record; that gives up what was being promoted"),
        ("auto-on dev", "that does not help; still missing: the newest Freight promoted"),
        ("no-soak dev", "it is refused: the Stage asks for nothing of that kind"),
        ("reverify dev", "that does not help; still missing: the last success on record"),
    ],
)
def test_what_if(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str], action: str, outcome: str
) -> None:
    code = main(["diagnose", saved(tmp_path, frozen), "--kargo", "1.10.10", "--what-if", action, "--explain"])

    first, *rest = capsys.readouterr().out.splitlines()
    assert code == 0
    assert first.startswith("dev: needs someone; if you ")
    assert outcome in first
    assert any(line.startswith("  if you ") and outcome in line for line in rest)


@pytest.mark.parametrize(
    ("case", "action", "outcome"),
    [
        ("soak time that is not over", "no-soak prod", "then the newest Freight promoted"),
        ("Freight that is verified in one of two Stages", "one-of prod", "then the newest Freight promoted"),
        ("Freight that is verified in one of two Stages", "direct prod", "then the newest Freight promoted"),
        ("a verification that failed (K10)", "no-verification dev", "that does not help"),
        ("a verification that failed (K10)", "reverify dev", "then its Freight verified"),
        ("a name of a person's own (K1)", "abort zz", "that does not help"),
        ("auto-promotion without end (F7)", "auto-off dev", "still missing: the newest Freight promoted"),
        ("auto-promotion without end (F7)", "refresh dev", "what then happens does not come to an end"),
    ],
)
def test_what_if_in_a_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str, action: str, outcome: str
) -> None:
    kargo = next(one.kargo for one in CASES if one.name == case)

    code = main(["diagnose", saved(tmp_path, written(case)), "--kargo", kargo, "--what-if", action])

    assert code == 0
    assert outcome in capsys.readouterr().out.splitlines()[0]


def test_what_if_as_json(tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]) -> None:
    call = [saved(tmp_path, frozen), "--kargo", "1.10.10", "--format", "json", "--what-if", "clear-last dev"]
    main(["diagnose", *call])

    [stage] = json.loads(capsys.readouterr().out)["stages"]
    assert stage["whatIf"]["commands"][0].startswith("kubectl patch stage dev --namespace demo")
    assert stage["whatIf"]["leaves"] == ["recorded"]
    assert stage["whatIf"]["worse"] == []


def test_nothing_that_a_terminal_obeys_is_printed(
    tmp_path: Path, frozen: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps(frozen).replace('"zz"', '"zz\\u001b[31m\\u0007"')
    path = tmp_path / "odd.json"
    path.write_text(text)

    main(["diagnose", str(path), "--kargo", "1.10.10", "--explain", "--all"])

    found = capsys.readouterr()
    assert "zz" in found.out
    assert "\x1b" not in found.out + found.err
    assert "\x07" not in found.out + found.err


@pytest.mark.parametrize("path", sorted(CLUSTERS.glob("*.yaml")), ids=lambda p: p.stem)
def test_an_example_is_diagnosed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kargo = path.read_text().splitlines()[0].rpartition(" ")[2]

    assert main(["diagnose", str(path), "--kargo", kargo]) == 0
    out = capsys.readouterr().out
    assert "needs someone" in out or "waiting for its applications" in out


def test_there_are_six_examples() -> None:
    assert len(list(CLUSTERS.glob("*.yaml"))) >= 6


def fuzz(release: str, clusters: int, count: int, seed: int) -> int:
    """Diagnose so many mutated clusters; how many were refused with a sentence."""
    pool = [cut for cut in cuts(RELEASES[release], 40, seed=seed) if len(cut.walk.cluster.pipeline.stages) == 1]
    refused = 0
    for number in range(count):
        cut = pool[number % min(clusters, len(pool))]
        try:
            live = read_back(mutated(cut.written, seed * count + number))
            found = diagnose(live, RELEASES[release], cut.walk.cluster.now)
            text = "\n".join(diagnoses.lines(found, explain=True, everything=True))
            json.dumps(diagnoses.as_json(found))
            assert "\x1b" not in text
        except InputError:
            refused += 1
    return refused


@pytest.mark.parametrize("release", ["1.8.5", "1.11.2"])
def test_mutated_objects_are_diagnosed_or_refused_with_a_sentence(release: str) -> None:
    assert fuzz(release, 6, 50, seed=1) < 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_many_mutated_objects_are_diagnosed_or_refused_with_a_sentence(seed: int) -> None:
    assert fuzz(list(RELEASES)[seed % len(RELEASES)], 20, 500, seed=seed) < 500
