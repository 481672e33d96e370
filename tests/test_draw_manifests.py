"""Pictures of what users have in their manifests: pipelines, and templates."""

from __future__ import annotations

from random import Random
from xml.etree import ElementTree

import pytest

import kargo_model
from diagrams.dots import dot
from diagrams.kargo import pipelines, templates
from diagrams.pictures import Edge, Mark, Node, Picture, Shape
from diagrams.theme import Kind
from model.documents import read
from model.kargo import manifests, planning
from model.kargo import templates as kargo_templates
from model.kargo.live.reading import SKIPPED, read_live
from model.kargo.releases import release
from tests.layouts import check_layout

STEPS = "{spec: {steps: [{uses: git-clone, config: {repoURL: https://x, checkout: [{path: ./a}]}}]}}"


def stage(name: str, sources: str, *, more: str = "", steps: bool = True, status: str = "") -> str:
    template = f"  promotionTemplate: {STEPS}\n" if steps else ""
    return (
        f"apiVersion: kargo.akuity.io/v1alpha1\nkind: Stage\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"spec:\n  requestedFreight:\n  - origin: {{kind: Warehouse, name: web}}\n    sources: {{{sources}}}\n"
        f"{more}{template}{status}"
    )


def other(kind: str, name: str, more: str = "") -> str:
    return (
        f"apiVersion: kargo.akuity.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\n{more}"
    )


VERIFIED = "  verification: {analysisTemplates: [{name: check}]}\n"
STATUS = """\
status:
  health: {status: Healthy}
  freightHistory:
  - id: x
    items: {Warehouse/web: {name: f1, origin: {kind: Warehouse, name: web}}}
    verificationHistory: [{id: v, phase: Successful}]
"""
SHOP = (
    stage("dev", "direct: true", more=VERIFIED, status=STATUS),
    stage("gate", "stages: [dev]", steps=False),
    stage("prod", "stages: [gate, lost], availabilityStrategy: All, requiredSoakTime: 1h30m"),
    other("Warehouse", "web", "spec: {subscriptions: []}\n"),
    other(
        "Freight",
        "f1",
        "alias: happy-hare\norigin: {kind: Warehouse, name: web}\n"
        "status: {currentlyIn: {dev: {since: '2025-01-01T00:00:00Z'}}, verifiedIn: {dev: {}}}\n",
    ),
    other("Freight", "f2", "alias: new-newt\norigin: {kind: Warehouse, name: web}\n"),
    other("ProjectConfig", "shop", "spec: {promotionPolicies: [{stage: prod, autoPromotionEnabled: true}]}\n"),
    other(
        "Promotion",
        "dev.1",
        "spec: {stage: dev, freight: f2, steps: [{uses: git-clone}]}\nstatus: {phase: Running}\n",
    ),
)


@pytest.fixture
def drawn(tmp_path):
    def draw(*objects: str) -> Picture:
        file = tmp_path / "all.yaml"
        file.write_text("\n---\n".join(objects))
        return pipelines.picture(read_live(read([file], skip=SKIPPED)))

    return draw


def node(found: Picture, label: str) -> Node:
    [one] = [n for n in found.nodes if n.label == label]
    return one


def edges(found: Picture, source: str, target: str) -> list[Edge]:
    keys = {n.key: n.label for n in found.nodes}
    return [e for e in found.edges if (keys[e.source], keys[e.target]) == (source, target)]


def test_who_requests_from_whom_and_what_has_to_be_so_before(drawn):
    found = drawn(*SHOP)

    [direct] = edges(found, "web", "dev")
    [passed] = edges(found, "dev", "gate")
    [soaked] = edges(found, "gate", "prod")
    assert direct.guard == ""
    assert passed.guard == "verified"
    assert soaked.guard == "has passed it; after 1h30m in it; and in the other"
    assert (direct.kind, soaked.kind) == (Kind.WAITING, Kind.BUSY)


def test_where_each_freight_is_and_what_a_stage_is_like(drawn):
    found = drawn(*SHOP)

    dev = node(found, "dev")
    assert dev.kind is Kind.GOOD
    assert dev.lines == (
        "health: Healthy",
        "verification: Successful",
        "has happy-hare, verified here",
        "promotes new-newt: Running",
    )
    assert node(found, "web").lines == ("Warehouse", "in no Stage: new-newt")
    assert node(found, "gate").shape is Shape.ANY
    assert "control flow" in node(found, "gate").lines


