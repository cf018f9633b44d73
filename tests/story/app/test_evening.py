"""A whole evening in a real browser: a story is begun, told, branched, looked at and taken along.

The tests follow one another on one page, on a desk; then one of them goes the short way on a phone.
The team is the real one, the world's own pen.
"""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse

import pytest
import uvicorn
from browser import chromium
from keyboard import walk_by_tab
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from visits import AXE, PATIENCE, ROOT, RUN_AXE, TAGS

from mmcourse.story.app.server import create
from mmcourse.story.app.work import Desk
from mmcourse.story.backends import default_team
from mmcourse.story.backends.fake import FakeNarrator
from mmcourse.story.backends.parts import Parts
from mmcourse.story.library import Library
from mmcourse.story.team import Team

pytestmark = pytest.mark.book
COVERED = """all => all.map(e => {
  const a = e.getBoundingClientRect(), b = e.firstChild.getBoundingClientRect();
  return Math.max(b.left - a.left, b.top - a.top, a.right - b.right, a.bottom - b.bottom) < 1.5;
})"""
"""Whether the picture behind each face covers its frame."""
HOSTILE = 'She said <b>hello</b> & <img src=x onerror=alert(1)> $$x$$, "so\n*there*" </p><script>'


def team() -> Team:
    """The default team, and a voice that is the same on every machine."""
    voice = Parts("voice", "a voice for tests", {"narrator": ("1", FakeNarrator)})
    return Team([*default_team().backends, voice])


