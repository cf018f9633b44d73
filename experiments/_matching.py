"""What the experiments on fusions share: a fusion with a yes or no, its inputs, its accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmcourse.joint import JointModel
from mmcourse.joint.measure_fused import picture_cells
from mmcourse.storyworld import Scene, Tokenizer, render_bytes

Inputs = tuple[Tensor, Tensor, Tensor]
"""Words (2 N, T, dim) and their mask of N true texts and N wrong ones, and cells (N, S, dim)."""


class Matcher(nn.Module):
    """A fusion and the logit of "it fits"."""

    def __init__(self, fusion: nn.Module, dim: int) -> None:
        super().__init__()
        self.fusion, self.head = fusion, nn.Linear(dim, 1)

    def forward(self, words: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """(B,) logits."""
        return self.head(self.fusion(words, mask, cells)).squeeze(-1)


@torch.no_grad()
def tokens(
    model: JointModel, scenes: Sequence[Scene], true: Sequence[str], wrong: Sequence[str]
) -> Inputs:
    """What the towers make of scenes, each with a true text and a wrong one."""
    ids, mask = Tokenizer().encode([*true, *wrong])
    parts = zip(ids.split(256), mask.split(256), strict=True)
    words = torch.cat([model.text_tower(i, m)[1] for i, m in parts])
    return words, mask, picture_cells(model, render_bytes(scenes))


@torch.no_grad()
def accuracy(matcher: Matcher, words: Tensor, mask: Tensor, cells: Tensor) -> float:
    """Share of right answers; the first half of the texts fits."""
    n, all_texts = len(cells), torch.arange(len(words))
    logits = torch.cat([matcher(words[i], mask[i], cells[i % n]) for i in all_texts.split(256)])
    return ((logits > 0) == (all_texts < n)).double().mean().item()
