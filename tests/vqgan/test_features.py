"""The features network: what it is asked, that it learns it, and that a run resumes exactly."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmcourse.storyworld import Character, Scene, Thing
from mmcourse.storyworld.drawing.depth import LABELS, segmentation
from mmcourse.vqgan.features import KINDS, QUESTIONS, Features
from mmcourse.vqgan.features_data import draw_truth, owners, truth
from mmcourse.vqgan.features_measure import measure_features
from mmcourse.vqgan.features_recipe import OTHER_SEED, RECIPES, SOURCES
from mmcourse.vqgan.features_train import dense_losses, train

SCENE = Scene(
    (Character("fox", "blue", "hat", "sad", "standing", "left"),),
    (Thing("ball", "red", "right"),),
    place="beach",
)
AT = {name: i for i, name in enumerate(QUESTIONS)}


@pytest.fixture(scope="module")
def album():
    return draw_truth(6, 64, workers=1)


def small() -> Features:
    torch.manual_seed(0)
    return Features(channels=(8, 8, 16, 16))


def test_four_maps_each_half_as_large():
    maps = small()(torch.zeros(2, 3, 64, 128))
    assert [tuple(m.shape) for m in maps] == [
        (2, 8, 64, 128),
        (2, 8, 32, 64),
        (2, 16, 16, 32),
        (2, 16, 8, 16),
    ]


@pytest.mark.parametrize("shape", [(1, 3, 60, 64), (1, 1, 64, 64), (3, 64, 64)])
def test_other_pictures_are_refused(shape):
    with pytest.raises(ValueError, match="sides that 8 divides"):
        small()(torch.zeros(shape))


def test_a_patch_belongs_to_whoever_covers_a_quarter_of_it():
    labels = np.zeros((16, 16), np.int64)  # sky
    labels[8:] = LABELS.index("land")
    fox = LABELS.index("character:left")
    labels[:4, :4] = fox  # a quarter of the first patch
    labels[:4, 8:11] = fox  # less of the second
    assert owners(labels).tolist() == [[fox, LABELS.index("sky")], [LABELS.index("land")] * 2]


def test_the_truth_of_a_patch_is_that_of_its_owner():
    labels = segmentation(SCENE, 64)
    answers, whose = truth(SCENE, labels), owners(labels)
    fox = whose == LABELS.index("character:left")
    ball = whose == LABELS.index("thing:right")
    assert fox.any()
    assert ball.any()
    for name, value in (("species", "fox"), ("colour", "blue"), ("mood", "sad")):
        said = answers[AT[f"character.{name}"]]
        assert (said[fox] == QUESTIONS[f"character.{name}"].index(value)).all()
        assert (said[~fox] == -1).all()
    said = answers[AT["thing.kind"]]
    assert (said[ball] == QUESTIONS["thing.kind"].index("ball")).all()
    assert (said[~ball] == -1).all()
    assert (answers[AT["scene.place"]] == QUESTIONS["scene.place"].index("beach")).all()
    assert (answers[AT["kind"]][fox] == KINDS.index("character")).all()


def test_another_mood_changes_the_answers_about_the_mood_alone():
    happy = replace(SCENE, characters=(replace(SCENE.characters[0], mood="angry"),))
    labels = segmentation(SCENE, 64)
    differ = (truth(SCENE, labels) != truth(happy, labels)).any((1, 2))
    assert [name for name, i in AT.items() if differ[i]] == ["character.mood"]


def test_losses_are_means_over_the_patches_where_a_question_arises(album):
    model = small()
    said = model.answer(model(torch.randn(6, 3, 64, 64)))
    losses = dense_losses(said, album)
    name = "character.species"
    right = album["answers"][:, AT[name]].long()
    there = right >= 0
    by_hand = F.cross_entropy(said[name].movedim(1, -1)[there], right[there])
    assert losses[name].item() == pytest.approx(by_hand.item(), rel=1e-5)
    near = album["near"].long()[:, ::2, ::2]
    assert losses["near.1"].item() == pytest.approx(F.cross_entropy(said["near.1"], near).item())
    nobody = {**album, "answers": torch.full_like(album["answers"], -1)}
    assert dense_losses(said, nobody)[name] == 0  # not NaN


def test_a_few_pictures_are_learnt(album):
    rows = list(train(small(), [album], steps=30, batch_size=6, lr=1e-2))
    assert rows[-1]["loss"] < 0.6 * rows[0]["loss"]


def test_a_killed_run_ends_with_the_same_weights(album, tmp_path, monkeypatch):
    monkeypatch.setattr("mmcourse.vqgan.features_train.SAVE_EVERY", 2)
    whole = small()
    list(train(whole, [album], steps=5, batch_size=3))
    killed, file = small(), tmp_path / "run.pt"
    loop = train(killed, [album], steps=5, batch_size=3, checkpoint=file)
    for _ in range(3):
        next(loop)
    loop.close()
    again = small()
    assert [r["step"] for r in train(again, [album], steps=5, batch_size=3, checkpoint=file)] == [
        3, 4, 5,
    ]  # fmt: skip
    for a, b in zip(whole.parameters(), again.parameters()):
        assert torch.equal(a, b)


def test_a_measure_has_its_chance_beside_it():
    found = measure_features(small(), 4)
    assert {"kind", "character.species", "scene.place", "depth"} <= set(found)
    for name, m in found.items():
        assert 0 <= m["value"] <= 1, name
        assert 0 < m["chance"] <= 1, name
        assert m["n"] > 0, name
    with pytest.raises(ValueError, match="n must be at least 2"):
        measure_features(small(), 1)


def test_its_pictures_are_of_a_seed_of_their_own():
    assert OTHER_SEED
    assert {"mmcourse.vqgan.features", "mmcourse.vqgan.features_data"} <= set(SOURCES)
    assert set(RECIPES) == {"smoke", "cpu", "gpu", "full"}


def test_no_albums_and_a_loss_that_is_no_number(album, monkeypatch):
    with pytest.raises(ValueError, match="no albums"):
        next(train(small(), [], steps=1))
    monkeypatch.setattr(
        "mmcourse.vqgan.features_train.dense_losses",
        lambda said, truth: {"a": torch.nan * said["depth"].mean()},
    )
    with pytest.raises(ValueError, match="the loss of step 1 is nan"):
        next(train(small(), [album], steps=1))
