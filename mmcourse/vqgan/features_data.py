"""Pictures with the truth about each patch, for the features network."""

from __future__ import annotations

from functools import partial

import numpy as np
from torch import Tensor

from mmcourse.caching import Made, cached
from mmcourse.cards import sources_hash
from mmcourse.storyworld.drawing.depth import LABELS, depth, segmentation
from mmcourse.storyworld.drawing.render import render
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.storyworld.world.sampling import sample_scene
from mmcourse.storyworld.world.scene import Scene
from mmcourse.vqgan.features import KINDS, PATCH, QUESTIONS

SOURCES = (*DRAWING, "mmcourse.storyworld.drawing.depth", "mmcourse.vqgan.features_data")
KIND_OF = np.array([KINDS.index(label.split(":")[0]) for label in LABELS], dtype=np.uint8)
"""The kind of each label of a segmentation."""
ENOUGH = 0.25
"""A patch is of a character or a thing that covers this share of it, else of sky or land."""


def owners(labels: np.ndarray) -> np.ndarray:
    """Whose each patch is: a segmentation (S, S) to (S / 8, S / 8), positions in `LABELS`."""
    side = labels.shape[0] // PATCH
    tiles = labels.reshape(side, PATCH, side, PATCH).swapaxes(1, 2).reshape(side, side, -1)
    share = np.stack([(tiles == k).mean(-1) for k in range(len(LABELS))], -1)  # (s, s, labels)
    objects = share.copy()
    objects[..., KIND_OF < 2] = 0
    return np.where(objects.max(-1) >= ENOUGH, objects.argmax(-1), share.argmax(-1))


def truth(scene: Scene, labels: np.ndarray) -> np.ndarray:
    """The right answers of each patch, (questions, S / 8, S / 8) int8, -1 where none arises."""
    whose = owners(labels)
    out = np.full((len(QUESTIONS), *whose.shape), -1, np.int8)
    at = {name: i for i, name in enumerate(QUESTIONS)}
    out[at["kind"]] = KIND_OF[whose]
    for name, values in QUESTIONS.items():
        if name.startswith("scene."):
            out[at[name]] = values.index(getattr(scene, name.removeprefix("scene.")))
    for kind, everyone in (("character", scene.characters), ("thing", scene.things)):
        for one in everyone:
            here = whose == LABELS.index(f"{kind}:{one.position}")
            for name, values in QUESTIONS.items():
                if name.startswith(f"{kind}."):
                    out[at[name]][here] = values.index(getattr(one, name.partition(".")[2]))
    return out


def _made(indices: range, size: int, split: str, seed: int) -> Made:
    pixels, near, answers, far = [], [], [], []
    for i in indices:
        scene = sample_scene(split, i, seed)
        labels = segmentation(scene, size)
        pixels.append(np.asarray(render(scene, size)))
        near.append(KIND_OF[labels[::2, ::2]])
        answers.append(truth(scene, labels))
        far.append(depth(scene, size)[PATCH // 2 :: PATCH, PATCH // 2 :: PATCH])
    return {
        "pixels": np.stack(pixels),
        "near": np.stack(near),
        "answers": np.stack(answers),
        "depth": np.stack(far).astype(np.float16),
    }


def draw_truth(
    n: int, size: int, split: str = "train", seed: int = 0, workers: int | None = None
) -> dict[str, Tensor]:
    """The first n scenes of a split, drawn, with the truth about them; cached on the disk.

    Returns:
        "pixels" (n, S, S, 3) uint8; "near" (n, S / 2, S / 2) uint8, the kind of every second pixel;
        "answers" (n, questions, S / 8, S / 8) int8, -1 where none arises; "depth" of the middle of
        each patch, (n, S / 8, S / 8) float16.
    """
    key = {"size": size, "split": split, "seed": seed, "sources": sources_hash(SOURCES)}
    make = partial(_made, size=size, split=split, seed=seed)
    return cached(f"truth-{size}", key, n, make, workers)
