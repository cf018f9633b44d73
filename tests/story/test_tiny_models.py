"""The course's own models of chapter 6 as a backend: small random ones keep the same contract."""

import importlib.util
import inspect
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmcourse.hub import weights_hash
from mmcourse.lora import streaming
from mmcourse.story import abilities as a
from mmcourse.story.backends import tiny, tiny_captions, tiny_reader
from mmcourse.story.backends.tiny import LATER, tiny_backend
from mmcourse.story.backends.tiny_answers import TinyPictureAnswerer, TinyStoryAnswerer, by_species
from mmcourse.story.backends.tiny_clip import ClipEncoder, ClipMoodReader
from mmcourse.story.backends.tiny_models import Seer, in_known_question, in_known_words
from mmcourse.story.backends.tiny_reader import LlavaExtractor, facts_in, grounded, told
from mmcourse.story.backends.world import world_backend
from mmcourse.story.facts import Fact
from mmcourse.story.framework import Storyteller, run
from mmcourse.story.library import Library
from mmcourse.story.state import State, dated
from mmcourse.story.story import Settings
from mmcourse.story.team import Team
from mmcourse.storyworld import render, sample_scene

SCENE = next(s for i in range(50) if len((s := sample_scene("test", i)).characters) == 1)
HERO = SCENE.characters[0]
KINDS = {"clip": "clip", "blip2": "blip2", "llava": "llava", "qwen": "qwen-vl", "writer": "writer"}
NONE = dict.fromkeys(KINDS, "no such weights")


