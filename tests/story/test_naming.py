"""Names that the world does not know: what is shown, kept and exported has the reader's own."""

import json
import re

import pytest

from mmcourse.story.abilities import Hero
from mmcourse.story.app import shown
from mmcourse.story.export import export
from mmcourse.story.framework import Storyteller, default_team, run
from mmcourse.story.grammar.going import gone
from mmcourse.story.library import Library
from mmcourse.story.naming import Table, clean_name, swapped
from mmcourse.story.naming_typed import names_in_text, played
from mmcourse.story.staging import people
from mmcourse.story.story import Settings
from mmcourse.storyworld.language.words import SHE
from mmcourse.storyworld.world import vocabulary as v

SMALL = Settings(size=48)


@pytest.fixture(scope="module")
def teller():
    return Storyteller(Library(":memory:"), default_team())


def everything(teller, story):
    """All that the page is sent, as one text."""
    return json.dumps(shown.story(teller, story), ensure_ascii=False)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("Mia finds a ball", ["Mia"]),
        ("mia finds a ball and tom gives it to Mia", ["Mia", "Tom", "Mia"]),
        ("Mia and Grandpa Joe go to the pond", ["Mia", "Grandpa Joe"]),
        ("my dog rex ran away", ["Rex"]),
        ("A boy named Leo went to Paris", ["Leo"]),
        ("Mr. Fox is in the garden", ["Mr. Fox"]),
        ("a fox gives a rose to Rose", ["Rose"]),
        ("a fox called Blue", ["Blue"]),
        ("Zoë O'Neil-Smith is happy", ["Zoë O'Neil-Smith"]),
        ("it is Mia's birthday", ["Mia"]),
        ("李雷 finds a ball", ["李雷"]),
        ("The Fox Finds A Lantern", []),
        ("Butterflies are in the garden", []),
        ("Sometimes it rains", []),
        ("my Grandma finds a book", []),
        ("a pizza flies over the beach", []),
    ],
)
def test_names_are_heard_in_what_is_typed(typed, names):
    assert [n.name for n in names_in_text(typed)] == names


def test_twice_told_names_are_one_person_and_pronouns_choose_the_player():
    said, table = played("Mia gives a ball to Mia", Table({}), set())
    player = table.players["Mia"]
    assert said == f"{player} gives a ball to {player}"
    assert played("Kim loves her cat", Table({}), set())[1].players["Kim"] in SHE


def test_names_are_swapped_at_once_and_as_whole_words():
    assert swapped("Pip Gus Pipsqueak Pip's", {"Pip": "Mia", "Gus": "Pip"}) == (
        "Mia Pip Pipsqueak Mia's"
    )


def test_a_heros_name_stays_in_everything_that_is_shown_and_kept(teller, tmp_path):
    story = run(teller.start("", "Mia and Grandpa Joe go to the pond", seed=1, settings=SMALL))
    for _ in range(4):
        story = run(teller.go_on(story))
    players = Table.of(story.state()).players
    assert set(players) == {"Mia", "Grandpa Joe"}
    assert story.state().characters[0] == "Mia"
    assert "Mia" in people(story.path()[0].picture.staging)
    assert all(n.picture.accepted for n in story.path())
    sent = everything(teller, story)
    assert not [p for p in players.values() if re.search(rf"\b{p}\b", sent)]
    assert teller.search_words("Mia", story)
    assert not teller.search_words(players["Mia"], story)
    answer, _ = teller.ask(story, "who is in the story?", which="story")
    assert "Mia, a" in answer.text
    assert players["Mia"] not in answer.text
    look = story.state().looks("Mia")["colour"]
    assert teller.ask(story, "what colour is Mia?", which="story")[0].text == f"Mia is {look}."
    for kind in ("html", "epub"):
        export(story, teller.library, tmp_path / f"a.{kind}", kind)
    page = (tmp_path / "a.html").read_text()
    assert "Grandpa Joe" in page
    assert not re.search(rf"\b{players['Mia']}\b", page)
    export(story, teller.library, tmp_path / "a.zip", "zip")
    from mmcourse.story.export.archive import load

    assert load(tmp_path / "a.zip", teller.library).state().characters[0] == "Mia"


