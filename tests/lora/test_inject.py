"""Injection, switching, merging: what changes and what stays."""

import copy

import pytest
import torch
from torch import nn

from mmcourse.lora import (
    LoRAConfig,
    LoRALinear,
    adapted_layers,
    adapters,
    deltas,
    find_targets,
    inject,
    lora_layer,
    merge,
    strip,
    trainable,
    trainable_share,
    unmerge,
    use,
)

TEXT = LoRAConfig(targets=r"text\.\d+\.(q|v)_proj", rank=2)
ALL = LoRAConfig(targets=("q_proj", "v_proj", "words", "patches", "head"), rank=2)


def test_names_and_patterns(model):
    named = list(find_targets(model, ("q_proj",)))
    assert named == ["text.0.q_proj", "text.1.q_proj", "vision.0.q_proj"]
    assert list(find_targets(model, TEXT.targets)) == [
        f"text.{i}.{name}_proj" for i in (0, 1) for name in "qv"
    ]
    assert list(find_targets(model, ("0.q_proj",))) == ["text.0.q_proj", "vision.0.q_proj"]


def test_a_model_with_adapters_computes_what_it_did_and_learns_them_alone(model, batch):
    wanted = model(*batch)
    paths = inject(model, ALL)
    assert len(paths) == 9
    torch.testing.assert_close(model(*batch), wanted)
    learned = {name for name, p in model.named_parameters() if p.requires_grad}
    assert learned == {n for n, _ in model.named_parameters() if ".adapters." in n}
    assert len(trainable(model)) == 18
    model(*batch).square().mean().backward()
    assert all((p.grad is not None) == p.requires_grad for p in model.parameters())


def test_the_share_of_what_is_learned(model):
    inject(model, TEXT)
    base = sum(p.numel() for n, p in model.named_parameters() if ".adapters." not in n)
    assert trainable_share(model) == 4 * 2 * (16 + 16) / base


def test_an_optimiser_that_is_built_too_early_is_told(model):
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="nothing is trainable: inject an adapter first"):
        trainable(model)


def test_merged_is_adapted_twice_merged_is_merged_and_back_is_back(model, batch, stir):
    before = copy.deepcopy(model.state_dict())
    plain = model(*batch)
    stir(inject_into(model))
    wanted = model(*batch)
    assert (wanted - plain).abs().max() > 0.01
    for _ in range(2):
        merge(model)
        torch.testing.assert_close(model(*batch), wanted, rtol=1e-4, atol=1e-4)
    model.train().eval()  # modes change nothing
    torch.testing.assert_close(model(*batch), wanted, rtol=1e-4, atol=1e-4)
    for _ in range(2):
        unmerge(model)
        torch.testing.assert_close(model(*batch), wanted, rtol=0, atol=0)
    use(model, None)
    strip(model)
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[k], before[k]) for k in before)


def inject_into(model):
    inject(model, ALL)
    return model


def test_merging_in_bfloat16_rounds_once_and_comes_back(model, stir):
    model.bfloat16()
    stir(inject_into(model))
    weights = {k: m.weight.clone() for k, m in adapted_layers(model).items()}
    change = deltas(model)
    merge(model)
    for path, layer in adapted_layers(model).items():
        wanted = (weights[path].float() + change[path]).bfloat16()
        assert torch.equal(layer.weight, wanted)
    unmerge(model)
    assert all(torch.equal(m.weight, weights[k]) for k, m in adapted_layers(model).items())


def test_stripped_after_merging_it_is_a_plain_model(model, batch, stir):
    stir(inject_into(model))
    wanted = model(*batch)
    merge(model)
    assert not adapted_layers(strip(model))
    assert type(model.head) is nn.Linear
    torch.testing.assert_close(model(*batch), wanted, rtol=1e-4, atol=1e-4)


def test_two_adapters_are_switched_and_mixed(model, batch, stir):
    plain = model(*batch)
    inject(model, ALL, "style")
    inject(model, TEXT, "heroes")
    stir(model)
    assert adapters(model) == ("style", "heroes")
    outs = {}
    for chosen in ("style", "heroes", None):
        use(model, chosen)
        outs[chosen] = model(*batch)
        learned = {n for n, p in model.named_parameters() if p.requires_grad}
        assert all(f".{chosen}." in n for n in learned)
    assert (outs["style"] - outs["heroes"]).abs().max() > 0.01
    torch.testing.assert_close(outs[None], plain, rtol=0, atol=0)
    use(model, {"style": 0.5, "heroes": 2.0})
    mixed = model(*batch)
    merge(model)
    torch.testing.assert_close(model(*batch), mixed, rtol=1e-4, atol=1e-4)
    path = "text.0.q_proj"
    layer = model.text[0].q_proj
    change = layer.weight - layer.before
    wanted = 0.5 * deltas(model, "style")[path] + 2.0 * deltas(model, "heroes")[path]
    torch.testing.assert_close(change, wanted, rtol=1e-4, atol=1e-5)