@pytest.fixture(scope="module")
def short():
    """Random weights never come to an end by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny_captions, "TOKENS", 8)
        patch.setattr(streaming, "PAGE", 24)
        patch.setattr(streaming, "SENTENCE", 8)
        yield


@pytest.fixture(scope="module")
def backend(tiny_folders, short):
    return tiny_backend(**{name: tiny_folders(kind) for name, kind in KINDS.items()})


@pytest.fixture(scope="module")
def llava(tiny_folders):
    return Seer("llava", tiny_folders("llava"))


@pytest.mark.parametrize(("read", "offered"), [(0.05, False), (tiny.READS, True), (None, True)])
def test_a_llava_reads_stories_only_if_its_card_says_that_it_can(
    read, offered, tiny_folders, tmp_path
):
    folder = tmp_path / "llava"
    shutil.copytree(tiny_folders("llava"), folder)
    metrics = {} if read is None else {"extraction_character": {"value": read}}
    (folder / "card.json").write_text(json.dumps({"metrics": metrics}), "utf-8")
    offers = tiny_backend(**{**NONE, "llava": str(folder)}).offers()
    assert ("extractor" in offers) == offered
    assert {"picture answerer", "story answerer"} <= set(offers)


def _contract():
    """The tests that every backend passes, here with the models above."""
    path = Path(__file__).parent / "test_backends.py"
    spec = importlib.util.spec_from_file_location("contract", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {k: x for k, x in vars(module).items() if k.startswith("test_")}
    return {k: x for k, x in found.items() if "backend" in inspect.signature(x).parameters}


globals().update(_contract())


def test_each_is_offered_as_soon_as_it_has_weights(tiny_folders):
    bare = tiny_backend(**NONE)
    assert bare.offers().keys() <= {"encoder", "captioner", "checker", "illustrator"}
    assert bare.lacks().items() <= LATER.items()
    assert bare.offers()["encoder"] == bare.offers()["captioner"]
    brings = {
        "clip": {"encoder", "mood reader"},
        "blip2": {"captioner"},
        "llava": {"extractor", "picture answerer", "story answerer"},
        "qwen": {"picture answerer", "story answerer"},
        "writer": {"writer"},
    }
    for name, abilities in brings.items():
        folder = tiny_folders(KINDS[name])
        offers = tiny_backend(**{**NONE, name: folder}).offers()
        new = {k for k, x in offers.items() if bare.offers().get(k) != x}
        assert new == abilities
        assert {offers[k] for k in new} == {f"{KINDS[name]}@{weights_hash(folder)}"}


def test_loading_draws_no_bar_of_its_own(tiny_folders, capfd):
    assert Seer("clip", tiny_folders("clip")).pair.NAME == "clip"
    assert "it/s" not in "".join(capfd.readouterr())


def test_one_llava_is_loaded_for_three_abilities(backend):
    reader = backend.ability("extractor").inner
    looking = backend.ability("picture answerer").inner
    story = backend.ability("story answerer").inner
    assert reader.seer is looking.seer
    assert story.extractor is reader
    assert story.looking is looking


# CLIP.


def test_clip_reads_everyday_words_and_cuts_what_is_too_long(tiny_folders):
    encoder = ClipEncoder(tiny_folders("clip"))
    puppy, dog = encoder.texts(["a furious puppy at the seaside", "a furious fox on the beach"])
    assert np.allclose(puppy, dog, atol=1e-5)
    assert not np.allclose(dog, encoder.texts(["a happy fox on the beach"])[0], atol=1e-4)
    assert np.isfinite(encoder.texts(["a red fox and a blue owl " * 60])).all()
    with pytest.raises(ValueError, match="'qwx <image>!' has no word that CLIP knows"):
        encoder.texts(["qwx <image>!"])
    assert encoder.moods.shape == (4, encoder.texts(["fox"]).shape[1])


def test_moods_go_from_words_to_strokes_to_clip(tiny_folders, monkeypatch):
    encoder = ClipEncoder(tiny_folders("clip"))
    reader = ClipMoodReader(encoder)
    assert reader.read(a.MoodRequest(text="the fox was furious")).mood == "angry"
    face = a.MoodRequest(face=render(SCENE, 64))
    encoder.__dict__["moods"] = np.eye(4, 64, dtype=np.float32)
    seen = np.zeros((1, 64), np.float32)
    seen[0, 2] = 1
    monkeypatch.setattr(encoder, "pictures", lambda pictures: seen)
    found = reader.read(face)
    assert (found.mood, found.tone) == ("angry", "calm")
    seen[0, 3] = 0.99
    unsure = reader.read(face)
    assert unsure.mood == ""
    assert unsure.because.endswith("CLIP finds no mood nearest")
    assert reader.read(a.MoodRequest("sad", "", face.face)).mood == "sad"


# BLIP-2.


def test_a_caption_is_read_as_facts_and_as_a_scene(tiny_folders, monkeypatch):
    captioner = tiny_captions.Blip2Captioner(tiny_folders("blip2"))
    said = ["a sad blue owl with a hat sits in the snow at the pond at night."]
    monkeypatch.setattr(captioner.seer, "say", lambda *_: said)
    seen = captioner.caption(a.CaptionRequest(render(SCENE, 64)))
    assert {("character 1", "species", "owl"), ("scene", "place", "pond")} <= {
        f.triple for f in seen.facts
    }
    assert json.loads(seen.staging)["characters"][0]["colour"] == "blue"
    assert not seen.exact
    said[:] = [""]
    blind = captioner.caption(a.CaptionRequest(render(SCENE, 64)))
    assert (blind.text, blind.facts, blind.staging) == ("nothing that it could name", (), "")


# LLaVA answers.


def test_a_question_is_asked_in_the_words_that_were_learned(llava):
    assert in_known_question("What color is the Fox") == "what colour is the fox?"
    assert in_known_question("how many mice do you see") == "how many mice are there?"
    assert in_known_question("who painted this?") == ""
    assert in_known_words("a puppy, <image> qwx", llava).startswith("a fox ,")
    assert in_known_words("qwx!", llava) == ""


def test_names_become_species_without_a_look_into_the_record(llava):
    record = SCENE.to_json()
    asked, clear = by_species(a.AnswerRequest(f"how does {HERO.name} feel?", staging=record))
    assert (asked, clear) == (f"how does the {HERO.species} feel?", True)
    state = State(
        dated(
            [
                Fact("Kit", "species", "owl"),
                Fact("Kit", "at", "pond"),
                Fact("Rue", "species", "owl"),
                Fact("Rue", "at", "pond"),
            ],
            1,
        ),
        (1,),
    )
    assert not by_species(a.AnswerRequest("where is Kit?", state=state))[1]
    assert by_species(a.AnswerRequest("where are we?", state=state))[1]
    answer = TinyPictureAnswerer(llava).answer(
        a.AnswerRequest("where is Kit?", render(SCENE, 64), state=state)
    )
    assert (answer.text, answer.known) == ("I cannot tell which one you mean.", False)


@pytest.mark.parametrize(
    ("said", "text", "known"),
    [
        ("red", "Red.", True),
        ("there is no fox", "There is no fox.", True),
        ("can't tell", "The picture does not show it.", False),
        ("", "The picture does not show it.", False),
    ],
)
def test_what_is_not_shown_is_said(llava, monkeypatch, said, text, known):
    asked = []
    monkeypatch.setattr(llava, "say", lambda prompts, *_: asked.append(prompts) or [said])
    looking = TinyPictureAnswerer(llava)
    answer = looking.answer(a.AnswerRequest("which colour is the fox", render(SCENE, 64)))
    assert (answer.text, answer.known) == (text, known)
    assert asked == [["what colour is the fox?"]]
    strange = looking.answer(a.AnswerRequest("who painted this?", render(SCENE, 64)))
    assert not strange.known
    assert strange.text.startswith("I do not understand")
    with pytest.raises(ValueError, match="there is no picture to look at"):
        looking.answer(a.AnswerRequest("where are we?"))


FOUND = {
    "characters": [{"name": "kit", "species": "owl", "mood": "sad"}],
    "place": {"place": "pond", "time": "day", "weather": "rain"},
    "points": [{"who": "kit", "what": "has", "whom": "red ball"}],
}


def test_the_story_answerer_reads_then_looks_then_gives_up(llava, monkeypatch):
    extractor = LlavaExtractor(llava)
    later = {**FOUND, "characters": [{"name": "kit", "species": "owl", "mood": "happy"}],
             "place": {"place": "", "time": "night", "weather": ""}, "points": []}  # fmt: skip
    given = []

    def read(texts, pictures, known):
        given.append((list(texts), list(pictures)))
        return [None, FOUND, later][-len(texts) :]

    monkeypatch.setattr(extractor, "read", read)
    monkeypatch.setattr(llava, "say", lambda *_: ["red"])
    answerer = TinyStoryAnswerer(extractor, TinyPictureAnswerer(llava))
    picture = render(SCENE, 64)

    def ask(question, picture=picture):
        return answerer.answer(a.AnswerRequest(question, picture, "", "One.\n\nTwo.\n\nThree."))

    assert ask("how does Kit feel?").text == "Kit is happy."
    assert given[0] == (["One.", "Two.", "Three."], [None, None, picture])
    assert ask("who has the red ball?").because == "page 2, as LLaVA reads it"
    assert ask("where are we?").text == "Pond."
    assert ask("what time of day is it?").text == "Night."
    seen = ask("what colour is the owl?")
    assert (seen.text, seen.because) == ("Red.", "the scene's picture, for no page tells it")
    nothing = ask("what colour is the owl?", None)
    assert (nothing.text, nothing.known) == ("The story does not say.", False)
    assert not ask("who painted this?").known


# LLaVA reads.


def test_without_a_picture_only_what_the_text_says_is_kept():
    text = "It was raining. Kit's ball was gone, and Kit was gloomy."
    kept = grounded(FOUND, text, False)
    assert kept["characters"] == [{"name": "kit", "species": "", "mood": "sad"}]
    assert kept["place"] == {"place": "", "time": "", "weather": "rain"}
    assert kept["points"] == FOUND["points"]
    nameless = grounded(FOUND, "An owl sat by the reeds.", False)
    assert nameless["characters"] == [{"name": "character 1", "species": "owl", "mood": ""}]
    assert nameless["place"]["place"] == "pond"
    assert nameless["points"] == []
    seen = grounded(FOUND, "He sat by the reeds.", True)
    assert seen["characters"] == [{"name": "character 1", "species": "owl", "mood": "sad"}]
    assert seen["place"] == FOUND["place"]
    assert seen["points"] == []  # no picture shows a name
    assert [f for f in facts_in(seen, State()) if f.attribute == "at"] == []
    assert told("mood", "sad", "he was tearful")
    assert not told("mood", "sad", "a saddle")


def test_of_those_who_are_known_the_species_is_kept():
    known = {"Kit": "owl", "Rue": "fox"}
    assert grounded(FOUND, "Kit sat.", False, known)["characters"][0]["species"] == "owl"
    wrong = {**FOUND, "characters": [{"name": "kit", "species": "bear", "mood": "sad"}]}
    assert grounded(wrong, "Kit sat.", True, known)["characters"][0]["species"] == "owl"
    assert grounded(FOUND, "Kit sat.", False, {"Rue": "fox"})["characters"][0]["species"] == ""


def test_known_species_are_not_told_again():
    new = facts_in(FOUND, State())
    assert Fact("Kit", "species", "owl") in new
    assert {("Kit", "at", "pond"), ("Kit", "has", "red ball")} <= {f.triple for f in new}
    state = State(dated(new, 1), (1,))
    assert [f for f in facts_in(FOUND, state) if f.attribute == "species"] == []


def test_a_staged_scene_is_shown_to_the_reader(llava, monkeypatch):
    shown = []

    def say(prompts, pictures, tokens, **how):
        shown.append((prompts, pictures))
        return [json.dumps(FOUND)]

    monkeypatch.setattr(llava, "say", say)
    extractor = LlavaExtractor(llava)
    seen = extractor.extract(a.ExtractRequest("Kit sat.", staging=SCENE.to_json()))
    assert shown[0][0] == ["list characters, place and plot points as json: kit sat."]
    assert np.array_equal(np.asarray(shown[0][1][0]), np.asarray(render(SCENE, llava.side)))
    assert seen.settings == (a.FoundSetting("pond", "day", "rain"),)
    assert seen.characters == (a.FoundCharacter("Kit", {"species": "owl"}, "sad", "hero"),)
    assert seen.plot_points == (a.PlotPoint("Kit", "has", "red ball"),)
    blind = extractor.extract(a.ExtractRequest("Kit sat."))
    assert np.asarray(shown[1][1][0]).std() == 0
    assert blind.settings == ()
    monkeypatch.setattr(llava, "say", lambda *_, **__: ["{"])
    assert extractor.extract(a.ExtractRequest("Kit sat.")).unread == ("Kit sat.",)


def test_pictures_of_any_shape_are_looked_at(llava):
    assert llava.shown(Image.new("RGBA", (90, 30))).size == (llava.side,) * 2
    assert tiny_reader.LlavaExtractor(llava).scene_shown("") is None


# In the storyteller.


def test_a_story_by_the_courses_own_weights(backend, tmp_path):
    """Random weights, so the words are nonsense: what is recorded holds together all the same."""
    team = Team([backend, world_backend()], {"illustrator": "world"})
    teller = Storyteller(Library(tmp_path / "a.db"), team)
    settings = Settings(size=32, tries=1)
    story = run(teller.start("", "a red fox on the beach", settings=settings, seed=1))
    story = run(teller.go_on(story, choice=0 if story.path()[0].choices else None))
    first, second = story.path()
    by = {c.ability: c.backend for c in (*first.credits, *second.credits)}
    assert by == {"writer": "tiny", "extractor": "tiny"}
    assert first.text != second.text
    assert story.state().characters
    teller.ask(story, "where are we?")
    teller.ask(story, "who is in this story?", which="story")
    assert teller.search_pictures(story, "a red fox")
