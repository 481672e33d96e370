"""The report: what is in it, that it is the same every time and works alone, and that nothing in it is markup."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import kargo_model
from commands import report as command
from commands.check import Case, named
from diagrams import explorations
from diagrams.kargo.lanes import lane
from diagrams.kargo.lifecycles import LIFECYCLES as OF_KARGO
from diagrams.pages import playbacks, report, verdicts
from diagrams.pages.grids import Cell, Grid
from diagrams.pages.playbacks import Playback
from diagrams.pages.report import Report, Section, TooLargeError
from diagrams.theme import Kind
from diagrams.values import alone, show
from invariants import toys
from invariants.check import check
from invariants.kargo.judging import Look, Seen
from invariants.properties import Kind as Claimed
from invariants.properties import eventually, sometimes
from invariants.verdicts import Bounds, Verdict
from simulations import exploring
from simulations.speckit import scenarios as workflow_scenarios

ROOT = Path(__file__).parents[1]
STORY = "skip-vs-retry"


class Read(HTMLParser):
    """A page as a browser reads it: the tags, what they ask for, and the texts of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._open.append("")

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open[-1] if self._open else "", []).append(data)

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.texts["script"][0])
        return found


def written(tmp_path: Path, *words: str) -> str:
    file = tmp_path / "report.html"
    assert kargo_model.main(["report", "-o", str(file), *words]) == 0
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("report"), STORY, "die-hard", "poll", "--kargo", "1.8.3")


def played(data: dict[str, Any], key: str) -> list[dict[str, str]]:
    """The states of a run, as the page goes through them: what people see of each variable."""
    run = data["playbacks"][key]
    states = [dict(data["starts"][run["start"]])]
    for frame in run["frames"]:
        states.append({**states[-1], **dict(frame["changes"])})

    def said(variable: int) -> str:
        field, owner = data["names"][variable]
        return f"{owner}: {field}" if owner else field

    def text(number: int) -> str:
        found = data["values"][number]
        return found if isinstance(found, str) else found[0]

    return [{said(n): text(v) for n, v in state.items()} for state in states]


def test_every_counterexample_can_be_played_to_where_its_trace_ends() -> None:
    subject = named(Case("poll", "1.8.3", None, None), None)
    found = check(subject.system, subject.properties)
    shown = verdicts.counterexamples([(subject, found)])
    data = playbacks.document(shown, {})

    violated = [j for j in found.judgements if j.verdict is Verdict.VIOLATED]
    traces = {j.property.claim: j.trace for j in violated if j.property.kind is not Claimed.SOMETIMES}
    assert {p.title for p in shown} == set(traces)
    for playback in shown:
        trace = traces[playback.title]
        assert trace is not None
        expected = [[alone(v) for v in state.values()] for state in trace.states]
        assert [list(state.values()) for state in played(data, playback.key)] == expected


def test_the_report_has_every_claim_and_a_run_for_each_that_is_violated(page: str) -> None:
    read = Read(page)
    subject = named(Case("poll", "1.8.3", None, None), None)

    heads = set(map(str.strip, read.texts["th"]))
    assert {p.claim for p in subject.properties if p.kind is not Claimed.SOMETIMES} <= heads
    situations = {p.claim for p in subject.properties if p.kind is Claimed.SOMETIMES}
    assert all(any(head.startswith(situation) for head in heads) for situation in situations)
    assert "the promotion can be: Succeeded, Errored, Aborted" in heads
    linked = {a["href"] for tag, a in read.tags if tag == "a" and a.get("href")}
    ids = {f"#{a['id']}" for _, a in read.tags if a.get("id")}
    assert linked <= ids
    assert {a["id"] for tag, a in read.tags if a.get("class") == "playback"} == set(read.data["playbacks"])


def test_skip_vs_retry_is_in_it_to_the_end(page: str) -> None:
    states = played(Read(page).data, STORY)

    assert [s["phase"] for s in states] == ["new", "Running", "Succeeded"]
    assert states[-1]["task-1::gitClone: entry"] == "Skipped, 1 error"


def test_it_asks_for_nothing_and_runs_nothing_but_its_own_script(page: str) -> None:
    read = Read(page)
    policy = next(a["content"] for tag, a in read.tags if a.get("http-equiv") == "Content-Security-Policy") or ""
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert policy.startswith("default-src 'none'")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    asking = {name for _, attributes in read.tags for name in attributes} & {"src", "srcset", "action", "data"}
    assert asking == set()
    assert not any(name.startswith("on") or name == "style" for _, attributes in read.tags for name in attributes)
    assert [t for t, _ in read.tags if t in ("iframe", "object", "embed", "base", "form", "link")] == []


