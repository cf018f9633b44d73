"""Whom a portrait shows: where a hero stands, and how far guesses of who it is are off."""

import dataclasses

import numpy as np
import pytest
import torch

from mmcourse.dit.heroes import starring
from mmcourse.dit.whom import Whom, cached_whom, covered
from mmcourse.storyworld import render


def some():
    dice = torch.Generator().manual_seed(0)
    places = torch.zeros(64, 16)
    places[:, 5], places[:, 6] = 1.0, 0.5
    return Whom(torch.randn(64, 12, generator=dice), torch.rand(64, 8, generator=dice), places)


def wanted(whom, index):
    apart = (whom.traits[index] - whom.traits.mean(0)) / whom.traits.std(0)
    return apart[:, None].repeat(1, 16, 1)


def test_who_knows_misses_nothing_and_who_knows_nothing_misses_all():
    whom, index = some(), torch.arange(64)
    assert float(whom.missed(wanted(whom, index), index)) == pytest.approx(0, abs=1e-6)
    assert float(whom.missed(torch.zeros(64, 16, 8), index)) == pytest.approx(1, abs=0.02)


def test_only_the_hero_s_places_count_each_by_how_much_of_it_is_covered():
    whom, index = some(), torch.arange(64)
    for place, share in ((0, 0), (9, 0), (5, 2 / 3), (6, 1 / 3)):
        guesses = wanted(whom, index)
        guesses[:, place] += 1
        assert float(whom.missed(guesses, index)) == pytest.approx(share, abs=1e-5)


def test_rows_to_whom_nobody_was_shown_teach_nothing():
    whom, index = some(), torch.tensor([3, 4])
    guesses = torch.zeros(2, 16, 8, requires_grad=True)
    whom.missed(guesses, index, torch.tensor([True, False])).backward()
    assert not guesses.grad[0].any()
    assert guesses.grad[1].any()


def recoloured(scene, hero):
    """The same scene, its hero of another colour; None where that contradicts something."""
    colour = "blue" if hero.colour == "red" else "red"
    cast = tuple(
        dataclasses.replace(c, colour=colour) if c is hero else c for c in scene.characters
    )
    try:
        return dataclasses.replace(scene, characters=cast)
    except ValueError:
        return None


def test_a_hero_s_box_is_where_it_is_drawn():
    """What changes in a picture when its hero takes another colour lies in the box."""
    inside = outside = seen = 0
    for i in range(60):
        star = starring("train", i)
        other = recoloured(star.scene, star.hero)
        if other is None:
            continue
        before, after = (np.asarray(render(s, 128)).astype(float) for s in (star.scene, other))
        changed = np.abs(before - after).reshape(8, 16, 8, 16, 3).sum((1, 3, 4)).reshape(-1)
        box = covered(star.scene, star.hero)
        assert box.shape == (64,)
        assert box.min() >= 0
        assert 0.3 < box.max() <= 1
        inside, outside = inside + changed[box > 0].sum(), outside + changed[box == 0].sum()
        seen += 1
    assert seen > 30
    assert outside < 0.1 * inside  # a tail, an arm that is stretched out


def test_what_is_kept_is_of_the_scenes_in_order():
    whom = cached_whom(3)
    assert whom.references.shape == (3, 160)
    star = starring("train", 2)
    assert torch.equal(whom.places[2], torch.from_numpy(covered(star.scene, star.hero)))
