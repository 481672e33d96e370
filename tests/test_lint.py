"""`kargo-model lint` as a user calls it: answers, forms, exit codes, comments, folders, and bad input."""

from __future__ import annotations

import json
import random
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from commands import lint
from model.kargo.releases import RELEASES
from simulations.kargo.lint.ignores import Ignore, comments
from simulations.kargo.lint.pushes import repository
from simulations.kargo.lint.rules import RULES
from tests.mutation import mutated
from tests.test_bad_input import call
from tests.test_lint_rules import CLONE, COMMIT, HTTP, PUSH, WAIT, changed, policies, stage, task, thing, warehouse

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "tests" / "schemas" / "sarif-schema-2.1.0.json"

SOUND = stage(CLONE, COMMIT, name="sound")
WAITS = stage(WAIT, name="waits")
LOOSE = stage(CLONE, changed(PUSH, **{"if": "${{ 1 == 1 }}"}), name="loose")
BROKEN = stage(CLONE, changed(PUSH, **{"if": "success()"}), name="broken")


def written(folder: Path, *documents: Any, name: str = "manifests.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    texts = (d if isinstance(d, str) else yaml.safe_dump(d, sort_keys=False) for d in documents)
    file.write_text("---\n".join(texts))
    return file


def linted(*words: object) -> tuple[int, str, str]:
    return call("lint", *map(str, words))


# Exit codes


@pytest.mark.parametrize(
    ("document", "fail_on", "code"),
    [
        (SOUND, "note", 0),
        (WAITS, "note", 1),
        (WAITS, "warning", 0),
        (LOOSE, "warning", 1),
        (LOOSE, "error", 0),
        (BROKEN, "error", 1),
    ],
)
def test_it_fails_from_a_level_on(tmp_path: Path, document: Any, fail_on: str, code: int) -> None:
    assert linted(written(tmp_path, document), "--fail-on", fail_on)[0] == code


def test_the_first_line_answers(tmp_path: Path) -> None:
    nothing = linted(written(tmp_path, SOUND))[1].splitlines()
    found = linted(written(tmp_path, LOOSE, BROKEN, WAITS, name="b.yaml"))[1].splitlines()

    assert nothing == ["nothing to complain of: 1 Stage or task in 1 file, Kargo 1.11.2"]
    assert found[0] == "1 error, 2 warnings, 1 note: 3 Stages and tasks in 1 file, Kargo 1.11.2"


def test_a_finding_has_its_place_its_run_a_remedy_and_releases(tmp_path: Path) -> None:
    file = written(tmp_path, LOOSE)
    _, out, _ = linted(file)

    line = 1 + file.read_text().splitlines().index("      - uses: git-push")
    assert f"{file}:{line}:9: warning: step push (git-push) runs after a failure" in out
    assert "[runs-after-failure]\n  in: Stage loose\n  run:\n" in out
    assert "clone: Failed with a terminal error; push: " in out
    assert "  fix: ask for success in the `if`" in out
    assert f"  releases: {', '.join(RELEASES)}" in out


def test_a_task_is_judged_once_for_all_that_use_it(tmp_path: Path) -> None:
    users = [stage({"task": {"name": "deploy"}, "as": "d"}, name=name) for name in ("a", "b")]
    _, out, _ = linted(written(tmp_path, *users, task(WAIT)))

    assert out.count("[waits-forever]") == 1
    assert "in: Stage a, Stage b" in out


def test_a_task_on_its_own_is_explored_whatever_its_variables_are(tmp_path: Path) -> None:
    alone = task(changed(WAIT, config={"prNumber": "${{ vars.number }}"}), vars=[{"name": "number"}])
    _, out, _ = linted(written(tmp_path, alone))

    assert "in: PromotionTask deploy" in out
    assert "[refused]" not in out


# Forms


def everything(folder: Path) -> Path:
    promotion = thing("Promotion", "zzz", {"stage": "dev", "freight": "a", "steps": [CLONE]})
    same = stage(CLONE, COMMIT, PUSH, name="same")
    steps = stage(CLONE, COMMIT, PUSH, WAIT, HTTP)
    return written(
        folder, policies("dev"), warehouse(branch="main"), steps, same, LOOSE, BROKEN, promotion, "a: b\n"
    )


def test_json_says_what_text_says(tmp_path: Path) -> None:
    code, out, _ = linted(everything(tmp_path), "--format", "json", "--kargo", "1.10.10")
    found = json.loads(out)

    assert code == 1
    assert (found["schema"], found["version"], found["kargo"]) == ("kargo-model/lint", 1, "1.10.10")
    rules = {f["rule"] for f in found["findings"]}
    assert {"name-breaks-order", "auto-promotion-loop", "shared-branch", "waits-forever", "if-not-boolean"} <= rules
    assert [p["document"] for p in found["problems"]] == [8]
    assert all(f["line"] > 0 and f["fix"] and f["text"] for f in found["findings"])
    assert all(f["run"] for f in found["findings"] if f["rule"] == "waits-forever")


def test_sarif_is_valid(tmp_path: Path) -> None:
    _, out, _ = linted(everything(tmp_path), "--format", "sarif", "--kargo", "1.10.10")
    log = json.loads(out)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    jsonschema.Draft4Validator(schema).validate(log)
    [run] = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [rule.id for rule in RULES]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert any("codeFlows" in result for result in run["results"])


def test_the_sarif_schema_refuses_what_is_no_sarif() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema).validate({"version": "2.1.0", "runs": [{"results": [{}]}]})


