"""Hard negatives: whom they may be, and how often."""

import pytest
import torch
import torch.nn.functional as F

from mmcourse.joint import draw_negatives, matching_loss


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def test_nobody_is_its_own_negative_nor_one_that_is_excluded():
    logits = 5 * torch.randn(12, 12, generator=dice()) + 100 * torch.eye(12)
    excluded = torch.rand(12, 12, generator=dice(1)) < 0.5
    own = torch.arange(12)
    for seed in range(50):
        drawn = draw_negatives(logits, dice(seed), excluded)
        assert (drawn != own).all()
        assert not excluded[own, drawn].any()


def test_what_the_model_confuses_is_drawn_as_often_as_it_believes_it():
    logits = torch.tensor([[9.0, 0.0, 1.0, 2.0]]).expand(4, -1).clone()
    g = dice()
    drawn = torch.stack([draw_negatives(logits, g)[0] for _ in range(4000)])
    found = torch.bincount(drawn, minlength=4) / 4000
    expected = torch.cat([torch.zeros(1), torch.tensor([0.0, 1.0, 2.0]).softmax(0)])
    torch.testing.assert_close(found, expected, rtol=0, atol=0.025)


def test_the_draw_depends_on_the_generator_alone_and_passes_no_gradient():
    logits = torch.randn(6, 6, generator=dice()).requires_grad_()
    first, again = draw_negatives(logits, dice(3)), draw_negatives(logits, dice(3))
    assert torch.equal(first, again)
    assert first.dtype == torch.int64
    assert not first.requires_grad


@pytest.mark.parametrize("excluded", [None, torch.tensor([[False]])])
def test_one_pair_has_no_negative(excluded):
    with pytest.raises(ValueError, match=r"row 0 of 1 has no negative.*larger batch"):
        draw_negatives(torch.zeros(1, 1), dice(), excluded)


def test_a_row_of_which_all_are_excluded_is_named():
    excluded = torch.zeros(4, 4, dtype=torch.bool)
    excluded[2] = True
    with pytest.raises(ValueError, match="row 2 of 4"):
        draw_negatives(torch.zeros(4, 4), dice(), excluded)


def test_half_precision_logits_of_a_hundred_are_drawn_from():
    logits = (100 * torch.randn(8, 8, generator=dice())).to(torch.bfloat16)
    assert (draw_negatives(logits, dice()) != torch.arange(8)).all()


def test_matching_is_binary_cross_entropy():
    logits = torch.randn(9, generator=dice(), dtype=torch.float64)
    fits = torch.rand(9, generator=dice(1)) < 0.5
    p = logits.sigmoid()
    by_hand = -torch.where(fits, p.log(), (1 - p).log()).mean()
    torch.testing.assert_close(matching_loss(logits, fits), by_hand)
    two = torch.stack([torch.zeros(9, dtype=torch.float64), logits], 1)
    torch.testing.assert_close(matching_loss(logits, fits), F.cross_entropy(two, fits.long()))
