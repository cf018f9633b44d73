"""What the published models hold and compute, from their configs alone.

    parts = published("answerer")          # names and shapes of LLaVA's weights; no weights
    held(parts["model"], four=True) / GIB  # GiB in four bits

Each is built of its real class on torch's meta device, which keeps shapes and no numbers, so this
takes no memory and no download. Counted operations are those of matrix products and convolutions, a
multiplication and an addition each.

Source: config.json of each repository, and of each part of the pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mmcourse.story.backends.hub_memory import Shape, held

T4_BYTES = 15_835_660_288
"""What PyTorch sees of a T4's 16 GB."""
T4_FLOPS = 320 * 64 * 2 * 1.59e9
"""Its 320 tensor cores multiply and add 64 pairs of float16 in a clock of 1.59 GHz."""
T4_BANDWIDTH = 2 * 5.001e9 * 256 / 8
"""Bytes a second between its memory and its cores: 256 wires, 5 GHz, twice a clock."""
SIDE = 512
"""Pixels of a page's picture."""


def published(which: str) -> dict[str, list[Shape]]:
    """Names and shapes of the weights of one of `hub_names.KNOWN`, by its parts.

    Raises:
        ValueError: another name.
    """
    return {
        part: [(n, tuple(p.shape)) for n, p in model.named_parameters()]
        for part, model in on_meta(which).items()
    }


def on_meta(which: str) -> Mapping[str, Any]:
    """The models of one of `hub_names.KNOWN` without numbers, by their parts.

    Raises:
        ValueError: another name.
    """
    import torch

    if which not in MAKERS:
        raise ValueError(f"sizes are known of {', '.join(MAKERS)}, got {which!r}")
    with torch.device("meta"):
        return {part: model.eval() for part, model in MAKERS[which]().items()}


def _clip() -> dict[str, Any]:
    import transformers as t

    return {"model": t.CLIPModel(t.CLIPConfig())}  # the class's own sizes are ViT-B/32's


def _blip2() -> dict[str, Any]:
    import transformers as t

    text: dict[str, Any] = {
        "model_type": "opt", "hidden_size": 2560, "ffn_dim": 10240, "num_hidden_layers": 32,
        "num_attention_heads": 32, "word_embed_proj_dim": 2560, "vocab_size": 50304,
    }  # fmt: skip
    return {"model": t.Blip2ForConditionalGeneration(t.Blip2Config(text_config=text))}


def _llava() -> dict[str, Any]:
    import transformers as t

    text: dict[str, Any] = {
        "model_type": "llama",
        "vocab_size": 32064,
        "max_position_embeddings": 4096,
    }
    config = t.LlavaConfig(text_config=text, tie_word_embeddings=False)
    return {"model": t.LlavaForConditionalGeneration(config)}


def _qwen() -> dict[str, Any]:
    import transformers as t

    text: dict[str, Any] = {
        "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
        "num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 151936,
        "tie_word_embeddings": True,
    }  # fmt: skip
    seen: dict[str, Any] = {
        "hidden_size": 1280,
        "out_hidden_size": 2048,
        "depth": 32,
        "intermediate_size": 3420,
    }
    config = t.Qwen2_5_VLConfig(text_config=text, vision_config=seen, tie_word_embeddings=True)
    return {"model": t.Qwen2_5_VLForConditionalGeneration(config)}


def _stable_diffusion() -> dict[str, Any]:
    import diffusers as d
    import transformers as t
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker

    text: dict[str, Any] = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
            "num_attention_heads": 12}  # fmt: skip
    large: dict[str, Any] = {
        "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24,
        "num_attention_heads": 16, "patch_size": 14,
    }  # fmt: skip
    return {
        "text_encoder": t.CLIPTextModel(t.CLIPTextConfig(**text)),
        "unet": d.UNet2DConditionModel(sample_size=SIDE // 8, cross_attention_dim=768),
        "vae": d.AutoencoderKL(
            block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4,
            down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        ),
        "safety_checker": StableDiffusionSafetyChecker(
            t.CLIPConfig(vision_config=large, projection_dim=768)
        ),
    }  # fmt: skip


MAKERS: dict[str, Callable[[], dict[str, Any]]] = {
    "encoder": _clip,
    "captioner": _blip2,
    "answerer": _llava,
    "writer": _qwen,
    "illustrator": _stable_diffusion,
}


def read_per_token(weights: list[Shape], four: bool = False) -> float:
    """Bytes of weights that each new token of one text reads: the language model's, all of them.
    Of a table of words that is not the last layer too, it reads one row."""
    untied = any("lm_head" in name for name, _ in weights)
    away = ("vision", "visual", "qformer", "query_tokens", "projector", "projection")
    kept = [
        (name, shape) for name, shape in weights
        if not any(part in name for part in away) and not (untied and "embed_tokens" in name)
    ]  # fmt: skip
    return held(kept, four=four)


@dataclass(frozen=True)
class Work:
    """Operations of drawing one picture, by the parts of a pipeline; `step` is one step's."""

    words: int
    step: int
    decoding: int
    safety: int

    def picture(self, steps: int) -> int:
        """All of it."""
        return self.words + steps * self.step + self.decoding + self.safety


def drawing_work() -> Work:
    """What the published pipeline computes for a picture of `SIDE` pixels with guidance, so with
    and without the words in each step."""
    import torch

    parts = on_meta("illustrator")
    meta, latent = torch.device("meta"), SIDE // 8
    noise = torch.zeros(2, 4, latent, latent, device=meta)
    words = torch.zeros(2, 77, 768, device=meta)
    pixels = torch.zeros(1, 3, 224, 224, device=meta)
    return Work(
        counted(parts["text_encoder"], torch.zeros(2, 77, dtype=torch.long, device=meta)),
        counted(parts["unet"], noise, torch.zeros(2, device=meta), words),
        counted(parts["vae"].decoder, noise[:1]),
        counted(parts["safety_checker"].vision_model, pixels),
    )


def counted(model: Any, *given: Any) -> int:
    """Operations of one forward pass on the meta device."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(*given)
    return int(counter.get_total_flops())
