"""Manifests as values: what is taken, what is refused and in which words."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.documents import InputError, parse
from model.kargo.durations import format_duration, parse_duration
from model.kargo.manifest_types import RequestedFreight, Retry, TaskRef
from model.kargo.manifests import load, read_manifests
from model.kargo.step_kinds import RELEASES, STEP_KINDS, Result, step_kind
from model.kargo.templates import template

EXAMPLE = Path(__file__).parent.parent / "simulations/kargo/scenarios/skip-vs-retry"
API = "kargo.akuity.io/v1alpha1"

STAGE = {
    "apiVersion": API,
    "kind": "Stage",
    "metadata": {"name": "test", "namespace": "acme"},
    "spec": {
        "vars": [{"name": "where", "value": "here"}],
        "requestedFreight": [
            {
                "origin": {"kind": "Warehouse", "name": "web"},
                "sources": {"direct": True, "stages": ["dev"], "requiredSoakTime": "1h30m"},
            }
        ],
        "promotionTemplate": {
            "spec": {
                "vars": [{"name": "branch", "value": "main"}],
                "steps": [
                    {
                        "uses": "http",
                        "as": "ask",
                        "if": "${{ success() }}",
                        "continueOnError": True,
                        "retry": {"timeout": "5m", "errorThreshold": 3},
                        "vars": [{"name": "x", "value": "1"}],
                        "config": {"url": "https://example.com", "headers": []},
                    },
                    {"task": {"name": "deploy"}, "vars": [{"name": "image", "value": "web"}]},
                ],
            }
        },
    },
}
TASK = {
    "apiVersion": API,
    "kind": "PromotionTask",
    "metadata": {"name": "deploy", "namespace": "acme"},
    "spec": {
        "vars": [{"name": "image"}, {"name": "tag", "value": "latest"}],
        "steps": [{"uses": "git-clone", "as": "clone"}, {"uses": "git-push"}],
    },
}
PROMOTION = {
    "apiVersion": API,
    "kind": "Promotion",
    "metadata": {"name": "test.01", "namespace": "acme"},
    "spec": {"stage": "test", "freight": "abc", "steps": [{"uses": "copy", "as": "step-1"}]},
}


def manifests(*objects):
    text = "\n---\n".join(json.dumps(o) for o in objects)
    return read_manifests(parse(text.encode(), "in.yaml"))


def changed(obj, path, value):
    """A copy of `obj` in which the field at the dotted `path` is `value`; `...` removes it."""
    copy = deepcopy(obj)
    *way, last = (int(p) if p.isdigit() else p for p in path.split("."))
    inner = copy
    for part in way:
        inner = inner[part]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return copy


def refusal(*objects):
    with pytest.raises(InputError) as refused:
        manifests(*objects)
    return str(refused.value)


def test_a_stage():
    stage = manifests(STAGE).stages[0]
    assert (stage.name, stage.namespace) == ("test", "acme")
    assert (stage.vars, stage.template_vars) == ((("where", "here"),), (("branch", "main"),))
    assert stage.requested_freight == (RequestedFreight("web", True, ("dev",), 5_400_000),)
    ask, deploy = stage.steps
    assert (ask.uses, ask.alias, ask.condition) == ("http", "ask", "${{ success() }}")
    assert ask.continue_on_error
    assert ask.retry == Retry(300_000, 3)
    assert ask.config == '{"headers": [], "url": "https://example.com"}'
    assert deploy.task == TaskRef("deploy", "PromotionTask")
    assert deploy.config is None
    assert deploy.retry is None


def test_the_example_of_the_report():
    found = load([EXAMPLE / "stage.yaml", EXAMPLE / "task.yaml"])
    assert found.warnings == ()
    assert [t.name for t in found.tasks] == ["test-skipped"]
    assert (found.tasks[0].steps[0].place.line, found.tasks[0].steps[0].place.column) == (12, 5)


def test_lists_and_other_kinds():
    every = {"apiVersion": "v1", "kind": "List", "items": [STAGE, TASK, {"apiVersion": "v1", "kind": "Namespace"}]}
    stages = {
        "apiVersion": API,
        "kind": "StageList",
        "metadata": {},
        "items": [{k: v for k, v in STAGE.items() if k in ("metadata", "spec")}],
    }
    found = manifests({"apiVersion": API, "kind": "Warehouse"}, every, stages, PROMOTION)
    assert (len(found.stages), len(found.tasks), len(found.promotions)) == (2, 1, 1)
    assert found.warnings == ()


def test_live_objects(tmp_path):
    live = deepcopy(STAGE)
    live["metadata"] |= {"uid": "1", "resourceVersion": "7", "managedFields": [{"manager": "kubectl"}]}
    live["status"] = {"conditions": [], "currentPromotion": None}
    (tmp_path / "live.json").write_text(json.dumps(live, indent=2))
    found = load([tmp_path / "live.json"])
    assert found.stages == manifests(STAGE).stages
    assert found.warnings == ()


def test_a_promotion_that_was_stored_is_told_from_a_new_one():
    assert not manifests(PROMOTION).promotions[0].stored
    assert manifests(changed(PROMOTION, "metadata.uid", "1")).promotions[0].stored
    assert manifests({**PROMOTION, "status": {"phase": "Running"}}).promotions[0].stored
    assert not manifests({**PROMOTION, "status": {}}).promotions[0].stored


def test_null_is_absent():
    step = {"uses": "copy", "retry": None, "if": None, "vars": None, "config": None, "as": None}
    found = manifests(changed(STAGE, "spec.promotionTemplate.spec.steps", [step])).stages[0].steps[0]
    assert found.given == {"uses"}
    assert found.config is None


@pytest.mark.parametrize(
    "config", [{}, {"a": None}, "text", [1, {"b": 2.5}], 3, False, {"deep": [{"${{ x }}": "y"}]}]
)
def test_config_is_kept_whole(config):
    found = manifests(changed(TASK, "spec.steps.0.config", config)).tasks[0].steps[0]
    assert found.config == json.dumps(config, sort_keys=True)


STEP = "spec.promotionTemplate.spec.steps.0"

WRONG = [
    (STAGE, f"{STEP}.retry.errorThreshold", "three", "a whole number from 0 to 2147483647, found the text"),
    (STAGE, f"{STEP}.retry.errorThreshold", -1, "a whole number from 0 to 2147483647, found the number -1"),
    (STAGE, f"{STEP}.retry.errorThreshold", True, "a whole number from 0 to 2147483647, found true"),
    (STAGE, f"{STEP}.retry.errorThreshold", 1.5, "a whole number from 0 to 2147483647, found the number 1.5"),
    (STAGE, f"{STEP}.retry.errorThreshold", 2**31, "a whole number from 0 to 2147483647"),
    (STAGE, f"{STEP}.retry.timeout", 300, "expected a duration such as"),
    (STAGE, f"{STEP}.retry.timeout", "5 minutes", '"5 minutes" is not a duration'),
    (STAGE, f"{STEP}.retry.timeout", "1us", '"1us" is not a whole number of milliseconds'),
    (STAGE, f"{STEP}.retry", [], "expected a retry policy"),
    (STAGE, f"{STEP}.continueOnError", "true", 'expected true or false, found the text "true"'),
    (STAGE, f"{STEP}.if", True, "expected an expression in quotes"),
    (STAGE, f"{STEP}.uses", "", "expected the kind of a step, found an empty text"),
    (STAGE, f"{STEP}.uses", ..., "neither what it uses nor which task"),
    (STAGE, f"{STEP}.task", {"name": "deploy"}, "either uses something or stands for a task"),
    (STAGE, f"{STEP}.as", 1, "put it in quotes"),
    (STAGE, f"{STEP}.vars", {"x": "1"}, "expected a list of variables, found a mapping"),
    (STAGE, f"{STEP}.vars.0", "x", "expected a variable"),
    (STAGE, f"{STEP}.vars.0.name", "1x", "expected the name of a variable"),
    (STAGE, f"{STEP}.vars.0.name", ..., "'name' is missing"),
    (STAGE, f"{STEP}.vars.0.value", 1, "put it in quotes to make it a text"),
    (STAGE, STEP, None, "expected a step (a mapping with uses or task), found nothing"),
    (STAGE, STEP, "copy", 'expected a step (a mapping with uses or task), found the text "copy"'),
    (STAGE, "spec.promotionTemplate.spec.steps", [], "a list of at least one step, found an empty list"),
    (STAGE, "spec.promotionTemplate.spec", ..., "'spec' is missing"),
    (STAGE, "spec.promotionTemplate.spec.steps.1.retry", {}, "a step that stands for a task cannot have 'retry'"),
    (STAGE, "spec.promotionTemplate.spec.steps.1.continueOnError", False, "cannot have 'continueOnError'"),
    (STAGE, "spec.promotionTemplate.spec.steps.1.if", "${{ true }}", "cannot have 'if'"),
    (STAGE, "spec.promotionTemplate.spec.steps.1.config", {}, "cannot have 'config'"),
    (STAGE, "spec.promotionTemplate.spec.steps.1.task.kind", "Task", "PromotionTask or ClusterPromotionTask"),
    (STAGE, "spec.promotionTemplate.spec.steps.1.task.kind", ["x"], "PromotionTask or ClusterPromotionTask"),
    (STAGE, "spec.promotionTemplate.spec.steps.1.task.name", "Deploy!", "expected the name of a task"),
    (STAGE, "spec.promotionTemplate.spec.steps.1.task", "deploy", "expected a reference to a task"),
    (STAGE, "spec.requestedFreight", ..., "'requestedFreight' is missing"),
    (STAGE, "spec.requestedFreight", [], "at least one request for Freight, found an empty list"),
    (STAGE, "spec.requestedFreight.0", 1, "expected a request for Freight"),
    (STAGE, "spec.requestedFreight.0.origin.kind", "Shop", "expected Warehouse"),
    (STAGE, "spec.requestedFreight.0.sources.direct", "yes", "expected true or false"),
    (STAGE, "spec.requestedFreight.0.sources.stages", "dev", "expected a list of names of Stages"),
    (STAGE, "spec.requestedFreight.0.sources.requiredSoakTime", "-1h", "expected a duration such as"),
    (STAGE, "spec.requestedFreight.0.sources.availabilityStrategy", "Some", "All or OneOf or an empty text"),
    (STAGE, "spec", ..., "'spec' is missing"),
    (STAGE, "spec", [], "expected a mapping, found an empty list"),
    (STAGE, "metadata", ..., "'metadata' is missing"),
    (STAGE, "metadata.name", ..., "the object has no name"),
    (STAGE, "metadata.name", 7, "put it in quotes"),
    (STAGE, "kind", ..., "'kind' is missing"),
    (STAGE, "apiVersion", ..., "'apiVersion' is missing"),
    (STAGE, "kind", "Stag", "found Stag (kargo.akuity.io/v1alpha1)"),
    (STAGE, "apiVersion", "v1", "found Stage (v1)"),
    (TASK, "spec.steps", ..., "'steps' is missing"),
    (TASK, "spec.steps.0", {"task": {"name": "x"}}, "must not refer to another task"),
    (PROMOTION, "spec.stage", ..., "'stage' is missing"),
]


@pytest.mark.parametrize(("obj", "path", "value", "why"), WRONG, ids=[f"{p}={v!r}" for _, p, v, _ in WRONG])
def test_a_wrong_field_is_refused_where_it_stands(obj, path, value, why):
    sentence = refusal(changed(obj, path, value))
    assert why in sentence
    assert sentence.startswith("in.yaml:1:")
    assert sentence.isprintable()


def test_the_sentence_says_file_document_place_and_path():
    text = f"{json.dumps(TASK)}\n---\n" + json.dumps(changed(STAGE, f"{STEP}.retry.errorThreshold", "x"), indent=1)
    with pytest.raises(InputError) as refused:
        read_manifests(parse(text.encode(), "dir/in.yaml"))
    line = next(n for n, text in enumerate(text.split("\n"), 1) if '"errorThreshold": "x"' in text)
    column = text.split("\n")[line - 1].index('"x"') + 1
    assert str(refused.value) == (
        f"dir/in.yaml:{line}:{column}: document 2, spec.promotionTemplate.spec.steps[0].retry.errorThreshold: "
        'expected a whole number from 0 to 2147483647, found the text "x"'
    )


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (
            f"{STEP}.retry.errorTreshold",
            3,
            '"errorTreshold" is no known field and is ignored; is "errorThreshold" meant?',
        ),
        (f"{STEP}.continueonerror", True, 'is "continueOnError" meant?'),
        (f"{STEP}.continue_on_error", True, 'is "continueOnError" meant?'),
        (f"{STEP}.name", "x", '"name" is no known field and is ignored'),
        (f"{STEP}.vars.0.values", "x", 'is "value" meant?'),
        ("spec.promotionTemplates", {}, 'is "promotionTemplate" meant?'),
        ("spec.requestedFreight.0.sources.requiredSoaktime", "1h", 'is "requiredSoakTime" meant?'),
        ("Spec", {}, 'is "spec" meant?'),
    ],
)
def test_a_misspelt_field_is_ignored_with_a_warning(path, value, text):
    found = manifests(changed(STAGE, path, value))
    assert text in str(found.warnings[0])
    assert found.stages == manifests(STAGE).stages


def test_fields_of_other_releases_are_ignored_in_silence():
    assert manifests(changed(STAGE, "spec.somethingNew", {})).warnings == ()


def test_a_kind_that_is_nearly_one_of_ours_is_ignored_with_a_warning():
    found = manifests(STAGE, {**TASK, "kind": "PromotionTsk"})
    assert 'is "PromotionTask" of kargo.akuity.io/v1alpha1 meant?' in str(found.warnings[0])


def test_nothing_usable_says_what_was_there():
    others = [{"apiVersion": "v1", "kind": "ConfigMap"}, {"apiVersion": API, "kind": "Warehouse"}]
    assert refusal(*others) == (
        "in.yaml:1:1: document 1: expected a Stage, Promotion, PromotionTask or ClusterPromotionTask "
        "(kargo.akuity.io/v1alpha1), found ConfigMap (v1) and 1 more that cannot be used"
    )
    assert refusal({"apiVersion": "v1", "kind": "List", "items": []}).endswith("found no object at all")
    assert "expected a Kubernetes object with apiVersion and kind, found a list" in refusal([1])
    assert "found the text" in refusal("x\x7f")


FIELDS = st.sampled_from(
    [
        *["apiVersion", "kind", "metadata", "spec", "name", "namespace", "vars", "value", "steps", "uses", "task"],
        *["as", "if", "config", "retry", "timeout", "errorThreshold", "continueOnError", "promotionTemplate"],
        *["requestedFreight", "origin", "sources", "direct", "stages", "stage", "freight", "items", "status"],
    ]
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text("abz01-.: ${}\u202e", max_size=8),
    st.sampled_from(["5m", "List", "Stage", "StageList", API, "deploy", "test", "task-1", "${{ x }}", "x" * 300]),
    st.just([]),
    st.just({}),
    st.lists(st.sampled_from([STAGE, TASK, {}, None, 1]), max_size=2),
    st.dictionaries(FIELDS, st.sampled_from(["x", 1, None, [], {}]), max_size=3),
)


def places(value, path=()):
    """Every way into a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def mutated(draw):
    """Good manifests with a few fields dropped, replaced, added or doubled."""
    objects = deepcopy(draw(st.sampled_from([[STAGE, TASK], [PROMOTION], [TASK], [PROMOTION, STAGE, TASK]])))
    for _ in range(draw(st.integers(1, 4))):
        ways = list(places(objects))
        if not ways:
            break
        *way, last = draw(st.sampled_from(ways))
        inner = objects
        for part in way:
            inner = inner[part]
        match draw(st.sampled_from(["drop", "replace", "add", "double"])):
            case "drop":
                del inner[last]
            case "replace":
                inner[last] = deepcopy(draw(ODD))
            case "add" if isinstance(inner, dict):
                inner[draw(FIELDS)] = deepcopy(draw(ODD))
            case _ if isinstance(inner, list):
                inner.append(deepcopy(inner[last]))
    return objects


