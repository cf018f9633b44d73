"""Chapter 5's demo: the page draws what the package draws from the same noise."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect
from torch import Tensor
from visits import start_demo

from mmcourse.pictures import to_bytes
from mmcourse.sampling_command import in_the_worlds_words
from mmcourse.storyworld import caption, sample_scene
from mmcourse.storyworld.completing import Said
from mmcourse.storyworld.language.check import check_text
from mmcourse.storyworld.language.parse import read
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.world import vocabulary as v

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


COMPLETED = """async ([tables, texts]) => {
  const { completer } = await import(new URL("../_static/demos/complete.js", location.href));
  const complete = completer(tables);
  const dice = (i) => () => ((i = (Math.imul(i, 1664525) + 1013904223) | 0) >>> 0) / 4294967296;
  return texts.map((words, i) => complete(words, dice(i)).join(" "));
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
    name = running.locator(".mm-demo-drawn").get_attribute("aria-label")
    assert name
    text = name.removeprefix("Drawn: ")
    assert (text == in_the_worlds_words(sentence)[0]) == (sentence in demo_draw.EXAMPLES)
    expected = by_the_package(text, noise(running, seed))
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
    ask(running, demo_draw.EXAMPLES[1], 3)
    name = f"Drawn: {demo_draw.EXAMPLES[1]}"
    expect(running.get_by_role("img", name=name)).to_be_visible()
    expect(note(running)).not_to_contain_text("Dice say")


def test_dice_say_what_a_sentence_leaves_open(running: Page) -> None:
    ask(running, "an owl at night", 4)
    told = note(running).inner_text()
    assert "Dice say the rest: “a" in told
    said = {value for _, _, value in read(told.split("“")[1].split("”")[0]).facts}
    assert {"owl", "night"} < said
    assert said & set(v.MOODS)
    assert said & set(v.COLOURS)
    ask(running, "an owl at night", 4)
    assert note(running).inner_text().split(" Drawn in")[0] == told.split(" Drawn in")[0]
    ask(running, "an owl at night", 5)
    assert note(running).inner_text().split(" Drawn in")[0] != told.split(" Drawn in")[0]


BRIEF = (
    "a fox on the beach",
    "a red fox and a blue owl",
    "a cat in a hat at night",
    "a sleeping cat",
    "a happy bear and a sad cat hug in the forest",
    "a fox, an owl and a bear in the snow",
    "a bear next to a kite",
    "a cat and a bear quarrel",
    "a fox left of an owl",
    "a cat to the right of an owl",
    "a fox left of a kite",
    "a mouse with a crown is jumping",
    "a frog by the sea in the rain.",
    "a bear gives a ball to a cat",
    "a cat is sad",
    "a red fox follows an owl",
)


def test_a_usual_sentence_is_completed_and_stays_true(running: Page) -> None:
    for brief, whole in zip(BRIEF, completed(running, BRIEF)):
        found = read(whole)
        assert check_text(whole) == ([], ()), whole
        assert read(brief).facts <= found.facts, whole
        assert Said.of(found).complete, whole


def test_any_brief_caption_keeps_what_it_says(running: Page) -> None:
    """The script knows no grammar, so that it may leave something open; never may it contradict."""
    brief = [caption(sample_scene("test", i), key=i, complete=False) for i in range(300)]
    whole = completed(running, brief)
    for before, after in zip(brief, whole):
        assert check_text(after) == ([], ()), after
        assert read(before).facts <= read(after).facts, after
    assert sum(Said.of(read(text)).complete for text in whole) > 0.6 * len(whole)
    assert sum(Said.of(read(text)).complete for text in brief) < 0.2 * len(brief)


def completed(page: Page, texts: Sequence[str]) -> list[str]:
    """Texts as the page's script completes them."""
    words = [tokens(text) for text in texts]
    return page.evaluate(COMPLETED, [demo_draw.phrases(), words])
