"""Drawing StoryWorld beside decoding JPEG files of the same pictures with Pillow.

    python benchmarks/render.py [--json] [--rounds N]

A data set that lies on a disk has to be decoded; this one has to be drawn. Both give the same
64x64 pictures as arrays of bytes, on one core. The scenes are drawn beforehand from the world;
reading a file is left out of the peer's time.
"""

from __future__ import annotations

import io
from importlib.metadata import version

import numpy as np
import torch
from _timing import in_turns, options, report
from PIL import Image

from mmcourse.cards import environment
from mmcourse.storyworld import render, sample_scene


def jpeg(picture: Image.Image) -> bytes:
    """A picture as the file that a data set of photographs would hold."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def main() -> None:
    """Measure and print."""
    asked = options("Drawing scenes beside decoding JPEG.", rounds=10)
    torch.set_num_threads(1)
    n, size = (4, 64) if asked.small else (400, 64)
    scenes = [sample_scene("train", i) for i in range(n)]
    files = [jpeg(render(scene, size)) for scene in scenes]

    def ours() -> list[np.ndarray]:
        return [np.asarray(render(scene, size)) for scene in scenes]

    def peer() -> list[np.ndarray]:
        return [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]

    far = np.abs(np.stack(ours()).astype(float) - np.stack(peer())).mean()
    if far > 10:
        raise RuntimeError(f"the two do not give the same pictures: {far:.1f} levels apart")
    our_seconds, peer_seconds = in_turns(ours, peer, asked.rounds)
    report(
        {
            "quantity": "64x64 pictures per second on one core",
            "ours": n / our_seconds,
            "peer": n / peer_seconds,
            "peer_name": f"Pillow {version('pillow')} decoding JPEG",
            "ratio": peer_seconds / our_seconds,
            "better": "higher",
            "sizes": {"pictures": n, "side": size, "rounds": asked.rounds},
            "versions": environment(),
            "threads": 1,
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