@settings(max_examples=400, deadline=None)
@given(mutated(), st.sampled_from(["", "1.8.3", "1.11.2"]))
def test_mutated_manifests_are_used_or_refused_in_one_sentence(objects, release):
    sentence = ""
    try:
        found = manifests(*objects)
        made = template(found, release=release)
    except InputError as error:
        sentence = str(error)
    else:
        assert made.steps
        hash(made)
        sentence = "".join(map(str, made.warnings))
    assert sentence.isprintable()


@pytest.mark.parametrize(
    ("text", "milliseconds", "printed"),
    [
        ("1m30s", 90_000, "1m30s"),
        ("1.5h", 5_400_000, "1h30m0s"),
        ("300ms", 300, "300ms"),
        ("1500ms", 1_500, "1.5s"),
        ("-1s", -1_000, "-1s"),
        ("-0.5s", -500, "-500ms"),
        ("+5m", 300_000, "5m0s"),
        ("0", 0, "0s"),
        (".5s", 500, "500ms"),
        ("1.s", 1_000, "1s"),
        ("1000us", 1, "1ms"),
        ("1h1h", 7_200_000, "2h0m0s"),
        ("25h0m0.050s", 90_000_050, "25h0m0.05s"),
    ],
)
def test_durations(text, milliseconds, printed):
    assert parse_duration(text) == milliseconds
    assert format_duration(milliseconds) == printed
    assert parse_duration(printed) == milliseconds


