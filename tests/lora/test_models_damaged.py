"""Folders of models that are no longer whole: one line, whatever the library raises."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmcourse.lora import LoRAConfig, inject
from mmcourse.lora.models.folders import build, load, save
from mmcourse.lora.models.measure import Clip
from mmcourse.lora.models.shapes import SMOKE


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("clip")
    save(*build("clip", SMOKE), folder)
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def without_config(folder):
    (folder / "config.json").unlink()


def cut_short(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])


def of_another_kind(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))


def with_nan(folder):
    tensors = load_file(folder / "model.safetensors")
    next(x for x in tensors.values() if x.is_floating_point()).fill_(torch.nan)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def without_words(folder):
    for file in folder.glob("*token*"):
        file.unlink()


@pytest.mark.parametrize(
    "harm", [without_config, cut_short, of_another_kind, with_nan, without_words]
)
def test_a_folder_that_is_not_whole_is_one_line(whole, tmp_path, harm):
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data)
    harm(tmp_path)
    with pytest.raises(ValueError, match=r"loaded as clip|holds NaN|a tokenizer of") as error:
        Clip.from_pretrained(str(tmp_path))
    assert "\n" not in str(error.value)


def test_a_whole_one_is_loaded(whole, tmp_path):
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data)
    assert not Clip.from_pretrained(str(tmp_path)).model.training


def test_another_of_the_four_is_refused(whole, tmp_path):
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match="it holds a clip, expected a llava") as error:
        load(tmp_path, "llava")
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="nosuch is no folder"):
        load("nosuch", "clip")


def test_saved_in_half_it_goes_on_in_full(tmp_path):
    model, processor = build("clip", SMOKE)
    save(model, processor, tmp_path, "float16")
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    with pytest.raises(ValueError, match="'int16', expected a type of floats"):
        save(model, processor, tmp_path, "int16")
    inject(model, LoRAConfig(("q_proj",), rank=2))
    with pytest.raises(ValueError, match="has adapters, so nothing was saved"):
        save(model, processor, tmp_path)
    assert load(tmp_path, "clip")[0].dtype == torch.float32
