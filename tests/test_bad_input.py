"""Bad manifests through the commands that read them: one sentence and exit code 2, whatever they are."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kargo_model

COMMANDS = ("run", "explore")

STAGE: dict[str, Any] = {
    "apiVersion": "kargo.akuity.io/v1alpha1",
    "kind": "Stage",
    "metadata": {"name": "test", "namespace": "demo"},
    "spec": {
        "requestedFreight": [{"origin": {"kind": "Warehouse", "name": "main"}, "sources": {"direct": True}}],
        "vars": [{"name": "branch", "value": "main"}],
        "promotionTemplate": {
            "spec": {
                "vars": [{"name": "url", "value": "https://git.example.com/acme/web.git"}],
                "steps": [
                    {
                        "as": "clone",
                        "uses": "git-clone",
                        "retry": {"errorThreshold": 2, "timeout": "5m"},
                        "config": {"repoURL": "${{ vars.url }}", "checkout": [{"branch": "main", "path": "./src"}]},
                    },
                    {
                        "as": "tell",
                        "uses": "http",
                        "if": "${{ failure() }}",
                        "continueOnError": True,
                        "vars": [{"name": "what", "value": "${{ outputs.clone.commit }}"}],
                        "config": {"url": "https://example.com", "body": "${{ quote(vars.what) }}"},
                    },
                ],
            }
        },
    },
}

Keys = tuple[str | int, ...]
STEPS: Keys = ("spec", "promotionTemplate", "spec", "steps")


def changed(*changes: tuple[Keys, object]) -> dict[str, Any]:
    """The Stage with other values in some places; `...` takes the place away."""
    found = copy.deepcopy(STAGE)
    for (*outer, last), value in changes:
        place: Any = found
        for key in outer:
            place = place[key]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return found


def call(*words: str) -> tuple[int, str, str]:
    """The exit code, and what was printed on both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = kargo_model.main(words)
    return code, out.getvalue(), err.getvalue()


def assert_refused(command: str, *files: Path | str) -> str:
    """Refused with one sentence, which is returned."""
    code, out, err = call(command, *map(str, files))
    assert (code, out) == (2, "")
    assert err.startswith("kargo-model: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert err[:-1].isprintable()
    return err


def written(folder: Path, document: object) -> Path:
    file = folder / "stage.yaml"
    file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return file


def test_the_manifest_that_is_spoilt_below_is_good(tmp_path: Path) -> None:
    for command in COMMANDS:
        code, out, err = call(command, str(written(tmp_path, STAGE)), "--kargo", "1.11.2")
        assert (code, err) == (0 if command == "run" else code, "")
        assert "Stage test, Kargo 1.11.2" in out


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "stage.yaml:"),
        ("a: b: c", "stage.yaml:1:"),
        ("\tx", "stage.yaml:1:"),
        ("a: !!python/object:os.system {}", "stage.yaml:1:"),
        ("", ""),
        ("# nothing\n", ""),
        ("---\n---\n", ""),
        ("just text", "expected a Kubernetes object"),
        ("[1, 2]", "expected a Kubernetes object"),
        ("{}", "the field 'apiVersion' is missing; expected a Kubernetes object"),
        ("{kind: Stage}", "the field 'apiVersion' is missing"),
        ("{apiVersion: v1}", "the field 'kind' is missing"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}}", ""),
        ("{apiVersion: v1, kind: List, items: 3}", "items"),
        ("{apiVersion: v1, kind: List, items: [3]}", "items[0]"),
        ("a: 1\na: 2\n", "stage.yaml:2:"),
        ("a: *b", "stage.yaml:1:"),
        ("a: &a [*a]", "stage.yaml:1:"),
        ("{" * 3000, "stage.yaml:"),
        ("[" * 3000 + "]" * 3000, "stage.yaml:"),
        ("x: 2020-13-45", ""),
        ("x: " + 5000 * "9", ""),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, command: str, text: str, said: str) -> None:
    assert said in assert_refused(command, written(tmp_path, text))


