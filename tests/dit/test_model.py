"""The diffusion transformer: what it is at the start, what it may look at, any size, bad input."""

import pytest
import torch

from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.guidance import Guided
from mmcourse.diffusion.text import Words
from mmcourse.dit.attention import PatchAttention, turn, waves
from mmcourse.dit.block import DiTBlock, SharedModulation, modulate
from mmcourse.dit.model import DiT
from mmcourse.nn import WordAttention, grid_positions, rotary_angles, rotate

from .conftest import awake, small_dit

T = torch.tensor([100.0, 700.0])


def inputs(size=8):
    dice = torch.Generator().manual_seed(3)
    words = Words(
        torch.randn(2, 5, 32, generator=dice), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    )
    return (
        torch.randn(2, 4, size, size, generator=dice),
        words,
        torch.randn(2, 12, generator=dice),
    )


def test_at_the_start_it_predicts_nothing_and_its_blocks_are_the_identity():
    model, (x, words, portrait) = small_dit(), inputs()
    cond = model.read(words, None, portrait)
    assert not model(x, T, cond).any()
    came_in = model.look(x, T, cond, after=0)[1]
    assert torch.equal(model.look(x, T, cond, after=2)[1], came_in)


def test_every_weight_learns():
    model, (x, words, portrait) = small_dit(), inputs()
    awake(model)
    model(x, T, model.read(words, torch.tensor([True, False]), portrait)).square().mean().backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # softmax does not see what all its scores have in common
    assert all("to_qkv.bias" in n or n.endswith("to_kv.bias") for n in still), still


def test_turning_is_the_course_s_rotation():
    x, angles = torch.randn(2, 3, 6, 8), rotary_angles(grid_positions(2, 3), 8)
    assert torch.allclose(turn(x, *waves(angles, x.dtype)), rotate(x, angles), atol=1e-6)


def test_a_turn_s_gradient_is_autograd_s():
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64, requires_grad=True)
    cos, sin = waves(rotary_angles(grid_positions(2, 3), 8), torch.float64)
    assert torch.autograd.gradcheck(lambda x: turn(x, cos, sin), x)
    assert torch.autograd.gradgradcheck(lambda x: turn(x, cos, sin), x)


def test_what_is_computed_again_gives_the_same_gradients_and_keeps_less():
    model, (x, words, portrait) = small_dit(), inputs()
    awake(model)
    kept, gradients = {}, {}
    for recompute in (False, True):
        model.recompute = recompute
        sizes: list[int] = []
        note = torch.autograd.graph.saved_tensors_hooks(
            lambda t, sizes=sizes: sizes.append(t.nbytes) or t, lambda t: t
        )
        with note:
            model(x, T, model.read(words, None, portrait)).square().mean().backward()
        kept[recompute] = sum(sizes)
        gradients[recompute] = [p.grad.clone() for p in model.parameters()]
        model.zero_grad()
    assert all(map(torch.equal, *gradients.values()))
    assert kept[True] < 0.7 * kept[False], kept


def test_attention_depends_on_how_far_apart_patches_are_not_on_where():
    torch.manual_seed(0)
    attention, x = PatchAttention(16, 2), torch.randn(1, 6, 16)
    places = grid_positions(2, 3).float()
    here, there, wider = (
        attention(x, waves(rotary_angles(p, 8), x.dtype))[0]
        for p in (places, places + torch.tensor([3.0, 5.0]), 2 * places)
    )
    assert torch.allclose(here, there, atol=1e-5)
    assert not torch.allclose(here, wider, atol=1e-3)


def test_scores_do_not_grow_with_the_weights():
    """QK-norm: queries and keys a thousand times as long give the same maps."""
    torch.manual_seed(0)
    attention, x, words = WordAttention(16, 2, 8), torch.randn(1, 6, 16), torch.randn(1, 4, 8)
    mask = torch.ones(1, 4, dtype=torch.bool)
    before = attention.maps(x, words, mask)
    with torch.no_grad():
        attention.to_q.weight *= 1000
        attention.to_q.bias *= 1000
    assert torch.allclose(attention.maps(x, words, mask), before, atol=1e-4)
    assert torch.allclose(before.sum(-1), torch.ones(1, 2, 6))
    parts = attention._parts(x, words)
    v = parts[2].transpose(1, 2).flatten(2)
    by_hand = (before @ v.unflatten(-1, (2, -1)).transpose(1, 2)).transpose(1, 2).flatten(2)
    out = attention(x, words, mask[:, None, None])
    assert torch.allclose(attention.to_out(by_hand), out, atol=1e-4)


def test_values_are_mixed_with_the_first_block_s():
    torch.manual_seed(0)
    x, places = torch.randn(1, 4, 16), waves(rotary_angles(grid_positions(2, 2), 8), torch.float32)
    mixing, plain = PatchAttention(16, 2), PatchAttention(16, 2, mixed=False)
    plain.load_state_dict({k: v for k, v in mixing.state_dict().items() if k != "mix"})
    out, values = mixing(x, places)
    other = torch.randn_like(values)
    assert torch.allclose(plain(x, places, other)[0], out)
    assert not torch.allclose(mixing(x, places, other)[0], out)
    with torch.no_grad():
        mixing.mix.copy_(torch.tensor([1.0, 0.0]))
    assert torch.allclose(mixing(x, places, other)[0], out)


def test_modulation_is_a_norm_that_the_condition_stretches_and_moves():
    x, zero = 5 + 3 * torch.randn(2, 4, 8), torch.zeros(2, 1, 8)
    plain = modulate(x, zero, zero)
    assert torch.allclose(plain.mean(-1), torch.zeros(2, 4), atol=1e-5)
    assert torch.allclose(plain.std(-1, unbiased=False), torch.ones(2, 4), atol=1e-3)
    assert torch.allclose(modulate(x, zero + 2, zero + 0.5), 1.5 * plain + 2, atol=1e-5)


