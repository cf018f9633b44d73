"""The jobs of the app, without a browser."""

import io
import json
import time
import wave

import numpy as np
import pytest
from PIL import Image

from mmcourse.story.app.invitations import INVITATIONS
from mmcourse.story.app.jobs import JOBS, VIEWS, hero_of
from mmcourse.story.app.work import work
from mmcourse.story.preferences import preferences
from mmcourse.storyworld.language.lexicon import read_prompt


def picture_of(desk, reader="ann", colour="red"):
    return desk.keep(reader, Image.new("RGB", (32, 32), colour))


def test_all_signs_are_plain_data_and_the_last_brings_the_story(desk) -> None:
    signs = [*work(desk, "ann", {"do": "start", "prompt": "a fox"})]
    assert json.loads(json.dumps(signs)) == signs
    assert [s["share"] for s in signs] == sorted(s["share"] for s in signs)
    assert signs[-1]["kind"] == "recorded"
    assert "".join(s.get("text", "") for s in signs if s["kind"] == "text").strip()
    drawn = next(s for s in signs if s["kind"] == "drawn")
    assert desk.made.take("ann", drawn["picture"]).mime == "image/png"
    shown = signs[-1]["story"]
    node = shown["nodes"][str(shown["current"])]
    opened = desk.library.open(shown["id"], "ann")
    assert node["text"] == opened.node(opened.current).text
    assert node["picture"]["hash"] == opened.node(opened.current).picture.hash


def test_going_on_from_an_earlier_page_grows_a_branch(do, story) -> None:
    first = story["current"]
    second = do({"do": "go on", "story": story["id"], "choice": 1})["story"]
    third = do({"do": "go on", "story": story["id"], "scene": first, "text": "a boat"})["story"]
    assert third["nodes"][str(first)]["children"] == [second["current"], third["current"]]
    assert third["path"] == [first, third["current"]]
    assert third["nodes"][str(third["current"])]["asked"] == "a boat"
    label = story["nodes"][str(first)]["choices"][1]["label"]
    assert third["nodes"][str(second["current"])]["chosen"] == label


def test_a_job_that_is_stopped_records_nothing(desk, story) -> None:
    job = {"do": "go on", "id": "7", "story": story["id"]}
    signs = work(desk, "ann", job)
    assert next(signs)["kind"] == "writing"
    desk.stop("bob", "7")  # somebody else's wish changes nothing
    assert next(signs)["kind"] == "text"
    desk.stop("ann", "7")
    assert [s["kind"] for s in signs] == ["stopped"]
    assert len(desk.library.open(story["id"], "ann").nodes) == 1
    assert not desk.running


def test_a_job_that_was_stopped_before_it_began_does_nothing(desk) -> None:
    desk.stop("ann", "9")
    signs = [*work(desk, "ann", {"do": "start", "id": "9", "prompt": "a fox"})]
    assert [s["kind"] for s in signs] == ["stopped"]
    assert not desk.early
    assert not desk.library.stories("ann")


def test_a_job_that_is_closed_records_nothing(desk, story) -> None:
    signs = work(desk, "ann", {"do": "redraw", "story": story["id"], "scene": story["current"]})
    next(signs)
    signs.close()
    assert len(desk.library.steps(story["id"], "ann")) == 2


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"do": "dance"}, "no work called"),
        ({"do": "start", "prompt": "x" * 3000}, "3000 characters"),
        ({"do": "go on", "story": "none"}, "no story"),
        ({"do": "start", "prompt": "", "picture": "gone"}, "no longer here"),
        ({"do": "start", "prompt": "", "hero": {"looks": {"species": "dragon"}}}, "dragon"),
        ({"do": "redraw"}, "lacks something"),
        ({"do": "hero"}, "no drawing yet"),
    ],
)
def test_what_cannot_be_done_comes_back_as_one_line(do, job, words) -> None:
    sign = do(job)
    assert sign["kind"] == "refused"
    assert words in sign["message"]
    assert "\n" not in sign["message"]


def test_what_breaks_is_logged_and_the_reader_sees_a_line(desk, do, monkeypatch, caplog) -> None:
    def broken(desk, teller, job):
        yield {"kind": "reading"}
        raise RuntimeError("a secret path")

    monkeypatch.setitem(JOBS, "ask", broken)
    sign = do({"do": "ask"})
    assert sign["kind"] == "refused"
    assert "secret" not in sign["message"]
    assert "a secret path" in caplog.text


