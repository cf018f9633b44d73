"""A storyteller on the simplest backend: what is recorded, kept, stopped and refused."""

import pytest
from PIL import Image

from mmcourse.story.abilities import Hero
from mmcourse.story.backends.fake import fake_backend
from mmcourse.story.backends.world import world_backend
from mmcourse.story.craft import run
from mmcourse.story.framework import Storyteller
from mmcourse.story.story import Settings
from mmcourse.story.team import Team

SMALL = Settings(size=16)


@pytest.fixture
def teller(library, team):
    return Storyteller(library, team)


def begun(teller, **options):
    return run(teller.start("", "a fox", settings=SMALL, **options))


def test_a_scene_is_written_drawn_checked_and_recorded(teller):
    events = list(teller.start("", "a fox", settings=SMALL, seed=3))
    kinds = list(dict.fromkeys(e.kind for e in events))
    assert kinds == ["writing", "text", "written", "drawing", "drawn", "checked", "recorded"]
    shares = [e.share for e in events]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    story = events[-1].story
    (node,) = story.path()
    assert "".join(e.text for e in events if e.kind == "text").strip() == node.text
    assert story.title == "Pip and the ball"
    assert node.picture.accepted
    assert node.picture.size == (16, 16)
    assert [c.ability for c in node.credits] == ["writer", "extractor"]
    assert node.picture.drawn.backend == "fake"
    assert len(node.choices) == 3
    assert teller.open(story.id) == story


def test_the_same_seed_tells_the_same_story(teller):
    def content(seed):
        story = run(teller.tell("a fox", scenes=3, settings=SMALL, seed=seed))
        return [(n.text, n.picture.hash) for n in story.path()]

    assert content(1) == content(1)
    assert content(1) != content(2)


def test_a_story_goes_on_by_text_choice_and_picture(teller):
    story = begun(teller)
    chosen = story.path()[0].choices[1]
    story = run(teller.go_on(story, choice=1))
    story = run(teller.go_on(story, text="it rains"))
    brought = Image.new("RGB", (20, 10), "blue")
    story = run(teller.go_on(story, picture=brought))
    nodes = story.path()
    assert nodes[1].chosen == chosen.label
    assert nodes[1].asked == ""
    assert (nodes[2].chosen, nodes[2].asked) == ("", "it rains")
    assert len(nodes) == 4
    assert nodes[3].remembered
    with pytest.raises(ValueError, match="no way 7 from here"):
        teller.go_on(story, choice=7)


@pytest.mark.parametrize("at", range(8))
def test_closing_the_events_stops_the_work_and_records_nothing(teller, at):
    story = begun(teller)
    events = teller.go_on(story, text="on")
    for _ in range(at):
        next(events)
    events.close()
    assert teller.open(story.id) == story
    assert teller.library.database.rows("SELECT count(*) FROM pictures") == [(1,)]


def test_stopping_the_first_scene_leaves_an_empty_shelf(teller):
    events = teller.start("", "a fox")
    for _ in range(6):
        next(events)
    events.close()
    assert teller.library.stories() == ()


@pytest.mark.parametrize(("every", "drawn"), [(0, "...."), (1, "xxxx"), (2, "x.x."), (3, "x..x")])
def test_the_reader_chooses_how_many_scenes_get_a_picture(teller, every, drawn):
    story = run(teller.tell("a fox", scenes=4, settings=Settings(every=every, size=16)))
    assert "".join("x" if n.picture else "." for n in story.path()) == drawn


def test_a_picture_is_drawn_again_and_the_old_one_stays(teller):
    story = begun(teller)
    old = story.path()[0].picture
    story = run(teller.redraw(story))
    node = story.path()[0]
    assert node.pictures[0] == old
    assert node.picture.seed == old.seed + 1
    assert teller.library.png(old.hash)
    assert teller.undo(story).path()[0].picture == old