def test_all_blocks_share_one_modulation_and_add_their_own():
    shared, block = SharedModulation(16), DiTBlock(16, 2, 8)
    assert shared(torch.randn(3, 16)).shape == (3, 6, 16)
    assert sum(p.numel() for p in shared.parameters()) > block.own.numel()
    share = sum(p.numel() for n, p in DiT().named_parameters() if "modulation" in n or "own" in n)
    assert share / sum(p.numel() for p in DiT().parameters()) < 0.1  # a third in the paper's


def test_a_row_without_a_portrait_is_as_if_there_were_none():
    model, (x, words, portrait) = awake(small_dit()), inputs()
    portrait[0] = 0
    shown, bare = model(x, T, model.read(words, None, portrait)), model(x, T, model.read(words))
    assert torch.allclose(shown[0], bare[0], atol=1e-5)
    assert not torch.allclose(shown[1], bare[1], atol=1e-3)
    both = model.read(words, torch.tensor([True, False]), portrait + 1)
    assert torch.allclose(model(x, T, both)[0], model(x, T, model.null(2))[0], atol=1e-5)


def test_several_portraits_in_any_order_and_an_empty_one_is_none():
    model, (x, words, portrait) = awake(small_dit()), inputs()
    other = portrait.flip(0)
    both = torch.stack([portrait, other], 1)  # (B, 2, hero)
    with torch.no_grad():
        one, two, turned = (
            model(x, T, model.read(words, None, r)) for r in (portrait, both, both.flip(1))
        )
        padded = torch.stack([portrait, 0 * portrait], 1)
        alone = model(x, T, model.read(words, None, padded))
        dropped = model.read(words, torch.tensor([True, False]), both)
        assert torch.allclose(model(x, T, dropped)[0], model(x, T)[0], atol=1e-5)
    assert torch.allclose(alone, one, atol=1e-5)
    assert torch.allclose(two, turned, atol=1e-5)
    assert not torch.allclose(two, one, atol=1e-3)


def test_padding_of_words_changes_nothing():
    model, (x, words, _) = awake(small_dit()), inputs()
    strange = Words(words.features + 9 * ~words.mask[..., None], words.mask)
    assert torch.allclose(
        model(x, T, model.read(words)), model(x, T, model.read(strange)), atol=1e-5
    )
    assert not torch.allclose(model(x, T, model.read(words)), model(x, T), atol=1e-3)


def test_guidance_with_a_portrait_goes_away_from_no_words_and_no_portrait():
    model, (x, words, portrait) = awake(small_dit()), inputs()
    cond = model.read(words, None, portrait)
    t = torch.full((2,), 500.0)
    with torch.no_grad():
        c, u = model(x, t, cond), model(x, t)
        found = Guided(model, model.null(1, True), 3.0)(x, t, cond)
    assert torch.allclose(found, u + 3 * (c - u), atol=1e-4)


@pytest.mark.parametrize("size", [(4, 8), (16, 16), (8, 12)])
def test_any_size_that_the_patch_divides(size):
    model = awake(small_dit())
    x = torch.randn(1, 4, *size)
    assert model(x, T[:1]).shape == x.shape
    moved = model(x.roll(2, -1), T[:1])
    assert not torch.allclose(moved.roll(-2, -1), model(x, T[:1]), atol=1e-3)  # it knows the places


def test_in_bfloat16_it_says_nearly_the_same():
    model, (x, words, portrait) = awake(small_dit()), inputs()
    with torch.no_grad():
        exact = model(x, T, model.read(words, None, portrait))
        with torch.autocast("cpu", torch.bfloat16):
            rough = model(x, T, model.read(words, None, portrait))
    assert float((rough - exact).std() / exact.std()) < 0.05


def test_what_comes_back_is_what_was_saved(tmp_path):
    model, (x, words, portrait) = awake(small_dit(windows=4, tower="abc")), inputs()
    model.save_pretrained(tmp_path)
    again = DiT.from_pretrained(tmp_path)
    assert (again.windows, again.tower, again.shape) == (4, "abc", (4, 8, 8))
    cond = model.read(words, None, portrait)
    assert torch.equal(again(x, T, cond), model(x, T, cond))


def test_bad_input_is_one_clear_line():
    model, (x, words, portrait) = small_dit(), inputs()
    with pytest.raises(ValueError, match="a patch of 2 does not divide 7 x 8"):
        model(x[:, :, :7], T)
    with pytest.raises(ValueError, match="NaN or infinity"):
        model.read(words, None, portrait * torch.nan)
    with pytest.raises(ValueError, match=r"\(B, 4, H, W\), got \(2, 3, 8, 8\)"):
        model.check(x[:, :3])
    with pytest.raises(ValueError, match=r"\(B, R, 12\), got \(2, 3\): encode portraits"):
        model.read(words, None, portrait[:, :3])
    with pytest.raises(ValueError, match="multiple of heads"):
        DiTBlock(16, 3, 8)
    assert torch.equal(portrait[:, None], model.read(words, None, portrait).reference)


@pytest.mark.parametrize("parts", [{"pooled": torch.zeros(1, 32)}, {}])
def test_a_condition_without_words_is_refused(parts):
    with pytest.raises(ValueError, match="a DiT is told words"):
        awake(small_dit())(torch.zeros(1, 4, 8, 8), torch.zeros(1), Cond(**parts))
