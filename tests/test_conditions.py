"""What is unknown before there is a Promotion, and the same for all its steps, is explored as one question."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.expressions import UNKNOWN, Evaluation, Failure, Undecided, Value
from model.kargo.conditions import answers, outcomes, parts_of
from model.kargo.phases import StepPhase
from model.kargo.step_engine import Condition, Entry
from tests.test_lint_rules import CLONE, Json, changed, judged, stage, task

ME, NOT_ME = "ctx.meta.promotion.actor == 'me'", "ctx.meta.promotion.actor != 'me'"
NEW = "imageFrom('acme/web').Tag startsWith 'v2'"
PARSE: Json = {"uses": "yaml-parse", "as": "values", "config": {"path": "v.yaml", "outputs": []}}
WRITE: Json = {"uses": "git-clear", "as": "last", "config": {"path": "${{ outputs.values.a.b }}"}}


def rules_broken(folder: Path, *documents: Json) -> set[str]:
    return {f.rule.id for f in judged(folder, *documents)}


@pytest.mark.parametrize(
    ("first", "second", "may_miss"),
    [
        (f"success() && {ME}", f"success() && {ME}", False),
        (f"success() && {ME}", 'success()  and  ctx.meta.promotion.actor == "me"', False),
        (f"!failure() && {ME}", f"{ME} && success()", False),
        (f"success() && {ME}", f"success() && {ME} && {NEW}", False),
        (f"success() && ({ME} || {NEW})", f"success() && ({ME} || {NEW})", False),
        (f"success() && {ME} && {NEW}", f"success() && {ME}", True),
        (f"success() && {ME}", f"success() && {NOT_ME}", True),
        (f"success() && {ME}", f"success() && {NEW}", True),
        (f"success() && ({ME} || {NEW})", f"success() && {ME}", True),
        (f"failure() && {ME}", f"success() && {ME}", True),
        (f"success() && ctx.meta.step.alias == '' || {ME}", f"success() && {ME}", True),
    ],
)
def test_steps_with_the_same_question_run_both_or_not_at_all(
    tmp_path: Path, first: str, second: str, may_miss: bool
) -> None:
    reads = changed(WRITE, **{"if": f"${{{{ {second} }}}}"})
    found = rules_broken(tmp_path, stage(CLONE, changed(PARSE, **{"if": f"${{{{ {first} }}}}"}), reads))

    assert ("config-fails" in found) is may_miss
    assert "output-unset" not in found


LEFT, EARLY = "outputs.first.tag != 'latest'", "outputs.first?.tag == 'latest'"


@pytest.mark.parametrize(
    ("order", "first", "second", "may_miss"),
    [
        ((0, 1, 2), f"success() && {LEFT}", f"success() && {LEFT}", False),
        ((0, 1, 2), f"success() && {LEFT}", "success() && outputs.first.other != 'latest'", True),
        ((1, 0, 2), f"success() && {EARLY}", f"success() && {EARLY}", True),
    ],
)
def test_what_a_step_left_is_the_same_for_all_that_come_after_it(
    tmp_path: Path, order: tuple[int, ...], first: str, second: str, may_miss: bool
) -> None:
    leaves = changed(PARSE, **{"as": "first"})
    then = changed(PARSE, **{"if": f"${{{{ {first} }}}}"})
    reads = changed(WRITE, **{"if": f"${{{{ {second} }}}}"})
    found = judged(tmp_path, stage(CLONE, *((leaves, then, reads)[k] for k in order)))

    assert ("config-fails" in {f.rule.id for f in found if f.step == "last"}) is may_miss


@pytest.mark.parametrize(
    ("asked", "kind", "may_miss"),
    [
        ("stageMetadata('dev').ready", "set-metadata", True),
        ("stageMetadata('dev').ready", "set-freight-alias", False),
        ("ctx.targetFreight.alias == 'x'", "set-freight-alias", True),
        ("ctx.targetFreight.alias == 'x'", "set-metadata", False),
        ("ctx.targetFreight.name == 'x'", "set-freight-alias", False),
    ],
)
def test_what_a_step_writes_is_asked_anew_after_it(tmp_path: Path, asked: str, kind: str, may_miss: bool) -> None:
    if_ = {"if": f"${{{{ success() && {asked} }}}}"}
    first, reads = changed(PARSE, **if_), changed(WRITE, **if_)
    between = {"uses": kind, "as": "between", "config": {}}

    assert "config-fails" not in rules_broken(tmp_path, stage(CLONE, between, first, reads))
    other = changed(between, uses="copy")  # which can come back with the same as `set-metadata`
    both = [stage(CLONE, first, each, reads, name=each["uses"]) for each in (other, between)]
    found = {f.subject for f in judged(tmp_path, *both) if (f.rule.id, f.step) == ("config-fails", "last")}
    assert (f"Stage {kind}" in found) is may_miss


def test_of_two_steps_for_either_answer_one_does_something(tmp_path: Path) -> None:
    either = [
        changed(PARSE, **{"as": f"a{k}", "if": f"${{{{ success() && {asked} }}}}"})
        for k, asked in enumerate((ME, NOT_ME))
    ]

    assert "nothing-done" not in rules_broken(tmp_path, stage(*either))
    assert "nothing-done" in rules_broken(tmp_path, stage(either[0]))


def test_a_variable_of_a_task_has_one_value_for_all_its_steps(tmp_path: Path) -> None:
    asked = "${{ success() && vars.render == 'yes' }}"
    reads = changed(WRITE, config={"path": "${{ task.outputs.values.a.b }}"}, **{"if": asked})
    steps = CLONE, changed(PARSE, **{"if": asked}), reads

    assert "config-fails" not in rules_broken(tmp_path, task(*steps, vars=[{"name": "render"}]))


def test_what_is_false_whatever_the_answer_skips_the_step(tmp_path: Path) -> None:
    never = changed(PARSE, **{"if": f"${{{{ {ME} && 1 == 2 }}}}"})

    assert "never-runs" in rules_broken(tmp_path, stage(CLONE, never))


SKIPPED, BEGUN = Entry(StepPhase.SKIPPED), Entry(StepPhase.SUCCEEDED, 0)


def test_what_was_skipped_answers_the_only_question_that_is_open() -> None:
    both = parts_of("both", f"${{{{ success() && {ME} && {NEW} }}}}", (), "1.11.2")
    one = parts_of("one", f"${{{{ {ME} }}}}", (), "1.11.2")
    [me], new = one.questions, *(both.questions - one.questions)

    assert answers([one, both], {"one": BEGUN, "both": SKIPPED}, has_failures=False) == {me: True, new: False}
    assert answers([both], {"both": SKIPPED}, has_failures=False) == {}
    assert answers([one, both], {"one": BEGUN, "both": SKIPPED}, has_failures=True) == {me: True}
    assert answers([both], {"both": BEGUN}, has_failures=True) == {me: True, new: True}
    assert answers([both], {"both": None}, has_failures=False) == {}


def test_an_if_comes_to_whatever_its_parts_leave_open() -> None:
    parts = parts_of("a", f"${{{{ {ME} && {NEW} && outputs.x.y }}}}", (), "1.11.2").parts
    says: dict[str, Evaluation] = {parts[0].text: Undecided("unknown"), parts[1].text: Value(False)}

    def found(last: Evaluation) -> set[Condition]:
        return set(outcomes(parts, {}, lambda text: says.get(text, last), again=again))

    again = False
    assert found(Value(False)) == {Condition(True), Condition(False)}
    assert found(Value(True)) == {Condition(False)}
    assert found(Failure("no")) == {Condition(None, "no"), Condition(False)}
    assert found(Undecided(str(UNKNOWN))) == {Condition(True), Condition(False)}
    again = True
    assert found(Value(False)) == found(Undecided(str(UNKNOWN))) == {Condition(True)}


@pytest.mark.parametrize("asked", [ME, "outputs.values?.tag != nil"])
def test_what_is_asked_again_at_the_next_attempt_is_answered_alike(tmp_path: Path, asked: str) -> None:
    """1.8.3 asks the `if` again before every attempt."""
    tried = {"uses": "git-push", "as": "push", "retry": {"errorThreshold": 20}, "config": {"path": "a"}}
    for guard, found in ((f"always() && {asked}", False), (f"success() && {asked}", True)):
        step = changed(tried, **{"if": f"${{{{ {guard} }}}}"})
        rules = {f.rule.id for f in judged(tmp_path, stage(CLONE, PARSE, step), kargo="1.8.3")}
        assert ("green-without-work" in rules) is found, guard
