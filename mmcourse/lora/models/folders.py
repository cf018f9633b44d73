"""Build the four models and their processors, and save both as folders that any Auto class loads.

model, processor = build("llava", Shape())
save(model, processor, "my-llava")
AutoProcessor.from_pretrained("my-llava")
AutoModelForImageTextToText.from_pretrained("my-llava")     # CLIP: AutoModel
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmcourse.cards import read_json
from mmcourse.lora.models.shapes import (
    Shape,
    blip2_config,
    clip_config,
    llava_config,
    qwen_config,
)
from mmcourse.lora.models.words import IMAGE, build_tokenizer
from mmcourse.paths import user_path
from mmcourse.refusals import check_saveable

NAMES = ("clip", "blip2", "llava", "qwen-vl")
TYPES = {"clip": "clip", "blip2": "blip-2", "llava": "llava", "qwen-vl": "qwen2_5_vl"}
"""What their config.json calls them."""
LARGEST = 128
"""Pixels of a side that Qwen's kind is shown at most; a larger picture is made smaller."""
HALF = [0.5, 0.5, 0.5]
"""Mean and deviation of the pixels, which brings them to [-1, 1]."""
LLAVA_CHAT = (
    "{% for message in messages %}{{ message['role'] }}: "
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image> {% else %}"
    "{{ part['text'] }}{% endif %}{% endfor %}"
    "{% if message['role'] == 'assistant' %}</s>{% endif %} {% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
"""The form of LLaVA 1.5's conversations."""
QWEN_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen's."""


def check_name(name: str) -> None:
    """Refuse a model that is not one of the four.

    Raises:
        ValueError: naming them.
    """
    if name not in NAMES:
        raise ValueError(f"no model {name!r}; there are {', '.join(NAMES)}")


def build(name: str, shape: Shape | None = None) -> tuple[Any, Any]:
    """An untrained model and its processor.

    Args:
        name: one of `NAMES`.
        shape: sizes (None: the shipped ones).

    Raises:
        ValueError: a name that is not one of them.
    """
    import transformers as t

    check_name(name)
    shape = shape or Shape()
    classes = {
        "clip": (t.CLIPModel, clip_config),
        "blip2": (t.Blip2ForConditionalGeneration, blip2_config),
        "llava": (t.LlavaForConditionalGeneration, llava_config),
        "qwen-vl": (t.Qwen2_5_VLForConditionalGeneration, qwen_config),
    }
    kind, config = classes[name]
    model = kind(config(shape))
    if name == "blip2":
        # The class starts all queries at zero, where their norm divides by almost nothing:
        # gradients of 1e17, and queries that part slowly, since they begin as one.
        nn.init.normal_(model.query_tokens, std=0.02)
    processor = build_processor(name, shape)
    if name != "clip":
        tokens = processor.tokenizer
        model.generation_config = t.GenerationConfig(
            pad_token_id=tokens.pad_token_id,
            bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id,
        )
    return model, processor


def build_processor(name: str, shape: Shape | None = None) -> Any:
    """Tokenizer, preparation of pictures, and the form of a chat, in the model's own class."""
    import transformers as t

    check_name(name)
    shape = shape or Shape()
    if name == "qwen-vl":
        # The cap is a little above a square: at exactly one, a row and a column would be lost.
        size = {"shortest_edge": 16 * 16, "longest_edge": LARGEST**2 + 16}
        about: dict[str, Any] = {"patch_size": shape.patch, "merge_size": 2, "size": size,
                                 "image_mean": HALF, "image_std": HALF}  # fmt: skip
        return t.Qwen2_5_VLProcessor(
            t.Qwen2VLImageProcessor(**about),
            build_tokenizer(start=False, stop="<|im_end|>", length=shape.length),
            t.Qwen2VLVideoProcessor(**about),
            chat_template=QWEN_CHAT,
        )
    square = {"height": shape.side, "width": shape.side}
    normal: dict[str, Any] = {"image_mean": HALF, "image_std": HALF, "do_center_crop": False}
    if name == "blip2":
        plain = t.BlipImageProcessor(size=square, image_mean=HALF, image_std=HALF)
        tokens = build_tokenizer(length=shape.length)
        return t.Blip2Processor(plain, tokens, num_query_tokens=shape.queries)
    pictures = t.CLIPImageProcessor(size=square, **normal)
    if name == "clip":
        tokens = build_tokenizer(end=True, length=min(shape.length, 128))
        return t.CLIPProcessor(pictures, tokens)
    return t.LlavaProcessor(
        pictures,
        build_tokenizer(length=shape.length),
        patch_size=shape.patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE,
        chat_template=LLAVA_CHAT,
    )


def check_pair(model: nn.Module, processor: Any) -> None:
    """Refuse a processor that would leave a model blind without a word.

    Raises:
        ValueError: BLIP-2 with another number of queries, or a tokenizer of another size.
    """
    config: Any = model.config
    wanted = getattr(config, "num_query_tokens", None)
    if wanted is not None and processor.num_query_tokens != wanted:
        raise ValueError(
            f"the model has {wanted} queries, its processor puts in {processor.num_query_tokens}: "
            "the picture would not be seen; set processor.num_query_tokens"
        )
    words = config.get_text_config().vocab_size
    if len(processor.tokenizer) > words:
        raise ValueError(
            f"the tokenizer knows {len(processor.tokenizer)} tokens, the model {words}: they do "
            "not belong together"
        )


def save(model: Any, processor: Any, folder: str | Path, dtype: str | None = None) -> None:
    """Write an ordinary transformers folder.

    Args:
        model: one of the four, without adapters.
        processor: its own.
        folder: where to.
        dtype: "float16" halves the file; None keeps the weights as they are. The model itself
            keeps its own.

    Raises:
        ValueError: as `check_pair`; adapters or packed layers; a dtype that is none of floats.
    """
    check_pair(model, processor)
    check_saveable(model)
    if dtype is not None:
        model = cast_copy(model, dtype)
    place = user_path(folder)
    model.save_pretrained(place)
    processor.save_pretrained(place)


def cast_copy(model: nn.Module, dtype: str) -> Any:
    """A copy of a model with its numbers in another type.

    Raises:
        ValueError: a dtype that is none of floats.
    """
    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype) or not kind.is_floating_point:
        raise ValueError(f"dtype is {dtype!r}, expected a type of floats, such as 'float16'")
    return copy.deepcopy(model).to(kind)