def test_the_whole_book_changes_its_style_in_one_step(teller):
    story = run(teller.tell("a fox", scenes=3, settings=SMALL))
    first = [n.picture for n in story.path()]
    new = run(teller.restyle(story, "neon"))
    assert [n.picture.style for n in new.path()] == ["neon"] * 3
    assert [n.picture.seed for n in new.path()] == [p.seed for p in first]
    assert new.style == "neon"
    assert [n.picture for n in teller.undo(new).path()] == first


def test_a_portrait_belongs_to_a_scene_and_needs_somebody(teller):
    story = begun(teller)
    story = run(teller.visualise(story, "Pip"))
    (portrait,) = story.portraits_of("Pip")
    assert portrait.scene == story.current
    assert "a red fox" in portrait.picture.prompt
    with pytest.raises(ValueError, match="nobody called 'Zed' is known here; there is Pip"):
        list(teller.visualise(story, "Zed"))


def test_edits_marks_choices_undo_and_redo(teller):
    story = begun(teller)
    here = story.current
    edited = teller.edit(story, here, "Rex sleeps.")
    assert edited.node(here).texts == (story.node(here).text, "Rex sleeps.")
    assert [c.name for c in edited.node(here).found.characters] == ["Rex"]
    marked = teller.mark(edited, here, "my favourite")
    chosen = teller.choose(marked, voice="hushed")
    assert (chosen.voice, chosen.node(here).marked) == ("hushed", "my favourite")
    back = teller.undo(teller.undo(teller.undo(chosen)))
    assert back == story
    assert not teller.can_undo(back)
    with pytest.raises(ValueError, match="nothing to undo"):
        teller.undo(back)
    assert teller.redo(back) == edited


def test_a_branch_remembers_only_its_own_path(teller):
    story = run(teller.tell("a fox", scenes=3, settings=SMALL))
    first, second, _ = story.path()
    story = run(teller.go_on(teller.branch(story, first.id), text="elsewhere"))
    assert next(n.id for n in story.path()) == first.id
    assert len(story.children(first.id)) == 2
    assert second.id not in story.state().scenes


def test_a_failing_picture_is_said_and_kept_with_its_tries(library):
    teller = Storyteller(library, Team([fake_backend(wrong=9)]))
    story = begun(teller)
    picture = story.path()[0].picture
    assert not picture.accepted
    assert len(picture.failed) == 1
    assert library.png(picture.failed[0].hash)


def test_a_fallback_is_in_the_record(library):
    lame = fake_backend(without=["illustrator"])
    lame.name = "lame"
    teller = Storyteller(library, Team([lame, fake_backend()], {"illustrator": "lame"}))
    picture = begun(teller).path()[0].picture
    assert (picture.drawn.backend, picture.drawn.why) == ("fake", "lame: left out")


def test_questions_go_to_either_answerer(teller):
    story = begun(teller)
    by_picture, credit = teller.ask(story, "what colour is it?")
    by_story, other = teller.ask(story, "what colour is it?", which="story")
    assert (credit.ability, other.ability) == ("picture answerer", "story answerer")
    assert by_picture != by_story
    for question, which, message in (
        ("", "picture", "no question"),
        ("who?", "cat", "no answerer"),
    ):
        with pytest.raises(ValueError, match=message):
            teller.ask(story, question, which=which)
    quiet = run(teller.start("", "a fox", settings=Settings(every=0)))
    with pytest.raises(ValueError, match="no picture to look at"):
        teller.ask(quiet, "who?")


def test_one_picture_and_one_text_without_a_story(teller):
    red, blue = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    assert teller.caption(red)[0] != teller.caption(blue)[0]
    assert teller.retrieve(red, [blue, red])[0][0] == 1
    assert teller.retrieve("a fox", []) == []
    assert teller.picture_from_text("a fox", size=16).picture.prompt == "a fox"
    assert teller.enhance("A fox.", red)[0].text
    assert teller.mood(told="sad")[0].mood == "sad"
    assert teller.answer(red, "what?")[0].text
    assert [c.name for c in teller.extract("Rex runs.")[0].characters] == ["Rex"]


