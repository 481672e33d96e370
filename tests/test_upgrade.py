"""`kargo-model upgrade`: what is reached is told with a run, and what is not reached is not told."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from invariants.check import check
from invariants.kargo import differences, systems
from invariants.verdicts import Verdict
from model.gathering import gather
from model.kargo import promotion, two_releases
from model.kargo.bundle import read_bundle
from model.kargo.manifests import API_GROUP
from model.kargo.plan import Plan
from model.kargo.releases import RELEASES, Behaviours
from model.kargo.templates import Template
from model.kargo.two_releases import second
from simulations.kargo.upgrade import of_loops, topics
from simulations.kargo.upgrade.of_loops import LoopComparer, Shape
from simulations.kargo.upgrade.really import Half
from simulations.kargo.upgrade.upgrade import breaks, mended
from tests.mutation import mutated
from tests.test_bad_input import call
from tests.test_lint import SEEDS, written
from tests.test_lint_rules import CLONE, PUSH, WAIT, changed, policies, stage, thing

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "simulations" / "kargo" / "scenarios" / "skip-vs-retry"
OLD, NEW = RELEASES["1.8.3"], RELEASES["1.11.2"]


def upgraded(*words: object) -> tuple[int, str, str]:
    return call("upgrade", *map(str, words))


@pytest.fixture
def without_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is about steps alone: loops take longer than all of it."""
    monkeypatch.setattr(LoopComparer, "reached", lambda *_: {})


def changes(folder: Path, *documents: Any, one: str, other: str) -> dict[str, Any]:
    """What changes for these manifests, by behaviour."""
    _, out, err = upgraded(written(folder, *documents), "--from", one, "--to", other, "--format", "json")
    assert err == ""
    return {change["behaviour"]: change for change in json.loads(out)["changes"]}


# Two releases at once


def plan_of(name: str, behaviours: Behaviours) -> Plan:
    steps = systems._STEPS[name][1]
    template = Template(steps, ())
    allowed = two_releases_results(template, behaviours)
    return two_releases.plan_of(template, behaviours, allowed, {})


def two_releases_results(template: Template, behaviours: Behaviours) -> dict[str, Any]:
    kinds = {s.alias: systems._planner(template.steps, behaviours).kinds(s.kind) for s in template.steps}
    return {alias: frozenset(kind.results) if kind else frozenset() for alias, kind in kinds.items()}


def differ(name: str, one: Behaviours, other: Behaviours) -> dict[str, Verdict]:
    plans = [plan_of(name, b) for b in (one, other)]
    both = two_releases.side_by_side(*(promotion.exploration(name, p, abort=False) for p in plans))
    report = check(both, differences.claims(plans[0]), engine="explicit", transitions=False)
    return {j.property.name: j.verdict for j in report.judgements}


@pytest.mark.parametrize("name", ["retry", "wait", "tolerated"])
def test_a_release_does_not_differ_from_itself(name: str) -> None:
    assert set(differ(name, NEW, NEW).values()) == {Verdict.HOLDS}


@pytest.mark.parametrize(
    ("field", "value", "violated"),
    [
        ("if_reevaluated_on_retry", True, {"ends", "work 0", "times"}),
        ("failed_status_kept", False, {"ends"}),
        ("retryable_error_backs_off", False, {"times"}),
        ("panic_text", "other", set()),
        ("holds", False, set()),
    ],
)
def test_what_differs_is_seen_and_nothing_else(field: str, value: Any, violated: set[str]) -> None:
    verdicts = differ("retry", NEW, replace(NEW, **{field: value}))

    assert {name for name, verdict in verdicts.items() if verdict is Verdict.VIOLATED} == violated


def test_both_are_there_and_the_world_answers_both_alike() -> None:
    plans = [plan_of("retry", b) for b in (NEW, NEW)]
    one = promotion.exploration("retry", plans[0], abort=False)
    both = two_releases.side_by_side(one, one)

    names = {v.name for v in both.variables}
    assert {v.name for v in one.variables} | {second(v.name) for v in one.variables} <= names
    [start] = both.initial_states()
    [pass_] = [a for a in both.actions if a.name == "reconcile"]
    first = {(w.state["phase"], w.state[second("phase")]) for w in both.perform(pass_, start)}
    assert len(first) > 1
    assert all(a is b for a, b in first)


# What is known of behaviours


