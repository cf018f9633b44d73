"""One hero in two scenes: who is the same, what differs, and what a portrait shows."""

import numpy as np
import pytest
import torch

from mmcourse.dit.data import cached_heroes
from mmcourse.dit.heroes import portrait, starring
from mmcourse.storyworld import from_bytes, render, sample_scene
from mmcourse.storyworld.world.sampling import in_split
from mmcourse.vqgan.latents import LatentAutoencoder


@pytest.fixture(scope="module")
def many():
    return [starring("train", i) for i in range(300)]


def test_the_hero_is_the_same_in_another_scene(many):
    for one in many:
        assert one.hero in one.scene.characters
        assert one.again in one.elsewhere.characters
        for what in ("species", "colour", "accessory", "identity"):
            assert getattr(one.hero, what) == getattr(one.again, what)
        assert one.scene.fingerprint() != one.elsewhere.fingerprint()
    for what in ("mood", "action"):
        alike = sum(getattr(one.hero, what) == getattr(one.again, what) for one in many)
        assert alike < 0.5 * len(many)
    assert sum(one.scene.place == one.elsewhere.place for one in many) < 0.5 * len(many)


def test_both_scenes_are_of_the_split(many):
    assert all(in_split(s, "train") for one in many for s in (one.scene, one.elsewhere))
    other = starring("test", 0)
    assert in_split(other.scene, "test")
    assert in_split(other.elsewhere, "test")


def test_doubles_stand_beside_the_hero_in_many_scenes(many):
    doubled = [one for one in many if one.double]
    assert 0.2 < len(doubled) / len(many) < 0.4
    for one in doubled:
        alike = [c for c in one.scene.characters if c.species == one.hero.species]
        assert len(alike) >= 2
        assert len({c.colour for c in alike}) == len(alike)  # words still tell them apart
        assert len({c.identity for c in alike}) == len(alike)


def test_a_family_depends_on_its_number_alone(many):
    assert starring("train", 7) == many[7]
    assert starring("train", 7, seed=1) != many[7]
    plain = next(i for i, one in enumerate(many) if not one.double)
    assert many[plain].scene == sample_scene("train", plain)


def test_a_portrait_is_a_square_of_the_other_picture(many):
    one = next(m for m in many if m.elsewhere.camera == "close")
    shown = portrait(one.elsewhere, one.again)
    assert shown.size == (64, 64)
    whole = np.asarray(render(one.elsewhere, 128)).astype(float)
    height = np.asarray(shown).astype(float).mean()
    assert abs(height - whole.mean()) < 40  # most of a close view
    left, right = (
        next(m for m in many if m.again.position == p and len(m.elsewhere.characters) == 2)
        for p in ("left", "right")
    )
    for m in (left, right):
        found = np.asarray(portrait(m.elsewhere, m.again))
        half = np.asarray(render(m.elsewhere, 128))
        half = half[:, :64] if m.again.position == "left" else half[:, 64:]
        assert len(set(map(tuple, found.reshape(-1, 3)))) > 20
        assert found.mean() == pytest.approx(half.mean(), abs=45)


def test_what_is_cached_is_what_is_drawn(many):
    data = cached_heroes(2)
    model = LatentAutoencoder.from_pretrained("latents-128")
    picture = torch.tensor(np.asarray(render(many[1].scene, 128)))[None]
    assert torch.allclose(data.latents[1].float(), model.encode(from_bytes(picture))[0], atol=2e-2)
    assert data.whom.references.shape == (2, 160)
    assert data.seen.shape == (2, 64, 80)
    assert data.doubles.tolist() == [many[0].double, many[1].double]
