"""Training: what a step does, that it learns, and that a killed run ends as an unbroken one."""

import gc
import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from scripts import forgotten

from mmcourse.joint import clip_loss, masked_clip_loss, siglip_loss
from mmcourse.joint import train as training
from mmcourse.joint.pairs import Pairs, caption_for_training, draw, storyworld_pairs
from mmcourse.joint.train import Contrast, helpers, train
from mmcourse.processes import pool_of
from mmcourse.storyworld import (
    Tokenizer,
    caption,
    from_bytes,
    render_bytes,
    sample_family,
    sample_scene,
)
from mmcourse.training import batch_indices


@pytest.fixture(scope="module")
def pairs():
    return storyworld_pairs(48, size=16)


CPU = torch.device("cpu")


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_yields_after_each_step_what_a_loop_wants_to_know(tiny, pairs):
    model = tiny()
    seen = [weights(model)]
    metrics = []
    for found in train(model, pairs, steps=20, batch_size=16, lr=1e-3):
        metrics.append(found)
        assert not same(weights(model), seen[-1]), "yielded before the optimiser step"
        seen.append(weights(model))
    assert [m["step"] for m in metrics] == list(range(1, 21))
    assert set(metrics[0]) == {"step", "loss", "accuracy", "scale", "lr"}
    assert all(isinstance(value, int | float) for value in metrics[0].values())
    index = batch_indices(0, 16, 48)
    texts = [pairs.captioner(i, 0) for i in index.tolist()]
    untrained = tiny()(*pairs.tokenizer.encode(texts), from_bytes(pairs.pictures[index]))
    assert metrics[0]["loss"] == pytest.approx(clip_loss(*untrained).item(), rel=1e-4)
    assert metrics[0]["scale"] == pytest.approx(1 / 0.07)
    rates = [m["lr"] for m in metrics]
    assert rates[0] < max(rates) == pytest.approx(1e-3)
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert not model.training


def test_a_small_batch_is_learnt_by_heart(tiny):
    scenes = [sample_scene("train", i) for i in range(16)]
    pictures = render_bytes(scenes, 16)
    pairs = Pairs(pictures, lambda index, step: caption(scenes[index]), Tokenizer())
    metrics = list(train(tiny(), pairs, steps=120, batch_size=16, lr=3e-3))
    assert metrics[-1]["accuracy"] == 1
    assert metrics[-1]["loss"] < 0.1 < metrics[0]["loss"]


def test_the_model_ends_with_the_average_of_its_weights(tiny, pairs):
    model = tiny()
    average = weights(model)
    for step, _ in enumerate(train(model, pairs, steps=12, batch_size=8), start=1):
        decay = min(0.995, (1 + step) / (10 + step))
        now = weights(model)
        learnt = dict(model.named_parameters()).keys()
        average = {
            name: decay * average[name] + (1 - decay) * now[name] if name in learnt else now[name]
            for name in now
        }
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, average[name], rtol=1e-4, atol=1e-6)


FIRST, KILLED, STEPS = 246, 254, 256
"""Checkpoints are written every 50 steps, so the runs below leave out the first 246."""


def test_a_run_that_is_killed_and_resumed_ends_with_the_same_weights(
    tiny, pairs, tmp_path, monkeypatch
):
    late = lambda start, stop: range(max(start, FIRST), stop)  # noqa: E731
    monkeypatch.setattr(training, "range", late, raising=False)
    options = {"steps": STEPS, "batch_size": 4, "lr": 1e-3}
    arguments = {"dim": 32, "joint_dim": 8}
    whole = tiny(**arguments)
    unbroken = list(train(whole, pairs, **options))
    assert [m["step"] for m in unbroken] == list(range(FIRST + 1, STEPS + 1))

    file = tmp_path / "checkpoint.pt"
    killed = train(tiny(**arguments), pairs, checkpoint=file, **options)
    for _ in range(KILLED - FIRST):
        next(killed)
    killed.close()
    resumed = tiny(seed=5, **arguments)  # its own weights do not matter
    rest = list(train(resumed, pairs, checkpoint=file, **options))
    assert [m["step"] for m in rest] == list(range(251, STEPS + 1))
    assert rest == unbroken[250 - FIRST :]
    assert same(weights(resumed), weights(whole))

    again = tiny(seed=6, **arguments)  # nothing is left to do
    assert list(train(again, pairs, checkpoint=file, **options)) == []
    assert same(weights(again), weights(whole))


def test_the_same_seed_gives_the_same_run_and_another_order_another(tiny, pairs):
    def losses(order):
        data = replace(pairs, seed=order)
        return [m["loss"] for m in train(tiny(), data, steps=3, batch_size=8)]

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)


def test_any_loss_of_the_same_form_trains(tiny, pairs):
    def sigmoid(text, image, scale):
        return siglip_loss(text, image, scale, -10.0)

    metrics = list(
        train(
            tiny(),
            pairs,
            steps=30,
            batch_size=16,
            lr=3e-3,
            objective=partial(Contrast, loss_function=sigmoid),
        )
    )
    assert metrics[-1]["loss"] < metrics[0]["loss"]
    seen = []

    def watched(text, image, scale):
        seen.append((text.shape, image.shape, scale.item()))
        return clip_loss(text, image, scale)

    list(
        train(
            tiny(), pairs, steps=2, batch_size=8, objective=partial(Contrast, loss_function=watched)
        )
    )
    assert seen[0] == ((8, 16), (8, 16), pytest.approx(1 / 0.07))


