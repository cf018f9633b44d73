"""Guidance in two directions: what it is made of, and when each part of it is there."""

import pytest
import torch

from mmcourse.diffusion.guidance import Guided
from mmcourse.dit.generate import GUIDED, guided
from mmcourse.dit.guidance import LikenessGuided

from .conftest import awake, small_dit
from .test_model import inputs


@pytest.fixture(scope="module")
def told():
    model, (x, words, portrait) = awake(small_dit()), inputs()
    with torch.no_grad():
        yield model, x, model.read(words, None, portrait), model.read(words)


def answers(told, t):
    model, x, cond, bare = told
    with torch.no_grad():
        return model(x, t, cond), model(x, t, bare), model(x, t)


CASES = [(500, 2.5, 2.0), (500, 1.0, 3.0), (900, 2.5, 2.0), (500, 2.5, 1.0)]


@pytest.mark.parametrize(("time", "scale", "likeness"), CASES)
def test_each_direction_counts_by_its_own_scale(told, time, scale, likeness):
    model, x, cond, _ = told
    t = torch.full((2,), float(time))
    c, w, u = answers(told, t)
    wanted = c + (likeness - 1) * (c - w) + (scale - 1) * (c - u) * (time <= 800)
    with torch.no_grad():
        found = LikenessGuided(model, model.null(1, True), scale, likeness, 800.0)(x, t, cond)
    assert torch.allclose(found, wanted, atol=1e-4)


def test_with_a_likeness_of_one_it_is_chapter_4_s_guidance(told):
    model, x, cond, _ = told
    t, null = torch.full((2,), 300.0), model.null(1, True)
    with torch.no_grad():
        ours = LikenessGuided(model, null, 2.0, 1.0, 800.0, 0.7)(x, t, cond)
        theirs = Guided(model, null, 2.0, (0.0, 800.0), 0.7)(x, t, cond)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_nobody_to_be_like(told):
    model, x, _, bare = told
    made = LikenessGuided(model, model.null(1, True), 2.0, 2.0, 800.0)
    for cond in (None, bare):
        with pytest.raises(ValueError, match="likeness to nobody: pass a condition with a refer"):
            made(x, torch.full((2,), 300.0), cond)


def test_a_picture_is_guided_to_a_likeness_where_somebody_is_shown(told):
    model = told[0]
    assert isinstance(guided(model, GUIDED, True), LikenessGuided)
    assert isinstance(guided(model, GUIDED, False), Guided)
    assert GUIDED.likeness > 1