def test_every_behaviour_has_its_place_and_its_words() -> None:
    names = set(topics.differing(OLD, replace(NEW, shows_running_until_retried=True)))

    assert names <= topics.BY_FIELD.keys()
    assert all(topics.documented()[name] for name in topics.BY_FIELD)


def test_a_bug_is_mended_by_the_behaviour_that_its_report_names() -> None:
    assert mended("if_reevaluated_on_retry", OLD, NEW) == (("skip-vs-retry", ("K3", "#5379", "#5490")),)
    assert mended("names_overwritten", OLD, NEW)[0][0] == "frozen-stage"
    assert mended("names_overwritten", NEW, OLD) == ()
    assert (breaks("frozen-stage", OLD), breaks("frozen-stage", NEW)) == (True, False)


# Manifests


@pytest.mark.usefixtures("without_loops")
def test_the_report_is_mended_by_an_upgrade() -> None:
    code, out, err = upgraded(REPORT, "--from", "1.8.3", "--to", "1.8.5")

    assert (code, err) == (1, "")
    first = out.splitlines()[0]
    assert first.startswith("From Kargo 1.8.3 to 1.8.5, ")
    assert "1 known bug mended" in first
    assert "if_reevaluated_on_retry (in what becomes of the steps of a Promotion)" in out
    assert "1.8.3: skipped: a step has failed, and this one has no `if`; 1.8.5: ran and succeeded" in out
    assert "mends: skip-vs-retry (K3, #5379, #5490)" in out
    assert "[retries-spent-at-once]" in out.split("new findings of lint")[1]
    assert "[green-without-work]" in out.split("findings of lint that go away")[1]


def test_what_these_steps_cannot_reach_is_not_told(tmp_path: Path) -> None:
    assert changes(tmp_path, stage(CLONE), one="1.10.10", other="1.11.2") == {}


@pytest.mark.usefixtures("without_loops")
def test_what_these_steps_can_reach_is_told(tmp_path: Path) -> None:
    retried = changes(tmp_path, stage(changed(CLONE, retry={"errorThreshold": 3})), one="1.8.3", other="1.8.5")

    assert set(retried) == {"if_reevaluated_on_retry", "retryable_error_backs_off"}


@pytest.mark.slow
def test_a_loop_tells_only_what_stages_like_these_can_reach(tmp_path: Path) -> None:
    request = {"origin": {"kind": "Warehouse", "name": "other"}, "sources": {"direct": True}}
    two = stage(CLONE)
    two["spec"]["requestedFreight"].append(request)
    found = changes(tmp_path, two, one="1.10.10", other="1.11.2")

    assert set(found) == {"unstarted_inherits_collection"}
    change = found["unstarted_inherits_collection"]
    assert change["subjects"] == ["Stage dev"]
    assert change["mends"] == [{"scenario": "lost-origin", "reports": ["K5", "#6810", "#6821"]}]
    assert "dev.2/w: Freight carried: none in 1.10.10, a1 in 1.11.2" in change["shown"][-1]


@pytest.mark.slow
def test_a_stage_that_promotes_by_itself_gets_holds_and_another_guard(tmp_path: Path) -> None:
    found = changes(tmp_path, policies("dev"), stage(CLONE), one="1.10.10", other="1.11.2")

    assert set(found) == {"auto_promotion_guard", "holds"}
    assert all(change["shown"] for change in found.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [Shape(), Shape(origins=2), Shape(verification=True), Shape(auto=True, soaks=True), Shape(matches=True)],
)
def test_no_loop_differs_between_a_release_and_itself(shape: Shape) -> None:
    found, complete = of_loops._compared(shape, NEW, replace(NEW))

    assert (found, complete) == (None, True)
    assert LoopComparer(NEW, NEW).reached(shape) == {}


@pytest.mark.usefixtures("without_loops")
def test_names_given_by_hand_are_told_only_where_there_are_promotions(tmp_path: Path) -> None:
    promotion_ = thing("Promotion", "dev.mine", {"stage": "dev", "freight": "a", "steps": [CLONE]})
    found = changes(tmp_path, stage(CLONE), promotion_, one="1.10.10", other="1.11.2")

    assert set(found) == {"names_overwritten"}
    assert found["names_overwritten"]["subjects"] == ["Promotion dev.mine"]
    assert "possible only in 1.10.10" in found["names_overwritten"]["shown"][0]


