"""Guidance: the formula, the interval, who is dropped, and what a condition may be."""

import pytest
import torch

from mmcourse.diffusion import Cond, Guided, draw_dropped, guide, rescale
from mmcourse.diffusion.cond import join


def cond(n=2, length=3, value=1.0):
    text = torch.full((n, length, 4), value)
    return Cond(text=text, mask=torch.ones(n, length, dtype=torch.bool), pooled=text.mean(1))


class Listening:
    """A denoiser that says what it was told, and counts rows."""

    def __init__(self):
        self.rows = []

    def __call__(self, x, t, cond=None):
        self.rows.append(len(x))
        told = (cond.text * cond.mask[..., None]).sum((1, 2)) / cond.mask.sum(1) / 4
        return x * 0 + told.view(-1, 1)


def test_scale_one_is_off_and_zero_is_without_words():
    u, c = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(guide(u, c, 0.0), u)
    torch.testing.assert_close(guide(u, c, 1.0), c)
    torch.testing.assert_close(guide(u, c, 3.5), (1 + 2.5) * c - 2.5 * u)  # the paper's form


def test_a_guided_model_is_a_model():
    model = Listening()
    guided = Guided(model, cond(1, 1, value=1.0), 3.0)
    out = guided(torch.zeros(2, 5), torch.full((2,), 400.0), cond(2, 3, value=2.0))
    assert torch.equal(out, torch.full((2, 5), 1 + 3.0 * (2 - 1)))
    assert model.rows == [4]


def test_outside_the_interval_and_at_scale_one_it_costs_one_look():
    model = Listening()
    guided = Guided(model, cond(1, 1), 3.0, interval=(0, 750))
    for t in (900.0, 700.0):
        guided(torch.zeros(2, 5), torch.full((2,), t), cond(value=2.0))
    Guided(model, cond(1, 1), 1.0)(torch.zeros(2, 5), torch.zeros(2), cond())
    assert model.rows == [2, 4, 2]


def test_rescaling_gives_each_row_the_others_spread():
    a, b = torch.randn(2, 3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    full = rescale(5 * a, b, 1.0)
    torch.testing.assert_close(full.std((1, 2, 3)), b.std((1, 2, 3)))
    assert torch.equal(rescale(5 * a, b, 0.0), 5 * a)
    torch.testing.assert_close(rescale(5 * a, b, 0.7), 0.7 * full + 0.3 * 5 * a)


def test_rows_are_dropped_each_for_itself():
    dropped = draw_dropped(4000, 0.1, torch.Generator().manual_seed(0))
    assert 0.08 < float(dropped.float().mean()) < 0.12
    assert not draw_dropped(50, 0.0).any()
    assert draw_dropped(50, 1.0).all()
    with pytest.raises(ValueError, match="p is 2"):
        draw_dropped(3, 2)


def test_guidance_without_a_condition_is_refused():
    with pytest.raises(ValueError, match="draws without words: use scale 1"):
        Guided(Listening(), None, 2.0)
    with pytest.raises(ValueError, match="without a condition"):
        Guided(Listening(), cond(1, 1), 2.0)(torch.zeros(2, 5), torch.zeros(2))
    with pytest.raises(ValueError, match="interval is empty"):
        Guided(Listening(), cond(1, 1), 2.0, interval=(500, 500))


def test_conditions_of_two_lengths_become_one_batch():
    both = join(cond(2, 1, 5.0), cond(2, 3))
    assert both.text.shape == (4, 3, 4)
    assert both.mask.sum(1).tolist() == [1, 1, 3, 3]
    assert both.text[0, 1:].abs().sum() == 0
    assert len(both) == 4
    with pytest.raises(ValueError, match="tell the same things"):
        join(Cond(pooled=torch.zeros(1, 2)), cond())


def test_a_condition_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="one batch"):
        Cond(text=torch.zeros(2, 3, 4), mask=torch.ones(2, 3).bool(), pooled=torch.zeros(3, 4))
    with pytest.raises(ValueError, match="come together"):
        Cond(text=torch.zeros(2, 3, 4))
    with pytest.raises(ValueError, match="holds no token"):
        Cond(text=torch.zeros(1, 3, 4), mask=torch.zeros(1, 3).bool())
    with pytest.raises(ValueError, match="bool mask"):
        Cond(text=torch.zeros(2, 3, 4), mask=torch.ones(2, 3))
    with pytest.raises(ValueError, match="cannot serve 4"):
        cond(2).expand(4)


def test_one_row_serves_many_and_everything_moves():
    wide = cond(1).expand(3)
    assert wide.text.shape == (3, 3, 4)
    assert wide.pooled.shape == (3, 4)
    assert len(Cond()) == 0
    moved = cond().to("meta")
    assert {v.device.type for v in moved.parts().values()} == {"meta"}


def test_a_row_without_spread_stays_as_it_is():
    flat = torch.full((1, 4), 2.0)
    assert torch.equal(rescale(flat, torch.randn(1, 4), 0.7), flat)
