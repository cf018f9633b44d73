"""Chapter 5's demo: the page draws what the package draws from the same noise."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect
from torch import Tensor
from visits import start_demo

from mmcourse.pictures import to_bytes
from mmcourse.sampling_command import in_the_worlds_words

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))

from ext import demo_draw

pytestmark = pytest.mark.book
PIXELS = """canvas => {
  const { width, height } = canvas;
  return [...canvas.getContext("2d").getImageData(0, 0, width, height).data];
}"""
NOISE = """async ([seed, count]) => {
  const { normal } = await import(new URL("../_static/demos/draw-sentence.js", location.href));
  return [...normal(seed, count)];
}"""


@pytest.fixture(scope="module")
def running(browser: Browser, address: str) -> Iterator[Page]:
    page = start_demo(browser, address, "draw-sentence")
    expect(note(page)).to_contain_text("Drawn in")
    yield page
    page.context.close()


def note(page: Page) -> Locator:
    return page.locator(".mm-demo-stage .mm-demo-note")


def ask(page: Page, sentence: str, seed: int) -> None:
    """Type a sentence and a number, and wait for what is said of it."""
    note(page).evaluate("element => element.replaceChildren()")
    page.get_by_label("Type a sentence").fill(sentence)
    page.get_by_label("Number of the noise").fill(str(seed))
    page.get_by_role("button", name="Draw").click()
    expect(note(page)).not_to_be_empty()


def shown(page: Page) -> Tensor:
    """What the canvas shows: uint8 (S, S, 3)."""
    data = torch.tensor(page.locator(".mm-demo-drawn").evaluate(PIXELS), dtype=torch.uint8)
    side = int((len(data) // 4) ** 0.5)
    return data.view(side, side, 4)[..., :3]


def noise(page: Page, seed: int) -> Tensor:
    """The page's noise, (1, C, H, W)."""
    shape = demo_draw.parts()[0].shape
    count = shape[0] * shape[1] * shape[2]
    return torch.tensor(page.evaluate(NOISE, [seed, count])).view(1, *shape)


def by_the_package(text: str, begun: Tensor) -> Tensor:
    latents = demo_draw.parts()[1]
    with torch.no_grad():
        return to_bytes(latents.decode(demo_draw.drawn(text, begun)))[0].movedim(0, -1)


@pytest.mark.parametrize(("sentence", "seed"), [(demo_draw.EXAMPLES[1], 0), ("a fox", 999)])
def test_the_page_draws_what_the_package_draws(running: Page, sentence: str, seed: int) -> None:
    ask(running, sentence, seed)
    expected = by_the_package(in_the_worlds_words(sentence)[0], noise(running, seed))
    assert (shown(running).int() - expected.int()).abs().max() <= 2


def test_its_noise_is_normal_and_another_for_each_number(running: Page) -> None:
    some = torch.cat([noise(running, seed).flatten() for seed in range(8)])
    assert some.mean().abs() < 0.03
    assert abs(float(some.std()) - 1) < 0.03
    assert float((some.abs() > 1.96).float().mean()) == pytest.approx(0.05, abs=0.01)
    rows = some.view(8, -1)
    assert torch.corrcoef(rows).sub(torch.eye(8)).abs().max() < 0.1


def test_another_one_is_another_picture_of_the_same_words(running: Page) -> None:
    ask(running, "a red cat", 5)
    before = shown(running)
    note(running).evaluate("element => element.replaceChildren()")
    running.get_by_role("button", name="Another one").click()
    expect(note(running)).to_contain_text("Drawn in")
    expect(running.get_by_label("Number of the noise")).to_have_value("6")
    assert not torch.equal(shown(running), before)
    ask(running, "a red cat", 5)
    assert torch.equal(shown(running), before)


def test_words_that_the_world_does_not_have_are_named(running: Page) -> None:
    ask(running, "a puppy with a spaceship", 1)
    expect(note(running)).to_contain_text("“puppy” is read as “fox”")
    expect(note(running)).to_contain_text("no “spaceship”")
    before = shown(running)
    ask(running, "spaceship", 1)
    expect(note(running)).to_contain_text("Nothing to draw yet.")
    assert torch.equal(shown(running), before)


def test_the_picture_says_what_it_shows(running: Page) -> None:
    ask(running, "a blue owl", 3)
    name = "Drawn: a blue owl"
    expect(running.get_by_role("img", name=name)).to_be_visible()
