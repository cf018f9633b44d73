"""Using the book: by keyboard, by search, with the theme switch, with and without motion."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from visits import BOOK, PATIENCE, ROOT, WIDTHS, settle

pytestmark = pytest.mark.book
FRONT, CHAPTER = "book/index.html", "book/ch01_joint_embeddings.html"
GLOSSARY, STATUS = "book/glossary.html", "book/status.html"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new reader's page, on a desk, with motion."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def test_the_address_of_the_book_leads_to_its_front_page(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_url(f"**/{FRONT}")
    expect(page.locator(".bd-article h1")).to_contain_text("Multimodal AI from scratch")


def test_the_first_tab_stop_skips_to_the_text_and_each_stop_shows(page: Page, address: str) -> None:
    page.goto(f"{address}/{GLOSSARY}")
    settle(page)
    link, names = page.locator("#pst-skip-link a"), []
    for stop in range(12):
        page.keyboard.press("Tab")
        if stop == 0:
            expect(link).to_be_focused()
            expect(link).to_be_in_viewport()
        style = page.evaluate(
            """() => {const e = document.activeElement, s = getComputedStyle(e);
            return [e.textContent.trim(), s.outlineStyle, parseFloat(s.outlineWidth)]}"""
        )
        names.append(style[0])
        assert style[1] != "none", f"no outline on {style[0]!r}"
        assert style[2] >= 2, f"no outline on {style[0]!r}"
    assert any("Joint embeddings" in name for name in names), names
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**#main-content")


def test_search_answers_without_a_network(page: Page, address: str) -> None:
    page.goto(f"{address}/search.html?q=temperature")
    results = page.locator("#search-results ul.search > li")
    expect(results.first).to_be_visible()
    expect(page.locator("#search-results")).to_contain_text("Joint embeddings")


def test_the_search_dialog_opens_from_the_keyboard(page: Page, address: str) -> None:
    page.goto(f"{address}/{FRONT}")
    settle(page)
    page.keyboard.press("Control+k")
    expect(page.locator("#pst-search-dialog input")).to_be_focused()
    page.keyboard.type("embedding")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=embedding*")


def test_code_is_copied_from_the_keyboard(browser: Browser, address: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{address}/{STATUS}")
    settle(page)
    block = page.locator("#how-to-cite-this-book div.highlight")
    block.get_by_role("button").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => navigator.clipboard.readText()")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("@software{")
    assert copied == block.locator("pre").inner_text().strip()
    context.close()


def test_every_lab_opens_in_colab_and_can_be_downloaded(browser: Browser, address: str) -> None:
    labs = sorted((BOOK / "notebooks").glob("*.html"))
    assert labs
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    for lab in labs:
        page.goto(f"{address}/notebooks/{lab.name}")
        for width, height in WIDTHS.values():
            page.set_viewport_size({"width": width, "height": height})
            badge = page.locator(".bd-article").get_by_role("link", name="Open in Colab")
            expect(badge).to_be_in_viewport()
            there = badge.get_attribute("href") or ""
            assert there.startswith("https://colab.research.google.com/github/")
            assert there.endswith(f"/notebooks/{lab.stem}.ipynb")
            link = page.get_by_role("link", name="Download the notebook")
            expect(link).to_be_in_viewport()
            with page.expect_download() as waiting:
                link.click()
            assert waiting.value.suggested_filename == f"{lab.stem}.ipynb"
            source = ROOT / "notebooks" / f"{lab.stem}.ipynb"
            assert Path(waiting.value.path()).read_bytes() == source.read_bytes()
    context.close()


def test_the_header_menus_open_from_the_keyboard(page: Page, address: str) -> None:
    page.goto(f"{address}/notebooks/ch01_joint_embeddings.html")
    settle(page)
    for name, entry in (("Launch interactive content", "Colab"), ("Download this page", ".ipynb")):
        page.get_by_role("button", name=name).focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.locator(".dropdown-menu.show a").first).to_be_focused()
        expect(page.locator(".dropdown-menu.show a").first).to_contain_text(entry)
        page.keyboard.press("Escape")
        expect(page.locator(".dropdown-menu.show")).to_have_count(0)


def test_formulas_are_broken_anew_when_the_phone_is_turned(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 812, "height": 375})
    page.goto(f"{address}/{CHAPTER}")
    settle(page)
    formula = "document.querySelector('#equation-eq-ch01-words mjx-container').offsetHeight"
    wide = page.evaluate(formula)
    page.set_viewport_size({"width": 375, "height": 812})
    page.wait_for_function(f"{formula} > {wide}")
    page.set_viewport_size({"width": 812, "height": 375})
    page.wait_for_function(f"{formula} === {wide}")
    assert page.locator("mjx-container[tabindex='0']").count() == 0


def test_the_theme_switch_is_remembered(page: Page, address: str) -> None:
    page.goto(f"{address}/{FRONT}")
    settle(page)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    switch = page.locator(".theme-switch-button").first
    while page.evaluate("document.documentElement.dataset.mode") != "dark":
        switch.click()
    page.goto(f"{address}/{GLOSSARY}")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_the_moving_picture_can_be_stopped(page: Page, address: str) -> None:
    page.goto(f"{address}/{FRONT}")
    hero, button = page.locator(".mm-hero"), page.locator(".mm-hero-pause")
    expect(hero.locator("li.is-shown")).to_have_count(1)
    button.click()
    assert "is-moving" not in (hero.get_attribute("class") or "")
    for picture in hero.locator("img").all():
        expect(picture).to_be_visible()


def test_nothing_moves_for_who_asked_for_stillness(page: Page, address: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{address}/{FRONT}")
    settle(page)
    assert page.evaluate("document.getAnimations().length") == 0
    expect(page.locator(".mm-hero.is-moving")).to_have_count(0)
    expect(page.locator(".mm-hero-pause")).to_be_hidden()
    assert page.locator(".mm-hero img").count() == 4


def test_the_book_reads_without_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{address}/{FRONT}")
    for sentence in page.locator(".mm-hero p").all():
        expect(sentence).to_be_visible()
    expect(page.get_by_role("link", name="Start with chapter 1")).to_be_visible()
    context.close()
