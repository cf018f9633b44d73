"""A vision tower learns to see before it is spoken to: each place is asked what it shows.

Words are a poor teacher of eyes. An answer of two words says little of a picture, and nothing of
where its truth is to be seen. CLIP's tower, which LLaVA and BLIP-2 take over, was asked about every
patch while it was trained (`clip_train`). The tower of Qwen's kind is another, so it is asked here.
The layer that answers is thrown away in the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.lora.models.train import Learning, Whole
from mmcourse.processes import mine, weight_of, world
from mmcourse.training import batch_indices
from mmcourse.vqgan.features import QUESTIONS
from mmcourse.vqgan.features_data import draw_truth

ANSWERS = sum(len(values) for values in QUESTIONS.values())
"""How many numbers answer all questions about a patch."""


def missed(said: Tensor, answers: Tensor) -> Tensor:
    """Mean over the questions of the cross-entropy where each arises, in nats. A scalar.

    Args:
        said: (B, h w, `ANSWERS`), logits of each patch, from left to right and then down.
        answers: (B, questions, h, w), -1 where a question does not arise.
    """
    losses = []
    parts = said.float().split([len(x) for x in QUESTIONS.values()], -1)
    for part, right in zip(parts, answers.flatten(2).long().unbind(1), strict=True):
        there = (right >= 0).sum()
        total = F.cross_entropy(part.mT, right, ignore_index=-1, reduction="sum")
        losses.append(total / there.clamp(min=1) * weight_of(there))
    return torch.stack(losses).mean()


class Seeing(Learning):
    """What a Qwen-VL learns from: answers, and what its places show.

    Args:
        model: a model of Qwen's kind, whose tower joins squares of patches to one place.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        vision = model.config.vision_config
        self.merge = vision.spatial_merge_size
        self.heads = nn.Linear(vision.out_hidden_size, self.merge**2 * ANSWERS)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The loss of a batch: of `Learning`, or, with `answers`, of what is seen."""
        if "answers" not in batch:
            return super().forward(batch)
        found = self.model.get_image_features(
            pixel_values=batch["pixel_values"], image_grid_thw=batch["image_grid_thw"]
        ).pooler_output  # of each picture its places
        places = torch.stack(tuple(found))  # (B, P, D)
        high, wide = (side // self.merge for side in batch["answers"].shape[2:])
        square = (self.merge, self.merge, ANSWERS)
        said = self.heads(places).unflatten(1, (high, wide)).unflatten(-1, square)
        return missed(said.transpose(2, 3).flatten(1, 4), batch["answers"])


def sights(
    processor: Any, sides: Sequence[int], examples: int, batch_size: int, seed: int = 0
) -> Whole:
    """The task of seeing: pictures with the truth about their patches.

    Args:
        processor: of a model of Qwen's kind.
        sides: of the pictures in pixels, which take turns.
        examples: pictures of each side.
        batch_size: of each process.
        seed: of the order.
    """
    drawn = [draw_truth(examples, side) for side in sides]

    def batch(step: int) -> dict[str, Tensor]:
        album = drawn[step % len(drawn)]
        index = mine(batch_indices(step, batch_size * world(), examples, seed))
        shown = album["pixels"][index].movedim(-1, 1)  # (B, 3, S, S)
        made = processor.image_processor(images=list(shown), return_tensors="pt")
        return {**made, "answers": album["answers"][index]}

    return Whole(batch)
