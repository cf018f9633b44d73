"""Every live demo: it loads nothing unasked, says what is missing, and has room on a phone."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from visits import DEMO_PAGES, PATIENCE, axe_in_both_themes, open_demo, start_demo

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))

from ext.demos import DEMOS

pytestmark = pytest.mark.book
MODEL = {
    "joint-search": "text.onnx",
    "code-painting": "decode.onnx",
    "draw-sentence": "words.onnx",
}
HEAVY = ("onnx", "sheet.webp", "vectors.bin", "data.json")


@dataclass
class Story:
    """What was seen of a demo: scrolled to, started in vain, started again, in either theme."""

    before: list[str]  # addresses that were asked for until it was started
    asked: list[str]  # and in all
    complaint: str  # what it said while its model was missing
    refocused: bool  # whether its button had the focus again then
    still: bool  # whether its still picture stood then
    violations: dict[str, list[str]]  # theme: what axe found in the running demo


@pytest.fixture(scope="module", params=sorted(DEMOS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def story(browser: Browser, address: str, name: str) -> Iterator[Story]:
    """One visit that answers many questions."""
    asked: list[str] = []
    page = open_demo(browser, address, name, asked=asked)
    box = page.locator(f"[data-demo={name}]")
    box.scroll_into_view_if_needed()
    before = list(asked)
    page.route(f"**/{MODEL[name]}", lambda route: route.fulfill(status=404))
    box.locator(".mm-demo-start").click()
    expect(box.locator(".mm-demo-call")).to_contain_text("missing")
    expect(box.locator(".mm-demo-start")).to_be_focused()
    complaint = box.locator(".mm-demo-call").inner_text()
    refocused = box.locator(".mm-demo-start").evaluate("e => e === document.activeElement")
    still = box.locator("img").is_visible()
    page.unroute(f"**/{MODEL[name]}")
    begin(page, name)
    violations = dict(axe_in_both_themes(page, f"[data-demo={name}]"))
    yield Story(before, asked, complaint, refocused, still, violations)
    page.context.close()


def begin(page: Page, name: str) -> None:
    page.locator(f"[data-demo={name}] .mm-demo-start").click()
    expect(page.locator(f"[data-demo={name}] .mm-demo-stage")).to_be_visible()


def test_the_tests_know_the_demos() -> None:
    assert DEMO_PAGES.keys() == MODEL.keys() == DEMOS.keys()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_a_running_demo(story: Story, theme: str) -> None:
    assert story.violations[theme] == []


def test_nothing_is_loaded_before_it_is_asked_for(story: Story, address: str, name: str) -> None:
    heavy = (*HEAVY, f"{name}.js")
    early = [u for u in story.before if u.endswith(heavy) or "ort" in u.rsplit("/", 1)[-1]]
    assert early == []
    assert story.before, "nothing was listened to"
    assert {url.rsplit("/", 1)[-1] for url in story.asked} >= {MODEL[name], "data.json"}
    assert [url for url in story.asked if not url.startswith((address, "blob:"))] == []


def test_a_file_that_does_not_come_is_named_and_can_be_tried_again(story: Story, name: str) -> None:
    assert f"{MODEL[name]} is missing: 404" in story.complaint
    assert story.refocused
    assert story.still


def test_a_phone_has_room_for_it(browser: Browser, address: str, name: str) -> None:
    page = start_demo(browser, address, name, width=375)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.context.close()


def test_without_scripts_the_still_picture_stays(browser: Browser, address: str, name: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{address}/{DEMO_PAGES[name]}")
    box = page.locator(f"[data-demo={name}]")
    expect(box.locator("img")).to_be_visible()
    expect(box.locator(".mm-demo-start")).to_be_hidden()
    expect(box.locator(".mm-demo-call")).to_contain_text("with scripts")
    context.close()


def test_a_demo_is_exported_with_a_check(book: Path, name: str) -> None:
    notes = (book / "_static" / "demos" / name / "export.json").read_text(encoding="utf-8")
    assert "largest_difference" in notes
