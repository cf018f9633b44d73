"""The course's own writer: what it is told, how its pages come, and what becomes of them."""

import dataclasses
import json

import jsonschema
import pytest
import torch

from mmcourse.lora import streaming
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.structure import read_structure, schema, structure
from mmcourse.lora.sampling import LEAST
from mmcourse.lora.streaming import Telling, grammar_of
from mmcourse.lora.writer import Writer, beginning, build_writer
from mmcourse.story import abilities as a
from mmcourse.story.backends.tiny_asking import MOST, Plan, begun, gone_on, numbered
from mmcourse.story.backends.tiny_stage import said_facts, stage
from mmcourse.story.backends.tiny_writer import TinyWriter, faults_in
from mmcourse.story.backends.world_names import NamingWriter
from mmcourse.story.context import Context, Item
from mmcourse.story.facts import Fact
from mmcourse.story.grammar.tale import Note, Tale
from mmcourse.story.state import State, dated
from mmcourse.storyworld import Scene
from mmcourse.storyworld.language.tell import tell
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice

STORY = next(tell(i) for i in range(50) if len(tell(i).pages) == 5)
DICE = Dice("test")


@pytest.fixture(scope="module")
def writer():
    torch.manual_seed(0)
    model, processor = build_writer(SMOKE)
    return Writer(model.eval(), processor)


@pytest.fixture
def telling(writer, monkeypatch):
    monkeypatch.setattr(streaming, "PAGE", 40)
    monkeypatch.setattr(streaming, "SENTENCE", 8)
    return lambda seed=0: Telling(writer, beginning(STORY), seed)


# As it comes.


def scores_anew(writer, ids):
    with torch.no_grad():
        return writer.model(input_ids=torch.tensor([ids])).logits[0, -1]


def listened(telling):
    """The ids that a telling stands at, as its cache is cut and goes on."""
    ids, say, back = [], telling._say, telling._back

    def heard(new):
        ids.extend(new)
        say(new)

    def forgot(length, scores):
        del ids[length - start :]
        back(length, scores)

    start, telling._say, telling._back = telling.length, heard, forgot
    return ids


def test_facts_are_valid_and_the_model_is_not_asked_for_brackets(writer, telling):
    calls = []
    hook = writer.model.register_forward_hook(lambda *_: calls.append(1))
    one = telling()
    calls.clear()
    before = one.length
    facts = one.facts(grammar_of(writer))
    hook.remove()
    jsonschema.validate(read_structure(facts), schema())
    assert len(calls) < (one.length - before) / 3
    assert telling().facts(grammar_of(writer)) == facts
    assert telling(1).facts(grammar_of(writer)) != facts


def test_what_is_cached_is_what_was_said(writer, telling):
    """Also after sentences that were thrown away."""
    one = telling()
    prompt = writer.processor.tokenizer(beginning(STORY).prompt())["input_ids"]
    ids = listened(one)
    one.facts(grammar_of(writer))
    refused = iter([1, 0, 2, 1, 3, 1, 0, 1, 1, 1, 1])
    for _ in one.sentences(lambda page: next(refused, 0), 4):
        assert len(prompt) + len(ids) == one.length
        torch.testing.assert_close(
            one.scores, scores_anew(writer, [*prompt, *ids]), atol=1e-4, rtol=1e-3
        )
    assert one.wrong == 2


def test_a_sentence_with_a_fault_is_never_said(telling, monkeypatch):
    monkeypatch.setattr(streaming, "LEAST", 1e-6)  # an untrained writer is sure of nonsense
    seen, said = [], []

    def faults(page):
        seen.append(page)
        return len(seen) % 2  # every first try is wrong

    for sentence in telling().sentences(faults):
        said.append(sentence)
        assert seen[-1] == " ".join(said)
    assert len(seen) == 2 * len(said) > 2
    assert len(set(seen)) == len(seen)


def test_who_found_no_sentence_looks_further(telling, monkeypatch):
    asked = []

    def likely(scores, least):
        asked.append(least)
        return scores

    monkeypatch.setattr(streaming, "likely", likely)
    refused = iter([1, 1, 0])
    next(telling().sentences(lambda page: next(refused, 0)))
    assert list(dict.fromkeys(asked)) == [LEAST, LEAST / 4, LEAST / 16]


def test_a_page_lists_nobody_twice(writer, telling, monkeypatch):
    """Not even if the writer believes in one name alone, and in lists as long as they may be."""
    words = writer.processor.tokenizer
    wanted = torch.zeros(len(words))
    wanted[words.convert_tokens_to_ids(["kit", ",", "]"])] = torch.tensor([9.0, 8.0, -9.0])
    monkeypatch.setattr(Telling, "_draw", lambda _, scores: int(scores.argmax()))
    one = telling()
    say = one._say

    def believing(ids):
        say(ids)
        one.scores = wanted

    one._say, one.scores = believing, wanted
    names = [a["name"] for a in read_structure(one.facts(grammar_of(writer)))["characters"]]
    assert "kit" in names
    assert len(set(names)) == len(names) == 3


