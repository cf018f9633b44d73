"""Where pretrained models come from, and what is said when they don't. The hub is a server on this
machine; its client is the real one."""

import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmcourse.story.backends import hub_files
from mmcourse.story.backends.hub_files import chosen, find_model, lacking, reachable, weight_files
from mmcourse.story.backends.hub_names import FEW, model_called

PUBLISHED = {
    "clip": "flax_model.msgpack model.safetensors pytorch_model.bin tf_model.h5 config.json "
    "merges.txt vocab.json README.md onnx/model.onnx",
    "pickles": "config.json pytorch_model-00001-of-00002.bin pytorch_model-00002-of-00002.bin "
    "pytorch_model.bin.index.json training_args.bin",
    "pipeline": "model_index.json v1-5.ckpt v1-5.safetensors unet/config.json vae/config.json "
    "unet/diffusion_pytorch_model.bin unet/diffusion_pytorch_model.safetensors "
    "unet/diffusion_pytorch_model.fp16.safetensors unet/diffusion_pytorch_model.non_ema.bin "
    "vae/diffusion_pytorch_model.safetensors text_encoder/model.fp16-00001-of-00002.safetensors "
    "text_encoder/model.fp16-00002-of-00002.safetensors tokenizer/merges.txt unet/old/config.json",
}
NEEDED = {
    "clip": "config.json merges.txt model.safetensors vocab.json",
    "pickles": "config.json pytorch_model-00001-of-00002.bin pytorch_model-00002-of-00002.bin "
    "pytorch_model.bin.index.json",
    "pipeline": "model_index.json text_encoder/model.fp16-00001-of-00002.safetensors "
    "text_encoder/model.fp16-00002-of-00002.safetensors tokenizer/merges.txt unet/config.json "
    "unet/diffusion_pytorch_model.fp16.safetensors vae/config.json "
    "vae/diffusion_pytorch_model.safetensors",
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_of_a_repository_one_set_of_weights_is_fetched(kind):
    assert chosen(PUBLISHED[kind].split()) == NEEDED[kind].split()


@pytest.fixture
def line(monkeypatch):
    """The line to the hub: `plugged` or not, and how often it was `tried`."""
    found = SimpleNamespace(plugged=True, tried=0)

    def connect(address, timeout):
        found.tried += 1
        if not found.plugged:
            raise OSError("no network")
        return socket.create_connection(address, timeout)

    monkeypatch.setattr(hub_files, "socket", SimpleNamespace(create_connection=connect))
    return found


def test_a_model_comes_from_the_hub_once_and_then_from_the_cache(hub, hub_folders, line):
    hub.folders["book/pipe"] = Path(hub_folders("published"))
    folder = find_model("book/pipe")
    assert folder.name == hub.commit
    assert {f.name for f in weight_files(folder)} == {
        "diffusion_pytorch_model.fp16.safetensors", "model.fp16.safetensors"
    }  # fmt: skip
    assert not [name for name in hub.served if name.endswith((".ckpt", ".bin", ".md"))]
    assert "v1-5.safetensors" not in hub.served
    hub.served.clear()
    assert find_model("book/pipe") == folder
    assert (hub.served, line.tried) == ([], 1)


def test_what_the_hub_gives_is_loaded_in_half_the_precision(hub, hub_folders):
    from mmcourse.story import abilities as a
    from mmcourse.story.backends.hub import hub_backend

    hub.folders["book/pipe"] = Path(hub_folders("published"))
    drawer = hub_backend(illustrator="book/pipe@main,steps=1", device="cpu").ability("illustrator")
    assert list(drawer.draw(a.DrawRequest("a fox", size=16)))[-1].safety == "ok"


@pytest.mark.parametrize("given", [2, 9])
def test_a_download_that_broke_off_goes_on(hub, hub_folders, line, given):
    hub.folders["book/llava"] = Path(hub_folders("llava"))
    hub.fail_after = given  # within the words, or within the shards
    with pytest.raises(ValueError, match="did not come from the hub"):
        find_model("book/llava")
    line.plugged = False
    with pytest.raises(ValueError, match=r"in the cache.*, and the hub cannot be reached"):
        find_model("book/llava")
    line.plugged, hub.fail_after = True, None
    assert lacking(find_model("book/llava")) == ""


@pytest.mark.parametrize(
    ("name", "revision", "said"),
    [
        ("book/nothing", None, "the hub has no model 'book/nothing', or a private one"),
        ("book/clip", "v9", "'book/clip' has no revision 'v9'"),
        ("book/shy", None, "gated: accept its licence at https://huggingface.co/book/shy"),
        ("book/words", None, "has no weights of transformers or diffusers"),
    ],
)
def test_what_the_hub_refuses_is_said_in_one_line(hub, hub_folders, tmp_path, name, revision, said):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "config.json").write_text("{}")
    clip = Path(hub_folders("clip"))
    hub.folders |= {"book/clip": clip, "book/shy": clip, "book/words": tmp_path / "words"}
    hub.gated.add("book/shy")
    with pytest.raises(ValueError, match=said) as refused:
        find_model(name, revision)
    assert "\n" not in str(refused.value)


