"""Questions, moods, captions and drawings of the world."""

import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmcourse.story.abilities import (
    AnswerRequest,
    CaptionRequest,
    Drawn,
    DrawRequest,
    ExtractRequest,
    MoodRequest,
    Reference,
)
from mmcourse.story.backends.drawn_face import read_face
from mmcourse.story.backends.towers import Towers
from mmcourse.story.backends.world_answers import PictureAnswerer, StoryAnswerer
from mmcourse.story.backends.world_pictures import WorldCaptioner, WorldIllustrator
from mmcourse.story.backends.world_reader import WorldExtractor, WorldMoodReader
from mmcourse.story.craft import last_of
from mmcourse.story.facts import Fact
from mmcourse.story.staging import boxes, in_style, in_words, people, scene_of
from mmcourse.story.state import State
from mmcourse.storyworld import Character, Scene, Thing, render, sample_scene
from mmcourse.storyworld.language.questions import questions

ID = (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
PIP = Character("fox", "red", "hat", "sad", position="left", name="Pip", identity=ID)
REX = Character("fox", "blue", mood="happy", position="right", name="Una")
SCENE = Scene((PIP, REX), (Thing("ball", "green", "middle"),), place="beach", time="night")


@pytest.fixture(scope="module")
def towers():
    return Towers()


def asked(question, scene=SCENE):
    return PictureAnswerer(Towers()).answer(AnswerRequest(question, staging=scene.to_json()))


def test_every_question_of_the_world_has_its_true_answer():
    for i in range(2):
        scene = sample_scene("test", i)
        for q in questions(scene):
            answer = asked(q.text, scene)
            assert answer.text.lower() == q.answer + ".", q


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What color is the ball, please?", "Green."),
        ("what is Pip wearing?", "Hat."),
        ("How does Una feel?", "Happy."),
        ("where are we", "Beach."),
        ("How many puppies are there?", "2."),
        ("is Pip sad?", "Yes."),
        ("what time of the day is it?", "Night."),
    ],
)
def test_everyday_questions_and_names_are_understood(question, answer):
    assert asked(question).text == answer


def test_what_cannot_be_told_is_said():
    assert not asked("what colour is the fox?").known
    assert not asked("why is the sky?").known
    assert "there is no owl" in asked("what colour is the owl?").text.lower()


STATE = State(
    tuple(
        Fact(*words.split("|"), scene=n)
        for n, words in enumerate(
            ["Pip|species|fox", "Pip|colour|red", "Pip|has|green ball", "Una|species|bear",
             "Una|has|green ball", "Pip|mood|angry", "Pip|wants|owner", "Pip|promised|to come back",
             "Pip|at|forest", "scene|place|forest", "Pip|friend of|Una"], 1)
    ),
    tuple(range(1, 12)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "answer", "where"),
    [
        ("Who has the ball?", "Una has the green ball.", "scene 5"),
        ("What does Pip have?", "Pip has nothing.", "the whole story"),
        ("what does the bear have now?", "Una has the green ball.", "scene 5"),
        ("How does Pip feel?", "Pip is angry.", "scene 6"),
        ("What does Pip want?", "Pip wants to find out whose it is.", "scene 7"),
        ("What did Pip promise?", "Pip promised to come back (open).", "scene 8"),
        ("Where is Pip?", "Pip was last seen: forest.", "scene 9"),
        ("Who is Pip's friend?", "Una.", "scene 11"),
        ("where have we been?", "Forest.", "the whole story"),
    ],
)
def test_the_story_is_asked_through_its_state(question, answer, where):
    found = StoryAnswerer().answer(AnswerRequest(question, state=STATE))
    assert (found.text, found.because) == (answer, where)


def test_what_the_story_does_not_say_is_said():
    assert not StoryAnswerer().answer(AnswerRequest("Who is Zuri?", state=STATE)).known


def a_face(mouth, brows=0, side=120):
    """A face of a few strokes: the mouth by its bend (or "o"), the brows by their slant."""
    image = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((10, 10, 110, 110), outline="black", width=3)
    for x in (42, 78):
        pen.ellipse((x - 4, 44, x + 4, 52), fill="black")
    if brows:
        pen.line((32, 32 - brows, 50, 32 + brows), fill="black", width=3)
        pen.line((70, 32 + brows, 88, 32 - brows), fill="black", width=3)
    if mouth == "o":
        pen.ellipse((50, 72, 70, 94), outline="black", width=3)
    else:
        points = [(60 + x, 82 + mouth * (1 - (x / 22) ** 2)) for x in range(-22, 23, 2)]
        pen.line(points, fill="black", width=3)
    return image


@pytest.mark.parametrize(
    ("face", "mood"),
    [
        (a_face(12), "happy"),
        (a_face(-12), "sad"),
        (a_face("o"), "surprised"),
        (a_face(-6, brows=6), "angry"),
        (a_face(0), ""),
        (Image.new("RGB", (50, 50), "white"), ""),
        (render(SCENE, 64), ""),
    ],
)
def test_a_drawn_face_is_read_by_its_strokes(face, mood):
    assert read_face(face)[0] == mood
    assert read_face(face.resize((300, 300)))[0] == mood


