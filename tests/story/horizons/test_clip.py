"""Clips: truth that can be measured, and four ways whose errors are known."""

import pytest
import torch

from mmcourse.story.horizons import clip

SIDE = 64


@pytest.fixture(scope="module")
def film():
    (scene,) = clip.hops("test", 1)
    return clip.frames(scene, 5, SIDE), clip.hero_mask(scene, SIDE)


def found(frame, film):
    frames, mask = film
    return clip.where_is(frame, frames[0], mask, round(clip.height(1, SIDE)) + 2)


def test_the_hero_is_found_where_the_world_drew_it(film):
    for i, frame in enumerate(film[0]):
        at, unlike = found(frame, film)
        assert at == pytest.approx(clip.height(i / 4, SIDE), abs=1)
        assert unlike < 25
    assert found(film[0][0], film) == (0, 0.0)


def test_nobody_is_nowhere():
    with pytest.raises(ValueError, match="nobody is in the mask"):
        clip.where_is(torch.zeros(4, 4, 3), torch.zeros(4, 4, 3), torch.zeros(4, 4).bool(), 2)


def test_a_jump_is_braked():
    assert [clip.risen(t) for t in (0, 0.5, 1)] == [0, 0.75, 1]
    assert clip.height(1, 128) == pytest.approx(0.4 * 0.56 * 128)


def test_a_fade_stays_where_it_was_and_a_cut_out_moves(film):
    frames, _ = film
    first, last = frames[0], frames[-1]
    assert found(clip.cross_fade(first, last, 0.25), film)[0] == 0
    top = clip.height(1, SIDE)
    moved = clip.cut_out(first, last, 0.5)
    assert found(moved, film)[0] == pytest.approx(top / 2, abs=1)
    assert (clip.cut_out(first, last, 0.0) - first).abs().float().mean() < 4
    assert found(clip.cut_out(first, last, 1.0), film)[0] == pytest.approx(top, abs=1)
    for t, end in ((0.0, first), (1.0, last)):
        assert torch.equal(clip.cross_fade(first, last, t), end.float())


def test_a_network_begins_as_the_mixture_and_learns_one_clip():
    dice = torch.Generator().manual_seed(0)
    latents = torch.randn(1, 4, 3, 4, 4, generator=dice)
    torch.manual_seed(0)
    model = clip.Between(3, 8)
    ends = latents[:, 0], latents[:, -1]
    when = torch.tensor([0.3])
    assert torch.allclose(model(*ends, when), torch.lerp(*ends, 0.3))
    losses = [m["loss"] for m in clip.train_between(model, latents, steps=40, lr=2e-2)]
    assert losses[-1] < 0.3 * losses[0]


def test_psnr_by_hand():
    black = torch.zeros(2, 2, 3)
    assert clip.psnr(black, black + 255) == pytest.approx(0)
    assert clip.psnr(black, black + 25.5) == pytest.approx(20)
