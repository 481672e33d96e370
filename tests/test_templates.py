"""What a Promotion runs, from the manifests given."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest

from model.documents import InputError, parse
from model.kargo.manifest_types import Retry
from model.kargo.manifests import load, read_manifests
from model.kargo.task_vars import step_vars, task_vars
from model.kargo.templates import names, template
from tests.test_manifests import PROMOTION, STAGE, TASK, changed

EXAMPLE = Path(__file__).parent.parent / "simulations/kargo/scenarios/skip-vs-retry"
STEPS = "spec.promotionTemplate.spec.steps"


def made(*objects, **options):
    text = "\n---\n".join(json.dumps(o) for o in objects)
    return template(read_manifests(parse(text.encode(), "in.yaml")), **options)


def refusal(*objects, **options):
    with pytest.raises(InputError) as refused:
        made(*objects, **options)
    return str(refused.value)


def variables(**values):
    return [{"name": name, "value": value} if value else {"name": name} for name, value in values.items()]


def test_the_example_of_the_report():
    found = template(load([EXAMPLE / "stage.yaml", EXAMPLE / "task.yaml"]))
    (step,) = found.steps
    assert (step.alias, step.kind, step.condition) == ("task-1::gitClone", "git-clone", "")
    assert step.retry == Retry(None, 3)
    assert [name for name, _ in step.vars] == ["gitOpsRepoURL", "gitOpsRepoBranch"]
    assert found.warnings == ()
    assert found.subject == "Stage test-skipped-step"


def test_a_task_on_its_own_runs_as_the_only_step_of_a_template():
    both = load([EXAMPLE / "stage.yaml", EXAMPLE / "task.yaml"])
    assert template(load([EXAMPLE / "task.yaml"])) == template(both)
    assert template(both, name="test-skipped") == template(both)
    assert template(load([EXAMPLE / "task.yaml"])).subject == "ClusterPromotionTask test-skipped"


def test_the_order_of_documents_does_not_matter():
    assert made(STAGE, TASK) == made(TASK, STAGE)


def test_steps_get_their_aliases_by_their_place_in_their_own_list():
    found = made(STAGE, TASK)
    assert [s.alias for s in found.steps] == ["ask", "task-2::clone", "task-2::step-2"]
    named = changed(STAGE, f"{STEPS}.1.as", "ship")
    assert [s.alias for s in made(named, TASK).steps] == ["ask", "ship::clone", "ship::step-2"]
    bare = changed(STAGE, f"{STEPS}.0.as", ...)
    assert made(bare, TASK).steps[0].alias == "step-1"


def test_a_step_keeps_everything_it_says():
    step = made(STAGE, TASK).steps[0]
    assert step.condition == "${{ success() }}"
    assert step.continue_on_error
    assert step.retry == Retry(300_000, 3)
    assert step.vars == (("x", "1"),)
    assert step.config == '{"headers": [], "url": "https://example.com"}'
    assert (step.where.document, step.where.path) == (1, f"{STEPS}[0]")


def test_the_vars_of_the_stage_come_before_those_of_its_template():
    assert made(STAGE, TASK).vars == (("where", "here"), ("branch", "main"))


def test_inflated_steps_get_the_vars_of_the_task_then_those_of_the_task_step_then_their_own():
    task = changed(TASK, "spec.steps.0.vars", variables(own="1"))
    assert made(STAGE, task).steps[1].vars == (("tag", "latest"), ("image", "web"), ("own", "1"))


def test_a_var_of_the_promotion_takes_the_place_of_a_default():
    stage = changed(STAGE, "spec.vars", variables(tag="v1"))
    assert made(stage, TASK).steps[1].vars == (("image", "web"),)
    empty = changed(STAGE, "spec.vars", variables(tag=""))
    assert made(empty, TASK).steps[1].vars == (("tag", "latest"), ("image", "web"))


@pytest.mark.parametrize("given", [..., variables(image="")])
def test_a_task_var_without_a_value_is_refused(given):
    stage = changed(STAGE, f"{STEPS}.1.vars", given)
    assert 'the variable "image" of PromotionTask deploy has no value' in refusal(stage, TASK)
    assert 'the variable "image"' in refusal(TASK)


def test_a_missing_task_is_named():
    column = json.dumps(STAGE).index('{"task"') + 1
    assert refusal(STAGE) == (
        f"in.yaml:1:{column}: document 1, spec.promotionTemplate.spec.steps[1]: Stage test needs "
        "PromotionTask deploy of namespace acme, which is not given; add the document that defines it to the input"
    )
    elsewhere = changed(TASK, "metadata.namespace", "other")
    assert "needs PromotionTask deploy of namespace acme" in refusal(STAGE, elsewhere)
    cluster = {**TASK, "kind": "ClusterPromotionTask"}
    assert "needs PromotionTask deploy" in refusal(STAGE, cluster)


def test_a_task_without_a_namespace_is_one_of_any():
    assert made(STAGE, changed(TASK, "metadata.namespace", ...)) == made(STAGE, TASK)
    assert made(STAGE, TASK, changed(TASK, "metadata.namespace", ...)) == made(STAGE, TASK)


def test_a_cluster_task_has_no_namespace():
    stage = changed(STAGE, f"{STEPS}.1.task.kind", "ClusterPromotionTask")
    cluster = changed({**TASK, "kind": "ClusterPromotionTask"}, "metadata.namespace", "elsewhere")
    assert made(stage, TASK, cluster) == made(STAGE, TASK)


def test_an_empty_condition_is_none():
    assert made(changed(STAGE, f"{STEPS}.1.if", ""), TASK) == made(STAGE, TASK)


def test_a_task_given_twice_is_refused():
    assert '"deploy" is given 2 times' in refusal(STAGE, TASK, TASK)


@pytest.mark.parametrize("alias", ["step-1", "task-12", " step-3 "])
def test_reserved_aliases_are_refused(alias):
    assert "is reserved" in refusal(changed(STAGE, f"{STEPS}.0.as", alias), TASK)
    assert "is reserved" in refusal(STAGE, changed(TASK, "spec.steps.0.as", alias))


def test_doubled_aliases_are_refused():
    stage = changed(STAGE, f"{STEPS}.1.as", "ask ")
    assert 'the alias "ask" is that of the step on line 1' in refusal(stage, TASK)
    assert 'the alias "clone"' in refusal(STAGE, changed(TASK, "spec.steps.1.as", "clone"))


def test_aliases_that_become_equal_share_their_metadata():
    stage = changed(STAGE, f"{STEPS}.0.as", "task-2::clone")
    found = made(stage, TASK)
    assert "shares the alias" in str(found.warnings[0])


def test_a_promotion_goes_before_a_stage_and_a_stage_before_a_task():
    assert made(TASK, STAGE, PROMOTION).subject == "Promotion test.01"
    assert made(TASK, STAGE).subject == "Stage test"


def test_a_choice_among_several_needs_a_name():
    other = changed(STAGE, "metadata.name", "prod")
    assert "there are 2 Stages to run, choose one by name: test (in.yaml:1:1: document 1), prod" in refusal(
        STAGE, other, TASK
    )
    assert made(STAGE, other, TASK, name="prod").subject == "Stage prod"
    assert made(STAGE, other, PROMOTION, TASK, name="test").subject == "Stage test"
    assert "no Promotion, Stage or task named" in refusal(STAGE, TASK, name="nope\x1b")
    far = changed(STAGE, "metadata.namespace", "far")
    assert made(far, STAGE, TASK, name="acme/test") == made(STAGE, TASK)
    assert "test (in.yaml:3:1: document 2)" in refusal(far, STAGE, TASK, name="test")
    assert "their names are the same" in refusal(STAGE, STAGE, TASK, name="test")


def test_everything_that_may_run_has_a_name_of_its_own():
    of_cluster = changed(TASK, "kind", "ClusterPromotionTask")
    del of_cluster["metadata"]["namespace"]
    given = [changed(STAGE, "metadata.name", "same"), changed(STAGE, "metadata.name", "other")]
    given += [changed(changed(task, "metadata.name", "same"), "spec.vars", []) for task in (TASK, of_cluster)]
    for stage in given[:2]:
        stage["spec"]["promotionTemplate"]["spec"]["steps"] = [{"uses": "git-clone"}]
    text = "\n---\n".join(map(json.dumps, given))
    found = names(read_manifests(parse(text.encode(), "in.yaml")))

    assert found == ("Stage/acme/same", "acme/other", "PromotionTask/acme/same", "/same")
    subjects = [made(*given, name=name).subject for name in found]
    assert subjects == ["Stage same", "Stage other", "PromotionTask same", "ClusterPromotionTask same"]


def test_a_stage_without_a_template_has_nothing_to_run():
    assert "Stage test defines no promotion steps" in refusal(changed(STAGE, "spec.promotionTemplate", ...))
    assert "defines no promotion steps" in refusal(changed(STAGE, STEPS, ...))


def test_a_stored_promotion_runs_its_own_steps():
    stored = changed(PROMOTION, "metadata.uid", "1")
    for release in ("", "1.8.3", "main"):
        found = made(stored, STAGE, TASK, release=release)
        assert [s.alias for s in found.steps] == ["step-1"]
        assert found.vars == ()


def test_a_new_promotion_keeps_its_steps_up_to_1_10():
    for release in ("", "1.8.3", "1.8.5", "1.9.9", "1.10.10"):
        assert [s.kind for s in made(PROMOTION, STAGE, TASK, release=release).steps] == ["copy"]


def test_a_new_promotion_gets_the_steps_of_its_stage_since_1_11():
    for release in ("1.11.2", "main"):
        found = made(PROMOTION, STAGE, TASK, release=release)
        assert found == made(STAGE, TASK)
        assert "replaced by those of its Stage" in str(found.warnings[0])
        alone = made(PROMOTION, release=release)
        assert [s.kind for s in alone.steps] == ["copy"]
        assert "Stage test is not given" in str(alone.warnings[0])


def test_a_promotion_without_steps():
    bare = changed(PROMOTION, "spec.steps", ...)
    assert made(bare, STAGE, TASK) == made(bare, STAGE, TASK, release="main") == made(STAGE, TASK)
    assert "defines no promotion steps" in refusal(bare, STAGE, TASK, release="1.10.10")
    assert "its Stage test is not given" in refusal(bare)


def test_a_new_promotion_may_refer_to_tasks_and_loses_what_stands_beside_the_reference():
    step = {"task": {"name": "deploy"}, "vars": variables(image="x"), "if": "${{ false }}", "retry": {}}
    found = made(changed(PROMOTION, "spec.steps", [step]), TASK, release="1.9.9")
    assert [s.alias for s in found.steps] == ["task-1::clone", "task-1::step-2"]
    assert {s.condition for s in found.steps} == {""}
    assert ["'if'" in str(found.warnings[0]), "'retry'" in str(found.warnings[1])] == [True, True]


def test_aliases_of_a_promotion_are_not_checked():
    steps = [{"uses": "copy", "as": "step-7"}, {"uses": "copy", "as": "step-7"}]
    found = made(changed(PROMOTION, "spec.steps", steps))
    assert [s.alias for s in found.steps] == ["step-7", "step-7"]
    assert "shares the alias" in str(found.warnings[0])


def test_where_a_step_was_written_makes_no_difference():
    moved = deepcopy(STAGE)
    assert made(moved, TASK) == made(TASK, moved)
    assert hash(made(moved, TASK)) == hash(made(TASK, moved))


def test_warnings_of_the_manifests_are_those_of_the_template():
    found = made(changed(STAGE, f"{STEPS}.0.continueonerror", True), TASK)
    assert "continueOnError" in str(found.warnings[0])


def several(prefix, count):
    return tuple((f"{prefix}{i}", "x") for i in range(count))


def spare_room(defaults, given):
    """Room behind the shared variables, and whether the first step's own variable survives."""
    shared, missing = task_vars(several("d", defaults), (), several("g", given))
    assert not missing
    (first, second), lost = step_vars(shared, [(("own", "1"),), (("own", "2"),)])
    assert second[-1] == ("own", "2")
    survives = first[-1] == ("own", "1")
    assert survives != bool(lost)
    return shared.capacity - len(shared.vars), survives


