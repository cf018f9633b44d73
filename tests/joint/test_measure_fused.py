"""The measurements of the fused encoder count rightly for readers with known scores."""

import pytest
import torch

from mmcourse.joint import hidden_words, measure_fused
from mmcourse.joint.hidden_words import (
    TELLING,
    guessable,
    measure_blame,
    measure_words,
    only_the_picture_tells,
)
from mmcourse.joint.measure import measure_joint
from mmcourse.joint.measure_fused import (
    ASKED,
    crowds,
    measure_crowds,
    measure_fused_binding,
    measure_matching,
    statement,
    wrong_caption,
)
from mmcourse.joint.negatives import is_true
from mmcourse.storyworld import ATTRIBUTES, caption, facts, sample_scene
from mmcourse.storyworld.language.parse import read
from mmcourse.storyworld.language.phrases import tokens
from mmcourse.storyworld.world.facts import truths


@pytest.fixture
def model(tiny):
    return tiny(fused_depth=1).eval()


def test_a_wrong_caption_is_wrong_in_one_attribute():
    for i in range(200):
        scene = sample_scene("test", i)
        text = wrong_caption(scene, i)
        assert text == wrong_caption(scene, i)
        said = read(text).facts
        assert not is_true(said, truths(scene)), text
        true = read(caption(scene, i)).facts
        values = sorted((what, value) for _, what, value in said if what in ATTRIBUTES)
        right = sorted((what, value) for _, what, value in true if what in ATTRIBUTES)
        silent = ("accessory", "none")  # is said now and then
        gone = [x for x in right if x not in values and x != silent]
        assert len(gone) <= 1, text


def test_a_hidden_word_stands_once_and_nothing_gives_it_away():
    for i in range(300):
        scene = sample_scene("test", i)
        words = tokens(caption(scene))
        for at in only_the_picture_tells(scene, words):
            attribute, value = TELLING[words[at]]
            said = [TELLING.get(w) for w in words]
            assert said.count((attribute, value)) == 1
            assert attribute == "accessory" or words[at - 1] not in ("a", "an")
            assert (attribute, value) in {(a, b) for _, a, b in facts(scene)}


def test_every_attribute_can_be_hidden():
    hidden = {h.fact[0] for h in hidden_words.hidden_words("test", 300)}
    assert hidden == {"mood", "colour", "species", "kind", "accessory", "action", "place"}


def test_what_can_be_guessed_without_the_picture_is_what_the_sampler_allows():
    """Against counting: among scenes that agree in all else, the likeliest value."""
    counts, scenes = {}, [sample_scene("train", i) for i in range(12_000)]
    for scene in scenes:
        for c in scene.characters:
            key = (c.species, c.accessory, c.mood, c.action)
            counts.setdefault(key, {}).setdefault(c.colour, 0)
            counts[key][c.colour] += 1
    key, found = max(counts.items(), key=lambda item: sum(item[1].values()))
    scene = next(
        s for s in scenes for c in s.characters if (c.species, c.accessory, c.mood, c.action) == key
    )
    who = next(c for c in scene.characters if (c.species, c.accessory, c.mood, c.action) == key)
    expected = max(found.values()) / sum(found.values())
    assert guessable(scene, "colour", who.colour) == pytest.approx(expected, abs=0.08)
    assert all(
        1 / 8 <= guessable(h.scene, *h.fact) <= 1 for h in hidden_words.hidden_words("test", 100)
    )


def test_an_exchanged_word_makes_the_caption_false():
    for h in hidden_words.hidden_words("test", 200):
        other = h.exchanged()
        assert len(other) == len(h.words)
        changed = [i for i, (a, b) in enumerate(zip(h.words, other)) if a != b]
        assert changed == [h.at]
        assert TELLING[other[h.at]][0] == h.fact[0]
        assert TELLING[other[h.at]][1] != h.fact[1]


def test_words_count_recovered_values(monkeypatch, model):
    monkeypatch.setattr(hidden_words, "named", lambda m, asked, cells: [True] * len(asked))
    found = measure_words(model, n=40)
    assert {m["value"] for m in found.values()} == {1.0}
    assert {"words", "words_blank", "words_other_picture", "words_mood"} <= set(found)
    assert 0.2 < found["words"]["chance"] < 0.5