SPOILT: tuple[tuple[Keys, object, str], ...] = (
    (("apiVersion",), "kargo.akuity.io/v2", ""),
    (("apiVersion",), 1, "apiVersion"),
    (("kind",), "Stag", ""),
    (("kind",), ["Stage"], "kind"),
    (("metadata",), ..., "metadata"),
    (("metadata",), "test", "metadata"),
    (("metadata", "name"), ..., "name"),
    (("metadata", "name"), 3, "name"),
    (("spec",), ..., "spec"),
    (("spec",), [], "spec"),
    (("spec", "requestedFreight"), ..., "requestedFreight"),
    (("spec", "requestedFreight"), {}, "requestedFreight"),
    (("spec", "promotionTemplate"), ..., ""),
    (("spec", "promotionTemplate"), "x", "promotionTemplate"),
    (("spec", "promotionTemplate", "spec"), 3, "spec"),
    (STEPS, ..., "steps"),
    (STEPS, {}, "steps"),
    (STEPS, ["clone"], "steps[0]"),
    ((*STEPS, 0, "uses"), ..., "steps[0]"),
    ((*STEPS, 0, "uses"), 3, "uses"),
    ((*STEPS, 0, "as"), ["clone"], "as"),
    ((*STEPS, 1, "as"), "clone", ""),
    ((*STEPS, 0, "retry"), 3, "retry"),
    ((*STEPS, 0, "retry", "errorThreshold"), "three", "errorThreshold"),
    ((*STEPS, 0, "retry", "errorThreshold"), -1, "errorThreshold"),
    ((*STEPS, 0, "retry", "errorThreshold"), True, "errorThreshold"),
    ((*STEPS, 0, "retry", "timeout"), "soon", "timeout"),
    ((*STEPS, 0, "retry", "timeout"), 5, "timeout"),
    ((*STEPS, 1, "if"), 3, "if"),
    ((*STEPS, 1, "if"), True, "if"),
    ((*STEPS, 1, "continueOnError"), "yes", "continueOnError"),
    ((*STEPS, 1, "vars"), {"a": "b"}, "vars"),
    ((*STEPS, 1, "vars", 0, "name"), ..., "name"),
    ((*STEPS, 1, "vars", 0, "value"), ["x"], "value"),
    ((*STEPS, 0, "task"), {"name": "other"}, "steps[0]"),
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("place", "value", "said"), SPOILT, ids=[f"{'.'.join(map(str, k[-2:]))}={str(v)[:20]}" for k, v, _ in SPOILT]
)
def test_a_wrong_or_missing_field_is_refused(
    tmp_path: Path, command: str, place: Keys, value: object, said: str
) -> None:
    assert said in assert_refused(command, written(tmp_path, changed((place, value))))


def test_a_task_that_is_not_there_is_refused(tmp_path: Path) -> None:
    step = {"as": "t", "task": {"name": "other"}}
    for command in COMMANDS:
        assert "other" in assert_refused(command, written(tmp_path, changed(((*STEPS, 0), step))))


