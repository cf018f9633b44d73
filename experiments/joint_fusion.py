"""Three ways to fuse, on the same frozen towers: does this caption fit this picture?

    python experiments/joint_fusion.py [--small]

Writes joint_fusion.json. The wrong captions are wrong in one attribute. Each fusion ends in one
linear layer; a fourth sees the same pictures blanked. Accuracy is that on scenes that were never
trained on, for three seeds.
"""

from __future__ import annotations

import sys

import torch
from _result import write
from torch import Tensor, nn

from mmcourse.joint import (
    ConcatFusion,
    CrossAttentionFusion,
    GatedFusion,
    JointModel,
    matching_loss,
)
from mmcourse.joint.measure_fused import picture_cells, wrong_caption
from mmcourse.storyworld import Tokenizer, caption, render_bytes, sample_scene
from mmcourse.training import batch_indices, cosine_schedule, count_parameters

FUSIONS = {"concat": ConcatFusion, "gated": GatedFusion, "cross_attention": CrossAttentionFusion}
SEEDS = (0, 1, 2)
BATCH, LR = 64, 2e-3


class Matcher(nn.Module):
    """A fusion and the logit of "it fits"."""

    def __init__(self, fusion: nn.Module, dim: int) -> None:
        super().__init__()
        self.fusion, self.head = fusion, nn.Linear(dim, 1)

    def forward(self, words: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """(B,) logits."""
        return self.head(self.fusion(words, mask, cells)).squeeze(-1)


@torch.no_grad()
def tokens(model: JointModel, split: str, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Words (2 n, T, dim) and mask of n true captions and n wrong ones, cells (n, S, dim)."""
    scenes = [sample_scene(split, i) for i in range(n)]
    texts = [caption(s, i) for i, s in enumerate(scenes)]
    texts += [wrong_caption(s, i) for i, s in enumerate(scenes)]
    ids, mask = Tokenizer().encode(texts)
    words = torch.cat(
        [model.text_tower(i, m)[1] for i, m in zip(ids.split(256), mask.split(256), strict=True)]
    )
    return words, mask, picture_cells(model, render_bytes(scenes))


def accuracy(matcher: Matcher, words: Tensor, mask: Tensor, cells: Tensor) -> float:
    """Share of right answers; the first half of the texts fits."""
    n = len(cells)
    with torch.no_grad():
        logits = torch.cat(
            [matcher(words[i], mask[i], cells[i % n]) for i in torch.arange(2 * n).split(256)]
        )
    return ((logits > 0) == (torch.arange(2 * n) < n)).double().mean().item()


def run(name: str, seed: int, train: tuple, test: tuple, steps: int) -> tuple[float, int]:
    """Train one fusion, and its accuracy on what it has not seen."""
    torch.manual_seed(seed)
    words, mask, cells = train
    matcher = Matcher(FUSIONS[name](cells.shape[-1]), cells.shape[-1])
    optimiser = torch.optim.AdamW(matcher.parameters(), lr=LR, weight_decay=0.01)
    for step in range(steps):
        index = batch_indices(step, BATCH, len(words), seed)
        loss = matching_loss(
            matcher(words[index], mask[index], cells[index % len(cells)]), index < len(cells)
        )
        for group in optimiser.param_groups:
            group["lr"] = LR * cosine_schedule(step, steps, warmup=min(50, steps - 1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return accuracy(matcher, *test), count_parameters(matcher)


def main() -> None:
    small = "--small" in sys.argv[1:]
    n, held_out, steps = (64, 32, 3) if small else (6_000, 1_000, 1_500)
    model = JointModel.from_pretrained("joint")
    train, test = tokens(model, "train", n), tokens(model, "test", held_out)
    found: dict[str, dict[str, object]] = {}
    for name in FUSIONS:
        scores, sizes = zip(
            *(run(name, seed, train, test, steps) for seed in SEEDS[: 1 if small else 3]),
            strict=True,
        )
        found[name] = {
            "accuracy": sum(scores) / len(scores),
            "each": list(scores),
            "parameters": sizes[0],
        }
        print(name, found[name])
    blank = torch.zeros_like(train[2]), torch.zeros_like(test[2])
    blind, _ = run("cross_attention", 0, (*train[:2], blank[0]), (*test[:2], blank[1]), steps)
    found["blind"] = {"accuracy": blind}
    print("blind", blind)
    results = {"seeds": list(SEEDS), "n": 2 * held_out, "trained_on": 2 * n, "steps": steps}
    if not small:
        write(__file__, ["mmcourse.joint", "mmcourse.nn"], {**results, "fusions": found})


if __name__ == "__main__":
    main()