@pytest.mark.usefixtures("without_loops")
def test_steps_whose_kind_changes_are_told(tmp_path: Path) -> None:
    file = written(tmp_path, stage({"uses": "git-open-pr", "as": "pr"}, {"uses": "argocd-wait", "as": "sync"}))
    out = upgraded(file, "--from", "1.9.9", "--to", "1.10.10")[1]

    assert "Stage dev, step pr: git-open-pr can come back Skipped from then on" in out
    assert "step sync: argocd-wait is built in in 1.10.10 and not in 1.9.9, where the step is Errored" in out


@pytest.mark.usefixtures("without_loops")
def test_a_poll_interval_is_a_change(tmp_path: Path) -> None:
    found = changes(tmp_path, stage(changed(WAIT, retry={"timeout": "24h"})), one="1.10.10", other="1.11.2")

    assert set(found) == {"release"}
    assert "  1.10.10: Running, and is looked at again after 300 s" in found["release"]["shown"]
    assert "  1.11.2: Running, and is looked at again after 30 s" in found["release"]["shown"]


# Forms, and bad calls


def test_the_whole_difference_needs_no_manifests() -> None:
    code, out, err = upgraded("--from", "1.9.9", "--to", "1.11.2", "--quick")

    assert (code, err) == (0, "")
    count = len(topics.differing(RELEASES["1.9.9"], NEW)) - 1
    assert out.splitlines()[0].startswith(
        f"From Kargo 1.9.9 to 1.11.2, {count} behaviours change; 4 known bugs mended"
    )
    assert "  argocd-wait is new" in out
    assert "hold-lost-with-its-record (F5) happens only in 1.11.2" in out


@pytest.mark.usefixtures("without_loops")
def test_forms(tmp_path: Path) -> None:
    file = written(tmp_path, stage(changed(CLONE, retry={"errorThreshold": 3}), PUSH), "a: b\n")
    words = (file, "--from", "1.8.3", "--to", "1.8.5", "--format")
    document = json.loads(upgraded(*words, "json")[1])
    markdown = upgraded(*words, "markdown")[1]

    assert (document["schema"], document["from"], document["to"]) == ("kargo-model/upgrade", "1.8.3", "1.8.5")
    assert [p["document"] for p in document["problems"]] == [2]
    assert markdown.startswith("**From Kargo 1.8.3 to 1.8.5")
    assert "  ```text" in markdown
    assert "cannot be read" in markdown


@pytest.mark.usefixtures("without_loops")
def test_what_to_look_at_before_is_turned_round_for_a_downgrade(tmp_path: Path) -> None:
    file = written(tmp_path, stage(CLONE))
    up = upgraded(file, "--from", "1.9.9", "--to", "1.10.10")[1]
    down = upgraded(file, "--from", "1.10.10", "--to", "1.9.9")[1]

    assert "before: what looks for Errored" in up
    assert "before: the other way round than for an upgrade (what looks for Errored" in down


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "1.9.9", "--to", "1.9.9"), "the same release"),
        (("--from", "7", "--to", "1.9.9"), "is not modelled"),
        (("nothing.yaml", "--from", "1.9.9"), "there is no such file"),
    ],
)
def test_a_bad_call_gets_a_sentence(words: tuple[str, ...], said: str) -> None:
    code, out, err = upgraded(*words)

    assert (code, out) == (2, "")
    assert said in err


def fuzz(folder: Path, count: int, seed: int) -> None:
    dice = random.Random(seed)
    names = list(RELEASES)
    for number in range(count):
        documents = [mutated(document, dice) for document in dice.sample(SEEDS, 2)]
        file = written(folder, *(json.dumps(d) + "\n" for d in documents), name="fuzzed.yaml")
        one, other = dice.sample(names, 2)
        code, out, err = upgraded(file, "--from", one, "--to", other, "--format", dice.choice(["text", "json"]))
        assert code in (0, 1, 2), number
        assert (out == "") == (err != ""), number
        assert not err or (code == 2 and err.count("\n") == 1)


@pytest.mark.usefixtures("without_loops")
def test_mutated_manifests_get_an_answer(tmp_path: Path) -> None:
    fuzz(tmp_path, 15, seed=1)


@pytest.mark.slow
def test_many_mutated_manifests_get_an_answer(tmp_path: Path) -> None:
    fuzz(tmp_path, 200, seed=2)


