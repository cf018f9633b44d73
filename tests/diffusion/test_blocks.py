"""The U-Net's pieces equal diffusers', with converted weights, forwards and backwards."""

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import nn

from mmcourse.diffusion.blocks import (
    Downsample,
    PictureAttention,
    TimeBlock,
    Upsample,
    last_convolution,
    watched,
)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def take(ours: nn.Module, theirs: nn.Module) -> None:
    """Their weights from ours."""
    theirs.weight.data.copy_(ours.weight)
    if ours.bias is not None:
        theirs.bias.data.copy_(ours.bias)


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
def test_looking_is_their_attention(context):
    torch.manual_seed(0)
    ours = PictureAttention(32, context, head=16)
    peer = Attention(
        32, context, heads=2, dim_head=16, norm_num_groups=8, eps=1e-5, residual_connection=True,
        processor=AttnProcessor2_0(),
    )  # fmt: skip
    take(ours.norm, peer.group_norm)
    take(ours.to_q, peer.to_q)
    take(ours.to_out, peer.to_out[0])
    for weight, layer in zip(ours.to_kv.weight.chunk(2), (peer.to_k, peer.to_v)):
        layer.weight.data.copy_(weight)
    x = noise(2, 32, 4, 3)
    if context is None:
        return alike(ours, peer, (x,))
    mask = torch.tensor([[True, True, True, False, False], [True] * 5])
    hidden = torch.zeros(2, 1, 5).masked_fill(~mask[:, None], -1e9)
    words = noise(2, 5, 12, seed=3)
    alike(
        lambda a, b: ours(a, b, mask),
        lambda a, b: peer(a, encoder_hidden_states=b, attention_mask=hidden),
        (x, words),
    )
    return None


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
        PictureAttention(32, 12)(noise(1, 32, 2, 2))
    with pytest.raises(ValueError, match="heads of 32 do not divide 40"):
        PictureAttention(40)


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
