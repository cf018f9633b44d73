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
from _matching import Inputs, Matcher, accuracy, tokens
from _result import write

from mmcourse.joint import (
    ConcatFusion,
    CrossAttentionFusion,
    GatedFusion,
    JointModel,
    matching_loss,
)
from mmcourse.joint.measure_fused import ASKED, crowds, statement
from mmcourse.storyworld import Character, Scene, held_out
from mmcourse.training import batch_indices, cosine_schedule, count_parameters

FUSIONS = {"concat": ConcatFusion, "gated": GatedFusion, "cross_attention": CrossAttentionFusion}
SEEDS = (0, 1, 2)
BATCH, LR = 64, 2e-3


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


def run(name: str, seed: int, train: Inputs, test: Inputs, steps: int) -> tuple[float, int]:
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
    n, unseen, steps = (32, 8, 2) if small else (6_000, 1_000, 1_500)
    model = JointModel.from_pretrained("joint")
    train = tokens(model, *questions("train", n))
    test = tokens(model, *questions("test", unseen))
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
    results = {"seeds": list(SEEDS), "n": 2 * unseen, "trained_on": 2 * n, "steps": steps}
    if not small:
        write(__file__, ["mmcourse.joint", "mmcourse.nn"], {**results, "fusions": found})


if __name__ == "__main__":
    main()