def test_memory_searches_the_path_by_words_and_pictures(teller):
    story = run(teller.tell("a fox", scenes=3, settings=SMALL))
    for node in story.path():
        found = teller.search_pictures(story, teller.library.picture(node.picture.hash), k=1)
        assert found[0].seen.scene == node.id
        assert found[0].similarity > 0.999
    assert {h.scene for h in teller.search_words("found", story)} == {n.id for n in story.path()}


def test_a_hero_of_ones_own_and_a_picture_to_begin_with(teller):
    picture = Image.new("RGB", (8, 8), "green")
    story = begun(teller, hero=Hero("Zuri", {"species": "owl"}), picture=picture)
    assert story.path()[0].text.startswith("Scene 1. Zuri")
    assert story.hero.name == "Zuri"
    assert teller.library.picture(story.source).getpixel((0, 0)) == (0, 128, 0)


@pytest.mark.parametrize("scenes", [0, -1, 201])
def test_a_length_that_no_story_has_is_refused(teller, scenes):
    with pytest.raises(ValueError, match="1 to 200 scenes"):
        next(teller.tell("a fox", scenes=scenes))


def test_texts_have_a_limit(teller):
    with pytest.raises(ValueError, match="at most 2000"):
        teller.start("", "fox " * 600)
    story = begun(teller)
    with pytest.raises(ValueError, match="at most 2000"):
        teller.go_on(story, "fox " * 600)
    with pytest.raises(ValueError, match="needs a text"):
        teller.edit(story, story.current, "  ")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"style": "oil"}, "no style 'oil'; choose one of flat"),
        ({"title": "x" * 300}, "one line of at most 200"),
        ({"title": "two\nlines"}, "one line"),
        ({"title": "a \x00 b"}, "one line"),
        ({"voice": "squeaky"}, "no voice 'squeaky'"),
        ({"tone": "mauve"}, "no tone 'mauve'"),
    ],
)
def test_what_cannot_be_chosen_is_refused_at_once(library, chosen, message):
    teller = Storyteller(library, Team([world_backend()]))
    with pytest.raises(ValueError, match=message):
        teller.start(prompt="a fox", **chosen)
    story = run(teller.start("", "a fox", settings=Settings(every=0)))
    with pytest.raises(ValueError, match=message):
        teller.choose(story, **chosen)
    assert teller.open(story.id) == story


@pytest.mark.parametrize(
    "wrong", [{"every": -1}, {"size": 8}, {"size": 64.0}, {"tries": 0}, {"every": True}]
)
def test_settings_have_ranges(wrong):
    with pytest.raises(ValueError, match="is a whole number from"):
        Settings(**wrong)


HOSTILE = ("<script>alert(1)</script>", "'; DROP TABLE steps; --", "{A} {=A has T} %s {}",
           "../../x", "Robert\u202e\x00 & <b>", "<|im_start|> system")  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(teller, text):
    story = run(teller.start("", text, settings=SMALL))
    story = run(teller.go_on(story, text=text))
    story = teller.edit(story, story.current, text)
    story = teller.mark(story, story.current, text)
    again = teller.open(story.id)
    assert again == story
    assert again.path()[-1].text == text
    assert again.path()[-1].asked == text


def test_the_shelf_shows_where_a_story_stands(teller):
    story = run(teller.tell("a fox", scenes=3, settings=SMALL))
    (listed,) = teller.library.stories()
    assert (listed.title, listed.scenes) == (story.title, 3)
    assert listed.cover == story.path()[0].picture.hash
    teller.choose(teller.undo(story), title="Another")
    (listed,) = teller.library.stories()
    assert (listed.title, listed.scenes) == ("Another", 2)


def test_half_a_character_is_refused_before_anything_is_written(teller):
    story = begun(teller)
    for change in (
        lambda: next(iter(teller.start("", "a fox \ud800"))),
        lambda: next(iter(teller.go_on(story, "on \udfff"))),
        lambda: teller.edit(story, 1, "A fox \ud83d."),
        lambda: teller.mark(story, 1, "\ud83d"),
    ):
        with pytest.raises(ValueError, match="half a character"):
            change()
    assert teller.library.open(story.id) == story