@pytest.mark.usefixtures("without_loops")
def test_applications_are_spoken_of_only_where_a_step_looks_at_any(tmp_path: Path) -> None:
    words = ("--from", "1.9.9", "--to", "1.11.2", "--format", "json")
    without = json.loads(upgraded(written(tmp_path, stage(CLONE)), *words)[1])
    sync = {"uses": "argocd-update", "as": "sync", "config": {"apps": [{"name": "web"}]}}
    with_one = json.loads(upgraded(written(tmp_path, stage(sync)), *words)[1])

    assert [u["behaviour"] for u in without["unseen"]] == ["every_end_removes_work_dir"]
    assert "health_trust" not in {c["behaviour"] for c in without["changes"]}
    assert "health_trust" in {c["behaviour"] for c in with_one["changes"]}
    assert "several_authorized_stages" in {u["behaviour"] for u in with_one["unseen"]}
    assert "selected_applications_wake" not in {u["behaviour"] for u in with_one["unseen"]}


@pytest.mark.parametrize(("app", "reached"), [({"name": "my-selector"}, False), ({"selector": {}}, True)])
@pytest.mark.usefixtures("without_loops")
def test_applications_are_chosen_by_labels_only_where_a_config_has_a_selector(
    tmp_path: Path, app: dict[str, Any], reached: bool
) -> None:
    sync = {"uses": "argocd-update", "config": {"apps": [app]}}

    assert ("argocd_selectors" in changes(tmp_path, stage(sync), one="1.8.5", other="1.9.9")) is reached


# Kinds of steps

CLONE_SPARSELY = {
    "uses": "git-clone",
    "config": {"repoURL": "https://x", "checkout": [{"path": "a", "sparse": ["b"]}]},
}
OPEN = {"uses": "git-open-pr", "config": {"repoURL": "https://x", "createTargetBranch": True}}
MERGE = {"uses": "git-merge-pr", "config": {"repoURL": "https://x", "prNumber": 1}}
ASK = {"uses": "http", "config": {"url": "https://x", "successExpression": "response.body.ready"}}
DOWNLOAD = {"uses": "oci-download", "config": {"imageRef": "registry:5000/a/b:1", "outPath": "x"}}


def steps(folder: Path, step: Any, one: str, other: str) -> list[str]:
    """What is told of the steps of a Stage that has this one alone."""
    _, out, err = upgraded(written(folder, stage(step)), "--from", one, "--to", other, "--format", "json")
    assert err == ""
    return [told["text"] for told in json.loads(out)["steps"]]


@pytest.mark.usefixtures("without_loops")
@pytest.mark.parametrize(
    ("step", "one", "other", "told"),
    [
        (CLONE_SPARSELY, "1.8.5", "1.9.9", "`checkout[].sparse` in 1.9.9 and not in 1.8.5, where the step fails"),
        (CLONE_SPARSELY, "1.9.9", "1.8.5", "`checkout[].sparse` in 1.9.9 and not in 1.8.5, where the step fails"),
        (CLONE_SPARSELY, "1.9.9", "1.11.2", ""),
        (changed(ASK, config={"url": "https://x", "pollInterval": "5s"}), "1.8.5", "1.10.10", ""),
        (OPEN, "1.9.9", "1.10.10", "in 1.9.9 makes the target branch if there is none; in 1.10.10 it is Errored"),
        (OPEN, "1.10.10", "1.11.2", ""),
        (MERGE, "1.10.10", "1.11.2", "in 1.10.10 tries three times"),
        (changed(MERGE, config={**MERGE["config"], "wait": True}), "1.10.10", "1.11.2", ""),
        (ASK, "1.8.5", "1.9.9", "JSON that comes as text/plain is a text"),
        (
            changed(ASK, config={**ASK["config"], "successExpression": "response.status == 200"}),
            "1.8.5",
            "1.9.9",
            "",
        ),
        (DOWNLOAD, "1.9.9", "1.10.10", "fails if `imageRef` has the port"),
        (changed(DOWNLOAD, config={"imageRef": "registry/a/b:1", "outPath": "x"}), "1.9.9", "1.10.10", ""),
    ],
)
def test_what_a_config_means_is_told_where_that_changes(
    tmp_path: Path, step: Any, one: str, other: str, told: str
) -> None:
    texts = [text for text in steps(tmp_path, step, one, other) if "come back" not in text]

    assert [told in text for text in texts] == ([True] if told else [])


