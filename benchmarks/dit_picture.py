"""A guided picture of 128 pixels, from words to pixels, beside the same sampler through diffusers.

    python benchmarks/dit_picture.py [--json] [--rounds N]

Ours reads a caption, takes the 12 steps of Euler's method that `mmcourse sample --model dit` takes,
guided where it guides, and decodes. The peer is diffusers' `PixArtTransformer2DModel` of the same
width and depth, told the same words by the same tower, driven by its
`FlowMatchEulerDiscreteScheduler` over the same 12 levels, guided at every step as its pipelines do,
and decoded by the same decoder. The weights are untrained, which makes no difference to the time.
Batch 1, one core.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import torch
from _dit import build_ours, build_peer, peer_predicts, precisions, sizes_of
from _timing import in_turns, options, report
from diffusers import FlowMatchEulerDiscreteScheduler

from mmcourse.cards import environment
from mmcourse.diffusion.text import TextReader
from mmcourse.dit import draw_heroes, way_of
from mmcourse.pictures import to_bytes
from mmcourse.vqgan.latents import LatentAutoencoder

PROMPT = "a happy red fox is waving on the left and a sad blue owl is sitting at the beach at night"


def main() -> None:
    """Measure and print."""
    asked = options("A guided picture by our DiT beside diffusers'.", rounds=8)
    torch.set_num_threads(1)
    sizes, shape = sizes_of(asked.small)[2], (8, 16, 16)
    reader, latents = TextReader.of_joint(), LatentAutoencoder.from_pretrained("latents-128")
    ours, theirs = build_ours(sizes, shape).eval(), build_peer(sizes, shape).eval()
    way, fast = way_of(ours), precisions()[-1] == "bf16"
    times = [level.sigma for level in ours.path.levels(way.steps)][:-1]
    scheduler = FlowMatchEulerDiscreteScheduler()

    def mine() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            return draw_heroes(ours, latents, reader, [PROMPT], None, way, [0])

    @torch.no_grad()
    def peers() -> torch.Tensor:
        scheduler.set_timesteps(sigmas=np.array(times))
        x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
        words = reader([PROMPT, ""])
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            for t in scheduler.timesteps:
                both = peer_predicts(theirs, torch.cat([x, x]), t.expand(2), words)
                c, u = both.float().chunk(2)
                x = scheduler.step(u + way.guidance * (c - u), t, x).prev_sample
            return to_bytes(latents.decode(x)).movedim(1, -1)

    if mine().shape != peers().shape:
        raise ValueError("the two did not draw pictures of one size")
    our_seconds, peer_seconds = in_turns(mine, peers, asked.rounds)
    report(
        {
            "quantity": "milliseconds of a guided picture, words to pixels",
            "ours": 1000 * our_seconds,
            "peer": 1000 * peer_seconds,
            "peer_name": f"diffusers {version('diffusers')}",
            "ratio": our_seconds / peer_seconds,
            "better": "lower",
            "sizes": {"steps": way.steps, "pixels": 128, **sizes, "rounds": asked.rounds},
            "versions": {**environment(), "diffusers": version("diffusers")},
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
