"""The judge looks at a story's pictures. It drew none of them and checked none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmcourse.story.measure.pages import Seen
from mmcourse.storyworld.dataset import to_pixels
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.reading import CHARACTER_FIELDS, FIELDS, NOBODY
from mmcourse.storyworld.world import vocabulary as v

if TYPE_CHECKING:
    from PIL.Image import Image


@torch.no_grad()
def look(judge: Judge, pictures: Sequence[Image], batch: int = 32) -> list[Seen]:
    """What the judge sees in RGB pictures of one size."""
    out: list[Seen] = []
    for i in range(0, len(pictures), batch):
        logits, identities, _, _ = judge(to_pixels(pictures[i : i + batch]))
        said = {f: logits[f].argmax(-1).tolist() for f in FIELDS}
        heat = judge.temperature[list(FIELDS).index("scene.style")]
        styles = (logits["scene.style"] / heat).softmax(-1).double().numpy()
        vectors = identities.double().numpy()  # (B, 3, D)
        for b in range(len(styles)):
            answers = {f: FIELDS[f][said[f][b]] for f in FIELDS}
            out.append(_seen(answers, vectors[b], styles[b]))
    return out


def _seen(said: dict[str, str], vectors: np.ndarray, style: np.ndarray) -> Seen:
    here = [p for p in v.POSITIONS if said[f"character:{p}.species"] != NOBODY]
    return Seen(
        {p: {k: said[f"character:{p}.{k}"] for k in CHARACTER_FIELDS} for p in here},
        {k: said[f"scene.{k}"] for k in v.SCENE_ATTRIBUTES},
        {p: vectors[v.POSITIONS.index(p)] for p in here},
        style,
    )
