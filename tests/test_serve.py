"""The explorer: what it shows, what it looks for, what it hands out, and whom it refuses."""

from __future__ import annotations

import html
import importlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

import kargo_model
from commands import serve
from commands.web import addresses, server
from commands.web.addresses import Address, AddressError
from commands.web.catalogue import Catalogue, NothingLikeItError
from commands.web.goals import goals
from model.inputs import InputError
from simulations import exploring
from simulations.exploring import Choice
from simulations.kargo.loop import scenario_file
from tests.explorer import Answer, Served, served

ROOT = Path(__file__).parents[1]
START = "/walk?system=retry&release=1.8.3"
SKIPPED = "claim a_started_step_is_never_skipped_by_the_engine"


@pytest.fixture(scope="module")
def there() -> Iterator[Served]:
    with served() as found:
        yield found


def links(answer: Answer) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'class="option" href="([^"]+)"', answer.text)]


def way(there: Served, goal: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
    form = {"token": there.explorer.token, "system": "retry", "release": "1.8.3", "start": "0", "path": ""}
    return there.ask("POST", "/way", urlencode(form | fields | {"goal": goal}), headers)


def the_goal(there: Served, beginning: str, at: str = START) -> str:
    page = html.unescape(there.ask("GET", at).text)
    return next(found for found in re.findall(r'<option value="([^"]+)">', page) if found.startswith(beginning))


# What it shows


def test_every_system_can_be_chosen(there: Served) -> None:
    page = there.ask("GET", "/")

    assert page.status == 200
    for name in ("retry", "single", "die-hard", "speckit-flag", "session-edits"):
        assert f'<option value="{name}">' in page.text


def test_a_page_shows_what_is_enabled_and_leads_there(there: Served) -> None:
    walk = exploring.begin(Catalogue().subject("retry", "1.8.3").system)
    page = there.ask("GET", START)

    expected = [str(Address("retry", "1.8.3", 0, (o.choice,))) for o in exploring.options(walk)]
    assert links(page) == expected
    assert there.ask("GET", expected[0]).status == 200


def test_a_step_that_breaks_a_claim_says_so_before_it_is_taken(there: Served) -> None:
    target = way(there, the_goal(there, SKIPPED)).headers["location"]
    found = parse_qs(urlsplit(target).query)["path"][0]
    before = there.ask("GET", f"{START}&path={found.rpartition('_')[0]}")

    assert "would break" in before.text
    assert "a started step is never skipped by the engine" in before.text
    after = there.ask("GET", target).text
    assert re.search(r'<span class="mark bad">\d+</span>\s*broken', after)


def test_a_session_a_workflow_and_a_toy_can_be_walked(there: Served) -> None:
    for system, release in (("session-edits", "head"), ("speckit-flag", "1.2.3"), ("die-hard", "")):
        page = there.ask("GET", str(Address(system, release)))
        assert page.status == 200, system
        assert there.ask("GET", links(page)[0]).status == 200


@pytest.mark.parametrize(
    "address",
    [
        "/walk?system=",
        "/walk?system=nothing",
        "/walk?system=retry",
        "/walk?system=retry&release=0.1",
        f"{START}&path=x",
        f"{START}&path=99.0",
        f"{START}&path=0.99",
        f"{START}&start=5",
        f"{START}&start=-1",
        f"{START}&path={'0.0_' * 400}0.0",
        "/walk?system=%3Cscript%3E&release=%3Cscript%3E",
    ],
)
def test_an_address_of_nothing_is_answered_in_a_sentence(there: Served, address: str) -> None:
    page = there.ask("GET", address)

    assert page.status == 404
    assert "There is nothing here" in page.text
    assert "<script>" not in page.text


def test_an_address_says_everything_about_a_walk() -> None:
    there = Address("retry", "1.8.3", 2, (Choice(3, 0), Choice(2, 1)))
    fields = {name: values[0] for name, values in parse_qs(urlsplit(str(there)).query).items()}

    assert addresses.read(fields) == there
    assert str(there.until(1)) == "/walk?system=retry&release=1.8.3&start=2&path=3.0"
    with pytest.raises(AddressError):
        addresses.read({"path": "1.2.3"})


# Ways


def test_the_way_to_a_violation_is_gone(there: Served) -> None:
    answer = way(there, the_goal(there, SKIPPED))

    assert answer.status == 303
    walk = there.explorer.walk(addresses.read(dict(parse(answer.headers["location"]))))
    assert len(walk.choices) == 2
    assert str(walk.state["entry[clone]"]).startswith("Skipped")


def parse(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_the_way_to_a_phase_and_to_a_value(there: Served) -> None:
    to_phase = way(there, "phase phase SUCCEEDED")
    to_value = way(there, the_goal(there, "value abort_requested"))

    assert (
        there.explorer.walk(addresses.read(parse(to_phase.headers["location"]))).state["phase"].value == "Succeeded"
    )
    assert there.explorer.walk(addresses.read(parse(to_value.headers["location"]))).state["abort_requested"]


def test_what_was_not_seen_yet_can_be_looked_for(there: Served) -> None:
    at = way(there, "phase verification[dev] FAILED", system="verification").headers["location"]

    assert there.explorer.walk(addresses.read(parse(at))).state["verification[dev]"].phase.value == "Failed"


def test_that_there_is_no_way_is_said(there: Served) -> None:
    answer = way(there, "claim terminal_phases_never_change")

    assert answer.status == 200
    assert "There is no way from here; every state that can be reached was seen." in answer.text


def test_a_bound_that_is_hit_is_not_taken_for_an_answer() -> None:
    with served(seconds=0.000001) as there:
        answer = way(there, "phase phase SUCCEEDED")

    assert answer.status == 200
    assert "No way was found: the bound of 5e-07 seconds was hit" in answer.text


def test_a_goal_that_is_met_here_needs_no_way(there: Served) -> None:
    at = parse(way(there, "phase phase SUCCEEDED").headers["location"])
    known = the_goal(there, "claim the Promotion can be Succeeded", f"{START}&path={at['path']}")

    assert "It is so here already." in way(there, known, path=at["path"]).text


def test_a_goal_of_nothing_is_refused(there: Served) -> None:
    assert way(there, "claim nothing").status == 400
    assert way(there, "").status == 400


def test_every_goal_has_a_name_of_its_own() -> None:
    for system, release in (
        ("verification", "1.11.2"),
        ("retry", "1.8.3"),
        ("die-hard", ""),
        ("session-edits", "head"),
    ):
        subject = Catalogue().subject(system, release)
        walk = exploring.begin(subject.system)
        keys = [
            g.key for g in goals(subject, walk, list(exploring.options(walk)), exploring.glimpse(subject.system))
        ]
        assert len(keys) == len(set(keys))


# The walk as a test


def the_test(answer: Answer) -> str:
    found = re.search(r'<pre id="test"[^>]*>(.*?)</pre>', answer.text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


@pytest.mark.parametrize(("system", "release"), [("retry", "1.8.3"), ("die-hard", "")])
def test_the_test_that_is_handed_out_runs(there: Served, system: str, release: str) -> None:
    beginning = SKIPPED if release else "claim four_gallons_are_measured"
    goal = the_goal(there, beginning, str(Address(system, release)))
    target = way(there, goal, system=system, release=release).headers["location"]
    text = the_test(there.ask("GET", target))
    run(text)
    with pytest.raises(AssertionError):
        run(text.replace("BROKEN = [\n", 'BROKEN = [\n    "nothing like it",\n'))
    with pytest.raises(exploring.NotEnabledError):
        run(text.replace("STEPS = [\n", 'STEPS = [\n    ("nothing like it", "", 0),\n'))


def run(text: str) -> None:
    """Run the one test in a text."""
    names: dict[str, Any] = {}
    exec(compile(text, "test_walk.py", "exec"), names)
    (test,) = (found for name, found in names.items() if name.startswith("test_"))
    test()


@pytest.mark.slow
def test_the_test_that_is_handed_out_is_one_for_pytest(there: Served, tmp_path: Path) -> None:
    target = way(there, the_goal(there, SKIPPED)).headers["location"]
    file = tmp_path / "test_walk.py"
    file.write_text(the_test(there.ask("GET", target)))
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", str(file)]

    ran = subprocess.run(
        call, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )

    assert "1 passed" in ran.stdout


# Whom it refuses


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:{port}", "0:{port}"]
)
def test_other_names_for_this_machine_are_refused(there: Served, host: str) -> None:
    answer = there.ask("GET", "/", host=host.format(port=there.port))

    assert answer.status == 421
    assert "retry" not in answer.text


def test_localhost_is_this_machine(there: Served) -> None:
    assert there.ask("GET", "/", host=f"localhost:{there.port}").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_requests_of_other_sites_are_refused(there: Served, headers: dict[str, str]) -> None:
    assert there.ask("GET", START, headers=headers).status == 403
    assert way(there, "phase phase SUCCEEDED", headers).status == 403


def test_a_form_without_our_token_is_refused(there: Served) -> None:
    for token in ("", "x", "ä"):
        assert way(there, "phase phase SUCCEEDED", token=token).status == 403


def test_too_much_is_refused(there: Served) -> None:
    assert there.ask("POST", "/way", "x" * (70 << 10)).status == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(there: Served, method: str) -> None:
    assert there.ask(method, "/").status == 405


def test_nothing_else_is_served(there: Served) -> None:
    for path in ("/static/../app.py", "/static/app.py", "/static/%2e%2e/app.py", "/etc/passwd"):
        assert there.ask("GET", path).status in (404, 405)


def test_an_address_that_lacks_what_it_needs_leads_to_the_start_page(there: Served) -> None:
    for path in ("/walk", "/way"):
        assert there.ask("GET", path).headers["location"] == "/"
    page = there.ask("GET", "/nothing")
    assert (page.status, "No page has this address." in page.text) == (404, True)


def test_browsers_are_told_to_run_and_fetch_our_own_only(there: Served) -> None:
    for path in ("/", START, "/static/explorer.js", "/nothing"):
        headers = there.ask("GET", path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    for path in ("/", START):
        text = there.ask("GET", path).text
        assert not re.search(r"<[^>]*\s(style|on\w+)=", text)
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text)


# Files

EVIL = "<img src=x onerror=alert(1)>"
MANIFEST = """\
apiVersion: kargo.akuity.io/v1alpha1
kind: PromotionTask
metadata: {name: mine}
spec:
  steps:
  - {as: "<img src=x onerror=alert(1)>", uses: git-clone, retry: {errorThreshold: 2}}
"""


WORKFLOW = """\
schema_version: "1.0"
workflow: {id: release, name: Release, version: 1.0.0}
steps:
  - {id: build, type: shell, run: make}
"""


def of_files(*words: str) -> tuple[Catalogue, str]:
    options: dict[str, Any] = {
        "kargo": None,
        "spec_kit": None,
        "name": "",
        "anyway": False,
        "subjects": list(words),
    }
    return serve._asked(type("Options", (), options)())  # type: ignore[arg-type]  # what parsing would give


def test_a_template_that_cannot_be_walked_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(MANIFEST)
    wants = MANIFEST.replace("mine", "wants").replace("spec:", "spec:\n  vars: [{name: v}]", 1)
    (tmp_path / "b.yaml").write_text(wants)

    assert of_files(str(tmp_path))[1] == str(Address("PromotionTask mine", "1.11.2"))
    assert "left out: " in capsys.readouterr().err
    with pytest.raises(InputError, match='the variable "v" of PromotionTask wants has no value'):
        of_files(str(tmp_path / "b.yaml"))


def test_a_manifest_can_be_walked_and_nothing_of_it_is_markup(tmp_path: Path) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(MANIFEST)
    catalogue, begin = of_files(str(file))

    with served(catalogue) as there:
        page = there.ask("GET", begin)
        assert page.status == 200
        further = there.ask("GET", links(page)[0])
        older = there.ask("GET", begin.replace("1.11.2", "1.8.3"))

    assert older.status == 200
    for text in (page.text, further.text, older.text):
        assert EVIL not in text
        assert html.escape(EVIL, quote=False)[:8] in text
    run(the_test(further))


def test_of_several_templates_each_can_be_walked(tmp_path: Path) -> None:
    for name in ("mine", "yours"):
        (tmp_path / f"{name}.yaml").write_text(MANIFEST.replace("mine", name))
    catalogue, begin = of_files(str(tmp_path))

    assert begin == "/"
    (group,) = (g for g in catalogue.groups if g.title == "Your own")
    assert group.systems == ("PromotionTask mine", "PromotionTask yours")
    with served(catalogue) as there:
        assert "PromotionTask yours" in there.ask("GET", "/").text
        page = there.ask("GET", str(Address("PromotionTask yours", "1.8.3")))
        further = there.ask("GET", links(page)[0])
    run(the_test(further))
    assert of_files(str(tmp_path / "mine.yaml"))[1] == str(Address("PromotionTask mine", "1.11.2"))


def test_a_workflow_of_spec_kit_can_be_walked(tmp_path: Path) -> None:
    file = tmp_path / "workflow.yml"
    file.write_text(WORKFLOW)
    catalogue, begin = of_files(str(file))

    assert begin.startswith("/walk?")
    (group,) = (g for g in catalogue.groups if g.title == "Your own")
    assert catalogue.subject(group.systems[0], group.usual).properties


# The command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "is no file, and no system"),
        (["-"], "standard input cannot be read again"),
        (["retry", "--kargo", "0.1"], "There is no release '0.1'"),
        (["--port", "70000"], "expected a port"),
        (["--port", "x"], "expected a whole number"),
    ],
)
def test_a_call_that_is_wrong_gets_a_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kargo_model.main(["serve", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert kargo_model.main(["serve", "--port", str(taken.getsockname()[1])]) == 2

    assert "cannot be had" in capsys.readouterr().err


def test_without_its_libraries_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.import_module

    def missing(name: str) -> object:
        if name.startswith("commands.web."):
            raise ModuleNotFoundError(name="uvicorn")
        return find(name)

    monkeypatch.setattr(importlib, "import_module", missing)

    assert kargo_model.main(["serve"]) == 2
    assert "install kargo-model[serve]" in capsys.readouterr().err


def test_it_is_bound_to_this_machine_alone() -> None:
    with server.bound(None) as at:
        assert at.getsockname()[0] == "127.0.0.1"


@pytest.mark.slow
def test_the_address_comes_first_and_ctrl_c_ends_it_quietly() -> None:
    call = [sys.executable, str(ROOT / "kargo_model.py"), "serve", "retry"]
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/walk\?system=retry&release=[\d.]+", first)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert errors == ""
    assert process.returncode == 0


def test_what_is_not_there_is_said_by_the_catalogue() -> None:
    with pytest.raises(NothingLikeItError):
        Catalogue().subject("nothing", "")


def test_a_walk_through_a_control_loop_is_told_as_a_scenario(
    there: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = way(there, "phase phase[dev.1] SUCCEEDED", system="single", release="1.11.2").headers["location"]
    page = there.ask("GET", at)

    assert "Told as a scenario, it ends the same." in page.text
    found = re.search(r'<pre id="story"[^>]*>(.*?)</pre>', page.text, re.DOTALL)
    assert found is not None
    file = tmp_path / "walk.yaml"
    file.write_text(html.unescape(found[1]))
    assert "promote a1 to dev" in [event.text for event in scenario_file.load(file).story]
    assert kargo_model.main(["reproduce", str(file)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "told, and it claims nothing: walk: a walk that somebody took by hand"


def test_a_walk_that_cannot_be_told_says_why(there: Served) -> None:
    subject = Catalogue().subject("interleaved", "1.11.2")
    walk = exploring.begin(subject.system)
    choice = next(o.choice for o in exploring.options(walk) if o.taken.action.startswith("dev: "))

    page = there.ask("GET", str(Address("interleaved", "1.11.2", 0, (choice,))))

    assert "It cannot be told as a scenario: a scenario has no sentence for" in page.text
