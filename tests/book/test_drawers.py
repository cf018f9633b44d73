"""On a phone both sidebars are drawers: they open, keep the focus, close, and give it back."""

from collections.abc import Iterator

import pytest
from keyboard import walk_by_tab
from playwright.sync_api import Browser, Page, expect
from visits import PATIENCE, WIDTHS, settle

pytestmark = pytest.mark.book
CHAPTER = "book/ch01_joint_embeddings.html"
DRAWERS = {"primary": "Joint embeddings", "secondary": "On this page"}  # what each shows

INSIDE = """name => document.getElementById(`pst-${name}-sidebar-modal`)
  .contains(document.activeElement)"""


@pytest.fixture(params=sorted(DRAWERS))
def drawer(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """The chapter, on a phone with a keyboard."""
    width, height = WIDTHS["phone"]
    context = browser.new_context(
        viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{address}/{CHAPTER}")
    settle(page)
    yield page
    context.close()


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    """The same, with both drawers closed."""
    yield opened
    opened.keyboard.press("Escape")
    for drawer in DRAWERS:
        expect(opened.locator(f"#pst-{drawer}-sidebar-modal")).not_to_be_visible()


def open_by_key(page: Page, drawer: str) -> None:
    """Put the focus on the drawer's button and press Enter."""
    page.locator(f".{drawer}-toggle:visible").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#pst-{drawer}-sidebar-modal")).to_contain_text(DRAWERS[drawer])
    expect(page.locator(f"#pst-{drawer}-sidebar-modal")).to_be_visible()


def test_it_opens_takes_the_focus_and_gives_it_back(page: Page, drawer: str) -> None:
    open_by_key(page, drawer)
    page.keyboard.press("Tab")
    assert page.evaluate(INSIDE, drawer), "the focus stayed behind the drawer"
    page.keyboard.press("Escape")
    expect(page.locator(f"#pst-{drawer}-sidebar-modal")).not_to_be_visible()
    expect(page.locator(f".{drawer}-toggle:visible").first).to_be_focused()


def test_tab_reaches_all_of_it_and_nothing_behind_it(page: Page, drawer: str) -> None:
    open_by_key(page, drawer)
    walk = walk_by_tab(page, within=f"#pst-{drawer}-sidebar-modal")
    assert walk.stops >= 5
    assert not walk.missed, walk.missed
    assert not walk.wrong, walk.wrong
    assert not walk.outside, walk.outside


def test_nothing_of_it_is_wider_than_the_phone(page: Page, drawer: str) -> None:
    open_by_key(page, drawer)
    assert page.evaluate("document.documentElement.scrollWidth") == WIDTHS["phone"][0]
    box = page.locator(f"#pst-{drawer}-sidebar-modal").bounding_box()
    assert box
    assert box["width"] <= WIDTHS["phone"][0]


def test_a_link_in_it_leads_on(opened: Page, address: str) -> None:
    open_by_key(opened, "primary")
    link = opened.locator("#pst-primary-sidebar-modal").get_by_role("link", name="Glossary")
    link.focus()
    opened.keyboard.press("Enter")
    opened.wait_for_url("**/glossary.html")
    opened.goto(f"{address}/{CHAPTER}")  # where the tests that may come after it begin
    settle(opened)
