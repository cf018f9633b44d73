"""Chapter 2's demo: the page paints with codes and draws what the package draws."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect
from torch import Tensor
from visits import start_demo

from mmcourse.vqvae.batches import decode_pictures

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))

from ext import demo_codes

pytestmark = pytest.mark.book
PIXELS = """canvas => [...canvas.getContext("2d").getImageData(0, 0, 64, 64).data]"""


@pytest.fixture(scope="module")
def running(browser: Browser, address: str) -> Iterator[Page]:
    page = start_demo(browser, address, "code-painting")
    yield page
    page.context.close()


@pytest.fixture
def fresh(running: Page) -> Page:
    """The demo as it begins: whatever was painted is taken back."""
    undo = running.get_by_role("button", name="Undo")
    while undo.is_enabled():
        undo.click()
    expect(note(running)).to_have_text(changed(0))
    running.locator(f"input[name=mm-demo-paint][value='{demo_codes.PAINT}']").check(force=True)
    running.get_by_label("broad brush").check()
    return running


def note(page: Page) -> Locator:
    return page.locator(".mm-demo-stage .mm-demo-note")


def changed(codes: int) -> re.Pattern[str]:
    """How the note begins when so many codes are not the first picture's."""
    return re.compile(rf"^{codes} of 256 codes")


def drawn(page: Page) -> Tensor:
    """What the canvas shows: uint8 (64, 64, 3)."""
    data = page.locator(".mm-demo-easel canvas").evaluate(PIXELS)
    return torch.tensor(data, dtype=torch.uint8).view(64, 64, 4)[..., :3]


def differ(found: Tensor, expected: Tensor) -> int:
    return int((found.int() - expected.int()).abs().max())


def grid(canvas: int, paint: int, cells: list[tuple[int, int]]) -> Tensor:
    """Codes of `canvas` with these (row, column) cells of `paint`, decoded."""
    codes = demo_codes.codes()[canvas].clone()
    for row, column in cells:
        codes[row, column] = demo_codes.codes()[paint][row, column]
    return decode_pictures(demo_codes.model(), codes[None])[0]


def test_it_begins_with_the_first_picture_as_the_package_decodes_it(fresh: Page) -> None:
    expected = decode_pictures(demo_codes.model(), demo_codes.codes()[[demo_codes.CANVAS]])[0]
    assert differ(drawn(fresh), expected) <= 1


@pytest.mark.parametrize("name", demo_codes.REGIONS)
def test_a_region_is_painted_at_once_as_the_package_paints_it(fresh: Page, name: str) -> None:
    other = (demo_codes.PAINT + 2) % demo_codes.SCENES
    fresh.locator(f"input[name=mm-demo-paint][value='{other}']").check(force=True)
    fresh.get_by_role("button", name=f"its {name}").click()
    expect(note(fresh)).not_to_have_text(changed(0))
    expected = demo_codes.painted(demo_codes.CANVAS, other, name)
    assert differ(drawn(fresh), expected) <= 1


def test_all_of_it_is_the_other_picture_and_undo_takes_it_back(fresh: Page) -> None:
    before = drawn(fresh)
    fresh.get_by_role("button", name="all of it").click()
    expect(note(fresh)).not_to_have_text(changed(0))
    expected = decode_pictures(demo_codes.model(), demo_codes.codes()[[demo_codes.PAINT]])[0]
    assert differ(drawn(fresh), expected) <= 1
    fresh.get_by_role("button", name="Undo").click()
    expect(note(fresh)).to_have_text(changed(0))
    assert differ(drawn(fresh), before) == 0
    expect(fresh.get_by_role("button", name="Undo")).to_be_disabled()
    expect(fresh.locator(".mm-demo-easel canvas")).to_be_focused()


def test_the_keyboard_paints_where_its_brush_stands(fresh: Page) -> None:
    fresh.get_by_label("broad brush").uncheck()
    canvas = fresh.locator(".mm-demo-easel canvas")
    canvas.focus()
    for _ in range(20):
        fresh.keyboard.press("ArrowLeft")
        fresh.keyboard.press("ArrowUp")
    fresh.keyboard.press("ArrowRight")
    fresh.keyboard.press("Space")
    fresh.keyboard.press("ArrowDown")
    fresh.keyboard.press("Enter")
    cells = [(0, 1), (1, 1)]
    codes = demo_codes.codes()
    others = sum(int(codes[demo_codes.CANVAS][c] != codes[demo_codes.PAINT][c]) for c in cells)
    expect(note(fresh)).to_have_text(changed(others))
    expected = grid(demo_codes.CANVAS, demo_codes.PAINT, cells)
    assert differ(drawn(fresh), expected) <= 1


def test_the_pointer_paints_along_its_way(fresh: Page) -> None:
    box = fresh.locator(".mm-demo-easel canvas").bounding_box()
    assert box is not None
    at = [(box["x"] + (c + 0.5) * box["width"] / 16, box["y"] + (r + 0.5) * box["height"] / 16)
          for r, c in ((8, 4), (8, 10))]  # fmt: skip
    fresh.mouse.move(*at[0])
    fresh.mouse.down()
    fresh.mouse.move(*at[1], steps=12)
    fresh.mouse.up()
    cells = [(r, c) for r in (7, 8, 9) for c in range(3, 12)]
    codes = demo_codes.codes()
    others = sum(int(codes[demo_codes.CANVAS][c] != codes[demo_codes.PAINT][c]) for c in cells)
    expect(note(fresh)).to_have_text(changed(others))
    assert differ(drawn(fresh), grid(demo_codes.CANVAS, demo_codes.PAINT, cells)) <= 1
    fresh.get_by_role("button", name="Undo").click()  # one stroke, one step back
    expect(note(fresh)).to_have_text(changed(0))
