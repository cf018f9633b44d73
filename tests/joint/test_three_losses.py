"""Towers and fused encoder trained together."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from mmcourse.joint import clip_loss, masked_clip_loss, matching_loss, three_losses
from mmcourse.joint import train as training
from mmcourse.joint.pairs import Pairs, storyworld_pairs
from mmcourse.joint.three_losses import ThreeLosses
from mmcourse.joint.towers import by_length
from mmcourse.joint.train import Contrast, read, train
from mmcourse.storyworld import Tokenizer, caption, render_bytes, sample_scene

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=[1, 3], ids=["one caption", "three captions"])
def pairs(request):
    return storyworld_pairs(48, size=16, family=8, captions=request.param)


@pytest.fixture
def model(tiny):
    return tiny(fused_depth=1)


def test_the_loss_is_the_sum_of_three(model, pairs):
    batch = pairs.show(pairs.batch(0, 16), 0, CPU)
    loss, numbers = ThreeLosses(model, pairs)(batch)
    parts = numbers["contrast"] + numbers["matching"] + numbers["masked"]
    torch.testing.assert_close(loss, parts)
    text, image, scale = model(batch.ids, batch.mask, batch.pixels)
    expected = masked_clip_loss(text, image[batch.of], scale, batch.ignored)
    torch.testing.assert_close(numbers["contrast"], expected)
    unlearnt = 1.1 if pairs.captions == 1 else 2.0  # short texts are believed at first
    assert 0.4 < numbers["matching"] < unlearnt
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
    objective = ThreeLosses(model, pairs)
    own = torch.arange(16)
    for step in range(12):
        batch = pairs.show(pairs.batch(step, 16), step, CPU)
        logits = torch.randn(16, 16, generator=torch.Generator().manual_seed(step))
        dice = torch.Generator().manual_seed(step)
        one = objective._one_each(16, dice)
        assert torch.equal(batch.of[one], own), "a text of each picture"
        true = batch.true[one]
        texts, pictures = objective._questions(logits, true, dice)
        assert len(texts) == len(pictures) == 16
        assert (texts == pictures).sum() == 8
        assert (texts != own).sum() == (pictures != own).sum() == 4
        assert not true[texts, pictures][texts != pictures].any(), "a wrong pair that is right"


def test_what_is_true_is_called_true(model, pairs, monkeypatch):
    asked, labels = [], []
    questions = ThreeLosses._questions

    def ask(self, logits, true, dice):
        asked.append((questions(self, logits, true, dice), true))
        return asked[-1][0]

    def judge(logits, fit):
        labels.append(fit)
        return matching_loss(logits, fit)

    monkeypatch.setattr(ThreeLosses, "_questions", ask)
    monkeypatch.setattr(three_losses, "matching_loss", judge)
    ThreeLosses(model, pairs)(pairs.show(pairs.batch(0, 16), 0, CPU))
    ((texts, pictures), true), (fit,) = asked[0], labels
    assert torch.equal(fit, true[texts, pictures])
    assert fit[texts == pictures].all()
    assert not fit[texts != pictures].any()


def test_each_text_of_a_picture_is_asked_about(model, pairs):
    objective = ThreeLosses(model, pairs)
    ones = [objective._one_each(16, torch.Generator().manual_seed(i)) for i in range(20)]
    assert {int(x) for one in ones for x in one % pairs.captions} == set(range(pairs.captions))


def test_a_text_that_is_true_of_all_is_asked_about_all_the_same(model, pairs):
    objective = ThreeLosses(model, pairs)
    true = torch.eye(8) > 0
    true[3] = True
    for seed in range(10):
        dice = torch.Generator().manual_seed(seed)
        texts, pictures = objective._questions(torch.randn(8, 8), true, dice)
        wrong = texts != pictures
        assert wrong.sum() == 4
        assert ((texts == 3) | ~true[texts, pictures])[wrong].all()


def test_texts_are_read_in_parts_of_equal_length():
    lengths = torch.tensor([5, 9, 2, 2, 7, 3, 9])
    mask = torch.arange(9) < lengths[:, None]
    parts = list(by_length(mask, 3))
    assert sorted(torch.cat([rows for rows, _ in parts]).tolist()) == list(range(7))
    assert [length for _, length in parts] == [3, 7, 9]
    assert all(lengths[rows].max() == length for rows, length in parts)
    assert len(list(by_length(mask[:2], 4))) == 2
    assert len(list(by_length(mask))) == 4, "on a CPU short texts are worth sorting"


def test_reading_in_parts_changes_nothing(model, pairs, monkeypatch):
    batch = pairs.show(pairs.batch(0, 16), 0, CPU)
    pooled, words = read(model, batch)
    expected = model.text_tower(batch.ids, batch.mask)
    torch.testing.assert_close(pooled, expected[0])
    torch.testing.assert_close(words[batch.mask], expected[1][batch.mask])
    whole, _ = ThreeLosses(model, pairs)(batch)
    for module in (training, three_losses):
        monkeypatch.setattr(module, "by_length", partial(by_length, parts=1))
    loss, _ = ThreeLosses(model, pairs)(batch)
    torch.testing.assert_close(loss, whole)


def test_pictures_that_come_with_several_texts_are_told_apart_as_if_they_came_again(tiny):
    """The loss of N texts of B pictures is the loss of N pairs in which pictures repeat."""
    model = tiny()
    pairs = storyworld_pairs(24, size=16, captions=3)
    batch = pairs.show(pairs.batch(0, 8), 0, CPU)
    loss, _ = Contrast(model, pairs)(batch)
    text = model.project_text(model.text_tower(batch.ids, batch.mask)[0])
    image = model.encode_image(batch.pixels).repeat_interleave(3, 0)
    logits = (model.logit_scale.exp() * text @ image.T).double()
    terms = []
    for i in range(24):
        wrong = [j for j in range(24) if not batch.true[i, batch.of[j]]]
        others = [j for j in range(24) if not batch.true[j, batch.of[i]]]
        for row in (logits[i, [i, *wrong]], logits[[i, *others], i]):
            terms.append(row.logsumexp(0) - logits[i, i])
    torch.testing.assert_close(loss.double(), torch.stack(terms).mean(), rtol=1e-4, atol=1e-4)
    untold = replace(
        batch, true=None, of=torch.arange(24), pixels=batch.pixels.repeat_interleave(3, 0)
    )
    plain, _ = Contrast(model, pairs)(untold)
    assert plain > loss, "false negatives are expensive"
    assert clip_loss(text, image, model.logit_scale.exp()).item() > loss.item()


def test_it_learns_a_few_pairs_by_heart(tiny):
    scenes = [sample_scene("train", i) for i in range(8)]
    pairs = Pairs(render_bytes(scenes, 16), lambda i, step: caption(scenes[i]), Tokenizer())
    model = tiny(fused_depth=1)
    rows = list(train(model, pairs, steps=400, batch_size=8, lr=3e-3, objective=ThreeLosses))
    last = rows[-20:]

    def mean(name):
        return sum(row[name] for row in last) / len(last)

    assert mean("accuracy") == 1
    assert mean("matching") < 0.66  # less than guessing, ln 2
    assert mean("named") > 0.5
    assert mean("masked") < rows[0]["masked"] / 3


def test_a_killed_run_goes_on(tiny, pairs, tmp_path, monkeypatch):
    first = 247  # a checkpoint is written after step 250, so the steps before are left out
    late = lambda start, stop: range(max(start, first), stop)  # noqa: E731
    monkeypatch.setattr(training, "range", late, raising=False)
    options = {"steps": 253, "batch_size": 16, "objective": ThreeLosses}
    arguments = {"dim": 32, "joint_dim": 8, "fused_depth": 1}
    whole = tiny(**arguments)
    unbroken = list(train(whole, pairs, **options))
    killed = train(tiny(**arguments), pairs, checkpoint=tmp_path / "c.pt", **options)
    for _ in range(251 - first):
        next(killed)
    killed.close()
    resumed = tiny(seed=5, **arguments)
    rest = list(train(resumed, pairs, checkpoint=tmp_path / "c.pt", **options))
    assert [row["step"] for row in rest] == [251, 252, 253]
    assert rest == unbroken[250 - first :]
    state = whole.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in resumed.state_dict().items())


def test_towers_alone_are_refused_before_anything_runs(tiny, pairs):
    with pytest.raises(ValueError, match="two towers only"):
        next(train(tiny(), pairs, steps=1, batch_size=8, objective=ThreeLosses))
