"""Chapter 1's demo: the page ranks as the package does."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from visits import start_demo

from mmcourse.storyworld import caption, sample_scene
from mmcourse.storyworld.language.phrases import tokens

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))

from ext import demo_joint

pytestmark = pytest.mark.book
SENTENCES = (*demo_joint.EXAMPLES, "a bear", "drawn in neon, a frog waves at sunset.")


@pytest.fixture(scope="module")
def started(browser: Browser, address: str) -> Iterator[Page]:
    """The chapter with its demo running, on a desk."""
    page = start_demo(browser, address, "joint-search")
    expect(page.locator(".mm-demo-results li")).to_have_count(12)
    yield page
    page.context.close()


def ask(page: Page, sentence: str) -> list[int]:
    """Type a sentence and read which pictures are shown, the best first."""
    page.locator(".mm-demo-results").evaluate("list => list.replaceChildren()")
    page.locator(".mm-demo-field").fill("")
    page.locator(".mm-demo-field").fill(sentence)
    return shown(page.locator(".mm-demo-results"))


def shown(results: Locator) -> list[int]:
    expect(results.locator("li")).to_have_count(12)
    return results.evaluate("list => [...list.children].map(item => Number(item.dataset.picture))")


def in_the_worlds_words(sentence: str) -> str:
    """What the page reads; the two everyday words of the examples, by hand."""
    return sentence.replace("puppy", "fox").replace("at the seaside", "on the beach")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_page_ranks_as_the_package_does(started: Page, sentence: str) -> None:
    expected = demo_joint.ranking(in_the_worlds_words(sentence))
    found = ask(started, sentence)
    if found != expected[:12]:  # two pictures may be equally good to the last digit
        scores = demo_joint.scores(in_the_worlds_words(sentence))
        assert scores[found].tolist() == pytest.approx(scores[expected[:12]].tolist(), abs=1e-5)


def test_words_are_split_as_the_tokenizer_splits_them(started: Page) -> None:
    texts = [caption(sample_scene("test", i)) for i in range(200)]
    texts += [
        "A Fox's hat; an owl\u2019s",
        "naïve Ünal ß",
        "half-past 10_x",
        "",
        "?! -- '",
        "été 3,5",
    ]
    split = "async texts => { const {tokens} = await import('../_static/demos/words.js');"
    found = started.evaluate(f"{split} return texts.map(tokens); }}", texts)
    assert found == [tokens(text) for text in texts]


def test_every_caption_and_every_everyday_word_is_read(started: Page) -> None:
    texts = [caption(scene) for scene in demo_joint.scenes()[:300]]
    words = [*demo_joint.words_of_the_world(), *(f"two {w}s" for w in ("puppy", "fox", "kitten"))]
    read = """async texts => {
      const {reader} = await import("../_static/demos/words.js");
      const data = await (await fetch("../_static/demos/joint-search/data.json")).json();
      const {read, encode} = reader(data);
      return texts.map(text => {
        const {said, unknown} = read(text);
        return {unknown, said: said.join(" "), ids: encode(said).map(String)};
      });
    }"""
    for text, answer in zip(
        [*texts, *words], started.evaluate(read, [*texts, *words]), strict=True
    ):
        assert answer["unknown"] == [], text
        assert "undefined" not in answer["ids"], text
    for text, answer in zip(texts, started.evaluate(read, texts), strict=True):
        assert answer["said"] == " ".join(tokens(text))  # the world's own words stay as they are


def test_a_word_is_exchanged_by_the_keyboard_and_the_ranking_follows(started: Page) -> None:
    before = ask(started, "an orange fox")
    colour = started.get_by_label("Exchange the colour")
    colour.focus()
    started.keyboard.type("blue")
    expect(started.locator(".mm-demo-field")).to_have_value("a blue fox")
    expect(started.get_by_label("Exchange the colour")).to_be_focused()
    expect(started.locator(".mm-demo-score").first).to_contain_text("▲")
    after = shown(started.locator(".mm-demo-results"))
    assert after == demo_joint.ranking("a blue fox")[:12]
    assert after != before


def test_what_is_not_true_of_a_picture_is_struck_through(started: Page) -> None:
    for i in ask(started, "a sad orange fox in a hat"):
        item = started.locator(f".mm-demo-results li[data-picture='{i}']")
        true = set(demo_joint.shown(demo_joint.scenes()[i]))
        asked = ["sad", "orange", "fox", "hat"]
        assert item.locator("s").all_inner_texts() == [w for w in asked if w not in true]
        label = item.locator("[role=img]").first.get_attribute("aria-label")
        assert label == caption(demo_joint.scenes()[i])


def test_unknown_and_everyday_words_are_told(started: Page) -> None:
    ask(started, "a puppy with a quark")
    note = started.locator(".mm-demo-note")
    expect(note).to_contain_text("“puppy” is read as “fox”")
    expect(note).to_contain_text("StoryWorld has no “quark”; it is left out")
    started.locator(".mm-demo-field").fill("quark")
    expect(note).to_contain_text("Nothing to search for yet")