def test_junit_counts_failures_and_errors(tmp_path: Path) -> None:
    _, out, _ = linted(everything(tmp_path), "--format", "junit", "--fail-on", "error")
    suites = ET.fromstring(out)

    assert suites.tag == "testsuites"
    [suite] = suites
    assert int(suite.get("tests", 0)) == len(suite.findall("testcase"))
    assert int(suite.get("failures", 0)) == len(suite.findall("testcase/failure")) == 1
    assert int(suite.get("errors", 0)) == len(suite.findall("testcase/error")) == 1


def test_junit_has_a_case_that_passes_where_nothing_is_wrong(tmp_path: Path) -> None:
    [suite] = ET.fromstring(linted(written(tmp_path, SOUND), "--format", "junit")[1])

    assert [case.get("name") for case in suite] == ["nothing to complain of"]


def test_annotations_of_github_are_one_line_each(tmp_path: Path) -> None:
    file = everything(tmp_path)
    lines = linted(file, "--format", "github")[1].splitlines()

    commands = [line for line in lines if line.startswith("::")]
    assert {line.split(" ")[0] for line in commands} == {"::error", "::warning", "::notice"}
    assert all(f"file={file},line=" in line for line in commands)
    assert len(commands) == len(lines) - 1


# Comments


def test_a_comment_above_or_beside_takes_a_finding_away(tmp_path: Path) -> None:
    text = yaml.safe_dump(WAITS, sort_keys=False)
    marked = "uses: git-wait-for-pr"
    comment = "# kargo-model: ignore[waits-forever] people merge them"
    above = text.replace(f"      - {marked}", f"      {comment}\n\n      # more\n      - {marked}")
    beside = text.replace(marked, f"{marked}  {comment}")
    for changed_text in (above, beside):
        assert changed_text != text
        code, out, _ = linted(written(tmp_path, changed_text), "--fail-on", "note")
        assert (code, out) == (
            0,
            "nothing to complain of: 1 Stage or task in 1 file, Kargo 1.11.2 (1 ignored by comments)\n",
        )


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("ignore[waits-for-ever] because", 'there is no rule "waits-for-ever"; is "waits-forever" meant?'),
        ("ignore[waits-forever]", "no reason is given"),
        ("ignore[waits-forever] --", "no reason is given"),
        ("ignore waits-forever", "is not understood; expected ignore[RULE] REASON"),
        ("ignore[] because", 'there is no rule ""'),
        ("ignore[unknown-kind] because", "nothing in line 2 breaks unknown-kind"),
    ],
)
def test_a_comment_that_ignores_nothing_is_told(tmp_path: Path, comment: str, said: str) -> None:
    file = written(tmp_path, f"# kargo-model: {comment}\n{yaml.safe_dump(SOUND)}")

    assert said in linted(file)[1]