def load(folder: str | Path, name: str) -> tuple[Any, Any]:
    """A model in eval mode and its processor, from a folder that `save` or anybody else wrote.

    Raises:
        ValueError: in one line, if there is no such folder, it holds another model, is damaged, or
            its weights are missing, too many, of other sizes or NaN.
    """
    import transformers as t

    check_name(name)
    kind = t.AutoModel if name == "clip" else t.AutoModelForImageTextToText
    model = load_weights(kind, folder, name, TYPES[name])
    read = t.AutoProcessor.from_pretrained
    processor = in_one_line(lambda: read(user_path(folder)), folder, name)
    check_pair(model, processor)
    return model, processor


def load_weights(kind: Any, folder: str | Path, what: str, model_type: str) -> Any:
    """A model in eval mode and float32 from a folder of transformers.

    Args:
        kind: the Auto class that builds it.
        folder: where it is.
        what: what a message calls it.
        model_type: what its config.json has to say.

    Raises:
        ValueError: as `load`.
    """
    place = user_path(folder)
    if not place.is_dir():
        raise ValueError(f"{folder} is no folder, so it cannot be loaded as {what}")
    config = in_one_line(lambda: read_json(place / "config.json"), folder, what)
    held = config.get("model_type")
    if held != model_type:
        raise ValueError(
            f"{folder} cannot be loaded as {what}: it holds a {held}, expected a {model_type}"
        )
    model, report = in_one_line(
        lambda: kind.from_pretrained(place, output_loading_info=True, dtype=torch.float32),
        folder,
        what,
    )
    wrong = [*report["missing_keys"], *report["unexpected_keys"], *report["mismatched_keys"]]
    if wrong:
        raise ValueError(
            f"{folder} cannot be loaded as {what}: its weights lack or do not fit {wrong[0]}"
        )
    for name, parameter in model.named_parameters():
        if parameter.isnan().any():
            raise ValueError(f"{folder} holds NaN in {name}: take an earlier save")
    return model.eval()


def in_one_line(read: Callable[[], Any], folder: str | Path, what: str) -> Any:
    """What `read` gives; transformers raises nearly anything, which is said in one line.

    Raises:
        ValueError: naming folder and reason.
    """
    try:
        return read()
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{folder} cannot be loaded as {what} ({reason})") from error
