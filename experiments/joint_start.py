"""What a short training of the towers is worth, with and without two of its ingredients.

    python experiments/joint_start.py [--small]

Writes joint_start.json. The same towers, pictures, order and number of steps three times: without
standardising what they pool; with it; and with it and three glimpses beside each long caption.
"""

from __future__ import annotations

import sys

import torch
from _result import write
from torch import nn

from mmcourse.joint.evaluate import (
    embed_pictures,
    embed_texts,
    measure_retrieval,
    measure_zero_shot,
)
from mmcourse.joint.pairs import storyworld_pairs
from mmcourse.joint.recipe import build
from mmcourse.joint.train import train
from mmcourse.storyworld import caption, render_bytes, sample_scene

SEED, BATCH, LR = 0, 64, 6e-4
VARIANTS = {"plain": (False, 1), "standardised": (True, 1), "glimpses": (True, 4)}
"""Whether pooled numbers are standardised, and the captions of each picture."""


def gap(model: nn.Module, n: int) -> float:
    """Length of the vector between the centres of n captions and of their pictures."""
    scenes = [sample_scene("test", i) for i in range(n)]
    text = embed_texts(model, [caption(s) for s in scenes])
    image = embed_pictures(model, render_bytes(scenes, model.image_tower.size))
    return (text.mean(0) - image.mean(0)).norm().item()


def run(standardised: bool, captions: int, scenes: int, steps: int, n: int) -> dict[str, object]:
    """Train one variant and measure it on n unseen scenes."""
    torch.manual_seed(SEED)
    model = build()
    if not standardised:
        model.text_scaling = model.image_scaling = nn.Identity()
    pairs = storyworld_pairs(scenes, model.image_tower.size, seed=SEED, captions=captions)
    before = gap(model.eval(), min(n, 200))
    for _ in train(model, pairs, steps=steps, batch_size=min(BATCH, scenes), lr=LR):
        pass
    found = measure_retrieval(model, "test", n) | measure_zero_shot(model, "test", n)
    return {
        "gap_before": before,
        "gap": gap(model, min(n, 200)),
        **{k: m["value"] for k, m in found.items()},
    }


def main() -> None:
    small = "--small" in sys.argv[1:]
    scenes, steps, n = (16, 2, 5) if small else (6_000, 300, 1_000)
    found = {}
    for name, (standardised, captions) in VARIANTS.items():
        found[name] = run(standardised, captions, scenes, steps, n)
        print(name, found[name], flush=True)
    results = {"seed": SEED, "n": n, "scenes": scenes, "steps": steps, "batch_size": BATCH}
    if not small:
        write(__file__, ["mmcourse.joint", "mmcourse.nn"], {**results, "variants": found})


if __name__ == "__main__":
    main()
