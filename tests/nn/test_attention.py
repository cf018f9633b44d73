"""Attention and the transformer block equal PyTorch's own with the same weights."""

import pytest
import torch
from torch import nn

from mmcourse.nn import Attention, TransformerBlock

B, T, S, DIM, HEADS, CONTEXT = 3, 5, 7, 16, 4, 10


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def mask_of(*lengths, size):
    return torch.arange(size) < torch.tensor(lengths)[:, None]


def pytorch_attention(ours, context_dim):
    """nn.MultiheadAttention with the weights of ours."""
    theirs = nn.MultiheadAttention(
        DIM, HEADS, kdim=context_dim, vdim=context_dim, batch_first=True, dtype=torch.float64
    )
    projections = (ours.to_q, ours.to_k, ours.to_v)
    with torch.no_grad():
        if theirs.in_proj_weight is None:
            for name, source in zip("qkv", projections):
                getattr(theirs, f"{name}_proj_weight").copy_(source.weight)
        else:
            theirs.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        theirs.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
        theirs.out_proj.load_state_dict(ours.to_out.state_dict())
    return theirs


@pytest.mark.parametrize("context_dim", [None, DIM, CONTEXT])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_equals_multihead_attention_forward_and_backward(context_dim, masked):
    torch.manual_seed(0)
    ours = Attention(DIM, HEADS, context_dim).double()
    theirs = pytorch_attention(ours, context_dim)
    x = draw(B, T, DIM).requires_grad_()
    context = None if context_dim is None else draw(B, S, context_dim, seed=1).requires_grad_()
    keys = T if context is None else S
    mask = mask_of(2, keys, 1, size=keys) if masked else None
    weight = draw(B, T, DIM, seed=2)

    source = x if context is None else context
    out = ours(x, context, mask)
    expected, _ = theirs(
        x, source, source, key_padding_mask=None if mask is None else ~mask, need_weights=False
    )
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)

    inputs = [x] if context is None else [x, context]
    grads = torch.autograd.grad((out * weight).sum(), [*inputs, *ours.parameters()])
    found = dict(zip([f"input {i}" for i in range(len(inputs))] + names(ours), grads))
    grads = torch.autograd.grad((expected * weight).sum(), [*inputs, *theirs.parameters()])
    wanted = dict(zip([f"input {i}" for i in range(len(inputs))] + names(theirs), grads))
    for i in range(len(inputs)):
        torch.testing.assert_close(found[f"input {i}"], wanted[f"input {i}"], rtol=0, atol=1e-11)
    bias = torch.cat([found[f"to_{p}.bias"] for p in "qkv"])
    torch.testing.assert_close(bias, wanted["in_proj_bias"], rtol=0, atol=1e-11)
    torch.testing.assert_close(
        found["to_out.weight"], wanted["out_proj.weight"], rtol=0, atol=1e-11
    )


def names(module):
    return [name for name, _ in module.named_parameters()]


def test_what_is_masked_is_never_read():
    """True means attend: whatever stands where the mask is False changes nothing."""
    torch.manual_seed(0)
    attention = Attention(DIM, HEADS, CONTEXT).double()
    x, context = draw(B, T, DIM), draw(B, S, CONTEXT, seed=1).requires_grad_()
    mask = mask_of(1, 4, S, size=S)
    out = attention(x, context, mask)
    other = torch.where(mask[..., None], context, 1000 * draw(B, S, CONTEXT, seed=3))
    torch.testing.assert_close(attention(x, other, mask), out, rtol=0, atol=1e-12)
    for row, length in enumerate((1, 4, S)):
        alone = attention(x[row : row + 1], context[row : row + 1, :length])
        torch.testing.assert_close(out[row : row + 1], alone, rtol=0, atol=1e-12)
    (gradient,) = torch.autograd.grad(out.sum(), context)
    assert gradient[~mask].abs().max() == 0
    assert gradient[mask].abs().sum(-1).min() > 0


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="dim=10 and heads=4"):
        Attention(10, 4)


@pytest.mark.parametrize("masked", [False, True])
def test_the_block_equals_pytorchs_pre_norm_layer_forward_and_backward(masked):
    torch.manual_seed(0)
    ours = TransformerBlock(DIM, HEADS, mlp_ratio=3).double()
    theirs = nn.TransformerEncoderLayer(
        *(DIM, HEADS, 3 * DIM, 0.0, "gelu"), batch_first=True, norm_first=True, dtype=torch.float64
    )
    with torch.no_grad():
        for number, norm in enumerate((ours.norm1, ours.norm2)):  # else they are alike
            norm.weight.copy_(draw(DIM, seed=number))
            norm.bias.copy_(draw(DIM, seed=number + 10))
    theirs.self_attn = pytorch_attention(ours.attention, None)
    theirs.norm1, theirs.norm2 = ours.norm1, ours.norm2
    theirs.linear1, theirs.linear2 = ours.mlp[0], ours.mlp[2]

    x = draw(B, T, DIM).requires_grad_()
    mask = mask_of(2, T, 1, size=T) if masked else None
    out = ours(x, mask)
    expected = theirs(x, src_key_padding_mask=None if mask is None else ~mask)
    real = torch.ones(B, T, dtype=torch.bool) if mask is None else mask
    torch.testing.assert_close(out[real], expected[real], rtol=0, atol=1e-12)

    shared = [x, ours.norm1.weight, ours.norm2.bias, ours.mlp[0].weight, ours.mlp[2].weight]
    weight = draw(B, T, DIM, seed=2) * real[..., None]
    found = torch.autograd.grad((out * weight).sum(), shared)
    wanted = torch.autograd.grad((expected * weight).sum(), shared)
    for a, b in zip(found, wanted):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("context_dim", [None, CONTEXT])
@pytest.mark.parametrize("masked", [False, True])
def test_maps_are_the_weights_of_multihead_attention(context_dim, masked):
    torch.manual_seed(0)
    ours = Attention(DIM, HEADS, context_dim).double()
    theirs = pytorch_attention(ours, context_dim)
    x = draw(B, T, DIM)
    source = x if context_dim is None else draw(B, S, context_dim, seed=1)
    keys = source.shape[1]
    mask = mask_of(2, keys, 1, size=keys) if masked else None
    _, expected = theirs(
        x,
        source,
        source,
        key_padding_mask=None if mask is None else ~mask,
        average_attn_weights=False,
    )
    maps = ours.maps(x, None if context_dim is None else source, mask)
    torch.testing.assert_close(maps, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(maps.sum(-1), torch.ones(B, HEADS, T, dtype=torch.float64))
    if masked:
        assert (maps.transpose(1, 3)[~mask] == 0).all()
