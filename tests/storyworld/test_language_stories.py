"""Stories have plots, are shown by valid scenes, and are read back to the facts they tell."""

import re
from collections import Counter

import pytest

from mmcourse.storyworld.language.check import check_page, check_story
from mmcourse.storyworld.language.parse import Account
from mmcourse.storyworld.language.plots import PLOTS, lines_of
from mmcourse.storyworld.language.plots.slots import patterns
from mmcourse.storyworld.language.plots.voices import VOICES
from mmcourse.storyworld.language.story_parse import read_story
from mmcourse.storyworld.language.tell import tell

N = 500


@pytest.fixture(scope="module")
def stories():
    return [tell(i) for i in range(N)]


def test_a_story_is_a_function_of_its_index(stories):
    assert tell(7) == stories[7]
    assert tell(7, seed=1) != stories[7]
    assert len({s.text for s in stories}) > 0.99 * N


def test_there_are_many_plots_voices_and_lengths(stories):
    assert len(PLOTS) >= 12
    assert {s.plot for s in stories} == {p.name for p in PLOTS}
    assert {s.voice for s in stories} == {v.name for v in VOICES}
    lengths = Counter(len(s.pages) for s in stories)
    assert set(lengths) == set(range(3, 9))


def test_the_text_is_read_back_to_the_facts_of_each_page(stories):
    for story in stories:
        for page, account in zip(story.pages, read_story(story.text), strict=True):
            assert account == Account(page.facts), (story.plot, page.text)


def test_no_page_contradicts_its_scene_and_no_story_itself(stories):
    for story in stories:
        wrong, unread = check_story(story.text)
        assert not wrong, (story.plot, wrong[0])
        assert not any(unread)
        for page in story.pages:
            assert not check_page(Account(page.facts), page.scene), (story.plot, page.text)


def test_heroes_stay_who_they_are(stories):
    for story in stories:
        looks = {}
        for page in story.pages:
            for c in page.scene.characters:
                look = (c.species, c.colour, c.identity)
                assert looks.setdefault(c.name, look) == look


def test_moods_and_possessions_change(stories):
    for story in stories[:200]:
        hero = story.cast[0].name
        moods = {c.mood for p in story.pages for c in p.scene.characters if c.name == hero}
        assert len(moods) >= 2, story.plot
    told = Counter(k for s in stories for p in s.pages for _, k, _ in p.facts)
    assert {"has", "wants", "lost", "give", "hug", "quarrel", "follow"} <= set(told)


def test_interactions_are_seen(stories):
    seen = {p.scene.interaction.kind for s in stories for p in s.pages if p.scene.interaction}
    assert seen == {"give", "hug", "quarrel", "follow"}


def test_a_lie_is_found(stories):
    found = 0
    for story in stories[:150]:
        hero = story.cast[0]
        other = "pink" if hero.colour != "pink" else "red"
        last = story.pages[-1]
        lie = f"{story.text} {hero.name} is a {other} {hero.species}."
        lie = lie.replace(f"{hero.name} is a", f"{hero.name} the")
        assert last.text in story.text
        found += bool(check_story(lie)[0])
    assert found == 150


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("Pip was happy. Pip was sad.", 1),
        ("It was night. It was evening by now. It was night by now. By then it was evening.", 1),
        ("Pip was a red fox.\n\nPip was a blue fox.", 2),
        ("Nell had a new red ball, and she wanted everyone to know it.\n\n"
         "Pip had a new red ball, and he wanted everyone to know it.", 2),
    ],
)  # fmt: skip
def test_contradictions_are_named_with_their_page(text, page):
    wrong, _ = check_story(text)
    assert wrong
    assert wrong[0].page == page
    assert str(wrong[0]).startswith(f"page {page}: ")


def test_what_no_plot_tells_is_read_as_far_as_it_goes():
    account = read_story("Pip the red fox waved in the forest. Then the moon exploded.")[0]
    assert {("Pip", "species", "fox"), ("Pip", "action", "waving")} <= account.facts
    assert "exploded" in account.unread


def test_a_reader_chooses_the_way(stories):
    story = next(s for s in stories if any(p.options for p in s.pages))
    index = stories.index(story)
    fork = next(i for i, p in enumerate(story.pages) if p.options)
    ways = [tell(index, choices=[label]) for label in story.pages[fork].options]
    assert len({w.text for w in ways}) == len(ways) >= 2
    for way in ways:
        assert [p.text for p in way.pages[: fork + 1]] == [p.text for p in story.pages[: fork + 1]]
    with pytest.raises(ValueError, match="choose one of"):
        tell(index, choices=["fly to the moon"])
    with pytest.raises(ValueError, match="no fork left"):
        tell(index, choices=[*(p.chosen for p in ways[0].pages if p.options), "more"])


def test_sentences_that_read_alike_state_the_same():
    literals = {}
    for plot in PLOTS:
        for line in lines_of(plot.beats):
            for pattern in patterns(line):
                known = literals.setdefault(pattern.shape, pattern.literals)
                assert known == pattern.literals, line


def test_the_prose_is_clean(stories):
    for story in stories[:300]:
        assert not re.search(r"[{}|]|  | [,.;!?]|\b[Aa] [aeiou]", story.text), story.text
        for page in story.pages:
            assert page.text[0] in '"ABCDEFGHIJKLMNOPQRSTUVWXYZ'
            assert page.text[-1] in '.!?"'


def test_splits_hold_out_looks():
    from mmcourse.storyworld.world.sampling import held_out

    barred = held_out("species", "colour")
    assert not any((c.species, c.colour) in barred for i in range(200) for c in tell(i).cast)
    assert any(
        (c.species, c.colour) in barred for i in range(60) for c in tell(i, "compositional").cast
    )


@pytest.mark.parametrize("bad", [{"index": -1}, {"index": 0, "split": "dev"}])
def test_bad_requests_are_refused(bad):
    with pytest.raises(ValueError, match=r"index|split"):
        tell(**bad)