def test_blame_is_on_the_exchanged_word(monkeypatch, model):
    asked = hidden_words.hidden_words("test", 20)

    def knows(model, texts, cells):
        doubts = torch.zeros(len(texts), 100)
        for i, h in enumerate(asked):
            doubts[i, h.at + 1] = 1
        return doubts

    monkeypatch.setattr(hidden_words, "word_doubts", knows)
    found = measure_blame(model, n=20)["blame"]
    assert found["value"] == 1
    assert found["chance"] < 0.1


@pytest.mark.parametrize("attribute", ASKED)
def test_a_statement_says_one_thing(attribute):
    for value in ATTRIBUTES[attribute]:
        said = read(statement("owl", attribute, value)).facts
        assert {(a, b) for _, a, b in said} == {("species", "owl"), (attribute, value)}


def perfect(truth):
    """A reader who knows of each text whether it is true."""
    return lambda model, texts, cells: torch.tensor([4.0 if t in truth else -4.0 for t in texts])


def test_matching_is_a_balanced_share(monkeypatch, model):
    scenes = measure_fused.distinct_scenes("test", 40)
    truth = {caption(s) for s in scenes}
    monkeypatch.setattr(measure_fused, "match_logits", perfect(truth))
    found = measure_matching(model, n=40)
    assert {k: m["value"] for k, m in found.items()} == dict.fromkeys(found, 1.0)
    assert found["matching"]["n"] == 80
    assert sum(found[f"matching_of_{k}"]["n"] for k in (1, 2, 3)) == 80
    monkeypatch.setattr(measure_fused, "match_logits", lambda m, t, c: torch.ones(len(t)))
    found = measure_matching(model, n=40)
    assert found["matching"]["value"] == 0.5, "a reader who always agrees is right half the time"
    assert found["matching_blank_preferred"]["value"] == 0, "a tie is no preference"


def test_binding_counts_preferences(monkeypatch, model):
    monkeypatch.setattr(measure_fused, "match_logits", lambda m, t, c: torch.zeros(len(t)))
    assert measure_fused_binding(model, n=10)["binding_swap_fused"]["value"] == 0


def test_crowds_are_read_by_the_best_statement(monkeypatch, model):
    """One scene for each number of animals, so that a statement is true or false."""
    scenes = {k: crowds("test", k, 1)[0] for k in (1, 2, 3)}
    asked = []

    def reader(model, texts, cells):
        assert len(texts) == len(cells)
        asked.append(set(texts))
        k = 1 + (len(asked) - 1) // len(ASKED)
        truth = {
            statement(c.species, a, getattr(c, a)) for c in scenes[k].characters for a in ASKED
        }
        return torch.tensor([float(t in truth) for t in texts])

    monkeypatch.setattr(measure_fused, "crowds", lambda split, k, n: [scenes[k]] * n)
    monkeypatch.setattr(measure_fused, "match_logits", reader)
    found = measure_crowds(model, n=6)
    assert set(found) == {
        f"{who}_{a}_of_{k}" for who in ("towers", "fused") for a in ASKED for k in (1, 2, 3)
    }
    assert all(m["n"] == 6 for m in found.values())
    assert {m["value"] for name, m in found.items() if name.startswith("fused")} == {1.0}
    assert all(0.12 < m["chance"] < 0.4 for m in found.values())
    monkeypatch.setattr(measure_fused, "match_logits", lambda m, texts, c: torch.zeros(len(texts)))
    first = measure_crowds(model, n=6)
    assert {m["value"] for m in first.values()} != {1.0}


def test_nobody_in_a_crowd_interacts_or_is_close():
    for k in (1, 2, 3):
        for scene in crowds("test", k, 30):
            assert scene.interaction is None
            assert scene.camera == "medium"
            assert len(scene.characters) == len({c.species for c in scene.characters}) == k


def test_a_card_with_a_fused_encoder_states_more(model):
    towers = set(measure_joint(type(model)(**{**model._arguments, "fused_depth": 0}), n=6))
    both = measure_joint(model, n=6)
    assert towers < set(both)
    assert {"matching", "words", "words_blank", "blame", "binding_swap_fused"} <= set(both)
    assert all(0 <= m["value"] <= 1 for m in both.values())
