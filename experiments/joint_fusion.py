"""Three ways to fuse, on the same frozen towers: whose colour is it?

    python experiments/joint_fusion.py [--small]

Writes joint_fusion.json. Two animals are in each picture. A true statement gives one of them its
own colour, accessory, mood or action, a wrong one that of the other: "a red fox", where the fox is
blue and the rabbit red. Each fusion ends in one linear layer; a fourth sees the pictures blanked.
Accuracy is that on scenes that were never trained on, for three seeds.
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
from mmcourse.joint.measure_fused import ASKED, crowds, picture_cells, statement
from mmcourse.storyworld import Character, Scene, Tokenizer, held_out, render_bytes
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


def exchangeable(one: Character, other: Character) -> list[str]:
    """Attributes in which they differ, and of which the first could have the other's value: pairs
    that no picture of training shows would give themselves away."""
    return [
        k
        for k in ASKED
        if getattr(one, k) != getattr(other, k)
        and (one.species, getattr(other, k)) not in held_out("species", k)
    ]


def questions(split: str, n: int) -> tuple[list[Scene], list[str], list[str]]:
    """The first n scenes of two animals with a true and a wrong statement about one of them; the
    animals and the attributes take turns."""
    scenes, true, wrong = [], [], []
    for i, scene in enumerate(crowds(split, 2, n + n // 10 + 10)):
        one, other = scene.characters if i % 2 else scene.characters[::-1]
        differ = exchangeable(one, other)
        if not differ:
            continue
        k = differ[(i // 2) % len(differ)]
        scenes.append(scene)
        true.append(statement(one.species, k, getattr(one, k)))
        wrong.append(statement(one.species, k, getattr(other, k)))
    return scenes[:n], true[:n], wrong[:n]


@torch.no_grad()
def tokens(model: JointModel, split: str, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Words (2 n, T, dim) and mask of n true statements and n wrong ones, cells (n, S, dim)."""
    scenes, true, wrong = questions(split, n)
    ids, mask = Tokenizer().encode(true + wrong)
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
