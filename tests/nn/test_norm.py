"""RMSNorm equals PyTorch's, and keeps its digits in half precision."""

import pytest
import torch
from torch import nn

from mmcourse.nn import RMSNorm
from mmcourse.nn.norm import GroupNorm


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_it_equals_pytorchs_forward_and_backward():
    ours, theirs = RMSNorm(6).double(), nn.RMSNorm(6, eps=1e-6, dtype=torch.float64)
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(draw(6, seed=1))
    x = draw(3, 5, 6).requires_grad_()
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-14)
    found = torch.autograd.grad(ours(x).pow(3).sum(), [x, ours.weight])
    wanted = torch.autograd.grad(theirs(x).pow(3).sum(), [x, theirs.weight])
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10)


def test_length_does_not_matter_and_nothing_stays_nothing():
    norm, x = RMSNorm(8).double(), 100 * draw(4, 8)
    torch.testing.assert_close(norm(1e4 * x), norm(x), rtol=1e-6, atol=0)
    torch.testing.assert_close(norm(x).square().mean(-1), torch.ones(4).double())
    assert torch.equal(norm(torch.zeros(2, 8).double()), torch.zeros(2, 8).double())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_comes_out_as_it_went_in_with_statistics_in_float32(dtype):
    """In float16 the square of 300 is infinite; in bfloat16 a mean over 512 stops growing."""
    norm, x = RMSNorm(512), (300 + draw(2, 512)).to(dtype)
    for autocast in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            out = norm(x)
        assert out.dtype == dtype
        exact = (x.double() / x.double().square().mean(-1, keepdim=True).sqrt()).to(dtype)
        assert torch.equal(out, exact)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_groups_are_normalised_in_float32_and_come_out_as_they_went_in(dtype):
    ours, theirs = GroupNorm(2, 8), nn.GroupNorm(2, 8)
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(draw(8, seed=1))
            norm.bias.copy_(draw(8, seed=2))
    x = (20 + draw(2, 8, 16, 16)).float()
    assert torch.equal(ours(x), theirs(x))
    half = x.to(dtype).contiguous(memory_format=torch.channels_last)
    exact = theirs(half.float()).to(dtype)
    for autocast in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            found = ours(half)
        assert torch.equal(found, exact)
    for norm in (ours, theirs):
        norm.to(dtype).float()
    assert torch.equal(ours.to(dtype)(half), theirs(half.float()).to(dtype))