def test_requests_that_differ_in_nothing_but_their_warehouses_are_one_edge(drawn):
    charts = "  - origin: {kind: Warehouse, name: charts}\n    sources: {stages: [dev]}\n"
    dev = stage("dev", "direct: true")
    [edge] = edges(drawn(dev, stage("prod", "stages: [dev]", more=charts)), "dev", "prod")

    assert (edge.label, edge.guard) == ("web, charts", "promoted and well")
    assert {"origin-web", "origin-charts"} <= set(edge.classes)
    soaking = charts.replace("[dev]", "[dev], requiredSoakTime: 1h")
    apart = edges(drawn(dev, stage("prod", "stages: [dev]", more=soaking)), "dev", "prod")
    assert [edge.label for edge in apart] == ["web", "charts"]


def test_freight_that_is_a_digest_is_told_by_its_beginning(drawn):
    digest = other("Freight", "9a1b" * 10 + "c", "origin: {kind: Warehouse, name: web}\n")
    found = drawn(stage("dev", "direct: true"), other("Warehouse", "web", "spec: {subscriptions: []}\n"), digest)

    assert "in no Stage: 9a1b9a1" in node(found, "web").lines


def test_what_is_not_in_the_files_is_drawn_as_missing(drawn):
    found = drawn(*SHOP)

    [missing] = edges(found, "lost", "prod")
    assert missing.mark is Mark.FINDING
    assert node(found, "lost").kind is Kind.BAD
    assert any("not in these files" in remark for remark in found.remarks)


def test_manifests_without_status_are_enough(drawn):
    found = drawn(stage("dev", "direct: true"), stage("prod", "stages: [dev]"))

    assert node(found, "dev").lines == ()
    assert found.about == "2 Stages, 1 Warehouse"
    assert [e.guard for e in edges(found, "dev", "prod")] == ["promoted and well"]


def test_several_projects_stand_in_boxes(drawn):
    there = stage("dev", "direct: true").replace("namespace: shop", "namespace: bank")
    found = drawn(stage("dev", "direct: true"), there)

    assert [box.label for box in found.boxes] == ["project bank", "project shop"]
    assert len({n.key for n in found.nodes}) == len(found.nodes) == 4


def test_nothing_overlaps_in_a_pipeline_of_thirty_stages(drawn):
    every = [stage("s0", "direct: true", more=VERIFIED, status=STATUS)]
    every += [stage(f"s{i}", f"stages: [s{(i - 1) // 3}], requiredSoakTime: 1h") for i in range(1, 30)]

    check_layout(dot(drawn(*every)))


def test_what_cannot_be_read_does_not_hide_the_rest_and_is_told(tmp_path, capsys):
    good, bad, picture = (tmp_path / name for name in ("good.yaml", "bad.yaml", "picture.svg"))
    good.write_text("\n---\n".join(SHOP))
    bad.write_text("a: [b\n")

    assert kargo_model.main(["draw", "pipeline", str(good), str(bad), "-o", str(picture)]) == 3
    assert f"left out: {bad}:" in capsys.readouterr().err
    assert "Left out: 1 thing that could not be read." in picture.read_text()
    assert kargo_model.main(["draw", "pipeline", str(bad), "-o", str(picture)]) == 2


def test_names_from_manifests_are_cut_and_are_no_keys(drawn):
    found = drawn(stage("s" * 80, "direct: true"))

    assert len(found.nodes[1].label) == pipelines.NAME
    assert found.nodes[1].key == "s0"


# Templates

TASK = """\
apiVersion: kargo.akuity.io/v1alpha1
kind: PromotionTask
metadata: {name: deploy, namespace: shop}
spec:
  steps:
  - {uses: git-clone, as: clone, retry: {errorThreshold: 3, timeout: 5m}, config: {repoURL: x}}
  - {uses: git-push, as: push, continueOnError: true, config: {path: x}}
  - {uses: argocd-update, as: sync, config: {apps: [{name: x}]}}
  - {uses: http, as: report, if: "${{ failure() }}", config: {url: x}}
"""


@pytest.fixture
def template(tmp_path):
    def draw(text: str = TASK, kargo: str = "1.11.2") -> Picture:
        file = tmp_path / "task.yaml"
        file.write_text(text)
        found = kargo_templates.template(manifests.load([file]), release=kargo)
        return templates.picture(found, planning.planner_of(found, release(kargo)))

    return draw


