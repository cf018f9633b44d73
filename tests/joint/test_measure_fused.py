"""The measurements of the fused encoder count rightly for readers with known scores."""

import pytest
import torch

from mmcourse.joint import measure_fused
from mmcourse.joint.measure import measure_joint
from mmcourse.joint.measure_fused import (
    ASKED,
    TELLING,
    guessing,
    hard_negative,
    measure_crowds,
    measure_fused_binding,
    measure_matching,
    only_the_picture_tells,
    statement,
)
from mmcourse.storyworld import ATTRIBUTES, caption, facts, held_out_pairs, sample_scene
from mmcourse.storyworld.parse import read
from mmcourse.storyworld.phrases import tokens


@pytest.fixture
def model(tiny):
    return tiny(fused_depth=1).eval()


def test_a_hard_negative_is_wrong_in_one_attribute():
    for i in range(200):
        scene = sample_scene("test", i)
        other = hard_negative(scene, i)
        assert other == hard_negative(scene, i)
        assert not held_out_pairs(other)
        changed = facts(scene) ^ facts(other)
        assert 2 <= len(changed) <= 4  # a gift's name is in two facts
        assert len({(who, what) for who, what, _ in changed if what != "gives"}) == 1


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
    hidden = {
        TELLING[words[at]][0]
        for i in range(200)
        for words in [tokens(caption(sample_scene("test", i)))]
        for at in only_the_picture_tells(sample_scene("test", i), words)
    }
    assert hidden == {"mood", "colour", "species", "kind", "accessory", "action", "place"}
    assert guessing("accessory") == 1 / 3
    assert guessing("colour") == 1 / 8


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
    assert found["matching_blank"]["value"] == 0, "a tie is no preference"


def test_binding_counts_preferences(monkeypatch, model):
    monkeypatch.setattr(measure_fused, "match_logits", lambda m, t, c: torch.zeros(len(t)))
    assert measure_fused_binding(model, n=10)["binding_swap_fused"]["value"] == 0


def test_crowds_are_read_by_the_best_statement(monkeypatch, model):
    asked = []

    def reader(model, texts, cells):
        asked.append(texts)
        assert len(texts) == len(cells)
        return torch.arange(len(texts)) % len(set(texts[:8])) * 1.0

    monkeypatch.setattr(measure_fused, "match_logits", reader)
    found = measure_crowds(model, n=6)
    assert set(found) == {
        f"{who}_{a}_of_{k}" for who in ("towers", "fused") for a in ASKED for k in (1, 2, 3)
    }
    assert all(m["n"] == 6 for m in found.values())


def test_a_card_with_a_fused_encoder_states_more(model):
    towers = set(measure_joint(type(model)(**{**model._arguments, "fused_depth": 0}), n=6))
    both = measure_joint(model, n=6)
    assert towers < set(both)
    assert {"matching", "words", "words_blank", "binding_swap_fused"} <= set(both)
    assert all(0 <= m["value"] <= 1 for m in both.values())
