"""What the app does at once."""

import json

import pytest

from mmcourse.story.app.quick import QUICK


@pytest.fixture
def at_once(desk):
    def act(name, reader="ann", **sent):
        return json.loads(json.dumps(QUICK[name](desk.teller(reader), sent)))

    return act


def test_the_shelf_is_ones_own(at_once, story) -> None:
    assert [s["id"] for s in at_once("hello")["shelf"]] == [story["id"]]
    assert at_once("hello", "bob")["shelf"] == []
    assert all(who["who"] for who in at_once("hello")["abilities"].values())


@pytest.mark.parametrize(
    "name", ["open", "undo", "redo", "go", "mark", "choose", "erase", "context"]
)
def test_nobody_touches_the_story_of_another(at_once, story, name) -> None:
    with pytest.raises(ValueError, match="no story"):
        at_once(name, "bob", story=story["id"], scene=story["current"], title="mine")
    assert at_once("open", story=story["id"])["story"] == story


def test_undo_and_redo(at_once, do, story) -> None:
    later = do({"do": "go on", "story": story["id"]})["story"]
    assert (story["canUndo"], later["canUndo"], later["canRedo"]) == (False, True, False)
    before = at_once("undo", story=story["id"])["story"]
    assert (before["path"], before["canRedo"]) == (story["path"], True)
    assert at_once("redo", story=story["id"])["story"] == later


def test_a_moment_is_marked_and_the_mark_taken_away(at_once, story) -> None:
    key = str(story["current"])
    sent = {"story": story["id"], "scene": story["current"]}
    assert at_once("mark", **sent, note="the ball")["story"]["nodes"][key]["marked"] == "the ball"
    assert at_once("mark", **sent, note="")["story"]["nodes"][key]["marked"] == ""
    assert at_once("mark", **sent)["story"]["nodes"][key]["marked"] is None


def test_choices_hold_for_what_comes_and_are_learned(at_once, story) -> None:
    chosen = at_once("choose", story=story["id"], style="sketch", every=2, title="Another")["story"]
    assert (chosen["style"], chosen["every"], chosen["title"]) == ("sketch", 2, "Another")
    assert at_once("hello")["likes"]["counts"] == {"style": {"sketch": 1}}


def test_what_is_liked_is_seen_taken_along_and_forgotten(at_once) -> None:
    assert at_once("tell", likes={"style": "neon", "pace": 0.8})["best"]["style"] == "neon"
    assert json.loads(at_once("take-likes")["text"])["told"] == {"style": "neon", "pace": 0.8}
    assert at_once("tell", likes={"style": None})["told"] == {"pace": 0.8}
    assert at_once("forget")["told"] == {}
    with pytest.raises(ValueError, match="no preference"):
        at_once("tell", likes={"shoe size": 38})
    with pytest.raises(ValueError, match="too long"):
        at_once("tell", likes={"style": "x" * 3000})


def test_words_are_read_while_they_are_typed(at_once) -> None:
    assert '"puppy" is read as' in at_once("read", text="a puppy")["text"]
    assert at_once("read", text="a fox")["text"] == ""


def test_pages_are_found_by_their_words(at_once, story) -> None:
    hit = at_once("search", words="meadow ball")["hits"][0]
    assert (hit["story"], hit["scene"]) == (story["id"], story["current"])
    assert at_once("search", "bob", words="meadow")["hits"] == []
    for words in ("well-known", 'fox"s AND', "NEAR(", "*"):
        at_once("search", words=words)


def test_what_is_remembered_can_be_looked_at(at_once, story) -> None:
    found = at_once("context", story=story["id"], text="the ball")
    assert found["tokens"] <= found["budget"]
    assert all({"kept", "kind", "text", "why"} <= set(item) for item in found["items"])


def test_a_story_is_thrown_away(at_once, story) -> None:
    assert at_once("erase", story=story["id"])["shelf"] == []
