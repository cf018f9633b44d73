"""The memory of a training step of our `DiT` beside diffusers' `DiTTransformer2DModel`.

    python benchmarks/dit_memory.py [--json] [--rounds N]

The step is that of dit.py. Each side takes two in a fresh process, which tells how much larger it
became by them at its largest: activations, gradients and the optimiser's state, but neither the
weights nor the library.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from importlib.metadata import version

import psutil
import torch
from _dit import SIZES, SMALL, WORDS, build_ours, build_peer, our_step, peer_step, precisions
from _timing import options, report

from mmcourse.cards import environment

CHILD = "--child"


def child(who: str, small: bool) -> None:
    """Take two steps, and print by how many MiB the process grew at most."""
    import resource

    torch.set_num_threads(1)
    batch, shape, sizes = (2, (4, 8, 8), SMALL) if small else (64, (8, 16, 16), SIZES)
    kind = precisions()[-1]
    if who == "ours":
        step = our_step(build_ours(sizes, shape), batch, kind)
    else:
        step = peer_step(build_peer(sizes, shape), batch, kind)
    before = psutil.Process().memory_info().rss
    step()
    step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print((peak - before) / 2**20)


def grown(who: str, small: bool) -> float:
    """What a child of this kind says."""
    command = [sys.executable, __file__, CHILD, who, *(["--small"] if small else [])]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(found.stdout.split()[-1])


def main() -> None:
    """Measure and print."""
    if CHILD in sys.argv:
        child(sys.argv[sys.argv.index(CHILD) + 1], "--small" in sys.argv)
        return
    asked = options("The memory of our DiT's training step beside diffusers'.", rounds=3)
    rows = [(grown("ours", asked.small), grown("peer", asked.small)) for _ in range(asked.rounds)]
    ours, peer = (statistics.median(column) for column in zip(*rows))
    report(
        {
            "quantity": "MiB that a diffusion transformer's training step takes",
            "ours": ours,
            "peer": peer,
            "peer_name": f"diffusers {version('diffusers')}",
            "ratio": ours / peer,
            "better": "lower",
            "sizes": {
                "batch": 2 if asked.small else 64,
                "words": WORDS,
                **(SMALL if asked.small else SIZES),
                "rounds": asked.rounds,
            },
            "versions": {**environment(), "diffusers": version("diffusers")},
            "threads": 1,
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
