"""The memory of a training step of our `DiT` beside diffusers' `PixArtTransformer2DModel`.

    python benchmarks/dit_memory.py [--json] [--rounds N]

The step is that of dit.py. Each side takes two in a forked process, which tells how much larger it
became by them at its largest: activations, gradients and the optimiser's state, but neither the
weights nor the library. Both can also keep only what goes from block to block and compute the rest
again on the way back (`DiT.recompute`, diffusers' `enable_gradient_checkpointing`): those numbers
stand under "sizes".
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
from importlib.metadata import version
from multiprocessing.connection import Connection

import psutil
import torch
from _dit import WORDS, build_ours, build_peer, our_step, peer_step, precisions, sizes_of
from _timing import options, report

from mmcourse.cards import environment

SIDES = ("ours", "peer", "ours again", "peer again")


def take_two(who: str, small: bool, told: Connection) -> None:
    """Two steps, and by how many MiB this process grew at most."""
    batch, shape, sizes = sizes_of(small)
    kind = precisions()[-1]
    if who.startswith("ours"):
        ours = build_ours(sizes, shape)
        ours.recompute = who.endswith("again")
        step = our_step(ours, batch, kind)
    else:
        peer = build_peer(sizes, shape)
        if who.endswith("again"):
            peer.enable_gradient_checkpointing()
        step = peer_step(peer, batch, kind)
    before = psutil.Process().memory_info().rss
    step()
    step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    told.send((peak - before) / 2**20)


def grown(who: str, small: bool) -> float:
    """What a child says."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe()
    child = fork.Process(target=take_two, args=(who, small, there))
    child.start()
    there.close()
    try:
        return here.recv()
    finally:
        child.join()


def main() -> None:
    """Measure and print."""
    asked = options("The memory of our DiT's training step beside diffusers'.", rounds=3)
    torch.set_num_threads(1)
    batch, _, sizes = sizes_of(asked.small)
    rows = [[grown(who, asked.small) for who in SIDES] for _ in range(asked.rounds)]
    ours, peer, ours_again, peer_again = (statistics.median(column) for column in zip(*rows))
    report(
        {
            "quantity": "MiB that a diffusion transformer's training step takes",
            "ours": ours,
            "peer": peer,
            "peer_name": f"diffusers {version('diffusers')}",
            "ratio": ours / peer,
            "better": "lower",
            "sizes": {
                "recomputed": {
                    "ours": ours_again,
                    "peer": peer_again,
                    "ratio": ours_again / peer_again,
                    "ratio_to_plain_peer": ours_again / peer,
                },
                "batch": batch,
                "words": WORDS,
                **sizes,
                "rounds": asked.rounds,
            },
            "versions": {**environment(), "diffusers": version("diffusers")},
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