def test_the_best_of_all_tries_is_taken(telling):
    pages, wrong = [], iter([3, 1, 2, 2])

    def faults(page):
        pages.append(page)
        return next(wrong, 0)

    one = telling()
    first = next(one.sentences(faults, 4))
    assert pages[:4].index(first) == 1
    assert one.wrong == 1


def test_first_words_come_before_the_page_is_written(tiny_folders, monkeypatch):
    monkeypatch.setattr(streaming, "PAGE", 40)
    monkeypatch.setattr(streaming, "SENTENCE", 8)
    by = TinyWriter(tiny_folders("writer"))
    calls = []
    by.model.model.register_forward_hook(lambda *_: calls.append(1))
    writing = by.write(a.WriteRequest(prompt="a red fox"))
    assert next(writing).strip()
    first = len(calls)
    list(writing)
    assert len(calls) > 2 * first - 20


# What it is told.


def test_the_first_page_is_asked_with_what_the_reader_wants():
    asked = a.WriteRequest(prompt="a blue owl with a hat finds a red kite on the beach at night")
    task = begun(asked, DICE)
    ((name, look),) = task.memory.looks.items()
    assert look == ("blue", "owl", "hat")
    assert task.memory.setting == {"place": "beach", "time": "night", "weather": "clear"}
    assert "red kite" in task.memory.goal
    assert (task.memory.page, task.memory.pages) == (1, 5)
    assert task.title
    prompt = task.memory.prompt()
    assert f"{name.lower()} blue owl hat |  | beach night clear" in prompt
    assert begun(dataclasses.replace(asked, left=2), DICE).memory.pages == 3
    hero = a.Hero("Zuri", {"species": "cat", "colour": "pink"})
    mine = begun(a.WriteRequest(prompt="a walk in the rain", hero=hero), DICE)
    assert mine.memory.looks == {"Zuri": ("pink", "cat", "none")}
    assert mine.memory.setting["weather"] == "rain"


def facts_before():
    said = [("scene", "place", "pond"), ("scene", "time", "day"), ("scene", "weather", "rain"),
            ("Kit", "species", "owl"), ("Kit", "colour", "white"), ("Kit", "at", "pond"),
            ("Rue", "species", "fox"), ("Rue", "colour", "red"), ("Kit", "has", "red ball"),
            ("red ball", "kind", "ball"), ("red ball", "colour", "red")]  # fmt: skip
    return [Fact(*f) for f in said]


def state(plan=""):
    return State(dated(facts_before(), 1), (1,), plan)


def test_a_later_page_is_asked_with_what_is_true():
    plan = Plan("find the red ball", 5, "Kit sat down.", 2)
    asked = a.WriteRequest("continue", state=state(plan.to_json()))
    memory = gone_on(asked, DICE).memory
    assert memory.looks == {"Kit": ("white", "owl", "none"), "Rue": ("red", "fox", "none")}
    assert memory.holds == {"red ball": "Kit"}
    assert memory.setting == {"place": "pond", "time": "day", "weather": "rain"}
    assert (memory.goal, memory.before) == ("find the red ball", "Kit sat down.")
    assert (memory.page, memory.pages) == (2, 5)
    said = gone_on(dataclasses.replace(asked, prompt="they go to the forest at night"), DICE).memory
    assert (said.setting["place"], said.setting["time"]) == ("forest", "night")
    assert "forest" in said.goal
    way = a.Choice("Have snow", "why not", json.dumps({"goal": "have snow"}))
    assert gone_on(dataclasses.replace(asked, choice=way), DICE).memory.goal == "have snow"
    other = a.Choice("Look for the crown", "why not", '{"move": "a crown"}')
    assert (
        gone_on(dataclasses.replace(asked, choice=other), DICE).memory.goal == "look for the crown"
    )
    edited = Context(400, (Item("last turns", "Kit stood up.", 4, 1, ""),))
    assert (
        gone_on(dataclasses.replace(asked, context=edited), DICE).memory.before == "Kit stood up."
    )
    strange = gone_on(a.WriteRequest("continue", state=state('{"a": 1}')), DICE)
    assert (strange.memory.before, strange.plan.pages) == ("", 5)


def test_pages_are_numbered_as_it_learned_them():
    for scenes in (1, 3, 5, 8, 20):
        found = [numbered(i, 5, scenes - i) for i in range(1, scenes + 1)]
        assert all(1 <= page <= pages <= MOST for page, pages in found)
        assert found[-1][0] == found[-1][1]
        assert all(page < pages for page, pages in found[:-1])
        assert found[0][0] == 1
    assert [numbered(i, 5, None) for i in (1, 5, 6, 7)] == [(1, 5), (5, 5), (3, 5), (4, 5)]


