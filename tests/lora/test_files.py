"""Adapters alone in files, and whose they are."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mmcourse.lora import (
    LoRAConfig,
    adapters,
    fingerprint,
    inject,
    load_adapter,
    merge,
    pack_model,
    save_adapter,
    use,
)

CONFIG = LoRAConfig(targets=("q_proj", "words", "patches"), rank=2, alpha=3.0, rs=True)


@pytest.fixture
def saved(model, batch, stir, tmp_path):
    """A folder with an adapter, and what the adapted model computes."""
    inject(model, CONFIG)
    stir(model)
    save_adapter(model, tmp_path, CONFIG)
    return tmp_path, model(*batch)


def test_saved_and_loaded_it_is_the_same(saved, batch, fresh):
    folder, wanted = saved
    model = fresh()
    state = torch.get_rng_state()
    assert load_adapter(model, folder, "mine") == LoRAConfig(
        targets=("patches", "q_proj", "words"), rank=2, alpha=3.0, rs=True
    )
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(model(*batch), wanted, rtol=0, atol=0)
    assert sum(f.stat().st_size for f in folder.iterdir()) < 10_000


def test_an_adapter_of_another_base_is_refused(saved, fresh):
    folder, _ = saved
    model = fresh(seed=1)
    before = list(dict(model.named_modules()))
    with pytest.raises(ValueError, match="is an adapter of another base"):
        load_adapter(model, folder)
    assert list(dict(model.named_modules())) == before


def test_the_fingerprint_is_the_bases(model, stir, fresh):
    first = fingerprint(model)
    assert first == fingerprint(fresh())
    assert first == fingerprint(fresh().bfloat16())
    inject(model, CONFIG)
    stir(model)
    assert fingerprint(model) == first
    merge(model)
    assert fingerprint(model) == first
    assert fingerprint(fresh(seed=1)) != first
    small = fresh()
    small.head.weight.data += 0.01
    assert fingerprint(small) != first


def test_packed_to_four_bits_it_is_still_that_base(saved, fresh):
    folder, _ = saved
    model = fresh()
    pack_model(model, ("v_proj",))
    load_adapter(model, folder)


def test_several_are_saved_apart(model, stir, tmp_path, batch, fresh):
    inject(model, CONFIG, "a")
    inject(model, CONFIG, "b")
    stir(model)
    for name in "ab":
        save_adapter(model, tmp_path / name, CONFIG, name)
    other = fresh()
    for name in "ab":
        load_adapter(other, tmp_path / name, name)
    assert adapters(other) == ("a", "b")
    for shares in ("a", "b", {"a": 0.3, "b": 0.7}):
        use(model, shares)
        use(other, shares)
        torch.testing.assert_close(other(*batch), model(*batch))


def test_files_that_do_not_fit_leave_no_adapter(saved, batch, fresh):
    folder, _ = saved
    tensors = load_file(folder / "adapter_model.safetensors")
    some = next(iter(tensors))
    for damage, told in (
        ({k: v for k, v in tensors.items() if k != some}, "missing base_model.model."),
        ({**tensors, "more": torch.ones(1)}, "unexpected more"),
        ({**tensors, some: torch.ones(1, 1)}, "wrong shape"),
    ):
        save_file(damage, folder / "adapter_model.safetensors")
        model = fresh()
        wanted = model(*batch)
        with pytest.raises(ValueError, match=told):
            load_adapter(model, folder)
        assert adapters(model) == ()
        torch.testing.assert_close(model(*batch), wanted)
    (folder / "adapter_model.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match="is damaged"):
        load_adapter(fresh(), folder)
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(ValueError, match="is missing"):
        load_adapter(fresh(), folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"peft_type": "IA3"}, "expected a LoRA adapter"),
        ({"rank_pattern": {"q_proj": 4}}, "uses rank_pattern"),
        ({"bias": "all"}, "uses bias"),
        ({"target_modules": ["query"]}, "no layer matches"),
    ],
)
def test_configs_that_ask_for_more(saved, change, told, fresh):
    folder, _ = saved
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=told):
        load_adapter(fresh(), folder)


def test_what_does_not_fit_leaves_the_adapters_that_are_in_use(saved, batch, fresh):
    folder, _ = saved
    model = fresh()
    load_adapter(model, folder, "mine")
    wanted = model(*batch)
    tensors = load_file(folder / "adapter_model.safetensors")
    tensors.pop(min(tensors))
    save_file(tensors, folder / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="does not fit the layers"):
        load_adapter(model, folder, "other")
    assert adapters(model) == ("mine",)
    torch.testing.assert_close(model(*batch), wanted, rtol=0, atol=0)


def test_saving_what_is_not_there(model, tmp_path):
    inject(model, CONFIG)
    with pytest.raises(ValueError, match="no adapter 'x'; there are default"):
        save_adapter(model, tmp_path, CONFIG, "x")
    with pytest.raises(ValueError, match="has rank 2, the config says 4"):
        save_adapter(model, tmp_path, LoRAConfig(targets=("q_proj",), rank=4))


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("r", None, "has no 'r'"),
        ("lora_alpha", None, "has no 'lora_alpha'"),
        ("r", "two", "rank is 'two'"),
        ("r", 2.5, "rank is 2.5"),
        ("lora_alpha", "much", "alpha is 'much'"),
        ("lora_dropout", "some", "dropout is 'some'"),
        ("target_modules", 5, "targets is 5"),
        ("target_modules", [1, 2], "targets is"),
        ("target_modules", "[", "no regular expression"),
    ],
)
def test_a_config_with_a_wrong_value_is_one_line(saved, key, value, told, fresh):
    folder, _ = saved
    config = json.loads((folder / "adapter_config.json").read_text())
    config.pop(key) if value is None else config.update({key: value})
    (folder / "adapter_config.json").write_text(json.dumps(config))
    model = fresh()
    with pytest.raises(ValueError, match=told) as error:
        load_adapter(model, folder)
    assert "\n" not in str(error.value)
    assert adapters(model) == ()


@pytest.mark.parametrize("kind", ["nan", "whole"])
def test_numbers_that_are_none_are_neither_saved_nor_loaded(saved, model, kind, fresh):
    folder, _ = saved
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    first = next(iter(tensors))
    told = "holds NaN" if kind == "nan" else "expected floats"
    tensors[first] = tensors[first] * torch.nan if kind == "nan" else tensors[first].long()
    base = {"format": "pt", "base": fingerprint(fresh())}
    save_file(tensors, file, metadata=base)
    other = fresh()
    with pytest.raises(ValueError, match=told):
        load_adapter(other, folder)
    assert adapters(other) == ()
    if kind == "nan":
        before = file.read_bytes()
        next(p for p in model.parameters() if p.requires_grad).data.fill_(torch.nan)
        with pytest.raises(ValueError, match="so nothing was saved"):
            save_adapter(model, folder, CONFIG)
        assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"alpha": 32.0}, "has a scale of .*the config says"),
        ({"rs": False}, "has a scale of"),
        ({"targets": ("q_proj", "words")}, "the config does not mean patches"),
        ({"targets": ("q_proj", "words", "patches", "head")}, "the config alone means head"),
    ],
)
def test_a_config_of_another_adapter_is_not_saved(saved, model, changed, told):
    folder, _ = saved
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(ValueError, match=told):
        save_adapter(model, folder, dataclasses.replace(CONFIG, **changed))
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_lengths_of_rows_are_told(fresh, tmp_path):
    model, config = fresh(), LoRAConfig(("q_proj",), dora=True)
    inject(model, config)
    with pytest.raises(ValueError, match="has DoRA True, the config says False"):
        save_adapter(model, tmp_path, dataclasses.replace(config, dora=False))


def test_no_bit_changes_unseen_and_what_has_no_digest_is_read(saved, fresh):
    folder, _ = saved
    file = folder / "adapter_model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
    with pytest.raises(ValueError, match="is damaged"):
        load_adapter(fresh(), folder)
    file.write_bytes(whole)
    save_file(load_file(file), file, metadata={"format": "pt"})  # as peft writes
    load_adapter(fresh(), folder)
    tensors = load_file(file)
    next(iter(tensors.values()))[0] = torch.inf
    save_file(tensors, file)
    with pytest.raises(ValueError, match="holds infinity"):
        load_adapter(fresh(), folder)


def test_a_switch_is_true_or_false(saved, fresh):
    folder, _ = saved
    told = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**told, "use_rslora": "false"}))
    with pytest.raises(ValueError, match="use_rslora 'false', expected true or false"):
        load_adapter(fresh(), folder)


def test_compiled_it_is_saved_by_its_own_names(model, fresh, tmp_path):
    compiled = torch.compile(model)
    assert inject(compiled, CONFIG) == inject(fresh(), CONFIG)
    save_adapter(compiled, tmp_path, CONFIG)
    load_adapter(fresh(), tmp_path)


def test_a_home_that_nobody_has_is_one_line(model, fresh):
    inject(model, CONFIG)
    for run in (
        lambda: save_adapter(model, "~nobody-of-this-name/mine", CONFIG),
        lambda: load_adapter(fresh(), "~nobody-of-this-name/mine"),
    ):
        with pytest.raises(ValueError, match="whose home"):
            run()
