"""Train CLIP on pairs that differ by one thing, with exact truth beside the contrast.

A contrast among strangers asks for what is frequent and different: places, colours, who is there.
Who has what decides nothing there. So every picture comes with a neighbour (`neighbours`), and two
more losses say what is to be seen: heads on the patches are asked what the world knows of each, and
heads on both vectors who has what. The heads are thrown away; what is saved is an ordinary CLIP.

A run may begin with a stage of seeing, in which the tower is asked by itself: two captions cost
more than the picture that they are about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.joint.glimpses import glimpse
from mmcourse.joint.losses import masked_clip_loss
from mmcourse.joint.negatives import true_of
from mmcourse.lora.models.neighbours import (
    draw_neighbours,
    neighbours,
    scene_table,
    table_of_facts,
)
from mmcourse.lora.models.seeing import ANSWERS, missed
from mmcourse.lora.models.train import Metrics, Plan, Stage, practise
from mmcourse.processes import gather, my_rows, weight_of, world
from mmcourse.storyworld import Caption, Scene, describe, from_bytes
from mmcourse.training import batch_indices

PATCHES, TABLE = 0.5, 1.0
"""Weights of the two losses beside the contrast."""
PARTIAL = 4
"""Every so many-th caption tells a part of its scene."""
SEEING, VISION = "sights", "vision_model|visual_projection"
"""The task of a stage without words, and the parameters that learn there."""


class PairLearning(nn.Module):
    """A CLIP with heads that are asked what is true, and the loss of a batch.

    Args:
        model: a `CLIPModel`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        width = model.config.vision_config.hidden_size
        self.patches = nn.Linear(width, ANSWERS)
        self.table = nn.Linear(model.config.projection_dim, len(table_of_facts()))
        nn.init.constant_(self.table.bias, -3.0)  # few statements are true of a scene

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Of `pixel_values` (B, 3, H, W), captions `input_ids` and glimpses `glimpse_ids` (B, T)
        with their masks, `ignored` (2B, 2B), `answers` (B, questions, h, w), `table` (B, F).
        Without captions the tower alone is asked."""
        seen = self.model.vision_model(pixel_values=batch["pixel_values"])
        image = self.model.visual_projection(seen.pooler_output).float()  # (B, D)
        patches = missed(self.patches(seen.last_hidden_state[:, 1:]), batch["answers"])
        if "input_ids" not in batch:
            told_all = self.bound(image, batch["table"]).mean()
            return PATCHES * patches + TABLE * told_all / 8
        told = [
            self.model.text_projection(
                self.model.text_model(
                    input_ids=batch[f"{kind}_ids"], attention_mask=batch[f"{kind}_mask"]
                ).pooler_output
            ).float()
            for kind in ("input", "glimpse")
        ]
        contrast = self.contrast(image, told, batch["ignored"])
        whole = torch.cat((image, told[0]))
        right = torch.cat((batch["table"], batch["table"]))
        heard = torch.cat((torch.ones_like(batch["complete"]), batch["complete"]))
        share = (self.bound(whole, right) * heard).sum() / heard.sum() * weight_of(heard.sum())
        return contrast + PATCHES * patches + TABLE * share / 8

    def bound(self, vectors: Tensor, table: Tensor) -> Tensor:
        """How much of who has what vectors (B, D) miss, (B,), in nats."""
        return F.binary_cross_entropy_with_logits(
            self.table(vectors).float(), table.float(), reduction="none"
        ).sum(1)

    def contrast(self, image: Tensor, told: list[Tensor], ignored: Tensor) -> Tensor:
        """Captions and glimpses of all processes against the pictures of all."""
        texts = torch.cat([F.normalize(gather(t), dim=-1) for t in told])  # (2B, D)
        images = F.normalize(gather(image), dim=-1).repeat(2, 1)
        return masked_clip_loss(texts, images, self.model.logit_scale.exp(), ignored)


def train_pairs(
    model: Any,
    processor: Any,
    plan: Plan,
    *,
    precision: str = "no",
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Iterator[Metrics]:
    """Train a CLIP in place on `plan.examples` scenes and as many neighbours; see `train`.

    Args:
        model: a `CLIPModel`.
        processor: its own.
        plan: `batch_size` counts pictures, an even number; a stage of the task
            `SEEING` is one without words, and should train `VISION` alone.
        precision: "no", "bf16" or "fp16".
        checkpoint: as in `train`.
        seed: of the order.

    Raises:
        ValueError: an odd batch.
    """
    if plan.batch_size % 2:
        raise ValueError(f"batch_size is {plan.batch_size}, expected an even number: pairs")
    vision = model.config.vision_config
    drawn = draw_neighbours(plan.examples, vision.image_size)
    pixels, answers = drawn["pixels"].flatten(0, 1), drawn["answers"].flatten(0, 1)
    side = vision.image_size // vision.patch_size
    if answers.shape[-1] != side:
        raise ValueError(f"patches are {vision.patch_size} pixels wide, expected 8")
    scenes = [scene for i in range(plan.examples) for scene in neighbours("train", i)]
    table = scene_table(scenes)

    @lru_cache(4096)
    def told(index: int, turn: int) -> Caption:
        return describe(scenes[index], key=turn, complete=bool((index + turn) % PARTIAL))

    @lru_cache(4096)
    def glimpsed(index: int, turn: int) -> Caption:
        return glimpse(scenes[index], turn, things=True)

    def batches(stage: Stage, step: int) -> dict[str, Tensor]:
        index = batch_indices(step, plan.batch_size // 2 * world(), plan.examples, seed)
        rows = (2 * index[:, None] + torch.arange(2)).flatten()
        mine = my_rows(len(rows))
        out = {
            "pixel_values": shifted(from_bytes(pixels[rows[mine]]), step),
            "answers": answers[rows[mine]],
            "table": table[rows[mine]],
        }
        if stage.tasks == (SEEING,):
            return out
        all_ = rows.tolist()
        captions = [told(i, step) for i in all_], [glimpsed(i, step) for i in all_]
        shown: list[Scene] = [scenes[i] for i in all_]
        true = true_of([*captions[0], *captions[1]], shown).repeat(1, 2)  # (2B, 2B)
        out |= {
            "complete": torch.tensor([float((i + step) % PARTIAL > 0) for i in all_[mine]]),
            "ignored": true & ~torch.eye(len(true), dtype=torch.bool),
        }
        for kind, texts in zip(("input", "glimpse"), captions, strict=True):
            made = processor.tokenizer(
                [c.text for c in texts[mine]], padding=True, return_tensors="pt"
            )
            out |= {f"{kind}_ids": made["input_ids"], f"{kind}_mask": made["attention_mask"]}
        return out

    learning = PairLearning(model)
    yield from practise(
        learning, plan, batches, precision=precision, checkpoint=checkpoint, seed=seed
    )


def shifted(pixels: Tensor, step: int, most: int = 2) -> Tensor:
    """Pictures (B, 3, H, W) moved by up to so many pixels, each step another way."""
    dice = torch.Generator().manual_seed(step)
    right, down = torch.randint(0, 2 * most + 1, (2,), generator=dice).tolist()
    high, wide = pixels.shape[2:]
    padded = F.pad(pixels, (most,) * 4, mode="replicate")
    return padded[:, :, down : down + high, right : right + wide]
