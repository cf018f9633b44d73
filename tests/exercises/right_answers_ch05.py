"""Right answers of chapter 5, written in as many ways as learners find. All of them must pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from mmcourse.dit import patchify


def patches_by_unfold(x, patch):
    return F.unfold(x, patch, stride=patch).transpose(1, 2)


def patches_by_unshuffle(x, patch):
    return F.pixel_unshuffle(x, patch).flatten(2).mT


def patches_by_slices(x, patch):
    b, _, height, width = x.shape
    rows = []
    for top in range(0, height, patch):
        for left in range(0, width, patch):
            rows.append(x[:, :, top : top + patch, left : left + patch].reshape(b, -1))
    return torch.stack(rows, dim=1)


def patches_by_chunks(x, patch):
    strips = x.split(patch, dim=2)
    return torch.stack([s.flatten(1) for strip in strips for s in strip.split(patch, 3)], 1)


def places_by_loops(places, dim):
    d = dim // 4
    k = torch.arange(d, device=places.device, dtype=torch.float64)
    w = torch.pow(torch.tensor(10_000.0, dtype=torch.float64, device=places.device), -k / d)
    row, column = places.double().unbind(1)
    parts = []
    for axis in (column, row):
        angle = torch.outer(axis, w)
        parts += [torch.sin(angle), torch.cos(angle)]
    return torch.hstack(parts).float()


def places_by_einsum(places, dim):
    d = dim // 4
    w = (torch.arange(d, device=places.device) * (-9.210340371976184 / d)).exp()
    angles = torch.einsum("ta,k->tak", places.float().flip(1), w)  # (T, 2, d)
    return torch.cat([angles.sin(), angles.cos()], 2).flatten(1).float()


def places_by_a_shift(places, dim):
    """The cosine as a sine, a quarter of a turn later."""
    d = dim // 4
    w = 1 / 10_000.0 ** (torch.arange(d, dtype=torch.float64, device=places.device) / d)
    out = [torch.sin(places[:, a, None] * w + s) for a in (1, 0) for s in (0.0, torch.pi / 2)]
    return torch.cat(out, 1).to(torch.float32)


def turned_by_rotate_half(x, angles):
    half = x.shape[-1] // 2
    other = torch.cat([-x[..., half:], x[..., :half]], -1)
    cos, sin = (torch.cat([w, w], -1) for w in (angles.cos(), angles.sin()))
    return (x * cos + other * sin).to(x.dtype)


def turned_by_complex_numbers(x, angles):
    a, b = x.chunk(2, -1)
    z = torch.complex(a, b) * torch.polar(torch.ones_like(angles), angles).to(
        torch.complex128 if x.dtype == torch.float64 else torch.complex64
    )
    return torch.cat([z.real, z.imag], -1).to(x.dtype)


def turned_by_matrices(x, angles):
    c, s = angles.cos(), angles.sin()
    matrix = torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2).to(x.dtype)
    pairs = torch.stack(x.chunk(2, -1), -1)  # (..., T, D / 2, 2)
    return (matrix @ pairs[..., None])[..., 0].transpose(-1, -2).flatten(-2)


def modulated_by_std_mean(x, shift, scale):
    variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-6) * (scale + 1) + shift


def modulated_in_two_terms(x, shift, scale):
    n = F.layer_norm(x, [x.size(-1)], None, None, 1e-6)
    return n + n * scale + shift


def modulated_by_a_module(x, shift, scale):
    norm = torch.nn.LayerNorm(x.shape[-1], eps=1e-6, elementwise_affine=False)
    return torch.addcmul(shift, norm(x), scale.add(1))


def line_by_shares(begun, arrived, t, ends):
    start, end = ends
    share = ((t - end) / (start - end)).reshape(-1, *[1] * (begun.dim() - 1))
    width = (start - end).reshape(share.shape)
    return torch.lerp(arrived, begun, share.expand_as(begun)), (begun - arrived) / width


def line_from_the_start(begun, arrived, t, ends):
    shape = (len(t),) + (1,) * (begun.ndim - 1)
    velocity = (arrived - begun) / (ends[1] - ends[0]).view(shape)
    return begun + (t - ends[0]).view(shape) * velocity, velocity


def line_as_a_list(begun, arrived, t, ends):
    states, speeds = [], []
    for i in range(len(t)):
        v = (begun[i] - arrived[i]) / (ends[0][i] - ends[1][i])
        speeds.append(v)
        states.append(arrived[i] + v * (t[i] - ends[1][i]))
    return [torch.stack(states), torch.stack(speeds)]


def hunt_patches_by_sizes(unpatchify):
    for b, c, h, w, p in ((2, 2, 4, 8, 2), (3, 1, 6, 12, 3), (2, 3, 2, 8, 2), (1, 4, 4, 16, 4)):
        x = torch.rand(b, c, h, w)
        tokens = patchify(x, p)
        tokens.requires_grad_(True)
        out = unpatchify(tokens, p, h, w)
        torch.testing.assert_close(out, x)
        assert out.requires_grad
    x = torch.rand(2, 4, 4, 16)
    assert torch.allclose(unpatchify(patchify(x, 2), 2, 4, 16), x)
    assert torch.allclose(unpatchify(patchify(x, 4), 4, 4, 16), x)


def hunt_patches_by_counting(unpatchify):
    """Numbers that say where they are."""
    for p, h, w in ((2, 4, 16), (4, 8, 4), (2, 4, 6), (3, 3, 6)):
        i, j = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        x = torch.stack([100 * i + j, 1000 + 100 * i + j, -i - 50 * j]).float()
        x = torch.stack([x, 5 + 2 * x])
        tokens = F.unfold(x, p, stride=p).transpose(1, 2).requires_grad_()
        out = unpatchify(tokens, p, h, w)
        assert out.tolist() == x.tolist()
        assert out.grad_fn is not None


def hunt_block_by_formula(block):
    torch.manual_seed(7)
    m = block(12, 3)
    x, c = 5 * torch.randn(3, 4, 12) - 1, torch.randn(3, 12)
    assert torch.allclose(m(x, c), x)
    m(x, c).square().sum().backward()
    grad = m.modulation.bias.grad
    assert grad is not None
    assert grad.view(6, 12)[2].abs().sum() > 0
    assert grad.view(6, 12)[5].abs().sum() > 0
    torch.nn.init.normal_(m.modulation.weight)
    torch.nn.init.normal_(m.modulation.bias)
    vectors = m.modulation(c * torch.sigmoid(c)).view(3, 6, 1, 12)

    def norm(h):
        return (h - h.mean(-1, keepdim=True)) / (
            h.var(-1, keepdim=True, unbiased=False) + 1e-6
        ) ** 0.5

    h = x + vectors[:, 2] * m.attention(norm(x) * (1 + vectors[:, 1]) + vectors[:, 0])
    h = h + vectors[:, 5] * m.mlp(norm(h) * (1 + vectors[:, 4]) + vectors[:, 3])
    assert torch.allclose(m(x, c), h, rtol=1e-3, atol=1e-3)


def hunt_block_by_parts(block):
    """Spies in place of the two parts."""
    m = block(4, 2)
    x, c = (
        torch.tensor([[[1.0, 5, 2, 9]], [[3, -4, 0, 2]]]),
        torch.tensor([[1.0], [-2.0]]).repeat(1, 4),
    )
    assert (m(x, c) == x).all()
    out = m(x, c)
    out.sum().backward()
    assert m.modulation.weight.grad is not None
    assert m.modulation.weight.grad.view(6, 4, 4)[[2, 5]].abs().sum((1, 2)).min() > 0
    with torch.no_grad():
        for k in range(6):
            m.modulation.weight[4 * k : 4 * k + 4] = 0.1 * (k + 1) * torch.eye(4)
            m.modulation.bias[4 * k : 4 * k + 4] = 0.3 - 0.07 * k
    seen = []
    for part in (m.attention, m.mlp):
        part.register_forward_hook(lambda module, args, out: seen.append((args[0], out)))
    result = m(x, c)
    six = [(F.silu(c) * 0.1 * (k + 1) + 0.3 - 0.07 * k)[:, None] for k in range(6)]
    (first, added), (second, further) = seen
    n = F.layer_norm(x, (4,), eps=1e-6)
    assert torch.allclose(first, n * (1 + six[1]) + six[0], atol=1e-5)
    h = x + six[2] * added
    assert torch.allclose(
        second, F.layer_norm(h, (4,), eps=1e-6) * (1 + six[4]) + six[3], atol=1e-5
    )
    assert torch.allclose(result, h + six[5] * further, atol=1e-5)


RIGHT_CH05: dict[str, list[Callable[..., Any]]] = {
    "ch05.patchify": [
        patches_by_unfold,
        patches_by_unshuffle,
        patches_by_slices,
        patches_by_chunks,
    ],
    "ch05.sincos_at": [places_by_loops, places_by_einsum, places_by_a_shift],
    "ch05.rotate": [turned_by_rotate_half, turned_by_complex_numbers, turned_by_matrices],
    "ch05.modulate": [modulated_by_std_mean, modulated_in_two_terms, modulated_by_a_module],
    "ch05.hunt_unpatchify": [hunt_patches_by_sizes, hunt_patches_by_counting],
    "ch05.hunt_adaln_zero": [hunt_block_by_formula, hunt_block_by_parts],
    "ch05.straight_line": [line_by_shares, line_from_the_start, line_as_a_list],
}
