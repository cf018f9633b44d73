"""Drawing StoryWorld beside decoding JPEG files of the same pictures with Pillow.

    python benchmarks/render.py [--json] [--rounds N]

A data set that lies on a disk has to be decoded; this one has to be drawn. Both give the same
64x64 pictures as arrays of bytes, on one core. Every picture is drawn for the first time: only
backdrops and shapes may have been kept from others. The scenes are sampled beforehand; reading a
file is left out of the peer's time.
"""

from __future__ import annotations

import io
from importlib.metadata import version

import numpy as np
import torch
from _timing import in_turns, options, report
from PIL import Image

from mmcourse.cards import environment
from mmcourse.storyworld import Scene, render, sample_scene
from mmcourse.storyworld.world.vocabulary import STYLES


def jpeg(picture: Image.Image) -> bytes:
    """A picture as the file that a data set of photographs would hold."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


class Fresh:
    """Scenes of one style, other ones in each call."""

    def __init__(self, style: str, n: int, rounds: int, size: int) -> None:
        self.size = size
        many = [sample_scene("train", i, 3, style) for i in range(n * (rounds + 1))]
        self.parts: list[list[Scene]] = [many[i : i + n] for i in range(0, len(many), n)]
        for i in range(4 * n):  # as after the first minute of a training: backdrops are kept
            render(sample_scene("train", i, 4, style), size)

    def __call__(self) -> list[np.ndarray]:
        return [np.asarray(render(scene, self.size)) for scene in self.parts.pop()]


def main() -> None:
    """Measure and print."""
    asked = options("Drawing scenes beside decoding JPEG.", rounds=7)
    torch.set_num_threads(1)
    n, size = (4, 64) if asked.small else (300, 64)
    pictures = {s: [render(sample_scene("train", i, 3, s), size) for i in range(n)] for s in STYLES}
    files = {style: [jpeg(p) for p in drawn] for style, drawn in pictures.items()}

    def peer(style: str) -> list[np.ndarray]:
        return [np.asarray(Image.open(io.BytesIO(f)).convert("RGB")) for f in files[style]]

    speed, decoding = {}, {}
    for style, drawn in pictures.items():
        far = np.abs(np.stack([np.asarray(p) for p in drawn], dtype=float) - peer(style)).mean()
        if far > 10:
            raise RuntimeError(f"the two do not give the same {style} pictures: {far:.1f} apart")
        ours = Fresh(style, n, asked.rounds, size)
        seconds = in_turns(ours, lambda style=style: peer(style), asked.rounds)
        speed[style], decoding[style] = (n / s for s in seconds)
    report(
        {
            "quantity": "fresh 64x64 pictures per second on one core",
            "ours": speed["flat"],
            "peer": decoding["flat"],
            "peer_name": f"Pillow {version('pillow')} decoding JPEG",
            "ratio": speed["flat"] / decoding["flat"],
            "better": "higher",
            "styles": speed,
            "sizes": {"pictures": n, "side": size, "rounds": asked.rounds},
            "versions": environment(),
            "threads": 1,
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
