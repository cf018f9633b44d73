"""The page's formulas are what the layers compute."""

import torch
from torch import nn

from mmcourse.lora import (
    lora_layer,
    lora_linear,
    merged_weight,
    nf4_levels,
    pack,
    replace_layers,
    round_to_levels,
    unpack_weight,
)


def test_the_layer_is_the_formula():
    torch.manual_seed(0)
    layer = lora_layer(nn.Linear(6, 5), rank=2, alpha=3.0)
    adapter = layer.adapters["default"]
    adapter.B.data.normal_()
    x = torch.randn(4, 6)
    given = layer.weight, adapter.A, adapter.B, 3.0
    wanted = lora_linear(x, layer.weight, layer.bias, *given[1:])
    torch.testing.assert_close(layer(x), wanted)
    layer.merge()
    torch.testing.assert_close(layer.weight, merged_weight(layer.before, *given[1:]))


def test_merging_rounds_once():
    weight = torch.full((4, 4), 1.0, dtype=torch.bfloat16)
    A, B = torch.full((1, 4), 0.003), torch.ones(4, 1)
    found = merged_weight(weight, A.bfloat16(), B.bfloat16(), 1.0)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, (1 + A.bfloat16().float()).bfloat16().expand(4, 4))


def test_what_is_replaced_is_not_walked_into():
    class Around(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.proj = inner

    model = nn.ModuleDict({"a": nn.ModuleDict({"proj": nn.Linear(2, 2)})})
    assert replace_layers(model, ("proj",), Around) == ["a.proj"]
    assert isinstance(model["a"]["proj"].proj, nn.Linear)


def test_rounding_is_packing_and_unpacking():
    w = torch.randn(256, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(round_to_levels(w, nf4_levels()), unpack_weight(pack(w)))
