"""Patches: an exact inverse, an order that is pixel_unshuffle's, places of any size."""

import pytest
import torch
import torch.nn.functional as F

from mmcourse.dit.patches import (
    beside_it,
    patchify,
    sincos_at,
    spread_positions,
    square,
    unpatchify,
)
from mmcourse.nn import grid_positions, sincos_positions


@pytest.mark.parametrize(
    ("shape", "patch"),
    [((2, 3, 4, 6), 2), ((1, 5, 9, 3), 3), ((2, 1, 5, 7), 1), ((1, 2, 8, 16), 8)],
)
def test_unpatchify_undoes_patchify(shape, patch):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    tokens = patchify(x, patch)
    assert tokens.shape == (shape[0], shape[2] * shape[3] // patch**2, shape[1] * patch**2)
    assert torch.equal(unpatchify(tokens, patch, shape[2], shape[3]), x)


def test_a_token_is_a_square_channel_by_channel():
    x = torch.randn(2, 3, 6, 4)
    unshuffled = F.pixel_unshuffle(x, 2)
    assert torch.equal(patchify(x, 2), unshuffled.flatten(2).transpose(1, 2))
    assert torch.equal(patchify(x, 2)[1, 3].view(3, 2, 2), x[1, :, 2:4, 2:4])


def test_sides_that_the_patch_does_not_divide_are_refused():
    with pytest.raises(ValueError, match="a patch of 2 does not divide 5 x 4"):
        patchify(torch.zeros(1, 1, 5, 4), 2)
    with pytest.raises(ValueError, match="multiples of 3"):
        unpatchify(torch.zeros(1, 4, 9), 3, 6, 7)
    with pytest.raises(ValueError, match="6 tokens of a multiple of 4 numbers, got 5 of 8"):
        unpatchify(torch.zeros(1, 5, 8), 2, 4, 6)


def test_places_of_the_training_size_are_the_grid_s():
    assert torch.equal(spread_positions(8, 8, 8), grid_positions(8, 8).float())
    assert torch.equal(sincos_at(spread_positions(8, 8, 8), 32), sincos_positions(8, 8, 32))


def test_a_larger_picture_is_cut_more_finely_about_the_same_middle():
    fine, usual = spread_positions(16, 16, 8), spread_positions(8, 8, 8)
    assert torch.allclose(fine.mean(0), usual.mean(0))
    assert fine.unflatten(0, (8, 2, 8, 2)).mean((1, 3)).flatten(0, 1).allclose(usual)
    wide = spread_positions(4, 8, 8)
    assert wide.min(0).values.tolist() == [2.0, 0.0]  # a strip in the middle


def test_a_reference_stands_to_the_right():
    there = beside_it(16, 8)
    assert float(there[:, 1].min()) > 7
    assert float(there[:, 0].max()) <= 7
    assert len({tuple(p) for p in there.tolist()}) == 16
    with pytest.raises(ValueError, match="square"):
        square(12)
    with pytest.raises(ValueError, match="multiple of 4"):
        sincos_at(there, 6)
