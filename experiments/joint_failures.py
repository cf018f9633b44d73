"""Four ways to fail without a crash, each beside the same training done right.

    python experiments/joint_failures.py [--small]

Writes joint_failures.json: towers whose loss looks one way only, whose temperature is frozen, and
which are told that true captions are false; and a fusion that answers without the picture.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from _matching import Inputs, Matcher, accuracy, tokens
from _result import write
from torch import Tensor

from mmcourse.joint import CrossAttentionFusion, JointModel, matching_loss
from mmcourse.joint.evaluate import (
    distinct_scenes,
    embed_pictures,
    embed_texts,
    measure_zero_shot,
)
from mmcourse.joint.measure_fused import picture_cells, wrong_caption
from mmcourse.joint.pairs import Pairs, storyworld_pairs
from mmcourse.joint.recipe import build
from mmcourse.joint.retrieval import recall_at_k
from mmcourse.joint.train import Contrast, Objective, train
from mmcourse.storyworld import Scene, caption, describe, render_bytes, sample_scene
from mmcourse.training import batch_indices

SEED, BATCH, LR = 0, 64, 6e-4
Asker = Callable[[Scene, int], tuple[str, str]]
"""(scene, its number) to a true text and a wrong one."""


def one_sided(text: Tensor, image: Tensor, scale: Tensor) -> Tensor:
    """Each picture picks its caption; no caption picks a picture."""
    own = torch.arange(len(text), device=text.device)
    return F.cross_entropy(scale * image @ text.T, own)


def trained(pairs: Pairs, steps: int, objective: Objective, frozen: bool) -> tuple:
    """Towers trained so, and their last losses."""
    torch.manual_seed(SEED)
    model = build()
    if frozen:
        model.logit_scale.data.zero_()  # a scale, and a temperature, of 1
        model.logit_scale.requires_grad_(False)
    loop = train(model, pairs, steps=steps, batch_size=BATCH, lr=LR, objective=objective)
    losses = [m["loss"] for m in loop]
    last = losses[-max(1, steps // 10) :]
    return model, sum(last) / len(last)


def towers(
    pairs: Pairs, steps: int, n: int, objective: Objective = Contrast, frozen: bool = False
) -> dict[str, float]:
    """What towers trained so find and read among n unseen scenes.

    hub: among how many pictures' ten nearest captions the most popular caption is; ten on average.
    """
    model, loss = trained(pairs, steps, objective, frozen)
    scenes = distinct_scenes("test", n)
    text = embed_texts(model, [caption(s) for s in scenes])
    image = embed_pictures(model, render_bytes(scenes, model.image_tower.size))
    similarity = text @ image.T
    nearest = similarity.T.topk(min(10, n - 1), dim=1).indices.flatten()
    read = measure_zero_shot(model, "test", n)
    return {
        "loss": loss,
        "t2i": recall_at_k(similarity, 1),
        "i2t": recall_at_k(similarity.T, 1),
        "hub": float(nearest.bincount(minlength=n).max()),
        **{name.removeprefix("zero_shot_"): m["value"] for name, m in read.items()},
    }


def share_false(pairs: Pairs, steps: int) -> float:
    """Of the pairs that are called wrong, the share that is true."""
    false = wrong = 0
    for step in range(steps):
        index = pairs.batch(step, BATCH)
        ignored = pairs.show(index, step, torch.device("cpu")).ignored
        assert ignored is not None
        false += int(ignored.sum())
        wrong += ignored.numel() - len(ignored)
    return false / wrong


def careless(scene: Scene, i: int) -> tuple[str, str]:
    """A true caption that leaves things out, and a wrong one that tells all: who made these let
    the length of a text give the answer away."""
    return describe(scene, key=i, complete=False).text, wrong_caption(scene, i)


def careful(scene: Scene, i: int) -> tuple[str, str]:
    """A true and a wrong caption, both complete."""
    return caption(scene, i), wrong_caption(scene, i)


def deaf_fusion(n: int, unseen: int, steps: int) -> dict[str, float]:
    """A fusion trained on careless questions: how it does on such, on such with the picture of
    another caption and with a grey one, and on careful ones."""
    model = JointModel.from_pretrained("joint")
    scenes = [sample_scene("train", i) for i in range(n)]
    held_out = [sample_scene("test", i) for i in range(unseen)]

    def read(shown: list[Scene], ask: Asker) -> Inputs:
        true, wrong = zip(*(ask(s, i) for i, s in enumerate(shown)), strict=True)
        return tokens(model, shown, true, wrong)

    torch.manual_seed(SEED)
    words, mask, cells = read(scenes, careless)
    matcher = Matcher(CrossAttentionFusion(cells.shape[-1]), cells.shape[-1])
    optimiser = torch.optim.AdamW(matcher.parameters(), lr=1e-3)
    for step in range(steps):
        index = batch_indices(step, min(BATCH, n), 2 * n, SEED)
        answers = matcher(words[index], mask[index], cells[index % n])
        optimiser.zero_grad()
        matching_loss(answers, index < n).backward()
        optimiser.step()

    words, mask, cells = read(held_out, careless)
    grey = torch.full((1, model.image_tower.size, model.image_tower.size, 3), 128).byte()
    blank = picture_cells(model, grey).expand_as(cells)
    return {
        "careless": accuracy(matcher, words, mask, cells),
        "careless_other_picture": accuracy(matcher, words, mask, cells.roll(1, 0)),
        "careless_blank": accuracy(matcher, words, mask, blank),
        "careful": accuracy(matcher, *read(held_out, careful)),
    }


def main() -> None:
    small = "--small" in sys.argv[1:]
    scenes, steps, n = (BATCH, 1, 5) if small else (6_000, 300, 1_000)
    long, short = storyworld_pairs(scenes, seed=SEED), storyworld_pairs(scenes, captions=4)
    one_way = partial(Contrast, loss_function=one_sided)
    found: dict[str, dict[str, float]] = {}
    for name, run in {
        "healthy": lambda: towers(long, steps, n),
        "one_sided": lambda: towers(long, steps, n, one_way),
        "frozen": lambda: towers(long, steps, n, frozen=True),
        "truth_known": lambda: towers(short, steps, n),
        "false_negatives": lambda: towers(replace(short, truth=None), steps, n),
        "fusion": lambda: deaf_fusion(10 if small else 3_000, n, steps),
    }.items():
        found[name] = run()
        print(name, found[name], flush=True)
    found["false_negatives"]["share"] = share_false(short, 1 if small else 20)
    results = {
        "seed": SEED,
        "n": n,
        "scenes": scenes,
        "steps": steps,
        "batch_size": BATCH,
        "lr": LR,
    }
    if not small:
        write(__file__, ["mmcourse.joint", "mmcourse.nn"], {**results, "runs": found})


if __name__ == "__main__":
    main()
