"""Rotary embedding equals Llama's and Qwen's, and only distances count."""

import pytest
import torch

from mmcourse.nn import grid_positions, rotary_angles, rotate

DIM = 16


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_in_one_dimension_it_equals_llamas():
    from transformers import LlamaConfig
    from transformers.models.llama import modeling_llama as llama

    config = LlamaConfig(hidden_size=2 * DIM, num_attention_heads=2, head_dim=DIM)
    places = torch.tensor([0, 1, 5, 40, 300])
    x = draw(3, 2, 5, DIM).float()
    cos, sin = llama.LlamaRotaryEmbedding(config)(x, places[None])
    expected, _ = llama.apply_rotary_pos_emb(x, x, cos, sin)
    torch.testing.assert_close(rotate(x, rotary_angles(places, DIM)), expected, rtol=0, atol=1e-5)


def test_in_two_dimensions_it_equals_qwens_vision_tower():
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as qwen

    places = grid_positions(3, 4)
    frequencies = 10_000.0 ** -(torch.arange(0, DIM // 2, 2) / (DIM // 2))  # as Qwen's tower has
    pairs = torch.cat([places[:, :1] * frequencies, places[:, 1:] * frequencies], 1)
    twice = torch.cat([pairs, pairs], -1)
    x = draw(12, 2, DIM).float()
    expected, _ = qwen.apply_rotary_pos_emb_vision(x, x, twice.cos(), twice.sin())
    found = rotate(x.transpose(0, 1), rotary_angles(places, DIM)).transpose(0, 1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("places", "shift"),
    [
        (torch.arange(7), torch.tensor(13)),
        (grid_positions(3, 4), torch.tensor([5, -2])),
        (torch.rand(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([1.5, 2, 4])),
    ],
)
def test_products_depend_on_distances_alone(places, shift):
    dim = 24
    q, k = draw(len(places), dim), draw(len(places), dim, seed=1)

    def products(at):
        angles = rotary_angles(at, dim).double()
        return rotate(q, angles) @ rotate(k, angles).T

    torch.testing.assert_close(products(places), products(places + shift), rtol=0, atol=2e-5)
    assert (products(places) - products(2 * places)).abs().max() > 0.1
    assert (products(places) - q @ k.T).abs().max() > 0.1


def test_along_a_row_only_the_second_half_of_the_pairs_turns():
    angles = rotary_angles(grid_positions(2, 3), DIM)
    assert angles.shape == (6, DIM // 2)
    rows, columns = angles.chunk(2, 1)
    torch.testing.assert_close(rows[:3], rows[:1].expand(3, -1))
    torch.testing.assert_close(columns[:3], columns[3:])
    assert angles.unique(dim=0).shape[0] == 6
    torch.testing.assert_close(rows[3], 10_000.0 ** -(torch.arange(4) / 4))


def test_turning_keeps_lengths_and_leaves_the_first_place_alone():
    x = draw(2, 5, DIM)
    turned = rotate(x, rotary_angles(torch.arange(5), DIM).double())
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(turned[:, 0], x[:, 0])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_angles_stay_in_float32_under_autocast(dtype):
    places = torch.arange(290, 310)
    x = draw(20, DIM).to(dtype)
    exact_angles = places[:, None].double() * 10_000.0 ** -(torch.arange(DIM // 2).double() / 8)
    a, b = x.double().chunk(2, -1)
    cos, sin = exact_angles.cos(), exact_angles.sin()
    exact = torch.cat([a * cos - b * sin, a * sin + b * cos], -1)
    with torch.autocast("cpu", torch.bfloat16):
        angles = rotary_angles(places, DIM)
        turned = rotate(x, angles)
    assert (angles.dtype, turned.dtype) == (torch.float32, dtype)
    tolerance = 4 * torch.finfo(dtype).eps if dtype != torch.float32 else 1e-4
    torch.testing.assert_close(turned.double(), exact, rtol=0, atol=tolerance)


def test_widths_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="dim is 10, expected a multiple of 4"):
        rotary_angles(grid_positions(2, 2), 10)
    with pytest.raises(ValueError, match="a width of 8, got x of 16"):
        rotate(draw(3, 16), rotary_angles(torch.arange(3), 8))
