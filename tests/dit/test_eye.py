"""The eye that weighs places and asks who is there, with the shipped features network."""

import dataclasses

import pytest
import torch

from mmcourse.diffusion.train import Told
from mmcourse.dit.optimise import Plan
from mmcourse.dit.train import Aligned, train
from mmcourse.storyworld import render_bytes, sample_scene
from mmcourse.storyworld.drawing.depth import LABELS, segmentation
from mmcourse.vqgan.eye import FOCUS, Eye, over_places, seen_by
from mmcourse.vqgan.features import KINDS, QUESTIONS, Features

from .conftest import heroes, small_dit

SCENES = [sample_scene("test", i) for i in range(6)]


@pytest.fixture(scope="module")
def features():
    return Features.from_pretrained("features").eval()


@pytest.fixture(scope="module")
def seen(features):
    return seen_by(features, render_bytes(SCENES, 128))  # (6, 64, D)


@pytest.fixture(scope="module")
def eye(features, seen):
    return Eye(features, seen)


def test_answers_are_the_network_s_own(eye, features):
    """Asked of one patch's maps they are the heads' answers to the last digits."""
    pixels = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        maps = features(pixels)
        answers = features.answer(maps)
        rows = maps[3].flatten(2).mT  # (1, 4, D)
        found = dict(zip(eye.names, eye.answers(rows), strict=True))
    assert set(found) == {n for n in QUESTIONS if not n.startswith("scene.")}
    for name, logits in found.items():
        assert torch.allclose(logits, answers[name].flatten(2).mT, atol=1e-4)
    assert len(eye) == sum(len(QUESTIONS[name]) for name in found)


def test_animals_count_more_and_all_count_one_in_the_mean(eye, seen):
    focus = eye.focus(seen)  # (6, 64)
    assert float(focus.mean()) == pytest.approx(1, abs=1e-5)
    assert float(focus.max() / focus.min()) == pytest.approx(1 + FOCUS, rel=0.1)
    grid = focus.view(6, 8, 8)
    for scene, row in zip(SCENES, grid, strict=True):
        who = LABELS.index(f"character:{scene.characters[0].position}")
        share = torch.from_numpy(segmentation(scene, 128) == who).float()
        share = share.view(8, 16, 8, 16).mean((1, 3))
        assert row[share > 0.9].min() > row[share == 0].median()


def test_places_of_a_patch_share_its_number():
    patches = torch.arange(6.0).view(1, 6)
    spread = over_places(patches, 2, 4, 6)
    assert spread.shape == (1, 1, 4, 6)
    assert spread[0, 0].tolist() == [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2


def test_guesses_are_held_against_answers_where_somebody_is(eye, seen):
    right = torch.cat(eye.answers(seen), -1)
    assert float(eye.missed(right, seen)) == pytest.approx(0, abs=1e-5)
    blind = torch.zeros_like(right)
    assert float(eye.missed(blind, seen)) > 0.5
    size = len(KINDS)
    wrong = right.clone()
    wrong[..., size:] = 0  # of animals and things nothing is known
    kinds = eye.kinds(seen)
    sky = kinds[..., KINDS.index("sky")] > 0.99
    where = torch.where(sky[..., None], wrong, right)
    assert float(eye.missed(where, seen)) < 0.02 * float(eye.missed(wrong, seen))


def test_guesses_are_learned_while_they_are_asked_for(reader, eye, seen):
    """With a few pictures over and over, what their patches show is soon known."""
    data = dataclasses.replace(heroes(4), seen=seen[:4, :16])
    plan = Plan(steps=40, batch_size=4, lr=4e-3, muon=4e-3, warmup=5, aligned=0.9, dropped=0.0)
    told = Told(lambda i, step: "a red fox", reader)
    rows = list(train(small_dit(), data, plan, told=told, eye=eye))
    assert rows[34]["missed"] < 0.5 * rows[0]["missed"]
    assert "missed" not in rows[-1]  # nothing is asked any more


def test_places_are_weighed_when_nothing_is_asked_too(reader, eye, seen):
    data = dataclasses.replace(heroes(4), seen=seen[:4, :16])
    plan = Plan(steps=2, batch_size=4, aligned=0.0)
    told = Told(lambda i, step: "a red fox", reader)
    weighed, plain = (
        next(train(small_dit(), data, plan, told=told, eye=who)) for who in (eye, None)
    )
    assert plain["error"] == pytest.approx(weighed["error"])
    assert plain["loss"] == pytest.approx(plain["error"])
    assert weighed["loss"] != pytest.approx(plain["loss"], rel=1e-3)


def test_guesses_are_trained_by_no_muon():
    from mmcourse.dit.optimise import optimisers_for

    training = Aligned(small_dit(), 6, answers=9)
    names = {id(p): n for n, p in training.named_parameters()}
    _, muon = optimisers_for(training, Plan(5, 2))
    assert not any("guesses" in names[id(p)] for g in muon.param_groups for p in g["params"])
