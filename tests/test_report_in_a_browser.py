"""The report in a real browser: stepped through by keyboard and by mouse, without an error or the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator

import kargo_model
from tests.browser import Watched, browser

pytestmark = pytest.mark.slow

STORY = "skip-vs-retry"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert kargo_model.main(["report", "-o", str(path), STORY, "die-hard", "retry", "--kargo", "1.8.3"]) == 0
    return path


@pytest.fixture
def watched(chromium: Browser, file: Path) -> Iterator[Watched]:
    context = chromium.new_context(offline=True)
    found = Watched(context)
    found.page.goto(file.as_uri())
    yield found
    assert found.errors == []
    assert {url.partition("#")[0] for url in found.asked} == {file.as_uri()}
    context.close()


def opened(watched: Watched) -> Locator:
    run = watched.page.locator(f"details#{STORY}")
    run.locator("summary").first.click()
    return run


def before_and_after(run: Locator) -> dict[str, tuple[str, str]]:
    """What changed in the step that is shown, of what people are told first."""
    rows = run.locator(".changes > .scrolls tbody tr").all()
    cells = [[cell.inner_text().strip() for cell in row.locator("th, td").all()] for row in rows]
    return {name: (before, after) for name, before, after in cells}


def lit(run: Locator, mark: str) -> list[str]:
    return sorted(phase.locator("text").text_content() or "" for phase in run.locator(f".lit .phase.{mark}").all())


def test_the_first_line_is_the_answer(watched: Watched) -> None:
    assert watched.page.locator("body > header > p").first.inner_text().startswith("violated: ")


def test_skip_vs_retry_is_stepped_through_to_the_end_by_keyboard(watched: Watched) -> None:
    run, keys = opened(watched), watched.page.keyboard
    assert "Start, 2 steps" in run.locator("output").inner_text()
    assert lit(run, "now") == ["new"]

    keys.press("ArrowRight")
    assert "it will be retried" in run.locator(".now-says").inner_text()
    assert before_and_after(run)["phase"] == ("new", "Running")
    assert before_and_after(run)["entry task-1::gitClone"] == ("none", "Errored (tried again), 1 error")
    assert lit(run, "now") == ["Errored (tried again)", "Running"]

    keys.press("ArrowRight")
    assert run.locator("output").inner_text() == "Step 2 of 2"
    assert "its own last attempt left it Errored" in run.locator(".now-says").inner_text()
    assert before_and_after(run)["phase"] == ("Running", "Succeeded")
    assert before_and_after(run)["entry task-1::gitClone"][1] == "Skipped, 1 error"
    assert lit(run, "now") == ["Skipped", "Succeeded"]
    assert lit(run, "was") == ["Errored (tried again)", "Running"]

    keys.press("ArrowRight")
    assert run.locator("output").inner_text() == "Step 2 of 2"
    keys.press("ArrowLeft")
    assert before_and_after(run)["phase"] == ("new", "Running")
    keys.press("Home")
    assert "Start" in run.locator("output").inner_text()
    keys.press("End")
    assert before_and_after(run)["phase"] == ("Running", "Succeeded")
    assert "nobody did the work of task-1::gitClone" in run.locator(".end").inner_text()


def test_skip_vs_retry_is_stepped_through_to_the_end_by_mouse(watched: Watched) -> None:
    run = opened(watched)

    run.get_by_role("button", name="One step forward").click()
    assert before_and_after(run)["phase"] == ("new", "Running")
    run.get_by_role("button", name="One step forward").click()
    assert before_and_after(run)["phase"] == ("Running", "Succeeded")
    assert run.get_by_role("button", name="One step forward").is_disabled()
    run.get_by_role("button", name="One step back").click()
    assert run.locator("output").inner_text() == "Step 1 of 2"
    run.get_by_role("button", name="Step 2: Promotion").click()
    assert run.locator("output").inner_text() == "Step 2 of 2"
    run.get_by_role("button", name="To the start").click()
    assert "Start" in run.locator("output").inner_text()


def test_the_whole_state_is_shown_on_demand(watched: Watched) -> None:
    run = opened(watched)
    watched.page.keyboard.press("End")

    run.get_by_text("The whole state", exact=True).click()

    rows = run.locator(".whole tbody tr")
    names = [row.locator("th").inner_text() for row in rows.all()]
    assert {"phase", "current step", "work dir", "message"} <= set(names)
    assert len(names) > len(before_and_after(run))
    assert run.locator(".whole tr.changed").count() < len(names)


def test_everything_that_is_done_by_mouse_is_done_by_keyboard(watched: Watched) -> None:
    keys, page = watched.page.keyboard, watched.page
    page.locator(f"details#{STORY} > summary").focus()
    keys.press("Enter")
    reached = set()
    for _ in range(12):
        keys.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")
        )

    assert {"One step forward", "To the end", "Step"} <= reached


def test_a_name_in_the_address_opens_that_run_at_that_step(watched: Watched, file: Path) -> None:
    watched.page.goto("about:blank")
    watched.asked.clear()
    watched.page.goto(f"{file.as_uri()}#{STORY}/2")

    run = watched.page.locator(f"details#{STORY}")
    assert run.locator("output").inner_text() == "Step 2 of 2"


def test_on_paper_all_steps_are_a_table(watched: Watched) -> None:
    opened(watched)
    watched.page.emulate_media(media="print")

    steps = watched.page.locator(f"details#{STORY} .steps")
    assert steps.is_visible()
    assert steps.locator("tbody tr").count() == 2
    assert not watched.page.locator(f"details#{STORY} .stepper").is_visible()


def test_every_text_can_be_read_in_the_light_and_in_the_dark(watched: Watched) -> None:
    run = opened(watched)
    watched.page.keyboard.press("End")
    for scheme in ("light", "dark"):
        watched.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two that it takes
        watched.page.wait_for_timeout(400)
        worst = watched.page.evaluate(CONTRAST)
        assert worst[0] >= 4.5, (scheme, worst)
    assert run.is_visible()


CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const found = rgb(getComputedStyle(e).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  let worst = [21, ""];
  for (const e of document.querySelectorAll("body *")) {
    const said = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!said || e.closest("svg, script, :disabled") || !e.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst[0]) worst = [ratio, e.tagName + " " + e.className + " " + e.textContent.slice(0, 40)];
  }
  return worst;
}"""
