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
    assert (
        kargo_model.main(["report", "-o", str(path), STORY, "die-hard", "retry", "poll", "--kargo", "1.8.3"]) == 0
    )
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
    rows.first.wait_for()
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


def test_a_link_opens_a_run_that_stands_with_others(watched: Watched) -> None:
    group = watched.page.locator("details.group").first
    assert group.get_attribute("open") is None
    key = group.locator("details.playback").last.get_attribute("id")

    watched.page.locator(f'#verdicts a[href="#{key}"]').click()

    run = watched.page.locator(f"details#{key}")
    assert run.locator("output").is_visible()
    watched.page.keyboard.press("End")
    assert "Step" in run.locator("output").inner_text()


@pytest.mark.parametrize("width", [400, 1280])
def test_texts_of_a_picture_beside_a_state_are_not_too_small_to_read(watched: Watched, width: int) -> None:
    watched.page.set_viewport_size({"width": width, "height": 900})
    run = opened(watched)
    watched.page.keyboard.press("End")

    assert run.locator(".lit").count() == 2
    assert watched.page.evaluate(SMALLEST) >= 9
    for number in range(2):
        now = run.locator(".lit").nth(number).locator(".phase.now").bounding_box()
        region = run.locator(".lit").nth(number).bounding_box()
        assert now is not None
        assert region is not None
        assert region["x"] <= now["x"] + 3
        assert now["x"] + now["width"] <= region["x"] + region["width"] + 3


SMALLEST = """() => Math.min(...[...document.querySelectorAll(".lit .phase text")].map((e) =>
  parseFloat(getComputedStyle(e).fontSize) * e.getCTM().a))"""


def test_of_many_things_with_a_phase_those_are_offered_that_moved_last(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert kargo_model.main(["report", "-o", str(path), "failing-freight-promoted-for-ever"]) == 0
    page = chromium.new_page()
    page.goto(f"{path.as_uri()}#failing-freight-promoted-for-ever/60")
    run = page.locator("details.playback").first

    shown = run.locator(".objects[role=group] button")
    assert shown.count() == 10
    assert "dev#15: Pending" in shown.all_inner_texts()
    run.locator("details.others summary").click()
    run.get_by_role("button", name="dev#1: Errored", exact=True).click()
    assert run.get_by_role("button", name="dev#1: Errored").get_attribute("aria-pressed") == "true"
    assert run.locator(".whose").inner_text() == "Promotion, dev#1: now Errored"
    assert page.evaluate("document.activeElement.textContent") == "dev#1: Errored"
    page.close()


def test_on_a_narrow_screen_only_regions_are_scrolled_sideways_and_say_so(watched: Watched) -> None:
    watched.page.set_viewport_size({"width": 400, "height": 900})
    opened(watched)

    assert watched.page.evaluate("document.documentElement.scrollWidth") == 400
    regions = watched.page.locator(".scrolls:visible")
    wider = [r for r in regions.all() if r.evaluate("(e) => e.scrollWidth > e.clientWidth")]
    assert wider
    for region in regions.all():
        scrolled = region.evaluate("(e) => e.scrollWidth > e.clientWidth")
        assert (region.get_attribute("tabindex") == "0") == scrolled
        assert "scroll" in region.evaluate("(e) => getComputedStyle(e).backgroundAttachment")


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
  const ratio = (one, other) => {
    const [a, b] = [light(one.slice(0, 3)), light(other.slice(0, 3))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const through = (colour, below, e) => {
    let opacity = 1;
    for (; e; e = e.parentElement) opacity *= Number(getComputedStyle(e).opacity);
    return colour.slice(0, 3).map((c, i) => c * opacity + below[i] * (1 - opacity));
  };
  let worst = [99, ""];
  const see = (e, found) => {
    if (found < worst[0]) worst = [found, `${e.tagName} ${e.getAttribute("class")} ${e.textContent.slice(0, 40)}`];
  };
  for (const e of document.querySelectorAll("body *")) {
    const said = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!said || e.closest("svg, script, :disabled") || !e.checkVisibility()) continue;
    see(e, ratio(rgb(getComputedStyle(e).color), ground(e)));
  }
  for (const e of document.querySelectorAll("svg text, svg .edge path")) {
    if (!e.checkVisibility()) continue;
    const [style, paper] = [getComputedStyle(e), ground(e.closest("svg").parentElement)];
    const shape = e.closest(".node")?.querySelector("path, polygon");
    const filled = shape && getComputedStyle(shape).fill !== "none" ? rgb(getComputedStyle(shape).fill) : paper;
    // What a line means needs less contrast than what a text says.
    if (e.tagName === "path") see(e, ratio(through(rgb(style.stroke), paper, e), paper) * 1.5);
    else see(e, ratio(through(rgb(style.fill), filled, e), filled));
  }
  return worst;
}"""