def test_a_comment_in_the_wrong_line_is_told_the_right_one(tmp_path: Path) -> None:
    comment = "# kargo-model: ignore[runs-after-failure] on purpose"
    text = yaml.safe_dump(LOOSE, sort_keys=False).replace("1 == 1 }}", f"1 == 1 }}}} {comment}")
    file = written(tmp_path, text.replace("        if:", "        # more\n        if:"))
    line = 1 + file.read_text().splitlines().index("      - uses: git-push")

    assert f"; line {line} does: write it there, or in the line above [unused-ignore]" in linted(file)[1]


def test_a_comment_above_a_document_is_about_its_first_line(tmp_path: Path) -> None:
    text = (
        f"# kargo-model: ignore[given-twice] on purpose\n---\n{yaml.safe_dump(SOUND)}---\n{yaml.safe_dump(SOUND)}"
    )

    assert "(1 ignored by comments)" in linted(written(tmp_path, text))[1]


def test_a_comment_is_found_only_after_a_sharp_of_its_own() -> None:
    said = "kargo-model: ignore[unknown-kind] x"

    assert list(comments(f'a: "b#{said}"', "f")) == []
    assert [c.line for c in comments(f"a: b # {said}\n# {said}\nc: d", "f") if isinstance(c, Ignore)] == [1, 3]


# Files and folders


def test_a_folder_stands_for_the_files_in_it_that_mention_kargo(tmp_path: Path) -> None:
    written(tmp_path, LOOSE, name="a/b/stage.yaml")
    written(tmp_path, json.dumps(BROKEN), name="a/stage.json")
    written(tmp_path, "a: [", name="a/other.yaml")
    written(tmp_path, "a: !secret b", name="values.yml")
    written(tmp_path, LOOSE, name=".git/stage.yaml")
    written(tmp_path, "# kargo.akuity.io\nkind: {{ .Values.kind }}\n", name="chart/templates/stage.yaml")
    written(
        tmp_path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kargo.akuity.io"}}, name="c.yaml"
    )
    code, out, err = linted(tmp_path)

    assert (code, err) == (1, "")
    first = out.splitlines()[0]
    assert first == "1 error, 2 warnings: 2 Stages and tasks in 3 files, Kargo 1.11.2 (1 other object)"
    assert f"passed over: {tmp_path}/chart/templates/stage.yaml is a template that is no YAML yet" in out


def test_one_bad_document_does_not_hide_the_others(tmp_path: Path) -> None:
    file = written(tmp_path, WAITS, "a: [\n", changed(SOUND, spec=3), LOOSE)
    code, out, _ = linted(file, "--fail-on", "error")

    assert code == 2
    assert "1 warning, 1 note: 2 Stages and tasks in 1 file, Kargo 1.11.2 (2 documents cannot be read)" in out
    lines = [line for line in out.splitlines() if line.startswith("cannot be read: ")]
    assert ["document 2" in lines[0], "document 3" in lines[1]] == [True, True]
    waiting = 1 + file.read_text().splitlines().index("      - uses: git-push")
    assert f"{file}:{waiting}:9: warning" in out


