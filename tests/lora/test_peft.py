"""Beside peft: values, gradients, an optimiser's step, merged weights, and files both ways."""

import copy

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers.pytorch_utils import Conv1D

from mmcourse.lora import (
    LoRAConfig,
    adapted_layers,
    deltas,
    inject,
    load_adapter,
    merge,
    save_adapter,
    strip,
    trainable,
    use,
)
from mmcourse.lora.files import adapter_tensors, read_config, to_peft

TARGETS = ("q_proj", "v_proj", "words", "patches", "head")
KINDS = {
    "lora": LoRAConfig(TARGETS, rank=3, alpha=5.0),
    "rslora": LoRAConfig(("q_proj", "head"), rank=4, alpha=5.0, rs=True),
    "a pattern": LoRAConfig(r"text\..*\.[qv]_proj", rank=2),
    "dora": LoRAConfig(("q_proj", "v_proj"), rank=3, dora=True),
}


def peft_config(config, **more):
    told = {k: v for k, v in to_peft(config).items() if k != "peft_type"}
    return LoraConfig(**{**told, "inference_mode": False, **more})


def theirs_by_our_names(model, name="default"):
    """peft's parameters by the names that files have."""
    return {
        key.replace(f".{name}.weight", "" if "magnitude" in key else ".weight").replace(
            f".{name}", ""
        ): p
        for key, p in model.named_parameters()
        if "lora_" in key
    }


@pytest.fixture(params=KINDS, ids=str)
def both(request, model, stir):
    """Our model and peft's, with the same base and the same adapter."""
    config = KINDS[request.param]
    theirs = get_peft_model(copy.deepcopy(model), peft_config(config)).eval()
    inject(model, config)
    stir(model)
    mine, other = adapter_tensors(model), theirs_by_our_names(theirs)
    assert mine.keys() == other.keys()
    for key, parameter in other.items():
        parameter.data.copy_(mine[key])
    return model, theirs, config


def test_values_gradients_and_a_step(both, batch):
    mine, theirs, _ = both
    outs = mine(*batch), theirs(*batch)
    torch.testing.assert_close(*outs, rtol=1e-5, atol=1e-5)
    for out in outs:
        out.square().mean().backward()
    other = theirs_by_our_names(theirs)
    for key, parameter in adapter_tensors(mine).items():
        torch.testing.assert_close(parameter.grad, other[key].grad, rtol=1e-4, atol=1e-6, msg=key)
    for parameters in (trainable(mine), [p for p in theirs.parameters() if p.requires_grad]):
        torch.optim.AdamW(parameters, lr=1e-2, eps=1e-4).step()
    for key, parameter in adapter_tensors(mine).items():
        torch.testing.assert_close(parameter, other[key], rtol=1e-4, atol=1e-5, msg=key)


def test_merged_weights(both):
    mine, theirs, _ = both
    merge(mine)
    wanted = theirs.merge_and_unload().state_dict()
    found = strip(mine).state_dict()
    assert found.keys() == wanted.keys()
    for key in wanted:
        torch.testing.assert_close(found[key], wanted[key], rtol=1e-5, atol=1e-6, msg=key)


def test_peft_reads_our_files(both, batch, tmp_path, fresh):
    mine, _, config = both
    save_adapter(mine, tmp_path, config)
    theirs, report = PeftModel.from_pretrained(fresh(), tmp_path), None
    report = theirs.load_adapter(tmp_path, "default")
    assert not report.unexpected_keys
    assert not [key for key in report.missing_keys if "lora_" in key]
    torch.testing.assert_close(theirs.eval()(*batch), mine(*batch), rtol=1e-5, atol=1e-5)


def test_we_read_pefts_files(both, batch, tmp_path, fresh):
    _, theirs, config = both
    theirs.save_pretrained(tmp_path)
    mine = fresh()
    found = load_adapter(mine, tmp_path)
    wanted = config.targets if isinstance(config.targets, str) else tuple(sorted(config.targets))
    assert found == read_config(tmp_path)
    assert (found.targets, found.scale, found.dora) == (wanted, config.scale, config.dora)
    torch.testing.assert_close(mine(*batch), theirs(*batch), rtol=1e-5, atol=1e-5)


def test_dropout_falls_alike(model, batch):
    for config in (
        LoRAConfig(("q_proj",), dropout=0.4),
        LoRAConfig(("q_proj",), dropout=0.4, dora=True),
    ):
        mine, theirs = copy.deepcopy(model), copy.deepcopy(model)
        theirs = get_peft_model(theirs, peft_config(config)).train()
        inject(mine, config)
        mine.train()
        other = theirs_by_our_names(theirs)
        for key, parameter in adapter_tensors(mine).items():
            parameter.data += 0.1
            other[key].data.copy_(parameter)
        outs = []
        for one in (mine, theirs):
            torch.manual_seed(0)
            outs.append(one(*batch))
        torch.testing.assert_close(*outs, rtol=1e-5, atol=1e-5)


class Small(nn.Module):
    """GPT-2's kind of layer, and one projection for queries, keys and values at once."""

    def __init__(self):
        super().__init__()
        self.c_attn = Conv1D(24, 8)  # 8 in, 24 out
        self.qkv = nn.Linear(24, 72)

    def forward(self, x):
        return self.qkv(torch.tanh(self.c_attn(x)))


def test_gpt2s_layers_and_a_fused_projection(stir, tmp_path):
    torch.manual_seed(0)
    base, x = Small(), torch.randn(2, 3, 8)
    config = LoRAConfig(("c_attn", "qkv"), rank=2)
    mine = copy.deepcopy(base)
    inject(mine, config)
    stir(mine)
    save_adapter(mine, tmp_path, config)
    theirs = PeftModel.from_pretrained(copy.deepcopy(base), tmp_path).eval()
    torch.testing.assert_close(mine(x), theirs(x), rtol=1e-5, atol=1e-5)
    assert deltas(mine)["c_attn"].shape == (8, 24)
    merge(mine)
    torch.testing.assert_close(mine(x), theirs(x), rtol=1e-4, atol=1e-5)
    assert len(adapted_layers(mine)) == 2


def test_a_weighted_mix_is_pefts_cat(model, batch, stir):
    """peft's "linear" adds the factors and has cross terms; its "cat" is the sum of updates."""
    config = LoRAConfig(("q_proj", "head"), rank=4, alpha=5.0)
    theirs = get_peft_model(copy.deepcopy(model), peft_config(config), "style").eval()
    theirs.add_adapter("heroes", peft_config(config))
    for name in ("style", "heroes"):
        inject(model, config, name)
    stir(model)
    for name in ("style", "heroes"):
        other = theirs_by_our_names(theirs, name)
        for key, parameter in adapter_tensors(model, name).items():
            other[key].data.copy_(parameter)
    shares = {"style": 0.3, "heroes": 0.9}
    use(model, shares)
    wanted = model(*batch)
    theirs.add_weighted_adapter(list(shares), list(shares.values()), "both", "cat")
    theirs.set_adapter("both")
    torch.testing.assert_close(theirs(*batch), wanted, rtol=1e-4, atol=1e-4)
