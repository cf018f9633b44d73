"""Memory that is worked out before a model is loaded, on real folders."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForImageTextToText

from mmcourse.story import abilities as a
from mmcourse.story.backends import hub_loading
from mmcourse.story.backends.hub import hub_backend
from mmcourse.story.backends.hub_chat import ChatWriter, stuck
from mmcourse.story.backends.hub_loading import load, place_for
from mmcourse.story.backends.hub_memory import FOUR, GIB, held, shapes
from mmcourse.story.backends.hub_names import Model

AUTO = {
    "clip": AutoModel,
    "llava": AutoModelForImageTextToText,
    "qwen": AutoModelForImageTextToText,
}


@pytest.mark.parametrize("kind", AUTO)
def test_a_folders_weights_are_counted_without_loading_them(hub_folders, kind):
    model = load(AUTO[kind], Model(hub_folders(kind)), "cpu")
    tied = {p.data_ptr(): p.numel() for p in model.parameters()}
    counted = held(shapes(Path(hub_folders(kind))), bits=8)
    assert counted == pytest.approx(sum(tied.values()), rel=0.01)  # buffers may be among them


def test_a_pipelines_weights_are_counted_once(hub_folders):
    one, both = (held(shapes(Path(hub_folders(k)))) for k in ("checked", "published"))
    assert one == both


def test_four_bits_are_for_matrices_and_neither_for_words_nor_for_the_last_layer():
    weights = [("layers.0.q.weight", (64, 64)), ("layers.0.norm.weight", (64,)),
               ("embed_tokens.weight", (100, 64)), ("lm_head.weight", (100, 64)),
               ("conv.weight", (8, 3, 4, 4))]  # fmt: skip
    others = 64 + 2 * 6400 + 384
    assert held(weights, four=True) == pytest.approx(4096 * FOUR / 8 + 2 * others)
    assert held(weights) == 2 * (4096 + others)


def test_a_pickle_is_counted_by_its_size(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(bytes(4000))
    assert held(shapes(tmp_path), bits=32) == 4000


@pytest.mark.parametrize("kind", ["writer", "illustrator"])
def test_what_does_not_fit_is_refused_before_it_is_loaded(hub_folders, monkeypatch, kind):
    monkeypatch.setattr(hub_loading, "free", lambda device: 100.0)
    folder = hub_folders({"writer": "qwen", "illustrator": "pipeline"}[kind])
    part = hub_backend(**{kind: folder}, device="cpu").ability(kind)
    request = {"writer": a.WriteRequest("start", "a fox"), "illustrator": a.DrawRequest("a fox")}
    work = part.write if kind == "writer" else part.draw
    with pytest.raises(ValueError, match=r"GiB of memory in float32 on this CPU, and 0.0 GiB are"):
        list(work(request[kind]))


@pytest.mark.parametrize(
    ("capability", "room", "four", "found"),
    [
        ((7, 5), 10.0, False, ("float16", False)),
        ((8, 0), 10.0, False, ("bfloat16", False)),
        ((7, 5), 1.0, False, ("float16", True)),
        ((7, 5), 1.0, True, ("float16", False)),
        ((7, 5), 0.1, True, "add ,4bit"),
    ],
)
def test_where_a_model_runs(monkeypatch, tmp_path, caplog, capability, room, four, found):
    weights = [("layers.0.weight", (2**15, 2**15))]  # 2 GiB in 16 bits, 0.52 in four
    monkeypatch.setattr(hub_loading, "shapes", lambda folder: weights)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    monkeypatch.setattr(hub_loading, "free", lambda d: (room if d == "cuda" else 8.0) * GIB)
    asked = Model("a/b", four=four)
    if isinstance(found, str):
        with pytest.raises(ValueError, match=found):
            place_for(asked, tmp_path, "cuda")
        return
    place = place_for(asked, tmp_path, "cuda")
    assert (place.dtype, place.offload) == found
    assert ("needs 2.0 GiB, and 1.0 GiB are free" in caplog.text) == place.offload


def test_four_bits_without_their_package_are_refused(hub_folders, monkeypatch):
    monkeypatch.setattr(hub_loading.importlib.util, "find_spec", lambda name: None)
    chat = hub_backend(writer=hub_folders("qwen") + ",4bit", device="cpu").ability("writer").chat
    with pytest.raises(ValueError, match="pip install bitsandbytes"):
        chat.reply("a fox")


def test_pictures_are_not_drawn_in_four_bits():
    with pytest.raises(ValueError, match="draws in 16 bits"):
        hub_backend(illustrator="a/b,4bit")


def test_a_gpu_whose_memory_runs_out_is_told_in_a_line(hub_folders):
    backend = hub_backend(
        writer=hub_folders("qwen"), illustrator=hub_folders("pipeline"), device="cpu"
    )

    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    writer, drawer = backend.ability("writer"), backend.ability("illustrator")
    writer.chat.model.register_forward_pre_hook(full)
    drawer.pipeline.unet.register_forward_pre_hook(full)
    for work in (
        lambda: list(writer.write(a.WriteRequest("start", "a fox"))),
        lambda: writer.chat.reply("a fox"),
        lambda: list(drawer.draw(a.DrawRequest("a fox", size=16))),
    ):
        with pytest.raises(ValueError, match="ran out of the GPU's memory while it"):
            work()


def test_numbers_that_overflow_are_told_and_not_taken_for_an_answer(hub_folders):
    chat = hub_backend(writer=hub_folders("qwen"), device="cpu").ability("writer").chat
    head = chat.model.get_output_embeddings()
    spoiled = head.register_forward_hook(lambda *_: torch.full_like(_[2], float("nan")))
    with pytest.raises(ValueError, match="float16 overflows in it"):
        list(ChatWriter(chat).write(a.WriteRequest("start", "a fox")))
    spoiled.remove()
    assert stuck("!" * 20)
    assert not stuck("!" * 19)
    assert not stuck("a fox and nobody else")
