"""Training the judge: what a step does, that it learns, and that a killed run ends as an unbroken
one."""

import math

import pytest
import torch

from mmcourse.storyworld import from_bytes
from mmcourse.storyworld.judge import network as judge_module
from mmcourse.storyworld.judge import train as judge_train
from mmcourse.storyworld.judge.data import draw_album
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.train import (
    TRAIT_WEIGHT,
    identity_loss,
    question_loss,
    train,
    trait_loss,
    worn,
)
from mmcourse.training import batch_indices


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The judge at 16 pixels instead of 128, which takes milliseconds."""
    monkeypatch.setattr(judge_module, "SIDE", 16)


def tiny(seed=0, **arguments):
    torch.manual_seed(seed)
    sizes = {"channels": (8, 8, 16, 16), "glances": 1, "identity": 8}
    return Judge(**{**sizes, **arguments})


@pytest.fixture(scope="module")
def album():
    return draw_album(8, 16)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_the_loss_reaches_every_parameter():
    model = tiny(channels=(8, 16, 16, 16), glances=2)  # 8 groups of 1 would normalise biases away
    album = draw_album(24, 16)
    asked = (album.targets.flatten(0, 1) >= 0).any(0)
    assert asked.all(), "draw more"
    logits, identities, traits, _ = model(from_bytes(album.pixels.flatten(0, 1)))
    heroes = identities[torch.arange(72), album.heroes.flatten()].unflatten(0, (24, 3))
    identity, _ = identity_loss(heroes, model.identity_scale.exp())
    shown = trait_loss(traits, album.traits.flatten(0, 1))
    (question_loss(logits, album.targets.flatten(0, 1)) + identity + shown).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if not name.startswith("look") or name.endswith("weight"):
            # (a softmax over places is blind to what a bias adds to all of them)
            assert parameter.grad.abs().max() > 1e-6, name


def test_it_yields_after_each_step_what_a_loop_wants_to_know(album):
    model, metrics = tiny(), []
    seen = [weights(model)]
    for found in train(model, [album], steps=20, batch_size=4, lr=1e-3):
        metrics.append(found)
        assert not same(weights(model), seen[-1]), "yielded before the optimiser step"
        assert model.training
        seen.append(weights(model))
    assert [m["step"] for m in metrics] == list(range(1, 21))
    losses = {"loss", "questions", "identity", "traits"}
    assert set(metrics[0]) == {"step", *losses, "told_apart", "lr"}
    assert all(isinstance(value, int | float) for value in metrics[0].values())
    rates = [m["lr"] for m in metrics]
    assert rates[0] < max(rates) == pytest.approx(1e-3)
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert not model.training


def test_the_first_step_is_the_loss_of_the_first_batch(album):
    metrics = next(train(tiny(), [album], steps=3, batch_size=4, seed=7))
    index = batch_indices(0, 4, 8, 7)
    pixels = torch.cat([from_bytes(album.pixels[i]) for i in index])
    model = tiny()
    with torch.no_grad():
        logits, identities, traits, _ = model(
            worn(pixels, torch.Generator().manual_seed(7 * 1_000_003))
        )
        asked = torch.cat([album.targets[i] for i in index])
        rows = [
            identities[3 * b + k, album.heroes[i, k]] for b, i in enumerate(index) for k in range(3)
        ]
        identity, told = identity_loss(torch.stack(rows).view(4, 3, 8), torch.tensor(2.3).exp())
    assert metrics["questions"] == pytest.approx(question_loss(logits, asked).item(), rel=1e-4)
    assert metrics["identity"] == pytest.approx(identity.item(), rel=1e-4)
    assert metrics["told_apart"] == pytest.approx(told.item())
    shown = trait_loss(traits, torch.cat([album.traits[i] for i in index]))
    assert metrics["traits"] == pytest.approx(shown.item(), rel=1e-4)
    parts = metrics["questions"] + metrics["identity"] + TRAIT_WEIGHT * metrics["traits"]
    assert metrics["loss"] == pytest.approx(parts)


def test_steps_are_those_of_adamw_on_the_clipped_gradient_of_that_loss(album, monkeypatch):
    monkeypatch.setattr(judge_train, "worn", lambda pixels, generator: pixels)
    steps, lr = 5, 3e-3
    found = list(train(tiny(), [album], steps=steps, batch_size=2, lr=lr))
    model = tiny().train()
    adamw = torch.optim.AdamW(model.parameters(), weight_decay=0.02, betas=(0.9, 0.99))
    for step in range(steps):
        index = batch_indices(step, 2, 8, 0)
        logits, identities, traits, _ = model(from_bytes(album.pixels[index].flatten(0, 1)))
        heroes = identities[torch.arange(6), album.heroes[index].flatten()].view(2, 3, 8)
        questions = question_loss(logits, album.targets[index].flatten(0, 1))
        shown = TRAIT_WEIGHT * trait_loss(traits, album.traits[index].flatten(0, 1))
        loss = questions + identity_loss(heroes, model.identity_scale.exp())[0] + shown
        assert found[step]["loss"] == pytest.approx(loss.item(), rel=2e-5), f"step {step + 1}"
        rise = 1 / 2 if step == 0 else 0.5 * (1 + math.cos(math.pi * (step - 1) / (steps - 1)))
        assert found[step]["lr"] == pytest.approx(lr * rise)
        adamw.param_groups[0]["lr"] = lr * rise
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        length = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient * min(1.0, 1 / length)
        adamw.step()


def test_albums_take_turns_and_each_goes_through_its_own_order(album, monkeypatch):
    sizes, batches = [], []
    monkeypatch.setattr(
        judge_train, "worn", lambda pixels, generator: sizes.append(pixels.shape[-1]) or pixels
    )

    def indices(*arguments):
        batches.append(arguments)
        return batch_indices(*arguments)

    monkeypatch.setattr(judge_train, "batch_indices", indices)
    list(train(tiny(), [album, draw_album(5, 32)], steps=5, batch_size=2, seed=9))
    assert sizes == [16, 32, 16, 32, 16]
    assert batches == [(0, 2, 8, 9), (0, 2, 5, 9), (1, 2, 8, 9), (1, 2, 5, 9), (2, 2, 8, 9)]


def test_the_same_seed_gives_the_same_run_and_another_seed_another(album):
    def losses(seed):
        return [m["loss"] for m in train(tiny(), [album], steps=3, batch_size=4, seed=seed)]

    assert losses(0) == losses(0)
    assert losses(0)[0] != losses(1)[0]


def test_the_model_ends_with_the_average_of_its_weights(album):
    model = tiny()
    average = weights(model)
    for step, _ in enumerate(train(model, [album], steps=12, batch_size=2), start=1):
        decay = min(0.999, (1 + step) / (10 + step))
        now = weights(model)
        average = {name: decay * average[name] + (1 - decay) * now[name] for name in now}
    for name, value in model.named_parameters():
        torch.testing.assert_close(value, average[name], rtol=1e-4, atol=1e-6)


def test_a_few_families_are_learnt_by_heart(album, monkeypatch):
    monkeypatch.setattr(judge_train, "worn", lambda pixels, generator: pixels)
    metrics = list(
        train(tiny(channels=(16, 16, 32, 32)), [album], steps=150, batch_size=8, lr=5e-3)
    )
    assert metrics[-1]["questions"] < 0.15 < metrics[0]["questions"]
    assert metrics[-1]["told_apart"] == 1


FIRST, KILLED, STEPS = 494, 502, 504
"""Checkpoints are written every 100 steps, so the runs below leave out the first 494."""


def test_a_run_that_is_killed_and_resumed_ends_with_the_same_weights(album, tmp_path, monkeypatch):
    late = lambda start, stop: range(max(start, FIRST), stop)  # noqa: E731
    monkeypatch.setattr(judge_train, "range", late, raising=False)
    albums, options = [album, draw_album(3, 24)], {"steps": STEPS, "batch_size": 1, "lr": 1e-3}
    whole = tiny()
    unbroken = list(train(whole, albums, **options))
    assert [m["step"] for m in unbroken] == list(range(FIRST + 1, STEPS + 1))

    file = tmp_path / "checkpoint.pt"
    killed = train(tiny(), albums, checkpoint=file, **options)
    for _ in range(KILLED - FIRST):
        next(killed)
    killed.close()
    resumed = tiny(seed=5)  # its own weights do not matter
    rest = list(train(resumed, albums, checkpoint=file, **options))
    assert [m["step"] for m in rest] == list(range(501, STEPS + 1))
    assert rest == unbroken[500 - FIRST :]
    assert same(weights(resumed), weights(whole))

    again = tiny(seed=6)  # nothing is left to do
    assert list(train(again, albums, checkpoint=file, **options)) == []
    assert same(weights(again), weights(whole))
