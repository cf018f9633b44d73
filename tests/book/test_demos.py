"""Every live demo: it loads nothing unasked, says what is missing, and has room on a phone."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from visits import AXE, DEMO_PAGES, RUN_AXE, TAGS, open_demo, settle, start_demo

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))

from ext.demos import DEMOS

pytestmark = [pytest.mark.book, pytest.mark.parametrize("name", sorted(DEMOS))]
MODEL = {"joint-search": "text.onnx", "code-painting": "decode.onnx"}


def begin(page: Page, name: str) -> None:
    page.locator(f"[data-demo={name}] .mm-demo-start").click()
    expect(page.locator(f"[data-demo={name}] .mm-demo-stage")).to_be_visible()


def test_the_tests_know_the_demos(name: str) -> None:
    assert DEMO_PAGES.keys() == MODEL.keys() == DEMOS.keys()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_a_running_demo(
    browser: Browser, address: str, name: str, theme: str
) -> None:
    page = start_demo(browser, address, name)
    page.emulate_media(color_scheme=theme)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(RUN_AXE, TAGS) == []
    page.context.close()


def test_nothing_is_loaded_before_it_is_asked_for(
    browser: Browser, address: str, name: str
) -> None:
    page = open_demo(browser, address, name)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    settle(page)
    page.locator(f"[data-demo={name}]").scroll_into_view_if_needed()
    heavy = ("onnx", "sheet.webp", "vectors.bin", "data.json", f"{name}.js")
    assert [url for url in asked if url.endswith(heavy) or "ort" in url.rsplit("/", 1)[-1]] == []
    begin(page, name)
    assert {url.rsplit("/", 1)[-1] for url in asked} >= {MODEL[name], "sheet.webp"}
    assert [url for url in asked if not url.startswith((address, "blob:"))] == []
    page.context.close()


def test_a_file_that_does_not_come_is_named_and_can_be_tried_again(
    browser: Browser, address: str, name: str
) -> None:
    page = open_demo(browser, address, name)
    page.route(f"**/{MODEL[name]}", lambda route: route.fulfill(status=404))
    box = page.locator(f"[data-demo={name}]")
    box.locator(".mm-demo-start").click()
    expect(box.locator(".mm-demo-call")).to_contain_text(f"{MODEL[name]} is missing: 404")
    expect(box.locator(".mm-demo-start")).to_be_focused()
    expect(box.locator("img")).to_be_visible()
    page.unroute(f"**/{MODEL[name]}")
    begin(page, name)
    page.context.close()


def test_a_phone_has_room_for_it(browser: Browser, address: str, name: str) -> None:
    page = start_demo(browser, address, name, width=375)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.context.close()


def test_without_scripts_the_still_picture_stays(browser: Browser, address: str, name: str) -> None:
    context = browser.new_context(java_script_enabled=False)
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