# What Go 1.26 answers for as many defaults (down) and variables of the task step (across).
SPARE_ROOM = """
 0. 0. 0. 0. 0. 0. 0. 0. 0. 0. 0. 0.
 0. 0. 0. 0. 0. 0. 0. 0. 0. 0. 0. 0.
 0. 1! 0. 0. 0. 0. 0. 0. 0. 0. 0. 0.
 1! 0. 3! 2! 1! 0. 0. 0. 0. 0. 0. 0.
 0. 3! 2! 1! 0. 0. 0. 0. 0. 0. 0. 0.
 3! 2! 1! 0. 7! 6! 5! 4! 3! 2! 1! 0.
 2! 1! 0. 7! 6! 5! 4! 3! 2! 1! 0. 0.
 1! 0. 7! 6! 5! 4! 3! 2! 1! 0. 0. 1!
 0. 7! 6! 5! 4! 3! 2! 1! 0. 0. 1! 0.
 7! 6! 5! 4! 3! 2! 1! 0. 18! 17! 16! 15!
 6! 5! 4! 3! 2! 1! 0. 18! 17! 16! 15! 14!
 5! 4! 3! 2! 1! 0. 18! 17! 16! 15! 14! 13!
"""


def test_slices_have_the_room_that_go_gives_them():
    rows = SPARE_ROOM.strip().split("\n")
    for defaults, row in enumerate(rows):
        for given, cell in enumerate(row.split()):
            assert spare_room(defaults, given) == (int(cell[:-1]), cell.endswith("."))


def test_own_vars_of_the_steps_of_a_task_overwrite_each_other_where_go_shares_memory():
    task = changed(TASK, "spec.vars", variables(a="1", b="2", c="3"))
    task["spec"]["steps"] = [
        {"uses": "copy", "as": "first", "vars": variables(x="first")},
        {"uses": "copy", "as": "bare"},
        {"uses": "copy", "as": "long", "vars": variables(y="long", z="long")},
        {"uses": "copy", "as": "last", "vars": variables(w="last")},
    ]
    found = made(task)
    assert [s.vars[3:] for s in found.steps] == [
        (("w", "last"),),
        (),
        (("y", "long"), ("z", "long")),
        (("w", "last"),),
    ]
    (warning,) = found.warnings
    assert warning.text == 'the value of "x" for this step is lost: Kargo overwrites it with "w" of task-1::last'
    assert warning.place.path == "spec.steps[0]"


def test_a_var_that_is_overwritten_by_an_equal_one_is_not_lost():
    shared, _ = task_vars(several("d", 3), (), ())
    found, lost = step_vars(shared, [(("x", "1"),), (("x", "1"),)])
    assert found[0] == found[1]
    assert lost == []