@pytest.mark.parametrize("command", COMMANDS)
def test_yaml_that_grows_when_it_is_read_is_refused(tmp_path: Path, command: str) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join(9 * [f'*a{n - 1}'])}]\n" for n in range(1, 12)
    )

    assert "alias" in assert_refused(command, written(tmp_path, bomb))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_of_fifty_megabytes_is_refused_at_once(tmp_path: Path, command: str) -> None:
    file = tmp_path / "huge.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(50 << 20)

    assert "huge.yaml" in assert_refused(command, file)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "data",
    [b"\x00\x01\x02\xff\xfe", b"\xff\xfe\xfd", b"\x7fELF\x02\x01\x01" + bytes(64), b"a: \xc3\x28", b"\x1f\x8b\x08"],
)
def test_binary_is_refused(tmp_path: Path, command: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "binary.yaml"
    file.write_bytes(data)

    assert "binary.yaml" in assert_refused(command, file)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert "standard input" in assert_refused(command, "-")


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_file_is_refused(tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no file in this folder mentions" in assert_refused(command, tmp_path)
    assert "there is no such file" in assert_refused(command, tmp_path / "missing.yaml")
    assert_refused(command, tmp_path / ("x" * 300))
    assert_refused(command, "nul\0byte.yaml")
    assert_refused(command, "new\nline.yaml")
    assert_refused(command, "")

    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = written(tmp_path, STAGE)
    for opens in ("builtins.open", "io.open", "pathlib.Path.open", "pathlib.Path.read_bytes"):
        monkeypatch.setattr(opens, forbid)
    assert "permission denied" in assert_refused(command, file)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_same_object_twice_is_refused(tmp_path: Path, command: str) -> None:
    file = written(tmp_path, yaml.safe_dump_all([STAGE, STAGE]))

    assert "test" in assert_refused(command, file)


# What Kargo itself would accept is run, and shows what Kargo would make of it


@pytest.mark.parametrize("text", ["${{ ( }}", "${{ 1 + }}", "${{ nope( }}", "${{ }}", "${{ 1 +* 2 }}"])
def test_an_if_that_does_not_parse_errors_its_step(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, changed(((*STEPS, 1, "if"), text)))
    code, out, err = call("run", str(file), "--anyway", "--format", "json")

    assert (code, err) == (0, "")
    (only,) = json.loads(out)["passes"]
    turns = {s["alias"]: s for s in only["steps"]}
    assert turns["tell"]["turn"] == "errored: its `if` cannot be evaluated"
    assert turns["tell"]["why"].startswith('errored, not run: error checking if step "tell" should be skipped: ')
    tell = next(m for m in only["status"]["stepExecutionMetadata"] if m["alias"] == "tell")
    assert tell["status"] == "Errored"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("path", "shown"), [((*STEPS, 1, "if"), "steps[1].if"), ((*STEPS, 0, "config", "repoURL"), "steps[0].config")]
)
def test_an_expression_that_does_not_parse_is_refused(
    tmp_path: Path, command: str, path: tuple[str | int, ...], shown: str
) -> None:
    said = assert_refused(command, written(tmp_path, changed((path, "${{ 1 +* 2 }}"))))

    assert shown in said
    assert "document 1" in said
    assert "${{ 1 +* 2 }}" in said


def test_a_config_that_does_not_parse_errors_its_step(tmp_path: Path) -> None:
    file = written(tmp_path, changed(((*STEPS, 0, "config", "repoURL"), "${{ ( }}")))
    code, out, err = call("run", str(file), "--anyway", "--format", "json")

    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["phase"] == "Errored"
    assert found["passes"][0]["steps"][0]["turn"] == "errored: its vars or config cannot be evaluated"


def test_an_unknown_kind_is_warned_of_and_errors_its_step(tmp_path: Path) -> None:
    for command, code in (("run", 0), ("explore", 1)):
        got, out, err = call(command, str(written(tmp_path, changed(((*STEPS, 0, "uses"), "git-clonk")))))
        assert got == code
        assert err.count("\n") == 1
        assert err.startswith("warning: ")
        assert "git-clonk" in err
        assert "Errored" in out.splitlines()[0]


# Anything at all

WORDS = st.sampled_from(
    ["", "x", "${{ ", "${{ 1 }}", "${{ vars.url }}", "5m", "-1s", "a::b", "\u202e", "\x1b[31m", "Stage", "é" * 40]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | WORDS | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)


def places(value: object, here: Keys = ()) -> list[Keys]:
    """Every place in a document, the outermost excepted."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, v in inner for p in ((*here, key), *places(v, (*here, key)))]


CHANGES = st.lists(st.tuples(st.sampled_from(places(STAGE)), VALUES | st.just(...)), min_size=1, max_size=2)


@pytest.mark.slow
@settings(
    max_examples=800,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=CHANGES)
def test_any_change_of_a_manifest_is_run_or_refused(tmp_path: Path, changes: list[tuple[Keys, object]]) -> None:
    document = copy.deepcopy(STAGE)
    for place, value in changes:
        with contextlib.suppress(KeyError, IndexError, TypeError):
            spoil(document, place, value)
    file = tmp_path / "stage.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    code, out, err = call("run", str(file))

    assert code in (0, 2)
    if code == 2:
        assert out == ""
        sentence = err.splitlines()[-1]
        assert sentence.startswith("kargo-model: ")
        assert [line for line in err.splitlines()[:-1] if not line.startswith("warning: ")] == []
        assert sentence.isprintable()
    else:
        assert out
        assert all(line.isprintable() for line in out.splitlines())


def spoil(document: Any, place: Keys, value: object) -> None:
    """Put `value` in a place, or take the place away."""
    *outer, last = place
    for key in outer:
        document = document[key]
    if value is ...:
        del document[last]
    else:
        document[last] = value


@pytest.mark.parametrize("form", ["json", "sarif", "text"])
def test_names_that_a_terminal_would_obey_are_escaped_in_every_form(tmp_path: Path, form: str) -> None:
    alias = "a\x1b[31m\x9b1m\x7f\u202e"
    steps = [{"uses": "no-such", "as": alias}, {"uses": "http", "as": f"{alias}b", "config": {"url": "x"}}]
    document = copy.deepcopy(STAGE)
    document["spec"]["promotionTemplate"]["spec"]["steps"] = steps
    file = tmp_path / "stage.json"
    file.write_text(json.dumps(document))

    _, out, _ = call("lint", str(file), "--format", form)
    _, drawn, _ = call("draw", "template", str(file), "--format", form if form == "json" else "text")

    assert "no-such" in out
    assert "no-such" in drawn
    assert all(line.isprintable() for line in (out + drawn).split("\n"))
    if form == "json":
        [run] = [found["run"] for found in json.loads(out)["findings"] if found["rule"] == "unknown-kind"]
        assert any(alias in name for name in run["trace"]["start"])