def test_the_scale_is_clamped_after_each_step(tiny, pairs):
    model = tiny()
    with torch.no_grad():
        model.logit_scale.fill_(8.0)
    for _ in train(model, pairs, steps=2, batch_size=8):
        assert model.logit_scale.item() <= math.log(100) + 1e-6


def test_captions_of_a_picture_change_and_are_mostly_complete():
    scene = sample_scene("train", 4)
    texts = [caption_for_training(scene, step).text for step in range(100)]
    assert len(set(texts)) > 60
    assert texts == [caption_for_training(scene, step).text for step in range(100)]
    complete = [t == caption(scene, step) for step, t in enumerate(texts)]
    assert sum(complete) == 70


def test_the_pairs_are_scenes_of_the_split_with_their_own_captions():
    pairs = storyworld_pairs(6, size=16, split="val", seed=2)
    scenes = [sample_scene("val", i, seed=2) for i in range(6)]
    assert torch.equal(pairs.pictures, render_bytes(scenes, 16))
    for index, scene in enumerate(scenes):
        possible = {caption_for_training(scene, step).text for step in range(60)}
        assert {pairs.captioner(index, step) for step in range(20)} <= possible


def test_a_family_is_shown_in_one_batch():
    pairs = storyworld_pairs(32, size=16, family=4)
    families = [sample_family("train", i, 4) for i in range(8)]
    drawn = render_bytes([scene for family in families for scene in family], 16)
    assert torch.equal(pairs.pictures, drawn)
    for step in range(4):
        index = pairs.batch(step, 8)
        assert index.shape == (8,)
        groups = index.view(2, 4)
        assert torch.equal(groups - groups[:, :1], torch.arange(4).expand(2, 4))
        assert (groups[:, 0] % 4 == 0).all()
    epoch = torch.cat([pairs.batch(step, 8) for step in range(4)])
    assert sorted(epoch.tolist()) == list(range(32))


@pytest.mark.parametrize(("size", "family"), [(12, 8), (4, 8), (9, 4)])
def test_a_batch_that_would_cut_a_family_is_refused(tiny, size, family):
    pairs = storyworld_pairs(32, size=16, family=family)
    with pytest.raises(ValueError, match=f"batch_size is {size}, expected a multiple of {family}"):
        next(train(tiny(), pairs, steps=5, batch_size=size))


def test_siblings_are_trained_with_their_mask(tiny):
    """The mask goes to the loss, and the first step's loss is the one that leaves these out."""
    pairs = storyworld_pairs(64, size=16, family=8)
    seen = []

    def watched(text, image, scale, ignored):
        seen.append(ignored)
        return masked_clip_loss(text, image, scale, ignored)

    losses = [m["loss"] for m in train(tiny(), pairs, steps=3, batch_size=64, lr=1e-3)]
    again = train(
        tiny(),
        pairs,
        steps=3,
        batch_size=64,
        lr=1e-3,
        objective=partial(Contrast, loss_function=watched),
    )
    assert [m["loss"] for m in again] == losses
    for step, mask in enumerate(seen):
        index = pairs.batch(step, 64).tolist()
        own = torch.eye(64, dtype=torch.bool)
        assert torch.equal(mask.cpu(), pairs.truth(index, step) & ~own)
    assert any(mask.any() for mask in seen)
    index = pairs.batch(0, 64)
    texts = [pairs.captioner(i, 0) for i in index.tolist()]
    untrained = tiny()(*pairs.tokenizer.encode(texts), from_bytes(pairs.pictures[index]))
    assert losses[0] == pytest.approx(masked_clip_loss(*untrained, seen[0].cpu()).item(), rel=1e-4)
    assert losses[0] < clip_loss(*untrained).item()


def test_many_processes_draw_what_one_draws():
    alone, together = (draw(401, 16, "train", 3, 2, workers) for workers in (1, 2))
    assert (
        alone[0] == together[0] == [s for i in range(401) for s in sample_family("train", i, 2, 3)]
    )
    assert torch.equal(alone[1], render_bytes(alone[0], 16))
    assert torch.equal(together[1], alone[1])


def test_helpers_tell_what_the_loop_would_tell(pairs):
    turns = [(step, pairs.batch(step, 8)) for step in range(5)]
    for (step, index), told in zip(turns, pairs.told_ahead(turns, 2), strict=True):
        own = pairs.tell(index, step)
        assert torch.equal(told[0], own[0])
        assert torch.equal(told[1], own[1])
        assert torch.equal(pairs.show(index, step, CPU, told).ids, own[0])


def test_helpers_leave_alone_what_their_parent_forgot(pairs, monkeypatch):
    tell = Pairs.tell

    def collect(*arguments):
        gc.collect()
        return tell(*arguments)

    monkeypatch.setattr(Pairs, "tell", collect)
    with forgotten() as met:
        assert len(list(pairs.told_ahead([(0, pairs.batch(0, 8))], 1))) == 1
        with pool_of(1) as pool:
            pool.submit(gc.collect).result()
        assert not met.exists()


def test_a_cpu_has_no_hands_to_spare():
    assert helpers(CPU) == 0


def test_strangers_come_in_the_order_of_the_seed(pairs):
    for step in (0, 3, 11):
        assert torch.equal(pairs.batch(step, 16), batch_indices(step, 16, 48, seed=0))


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_short_runs_are_runs(tiny, pairs, steps):
    assert len(list(train(tiny(), pairs, steps=steps, batch_size=8))) == steps


def test_a_batch_larger_than_the_data_is_refused(tiny, pairs):
    with pytest.raises(ValueError, match="batch_size is 49, expected 1 to 48"):
        next(train(tiny(), pairs, steps=5, batch_size=49))
