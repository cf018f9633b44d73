"""What the size of a batch does, to the softmax of CLIP and to the sigmoid of SigLIP.

    python experiments/joint_batch.py [--small]

Writes joint_batch.json. The same towers see equally many pairs of a long caption and its picture,
in batches of 16, 64 and 256, so that small batches take more steps. Beside each softmax stands
log B minus its loss on unseen pairs in batches of its size: what it can be sure to know.
"""

from __future__ import annotations

import math
import sys
from functools import partial

import torch
from _result import write
from torch import Tensor, nn

from mmcourse.joint.evaluate import distinct_scenes, embed_pictures, embed_texts, measure_retrieval
from mmcourse.joint.losses import clip_loss, siglip_loss
from mmcourse.joint.model import JointModel
from mmcourse.joint.pairs import Pairs, storyworld_pairs
from mmcourse.joint.recipe import build
from mmcourse.joint.train import Contrast, train
from mmcourse.storyworld import caption, render_bytes

SEED, LR = 0, 6e-4
SIZES = (16, 64, 256)


@torch.no_grad()
def certified(model: JointModel, size: int, n: int) -> float:
    """log B minus the softmax loss on n unseen pairs in batches of B, in nats; below 0: nothing."""
    scenes = distinct_scenes("test", n)
    text = embed_texts(model, [caption(s) for s in scenes])
    image = embed_pictures(model, render_bytes(scenes, model.image_tower.size))
    scale = model.logit_scale.exp()
    losses = [
        clip_loss(t, i, scale).item()
        for t, i in zip(text.split(size), image.split(size), strict=True)
        if len(t) == size
    ]
    return math.log(size) - sum(losses) / len(losses)


def sigmoid(model: JointModel, text: Tensor, image: Tensor, scale: Tensor) -> Tensor:
    """`siglip_loss` with the model's own bias."""
    return siglip_loss(text, image, scale, model.bias)


def run(name: str, size: int, pairs: Pairs, seen: int, n: int) -> dict[str, float]:
    """Train with one loss and batch size, and measure on unseen scenes."""
    torch.manual_seed(SEED)
    model = build()
    objective = Contrast
    if name == "sigmoid":  # its bias is learnt beside the scale, from the prior of a batch on
        model.bias = nn.Parameter(torch.tensor(-math.log(size - 1)))
        objective = partial(Contrast, loss_function=partial(sigmoid, model))
    losses = [
        m["loss"]
        for m in train(
            model, pairs, steps=seen // size, batch_size=size, lr=LR, objective=objective
        )
    ]
    found = {k: m["value"] for k, m in measure_retrieval(model, "test", n).items()}
    last = losses[-max(1, len(losses) // 20) :]
    out = {"steps": len(losses), "loss": sum(last) / len(last), **found}
    if name == "softmax":
        out["certified"] = certified(model, size, n)
    return out


def main() -> None:
    small = "--small" in sys.argv[1:]
    sizes, seen, n = ((4, 8), 16, 8) if small else (SIZES, 12_800, 1_000)
    pairs = storyworld_pairs(max(seen // 4, max(sizes)), seed=SEED)
    found: dict[str, dict[str, object]] = {}
    for size in sizes:
        for name in ("softmax", "sigmoid"):
            found[f"{name}_{size}"] = run(name, size, pairs, seen, n)
            print(name, size, found[f"{name}_{size}"], flush=True)
    results = {"seed": SEED, "n": n, "pairs_seen": seen, "lr": LR}
    if not small:
        write(__file__, ["mmcourse.joint", "mmcourse.nn"], {**results, "runs": found})


if __name__ == "__main__":
    main()
