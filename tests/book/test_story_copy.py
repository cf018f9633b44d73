"""A copied story as one HTML file, opened from the disk: themes, phone and desk, keyboard."""

import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from visits import AXE, PATIENCE, RUN_AXE, TAGS, WIDTHS

sys.path.insert(0, str(Path(__file__).parents[1] / "story" / "export"))  # for stories.py

from stories import told

from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.export.html import html
from mmcourse.story.library import Library
from mmcourse.story.narration import narrate
from mmcourse.story.team import Team

pytestmark = pytest.mark.book


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> tuple[Path, str]:
    """The file, and the story's text."""
    library = Library(":memory:")
    story = told(library, 3, scenes=2)
    *_, narration = narrate(story, Team([fake_backend()]))
    path = tmp_path_factory.mktemp("copy") / "a story's copy.html"
    return html(story, library, path, narration), story.text()


@pytest.mark.parametrize("device", WIDTHS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_opens_from_the_disk_and_asks_for_nothing(
    browser: Browser, copied: tuple[Path, str], device: str, theme: str
) -> None:
    file, text = copied
    width, height = WIDTHS[device]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, bypass_csp=True
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    asked, wrong = [], []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith("data:") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(file.as_uri())
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(RUN_AXE, [TAGS, "html"]) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.fonts.check('20px Literata')")
    said = " ".join(page.locator(".words p").all_text_contents())
    assert re.sub(r"\s", "", said) == re.sub(r"\s", "", text)
    assert asked == [file.as_uri()]
    assert not wrong
    context.close()


def test_it_works_under_its_own_policy_by_keyboard(browser: Browser, copied) -> None:
    context = browser.new_context(color_scheme="light")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(copied[0].as_uri())
    seen = []
    for _ in range(3):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent"))
    assert seen == ["Skip to the story", "Read to me", "Night"]
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.locator("#theme").text_content() == "Day"
    page.evaluate("document.querySelector('audio').currentTime = 0.15")
    page.locator(".spoken").wait_for()
    assert page.locator(".spoken").count() == 1
    assert said == []
    context.close()
