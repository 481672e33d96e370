"""The explorer in a real browser: walk by keyboard and mouse, go back, go the shortest way, take a test along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import kargo_model
from tests.browser import Watched, browser
from tests.explorer import Served, served
from tests.test_serve import run

pytestmark = pytest.mark.slow

START = "/walk?system=retry&release=1.8.3"


@pytest.fixture(scope="module")
def there() -> Iterator[Served]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def chromium(there: Served) -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def watched(chromium: Browser, there: Served) -> Iterator[Watched]:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    found = Watched(context)
    yield found
    assert found.errors == []
    assert all(url.startswith(f"{there.url}/") for url in found.asked)
    context.close()


def says(watched: Watched) -> str:
    return watched.page.locator(".now-says").inner_text()


def steps(watched: Watched) -> str:
    return watched.page.locator("output").inner_text()


def test_a_system_and_a_release_are_picked(watched: Watched, there: Served) -> None:
    watched.page.goto(there.url)
    kargo = watched.page.locator("section").filter(
        has=watched.page.get_by_role("heading", name="Kargo", exact=True)
    )

    kargo.get_by_label("System").select_option("retry")
    kargo.get_by_label("Release").select_option("1.8.3")
    kargo.get_by_role("button", name="Begin").click()

    assert watched.page.url == f"{there.url}{START}"
    assert "retry as Kargo 1.8.3" in watched.page.locator("h1").inner_text()


def test_a_walk_by_mouse_and_back(watched: Watched, there: Served) -> None:
    page = watched.page
    page.goto(there.url + START)
    page.get_by_role("link", name="Errored with an error").click()
    page.get_by_text("Step 1 of 1").wait_for()
    assert "Errored with an error" in says(watched)
    assert page.locator(".lit .phase.now").count() == 2

    risky = page.locator("a.option", has_text="would break").first
    assert "a started step is never skipped by the engine" in risky.inner_text()
    risky.click()
    page.get_by_text("Step 2 of 2").wait_for()
    assert "a started step is never skipped by the engine" in page.locator("#claims ~ details").first.inner_text()

    page.get_by_role("link", name="Undo the last step").click()
    page.get_by_text("Step 1 of 1").wait_for()
    page.go_back()
    page.get_by_text("Step 2 of 2").wait_for()
    page.get_by_role("button", name="Step 1: Promotion").click()
    assert steps(watched) == "Step 1 of 2"
    page.get_by_role("link", name="Go on from here").click()
    page.get_by_text("Step 1 of 1").wait_for()
    page.get_by_role("link", name="Start again").click()
    page.get_by_text("Start, 0 steps").wait_for()
    page.wait_for_url(there.url + START)


def test_a_walk_by_keyboard(watched: Watched, there: Served) -> None:
    page = watched.page
    page.goto(there.url + START)
    for number in (1, 2):
        key = page.locator("a.option", has_text="reconcile").last.get_attribute("data-key") or ""
        page.keyboard.press(key)
        page.get_by_text(f"Step {number} of {number}").wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("Step 1 of 1").wait_for()

    assert "_" not in page.url.partition("path=")[2]


def test_the_shortest_way_and_the_test_of_it(watched: Watched, there: Served) -> None:
    page = watched.page
    page.goto(there.url + START)
    page.get_by_label("a state where").select_option(label="a started step is never skipped by the engine (clone)")
    page.get_by_role("button", name="Go there").click()
    page.get_by_text("Step 2 of 2").wait_for()

    page.get_by_role("button", name="Copy the test").click()
    page.get_by_text("Copied.").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")

    assert "a_started_step_is_never_skipped_by_the_engine [clone]" in text
    run(text)


def test_that_there_is_no_way_is_shown(watched: Watched, there: Served) -> None:
    page = watched.page
    page.goto(there.url + START)
    page.get_by_label("a state where").select_option(label="terminal phases never change")
    page.get_by_role("button", name="Go there").click()

    assert "There is no way from here" in page.get_by_role("status").first.inner_text()
    page.wait_for_url(there.url + START)
    page.locator("a.option").first.click()
    page.get_by_text("Step 1 of 1").wait_for()
    page.go_back()
    page.get_by_text("Start, 0 steps").wait_for()
    page.wait_for_url(there.url + START)


def test_that_the_scenario_is_copied_is_said_beside_its_button(
    watched: Watched, there: Served, tmp_path: Path
) -> None:
    page = watched.page
    page.goto(f"{there.url}/walk?system=single&release=1.11.2")
    page.locator("a.option", has_text="a1 is found").click()
    page.get_by_text("Step 1 of 1").wait_for()
    page.get_by_role("button", name="Copy the scenario").click()
    page.locator("#copied-story", has_text="Copied.").wait_for()

    assert page.locator("#copied-test").inner_text() == ""
    file = tmp_path / "walk.yaml"
    file.write_text(page.evaluate("navigator.clipboard.readText()"))
    assert kargo_model.main(["reproduce", str(file)]) == 0


def test_the_keyboard_goes_through_a_walk_in_order_and_shows_where_it_is(watched: Watched, there: Served) -> None:
    page = watched.page
    page.goto(f"{there.url}/walk?system=single&release=1.11.2&path=0.0")
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        text, outline = page.evaluate(FOCUSED)
        if text == "":
            break
        assert outline != "none", text
        seen.append(text)

    wanted = [
        "Skip to the content",
        "Undo the last step",
        "Step 1: world: a1 is found",
        "Go there",
        "Copy the test",
    ]
    assert [text for text in seen if text in wanted] == wanted
    once = [text for text in seen if text != "Show it"]
    assert len(once) == len(set(once))


FOCUSED = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return ["", ""];
  const text = (focused.getAttribute("aria-label") || focused.textContent).trim();
  return [text, getComputedStyle(focused).outlineStyle];
}"""


def test_another_name_for_this_machine_is_refused(chromium: Browser, there: Served) -> None:
    name = "evil.localhost"  # browsers take every such name for this machine
    page = chromium.new_page()
    answer = page.goto(f"http://{name}:{there.port}/")

    assert answer is not None
    assert answer.status == 421
    assert "retry" not in page.content()
    page.close()


def test_a_page_of_somebody_else_can_neither_read_nor_send_a_form(chromium: Browser, there: Served) -> None:
    page = chromium.new_page()
    page.route(
        "http://other.example/", lambda route: route.fulfill(body=FORM.format(there.url), content_type="text/html")
    )
    page.goto("http://other.example/")
    read = page.evaluate("(url) => fetch(url).then((a) => a.text(), () => 'refused')", there.url + START)
    with page.expect_navigation() as navigated:
        page.get_by_role("button").click()

    assert read == "refused"
    assert navigated.value.status == 403
    assert "Requests from other sites are refused." in page.content()
    page.close()


FORM = """<form action="{0}/way" method="post"><input name="system" value="retry"><button>Look</button></form>"""
