"""Templates that differ in aliases only are explored once by lint, and told apart where it matters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.gathering import gather
from model.kargo.bundle import read_bundle
from model.kargo.releases import LATEST, RELEASES, Behaviours, release
from simulations.kargo.lint import exploring
from simulations.kargo.lint.linter import Linter
from simulations.kargo.lint.rules import Finding
from simulations.kargo.lint.shapes import shape_of
from simulations.kargo.lint.units import Unit, units
from tests.test_lint_rules import stage, task

Json = dict[str, Any]


def pipeline(name: str, ask: str, merge: str, tell: str) -> Json:
    """A Stage with much to find, whose steps are called as given."""
    return stage(
        {"uses": "git-open-pr", "as": ask, "continueOnError": True, "config": {"path": "./out"}},
        {
            "uses": "git-wait-for-pr",
            "as": merge,
            "if": f"${{{{ status('{ask}') != 'Skipped' && outputs['{ask}'] != 1 }}}}",
            "config": {"prNumber": f"${{{{ outputs['{ask}'].pr.id }}}}"},
        },
        {"uses": "compose-output", "as": f"{tell}-first", "retry": {"errorThreshold": 3}},
        {"uses": "http", "as": tell, "if": "${{ always() }}", "config": {"url": "https://x", "method": "POST"}},
        {"uses": "git-wait-for-pr", "as": f"{tell}-again", "retry": {"timeout": "2m", "errorThreshold": 2}},
        name=name,
    )


def judged(folder: Path, linter: Linter, *documents: Json) -> dict[str, list[Finding]]:
    """The findings about each Stage."""
    found: dict[str, list[Finding]] = {}
    for number, document in enumerate(documents):
        (folder / f"{number}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    bundle = read_bundle(gather([str(folder)], about="kargo.akuity.io").documents)
    for finding in linter.judge(bundle):
        found.setdefault(finding.subject, []).append(finding)
    return found


STAGES = (
    pipeline("dev", "ask", "merge", "tell"),
    pipeline("test", "pr", "id", "outputs"),
    pipeline("prod", "status", "step", "my-own"),
)


@pytest.mark.parametrize("kargo", [LATEST.release, pytest.param("1.8.3", marks=pytest.mark.slow)])
def test_what_differs_in_aliases_is_explored_once_and_found_the_same(tmp_path: Path, kargo: str) -> None:
    together = Linter(release(kargo))
    found = judged(tmp_path, together, *STAGES)

    alone: dict[str, list[Finding]] = {}
    explored = []
    for document in STAGES:
        linter = Linter(release(kargo))
        (tmp_path / "0.yaml").unlink(missing_ok=True)
        folder = tmp_path / document["metadata"]["name"]
        folder.mkdir()
        alone |= judged(folder, linter, document)
        explored.append(len(linter.explorer.known))
    assert explored == [len(together.explorer.known)] * 3
    assert together.explorer.retold
    assert {name: list(map(_told, each)) for name, each in found.items()} == {
        name: list(map(_told, each)) for name, each in alone.items()
    }
    assert all(any(f.shown for f in each) for each in found.values())


def _told(finding: Finding) -> tuple[object, ...]:
    shown = finding.shown
    return finding.rule.id, finding.text, finding.step, finding.releases, finding.level, shown


def test_an_answer_that_does_not_fit_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = judged(tmp_path, Linter(LATEST), *STAGES)
    monkeypatch.setattr(exploring, "taken_by_choices", lambda *_: None)

    linter = Linter(LATEST)

    assert {n: list(map(_told, e)) for n, e in judged(tmp_path, linter, *STAGES).items()} == {
        n: list(map(_told, e)) for n, e in expected.items()
    }


def ways_of(name: str, kind: str, timeout: str) -> Json:
    """A Stage with much to find, one of whose steps is of that kind, and has as long."""
    return stage(
        {"uses": kind, "as": "first", "retry": {"timeout": timeout, "errorThreshold": 2}, "continueOnError": True},
        {"uses": kind, "as": "then", "retry": {"timeout": timeout}},
        {"uses": "http", "as": "tell", "if": "${{ always() }}", "config": {"url": "https://x", "method": "POST"}},
        {"uses": "git-wait-for-pr", "as": "wait", "retry": {"timeout": timeout}},
        name=name,
    )


def test_timeouts_and_kinds_that_make_no_difference_are_explored_once(tmp_path: Path) -> None:
    stages = [ways_of("a", "git-clone", "5m"), ways_of("b", "yaml-update", "7m"), ways_of("c", "copy", "24h")]
    together = Linter(LATEST)

    found = judged(tmp_path, together, *stages)

    for document in stages:
        linter = Linter(LATEST)
        name = document["metadata"]["name"]
        (tmp_path / name).mkdir()
        [(subject, alone)] = judged(tmp_path / name, linter, document).items()
        assert len(linter.explorer.known) == len(together.explorer.known)
        assert list(map(_told, found[subject])) == list(map(_told, alone))
        assert {f.rule.id for f in alone} >= {"failure-unseen", "timeout-never-fires", "repeated-by-restart"}


# Where aliases may matter


def _unit(*documents: Json, folder: Path) -> Unit:
    for number, document in enumerate(documents):
        (folder / f"{number}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    bundle = read_bundle(gather([str(folder)], about="kargo.akuity.io").documents)
    [unit] = (unit for unit in units(bundle.manifests) if isinstance(unit, Unit))
    return unit


def _aliases(unit: Unit, behaviours: Behaviours) -> tuple[str, ...]:
    return shape_of(unit.essence(behaviours), behaviours.release).aliases


@pytest.mark.parametrize(
    "condition",
    [
        "${{ outputs[vars.which] != nil }}",
        "${{ status(vars.which) == 'Failed' }}",
        "${{ stepMetas['push'].message == 'x' }}",
        "${{ vars.which == 'outputs.push' }}",
        "${{ len(outputs) > 1 }}",
        "${{ let o = outputs; o.push != nil }}",
        "${{ outputs?.push != nil }}",
        "${{ outputs.alias_0_of_lint == nil }}",
    ],
)
def test_templates_that_could_tell_aliases_apart_have_none_hidden(tmp_path: Path, condition: str) -> None:
    steps: tuple[Json, ...] = ({"uses": "git-push", "as": "push"}, {"uses": "http", "if": condition})
    unit = _unit(stage(*steps, vars=[{"name": "which", "value": "push"}]), folder=tmp_path)

    for behaviours in RELEASES.values():
        assert _aliases(unit, behaviours) == ()
        assert shape_of(unit.essence(behaviours), behaviours.release).essence == unit.essence(behaviours)


def test_variables_that_read_outputs_and_tasks_keep_their_aliases(tmp_path: Path) -> None:
    push: Json = {"uses": "git-push", "as": "push"}
    for name, documents in {
        "vars": [stage(push, vars=[{"name": "made", "value": "${{ outputs.push.branch }}"}])],
        "task": [stage({"task": {"name": "deploy"}, "as": "all"}), task(push)],
    }.items():
        (tmp_path / name).mkdir()
        assert _aliases(_unit(*documents, folder=tmp_path / name), LATEST) == ()


def test_only_what_refers_to_a_step_is_hidden(tmp_path: Path) -> None:
    steps: tuple[Json, ...] = (
        {"uses": "git-open-pr", "as": "pr"},
        {
            "uses": "http",
            "as": "x",
            "if": "${{ status('pr') == 'pr' && outputs.pr.pr.id > 1 && outputs['pr'] != 2 }}",
        },
        {"uses": "git-tag", "as": "tag", "config": {"tag": "${{ outputs.gone }} ${{ outputs.x.pr }}"}},
    )
    unit = _unit(stage(*steps), folder=tmp_path)
    shape = shape_of(unit.essence(LATEST), LATEST.release)

    ask, tell, tag = shape.essence.template.steps
    assert shape.aliases == ("pr", "x", "tag")
    assert [ask.alias, tell.alias] == ["alias_0_of_lint", "alias_1_of_lint"]
    a = ask.alias
    assert tell.condition == f"${{{{ status('{a}') == 'pr' && outputs.{a}.pr.id > 1 && outputs['{a}'] != 2 }}}}"
    assert json.loads(tag.config or "") == {"0": f"${{{{ outputs.gone }}}} ${{{{ outputs.{tell.alias}.pr }}}}"}
    assert shape.hide(("output-unset", 2, "x")) == ("output-unset", 2, tell.alias)
    assert shape.hide(("if-fails", 1, "")) == ("if-fails", 1, "")
