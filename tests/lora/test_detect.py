"""Each failure is made on purpose, and its detector sees it; without it, it sees nothing."""

import pytest
import torch
from PIL import Image

from mmcourse.lora import IGNORED, LoRAConfig, adapted_layers, inject, merge, trainable
from mmcourse.lora.detect import (
    adapted_outside,
    dead_layers,
    entropy_rank,
    gain_by_looking,
    labelled_share,
    merging_error,
    missing_from,
    spectrum,
)
from mmcourse.lora.models.collate import Example, collate
from mmcourse.lora.models.folders import build
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.targets import TARGETS, targets_of


@pytest.fixture
def llava():
    """A LLaVA with adapters that have learned a little, and a batch."""
    torch.manual_seed(0)
    model, processor = build("llava", SMOKE)
    inject(model, LoRAConfig(targets_of("llava", model), rank=2))
    for parameter in trainable(model):
        parameter.data += 0.1 * torch.randn_like(parameter)
    pictures = [Image.new("RGB", (16, 16), (200 * i, 90, 120)) for i in range(2)]
    said = ("red", "blue")
    return model, collate(processor, [Example("what?", a, (p,)) for a, p in zip(said, pictures)])


def test_dead_factors(llava):
    model, batch = llava
    assert dead_layers(model, batch) == []
    path, layer = next(iter(adapted_layers(model).items()))
    for parameter in layer.adapters.parameters():
        parameter.data.zero_()
    assert dead_layers(model, batch) == [path]


def test_an_optimiser_that_was_built_too_early(llava):
    model, _ = llava
    early = torch.optim.SGD([p for p in model.parameters() if not p.requires_grad], lr=1.0)
    assert len(missing_from(early, model)) == len(trainable(model))
    assert missing_from(torch.optim.SGD(trainable(model), lr=1.0), model) == []


def test_a_vision_tower_that_is_adapted_by_accident():
    model, _ = build("llava", SMOKE)
    inject(model, LoRAConfig(("q_proj", "v_proj"), rank=2))
    found = adapted_outside(model, TARGETS["llava"])
    assert len(found) == 2
    assert all("vision_tower" in path for path in found)


def test_a_prompt_in_the_loss(llava):
    _, batch = llava
    assert labelled_share(batch) < 0.25
    assert labelled_share({**batch, "labels": batch["input_ids"]}) == 1.0
    none = {**batch, "labels": torch.full_like(batch["labels"], IGNORED)}
    assert labelled_share(none) == 0.0


def test_a_model_that_never_looks(llava):
    model, batch = llava
    seeing = abs(gain_by_looking(model, batch))
    assert seeing > 1e-5
    torch.nn.init.zeros_(model.model.multi_modal_projector.linear_2.weight)
    assert abs(gain_by_looking(model, batch)) < 1e-6
    with pytest.raises(ValueError, match="1 rows and 1 pieces"):
        gain_by_looking(model, {k: v[:1] for k, v in batch.items()})


def test_merging_that_changes_the_model(llava):
    model, batch = llava
    assert merging_error(model, batch) < 1e-4
    layer = adapted_layers(model)["model.language_model.layers.0.mlp.up_proj"]
    layer.base.weight.data += layer.delta()  # in the weight, though it counts as not merged
    layer.adapters["default"].scale *= 4  # and scaled otherwise than what was merged
    assert merging_error(model, batch) < 1e-4
    layer.adapters["default"].changed = lambda weight, share: weight  # merging forgets it
    assert merging_error(model, batch) > 1e-3


def test_merged_already_it_is_left_merged(llava):
    model, batch = llava
    merge(model)
    assert merging_error(model, batch) < 1e-4
    assert all(layer.merged for layer in adapted_layers(model).values())


def test_the_spectrum_is_the_products():
    torch.manual_seed(0)
    A, B = torch.randn(3, 9), torch.randn(7, 3)
    torch.testing.assert_close(spectrum(A, B), torch.linalg.svdvals(B @ A)[:3])
    assert entropy_rank(torch.ones(4)) == pytest.approx(4)
    assert entropy_rank(torch.tensor([2.0, 0.0, 0.0])) == pytest.approx(1)
    assert entropy_rank(torch.zeros(3)) == 0


def test_a_tower_that_is_frozen_in_evaluation_mode_stays_so(llava):
    model, batch = llava
    model.train()
    model.model.vision_tower.eval()
    modes = [part.training for part in model.modules()]
    gain_by_looking(model, batch), merging_error(model, batch)
    assert [part.training for part in model.modules()] == modes


def test_a_look_that_fails_leaves_nothing_merged(llava):
    model, batch = llava
    layer = adapted_layers(model)["model.language_model.layers.0.mlp.up_proj"]

    def broken(weight, share):
        raise RuntimeError("no memory")

    layer.adapters["default"].changed = broken
    with pytest.raises(RuntimeError, match="no memory"):
        merging_error(model, batch)
    assert not any(layer.merged for layer in adapted_layers(model).values())
