"""Manifests like those of real teams: what is no mistake is not told, and what looks like none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulations.kargo.lint.rules import Finding, Level
from tests.test_lint_rules import (
    CLONE,
    COMMIT,
    HTTP,
    PUSH,
    WAIT,
    Json,
    asking,
    changed,
    judged,
    policies,
    stage,
    task,
    thing,
    warehouse,
)

MERGE: Json = {"uses": "git-merge-pr", "as": "merge", "config": {"prNumber": 1}}
TIMED: Json = {"retry": {"timeout": "10m"}}


def of_rule(found: tuple[Finding, ...], rule: str) -> list[Finding]:
    return [finding for finding in found if finding.rule.id == rule]


# What a step can do


def test_a_pull_request_that_is_not_waited_for_waits_for_nothing(tmp_path: Path) -> None:
    waiting = changed(MERGE, config={"prNumber": 1, "wait": True})

    assert of_rule(judged(tmp_path, stage(waiting)), "waits-forever")
    assert not of_rule(judged(tmp_path, stage(MERGE)), "waits-forever")
    assert of_rule(judged(tmp_path, stage(changed(MERGE, **TIMED))), "timeout-never-fires")
    assert not of_rule(judged(tmp_path, stage(changed(waiting, **TIMED))), "timeout-never-fires")
    for step, found in ((MERGE, False), (waiting, True)):
        short = stage(changed(step, retry={"timeout": "2m"}))
        assert bool(of_rule(judged(tmp_path, short, kargo="1.10.10"), "timeout-before-next-look")) is found


def test_every_step_without_a_runner_is_told(tmp_path: Path) -> None:
    unknown = ("kustomize-set-imag", "jira", "argocd-wait")
    steps = [{"uses": kind, "as": f"s{k}"} for k, kind in enumerate(unknown)]
    found = of_rule(judged(tmp_path, stage(CLONE, *steps), kargo="1.9.9", every_release=True), "unknown-kind")

    assert [f.text.partition(": ")[2] for f in found] == [
        'is "kustomize-set-image" meant?',
        "only the commercial edition may have one",
        "it came with 1.10",
    ]
    assert found[2].releases == ("1.8.3", "1.8.5", "1.9.9")
    assert found[0].shown  # nothing comes before it


# What is read


def test_a_guard_keeps_a_step_from_what_is_not_there(tmp_path: Path) -> None:
    reads = changed(PUSH, config={"path": "${{ outputs.commit.commit }}"})
    for asked in ("success() && ctx.meta.promotion.actor == 'me'", "success() && outputs.commit.commit != ''"):
        guarded = changed(reads, **{"if": f"${{{{ {asked} }}}}"})
        assert not of_rule(judged(tmp_path, stage(CLONE, COMMIT, guarded)), "output-unset"), asked

    allowed = changed(COMMIT, continueOnError=True)
    assert of_rule(judged(tmp_path, stage(CLONE, allowed, guarded)), "output-unset")


@pytest.mark.parametrize("kargo", ["1.8.3", "1.11.2"])
def test_some_kinds_never_leave_an_output(tmp_path: Path, kargo: str) -> None:
    build = {"uses": "kustomize-build", "as": "build", "config": {"path": "a", "outPath": "b"}}
    reads = changed(COMMIT, config={"path": "a", "message": "${{ outputs.build.commitMessage }}"})
    [found] = of_rule(judged(tmp_path, stage(CLONE, build, reads), kargo=kargo), "output-unset")
    updated = changed(build, uses="kustomize-set-image")

    assert found.severity is Level.WARNING
    assert found.text.endswith("reads the output of build, and kustomize-build never leaves one")
    assert not of_rule(judged(tmp_path, stage(CLONE, updated, reads), kargo=kargo), "output-unset")


def test_an_alarm_may_read_with_care(tmp_path: Path) -> None:
    alarm = changed(HTTP, **{"if": "${{ failure() }}"}, retry={"timeout": "10m"})
    for text, found in (("outputs.push.branch", True), ("outputs.push?.branch ?? 'none'", False)):
        reads = changed(alarm, config={**HTTP["config"], "body": f"${{{{ {text} }}}}"})
        assert bool(of_rule(judged(tmp_path, stage(CLONE, PUSH, reads)), "config-fails")) is found


def test_a_look_before_a_step_is_run_is_no_look(tmp_path: Path) -> None:
    looks = changed(PUSH, **{"if": "${{ status('bump') == '' }}"})
    bump = changed(COMMIT, continueOnError=True, **{"as": "bump"})

    assert of_rule(judged(tmp_path, stage(looks, bump)), "failure-unseen")
    assert not of_rule(judged(tmp_path, stage(bump, looks)), "failure-unseen")


def test_a_message_at_the_end_may_fail(tmp_path: Path) -> None:
    tell = changed(HTTP, continueOnError=True, retry={"timeout": "10m"})
    more = changed(tell, **{"as": "more"})
    for steps, level in (((CLONE, tell, more), Level.NOTE), ((CLONE, tell, PUSH), Level.WARNING)):
        found = of_rule(judged(tmp_path, stage(*steps)), "failure-unseen")
        assert {f.severity for f in found} == {level}


def test_status_does_not_see_the_steps_of_a_task(tmp_path: Path) -> None:
    def asking_for(what: str) -> list[Finding]:
        asks = changed(WAIT, **{"if": f"${{{{ {what} == 'Failed' }}}}"})
        found = judged(tmp_path, stage({"task": {"name": "deploy"}, "as": "d"}, asks), task(CLONE))
        return of_rule(found, "unknown-alias")

    [found] = asking_for("status('d::clone')")
    assert "status('d::clone') is always empty" in found.text
    assert asking_for("stepMetas['d::clone'].Status") == []
    assert asking_for("outputs['d::clone'].a") == []


def test_what_a_task_reads_of_others_is_unknown_without_them(tmp_path: Path) -> None:
    def found(read: str, *others: Json) -> set[str]:
        tag = {"uses": "git-clear", "as": "last", "config": {"path": f"${{{{ {read} }}}}"}}
        return {f.rule.id for f in judged(tmp_path, task(CLONE, tag), *others)}

    missing = {"unknown-alias", "config-fails", "output-unset"}
    assert not found("outputs.commit.commit") & missing
    assert "unknown-alias" in found("outputs.clone.commits")  # task.outputs is meant
    assert "unknown-alias" in found("task.outputs.commit.commit")
    using = {"task": {"name": "deploy"}, "as": "d"}
    assert "unknown-alias" in found("outputs.commit.commit", stage(CLONE, using))
    assert not found("outputs.commit.commit", stage(CLONE, COMMIT, using)) & missing


# Tasks that several Stages use


SWITCHED = [
    changed(CLONE, **{"as": kind, "if": f"${{{{ success() && vars.engine == '{kind}' }}}}"})
    for kind in ("helm", "kustomize")
]


def using(name: str, engine: str) -> Json:
    step = {"task": {"name": "deploy"}, "as": "d", "vars": [{"name": "engine", "value": engine}]}
    return stage(step, name=name)


def test_a_step_of_a_task_runs_if_it_runs_for_somebody(tmp_path: Path) -> None:
    shared = task(*SWITCHED, vars=[{"name": "engine"}])
    both = judged(tmp_path, using("dev", "helm"), using("prod", "kustomize"), shared)
    one = of_rule(judged(tmp_path, using("dev", "helm"), using("prod", "helm"), shared), "never-runs")

    assert of_rule(both, "never-runs") == []
    assert [(f.step, f.subject, f.also, f.severity) for f in one] == [
        ("d::kustomize", "Stage dev", ("Stage prod",), Level.NOTE)
    ]


@pytest.mark.parametrize(
    ("asked", "level", "said"),
    [
        ("vars.engine == 'none'", Level.NOTE, "as long as what its `if` reads"),
        ("ctx.stage == 'prod'", Level.NOTE, "as long as what its `if` reads"),
        ("ctx.meta.promotion.rollbak == false", Level.WARNING, "whatever the steps before it come to"),
        ("vars.engin == 'helm'", Level.WARNING, "reads the variable engin, which nobody defines"),
        ("status('clone') == 'succeeded'", Level.WARNING, "whatever the steps before it come to"),
    ],
)
def test_a_switch_that_is_off_is_no_mistake(tmp_path: Path, asked: str, level: Level, said: str) -> None:
    step = changed(PUSH, **{"if": f"${{{{ success() && {asked} }}}}"})
    found = judged(tmp_path, stage(CLONE, step, vars=[{"name": "engine", "value": "helm"}]))
    [never] = of_rule(found, "never-runs")

    assert never.severity is level
    assert said in never.text


def test_an_expression_is_no_method(tmp_path: Path) -> None:
    for method, level, said in (
        ("${{ vars.method }}", Level.NOTE, "the request is sent again"),
        ("post", Level.WARNING, "the POST request is sent again"),
    ):
        found = judged(tmp_path, stage(asking(method=method), WAIT))
        assert [(f.severity, said in f.text) for f in of_rule(found, "repeated-by-restart")] == [(level, True)]


# Pipelines


def warehouse_with(spec: Json, **git: str) -> Json:
    found = warehouse(**git)
    return {**found, "spec": {**found["spec"], **spec}}


@pytest.mark.parametrize(
    ("spec", "git", "loops"),
    [
        ({}, {}, True),
        ({"freightCreationPolicy": "Automatic"}, {"commitSelectionStrategy": "NewestFromBranch"}, True),
        ({"freightCreationPolicy": "Manual"}, {}, False),
        ({"freightCreationCriteria": {"expression": "commitFrom('x').Author != 'Kargo'"}}, {}, False),
        ({}, {"commitSelectionStrategy": "SemVer"}, False),
        ({}, {"commitSelectionStrategy": "NewestTag"}, False),
        ({}, {"expressionFilter": "author != 'Kargo'"}, False),
    ],
)
def test_what_a_warehouse_does_not_find_by_itself_makes_no_loop(
    tmp_path: Path, spec: Json, git: dict[str, str], loops: bool
) -> None:
    found = judged(tmp_path, policies("dev"), warehouse_with(spec, **git), stage(CLONE, COMMIT, PUSH))

    assert bool(of_rule(found, "auto-promotion-loop")) is loops


def test_stages_of_one_name_are_told_apart_by_their_projects(tmp_path: Path) -> None:
    there = stage(CLONE, PUSH)
    there["metadata"]["namespace"] = "other"
    [found] = of_rule(judged(tmp_path, stage(CLONE, PUSH), there), "shared-branch")

    assert found.text.endswith("and so does Stage dev of demo")


def test_a_stage_through_which_freight_only_passes_is_a_stage(tmp_path: Path) -> None:
    gate = thing("Stage", "gate", stage()["spec"])
    found = judged(tmp_path, gate, stage(changed(HTTP, **TIMED), name="prod", sources={"stages": ["gate"]}))

    assert not of_rule(found, "unavailable-freight")