@pytest.mark.parametrize(
    "job",
    [
        {"do": "go on"},
        {"do": "redraw"},
        {"do": "edit", "text": "mine now"},
        {"do": "ask", "question": "who is there?"},
        {"do": "views"},
        {"do": "find", "words": "a fox"},
        {"do": "speak"},
        {"do": "restyle", "style": "neon"},
        {"do": "visualise", "name": "Pip"},
        {"do": "copy", "kind": "zip"},
    ],
    ids=lambda job: job["do"],
)
def test_nobody_works_on_the_story_of_another(desk, do, story, job) -> None:
    job = {"story": story["id"], "scene": story["current"], **job}
    sign = do(job, reader="bob")
    assert sign["kind"] == "refused"
    assert "no story" in sign["message"]
    assert desk.library.open(story["id"], "ann").step == 2


def test_nobody_begins_with_the_picture_of_another(desk, do) -> None:
    token = picture_of(desk, "ann")
    assert do({"do": "start", "picture": token}, reader="bob")["kind"] == "refused"
    assert do({"do": "start", "picture": token})["kind"] == "recorded"


def test_what_is_chosen_is_learned_and_the_tone_is_not(desk, do) -> None:
    for _ in range(2):
        do({"do": "start", "prompt": "a", "style": "neon", "voice": "grand", "tone": "warm"})
    known = preferences(desk.library, "ann")
    assert (known.best("style"), known.best("voice"), known.best("tone")) == ("neon", "grand", "")
    assert preferences(desk.library, "bob").counts == {}


def test_the_face_that_was_drawn_is_forgotten(desk, do) -> None:
    face = picture_of(desk)
    assert do({"do": "mood", "face": face})["kind"] == "mood"
    with pytest.raises(ValueError, match="no longer here"):
        desk.made.take("ann", face)
    assert not desk.library.database.rows("SELECT * FROM pictures")
    assert do({"do": "mood", "told": "sad"})["mood"] == "sad"


def test_how_many_pages_get_a_picture_is_the_readers_choice(do) -> None:
    story = do({"do": "start", "prompt": "a", "every": 0})["story"]
    assert story["nodes"][str(story["current"])]["picture"] is None


def test_a_scene_is_read_aloud_word_by_word(desk, do, story) -> None:
    text = story["nodes"][str(story["current"])]["text"]
    job = {"do": "speak", "story": story["id"], "scene": story["current"]}
    signs = [s for s in work(desk, "ann", job) if s["kind"] == "spoken"]
    said = [text[a:b] for s in signs for a, b, *_ in s["words"]]
    assert [w.strip(".") for w in said] == [w.strip(".") for w in text.split(" ")]
    with wave.open(io.BytesIO(desk.made.take("ann", signs[0]["sound"]).content)) as sound:
        assert sound.getnframes() > 100
        samples = np.frombuffer(sound.readframes(1000), "<i2")
    assert samples.max() > 20_000


def test_a_place_is_seen_from_every_side(desk, do, story) -> None:
    job = {"do": "views", "story": story["id"], "scene": story["current"]}
    signs = [s for s in work(desk, "ann", job) if s["kind"] == "view"]
    assert [s["name"] for s in signs] == [*VIEWS]
    assert len({desk.made.take("ann", s["picture"]).content for s in signs}) == len(VIEWS)
    assert len(desk.library.steps(story["id"], "ann")) == 2  # it is looked at, not recorded


def test_a_hero_is_what_the_world_can_draw() -> None:
    hero = hero_of({"name": "Juno", "looks": {"species": "owl", "colour": "blue"}})
    assert (hero.name, hero.looks["species"]) == ("Juno", "owl")
    assert hero_of(None) is None


def test_twelve_invitations_are_in_the_worlds_own_words() -> None:
    assert len({i.prompt for i in INVITATIONS}) == 12
    for one in INVITATIONS:
        assert read_prompt(one.prompt).ok, one.prompt
        for who in one.scene.characters:
            assert f"{who.colour} {who.species}" in one.prompt  # the story is as the card shows it


def test_memory_that_is_free_goes_back_to_the_system() -> None:
    """A film's frames would stay with the process, though nobody holds them."""
    import platform

    from mmcourse.story.app.work import _trim, give_back
    from mmcourse.storyworld.drawing.textures import noise

    noise(256, 4, 0)
    give_back()
    assert noise.cache_info().currsize == 0
    assert (_trim() is not None) == (platform.libc_ver()[0] == "glibc")


def test_a_job_that_says_nothing_for_a_second_is_heard_of(desk, monkeypatch) -> None:
    def slow(desk, teller, job):
        yield {"kind": "reading", "message": "Looking"}
        time.sleep(1.4)
        yield {"kind": "found"}

    monkeypatch.setitem(JOBS, "slow", slow)
    signs = [*work(desk, "ann", {"do": "slow"})]
    assert (signs[0]["kind"], signs[-1]["kind"]) == ("reading", "found")
    assert signs[1] == {"kind": "busy", "message": "Looking, 1 s"}