def test_the_whole_difference_has_fields_and_what_configs_mean() -> None:
    _, out, _ = upgraded("--from", "1.8.5", "--to", "1.11.2", "--quick")

    assert "git-push gets `force`, `tag`" in out
    assert "git-open-pr in 1.8.5 makes the target branch if there is none; in 1.11.2 it is Errored" in out


# Runs of releases that people have


@pytest.mark.usefixtures("without_loops")
def test_a_run_of_a_made_up_release_is_not_told_of_a_real_one(tmp_path: Path) -> None:
    polled = changed(ASK, config={**ASK["config"], "pollInterval": "5s"})
    found = changes(tmp_path, stage(polled), one="1.8.3", other="1.11.2")

    assert found["release"]["shown"][-2:] == [
        "  1.8.3: Running, and is looked at again after 300 s",
        "  1.11.2: Running, and is looked at again after 10 s",
    ]
    assert found["shortest_poll_ms"]["shown"][-2:] == [
        "  1.11.2 without this: Running, and is looked at again after 5 s",
        "  1.11.2: Running, and is looked at again after 10 s",
    ]


@pytest.mark.slow
def test_what_hides_behind_another_behaviour_is_not_told_of_a_real_release() -> None:
    shape = Shape(verification=True, auto=True)
    held = LoopComparer(OLD, NEW).reached(shape)["holds"]
    error = LoopComparer(OLD, NEW).reached(shape)["unknown_health_is_an_error"]

    assert (held.made_up, error.made_up) == (Half.HERE, None)


# What is reached although no loop of the size shows it


def asking(*names: str, **sources: Any) -> list[Any]:
    """Requests for the Freight of these Warehouses."""
    return [{"origin": {"kind": "Warehouse", "name": n}, "sources": sources or {"direct": True}} for n in names]


def shapes(folder: Path, *documents: Any) -> tuple[Shape, ...]:
    """The shapes that the only Stage is compared in."""
    bundle = read_bundle(gather([str(written(folder, *documents))], about=API_GROUP).documents)
    return of_loops.shapes_of(bundle.manifests.stages[0], bundle)


def test_a_stage_that_promotes_by_itself_is_compared_as_one_that_does_nothing_else(tmp_path: Path) -> None:
    two = stage(CLONE, requestedFreight=asking("w", "v"))
    upstream = {"sources": {"stages": ["up"], "autoPromotionOptions": {"selectionPolicy": "MatchUpstream"}}}
    matching = stage(CLONE, requestedFreight=[{**asking("w")[0], **upstream}])

    assert shapes(tmp_path, policies("dev"), two) == (Shape(2, auto=True), Shape(auto=True))
    assert shapes(tmp_path, two) == (Shape(2),)
    assert shapes(tmp_path, policies("dev"), stage(CLONE)) == (Shape(auto=True),)
    assert shapes(tmp_path, policies("dev"), matching) == (Shape(auto=True), Shape(auto=True, matches=True))


@pytest.mark.usefixtures("without_loops")
@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ((stage(CLONE),), set()),
        ((stage(CLONE), thing("Warehouse", "other", {"subscriptions": []})), {"approval_needs_request"}),
        ((stage(CLONE), policies("dev")), {"newest_by_discovery", "policy_read_first"}),
        ((stage(), policies("dev")), set()),
    ],
)
def test_what_no_loop_shows_is_named_where_it_may_matter(
    tmp_path: Path, documents: tuple[Any, ...], told: set[str]
) -> None:
    _, out, _ = upgraded(written(tmp_path, *documents), "--from", "1.10.10", "--to", "1.11.2", "--format", "json")

    assert {change["behaviour"] for change in json.loads(out)["unseen"]} == told


@pytest.mark.usefixtures("without_loops")
def test_stages_that_push_to_one_branch_are_named(tmp_path: Path) -> None:
    repository = {"repoURL": "https://github.com/acme/web.git", "checkout": [{"path": "./src", "branch": "main"}]}
    steps_ = (changed(CLONE, config=repository), {"uses": "git-push", "config": {"path": "./src"}})
    both = (stage(*steps_), stage(*steps_, name="prod"))
    found = changes(tmp_path, *both, one="1.8.5", other="1.9.9")

    assert found["push_locks_branch"]["subjects"] == ["Stage dev", "Stage prod"]