@pytest.fixture(scope="module")
def evening() -> Iterator[SimpleNamespace]:
    """A server with the real team, a browser, and notes of all that should not happen."""
    desk = Desk(Library(":memory:"), team)
    server = uvicorn.Server(uvicorn.Config(create(desk), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    expect.set_options(timeout=PATIENCE)
    with chromium() as browser:
        yield SimpleNamespace(address=address, desk=desk, browser=browser, notes=[])
    server.should_exit = True
    thread.join(5)


def open_page(evening: SimpleNamespace, width: int, height: int) -> Page:
    """The first page, to a reader who has never been here."""
    browser: Browser = evening.browser
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="light",
        reduced_motion="reduce",
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE)
    page, host = context.new_page(), urlparse(evening.address).netloc

    def note_request(url: str) -> None:
        parts = urlparse(url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != host:
            evening.notes.append(f"asked for {url}")

    page.on("request", lambda r: note_request(r.url))
    page.on("pageerror", lambda e: evening.notes.append(str(e)))
    page.on("dialog", lambda d: evening.notes.append(f"an alert: {d.message}") or d.dismiss())
    page.on(
        "console",
        lambda m: evening.notes.append(m.text) if m.type in ("error", "warning") else None,
    )
    page.goto(evening.address)
    page.locator("html[data-ready=all]").wait_for()
    return page


@pytest.fixture(scope="module")
def desk_page(evening) -> Iterator[Page]:
    """One reader's page, from the first test to the last."""
    page = open_page(evening, 1280, 900)
    yield page
    page.context.close()


def axe(page: Page, themes: tuple[str, ...] = ("light",)) -> None:
    """Nothing to complain about in this view."""
    if not AXE.is_file():
        pytest.fail(f"{AXE.relative_to(ROOT)} is missing: run `python tools/vendor.py`")
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    for theme in themes:
        page.evaluate("t => { document.documentElement.dataset.theme = t; }", theme)
        assert page.evaluate(RUN_AXE, [TAGS, "html"]) == [], theme
    page.evaluate("() => { document.documentElement.dataset.theme = 'light'; }")


def reached(page: Page) -> None:
    """Everything is reached by Tab (of a group of radio buttons one, the others by arrows)."""
    page.reload()  # so that Tab begins at the top
    page.locator("html[data-ready=all]").wait_for()
    walk = walk_by_tab(page)
    missed = [e for e in walk.missed if 'type="radio"' not in e]
    assert (missed, walk.wrong, walk.outside) == ([], [], [])


def told(evening: SimpleNamespace):
    """The story that was changed last, as the library has it."""
    id, reader = evening.desk.library.database.rows(
        "SELECT id, reader FROM stories ORDER BY changed DESC LIMIT 1"
    )[0]
    return evening.desk.library.open(id, reader)


def next_page(page: Page, act) -> None:
    """Do what tells another page, and wait until it lies in the book."""
    before = page.locator(".spread .words").inner_text()
    act()
    page.locator(".onward").wait_for()
    expect(page.locator(".spread .words")).not_to_have_text(before)
    page.locator("body:not(.is-busy)").wait_for()


def view(page: Page, name: str) -> None:
    """Open another view by its ribbon."""
    page.locator(f".tabs a[href$={name}]").click()
    page.locator(f"main[data-view={name}]").wait_for()


def test_the_first_page_is_reached_by_keyboard_and_clean(desk_page) -> None:
    expect(desk_page.locator(".invitation")).to_have_count(12)
    axe(desk_page, ("light", "dark"))
    reached(desk_page)


def test_a_sentence_in_everyday_words_begins(evening, desk_page) -> None:
    page = desk_page
    page.get_by_label("grand", exact=True).check()
    page.locator("#prompt").fill("a puppy finds a lantern at the seaside")
    expect(page.locator("#read-as")).to_contain_text('"puppy" is read as "fox"')
    page.locator("#prompt").press("Enter")
    page.locator(".onward").wait_for()
    story = told(evening)
    node = story.node(story.current)
    assert page.locator(".spread .words").inner_text() == node.text
    expect(page.locator("h1")).to_have_text(story.title)
    expect(page.locator(".spread .note")).to_contain_text('"puppy" is read as "fox"')
    expect(page.locator(".plate img")).to_have_attribute("alt", node.picture.alt)
    assert story.voice == "grand"
    axe(page, ("light", "dark"))
    reached(page)


def test_the_story_goes_on_by_keyboard_by_words_and_from_an_earlier_page(
    evening, desk_page
) -> None:
    page = desk_page
    next_page(page, lambda: page.locator(".way").first.press("Enter"))
    page.locator("#next").fill("they are sad in the rain")
    next_page(page, lambda: page.locator("#next").press("Enter"))
    page.locator("h1").press("ArrowLeft")
    expect(page.locator(".right .folio")).to_have_attribute("aria-label", "Page 2 of 3")
    next_page(page, lambda: page.locator(".way").nth(2).click())
    story = told(evening)
    assert len(story.nodes) == 4
    assert page.locator(".spread .words").inner_text() == story.node(story.current).text
    view(page, "branches")
    expect(page.locator(".spot")).to_have_count(4)
    axe(page)
    page.locator(".spot:not(.is-on)").click()
    expect(page.locator(".right .folio")).to_have_attribute("aria-label", "Page 3 of 3")
    assert told(evening).current != story.current


def test_undo_redo_mark_and_hostile_words(evening, desk_page) -> None:
    page = desk_page
    page.get_by_role("button", name="Change the words").click()
    page.locator("dialog textarea").fill(HOSTILE)
    page.get_by_role("button", name="Write it down").click()
    expect(page.locator(".spread .words")).to_contain_text("</p><script>")
    assert page.locator(".spread .words").inner_text() == HOSTILE
    assert told(evening).node(told(evening).current).text == HOSTILE
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".spread .words")).not_to_contain_text("script")
    page.get_by_role("button", name="Redo").click()
    expect(page.locator(".spread .words")).to_contain_text("script")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Mark", exact=True).click()
    page.locator("dialog input").fill("<i>here</i>")
    page.get_by_role("button", name="Mark it").click()
    expect(page.locator(".note.mine")).to_have_text("<i>here</i>")


