"""A page can be read before its scripts, fonts and pictures have come, however slow they are.

No clock is read, so a busy machine fails nothing: everything but the page and its style sheets is
held back for ever, and the text must be painted in its own colours nonetheless.
`tools/page_speed.py` measures in milliseconds.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from visits import PATIENCE, WIDTHS

pytestmark = pytest.mark.book

PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length > 0"
PAPER = {"light": "rgb(248, 242, 228)", "dark": "rgb(23, 22, 28)"}


def hold_back(route: Route) -> None:
    """Answer only what a page needs to be read."""
    if route.request.resource_type in ("document", "stylesheet"):
        route.continue_()


@pytest.fixture(scope="module")
def reader(browser: Browser) -> Iterator[Page]:
    """A page on a phone which is given nothing but what it needs to be read."""
    width, height = WIDTHS["phone"]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.route("**/*", hold_back)
    yield page
    context.close()


@pytest.mark.parametrize("theme", PAPER)
def test_text_waits_for_no_script_font_or_picture(
    reader: Page, address: str, page_name: str, theme: str
) -> None:
    reader.emulate_media(color_scheme=theme)
    reader.goto(f"{address}/{page_name}", wait_until="commit")
    if page_name == "index.html":  # leads on to the front page
        reader.wait_for_url("**/book/index.html", wait_until="commit")
    expect(reader.locator("main h1:visible").first).to_be_in_viewport()
    reader.wait_for_function(PAINTED)
    assert reader.evaluate("getComputedStyle(document.body).backgroundColor") == PAPER[theme]
    assert reader.evaluate("document.documentElement.scrollWidth") == WIDTHS["phone"][0]