@pytest.mark.slow
def test_it_is_the_same_to_the_byte_whatever_hashes_are_like(page: str, tmp_path: Path) -> None:
    file = tmp_path / "again.html"
    words = ["report", "-o", str(file), STORY, "die-hard", "poll", "--kargo", "1.8.3"]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, str(ROOT / "kargo_model.py"), *words], check=True, env=environment, cwd=ROOT)

    assert file.read_text(encoding="utf-8") == page


EVIL = "</script><img src=x onerror=alert(1)>"
MANIFEST = """\
apiVersion: kargo.akuity.io/v1alpha1
kind: PromotionTask
metadata: {{name: mine}}
spec:
  steps:
  - {{as: {alias}, uses: git-clone, retry: {{errorThreshold: 2}}}}
  - {{uses: git-push}}
"""


def test_nothing_that_comes_from_a_manifest_is_markup(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(MANIFEST.format(alias=json.dumps(EVIL)))

    text = written(tmp_path, str(file), "--kargo", "1.8.3")

    read = Read(text)
    assert [tag for tag, _ in read.tags if tag == "img"] == []
    assert EVIL not in text
    assert any(EVIL in state for state in map(str, played(read.data, next(iter(read.data["playbacks"])))))


def test_a_template_of_ones_own_comes_with_its_ends(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(MANIFEST.format(alias="clone"))

    read = Read(written(tmp_path, str(file), "--kargo", "1.8.3"))

    titles = [text.strip() for text in read.texts["span"]]
    assert {"it ends Succeeded", "it ends Errored", "it ends Aborted"} <= set(titles)
    assert "mine" in read.texts["title"][0]


STAGE = """\
---
apiVersion: kargo.akuity.io/v1alpha1
kind: Stage
metadata: {{name: dev, namespace: {project}}}
spec:
  requestedFreight: [{{origin: {{kind: Warehouse, name: w}}, sources: {{direct: true}}}}]
  promotionTemplate: {{spec: {{steps: [{{as: clone, uses: git-clone}}]}}}}
"""


def test_every_template_of_the_files_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(MANIFEST.format(alias="clone") + STAGE.format(project="a") + STAGE.format(project="b"))

    read = Read(written(tmp_path, str(file), "--kargo", "1.8.3"))

    assert "3 templates as Kargo 1.8.3 runs them: claims are violated in " in "".join(read.texts["p"])
    titles = {"Ends of Stage dev of a", "Ends of Stage dev of b", "Ends of PromotionTask mine"}
    assert titles <= set(map(str.strip, read.texts["h2"]))
    assert {a["id"] for tag, a in read.tags if a.get("class") == "playback"} == set(read.data["playbacks"])
    alone = Read(written(tmp_path, str(file), "--kargo", "1.8.3", "--name", "a/dev"))
    assert [h for h in read.texts["h2"] if "Ends" in h] != [h for h in alone.texts["h2"] if "Ends" in h]


def test_a_template_that_cannot_be_run_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wants = (
        STAGE.format(project="a").replace("as: clone", "as: x, task: {name: away}").replace(", uses: git-clone", "")
    )
    (tmp_path / "all.yaml").write_text(STAGE.format(project="b") + wants)

    read = Read(written(tmp_path, str(tmp_path / "all.yaml")))
    left_out = capsys.readouterr().err.strip()
    assert left_out.startswith(f"left out: {tmp_path / 'all.yaml'}")
    assert "document 2" in left_out
    assert f"Warning: {left_out}" in read.texts["p"]
    assert any(head.strip() == "Ends of Stage dev" for head in read.texts["h2"])

    (tmp_path / "all.yaml").write_text(wants)
    assert kargo_model.main(["report", "-o", str(tmp_path / "x.html"), str(tmp_path / "all.yaml")]) == 2


def test_a_name_that_is_too_long_for_a_file_is_of_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command_ in (["report", "-o", str(tmp_path / "x.html")], ["serve"]):
        assert kargo_model.main([*command_, "x" * 300]) == 2
        assert "is no file" in capsys.readouterr().err


def test_of_live_objects_it_says_what_it_is_not_about(tmp_path: Path) -> None:
    page = written(tmp_path, str(ROOT / "examples" / "clusters" / "lost-origin.yaml"))

    assert "is told by kargo-model diagnose" in page


def test_counterexamples_of_one_claim_stand_together(tmp_path: Path) -> None:
    read = Read(written(tmp_path, "retry", "poll", "conditions", "--kargo", "1.8.3"))

    groups = [a for _, a in read.tags if a.get("class") == "group"]
    titles = [text.strip() for text in read.texts["span"]]
    assert len(groups) >= 2
    assert titles.count("a started step is never skipped by the engine") == 1


def test_a_situation_that_never_arises_in_a_template_is_no_violated_claim() -> None:
    subject = named(Case("retry", "1.11.2", None, None), None)
    never = sometimes(lambda phase: False, "it_is_nowhere")
    found = explorations.exploration(subject, check(subject.system, (*subject.properties, never)), ())

    assert next(explorations.lines(found, "1.11.2")).endswith("every claim holds; 1 situation never reached")
    assert "never reached" in "\n".join(explorations.lines(found, "1.11.2"))
    assert verdicts.answer_kind([(subject, found.report)]) is Kind.UNCLEAR


def test_a_situation_says_in_how_many_of_its_cases_it_arises() -> None:
    checked = [(s, check(s.system, s.properties)) for s in (named(Case("wait", "1.8.3", None, None), None),)]
    rows = {row[0].text: row[1] for row in verdicts.claims(checked, ()).rows if len(row) > 1}

    assert any(text.startswith("the promotion can be: Succeeded") for text in rows)
    assert all(cell.kind is not Kind.BAD for text, cell in rows.items() if ": " in text)


@pytest.mark.parametrize(
    ("names", "release", "limit", "said"),
    [
        ("task poll", "1.8.3", None, "violated: 5 of 14 claims, in 2 of 2 systems; 1 situation never reached"),
        ("task poll", "1.11.2", None, "violated: 1 of 14 claims, in 1 of 2 systems"),
        ("poll", "1.11.2", None, "violated: 1 of 14 claims, in 1 system"),
        ("task", "1.11.2", None, "holds: all 14 claims in 1 system"),
        ("task shutdown", "1.11.2", 2, "no violation within the bound: 14 claims in 2 systems"),
    ],
)
def test_the_answer_counts_claims_and_systems(names: str, release: str, limit: int | None, said: str) -> None:
    subjects = [named(Case(name, release, None, None), None) for name in names.split()]
    checked = [(s, check(s.system, s.properties, bounds=Bounds(states=limit))) for s in subjects]

    assert verdicts.answer(checked) == said


def test_a_lifecycle_as_a_table_has_a_row_for_what_leads_to_the_same(page: str) -> None:
    (known,) = (known for known in OF_KARGO if known.name == "step")
    rows = report._arrows(known).rows

    assert len(rows) < len(known.table.arrows)
    told = {(row[0].text, cell.text, row[2].text) for row in rows for cell in (row[1], *row[1].also)}
    arrows = (*known.table.arrows, *known.table.findings)
    assert told == {(a.event.replace("_", " "), show(a.source), show(a.target)) for a in arrows}
    assert page.count("the same as a table") >= 1


def test_where_nobody_is_named_the_system_acts() -> None:
    walk = exploring.begin(toys.subject("die-hard").system)
    taken = next(exploring.options(walk)).taken

    assert taken.actor == ""
    assert playbacks.frame(taken, lane).lane == "system"


def test_a_way_that_never_ends_says_so() -> None:
    subject = toys.subject("die-hard")
    never = eventually(toys.four_gallons_are_measured)
    found = check(subject.system, (never,))

    (shown,) = verdicts.counterexamples([(subject, found)])

    text = report.html(Report("t", "a", Kind.BAD, (), (Section("s", "S", playbacks=(shown,)),)))
    assert shown.loop is not None
    assert Read(text).data["playbacks"][shown.key]["loop"] == shown.loop
    assert "again and again, for ever:" in text or "and nothing more happens" in text


def no_looking(*_: object) -> Any:
    """Looks that see everything, and nothing violated."""

    def look(looks: Iterable[Look]) -> dict[Look, Seen]:
        return {each: Seen({}, frozenset(each.claims), True) for each in looks}

    return look


def test_the_rules_are_a_table_by_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "Looker", no_looking)

    read = Read(written(tmp_path, "rules"))

    heads = [text for text in read.texts["th"] if text in ("1.8.3", "1.11.2", "main")]
    assert heads == ["1.8.3", "1.11.2", "main"]
    assert read.texts["span"].count("yes") >= 28 * 6
    assert read.texts["p"][0].startswith("In Kargo 1.11.2, 28 of 28 claims")


# What can go wrong


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing-like-it"], "is no file, and nothing that is known by name"),
        (["retry", "--kargo", "0.1"], "0.1"),
        (["/dev/null"], "/dev/null"),
    ],
)
def test_what_cannot_be_reported_on_is_refused(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.html"

    assert kargo_model.main(["report", "-o", str(file), *words]) == 2

    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_the_manifests_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, empty = tmp_path / "manifests", tmp_path / "empty"
    folder.mkdir()
    empty.mkdir()
    examples = ROOT / "examples" / "lint" / "webshop"
    for name in ("stages.yaml", "task.yaml"):
        (folder / name).write_bytes((examples / name).read_bytes())
    (folder / "values.yaml").write_text("replicas: 3\n")

    page = written(tmp_path, str(folder), "--name", "dev")
    assert page == written(tmp_path, str(folder / "stages.yaml"), str(folder / "task.yaml"), "--name", "dev")
    assert kargo_model.main(["report", "-o", str(tmp_path / "x.html"), str(empty)]) == 2
    assert "no file in this folder mentions kargo.akuity.io" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_said_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (tmp_path, tmp_path / "none" / "report.html"):
        assert kargo_model.main(["report", "-o", str(place)]) == 2
        assert "cannot be written" in capsys.readouterr().err


def test_what_was_there_stays_if_the_new_one_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report.html"
    file.write_text("what was there")
    monkeypatch.setattr(report, "LARGEST", 10)

    assert kargo_model.main(["report", "-o", str(file), "die-hard"]) == 2

    assert file.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [file]


def test_a_report_that_is_too_large_is_refused() -> None:
    many = tuple((Cell("x" * 1000),) for _ in range(2001))
    large = Report("large", "yes", Kind.GOOD, (), (Section("s", "S", grids=(Grid("", ("",), many),)),))

    with pytest.raises(TooLargeError, match="name fewer"):
        report.html(large)


def test_the_answer_is_printed_and_told_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.html"

    assert kargo_model.main(["report", "-o", str(file), "poll", "--kargo", "1.8.3"]) == 0
    assert capsys.readouterr().out.startswith("violated: ")
    assert kargo_model.main(["report", "-o", str(file), "poll", "--kargo", "1.8.3", "--format", "json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "kargo-model/report"
    assert told["bytes"] == file.stat().st_size
    assert told["runs"] >= 1


def test_a_scenario_goes_by_its_number(tmp_path: Path) -> None:
    read = Read(written(tmp_path, "K25"))

    (key,) = read.data["playbacks"]
    assert key == "waiting-step-seen-late"
    assert len(played(read.data, key)) > 3


def test_the_report_of_ambient_is_told_story_by_story(tmp_path: Path) -> None:
    page = written(tmp_path, "lost-retry")
    read = Read(page)

    runs = read.data["playbacks"]
    assert list(runs) == ["lost-retry", *(f"lost-retry-{n}" for n in range(2, 6))]
    reported, edited = played(read.data, "lost-retry"), played(read.data, "lost-retry-2")
    assert (reported[0]["phase"], reported[-1]["phase"]) == ("new", "Running")
    assert (reported[-1]["condition"], edited[-1]["condition"]) == ("False", "True")
    assert 'data-lifecycle="ambient-session"' in page
    assert 'data-lifecycle="promotion"' not in page
    assert "sessions of Ambient: what holds" in page


@pytest.mark.parametrize(
    ("name", "release", "steps", "ends"),
    [
        ("resume-repeats-what-was-done", "1.1.2", 10, "completed"),
        ("declared-failure-goes-on", "1.2.3", None, "completed"),
        ("undeclared-failure-halts", "1.2.3", None, "failed"),
        ("rejected-gate-beats-the-flag", "1.2.3", None, "aborted"),
    ],
)
def test_scenarios_of_workflows_can_be_stepped_through(
    name: str, release: str, steps: int | None, ends: str, tmp_path: Path
) -> None:
    page = written(tmp_path, name)
    read = Read(page)

    states = played(read.data, name)
    found = workflow_scenarios.reproduce(workflow_scenarios.load(name))
    assert found.here.release == release
    assert states[0]["status"] == "created"
    assert states[-1]["status"] == ends == str(found.here.looks[-1].status)
    assert steps is None or len(states) == steps + 1
    assert f"spec-kit {release}" in page
    assert 'data-lifecycle="speckit-step"' in page


def test_a_promise_that_is_broken_is_shown_in_the_release_that_is_asked_for(tmp_path: Path) -> None:
    read = Read(written(tmp_path, "declared-failure-goes-on", "--spec-kit", "0.9.4"))

    assert "kept" in read.texts["span"]
    assert any("spec-kit 0.9.4" in text for text in read.texts["span"])
    assert kargo_model.main(["report", "-o", str(tmp_path / "x.html"), "lost-retry", "--spec-kit", "0.1"]) == 2


def test_a_variable_is_told_by_its_field_and_its_object() -> None:
    assert playbacks.name("error_count[dev.1/step]") == ("error count", "dev.1/step")
    assert playbacks.name("phase") == ("phase", "")


def test_steps_without_a_change_are_steps_all_the_same() -> None:
    still = Playback("k", "t", "a", "w", Kind.PLAIN, {"x": 1}, (playbacks.Frame("me", "wait"),), frozenset({"x"}))

    (run,) = playbacks.document([still], {})["playbacks"].values()

    assert run["frames"] == [{"what": "wait", "lane": "me", "changes": []}]
    assert re.fullmatch("", still.said(still.frames[0]))
