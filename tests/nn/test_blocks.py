"""Pooling and convolution blocks, against their formulas."""

import pytest
import torch
import torch.nn.functional as F

from mmcourse.nn import Downsample, ResidualBlock, masked_mean, residual_stack, zeroed


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_masked_mean_is_the_mean_of_what_is_there():
    tokens = draw(4, 6, 3)
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0], [0, 1, 0, 1, 0, 0], [1] + 5 * [0]])
    mask = mask.bool()
    found = masked_mean(tokens, mask)
    assert found.shape == (4, 3)
    for row in range(4):
        torch.testing.assert_close(found[row], tokens[row][mask[row]].mean(0), rtol=0, atol=1e-14)


def test_pads_neither_enter_the_mean_nor_get_gradients():
    tokens = draw(2, 5, 3).requires_grad_()
    mask = torch.arange(5) < torch.tensor([[2], [4]])
    other = torch.where(mask[..., None], tokens, torch.full_like(tokens, 1e6))
    assert torch.equal(masked_mean(tokens, mask), masked_mean(other, mask))
    (gradient,) = torch.autograd.grad(masked_mean(tokens, mask).sum(), tokens)
    assert gradient[~mask].abs().max() == 0
    torch.testing.assert_close(gradient[0, 0], torch.full((3,), 0.5, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_mean_keeps_the_type_of_the_tokens(dtype):
    assert masked_mean(draw(1, 4, 2).to(dtype), torch.ones(1, 4).bool()).dtype == dtype


def test_a_residual_block_is_the_formula_of_pre_activation():
    torch.manual_seed(0)
    block = ResidualBlock(16, groups=4).double()
    norm1, _, conv1, norm2, _, conv2 = block.body
    with torch.no_grad():
        for number, norm in enumerate((norm1, norm2)):
            norm.weight.copy_(draw(16, seed=number))
    x = draw(2, 16, 6, 5)
    h = conv1(F.silu(F.group_norm(x, 4, norm1.weight, norm1.bias)))
    h = conv2(F.silu(F.group_norm(h, 4, norm2.weight, norm2.bias)))
    assert block(x).shape == x.shape
    torch.testing.assert_close(block(x), x + h, rtol=0, atol=1e-12)


def test_a_residual_block_with_a_zeroed_end_is_the_identity():
    block = ResidualBlock(8)
    assert zeroed(block.body[-1]) is block.body[-1]
    x = torch.randn(1, 8, 4, 4)
    assert torch.equal(block(x), x)


def test_a_block_may_widen_then_the_input_is_fitted_by_one_by_one():
    torch.manual_seed(0)
    block = ResidualBlock(8, groups=4, out_channels=12).double()
    x = draw(2, 8, 5, 6)
    zeroed(block.body[-1])
    torch.testing.assert_close(block(x), F.conv2d(x, block.skip.weight, block.skip.bias))
    assert block(x).shape == (2, 12, 5, 6)
    with pytest.raises(ValueError, match="got 8 for 12 in and 12 out"):
        ResidualBlock(12)


def test_a_stack_starts_as_the_identity_and_learns_from_its_last_convolutions():
    torch.manual_seed(0)
    stack, x = residual_stack(16, depth=3).double(), draw(2, 16, 6, 6)
    assert torch.equal(stack(x), x)
    (stack(x) - draw(2, 16, 6, 6, seed=1)).square().mean().backward()
    moved = {name for name, p in stack.named_parameters() if p.grad.abs().max() > 0}
    assert moved == {f"{i}.body.5.{part}" for i in range(3) for part in ("weight", "bias")}


def test_channels_last_changes_the_order_in_memory_alone():
    torch.manual_seed(0)
    block, x = ResidualBlock(16), draw(2, 16, 8, 8).float()
    plain = block(x)
    block.to(memory_format=torch.channels_last)
    turned = block(x.contiguous(memory_format=torch.channels_last))
    assert turned.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(turned, plain, rtol=0, atol=1e-5)


def test_downsampling_halves_and_sees_every_pixel():
    block = Downsample(3, 8)
    x = torch.randn(2, 3, 12, 16).requires_grad_()
    out = block(x)
    assert out.shape == (2, 8, 6, 8)
    (gradient,) = torch.autograd.grad(out.square().sum(), x)
    assert gradient.abs().sum(1).min() > 0
