"""What the features network knows of held-out patches, beside the commonest answer."""

from __future__ import annotations

from collections import defaultdict

import torch

from mmcourse.storyworld.dataset import from_bytes
from mmcourse.vqgan.features import QUESTIONS, Features
from mmcourse.vqgan.features_data import draw_truth

Measured = dict[str, float | int | None]
BATCH = 32


@torch.no_grad()
def measure_features(model: Features, n: int | None = None) -> dict[str, Measured]:
    """The share of right answers by question, over the patches of n held-out scenes where it
    arises; half of the scenes at 64 pixels, half at 128.

    "chance" is what always giving the commonest answer would reach; the depth's metric is its mean
    absolute error, and its chance that of always saying the median.

    Raises:
        ValueError: n below 2.
    """
    n = 1000 if n is None else n
    if n < 2:
        raise ValueError(f"n must be at least 2, a scene of each size, got {n}")
    device = next(model.parameters()).device
    right: dict[str, list[torch.Tensor]] = defaultdict(list)
    answers: dict[str, list[torch.Tensor]] = defaultdict(list)
    wrong, far = [], []
    for k, size in enumerate((64, 128)):
        album = draw_truth((n + 1 - k) // 2, size, "test", seed=k)
        for at in range(0, len(album["pixels"]), BATCH):
            rows = {key: x[at : at + BATCH] for key, x in album.items()}
            said = model.answer(model(from_bytes(rows["pixels"]).to(device)))
            for i, name in enumerate(QUESTIONS):
                true = rows["answers"][:, i].long()
                hit = said[name].argmax(1).cpu() == true
                right[name].append(hit[true >= 0])
                answers[name].append(true[true >= 0])
            wrong.append((said["depth"].squeeze(1).cpu() - rows["depth"].float()).abs().flatten())
            far.append(rows["depth"].float().flatten())
    out: dict[str, Measured] = {}
    for name in QUESTIONS:
        hits, true = torch.cat(right[name]), torch.cat(answers[name])
        if len(true):
            common = true.bincount().max().item() / len(true)
            out[name] = {"value": hits.double().mean().item(), "n": len(true), "chance": common}
    depths = torch.cat(far)
    blind = (depths - depths.median()).abs().mean().item()
    out["depth"] = {"value": torch.cat(wrong).mean().item(), "n": len(depths), "chance": blind}
    return out
