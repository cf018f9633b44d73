"""Pictures and captions as tensors, made on the fly, the same for everyone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from mmcourse.storyworld.drawing.render import render
from mmcourse.storyworld.language.captions import caption
from mmcourse.storyworld.world.sampling import sample_scene
from mmcourse.storyworld.world.scene import Scene


def to_pixels(pictures: Sequence[Image.Image]) -> Tensor:
    """RGB pictures of one size to float32 (B, 3, H, W) in [-1, 1].

    Raises:
        ValueError: a picture that is not RGB, or none at all.
    """
    if not pictures:
        raise ValueError("no pictures, so no size: give one or more")
    for picture in pictures:
        if picture.mode != "RGB":
            raise ValueError(f"pictures must be RGB, got {picture.mode}; use .convert('RGB')")
    stacked = np.stack([np.asarray(p, dtype=np.uint8) for p in pictures])
    return from_bytes(torch.from_numpy(stacked))


def from_bytes(pictures: Tensor) -> Tensor:
    """uint8 (B, H, W, 3) to float32 (B, 3, H, W) in [-1, 1]."""
    return pictures.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def render_bytes(scenes: Iterable[Scene], size: int = 64) -> Tensor:
    """Scenes to uint8 pictures (N, H, W, 3): a quarter of the memory of floats."""
    rows = [np.asarray(render(scene, size)) for scene in scenes]
    if not rows:
        return torch.empty(0, size, size, 3, dtype=torch.uint8)
    return torch.from_numpy(np.stack(rows))


class StoryWorld(Dataset[dict[str, object]]):
    """`n` scenes of one split. Item `i` depends on (seed, split, i) alone and needs no files.

    An item is {"pixels": float32 (3, size, size) in [-1, 1], "caption": str, "scene": Scene}.
    For batches give `collate` to the loader: `DataLoader(world, 32, collate_fn=world.collate)`.
    """

    def __init__(
        self, split: str, n: int, size: int = 64, seed: int = 0, complete: bool = True
    ) -> None:
        if n < 0:
            raise ValueError(f"n must be at least 0, got {n}")
        self.split, self.n, self.size, self.seed, self.complete = split, n, size, seed, complete
        sample_scene(split, 0, seed)  # an unknown split is refused here, not in the first batch

    def __len__(self) -> int:
        return self.n

    def scene(self, index: int) -> Scene:
        """The scene at `index`, undrawn.

        Raises:
            IndexError: an index out of range.
        """
        if not 0 <= index < self.n:
            raise IndexError(f"index {index} is out of range: this split holds {self.n} scenes")
        return sample_scene(self.split, index, self.seed)

    def __getitem__(self, index: int) -> dict[str, object]:
        scene = self.scene(index)
        pixels = to_pixels([render(scene, self.size)])[0]
        return {"pixels": pixels, "caption": caption(scene, 0, self.complete), "scene": scene}

    @staticmethod
    def collate(items: Sequence[dict[str, object]]) -> dict[str, object]:
        """Items to a batch: pixels (B, 3, size, size), and lists of captions and scenes."""
        batch: dict[str, object] = {key: [item[key] for item in items] for key in items[0]}
        return {**batch, "pixels": torch.stack([item["pixels"] for item in items])}  # type: ignore[misc]