@pytest.mark.parametrize(
    ("request_", "mood", "source"),
    [
        (MoodRequest(told="I am happy", text="so sad", face=a_face(-12)), "happy", "told"),
        (MoodRequest(text="today was miserable and I cried"), "sad", "written"),
        (MoodRequest(text="we had soup", face=a_face("o")), "surprised", "drawn"),
        (MoodRequest(), "", "no word"),
    ],
)
def test_what_is_told_goes_before_what_is_drawn(request_, mood, source):
    found = WorldMoodReader().read(request_)
    assert found.mood == mood
    assert found.because.startswith(source)
    assert bool(found.tone) == bool(mood)


def draw(**request):
    return last_of(WorldIllustrator().draw(DrawRequest(**request)), Drawn).picture


def test_a_scene_is_drawn_exactly_and_from_elsewhere():
    staging = SCENE.to_json()
    assert draw(prompt="", staging=staging, size=64).tobytes() == render(SCENE, 64).tobytes()
    views = {
        draw(prompt="", staging=staging, size=64, view={"pan": p}).tobytes() for p in (-1, 0, 1)
    }
    assert len(views) == 3


def test_whoever_was_drawn_before_keeps_their_identity():
    known = (Reference("Una", identity=(-0.5,) * 8),)
    picture = draw(prompt="", staging=SCENE.to_json(), size=64, references=known)
    assert picture.tobytes() != render(SCENE, 64).tobytes()


SAD_FOX = "a sad red fox on the beach at night"


def test_a_text_is_drawn_as_far_as_it_can_be_read():
    staging = WorldExtractor().extract(ExtractRequest(SAD_FOX)).staging
    scene = scene_of(staging)
    (fox,) = scene.characters
    assert (fox.species, fox.colour, fox.mood) == ("fox", "red", "sad")
    assert (scene.place, scene.time) == ("beach", "night")
    again = WorldExtractor().extract(ExtractRequest(SAD_FOX)).staging
    assert again == staging
    with pytest.raises(ValueError, match="nothing in this text can be drawn"):
        draw(prompt="justice")
    with pytest.raises(ValueError, match="style 'oil' does not exist"):
        draw(prompt="a fox", style="oil")


def test_an_edited_text_is_staged_with_the_people_of_the_story():
    state = State((Fact("Pip", "species", "fox", 1), Fact("Pip", "colour", "red", 1),
                   Fact("Pip", "identity", str(list(ID)), 1), Fact("Pip", "at", "pond", 1),
                   Fact("scene", "place", "pond", 1)), (1,))  # fmt: skip
    found = WorldExtractor().extract(ExtractRequest("Pip is furious. It is snowing.", state))
    scene = scene_of(found.staging)
    (pip,) = scene.characters
    assert (pip.name, pip.mood, pip.identity) == ("Pip", "angry", ID)
    assert (scene.place, scene.weather) == ("pond", "snow")
    assert [c.name for c in found.characters] == ["Pip"]


def test_a_picture_with_a_record_is_described_exactly(towers):
    picture = render(SCENE, 64)
    known = WorldCaptioner(towers).caption(CaptionRequest(picture, SCENE.to_json()))
    assert known.exact
    assert Fact("Pip", "mood", "sad") in known.facts
    assert "Pip" in known.text


def test_any_other_picture_is_looked_at_and_that_is_said(towers):
    lone = Scene((Character("owl", "white", mood="angry"),), place="forest", weather="snow")
    found = WorldCaptioner(towers).caption(CaptionRequest(render(lone, 64)))
    assert not found.exact
    assert "towers" in found.how
    said = {f.triple[1:] for f in found.facts}
    assert {("species", "owl"), ("place", "forest"), ("weather", "snow")} <= said


def test_the_towers_find_the_picture_of_a_text(towers):
    scenes = [sample_scene("test", i) for i in range(5)]
    texts = towers.texts([in_words(s.to_json()) for s in scenes])
    pictures = towers.pictures([render(s, 96) for s in scenes])
    assert np.allclose(np.linalg.norm(pictures, axis=1), 1, atol=1e-5)
    assert (texts @ pictures.T).argmax(1).tolist() == list(range(5))
    with pytest.raises(ValueError, match="no word that the towers know"):
        towers.texts(["qwrty"])
    assert towers.name.startswith("joint@")


def test_a_staging_tells_who_is_where():
    staging = SCENE.to_json()
    assert list(people(staging)) == ["Pip", "Una"]
    found = boxes(staging)
    assert found["Pip"][2] < found["Una"][0] + 0.2
    assert all(0 <= a < b <= 1 for box in found.values() for a, b in (box[::2], box[1::2]))
    assert scene_of(in_style(staging, "neon")).style == "neon"
    assert in_words("", "otherwise") == "otherwise"
    assert people("") == {}


def test_names_keep_their_capitals_for_those_who_cannot_see():
    for i in range(300):
        scene = sample_scene("train", i)
        said = in_words(scene.to_json())
        for name in (c.name for c in scene.characters):
            assert name in said
            assert not re.search(rf"\b{name.lower()}\b", said), said
        assert said[0].isupper()
