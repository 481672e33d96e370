"""The rules of `kargo-model lint`: each with manifests that break it, and some that nearly do."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from invariants.trace import Trace
from model.gathering import gather
from model.kargo.bundle import read_bundle
from model.kargo.releases import LATEST, RELEASES, release
from simulations.kargo.lint import ignores
from simulations.kargo.lint.linter import Linter
from simulations.kargo.lint.rules import BY_ID, RULES, Finding, Judged
from simulations.kargo.runs import Run

ROOT = Path(__file__).parents[1]
GROUP = "kargo.akuity.io/v1alpha1"
Json = dict[str, Any]


def thing(kind: str, name: str, spec: Json, **metadata: Any) -> Json:
    return {
        "apiVersion": GROUP,
        "kind": kind,
        "metadata": {"name": name, "namespace": "demo", **metadata},
        "spec": spec,
    }


def stage(*steps: Json, name: str = "dev", sources: Json | None = None, **more: Any) -> Json:
    request = {"origin": {"kind": "Warehouse", "name": "main"}, "sources": sources or {"direct": True}}
    spec: Json = {"requestedFreight": [request], **more}
    if steps:
        spec["promotionTemplate"] = {"spec": {"steps": list(steps)}}
    return thing("Stage", name, spec)


def task(*steps: Json, name: str = "deploy", **more: Any) -> Json:
    return thing("PromotionTask", name, {"steps": list(steps), **more})


def warehouse(**git: Any) -> Json:
    return thing(
        "Warehouse", "main", {"subscriptions": [{"git": {"repoURL": "https://github.com/acme/web.git", **git}}]}
    )


def policies(*names: str) -> Json:
    spec = {"promotionPolicies": [{"stage": name, "autoPromotionEnabled": True} for name in names]}
    return thing("ProjectConfig", "demo", spec)


def judged(
    folder: Path, *documents: Json | str, kargo: str = LATEST.release, every_release: bool = False
) -> tuple[Finding, ...]:
    """The findings in a file with these documents, those taken away that comments say to ignore."""
    file = folder / "manifests.yaml"
    texts = (d if isinstance(d, str) else yaml.safe_dump(d, sort_keys=False) for d in documents)
    file.write_text("---\n".join(texts))
    found = gather([str(file)], about="kargo.akuity.io")
    bundle = read_bundle(found.documents)
    assert [str(p) for p in (*found.problems, *bundle.problems)] == []
    behaviours = release(kargo)
    linter = Linter(behaviours) if every_release else Linter(behaviours, (behaviours,))
    return ignores.applied(linter.judge(bundle), found.texts)[0]


CLONE: Json = {
    "uses": "git-clone",
    "as": "clone",
    "config": {"repoURL": "git@github.com:acme/web.git", "checkout": [{"branch": "main", "path": "./src"}]},
}
PUSH: Json = {"uses": "git-push", "as": "push", "config": {"path": "./src"}}
COMMIT: Json = {"uses": "git-commit", "as": "commit", "config": {"path": "./src", "message": "x"}}
OPEN: Json = {"uses": "git-open-pr", "as": "pr"}
WAIT: Json = {"uses": "git-wait-for-pr", "as": "wait"}
HTTP: Json = {"uses": "http", "as": "ask", "config": {"url": "https://example.com"}}


def changed(step: Json, **fields: Any) -> Json:
    return {**copy.deepcopy(step), **fields}


def asking(**config: Any) -> Json:
    return changed(HTTP, config={**HTTP["config"], **config})


def pushing(name: str, branch: str, **config: Any) -> Json:
    push = changed(PUSH, config={"path": "src", "targetBranch": branch, **config})
    return stage(CLONE, push, name=name)


class Row(NamedTuple):
    """Manifests that break a rule, and others that do not, in one release."""

    rule: str
    broken: tuple[Json | str, ...]
    sound: tuple[Json | str, ...]
    kargo: str = LATEST.release


IF_TRUE = "${{ 1 == 1 }}"
ROWS = (
    Row(
        "runs-after-failure",
        (stage(CLONE, changed(PUSH, **{"if": IF_TRUE})),),
        (stage(CLONE, changed(PUSH, **{"if": "${{ success() && 1 == 1 }}"})),),
    ),
    Row(
        "failure-unseen",
        (stage(changed(CLONE, continueOnError=True), PUSH),),
        (stage(changed(CLONE, continueOnError=True), changed(PUSH, **{"if": "${{ status('clone') != '' }}"})),),
    ),
    Row(
        "green-without-work",
        (stage(changed(CLONE, retry={"errorThreshold": 3})),),
        (stage(changed(CLONE, retry={"errorThreshold": 3}, **{"if": "${{ always() }}"})),),
        "1.8.3",
    ),
    Row(
        "nothing-done",
        (stage(changed(CLONE, **{"if": "${{ ctx.meta.promotion.actor == 'me' }}"})),),
        (stage(changed(CLONE, **{"if": "${{ ctx.meta.promotion.actor == 'me' }}"}), PUSH),),
    ),
    Row(
        "retry-never-happens",
        (stage({"uses": "compose-output", "as": "out", "retry": {"errorThreshold": 3}}),),
        (stage(changed(CLONE, retry={"errorThreshold": 3})),),
    ),
    Row(
        "never-runs",
        (stage(changed(CLONE, continueOnError=True), changed(PUSH, **{"if": "${{ failure() }}"})),),
        (stage(CLONE, changed(PUSH, **{"if": "${{ failure() }}"})),),
    ),
    Row(
        "if-fails",
        (stage(OPEN, changed(PUSH, **{"if": "${{ outputs.pr.pr.id > 1 }}"})),),
        (stage(OPEN, changed(PUSH, **{"if": "${{ outputs.pr?.pr?.id != nil }}"})),),
    ),
    Row(
        "if-not-boolean",
        (stage(CLONE, changed(PUSH, **{"if": "success()"})),),
        (stage(CLONE, changed(PUSH, **{"if": "${{ success() }}"})),),
    ),
    Row(
        "config-fails",
        (
            stage(
                {"uses": "git-open-pr", "as": "pr"},
                changed(WAIT, config={"prNumber": "${{ outputs.pr.pr.id }}"}),
            ),
        ),
        (
            stage(
                {"uses": "git-open-pr", "as": "pr"},
                changed(
                    WAIT,
                    config={"prNumber": "${{ outputs.pr.pr.id }}"},
                    **{"if": "${{ status('pr') == 'Succeeded' }}"},
                ),
            ),
        ),
    ),
    Row(
        "output-unset",
        (stage(OPEN, {"uses": "git-tag", "as": "tag", "config": {"tag": "${{ outputs.pr }}"}}),),
        (stage(COMMIT, {"uses": "git-tag", "as": "tag", "config": {"tag": "${{ outputs.commit.commit }}"}}),),
    ),
    Row("unknown-kind", (stage({"uses": "argocd-wait"}),), (stage({"uses": "argocd-update"}),), "1.9.9"),
    Row(
        "timeout-never-fires",
        (stage(changed(CLONE, retry={"timeout": "5m"})),),
        (stage(changed(CLONE, retry={"timeout": "5m", "errorThreshold": 3})),),
    ),
    Row("waits-forever", (stage(WAIT),), (stage(changed(WAIT, retry={"timeout": "24h"})),)),
    Row("http-polls-forever", (stage(HTTP),), (stage(asking(successExpression="a", failureExpression="b")),)),
    Row(
        "http-never-succeeds",
        (stage(asking(failureExpression="response.status > 299")),),
        (stage(asking(failureExpression="response.status > 299", successExpression="response.status < 300")),),
    ),
    Row("repeated-by-restart", (stage(asking(method="POST"), WAIT),), (stage(asking(method="POST")),)),
    Row(
        "retries-spent-at-once",
        (stage(changed(CLONE, retry={"errorThreshold": 3})),),
        (stage(changed(CLONE, retry={"errorThreshold": 15})),),
    ),
    Row(
        "timeout-before-next-look",
        (stage(changed(WAIT, retry={"timeout": "2m"})),),
        (stage(changed(WAIT, retry={"timeout": "6m"})),),
        "1.10.10",
    ),
    Row(
        "unknown-alias",
        (stage(CLONE, changed(PUSH, **{"if": "${{ status('clon') == 'Succeeded' }}"})),),
        (stage(CLONE, changed(PUSH, **{"if": "${{ status('clone') == 'Succeeded' }}"})),),
    ),
    Row(
        "alias-comes-later",
        (stage(changed(PUSH, **{"if": "${{ status('clone') == '' }}"}), CLONE),),
        (stage(CLONE, changed(PUSH, **{"if": "${{ status('clone') == '' }}"})),),
    ),
    Row(
        "reserved-alias", (stage(changed(CLONE, **{"as": "step-1"})),), (stage(changed(CLONE, **{"as": "step-x"})),)
    ),
    Row("duplicate-alias", (stage(CLONE, CLONE),), (stage(CLONE, PUSH),)),
    Row(
        "refused",
        (stage({"task": {"name": "deploy"}}), task(CLONE, vars=[{"name": "image"}])),
        (
            stage({"task": {"name": "deploy"}, "vars": [{"name": "image", "value": "web"}]}),
            task(CLONE, vars=[{"name": "image"}]),
        ),
    ),
    Row("given-twice", (stage(CLONE), stage(PUSH)), (stage(CLONE), stage(PUSH, name="prod"))),
    Row(
        "task-not-given", (stage({"task": {"name": "deploy"}}),), (stage({"task": {"name": "deploy"}}), task(CLONE))
    ),
    Row(
        "ignored-field",
        (stage(changed(CLONE, retries=3)),),
        (stage(changed(CLONE, retry={"errorThreshold": 15})),),
    ),
    Row(
        "unavailable-freight",
        (
            stage(CLONE),
            stage(PUSH, name="prod", sources={"stages": ["test"]}),
            stage(name="test", sources={"stages": []}),
        ),
        (stage(CLONE), stage(PUSH, name="prod", sources={"stages": ["dev"]})),
    ),
    Row(
        "unknown-stage",
        (stage(CLONE, name="prod", sources={"stages": ["test"]}),),
        (stage(CLONE, name="prod", sources={"stages": ["test"]}), stage(CLONE, name="test")),
    ),
    Row(
        "soaked-elsewhere",
        (
            policies("prod"),
            stage(CLONE),
            stage(CLONE, name="test", sources={"stages": ["dev"]}),
            stage(
                CLONE,
                name="prod",
                sources={"stages": ["test"], "requiredSoakTime": "1h", "availabilityStrategy": "All"},
            ),
        ),
        (
            policies("prod"),
            stage(CLONE),
            stage(CLONE, name="test", sources={"stages": ["dev"]}),
            stage(
                CLONE,
                name="prod",
                sources={"stages": ["dev", "test"], "requiredSoakTime": "1h", "availabilityStrategy": "All"},
            ),
        ),
    ),
    Row(
        "pipeline-cycle",
        (
            stage(CLONE, sources={"direct": True, "stages": ["prod"]}),
            stage(CLONE, name="prod", sources={"stages": ["dev"]}),
        ),
        (stage(CLONE), stage(CLONE, name="prod", sources={"stages": ["dev"]})),
    ),
    Row(
        "auto-promotion-loop",
        (policies("dev"), warehouse(branch="main"), stage(CLONE, COMMIT, PUSH)),
        (policies("dev"), warehouse(branch="main", excludePaths=["rendered"]), stage(CLONE, COMMIT, PUSH)),
    ),
    Row(
        "shared-branch",
        (pushing("dev", "env/all"), pushing("prod", "env/all")),
        (pushing("dev", "env/${{ ctx.stage }}"), pushing("prod", "env/${{ ctx.stage }}")),
    ),
    Row(
        "name-breaks-order",
        (thing("Promotion", "dev.zebra", {"stage": "dev", "freight": "a", "steps": [CLONE]}),),
        (
            thing(
                "Promotion",
                "dev.01j0000000000000000000000a.abc1234",
                {"stage": "dev", "freight": "a", "steps": [CLONE]},
            ),
        ),
        "1.10.10",
    ),
    Row(
        "unused-ignore",
        (f"# kargo-model: ignore[unknown-kind] some day\n{yaml.safe_dump(stage(CLONE))}",),
        (f"# kargo-model: ignore[nothing-done] on purpose\n{yaml.safe_dump(stage(COMMIT))}",),
    ),
    Row(
        "bad-ignore",
        (f"# kargo-model: ignore[nothing-done]\n{yaml.safe_dump(stage(COMMIT))}",),
        (f"# kargo-model: ignore[nothing-done] on purpose\n{yaml.safe_dump(stage(COMMIT))}",),
    ),
)


def test_every_rule_has_a_row() -> None:
    assert [row.rule for row in ROWS] == [rule.id for rule in RULES]


@pytest.mark.parametrize("row", ROWS, ids=[row.rule for row in ROWS])
def test_a_rule_is_broken_by_these_and_not_by_those(row: Row, tmp_path: Path) -> None:
    broken = [f for f in judged(tmp_path, *row.broken, kargo=row.kargo) if f.rule.id == row.rule]
    sound = [f for f in judged(tmp_path, *row.sound, kargo=row.kargo) if f.rule.id == row.rule]

    assert broken
    assert sound == []
    for finding in broken:
        assert finding.place.file
        assert finding.place.line > 0
        assert finding.text
        assert row.kargo in finding.releases or finding.rule.id.endswith("-ignore")
        if finding.rule.judged is not Judged.READ:
            assert isinstance(finding.shown, Trace | Run)


def test_every_rule_is_documented() -> None:
    text = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    entries = [
        line.removeprefix("### `").removesuffix("`") for line in text.splitlines() if line.startswith("### `")
    ]

    assert entries == [rule.id for rule in RULES]
    for rule in RULES:
        entry = text.split(f"### `{rule.id}`")[1].split("\n### ")[0]
        assert all(word in entry for word in ("Why", "Example", "Fix")), rule.id
        assert f"({rule.level}" in entry, rule.id


def examples() -> dict[str, list[Json]]:
    """The examples of the page that are steps and nothing else, by rule."""
    text = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    entries = (entry.split("```yaml\n")[1].split("```")[0] for entry in text.split("\n### `")[1:])
    read = {rule.id: [*yaml.safe_load_all(entry)] for rule, entry in zip(RULES, entries, strict=True)}
    only_steps = (pair for pair in read.items() if pair[1] and isinstance(pair[1][0], list))
    return {rule: found[0] for rule, found in only_steps if rule not in IN_A_PIPELINE}


IN_A_PIPELINE = ("refused", "auto-promotion-loop", "shared-branch", "unavailable-freight")
"""Their examples leave out what is around the steps."""


@pytest.mark.parametrize("rule", [*examples()])
def test_the_example_of_a_rule_breaks_it(rule: str, tmp_path: Path) -> None:
    found = (judged(tmp_path, stage(*examples()[rule]), kargo=kargo) for kargo in ("1.11.2", "1.9.9", "1.8.3"))

    assert any(rule in {f.rule.id for f in each} for each in found)


AFFECTED = {
    "green-without-work": ("1.8.3",),
    "retries-spent-at-once": ("1.8.5", "1.9.9", "1.10.10", "1.11.2", "main"),
    "config-fails": ("1.10.10", "1.11.2", "main"),
    "unknown-kind": ("1.8.3", "1.8.5", "1.9.9"),
    "timeout-before-next-look": ("1.8.3", "1.8.5", "1.9.9", "1.10.10"),
    "name-breaks-order": ("1.8.3", "1.8.5", "1.9.9", "1.10.10"),
    "runs-after-failure": tuple(RELEASES),
}


@pytest.mark.parametrize("rule", AFFECTED)
def test_the_releases_are_those_in_which_it_happens(rule: str, tmp_path: Path) -> None:
    row = next(row for row in ROWS if row.rule == rule)
    [found, *_] = [
        f for f in judged(tmp_path, *row.broken, kargo=row.kargo, every_release=True) if f.rule.id == rule
    ]

    assert found.releases == AFFECTED[rule]
    assert BY_ID[rule] is found.rule
