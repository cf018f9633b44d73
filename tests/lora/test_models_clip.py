"""CLIP's own training: neighbours, who has what, and what the exact truth teaches."""

import math
from dataclasses import replace

import pytest
import torch

from mmcourse.joint.negatives import is_true
from mmcourse.lora.models import clip_train
from mmcourse.lora.models.clip_train import SEEING, VISION, shifted, train_pairs
from mmcourse.lora.models.folders import build
from mmcourse.lora.models.measure import Clip, embed
from mmcourse.lora.models.neighbours import (
    draw_neighbours,
    exchanged,
    neighbours,
    scene_table,
    table_of_facts,
)
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.train import Plan, Stage
from mmcourse.storyworld import Character, Scene, Thing, describe, held_out_pairs, sample_scene
from mmcourse.storyworld.world.facts import truths
from mmcourse.storyworld.world.sampling import in_split

PLAN = Plan((Stage(3, ()),), examples=4, batch_size=4, save_every=2)


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return build("clip", SMOKE)


def test_a_neighbour_is_of_the_same_split_and_another_scene():
    swaps = 0
    for i in range(60):
        first, other = neighbours("train", i)
        assert first == sample_scene("train", i)
        assert in_split(other, "train")
        assert not is_true(describe(other).said, truths(first))
        bags = [
            sorted(getattr(c, k) for c in s.characters for k in ("colour", "mood", "species"))
            for s in (first, other)
        ]
        swaps += len(first.characters) > 1 and bags[0] == bags[1]
    assert swaps > 20  # the same words, bound to others


def test_what_is_exchanged_shows_no_held_out_pair():
    for first, other in exchanged("test", 20):
        assert in_split(first, "test")
        assert not held_out_pairs(other)
        assert first.fingerprint() != other.fingerprint()


def test_the_table_binds_what_a_bag_of_words_cannot():
    def scene(one, two):
        fox = Character("fox", one, position="left", name="Pip")
        bear = Character("bear", two, position="right", name="Gus")
        return Scene((fox, bear), (Thing("ball", "red", "left"),))

    a, b = scene_table([scene("red", "blue"), scene("blue", "red")])
    names = list(table_of_facts())
    differ = {names[i] for i in (a ^ b).nonzero().flatten().tolist()}
    assert differ == {(who, "colour", c) for who in ("fox", "bear", "left", "right")
                      for c in ("red", "blue")}  # fmt: skip
    said = {names[i] for i in a.nonzero().flatten().tolist()}
    assert {("ball", "colour", "red"), ("ball", "position", "left")} <= said
    assert ("scene", "place", "meadow") in said


def test_pictures_and_truth_are_drawn_in_pairs():
    drawn = draw_neighbours(2, 16)
    assert drawn["pixels"].shape == (2, 2, 16, 16, 3)
    assert drawn["answers"].shape[:2] == (2, 2)
    assert drawn["answers"].shape[3:] == (2, 2)
    assert not torch.equal(drawn["pixels"][0, 0], drawn["pixels"][0, 1])


def test_everything_learns_and_the_folder_stays_a_plain_clip(tiny):
    model, processor = tiny
    before = {n: p.clone() for n, p in model.named_parameters()}
    rows = list(train_pairs(model, processor, PLAN))
    assert [r["step"] for r in rows] == [1, 2, 3]
    same = {n for n, p in model.named_parameters() if torch.equal(p, before[n])}
    assert not same
    assert not any("table" in n or "patches" in n for n in model.state_dict())
    assert 0 <= model.logit_scale.item() <= math.log(100)


def test_a_stage_of_seeing_trains_the_tower_alone_and_reads_no_captions(tiny, monkeypatch):
    model, processor = tiny
    before = {n: p.clone() for n, p in model.named_parameters()}
    monkeypatch.setattr(clip_train, "describe", None)
    plan = replace(PLAN, stages=(Stage(3, (SEEING,), VISION),))
    rows = list(train_pairs(model, processor, plan))
    assert len(rows) == 3
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert {n.split(".")[0] for n in moved} == {"vision_model", "visual_projection"}
    assert all(n in moved for n in before if n.startswith("vision_model.encoder"))


def test_who_has_what_is_missed_less_by_whoever_knows_it():
    torch.manual_seed(0)
    learning = clip_train.PairLearning(build("clip", SMOKE)[0])
    table = torch.rand(2, len(table_of_facts())) < 0.1
    with torch.no_grad():
        learning.table.weight.zero_()
        learning.table.bias.copy_(torch.where(table[0], 9.0, -9.0))
    knows, not_ = learning.bound(torch.zeros(2, learning.table.in_features), table).tolist()
    assert knows < 0.1
    assert not_ > 5


def test_killed_and_resumed_it_ends_the_same(tmp_path):
    ends = []
    for killed in (False, True):
        torch.manual_seed(0)
        model, processor = build("clip", SMOKE)
        file = tmp_path / f"{killed}.pt"
        loop = train_pairs(model, processor, PLAN, checkpoint=file)
        if killed:
            for _ in range(3):
                next(loop)
            loop.close()
            torch.manual_seed(1)  # other heads, which the checkpoint overwrites
            model, processor = build("clip", SMOKE)
            loop = train_pairs(model, processor, PLAN, checkpoint=file)
        list(loop)
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][k], ends[1][k]) for k in ends[0])


def test_an_odd_batch_is_refused(tiny):
    with pytest.raises(ValueError, match="batch_size is 3, expected an even number"):
        next(train_pairs(*tiny, Plan((Stage(1, ()),), 4, 3)))


def test_a_shift_moves_the_picture_and_repeats():
    x = torch.arange(2 * 3 * 8 * 8.0).view(2, 3, 8, 8)
    moved = [shifted(x, step) for step in range(12)]
    assert all(m.shape == x.shape for m in moved)
    assert any(torch.equal(m, x) for m in (shifted(x, s) for s in range(200)))
    assert len({m[0, 0, 4, 4].item() for m in moved}) > 3
    assert torch.equal(shifted(x, 5), moved[5])


def test_vectors_are_those_of_the_model_at_length_one(tiny):
    pair = Clip(*tiny)
    texts = ["a red fox", "a blue bear at night"]
    found = embed(pair, texts)
    given = pair.processor(text=texts, return_tensors="pt", padding=True)
    pixels = torch.zeros(1, 3, 16, 16)
    out = pair.model(**given, pixel_values=pixels)
    assert torch.allclose(found, out.text_embeds, atol=1e-6)
    assert torch.allclose(found.norm(dim=1), torch.ones(2))
