"""What children write: read as they mean it, and said so."""

import pytest

from mmcourse.story.app.quick import read
from mmcourse.story.framework import Storyteller, default_team, run
from mmcourse.story.grammar.everyday import CREATURES, everyday, mended
from mmcourse.story.grammar.wish import read_wish
from mmcourse.story.library import Library
from mmcourse.story.naming_typed import names_in_text
from mmcourse.story.story import Settings
from mmcourse.storyworld.language.lexicon import read_prompt
from mmcourse.storyworld.world import vocabulary as v

TOLD = Settings(every=0)


@pytest.fixture(scope="module")
def teller():
    return Storyteller(Library(":memory:"), default_team())


@pytest.fixture
def two(teller):
    """Luna, a cat, and Hoot, an owl, who know each other."""
    return run(teller.start("", "my cat Luna meets an owl called Hoot", seed=1, settings=TOLD))


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("elefant", "elephant"), ("mous", "mouse"), ("rabit", "rabbit"), ("rabbbit", "rabbit"),
        ("frends", "friends"), ("freind", "friend"), ("ballon", "balloon"), ("baloon", "balloon"),
        ("elephent", "elephant"), ("kat", "cat"), ("hapy", "happy"), ("yelow", "yellow"),
        ("elefants", "elephants"),
    ],
)  # fmt: skip
def test_a_letter_may_be_wrong(typed, read):
    assert mended(typed) == read
    assert f'"{typed}" is read as "{read}"' in str(read_wish(f"a fox and a {typed}", None).notes)


REAL = [
    "cake",
    "castle",
    "knight",
    "night",
    "cave",
    "race",
    "zoo",
    "crow",
    "scar",
    "each",
    "lower",
    "range",
    "school",
    "goat",
    "coat",
    "moth",
    "rex",
    "mia",
    "house",
    "hose",
    "plane",
    "band",
    "king",
    "ring",
    "bear",
    "beer",
    "fog",
    "log",
    "moon",
    "noon",
    "tree",
    "three",
]


@pytest.mark.parametrize("word", REAL)
def test_other_words_stay_what_they_are(word):
    assert mended(word) is None


def test_no_word_of_the_world_is_mended():
    words = {x for values in v.ATTRIBUTES.values() for x in values if " " not in x}
    assert {w for w in words if mended(w)} == set()


def test_creatures_of_tales_are_played_by_animals_and_are_not_the_lexicons():
    assert set(CREATURES.values()) <= set(v.SPECIES)
    assert {w for w in CREATURES if read_prompt(w).text in v.SPECIES} == set()
    wish = read_wish("a dragon is sad", None)
    assert wish.people["character 1"] == {"species": "frog", "mood": "sad"}
    assert '"dragon" is read as "frog"' in wish.notes[0]
    assert everyday("a fox wants to be a dragon").read == ()


@pytest.mark.parametrize(
    ("typed", "look"),
    [
        ("an owl who can not fly is sad", {"species": "owl", "mood": "sad"}),
        ("a fox doesn't want to jump", {"species": "fox"}),
        ("a fox never waves and is happy", {"species": "fox", "mood": "happy"}),
        ("a fox isnt angry anymore", {"species": "fox", "mood": "happy"}),
        ("a fox wants ice cream", {"species": "fox"}),
        ("a fox is scared and cries", {"species": "fox", "mood": "sad"}),
        ("the bear can't find his hat", {"species": "bear", "accessory": "none", "mood": "sad"}),
    ],
)
def test_what_is_denied_is_not_drawn(typed, look):
    assert read_wish(typed, None).people["character 1"] == look