@pytest.mark.parametrize(
    "text", ["", "1", "s", ".s", "1s1", " 1s", "1m-1s", "1e3s", "1us", "0.0001s", "3000000h", "٣s", "1d", "9" * 200]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match=r"not a|longer than"):
        parse_duration(text)


@given(st.integers(-(10**12), 10**12))
def test_durations_are_read_back(milliseconds):
    assert parse_duration(format_duration(milliseconds)) == milliseconds


def test_step_kinds_by_release():
    assert list(STEP_KINDS) == list(RELEASES)
    assert [len(STEP_KINDS[r]) for r in RELEASES] == [24, 24, 25, 33, 34, 35]
    assert step_kind("argocd-wait", "1.9.9") is None
    assert step_kind("argocd-wait", "1.10.10").default_timeout_ms == 300_000
    for release in RELEASES:
        kinds = STEP_KINDS[release].values()
        assert {k.default_error_threshold for k in kinds} == {1}
        assert [k.name for k in kinds if k.propagates_outputs] == ["compose-output"]
        assert [k.name for k in kinds if Result.FAILED in k.results] == ["http"]
        assert all(Result.FAILED_TERMINALLY in k.results for k in kinds)
    running = {k.name for k in STEP_KINDS["main"].values() if Result.RUNNING in k.results}
    assert running == {"argocd-update", "argocd-wait", "git-merge-pr", "git-wait-for-pr", "http"}
    assert Result.SKIPPED not in step_kind("git-open-pr", "1.9.9").results
    assert Result.SKIPPED in step_kind("git-open-pr", "1.10.10").results
    with pytest.raises(KeyError):
        step_kind("copy", "0.1")