def test_learning_one_leaves_the_other_alone(model, batch, stir):
    inject(model, TEXT, "a")
    inject(model, TEXT, "b")
    stir(model)
    other = copy.deepcopy(model.text[0].q_proj.adapters["a"].state_dict())
    torch.optim.SGD(trainable(model), lr=1.0)
    model(*batch).square().mean().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    after = model.text[0].q_proj.adapters["a"].state_dict()
    assert all(torch.equal(after[k], other[k]) for k in other)


def test_the_rank_of_what_is_added(model, stir):
    stir(inject_into(model))
    assert torch.linalg.matrix_rank(deltas(model)["head"]) == 2


def test_no_match_says_what_there_is(model):
    with pytest.raises(ValueError, match=r"no layer matches \('query',\).*q_proj \(3\)"):
        inject(model, LoRAConfig(targets=("query",)))
    with pytest.raises(ValueError, match="adaptable ones here are none at all"):
        inject(nn.Sequential(nn.ReLU()), LoRAConfig(targets=("query",)))


def test_what_cannot_be_adapted_is_refused_and_nothing_has_changed(model):
    named = dict(model.named_modules())
    for targets, told in (
        (("text.0",), "'text.0' is a Block"),
        (("norm",), "a LayerNorm"),
        (("q_proj", "head"), r"'text.0.q_proj': rank 17 is above"),
    ):
        with pytest.raises(ValueError, match=told):
            inject(model, LoRAConfig(targets=targets, rank=17))
    assert dict(model.named_modules()) == named
    assert all(p.requires_grad for p in model.parameters())


def test_shared_weights_and_weights_read_past_the_layer_are_refused(model):
    model.head.weight = model.words.weight
    for name in ("head", "words"):
        with pytest.raises(ValueError, match=r"shared \(words.weight = head.weight\)"):
            inject(model, LoRAConfig(targets=(name,)))
    with pytest.raises(ValueError, match="reads the weight past the layer"):
        inject(
            nn.ModuleDict({"a": nn.MultiheadAttention(8, 2)}),
            LoRAConfig(targets=("out_proj",), rank=1),
        )


def test_names_of_adapters_and_the_order_of_things(model):
    inject(model, TEXT)
    with pytest.raises(ValueError, match="there is an adapter 'default' already"):
        inject(model, TEXT)
    with pytest.raises(ValueError, match="no dot"):
        inject(model, TEXT, "a.b")
    with pytest.raises(ValueError, match="no adapter 'x'; there are default"):
        use(model, "x")
    merge(model)
    with pytest.raises(ValueError, match="unmerge them before you add another"):
        inject(model, TEXT, "other")
    with pytest.raises(ValueError, match="unmerge them before you switch"):
        use(model, None)


def test_a_copy_is_a_copy(model, batch, stir):
    stir(inject_into(model))
    twin = copy.deepcopy(model)
    wanted = model(*batch)
    for p in trainable(model):
        p.data.zero_()
    torch.testing.assert_close(twin(*batch), wanted)


def test_layers_say_what_they_are(model):
    inject(model, TEXT)
    layer = model.text[0].q_proj
    assert isinstance(layer, LoRALinear)
    assert (layer.in_features, layer.out_features) == (16, 16)
    assert layer.weight is layer.base.weight
    assert layer.bias is layer.base.bias


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"plain": 1.0, "rows": 1.0}, "DoRA"),
        ({"plain": float("nan")}, "share of adapter 'plain' is nan"),
        ({"plain": float("inf")}, "is inf"),
        (["plain"], "got a list"),
        ({"plain": "much"}, "is 'much'"),
    ],
)
def test_a_refused_switch_changes_nothing(model, batch, stir, wanted, told):
    inject(model, LoRAConfig(("words", "q_proj"), rank=2), "plain")
    inject(model, LoRAConfig(("q_proj",), rank=2, dora=True), "rows")
    use(stir(model), "plain")
    before = model(*batch)
    with pytest.raises(ValueError, match=told) as error:
        use(model, wanted)
    assert "\n" not in str(error.value)
    assert torch.equal(model(*batch), before)


@pytest.mark.parametrize("name", ["keys", "items", "type", "training"])
def test_words_of_pytorch_s_own_are_no_names(model, name):
    state = list(model.state_dict())
    with pytest.raises(ValueError, match="PyTorch's own"):
        inject(model, LoRAConfig(("q_proj",), rank=2), name)
    assert list(model.state_dict()) == state
    assert all(p.requires_grad for p in model.parameters())


def test_a_layer_alone_is_stripped_to_its_base():
    linear = torch.nn.Linear(6, 5)
    assert strip(lora_layer(linear, 2)) is linear