def test_forms_of_the_parsers_are_not_told_and_no_word_is_said_to_be_near_that_is_not():
    notes = read_wish("a fox meets a bear and finds a cake", None).notes
    assert notes == ('"cake" does not exist in StoryWorld.',)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("Lily and her brother Ben build a tower", ["Lily", "Ben"]),
        ("Emily finds a ball", ["Emily"]),
        ("Suddenly it rains", []),
        ("grandma bakes a cake", ["Grandma"]),
        ("mous finds a ball", []),
        ("my Grandpa Joe and my sister Ruby", ["Grandpa Joe", "Ruby"]),
    ],
)
def test_names_of_a_family(typed, names):
    assert [n.name for n in names_in_text(typed)] == names


def test_a_princess_who_is_called_something_wears_a_crown(teller):
    story = run(teller.start("", "a princess called Rosie has a ball", seed=1, settings=TOLD))
    assert story.state().looks("Rosie")["accessory"] == "crown"


def test_what_was_lost_is_wanted_and_can_be_found(teller):
    story = run(teller.start("", "my cat Luna has lost a red ball", seed=1, settings=TOLD))
    state = story.state()
    assert state.holds("Luna") == ()
    assert [g.words for g in state.goals()] == ["wants the red ball"]
    assert not any("contradicts" in note for note in story.path()[-1].notes)
    found = run(teller.go_on(story, "Luna finds the ball")).state()
    assert found.holds("Luna") == ("red ball",)
    assert found.goals() == ()


@pytest.mark.parametrize("said", ["they become best friends", "Hoot and Luna are good friends",
                                  "Luna makes friends with Hoot"])  # fmt: skip
def test_friends_are_made_and_known(teller, two, said):
    state = run(teller.go_on(two, said)).state()
    assert {("Luna", "friend of", "Hoot"), ("Hoot", "friend of", "Luna")} == {
        f.triple for f in state.relations()
    }


def test_a_hug_is_given(teller, two):
    story = run(teller.go_on(two, "Luna gives Hoot a big hug"))
    assert "Luna hugged Hoot" in {f"{f.subject} {f.words}" for f in story.state().ties()}
    assert not story.path()[-1].notes


@pytest.mark.parametrize("said", ["Hoot helps Luna with her homework", "the owl makes breakfast",
                                  "they play hide and seek"])  # fmt: skip
def test_whoever_is_spoken_of_is_there(teller, two, said):
    assert set(run(teller.go_on(two, said)).state().present()) == {"Luna", "Hoot"}


def test_all_of_them_feel_it_and_go_to_bed(teller, two):
    sad = run(teller.go_on(two, "they are scared and cry")).state()
    assert (sad.mood("Luna"), sad.mood("Hoot")) == ("sad", "sad")
    slept = run(teller.go_on(teller.open(two.id), "they go home and go to sleep")).state()
    assert {slept.value(x, "action") for x in ("Luna", "Hoot")} == {"sleeping"}


def test_who_has_just_come_is_the_one_who_is_angry(teller, two):
    state = run(teller.go_on(two, "a dragon comes and he is angry")).state()
    (new,) = set(state.present()) - {"Luna", "Hoot"}
    assert (state.mood(new), state.mood("Hoot")) == ("angry", "happy")


def test_what_one_gives_was_theirs_before(teller, two):
    story = run(teller.go_on(two, "Luna finds a ball"))
    story = run(teller.go_on(story, "Hoot gives Luna the ball"))
    assert not any("contradicts" in n for n in story.path()[-1].notes)
    assert story.state().holds("Luna")[0].endswith("ball")


@pytest.mark.parametrize("said", ["the end", "And they lived happily ever after!"])
def test_an_end_is_an_end(teller, two, said):
    told = run(teller.go_on(two, said)).path()[-1]
    from mmcourse.storyworld.language.plots.voices import VOICES

    endings = [e for voice in VOICES for e in voice.ending]
    assert any(told.text.endswith(e) for e in endings)


def test_what_is_typed_is_read_at_once(teller):
    assert read(teller, {"text": "a dragon and a rabit"}) == {
        "text": '"rabit" is read as "rabbit". "dragon" is read as "frog".', "ok": True
    }  # fmt: skip
