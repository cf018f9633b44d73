"""The U-Net's pieces equal diffusers', with converted weights, forwards and backwards."""

import pytest
import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import nn

from mmcourse.diffusion.blocks import (
    Downsample,
    Look,
    TimeBlock,
    Upsample,
    last_convolution,
    watched,
)
from mmcourse.nn import sincos_positions


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def take(ours: nn.Module, theirs: nn.Module) -> None:
    """Their weights from ours."""
    theirs.weight.data.copy_(ours.weight)
    if ours.bias is not None:
        theirs.bias.data.copy_(ours.bias)


def attentions(ours, theirs):
    """Their layers beside ours."""
    names = (("to_q", "to_q"), ("to_k", "to_k"), ("to_v", "to_v"))
    pairs = [(getattr(ours, a), getattr(theirs, b)) for a, b in names]
    return [*pairs, (ours.to_out, theirs.to_out[0])]


def alike(ours, peer, inputs):
    """The same result, and the same gradients to every input."""
    leaves = [[x.clone().requires_grad_() for x in inputs] for _ in range(2)]
    a, b = ours(*leaves[0]), peer(*leaves[1])
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    told = noise(*a.shape, seed=9)
    for mine, other in zip(
        torch.autograd.grad((a * told).sum(), leaves[0]),
        torch.autograd.grad((b * told).sum(), leaves[1]),
    ):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("out", [16, 32])
def test_a_time_block_is_their_resnet_block(out):
    torch.manual_seed(0)
    ours = TimeBlock(16, out, 24)
    peer = ResnetBlock2D(in_channels=16, out_channels=out, temb_channels=24, groups=8, eps=1e-5)
    for name, other in (("norm1", "norm1"), ("conv1", "conv1"), ("time", "time_emb_proj"),
                        ("norm2", "norm2"), ("conv2", "conv2")):  # fmt: skip
        take(getattr(ours, name), getattr(peer, other))
    if out != 16:
        take(ours.skip, peer.conv_shortcut)
    alike(ours, peer, (noise(2, 16, 4, 6), noise(2, 24, seed=1)))


@pytest.mark.parametrize("context", [None, 12])
def test_looking_is_their_transformer_block(context):
    torch.manual_seed(0)
    ours = Look(32, context, head=16)
    peer = BasicTransformerBlock(
        32, 2, 16, cross_attention_dim=context, activation_fn="gelu", attention_bias=True,
        double_self_attention=False,
    )  # fmt: skip
    pairs = [
        (ours.norm1, peer.norm1),
        (ours.norm3, peer.norm3),
        *attentions(ours.around, peer.attn1),
    ]
    pairs += [(ours.think[0], peer.ff.net[0].proj), (ours.think[2], peer.ff.net[2])]
    if context:
        peer.attn2 = Attention(32, context, heads=2, dim_head=16, bias=True, qk_norm="layer_norm")
        words = ours.words
        pairs += [(ours.norm2, peer.norm2), (words.to_q, peer.attn2.to_q)]
        pairs += [(words.to_out, peer.attn2.to_out[0])]
        for norm, other in ((words.q_norm, peer.attn2.norm_q), (words.k_norm, peer.attn2.norm_k)):
            nn.init.normal_(norm.weight)
            other.weight.data.copy_(norm.weight)
        for layer, part in ((peer.attn2.to_k, 0), (peer.attn2.to_v, 1)):
            layer.weight.data.copy_(words.to_kv.weight.chunk(2)[part])
            layer.bias.data.copy_(words.to_kv.bias.chunk(2)[part])
    for mine, other in pairs:
        take(mine, other)
    nn.init.normal_(ours.place.weight)
    x = noise(2, 32, 4, 3)
    here = ours.place(sincos_positions(4, 3, 32)).detach()

    def theirs(a, *more, **given):
        return peer(a.flatten(2).mT + here, *more, **given).mT.unflatten(-1, (4, 3))

    if context is None:
        return alike(ours, theirs, (x,))
    mask = torch.tensor([[True, True, True, False, False], [True] * 5])
    hidden = torch.zeros(2, 1, 5).masked_fill(~mask[:, None], -1e9)
    words = noise(2, 5, 12, seed=3)
    alike(
        lambda a, b: ours(a, b, mask),
        lambda a, b: theirs(a, encoder_hidden_states=b, encoder_attention_mask=hidden),
        (x, words),
    )
    return None


def test_a_place_is_told_where_it_is():
    """Exchange two places of a map, and without `place` their results are exchanged."""
    torch.manual_seed(0)
    block = Look(32, head=16)
    x = noise(1, 32, 2, 2)
    torch.testing.assert_close(block(x.flip(-1)), block(x).flip(-1))
    nn.init.normal_(block.place.weight)
    assert not torch.allclose(block(x.flip(-1)), block(x).flip(-1), atol=0.1)


def test_sizes_change_as_theirs_do():
    torch.manual_seed(0)
    down, up = Downsample(8), Upsample(8)
    theirs = Downsample2D(8, use_conv=True, padding=1), Upsample2D(8, use_conv=True)
    take(down.conv, theirs[0].conv)
    take(up.conv, theirs[1].conv)
    alike(down, theirs[0], (noise(2, 8, 6, 4),))
    alike(up, theirs[1], (noise(2, 8, 3, 5),))


def test_the_last_convolution_says_nothing_at_first():
    last = last_convolution(16, 3)
    assert not last(noise(2, 16, 4, 4)).any()


def test_an_attention_over_words_needs_words():
    with pytest.raises(ValueError, match="pass a context"):
        Look(32, 12)(noise(1, 32, 2, 2))
    with pytest.raises(ValueError, match="heads of 32 do not divide 40"):
        Look(40)


def test_the_ratio_of_mean_and_spread_is_seen():
    """Where it is 1,000, channels_last on a CPU computes garbage: the number that detects it."""
    norm = nn.Sequential(nn.GroupNorm(2, 4))
    x = noise(3, 4, 8, 8)
    with watched(norm) as ratios:
        norm(x)
    assert ratios["0"] < 1
    with watched(norm) as ratios:
        norm(x + 50)
    assert ratios["0"] == pytest.approx(50, rel=0.3)
    assert not norm[0]._forward_pre_hooks