def test_a_missing_network_is_answered_at_once_with_the_offline_choice(hub, line, monkeypatch):
    line.plugged = False
    with pytest.raises(ValueError, match="not in the cache, and the hub cannot be reached; off"):
        find_model("somebody/something")
    assert line.tried == 1
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not reachable()
    assert line.tried == 1


@pytest.mark.parametrize("told", ["no address", "https://host:port", "http://127.0.0.1:1"])
def test_an_address_that_is_none_is_nobody(monkeypatch, told):
    for name in ("HF_HUB_OFFLINE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", told)
    assert not reachable()


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere", "nowhere", "a/b/c", ""])
def test_a_name_that_is_neither_folder_nor_id_is_refused(name):
    with pytest.raises(ValueError, match="no hub id"):
        find_model(name)


def test_what_a_folder_of_the_cache_lacks_is_named(hub_folders, tmp_path):
    assert lacking(tmp_path) == "config.json"
    for kind in ("llava", "pipeline", "published", "clip"):
        assert lacking(Path(hub_folders(kind))) == ""
    torn = Path(shutil.copytree(hub_folders("llava"), tmp_path / "torn"))
    shard = sorted(torn.glob("*.safetensors"))[-1]
    shard.unlink()
    assert lacking(torn) == shard.name
    half = Path(shutil.copytree(hub_folders("pipeline"), tmp_path / "half"))
    next((half / "vae").glob("*.safetensors")).unlink()
    assert lacking(half) == "vae/weights"
    shutil.rmtree(half / "unet")
    assert lacking(half) == "unet"


def test_what_stands_after_a_name(tmp_path):
    asked = model_called("a/b@v1, 4bit ,steps=3,guidance=0")
    assert (asked.name, asked.revision, asked.four) == ("a/b", "v1", True)
    assert (asked.steps, asked.guidance) == (3, 0.0)
    assert asked.shown() == "a/b@v1,4bit"
    assert model_called("a/b").shown() == "a/b@unpinned"
    assert model_called("a/b", "v2").shown() == "a/b@v2"
    turbo = next(iter(FEW))
    assert (model_called(turbo).steps, model_called(turbo).guidance) == FEW[turbo]
    odd = tmp_path / "a,b@c"
    odd.mkdir()
    assert model_called(str(odd)).name == str(odd)
    assert model_called(f"{odd},4bit".replace("a,b@c", "")).name == str(tmp_path) + "/"


@pytest.mark.parametrize("wish", ["5bit", "steps=0", "steps=many", "guidance=-1", "", "steps"])
def test_a_wish_that_no_model_can_fulfil_is_refused(wish):
    with pytest.raises(ValueError, match="what can be: 4bit, steps=25"):
        model_called(f"a/b,{wish}")
