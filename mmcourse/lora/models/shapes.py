"""How large the four models are, and their configs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmcourse.lora.models.words import END, IMAGE, PAD, START, vocabulary

HEAD = 64


@dataclass(frozen=True)
class Shape:
    """Sizes that the four share; each takes what it needs.

    Args:
        width: of every transformer, a multiple of 32.
        layers: of the vision tower and of the language model each.
        side: of a picture in pixels.
        patch: of a patch.
        queries: BLIP-2's, which stand for the picture.
        query_layers: of its Q-Former.
        length: tokens that a language model has places for.
    """

    width: int = 128
    layers: int = 4
    side: int = 64
    patch: int = 8
    queries: int = 16
    query_layers: int = 2
    length: int = 512

    @property
    def heads(self) -> int:
        """Heads of 64 numbers, one at least."""
        return max(1, self.width // HEAD)


SMOKE = Shape(width=32, layers=1, side=16, queries=4, query_layers=1)
"""As small as they run."""


def ids() -> dict[str, int]:
    """The tokens that every config names."""
    numbers = {word: i for i, word in enumerate(vocabulary())}
    return {"pad_token_id": numbers[PAD], "bos_token_id": numbers[START],
            "eos_token_id": numbers[END]}  # fmt: skip


def vision(shape: Shape) -> dict[str, Any]:
    """A CLIP vision tower."""
    return {
        "hidden_act": "gelu",  # what BLIP-2 has; CLIP's own is an old approximation of it
        "hidden_size": shape.width,
        "intermediate_size": 4 * shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "image_size": shape.side,
        "patch_size": shape.patch,
    }


def language(shape: Shape, end: str = END) -> dict[str, Any]:
    """A Llama-like language model, its words' table used at both ends."""
    return {
        **ids(),
        "eos_token_id": vocabulary().index(end),
        "vocab_size": len(vocabulary()),
        "hidden_size": shape.width,
        "intermediate_size": 32 * round(shape.width * 8 / 3 / 32),
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "max_position_embeddings": shape.length,
        "tie_word_embeddings": True,
    }


def clip_config(shape: Shape) -> Any:
    """Of two towers of one width."""
    from transformers import CLIPConfig

    text = {
        **ids(),
        "vocab_size": len(vocabulary()),
        "hidden_size": shape.width,
        "intermediate_size": 4 * shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "max_position_embeddings": min(shape.length, 128),
    }
    return CLIPConfig(
        text_config=text, vision_config=vision(shape), projection_dim=max(64, shape.width)
    )


def blip2_config(shape: Shape) -> Any:
    """A vision tower, queries that look at it, and OPT behind them."""
    from transformers import Blip2Config

    text = {
        **ids(),
        "model_type": "opt",
        "vocab_size": len(vocabulary()),
        "hidden_size": shape.width,
        "word_embed_proj_dim": shape.width,
        "ffn_dim": 4 * shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "max_position_embeddings": shape.length,
        "dropout": 0.0,
    }
    former = {
        "vocab_size": len(vocabulary()),
        "hidden_size": shape.width,
        "intermediate_size": 4 * shape.width,
        "num_hidden_layers": shape.query_layers,
        "num_attention_heads": shape.heads,
        "encoder_hidden_size": shape.width,
        "cross_attention_frequency": 1,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": ids()["pad_token_id"],
    }
    return Blip2Config(
        vision_config={**vision(shape), "qkv_bias": True},
        qformer_config=former,
        text_config=text,
        num_query_tokens=shape.queries,
        image_token_index=vocabulary().index(IMAGE),
    )


def llava_config(shape: Shape) -> Any:
    """A vision tower, two layers that translate its patches, and a Llama that reads them."""
    from transformers import LlavaConfig

    return LlavaConfig(
        vision_config={
            "model_type": "clip_vision_model",
            "projection_dim": shape.width,
            **vision(shape),
        },
        text_config={"model_type": "llama", **language(shape)},
        image_token_index=vocabulary().index(IMAGE),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )


def qwen_config(shape: Shape) -> Any:
    """A vision tower without a fixed size, and a language model whose positions have three parts:
    time, row and column."""
    from transformers import Qwen2_5_VLConfig

    words = vocabulary()
    half = shape.width // shape.heads // 2
    sections = [half // 4, 3 * half // 8, 3 * half // 8]
    return Qwen2_5_VLConfig(
        vision_config={
            "depth": shape.layers,
            "hidden_size": shape.width,
            "intermediate_size": 2 * shape.width,
            "num_heads": shape.heads,
            "out_hidden_size": shape.width,
            "patch_size": shape.patch,
            "spatial_merge_size": 2,
            "fullatt_block_indexes": list(range(shape.layers)),
        },
        text_config={
            **language(shape, "<|im_end|>"),
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": sections,
            },
        },
        image_token_id=words.index("<|image_pad|>"),
        video_token_id=words.index("<|video_pad|>"),
        vision_start_token_id=words.index("<|vision_start|>"),
        vision_end_token_id=words.index("<|vision_end|>"),
        tie_word_embeddings=True,
    )