def test_items_of_lists_are_judged_one_by_one(tmp_path: Path) -> None:
    items = {"apiVersion": "v1", "kind": "List", "items": [WAITS, {"kind": 3}, LOOSE]}
    code, out, _ = linted(written(tmp_path, items), "--fail-on", "error")

    assert code == 2
    assert "items[1]" in out
    assert "[waits-forever]" in out
    assert "[runs-after-failure]" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a: [", "not YAML or JSON"),
        ("a: 1", "the field 'apiVersion' is missing"),
        ("kind: {{ .Values.kind }}", "is a template, such as those of Helm"),
        ("{apiVersion: v1, kind: Secret, metadata: {name: x}}", "expected a Stage, PromotionTask"),
    ],
)
def test_input_without_anything_to_judge_is_refused_with_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path, text)
    code, out, err = linted(file)

    assert (code, out) == (2, "")
    assert err.startswith("kargo-model: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_hook_is_content_with_files_that_are_none_of_kargos(tmp_path: Path) -> None:
    file = written(tmp_path, "a: [")

    code, out, err = linted(file, "--only-kargo")
    assert (code, err) == (0, "")
    assert out.startswith("nothing to judge: no Stage, ")
    assert out.endswith(" in 1 file\n")


def test_names_are_printed_safely(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07"
    named = changed(changed(WAIT, **{"as": evil}), **{"if": f"${{{{ status('{evil}x') == '' }}}}"})
    document = json.dumps(stage(CLONE, named, name=evil))
    file = written(tmp_path, document, name="stage.json")
    for form in ("text", "github", "junit"):
        _, out, err = linted(file, "--format", form, "--fail-on", "note")
        assert all(c.isprintable() or c == "\n" for c in out + err), form
    sarif = linted(file, "--format", "sarif")[1]
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(json.loads(sarif))


def test_an_unknown_release_is_refused(tmp_path: Path) -> None:
    code, _, err = linted(written(tmp_path, SOUND), "--kargo", "9.9.9")

    assert code == 2
    assert "the releases are: 1.8.3" in err


# Around it


def test_the_rules_can_be_listed_without_files() -> None:
    code, out, err = linted("--rules")

    assert (code, err) == (0, "")
    assert [line.split(" ")[0] for line in out.splitlines() if not line.startswith(" ")] == [r.id for r in RULES]


def test_the_hook_calls_what_there_is() -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, command, *words = hook["entry"].split()

    assert {"id", "name", "entry", "language"} <= hook.keys()
    assert (program, command) == ("kargo-model", "lint")
    parser = __import__("argparse").ArgumentParser()
    lint.add_arguments(parser)
    options = parser.parse_args([*words, "a.yaml"])
    assert (options.only_kargo, options.short, options.files) == (True, True, ["a.yaml"])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://github.com/acme/web.git", "git@github.com:acme/web", True),
        ("https://user:secret@github.com/acme/web/", "ssh://git@github.com/acme/web.git", True),
        ("https://GitHub.com/acme/web", "https://github.com/acme/web", True),
        ("https://github.com/acme/web", "https://github.com/acme/website", False),
        ("", "x", False),
    ],
)
def test_a_repository_is_the_same_however_it_is_reached(one: str, other: str, same: bool) -> None:
    assert (repository(one) == repository(other)) is same


SEEDS: list[Any] = [
    stage(CLONE, COMMIT, changed(PUSH, retry={"errorThreshold": 2, "timeout": "5m"}), WAIT, HTTP),
    stage(
        {"task": {"name": "deploy"}, "as": "d", "vars": [{"name": "v", "value": "${{ ctx.stage }}"}]}, LOOSE["spec"]
    ),
    task(changed(CLONE, **{"if": "${{ outputs.x.y == 'a' }}"}), vars=[{"name": "v", "value": "1"}]),
    policies("dev", "prod"),
    warehouse(branch="main", includePaths=["a"]),
    thing("Promotion", "dev.x", {"stage": "dev", "freight": "f", "steps": [CLONE, HTTP]}),
]


def fuzz(folder: Path, count: int, seed: int) -> None:
    dice = random.Random(seed)
    for number in range(count):
        documents = [mutated(document, dice) for document in dice.sample(SEEDS, dice.randint(1, 3))]
        file = written(folder, *(json.dumps(d) + "\n" for d in documents), name="fuzzed.yaml")
        form = dice.choice(("text", "json", "sarif", "junit", "github"))
        code, out, err = linted(
            file, "--format", form, "--kargo", dice.choice(list(RELEASES)), "--fail-on", "error"
        )
        assert code in (0, 1, 2), number
        assert (out == "") == (err != ""), number
        assert not err or (code == 2 and err.count("\n") == 1)


def test_mutated_manifests_get_an_answer(tmp_path: Path) -> None:
    fuzz(tmp_path, 60, seed=1)


@pytest.mark.slow
def test_thousands_of_mutated_manifests_get_an_answer(tmp_path: Path) -> None:
    fuzz(tmp_path, 2_000, seed=2)


# Examples


def test_the_example_breaks_what_its_page_says_and_its_mended_form_nothing() -> None:
    found = json.loads(linted(ROOT / "examples" / "lint" / "webshop", "--format", "json")[1])["findings"]

    assert sorted({f["rule"] for f in found}) == [
        "auto-promotion-loop",
        "http-polls-forever",
        "if-not-boolean",
        "never-runs",
        "repeated-by-restart",
        "retries-spent-at-once",
        "shared-branch",
    ]
    assert linted(ROOT / "examples" / "lint" / "mended", "--fail-on", "note")[0] == 0