def test_faults_are_what_contradicts_the_story():
    wrong = faults_in(gone_on(a.WriteRequest("continue", state=state()), DICE))
    assert wrong("Kit is a white owl.") == 0
    assert wrong("Kit is a blue owl.") > 0
    assert wrong("Kit glooped.") > 0
    assert wrong("Rue was happy.") == 0  # introduced long ago
    assert wrong("Basil was happy.") == 1  # and this one by nobody
    first = begun(a.WriteRequest(prompt="a red fox on the beach"), DICE)
    assert faults_in(first)("It was night in the forest, and the weather was clear.") > 0
    assert faults_in(first)("It was night on the beach, and the weather was clear.") == 0
    odd = gone_on(
        a.WriteRequest(
            "continue", state=state(Plan("", 5, "Kit is a cat. Kit is an owl.").to_json())
        ),
        DICE,
    )
    assert faults_in(odd)("Kit was happy.") == 0  # what the reader wrote is not the writer's fault


def test_whom_the_story_knows_is_no_stranger_though_the_model_is_told_of_few():
    names = [n for n in v.NAMES if n not in ("Kit", "Rue")][:9]
    more = [
        Fact(name, what, value)
        for name, species in zip(names, v.SPECIES * 2)
        for what, value in (("species", species), ("colour", "green"), ("at", "sea"))
    ]
    crowd = State(dated([*facts_before(), *more], 1), (1,))
    task = gone_on(a.WriteRequest("continue", state=crowd), DICE)
    untold = set(crowd.characters) - set(task.memory.looks)
    assert untold
    assert {faults_in(task)(f"{name} was happy.") for name in untold} == {0}


# What becomes of a page.


def test_a_page_of_the_world_is_staged_as_it_was():
    for i in range(12):
        story = tell(i)
        page = story.pages[0]
        scene = stage(structure(page), page.facts, Tale(State(), Note()), {}, "flat", DICE)
        assert [c.name for c in scene.characters] == [c.name for c in page.scene.characters]
        for mine, true in zip(scene.characters, page.scene.characters):
            assert (mine.species, mine.mood) == (true.species, true.mood)
            said = {f[1]: f[2] for f in page.facts if f[0] == true.name}
            assert mine.colour == said.get("colour", mine.colour)
        assert (scene.place, scene.time, scene.weather) == (
            page.scene.place, page.scene.time, page.scene.weather)  # fmt: skip


def test_who_is_known_keeps_their_looks_and_what_they_have_lies_beside_them():
    found = {
        "characters": [
            {"name": "kit", "species": "cat", "mood": "sad"},
            {"name": "una", "species": "frog", "mood": "angry"},
        ],
        "place": {"place": "pond", "time": "day", "weather": "rain"},
        "points": [],
    }
    read = {("Kit", "has", "red ball"), ("Una", "colour", "green"), ("Una", "action", "sleeping")}
    scene = stage(found, read, Tale(state(), Note()), {}, "neon", DICE)
    kit, una = scene.characters
    assert (kit.species, kit.colour, kit.mood, kit.position) == ("owl", "white", "sad", "left")
    assert (una.colour, una.action, una.position) == ("green", "standing", "right")
    assert [(t.kind, t.position) for t in scene.things] == [("ball", "left")]
    assert una.identity
    assert scene.style == "neon"


def test_whoever_loses_a_thing_had_it():
    read = {("Rue", "lost", "blue kite"), ("Kit", "lost", "red ball"), ("Rue", "has", "red ball"),
            ("Kit", "lost", "path")}  # fmt: skip
    facts = [str(f) for f in said_facts(read, state())]
    assert facts == [
        "Rue has blue kite",
        "Kit lost red ball",
        "Rue lost blue kite",
        "Rue has red ball",
    ]


def test_a_written_page_holds_together(tiny_folders, monkeypatch):
    monkeypatch.setattr(streaming, "PAGE", 30)
    monkeypatch.setattr(streaming, "SENTENCE", 8)
    by = NamingWriter(TinyWriter(tiny_folders("writer")))
    told = list(
        by.write(a.WriteRequest(prompt="Mia the red fox and a blue owl on the beach", seed=3))
    )
    pieces, page = told[:-1], told[-1]
    assert "".join(pieces).strip() == page.text
    scene = Scene.from_json(
        json.dumps({k: x for k, x in json.loads(page.staging).items() if k != "called"})
    )
    said = {f.triple for f in page.facts}
    assert ("scene", "place", scene.place) in said
    assert {f.subject for f in page.facts if f.attribute == "at"}
    assert len(page.choices) <= 3
    assert Plan.from_json(page.plan).before
    assert page.title
