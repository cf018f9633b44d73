"""Towers and fused encoder trained together."""

from functools import partial

import pytest
import torch

from mmcourse.joint import masked_clip_loss, three_losses
from mmcourse.joint.negatives import is_true
from mmcourse.joint.pairs import Pairs, caption_for_training, storyworld_pairs
from mmcourse.joint.three_losses import ThreeLosses, by_length
from mmcourse.joint.train import train
from mmcourse.storyworld import Tokenizer, caption, render_bytes, sample_family, sample_scene
from mmcourse.storyworld.facts import truths

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pairs():
    return storyworld_pairs(48, size=16, family=8)


@pytest.fixture
def model(tiny):
    return tiny(fused_depth=1)


def test_the_loss_is_the_sum_of_three(model, pairs):
    batch = pairs.show(pairs.batch(0, 16), 0, CPU)
    loss, numbers = ThreeLosses(model, pairs)(batch)
    parts = numbers["contrast"] + numbers["matching"] + numbers["masked"]
    torch.testing.assert_close(loss, parts)
    text, image, scale = model(batch.ids, batch.mask, batch.pixels)
    expected = masked_clip_loss(text, image, scale, batch.ignored)
    torch.testing.assert_close(numbers["contrast"], expected)
    assert 0.4 < numbers["matching"] < 1.1
    assert numbers["masked"].item() == pytest.approx(
        torch.tensor(float(len(Tokenizer()))).log().item(), abs=0.6
    )


def test_every_parameter_learns(model, pairs):
    batch = pairs.show(pairs.batch(0, 16), 0, CPU)
    loss, _ = ThreeLosses(model, pairs)(batch)
    loss.backward()
    still = [k for k, p in model.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert still == []


def test_the_questions_are_half_true_and_their_answers_right(model, pairs):
    scenes = [s for i in range(6) for s in sample_family("train", i, 8)]
    objective = ThreeLosses(model, pairs)
    wrong = 0
    for step in range(12):
        batch = pairs.show(pairs.batch(step, 16), step, CPU)
        logits = torch.randn(16, 16, generator=torch.Generator().manual_seed(step))
        dice = torch.Generator().manual_seed(step)
        texts, pictures, fit = objective._questions(logits, batch, dice)
        assert len(texts) == len(pictures) == len(fit) == 16
        own = torch.arange(16)
        assert (texts == pictures).sum() == 8
        assert (texts != own).sum() == (pictures != own).sum() == 4
        for i, j, right in zip(texts.tolist(), pictures.tolist(), fit.tolist(), strict=True):
            said = caption_for_training(scenes[batch.index[i]], step + batch.index[i]).said
            assert right == is_true(said, truths(scenes[batch.index[j]]))
        wrong += (~fit).sum().item()
    assert 0.45 < wrong / (12 * 16) <= 0.5


def test_texts_are_read_in_parts_of_equal_length():
    lengths = torch.tensor([5, 9, 2, 2, 7, 3, 9])
    mask = torch.arange(9) < lengths[:, None]
    parts = list(by_length(mask, 3))
    assert sorted(torch.cat([rows for rows, _ in parts]).tolist()) == list(range(7))
    assert [length for _, length in parts] == [3, 7, 9]
    assert all(lengths[rows].max() == length for rows, length in parts)
    assert len(list(by_length(mask[:2], 4))) == 2


def test_reading_in_parts_changes_nothing(model, pairs, monkeypatch):
    batch = pairs.show(pairs.batch(0, 16), 0, CPU)
    whole, _ = ThreeLosses(model, pairs)(batch)
    monkeypatch.setattr(three_losses, "by_length", partial(by_length, parts=1))
    loss, _ = ThreeLosses(model, pairs)(batch)
    torch.testing.assert_close(loss, whole)


def test_it_learns_a_few_pairs_by_heart(tiny):
    scenes = [sample_scene("train", i) for i in range(8)]
    pairs = Pairs(render_bytes(scenes, 16), lambda i, step: caption(scenes[i]), Tokenizer())
    model = tiny(fused_depth=1)
    rows = list(train(model, pairs, steps=250, batch_size=8, lr=3e-3, objective=ThreeLosses))
    last = rows[-20:]

    def mean(name):
        return sum(row[name] for row in last) / len(last)

    assert mean("accuracy") == 1
    assert mean("matching") < 0.66  # less than guessing, ln 2
    assert mean("named") > 0.5
    assert mean("masked") < rows[0]["masked"] / 3


def test_a_killed_run_goes_on(tiny, pairs, tmp_path):
    options = {"steps": 253, "batch_size": 16, "objective": ThreeLosses}
    arguments = {"dim": 32, "joint_dim": 8, "fused_depth": 1}
    whole = tiny(**arguments)
    unbroken = list(train(whole, pairs, **options))
    killed = train(tiny(**arguments), pairs, checkpoint=tmp_path / "c.pt", **options)
    for _ in range(251):
        next(killed)
    killed.close()
    resumed = tiny(seed=5, **arguments)
    rest = list(train(resumed, pairs, checkpoint=tmp_path / "c.pt", **options))
    assert rest == unbroken[250:]
    state = whole.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in resumed.state_dict().items())


def test_towers_alone_are_refused_before_anything_runs(tiny, pairs):
    with pytest.raises(ValueError, match="two towers only"):
        next(train(tiny(), pairs, steps=1, batch_size=8, objective=ThreeLosses))