def test_steps_say_what_they_are(template):
    found = template()

    assert node(found, "task-1::clone").lines == ("git-clone", "up to 3 errors", "timeout 5m0s")
    assert node(found, "task-1::report").lines == ("http", "if ${{ failure() }}", "runs after a failure")
    assert "continueOnError" in node(found, "task-1::push").lines
    assert {n.label for n in found.nodes if "end" in n.classes} == {"Succeeded", "Failed or Errored"}


def test_dangerous_edges_are_marked(template):
    found = template()

    [swallowed] = [e for e in edges(found, "task-1::push", "task-1::sync") if e.label == "fails"]
    assert (swallowed.mark, swallowed.note) == (Mark.FINDING, "the failure is swallowed")
    [late] = [e for e in edges(found, "task-1::sync", "task-1::report") if e.label == "fails"]
    assert (late.mark, late.note) == (Mark.FINDING, "goes on after the failure")
    assert [e.label for e in edges(found, "task-1::clone", "task-1::clone")] == ["retries"]


def test_a_template_without_danger_has_no_red_edge(template):
    harmless = TASK.replace("continueOnError: true, ", "").replace(', if: "${{ failure() }}"', "")

    assert not [e for e in template(harmless).edges if e.mark is not Mark.NONE]


def test_what_a_release_does_wrong_is_drawn_of_that_release(template):
    [given_up] = {e.note for e in template(kargo="1.8.3").edges if e.label == "given up"}

    assert given_up == "it was begun, and is not tried again"
    assert "given up" not in {e.label for e in template(kargo="1.8.5").edges}


@pytest.mark.parametrize("count", [12, pytest.param(30, marks=pytest.mark.slow)])
def test_nothing_overlaps_in_a_template_of_many_steps(template, count):
    steps = [f"  - {{uses: git-clone, as: s{i}, config: {{repoURL: x}}}}" for i in range(count - 1)]
    steps.append('  - {uses: http, as: last, if: "${{ always() }}", config: {url: x}}')
    found = template(TASK[: TASK.index("  - {uses: git-clone")] + "\n".join(steps) + "\n")

    assert sum(n.shape is Shape.JOINT for n in found.nodes) >= 1
    check_layout(dot(found))


def test_steps_that_wait_and_are_tried_again_say_so_beside_them_and_nowhere_else(template):
    """What is dangerous leads past such steps, and has words of its own."""
    lines = []
    for number, kind in enumerate(("git-clone", "yaml-update", "git-commit", "http", "argocd-update", "http")):
        more = ", retry: {errorThreshold: 3, timeout: 10m}" if number % 2 else ""
        more += ', if: "${{ failure() }}"' if number == 2 else ""
        lines.append(f"  - {{uses: {kind}, as: s{number}{more}, config: {{url: x}}}}")
    found = template(TASK[: TASK.index("  - {uses: git-clone")] + "\n".join(lines) + "\n")

    again = {e.source: e.label for e in found.edges if e.source == e.target}
    assert again == {"s1": "retries", "s3": "waits or retries", "s4": "waits", "s5": "waits or retries"}
    check_layout(dot(found))


# Whatever people give


@pytest.mark.parametrize("seed", [*range(25), *(pytest.param(i, marks=pytest.mark.slow) for i in range(25, 500))])
@pytest.mark.parametrize("form", ["pipeline", "template"])
def test_a_damaged_manifest_is_drawn_or_refused_in_a_sentence(form, seed, tmp_path, capsys):
    chance = Random(seed)
    lines = (TASK if form == "template" else "\n---\n".join(SHOP)).splitlines()
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        lines[at] = chance.choice(
            (
                lines[at].split(":")[0] + ": " + chance.choice(("null", "{}", "[]", "<b>", "1e999", '"\\e[31m"')),
                lines[chance.randrange(len(lines))],
                lines[at].replace(chance.choice("abcdef"), chance.choice('<>&"\\{}')),
                "",
            )
        )
    file = tmp_path / "damaged.yaml"
    file.write_text("\n".join(lines))

    code = kargo_model.main(["draw", form, str(file), "--format", "svg"])
    said = capsys.readouterr()
    assert code in (0, 2, 3)
    if code != 2:
        ElementTree.fromstring(said.out)
    else:
        assert said.err.splitlines()[-1].startswith("kargo-model: ")