def test_asking_looking_round_and_moving(evening, desk_page) -> None:
    page = desk_page
    page.get_by_text("Ask about this page").click()
    page.locator("#question").fill("where are we?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".said-answer")).not_to_be_empty()
    page.get_by_text("What went into this page").click()
    expect(page.locator(".behind")).to_contain_text("the world's own pen")
    axe(page)
    page.get_by_role("button", name="Look round").click()
    expect(page.locator(".plate .view")).to_have_count(4)
    page.get_by_role("button", name="Back to the picture").click()
    page.get_by_role("button", name="The sun sets").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.locator("body:not(.is-busy)").wait_for()
    first = page.locator(".frame").get_attribute("src")
    expect(page.locator(".frame")).not_to_have_attribute("src", first)
    page.get_by_role("button", name="Still picture").click()
    page.get_by_role("button", name="Draw again").click()
    page.locator("body:not(.is-busy)").wait_for()
    assert len(told(evening).node(told(evening).current).pictures) == 2


def test_a_page_is_read_aloud_and_paused(desk_page) -> None:
    page = desk_page
    page.get_by_role("button", name="Read to me").click()
    page.locator(".is-spoken").first.wait_for(state="attached")
    page.get_by_role("button", name="Pause").click()
    lit = page.locator(".is-spoken").all_inner_texts()
    page.wait_for_timeout(400)
    assert page.locator(".is-spoken").all_inner_texts() == lit
    page.get_by_role("button", name="Go on reading").click()
    page.get_by_role("button", name="Stop reading").click()
    expect(page.locator(".is-spoken")).to_have_count(0)


def test_what_takes_too_long_is_stopped(evening, desk_page) -> None:
    page, before = desk_page, told(evening)
    page.route("**/gradio_api/call/work/*", lambda route: None)  # an answer that never comes
    page.get_by_role("button", name="Surprise me").click()
    page.locator(".stop").click(timeout=PATIENCE)
    page.locator(".onward").wait_for()
    expect(page.locator("#said")).to_have_text("Stopped.")
    page.unroute_all()
    page.locator("body:not(.is-busy)").wait_for()
    assert len(told(evening).nodes) <= len(before.nodes) + 1


def test_characters_places_and_what_is_true(evening, desk_page) -> None:
    page = desk_page
    view(page, "people")
    hero = told(evening).state().characters[0]
    sheet = page.locator(".sheet", has=page.get_by_role("heading", name=hero))
    sheet.get_by_role("button", name="Paint a portrait").click()
    sheet.get_by_role("button", name="Paint them as they are now").wait_for()
    assert told(evening).portraits_of(hero)
    expect(sheet.locator("figure", has_text="painted on")).to_have_count(1)
    page.wait_for_function(
        "() => [...document.images].every(i => i.complete || i.loading === 'lazy')"
    )
    covered = page.locator(".strip .face-of").evaluate_all(COVERED)
    assert covered
    assert all(covered)
    axe(page)
    ties = page.locator(".tie-face")
    if told(evening).state().ties():
        ties.last.press("Enter")
        name = told(evening).state().characters[-1]
        expect(page.locator("h2:focus")).to_have_text(name)
    view(page, "places")
    page.get_by_role("button", name="From other sides").first.click()
    expect(page.locator(".sheet").first.locator("figure")).to_have_count(5)
    axe(page)
    view(page, "truth")
    expect(page.locator(".ledger")).to_contain_text(hero)
    axe(page)
    page.locator(".ledger .page-link").first.click()
    expect(page.locator(".right .folio")).to_have_attribute("aria-label", re.compile("Page 1 of"))


def test_the_whole_book_in_another_style(evening, desk_page) -> None:
    page = desk_page
    page.get_by_text("Title, style, voice, pictures").click()
    page.locator(".closer").get_by_label("sketch").check()
    page.locator("body:not(.is-busy)").wait_for()
    page.get_by_text("Title, style, voice, pictures").click()
    page.get_by_role("button", name="Draw the whole book again").click()
    page.locator("body.is-busy").wait_for()
    page.locator("body:not(.is-busy)").wait_for()
    story = told(evening)
    assert {n.picture.style for n in story.nodes.values() if n.picture} == {"sketch"}


def test_pages_are_found_by_words_and_by_a_picture(evening, desk_page, tmp_path) -> None:
    page, story = desk_page, told(evening)
    view(page, "find")
    page.locator("#find-words").fill("lantern")
    page.locator("#find-words").press("Enter")
    expect(page.locator(".hit mark").first).to_have_text(re.compile("lantern", re.IGNORECASE))
    axe(page)
    evening.desk.library.picture(story.path()[0].picture.hash).save(tmp_path / "first.png")
    page.locator("#find-picture").set_input_files(tmp_path / "first.png")
    expect(page.locator(".hits.pictures .hit").first).to_contain_text("page 1")


def test_a_copy_is_taken_along(desk_page) -> None:
    page = desk_page
    view(page, "take")
    axe(page)
    page.get_by_role("button", name="Everything").click()
    with page.expect_download() as download:
        page.locator(".made").click()
    assert download.value.suggested_filename.endswith(".zip")
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"


def test_a_hero_of_ones_own_and_a_face(evening, desk_page) -> None:
    page = desk_page
    page.locator(".brand").click()
    expect(page.locator(".cover")).to_have_count(1)
    page.get_by_role("button", name="Draw a hero").click()
    box = page.locator("canvas.pad").bounding_box()
    page.get_by_label("blue", exact=True).check()
    page.get_by_label("very broad").check()
    page.mouse.move(box["x"] + 120, box["y"] + 120)
    page.mouse.down()
    for x in range(120, 260, 20):
        page.mouse.move(box["x"] + x, box["y"] + 60 + x)
    page.mouse.up()
    page.get_by_role("button", name="Who is this?").click()
    page.locator("dialog #working-stop").wait_for()  # within reach, above the page
    expect(page.locator(".found-as")).to_contain_text("The world knows somebody like that")
    axe(page)
    page.locator("#hero-species").select_option("owl")
    page.locator("#hero-name").fill("Juno")
    page.get_by_role("button", name="This is my hero").click()
    expect(page.locator(".brought")).to_contain_text("Juno")
    page.get_by_role("button", name="Draw a face").click()
    expect(page.locator("dialog")).to_contain_text("May the storyteller look")
    page.get_by_role("button", name="No, thank you").click()
    page.locator(".face", has_text="Sad").click()
    expect(page.locator(".mood-read")).to_contain_text("will be told")
    page.locator(".invitation").first.click()
    page.locator(".onward").wait_for()
    story = told(evening)
    looks = story.state().looks("Juno")
    assert looks["species"] == "owl"
    assert story.tone
    assert not evening.desk.library.database.rows("SELECT 1 FROM preferences WHERE name = 'tone'")


def test_a_story_begins_in_a_picture(evening, desk_page, tmp_path) -> None:
    page = desk_page
    page.locator(".brand").click()
    Image.new("RGB", (300, 200), "#3b77c6").save(tmp_path / "mine.jpg")
    page.locator("#first-picture").set_input_files(tmp_path / "mine.jpg")
    page.get_by_alt_text("Your picture").wait_for()
    page.get_by_role("button", name="Tell it").click()
    page.locator(".onward").wait_for()
    assert told(evening).source


def test_likes_are_seen_and_forgotten(desk_page) -> None:
    page = desk_page
    page.locator("#to-likes").click()
    expect(page.locator(".likes")).to_contain_text("Style: sketch")
    page.get_by_role("radio", name="neon").check()
    axe(page)
    page.get_by_role("button", name="Forget all of it").click()
    expect(page.locator(".likes")).to_contain_text("Nothing yet")


def test_on_a_phone(evening) -> None:
    page = open_page(evening, 375, 812)
    expect(page.locator(".cover")).to_have_count(0)  # another browser, another shelf
    axe(page)
    page.locator(".invitation").nth(3).click()
    page.locator(".onward").wait_for()
    next_page(page, lambda: page.locator(".way").first.click())
    for name in ("book", "branches", "people", "places", "truth", "find", "take"):
        view(page, name)
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= 375, (name, wide)
    view(page, "book")
    axe(page, ("light", "dark"))
    page.context.close()


def test_nothing_went_wrong_and_nothing_left_the_machine(evening) -> None:
    assert evening.notes == []
