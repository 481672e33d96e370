"""Folders as they are: overlays, charts, values, settings among the manifests; and files as editors leave them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_lint import BROKEN, LOOSE, SOUND, linted, written
from tests.test_lint_rules import stage

JUDGED = "nothing to complain of: 1 Stage or task in 1 file, Kargo 1.11.2"
PATCH = {**SOUND, "spec": {"shard": "eu"}}


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"kustomization.yaml": "resources: [../base]\n"},
        {"README.md": "no manifest", "a/values.yaml": "a: 1\n", "b/deployment.yaml": "a: ["},
    ],
)
def test_a_folder_with_nothing_of_kargos_is_no_mistake(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        written(tmp_path, text, name=name)
    code, out, err = linted(tmp_path)

    assert (code, err) == (0, "")
    assert out.startswith("nothing to judge: no Stage, PromotionTask, ")
    for form in ("json", "sarif", "junit", "github"):
        assert linted(tmp_path, "--format", form)[0] == 0, form


def test_a_folder_with_nothing_but_templates_is_not_judged(tmp_path: Path) -> None:
    written(tmp_path, "# kargo.akuity.io\nkind: {{ .Values.kind }}\n", name="chart/templates/stage.yaml")

    assert linted(tmp_path)[0] == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("values.yaml", "web:\n  annotations:\n    kargo.akuity.io/authorized-stage: shop:dev\n"),
        ("kustomization.yaml", "patches:\n- target: {group: kargo.akuity.io, kind: Stage}\n  patch: '[]'\n"),
        ("patch.json", '[{"op": "add", "path": "/metadata/annotations/kargo.akuity.io~1color", "value": "red"}]'),
        ("settings.json", '{"yaml.schemas": {"kargo.akuity.io": ["*.yaml"]}}'),
    ],
)
def test_what_is_no_object_is_passed_over_unless_it_is_asked_for(tmp_path: Path, name: str, text: str) -> None:
    written(tmp_path, SOUND)
    other = written(tmp_path, text, name=name)
    code, out, _ = linted(tmp_path)

    assert code == 0
    first, _, last = out.splitlines()
    assert first == JUDGED
    assert (
        last == f"passed over: {other} holds something that is no Kubernetes object (without apiVersion and kind)"
    )
    assert json.loads(linted(tmp_path, "--format", "json")[1])["no_objects"] == [str(other)]
    assert linted(other, "--only-kargo")[0] == 0
    assert linted(other)[0] == 2


def test_a_hook_is_given_some_files_only(tmp_path: Path) -> None:
    later = stage({"task": {"name": "deploy"}, "as": "d"}, name="prod", sources={"stages": ["dev"]})
    file = written(tmp_path, later)

    assert linted(file)[0] == 1
    assert linted(file, "--only-kargo")[0] == 0
    code, out, _ = linted(file, "--only-kargo", "--fail-on", "note")
    assert code == 1
    assert "[task-not-given]" in out
    assert "[unknown-stage]" in out


def test_what_lacks_only_its_version_or_its_kind_is_told(tmp_path: Path) -> None:
    for missing in ("apiVersion", "kind"):
        written(tmp_path, {k: v for k, v in BROKEN.items() if k != missing}, "a: kargo.akuity.io\n")
        assert f"the field '{missing}' is missing" in linted(tmp_path)[2]


@pytest.mark.parametrize(
    "kustomization",
    [
        {"patches": [{"path": "over/../patch.yaml"}, {"patch": "[]"}, 3]},
        {"patchesStrategicMerge": ["./patch.yaml"]},
        {"patchesJson6902": [{"target": {"kind": "Stage"}, "path": "patch.yaml"}]},
    ],
)
def test_patches_of_kustomize_are_passed_over(tmp_path: Path, kustomization: dict[str, Any]) -> None:
    written(tmp_path, SOUND)
    patch = written(tmp_path, PATCH, name="patch.yaml")
    assert "'requestedFreight' is missing" in linted(tmp_path)[1]

    written(tmp_path, kustomization, name="kustomization.yaml")
    code, out, _ = linted(tmp_path)
    assert (code, out.splitlines()[0]) == (0, JUDGED)
    assert f"passed over: {patch} is a patch of Kustomize" in out


def test_patches_of_kustomize_have_a_folder_of_their_own(tmp_path: Path) -> None:
    patch = written(tmp_path, PATCH, name="overlay/patches/stage.yaml")
    written(tmp_path, SOUND, name="overlay/stage.yaml")
    assert linted(tmp_path)[0] == 2

    listed = [{"path": "no file\0"}, {"path": "patches/stage.yaml"}]
    written(tmp_path, {"patches": listed}, name="overlay/kustomization.yaml")

    for call in ((tmp_path,), (patch.parent,), (patch, "--only-kargo")):
        code, out, _ = linted(*call)
        assert code == 0, call
        assert f"passed over: {patch} is a patch of Kustomize" in out, call


@pytest.mark.parametrize(
    "text",
    [
        '"{{ .Values.name }}"',
        '"{{ include `name` . }}"',
        "'${{ \"{{\" }} ctx.stage }}'",
        '"${{ `{{` }} ctx.stage }}"',
    ],
)
def test_a_template_of_helm_that_happens_to_be_yaml_is_no_manifest(tmp_path: Path, text: str) -> None:
    named = yaml.safe_dump(SOUND).replace("name: sound", f"name: {text}")
    written(tmp_path, SOUND)
    file = written(tmp_path, named, name="templates/stage.yaml")

    assert linted(tmp_path)[1].splitlines()[0] == JUDGED
    assert "is a template, such as those of Helm" in linted(file)[2]


def test_braces_in_an_expression_make_no_template(tmp_path: Path) -> None:
    step = {"uses": "git-clear", "config": {"path": "${{ {'a': {'b': ctx.stage} }.a.b }}", "x": "${{{'a': 1}.a}}"}}
    one = json.loads(json.dumps(SOUND))
    one["spec"]["promotionTemplate"]["spec"]["steps"].append(step)

    assert linted(written(tmp_path, one))[0] == 0


def test_a_file_is_read_once_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, LOOSE, name="a/stage.yaml")
    monkeypatch.chdir(tmp_path)

    assert linted("a/stage.yaml", "./a/stage.yaml", "a", tmp_path)[1].startswith(
        "1 warning: 1 Stage or task in 1 file"
    )


@pytest.mark.parametrize("name", ["stage.YAML", "Stage.Yml", "stage.JSON"])
def test_names_may_be_in_capitals(tmp_path: Path, name: str) -> None:
    written(tmp_path, json.dumps(SOUND), name=name)

    assert linted(tmp_path)[1].startswith(JUDGED)


def test_line_ends_and_marks_of_editors_move_no_place(tmp_path: Path) -> None:
    text = yaml.safe_dump(LOOSE, sort_keys=False)
    comment = "      # kargo-model: ignore[runs-after-failure] on purpose\n      - uses: git-push"
    for changed in (text, text.replace("\n", "\r\n"), "\ufeff" + text):
        file = tmp_path / "stage.yaml"
        file.write_bytes(changed.encode())
        line = 1 + text.splitlines().index("      - uses: git-push")
        assert f"stage.yaml:{line}:9: warning: " in linted(file)[1]

        file.write_bytes(changed.replace("      - uses: git-push", comment).encode())
        assert linted(file)[0] == 0
