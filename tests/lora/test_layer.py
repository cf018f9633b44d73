"""The layers: identity at the start, the formula, and the same in one piece."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmcourse.lora import (
    LoRAConfig,
    LoRAConv2d,
    LoRAEmbedding,
    LoRALinear,
    LowRank,
)
from mmcourse.lora.fused import low_rank_linear


def config(**more):
    return LoRAConfig(targets=("x",), **{"rank": 3, "alpha": 6.0, **more})


def dice(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


LAYERS = {
    "linear": (lambda: nn.Linear(6, 5), LoRALinear, lambda: dice(2, 4, 6)),
    "linear without bias": (lambda: nn.Linear(6, 5, bias=False), LoRALinear, lambda: dice(3, 6)),
    "embedding": (lambda: nn.Embedding(9, 5), LoRAEmbedding, lambda: torch.arange(8).view(2, 4)),
    "convolution": (
        lambda: nn.Conv2d(3, 5, 3, stride=2, padding=1),
        LoRAConv2d,
        lambda: dice(2, 3, 7, 7),
    ),
}


@pytest.fixture(params=LAYERS, ids=str)
def layer(request):
    torch.manual_seed(0)
    make, wrapper, x = LAYERS[request.param]
    return wrapper(make(), config()), x()


def test_nothing_changes_before_the_first_step(layer):
    adapted, x = layer
    torch.testing.assert_close(adapted(x), adapted.base(x), rtol=0, atol=0)


def test_only_the_adapter_gets_gradients_and_one_of_its_factors_does_at_once(layer):
    adapted, x = layer
    adapted(x).square().sum().backward()
    assert all(p.grad is None for p in adapted.base.parameters())
    grads = [p.grad.abs().max().item() for p in adapted.adapters.parameters()]
    assert sorted(g > 1e-6 for g in grads) == [False, True]  # the factor at 0 learns first


def test_the_weight_with_delta_computes_the_same(layer):
    adapted, x = layer
    for p in adapted.adapters.parameters():
        p.data = dice(*p.shape, seed=5)
    wanted = adapted(x)
    assert (wanted - adapted.base(x)).abs().max() > 0.1
    adapted.base.weight.data += adapted.delta()
    torch.testing.assert_close(adapted.base(x), wanted, rtol=1e-4, atol=1e-4)


def test_by_hand():
    linear = nn.Linear(2, 2)
    linear.weight.data, linear.bias.data = torch.eye(2), torch.tensor([1.0, 0.0])
    adapted = LoRALinear(linear, config(rank=1, alpha=3.0))
    adapted.adapters["default"].A.data = torch.tensor([[1.0, 2.0]])
    adapted.adapters["default"].B.data = torch.tensor([[0.0], [10.0]])
    # x = (1, 1): A x = 3, B A x = (0, 30), times alpha / r = 3
    torch.testing.assert_close(adapted(torch.ones(1, 2)), torch.tensor([[2.0, 91.0]]))


@pytest.mark.parametrize(("rs", "scale"), [(False, 16 / 4), (True, 16 / math.sqrt(4))])
def test_scale(rs, scale):
    assert LoRAConfig(("x",), rank=4, alpha=16, rs=rs).scale == scale


def test_a_starts_as_a_linear_layer_does():
    torch.manual_seed(3)
    mine = LowRank(5, 6, config()).A
    torch.manual_seed(3)
    torch.testing.assert_close(mine, nn.Linear(6, 3, bias=False).weight)


@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 4, 6), (0, 6)])
def test_in_one_piece_it_is_the_plain_formula_forward_and_back(shape):
    x, W, b, A, B = (dice(*s, seed=i, dtype=torch.float64).requires_grad_() for i, s in
                     enumerate((shape, (5, 6), (5,), (3, 6), (5, 3))))  # fmt: skip
    W.requires_grad_(False)
    b.requires_grad_(False)
    plain = F.linear(x, W, b) + 2.5 * F.linear(F.linear(x, A), B)
    mine = low_rank_linear(x, W, b, A, B, 2.5)
    torch.testing.assert_close(mine, plain)
    for one, other in zip(*(torch.autograd.grad(y.sin().sum(), (x, A, B)) for y in (mine, plain))):
        torch.testing.assert_close(one, other)


def test_in_one_piece_where_it_can_be_and_not_elsewhere():
    adapted = LoRALinear(nn.Linear(6, 5), config(dropout=0.5)).train()
    x = dice(2, 6)
    adapter = adapted.adapters["default"]
    assert not adapted._in_one(adapter, x)
    assert adapted.eval()._in_one(adapter, x)
    assert not adapted._in_one(adapter, x.double())
    with torch.autocast("cpu", torch.bfloat16):
        assert not adapted._in_one(adapter, x)
        assert adapted(x).dtype == torch.bfloat16
    half = LoRALinear(nn.Linear(6, 5).bfloat16(), config())
    out = half(x.bfloat16())
    assert out.dtype == torch.bfloat16
    out.sum().backward()
    assert half.adapters["default"].B.grad.dtype == torch.float32


def test_dropout_hides_the_input_from_the_update_alone():
    adapted = LoRALinear(nn.Linear(6, 5), config(dropout=0.5)).train()
    adapted.adapters["default"].B.data += 1.0
    x = dice(40, 6)
    torch.manual_seed(0)
    seen = F.dropout(x, 0.5)
    torch.manual_seed(0)
    wanted = adapted.base(x) + adapted.adapters["default"].eval()(seen)
    adapted.train()
    torch.manual_seed(0)
    torch.testing.assert_close(adapted(x), wanted)


def test_dora_starts_as_the_base_and_learns_lengths():
    torch.manual_seed(0)
    adapted = LoRALinear(nn.Linear(6, 5), config(dora=True))
    x = dice(4, 6)
    torch.testing.assert_close(adapted(x), adapted.base(x))
    adapter = adapted.adapters["default"]
    adapter.m.data *= 2.0
    torch.testing.assert_close(adapted(x) - adapted.bias, 2 * (adapted.base(x) - adapted.bias))
    adapter.B.data = dice(5, 3)
    wanted = adapted(x)
    wanted.sum().backward()
    assert all(p.grad is not None for p in adapter.parameters())
    adapted.merge()
    torch.testing.assert_close(adapted(x), wanted)
    torch.testing.assert_close(adapted.weight.norm(dim=1), adapter.m.detach())


def test_the_paddings_vector_stays():
    table = nn.Embedding(9, 5, padding_idx=0)
    adapted = LoRAEmbedding(table, config())
    adapted.adapters["default"].A.data += 1.0
    adapted(torch.tensor([0, 0, 3])).sum().backward()
    grad = adapted.adapters["default"].A.grad
    assert not grad[:, 0].any()
    assert grad[:, 3].any()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"rank": 0}, "rank is 0, expected a whole number from 1 on"),
        ({"rank": True}, "rank is True"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"targets": ()}, "targets is empty"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(given, told):
    with pytest.raises(ValueError, match=told):
        LoRAConfig(**{"targets": ("x",), **given})


def test_what_a_layer_cannot_do_is_refused():
    with pytest.raises(ValueError, match=r"rank 6 is above that of a layer of 5 by 6.*at most 5"):
        LoRALinear(nn.Linear(6, 5), config(rank=6))
    with pytest.raises(ValueError, match="DoRA is for linear layers"):
        LoRAEmbedding(nn.Embedding(9, 5), config(dora=True))
    with pytest.raises(ValueError, match="2 groups"):
        LoRAConv2d(nn.Conv2d(4, 4, 3, groups=2), config())
    with pytest.raises(ValueError, match="'reflect'"):
        LoRAConv2d(nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), config())
    with pytest.raises(ValueError, match="use it alone"):
        LoRALinear(nn.Linear(6, 5), config(dora=True)).use({"default": 0.5})


def test_a_row_of_zeros_has_no_direction_and_is_no_nan():
    linear = nn.Linear(6, 5)
    linear.weight.data[2] = 0
    layer = LoRALinear(linear, config(dora=True))
    out = layer(dice(2, 6))
    out.sum().backward()
    assert torch.equal(out, linear(dice(2, 6)))
    assert all(p.grad.isfinite().all() for p in layer.adapters.parameters())
    layer.merge()
    assert linear.weight.isfinite().all()


def test_cast_while_merged_it_comes_back_in_its_new_type():
    layer = LoRALinear(nn.Linear(6, 5), config())
    layer.merge()
    layer.bfloat16()
    layer.unmerge()
    assert layer.base.weight.dtype == torch.bfloat16
