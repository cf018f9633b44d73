"""Published models are taken by the same functions: tried on folders like theirs."""

import shutil

import pytest
import torch
from peft import PeftModel

from mmcourse.lora import (
    LoRAConfig,
    answer_loss,
    inject,
    load_adapter,
    save_adapter,
    trainable,
)
from mmcourse.lora.fourbit import FourBitLinear
from mmcourse.lora.models.collate import Example, collate
from mmcourse.lora.models.folders import NAMES, build, build_processor
from mmcourse.lora.models.real import PUBLISHED, REVISIONS, load_real, tuning_memory
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.targets import targets_of
from mmcourse.lora.models.tasks import blank


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A LLaVA in bfloat16 and in several files, as the hub's are."""
    path = tmp_path_factory.mktemp("llava")
    torch.manual_seed(0)
    model, processor = build("llava", SMOKE)
    model.bfloat16().save_pretrained(path, max_shard_size="40KB")
    processor.save_pretrained(path)
    assert len(list(path.glob("model-*.safetensors"))) > 1
    return path


def batch(processor):
    return collate(processor, [Example("what colour is the fox?", "red", (blank(16),))])


def test_a_sharded_folder_is_tuned_and_the_adapter_goes_to_peft_and_back(folder, tmp_path):
    model, processor = load_real("llava", folder, device="cpu")
    config = LoRAConfig(targets_of("llava", model), rank=2)
    assert not [p for p in model.parameters() if p.requires_grad]
    inject(model, config)
    for parameter in trainable(model):
        parameter.data += 0.05
    loss = answer_loss(model, batch(processor))
    loss.backward()
    save_adapter(model, tmp_path, config)
    theirs = PeftModel.from_pretrained(load_real("llava", folder, device="cpu")[0], tmp_path)
    torch.testing.assert_close(theirs(**batch(processor)).loss, loss, rtol=1e-4, atol=1e-5)
    theirs.save_pretrained(tmp_path / "theirs")
    again = load_real("llava", folder, device="cpu")[0]
    load_adapter(again, tmp_path / "theirs")
    torch.testing.assert_close(answer_loss(again, batch(processor)), loss)


def test_in_four_bits_with_checkpointing(folder, tmp_path):
    model, processor = load_real("llava", folder, four_bit=True, checkpointing=True, device="cpu")
    assert sum(isinstance(m, FourBitLinear) for m in model.modules()) == 7
    config = LoRAConfig(targets_of("llava", model), rank=2)
    inject(model, config)
    model.train()
    answer_loss(model, batch(processor)).backward()
    assert all(p.grad is not None for p in trainable(model))
    save_adapter(model, tmp_path, config)
    load_adapter(load_real("llava", folder, device="cpu")[0], tmp_path)  # the base it was


def test_what_is_not_to_be_had(folder, tmp_path):
    with pytest.raises(ValueError, match=r"cannot be loaded .*offline, give a folder"):
        load_real("llava", tmp_path / "nowhere", device="cpu")
    torn = shutil.copytree(folder, tmp_path / "torn")
    min(torn.glob("model-*.safetensors")).unlink()
    with pytest.raises(ValueError, match=r"cannot be loaded|lacks weights"):
        load_real("llava", torn, device="cpu")


def test_revisions_are_null_until_a_network_pinned_them():
    assert set(PUBLISHED) == set(REVISIONS) == set(NAMES)
    assert all(r is None or len(r) == 40 for r in REVISIONS.values())


def test_pictures_are_capped(tmp_path):
    torch.manual_seed(0)
    model, processor = build("qwen-vl", SMOKE)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    _, capped = load_real("qwen-vl", tmp_path, pixels=32 * 32 + 16, device="cpu")
    picture = Example("what?", "red", (blank(128),))
    pieces = [
        int(collate(p, [picture])["image_grid_thw"].prod())
        for p in (build_processor("qwen-vl", SMOKE), capped)
    ]
    assert pieces == [256, 16]


def test_memory_by_hand():
    with torch.device("meta"):
        model, _ = build("llava", SMOKE)
    model.requires_grad_(False)
    numbers = sum(p.numel() for p in model.parameters())
    plain = tuning_memory(model, 2, 50)
    assert plain.weights == 4 * numbers
    assert plain.learned == 0
    packed = tuning_memory(model, 2, 50, bits=4.127)
    assert packed.weights == round(numbers * 4.127 / 8)
    assert packed.total < plain.total
    inject(model, LoRAConfig(targets_of("llava", model), rank=2))
    assert tuning_memory(model, 2, 50).learned == 16 * sum(p.numel() for p in trainable(model))
