"""Four bits a number: the levels, the error, and QLoRA over them."""

import sys

import pytest
import torch
from torch import nn

from mmcourse.lora import (
    FourBitLinear,
    LoRAConfig,
    inject,
    merge,
    nf4_levels,
    pack,
    pack_model,
    trainable,
    unpack,
    unpack_weight,
)

# Table of the paper's appendix E.
PAPER = [-1.0, -0.69619, -0.52507, -0.39492, -0.28444, -0.18477, -0.09105, 0.0,
         0.07958, 0.16093, 0.24611, 0.33792, 0.44071, 0.56262, 0.72296, 1.0]  # fmt: skip


def weights(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.05


def test_the_levels_are_the_papers():
    torch.testing.assert_close(nf4_levels(), torch.tensor(PAPER), rtol=0, atol=1e-5)


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("shape", [(8, 64), (5, 30), (3, 2, 11)])
def test_every_weight_goes_to_its_nearest_level(shape, twice):
    w = weights(*shape)
    packed = pack(w, twice)
    back = unpack_weight(packed)
    assert back.shape == shape
    flat = torch.nn.functional.pad(w.flatten(), (0, -w.numel() % 64)).view(-1, 64)
    best = flat.abs().amax(1)[:, None, None] * nf4_levels()
    nearest = (flat[..., None] - best).abs().amin(-1).flatten()[: w.numel()]
    slack = 0.01 * w.abs().max() if twice else 1e-7  # the scales' own rounding
    assert ((back.flatten() - w.flatten()).abs() <= nearest + slack).all()


def test_bits_and_error():
    w = weights(512, 256)
    assert pack(w).bits == pytest.approx(4.5)
    assert pack(w, twice=True).bits == pytest.approx(4.127, abs=1e-3)
    errors = {}
    for twice in (False, True):
        errors[twice] = (unpack_weight(pack(w, twice)) - w).square().mean() / w.square().mean()
        assert 0.005 < errors[twice] < 0.01  # about 9 % of the deviation
    even = (w / w.abs().max() * 7).round() / 7 * w.abs().max()  # sixteen even steps for all
    assert errors[True] < (even - w).square().mean() / w.square().mean() / 3


def test_packing_what_is_packed_changes_nothing():
    once = unpack_weight(pack(weights(4, 64)))
    torch.testing.assert_close(unpack_weight(pack(once)), once)


def test_zeros_stay_zeros_and_nonsense_is_refused():
    assert not unpack_weight(pack(torch.zeros(4, 64))).any()
    with pytest.raises(ValueError, match="NaN or infinity"):
        pack(torch.full((2, 2), torch.nan))
    with pytest.raises(ValueError, match="9 numbers"):
        pack(torch.ones(3, 3))


def test_the_layer_is_its_unpacked_self_forward_and_back():
    torch.manual_seed(0)
    layer = FourBitLinear(nn.Linear(64, 6))
    x = torch.randn(3, 64, requires_grad=True)
    plain = layer.unpacked()
    torch.testing.assert_close(layer(x), plain(x))
    one, other = (torch.autograd.grad(f(x).square().sum(), x) for f in (layer, plain))
    torch.testing.assert_close(one, other)
    assert not any(p.requires_grad for p in layer.parameters())
    assert layer(x.bfloat16()).dtype == torch.bfloat16
    copied = FourBitLinear(nn.Linear(64, 6))
    copied.load_state_dict(layer.state_dict())
    torch.testing.assert_close(copied(x), layer(x))


def test_it_holds_nothing_of_the_weights_size_for_the_way_back():
    layer, kept = FourBitLinear(nn.Linear(64, 64)), []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda x: kept.append(x.numel()) or x, lambda x: x
    ):
        layer(torch.randn(2, 64, requires_grad=True))
    assert not [n for n in kept if n >= 64 * 64]


def test_qlora_learns_over_a_packed_base(model, batch):
    paths = pack_model(model, ("q_proj", "v_proj"), twice=True)
    assert len(paths) == 6
    inject(model, LoRAConfig(targets=("q_proj", "v_proj"), rank=4))
    wanted = torch.randn(2, 5, 20, generator=torch.Generator().manual_seed(4))
    optimiser = torch.optim.Adam(trainable(model), lr=3e-2)
    losses = []
    for _ in range(12):
        loss = (model(*batch) - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    with pytest.raises(ValueError, match="packed to 4 bits"):
        merge(model)
    out = model(*batch)
    merge(unpack(model))
    torch.testing.assert_close(model(*batch), out, rtol=1e-4, atol=1e-4)


def test_only_plain_layers_are_packed(model, monkeypatch):
    inject(model, LoRAConfig(targets=("head",)))
    with pytest.raises(ValueError, match="'head' is a LoRALinear"):
        pack_model(model, ("head",))
    with pytest.raises(ValueError, match="'words' is a Embedding"):
        pack_model(model, ("words",))
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(ValueError, match="bitsandbytes is not installed: `pip install"):
        pack_model(model, ("q_proj",), library=True)


def test_it_is_what_bitsandbytes_does():
    functional = pytest.importorskip("bitsandbytes.functional")
    w = weights(32, 64)
    theirs = functional.quantize_4bit(w, blocksize=64, quant_type="nf4")
    mine = unpack_weight(pack(w))
    torch.testing.assert_close(functional.dequantize_4bit(*theirs), mine, rtol=1e-5, atol=1e-7)


def test_scales_packed_twice_come_back_from_a_state_dict():
    made = [FourBitLinear(nn.Linear(256, 64), twice=True) for _ in range(2)]
    made[1].load_state_dict(made[0].state_dict())
    x = weights(2, 256)
    assert torch.equal(made[1](x), made[0](x))


def test_unpacked_it_has_its_own_type():
    model = nn.Sequential(nn.Linear(64, 8)).bfloat16()
    pack_model(model, ("0",))
    assert unpack(model)[0].weight.dtype == torch.bfloat16