def test_a_portrait_is_of_them_and_a_later_sentence_knows_them(teller):
    story = run(teller.start("", "Mia the owl is happy", seed=3, settings=SMALL))
    identity = story.state().identity("Mia")
    story = run(teller.visualise(story, "Mia"))
    (who,) = people(story.portraits[-1].picture.staging).values()
    assert (who.species, who.identity) == ("owl", identity)
    story = run(teller.go_on(story, "mia is sad and meets a frog called Leo"))
    assert story.state().mood("Mia") == "sad"
    assert story.state().value("Leo", "species") == "frog"


def test_a_name_of_the_world_that_plays_somebody_is_somebody_else(teller):
    story = run(teller.start("", "Mia the fox is happy", seed=1, settings=Settings(every=0)))
    player = Table.of(story.state()).players["Mia"]
    story = run(teller.go_on(story, f"a bear called {player} hugs Mia"))
    assert story.state().value(player, "species") == "bear"
    assert story.state().value("Mia", "species") == "fox"


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>",
        "Robert'); DROP TABLE words;--",
        "{A} {T}",
        "__proto__",
        "Ö\\1",
    ],
)
def test_hostile_names_are_names(teller, name, tmp_path):
    hero = Hero(name, {"species": "fox", "colour": "red"}, (0.1,) * 8)
    story = run(teller.start("", "", None, hero, 5, settings=SMALL))
    story = run(teller.go_on(story))
    assert story.state().characters[0] == name
    assert name in story.text()
    export(story, teller.library, tmp_path / "a.html", "html")
    assert "<img src=x" not in (tmp_path / "a.html").read_text()


def test_names_are_one_short_line():
    assert clean_name("  mia\n\tof  the sea ") == "Mia of the sea"
    for name in ("", " \n", "x" * 41):
        with pytest.raises(ValueError, match="1 to 40"):
            clean_name(name)
    with pytest.raises(ValueError, match="no room for Mia"):
        Table({}).with_("Mia", True, v.NAMES)


def test_whoever_is_no_animal_yet_is_told_so_once_and_kindly(teller):
    story = run(teller.start("", "Mia and Tom are happy", settings=Settings(every=0)))
    (note,) = [x for n in story.path() for x in n.notes if "animal" in x]
    assert note.count("Mia is a") == 1
    assert "“Mia the cat”" in note


@pytest.mark.parametrize(
    ("typed", "left", "goes"),
    [
        ("Pip went to the beach", "Pip to the beach", True),
        ("Pip was walking in the forest", "Pip was in the forest", True),
        ("Pip ran away", "Pip", True),
        ("Pip is going to the forest", "Pip is to the forest", True),
        ("a fox runs after a bear", "a fox runs after a bear", False),
        ("Pip goes to sleep", "Pip goes to sleep", False),
        ("go on", "go on", False),
    ],
)
def test_who_goes_is_not_told_to_stand(typed, left, goes):
    found = gone(typed, None)
    assert (found.text, found.goes) == (left, goes)


@pytest.mark.parametrize(
    "typed", ["Pip went to the beach", "Pip ran away", "Pip sings", "Pip swam"]
)
def test_everyday_verbs_are_never_read_as_standing(teller, typed):
    story = run(teller.start("", typed, seed=2, settings=Settings(every=0)))
    story = run(teller.go_on(story, typed))
    for node in story.path():
        assert not re.search(r"Pip stood\b", node.text)
        assert not any("standing" in note for note in node.notes)


def test_home_is_where_the_story_began_and_away_is_not(teller):
    story = run(teller.start("", "Pip is in the forest", settings=Settings(every=0)))
    story = run(teller.go_on(story, "Pip ran away"))
    assert story.state().setting()["place"] != "forest"
    story = run(teller.go_on(story, "Pip walked home"))
    assert story.state().setting()["place"] == "forest"
