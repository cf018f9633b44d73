"""Saving and loading models and their cards: strict, atomic, never a pickle."""

import copy
import errno
import json
import os
import random
import re
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from mmcourse import cards, hub
from mmcourse.hub import Pretrained
from mmcourse.lora import FourBitLinear, LoRAConfig, inject, replace_layers


class Tower(Pretrained):
    """Two layers that share a weight, and buffers of three types."""

    def __init__(self, width: int = 4, sizes=(1, 2), mode: str | None = None) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width is {width}\nand that is bad")
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(width)
        self.depth = len(sizes)
        self.register_buffer("schedule", torch.arange(5, dtype=torch.float64) / 3)
        self.register_buffer("nothing", torch.zeros(0))
        self.register_buffer("passing", torch.ones(2), persistent=False)

    def forward(self, x):
        return self.second(self.norm(self.first(x)))


class Other(Tower):
    pass


CARD = {
    "name": "tower",
    "command": "mmcourse train tower",
    "seed": 0,
    "sources": "ab" * 32,
    "tier": "full",
    "device": "2 cores of something",
    "wall_time_s": 12.5,
    "data": "StoryWorld 1",
    "licence": "Apache-2.0",
    "versions": {"torch": "2.14.1"},
    "metrics": {"recall_at_1": {"value": 0.9, "n": 100, "chance": 0.01, "band": 0.02}},
}


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = Tower(6, sizes=(1, 2, 3))
    model.save_pretrained(tmp_path / "tower")
    return model, tmp_path / "tower"


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A package that ships one model, "tiny"."""
    monkeypatch.setattr(hub, "WEIGHTS", tmp_path / "weights")
    Tower(2).save_pretrained(tmp_path / "weights" / "tiny")
    (tmp_path / "weights" / "not-a-model").mkdir()
    return tmp_path / "weights"


def refusal(folder, pattern, cls=Tower):
    """The one-line error of loading a folder; the message matches the pattern."""
    with pytest.raises(ValueError, match=pattern) as error:
        cls.from_pretrained(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


# Round trips


def test_a_model_comes_back_with_its_arguments_weights_and_ties(saved):
    model, folder = saved
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert json.loads((folder / "config.json").read_text()) == {
        "class": "Tower",
        "arguments": {"width": 6, "sizes": [1, 2, 3], "mode": None},
    }
    again = Tower.from_pretrained(str(folder))
    assert again.depth == 3
    assert not again.training
    assert again.second.weight is again.first.weight
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
        assert value.dtype == again.state_dict()[name].dtype
    x = torch.randn(3, 6)
    assert torch.equal(model.eval()(x), again(x))


def test_a_shared_weight_is_stored_once(saved):
    stored = load_file(saved[1] / "model.safetensors")
    assert "first.weight" in stored
    assert "second.weight" not in stored
    assert "passing" not in stored


def test_half_precision_halves_parameters_only_and_loads_as_float32(tmp_path):
    torch.manual_seed(0)
    model = Tower(6)
    model.save_pretrained(tmp_path, dtype=torch.float16)
    stored = load_file(tmp_path / "model.safetensors")
    assert stored["first.weight"].dtype == torch.float16
    assert stored["schedule"].dtype == torch.float64
    again = Tower.from_pretrained(tmp_path)
    assert again.first.weight.dtype == torch.float32
    assert torch.equal(again.first.weight, model.first.weight.half().float())
    assert torch.equal(again.schedule, model.schedule)
    assert model.first.weight.dtype == torch.float32


def test_a_weight_that_overflows_half_precision_is_not_saved(saved):
    model, folder = saved
    before = (folder / "model.safetensors").read_bytes()
    with torch.no_grad():
        model.first.bias[0] = 1e6
    with pytest.raises(ValueError, match=r"first\.bias overflows torch\.float16"):
        model.save_pretrained(folder, dtype=torch.float16)
    assert (folder / "model.safetensors").read_bytes() == before


def test_weights_that_are_views_of_one_another_are_saved_apart(tmp_path):
    class Views(Pretrained):
        def __init__(self):
            super().__init__()
            table = torch.arange(12.0).reshape(3, 4)
            for name, view in {"all": table, "turned": table.t(), "row": table[1]}.items():
                self.register_buffer(name, view)

    Views().save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert stored["turned"].tolist() == Views().turned.tolist()
    assert stored["row"].tolist() == [4, 5, 6, 7]
    Views.from_pretrained(tmp_path)


def test_loading_does_not_touch_the_random_state(saved):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Tower.from_pretrained(saved[1])
    assert torch.equal(torch.rand(3), expected)


def test_copies_and_defaults_remember_their_arguments(tmp_path):
    model = copy.deepcopy(Tower(3, mode="a"))
    model.save_pretrained(tmp_path)
    arguments = json.loads((tmp_path / "config.json").read_text())["arguments"]
    assert arguments == {"width": 3, "sizes": [1, 2], "mode": "a"}


text = st.text(st.characters(exclude_categories=["Cs"]))
floats = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | text,
    lambda values: st.lists(values) | st.dictionaries(text, values),
    max_leaves=8,
)


class Keeper(Pretrained):
    def __init__(self, value=None):
        super().__init__()
        self.value = value


@settings(max_examples=60, deadline=None)
@given(value=json_values)
def test_any_json_argument_survives(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("keeper")
    Keeper(value).save_pretrained(folder)
    assert Keeper.from_pretrained(folder).value == value


@pytest.mark.parametrize(
    "value",
    [
        nn.Linear(1, 1),
        torch.ones(2),
        float("nan"),
        float("inf"),
        {1: 2},
        {3},
        object(),
        Keeper,
        b"x",
    ],
)
def test_an_argument_that_is_not_json_is_refused_at_saving(tmp_path, value):
    with pytest.raises(ValueError, match=r"argument value of Keeper is a .*JSON") as error:
        Keeper(value).save_pretrained(tmp_path)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


# Names


def test_shipped_models_load_by_name(weights):
    assert hub.shipped() == ["tiny"]
    assert Tower.from_pretrained("tiny").first.in_features == 2
    assert re.fullmatch("[0-9a-f]{12}", hub.weights_hash("tiny"))


def test_a_shipped_name_comes_before_a_folder_of_that_name(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Tower(3).save_pretrained("tiny")
    assert Tower.from_pretrained("tiny").first.in_features == 2
    assert Tower.from_pretrained("./tiny").first.in_features == 3


@pytest.mark.parametrize("name", ["nope", "./a/b", "a/b/c", "/no/where", "../x", "a b/c"])
def test_an_unknown_name_lists_the_shipped_ones(weights, name):
    message = refusal(name, "no model .*tiny")
    assert "folder" in message
    assert "organisation/name" in message


def test_a_hub_that_cannot_be_reached_names_the_offline_choice(weights, monkeypatch):
    import huggingface_hub

    def unreachable(*arguments, **keywords):
        raise huggingface_hub.errors.LocalEntryNotFoundError("cannot find\nthe files")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    message = refusal("somebody/model", r"did not come from the hub \(cannot find\)")
    assert "tiny" in message


def test_whatever_the_hubs_client_raises_is_one_line(weights, monkeypatch):
    import huggingface_hub

    for error in (ImportError("Using SOCKS proxy, but the 'socksio' package is not installed"),
                  RuntimeError("client is closed"), KeyError("host")):  # fmt: skip

        def broken(*arguments, error=error, **keywords):
            raise error

        monkeypatch.setattr(huggingface_hub, "snapshot_download", broken)
        refusal("somebody/model", "did not come from the hub")


def test_a_hub_that_is_switched_off_is_said_so(weights, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    refusal("somebody/model", "did not come from the hub")


def test_a_hub_model_is_read_from_its_download(saved, monkeypatch):
    import huggingface_hub

    calls = []

    def download(name, revision, allow_patterns):
        calls.append((name, revision, allow_patterns))
        return str(saved[1])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    model = Tower.from_pretrained("somebody/model", revision="abc")
    assert torch.equal(model.first.weight, saved[0].first.weight)
    assert calls == [
        ("somebody/model", "abc", ["config.json", "model.safetensors", "card.json"]),
    ]


# Folders that cannot be loaded


def test_a_missing_file_is_named(saved):
    _, folder = saved
    (folder / "model.safetensors").rename(folder / "elsewhere")
    refusal(folder, r"model\.safetensors is missing")
    (folder / "config.json").unlink()
    refusal(folder, r"config\.json is missing")


def test_a_model_of_another_class_is_refused(saved):
    refusal(saved[1], "holds a Tower, expected a Other", cls=Other)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("{", "not readable as JSON"),
        ("", "not readable as JSON"),
        ("[1]", "holds a list, expected a JSON object"),
        ("{}", "unnamed class"),
        ('{"class": "Tower"}', "no arguments by name"),
        ('{"class": "Tower", "arguments": []}', "no arguments by name"),
    ],
)
def test_a_config_that_is_not_one_is_refused(saved, text, pattern):
    (saved[1] / "config.json").write_text(text)
    refusal(saved[1], pattern)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        ({"depth": 3}, "does not build a Tower: .*unexpected keyword argument 'depth'"),
        ({"width": 0}, "does not build a Tower: width is 0"),
        ({"width": "a"}, "does not build a Tower"),
    ],
)
def test_arguments_that_the_constructor_refuses(saved, arguments, pattern):
    """The weights come from elsewhere, without our digest, as those of a hub may."""
    _, folder = saved
    save_file({"x": torch.ones(1)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"class": "Tower", "arguments": arguments}))
    refusal(folder, pattern)


def test_weights_with_nan_are_neither_saved_nor_loaded(saved, tmp_path):
    model, folder = saved
    before = (folder / "model.safetensors").read_bytes()
    with torch.no_grad():
        model.first.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"first\.weight holds NaN, so nothing was saved"):
        model.save_pretrained(folder)
    assert (folder / "model.safetensors").read_bytes() == before
    broken = load_file(folder / "model.safetensors")
    broken["first.bias"][0] = torch.nan
    save_file(broken, folder / "model.safetensors")
    refusal(folder, r"holds NaN in first\.bias: its training broke")


@pytest.mark.parametrize("kind", [torch.int64, torch.uint8])
def test_weights_of_whole_numbers_are_refused(saved, kind):
    _, folder = saved
    tensors = load_file(folder / "model.safetensors")
    tensors["first.weight"] = tensors["first.weight"].to(kind)
    save_file(tensors, folder / "model.safetensors")
    refusal(folder, f"first.weight as {kind}, expected torch.float32")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_read_as_the_models(saved, kind):
    _, folder = saved
    tensors = load_file(folder / "model.safetensors")
    wanted = tensors["first.weight"].to(kind)
    save_file({**tensors, "first.weight": wanted}, folder / "model.safetensors")
    found = Tower.from_pretrained(folder).first.weight
    assert found.dtype == torch.float32
    assert torch.equal(found, wanted.float())


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_file_in_place_of_its_folder_is_named(saved, file):
    refusal(saved[1] / file, f"{file} is a file: give the folder")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_folder_in_place_of_a_file_is_named(saved, file):
    (saved[1] / file).unlink()
    (saved[1] / file).mkdir()
    refusal(saved[1], file)


@pytest.mark.parametrize("text", ["<html>404</html>", "version https://git-lfs.github.com/spec/v1"])
def test_what_a_download_left_in_place_of_weights_is_damaged(saved, text):
    (saved[1] / "model.safetensors").write_text(text)
    refusal(saved[1], "model.safetensors is damaged")


def test_a_config_without_end_is_refused(saved):
    (saved[1] / "config.json").write_text("[" * 100_000)
    refusal(saved[1], "not readable as JSON")


def test_a_device_that_is_not_there_is_named(saved):
    for device in ("nowhere", "cuda:99"):
        with pytest.raises(ValueError, match=f"device is '{device}', which is not here") as error:
            Tower.from_pretrained(saved[1], device=device)
        assert "\n" not in str(error.value)


def test_a_name_that_is_none_is_refused():
    with pytest.raises(ValueError, match="a string or a path, got a NoneType"):
        Tower.from_pretrained(None)


def test_a_model_cannot_be_saved_onto_a_file(saved, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file, file / "below"):
        with pytest.raises(OSError, match="not saved") as error:
            saved[0].save_pretrained(place)
        assert "\n" not in str(error.value)
    assert file.read_text() == "mine"


def test_missing_unexpected_and_misshapen_weights_are_listed(saved):
    _, folder = saved
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "extra": torch.ones(1)}, folder / "model.safetensors")
    refusal(folder, "another architecture than this Tower: unexpected extra")
    first = tensors.pop("first.weight")
    save_file(tensors, folder / "model.safetensors")
    refusal(folder, r"another architecture than this Tower: missing first\.weight")
    save_file({**tensors, "first.weight": first[:2].clone()}, folder / "model.safetensors")
    refusal(folder, r"wrong shape first\.weight \(2, 6\) instead of \(6, 6\)")
    save_file({"x": torch.ones(1)}, folder / "model.safetensors")
    refusal(folder, "missing .* and 7 more; unexpected x")


def test_weights_beside_the_config_of_others_are_refused(saved):
    _, folder = saved
    config = json.loads((folder / "config.json").read_text())
    config["arguments"]["mode"] = "other"
    (folder / "config.json").write_text(json.dumps(config))
    refusal(folder, r"belongs to another config\.json")


def test_no_damage_to_the_weights_goes_unseen(saved):
    model, folder = saved
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    random.seed(0)
    places = random.sample(range(header), 120) + random.sample(range(header, len(whole)), 60)
    for place in places:
        flipped = (
            whole[:place] + bytes([whole[place] ^ random.randrange(1, 256)]) + whole[place + 1 :]
        )
        for content in (flipped, whole[:place]):
            path.write_bytes(content)
            try:
                again = Tower.from_pretrained(folder)
                message = ""
            except ValueError as error:
                message = str(error)
            if message:
                assert str(folder) in message
                assert "\n" not in message
            else:  # the damage was to a word that says nothing, such as the format's
                for name, value in model.state_dict().items():
                    assert torch.equal(value, again.state_dict()[name])


def test_a_pickle_by_that_name_is_refused(saved, tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "pwned"),))

    torch.save(Evil(), saved[1] / "model.safetensors")
    refusal(saved[1], "damaged")
    assert not (tmp_path / "pwned").exists()


# A full disk


@pytest.mark.parametrize("file", [1, 2])
def test_a_full_disk_while_saving_keeps_the_old_model(saved, monkeypatch, file):
    model, folder = saved
    synced = []

    def full(descriptor):
        synced.append(descriptor)
        if len(synced) == file:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"not saved \(0\.\d MB\): no space left") as error:
        Tower(9).save_pretrained(folder)
    assert "\n" not in str(error.value)
    monkeypatch.undo()
    assert torch.equal(Tower.from_pretrained(folder).first.weight, model.first.weight)
    assert len(list(folder.iterdir())) == 2


# Cards


def test_a_card_comes_back_with_the_hash_of_its_weights(saved):
    _, folder = saved
    hub.write_card(folder, CARD)
    card = hub.read_card(folder)
    assert card == {**CARD, "weights": cards.file_hash(folder / "model.safetensors")}
    assert card["weights"].startswith(hub.weights_hash(folder))


def test_a_card_of_other_weights_is_refused(saved):
    _, folder = saved
    hub.write_card(folder, CARD)
    Tower(6).save_pretrained(folder)
    with pytest.raises(ValueError, match="describes other weights"):
        hub.read_card(folder)


@pytest.mark.parametrize("field", CARD)
def test_every_field_of_a_card_is_required(saved, field):
    card = {name: value for name, value in CARD.items() if name != field}
    with pytest.raises(ValueError, match=f"the card has no '{field}'") as error:
        hub.write_card(saved[1], card)
    assert "\n" not in str(error.value)
    assert not (saved[1] / "card.json").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", "0"), ("seed", True), ("name", ""), ("wall_time_s", "1 h"), ("metrics", [])],
)
def test_a_field_of_the_wrong_type_is_refused(saved, field, value):
    with pytest.raises(ValueError, match=f"the card's '{field}' is"):
        hub.write_card(saved[1], {**CARD, field: value})


@pytest.mark.parametrize(
    "metric",
    [
        0.9,
        {"value": 0.9, "n": 100, "chance": 0.01},
        {"value": float("nan"), "n": 100, "chance": 0.01, "band": 0.02},
        {"value": None, "n": 100, "chance": 0.01, "band": 0.02},
        {"value": 0.9, "n": "100", "chance": 0.01, "band": 0.02},
    ],
)
def test_a_metric_is_finite_numbers_with_size_chance_and_band(saved, metric):
    with pytest.raises(ValueError, match="the card's metric 'm' has"):
        hub.write_card(saved[1], {**CARD, "metrics": {"m": metric}})


def test_a_metric_without_a_chance_level_says_null(saved):
    metric = {"value": 31.0, "n": 100, "chance": None, "band": 0.5}
    hub.write_card(saved[1], {**CARD, "metrics": {"psnr": metric}})
    assert hub.read_card(saved[1])["metrics"]["psnr"] == metric


def test_a_card_needs_weights_and_a_broken_one_is_named(saved, tmp_path):
    with pytest.raises(ValueError, match="there is no file"):
        hub.write_card(tmp_path, CARD)
    with pytest.raises(ValueError, match=r"card\.json is missing"):
        hub.read_card(saved[1])
    (saved[1] / "card.json").write_text('{"name": "tower"}')
    with pytest.raises(ValueError, match=r"card\.json: the card has no 'command'"):
        hub.read_card(saved[1])


def test_every_shipped_model_has_a_card_that_fits_its_weights():
    for name in hub.shipped():
        card = hub.read_card(name)
        assert card["name"] == name


@pytest.mark.parametrize("dtype", ["float16", torch.int16, torch.uint8, torch.bool])
def test_a_type_that_holds_no_weights_leaves_the_save_before(saved, dtype):
    model, folder = saved
    before = (folder / "model.safetensors").read_bytes()
    with pytest.raises(ValueError, match="expected None or one of") as error:
        model.save_pretrained(folder, dtype)
    assert "\n" not in str(error.value)
    assert (folder / "model.safetensors").read_bytes() == before


def test_infinity_has_no_code_of_eight_bits(saved):
    model, folder = saved
    model.first.weight.data[0, 0] = torch.inf
    with pytest.raises(ValueError, match="holds infinity"):
        model.save_pretrained(folder, torch.int8)
    Tower.from_pretrained(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda model: inject(model, LoRAConfig(("first",), rank=2)), "first has adapters"),
        (lambda model: replace_layers(model, ("first",), FourBitLinear), "first is packed"),
    ],
)
def test_layers_that_no_class_builds_are_not_saved_over_a_good_save(saved, change, told):
    model, folder = saved
    model.second.weight = nn.Parameter(torch.eye(6))
    change(model)
    with pytest.raises(ValueError, match=told):
        model.save_pretrained(folder)
    Tower.from_pretrained(folder)
