"""CIFAR-10 by three ways from the same labels: class prompts, a linear probe, a supervised network.

    python experiments/joint_cifar.py [--small]

Writes joint_cifar.json. It needs CIFAR-10 (see `mmcourse.datasets.cifar10`). The towers learn from
captions made of the class names, and then read classes by prompts. The probe is a linear
classifier on what their image tower pools. The supervised network is the same image tower with a
linear layer, trained by cross-entropy for as long as the towers were, by the clock.
"""

from __future__ import annotations

import sys
import time

import torch
import torch.nn.functional as F
from _result import write
from torch import Tensor, nn

from mmcourse.datasets import LabelledPictures, cifar10
from mmcourse.joint.model import JointModel
from mmcourse.joint.real import build_for_classes, class_pairs, measure_classes
from mmcourse.joint.towers import ImageTower
from mmcourse.joint.train import train
from mmcourse.training import EMA, batch_indices, cosine_schedule, count_parameters, evaluating

SEEDS, BATCH, LR = (0,), 96, 1e-3


class Classifier(nn.Module):
    """The image tower, and a linear layer on what it pools, standardised as the towers do."""

    def __init__(self, tower: ImageTower, classes: int) -> None:
        super().__init__()
        width = tower.positions.shape[1]
        self.tower, self.scaling = tower, nn.BatchNorm1d(width, affine=False)
        self.head = nn.Linear(width, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) to (B, classes)."""
        return self.head(self.scaling(self.tower(pixels)[0]))


@torch.no_grad()
def pooled(model: JointModel, data: LabelledPictures) -> Tensor:
    """What the image tower pools, (N, dim)."""
    rows = []
    with evaluating(model):
        for part in torch.arange(len(data)).split(500):
            rows.append(model.image_scaling(model.image_tower(data.batch(part)[0])[0]))
    return torch.cat(rows)


def probe(features: Tensor, labels: Tensor, unseen: Tensor, truth: Tensor, classes: int) -> float:
    """Accuracy of a logistic regression, fitted to the end."""
    layer = nn.Linear(features.shape[1], classes)
    nn.init.zeros_(layer.weight)
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = F.cross_entropy(layer(features), labels) + 1e-4 * layer.weight.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return (layer(unseen).argmax(1) == truth).double().mean().item()


def supervised(
    data: LabelledPictures, unseen: LabelledPictures, seed: int, seconds: float
) -> tuple[float, int]:
    """Accuracy of the same network trained by cross-entropy for so long, and the steps it took."""
    torch.manual_seed(seed)
    model = Classifier(ImageTower(data.size), len(data.class_names))
    model.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.05, betas=(0.9, 0.98))
    ema = EMA(model, decay=0.995)
    start, step = time.perf_counter(), 0
    while (used := (time.perf_counter() - start) / seconds) < 1:
        pixels, labels = data.batch(batch_indices(step, BATCH, len(data), seed))
        rate = min(1.0, used / 0.05 + 0.01) * cosine_schedule(int(1000 * used), 1000)
        for group in optimiser.param_groups:
            group["lr"] = LR * rate
        loss = F.cross_entropy(model(pixels), labels)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        ema.update(model)
        step += 1
    ema.copy_to(model)
    model.eval()
    with torch.no_grad():
        parts = [model(unseen.batch(i)[0]) for i in torch.arange(len(unseen)).split(500)]
    return (torch.cat(parts).argmax(1) == unseen.labels).double().mean().item(), step


def part(data: LabelledPictures, n: int | None, seed: int = 0) -> LabelledPictures:
    """n of the pictures at random, or all."""
    chosen = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))[:n]
    return LabelledPictures(data.pixels[chosen], data.labels[chosen], data.class_names, data.size)


def made_up(n: int) -> LabelledPictures:
    """Noise in ten classes, for a run that only has to end."""
    dice = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8, generator=dice)
    return LabelledPictures(pixels, torch.arange(n) % 10, [f"thing{i}" for i in range(10)])


def main() -> None:
    small = "--small" in sys.argv[1:]
    data, unseen = (
        (made_up(120), made_up(20)) if small else (part(cifar10("train"), None), cifar10("test"))
    )
    steps, seeds = (3, SEEDS[:1]) if small else (400, SEEDS)
    rows: dict[str, list[float]] = {}
    for seed in seeds:
        torch.manual_seed(seed)
        model = build_for_classes(data)
        start = time.perf_counter()
        for _ in train(model, class_pairs(data, seed), steps=steps, batch_size=BATCH, lr=LR):
            pass
        seconds = time.perf_counter() - start
        right, took = supervised(data, unseen, seed, seconds)
        found = {
            "zero_shot": measure_classes(model, unseen)["value"],
            "linear_probe": probe(
                pooled(model, data), data.labels, pooled(model, unseen), unseen.labels, 10
            ),
            "supervised": right,
            "seconds": round(seconds, 1),
            "supervised_steps": took,
        }
        print(seed, found, flush=True)
        for name, value in found.items():
            rows.setdefault(name, []).append(value)
    results = {
        "seeds": list(seeds),
        "n": len(unseen),
        "trained_on": len(data),
        "steps": steps,
        "parameters": count_parameters(model.image_tower),
        "mean": {name: sum(values) / len(values) for name, values in rows.items()},
        "each": rows,
    }
    if not small:
        write(__file__, ["mmcourse.joint", "mmcourse.nn"], results)


if __name__ == "__main__":
    main()
