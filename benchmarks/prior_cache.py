"""Pictures drawn from the prior: each token read once, and everything read again at each step.

    python benchmarks/prior_cache.py [--json] [--rounds 5]

Both draw the same codes from the same weights, for a caption of the longest kind, eight pictures at
once. Other libraries have no prior over residual codes, so the peer is our own model without its
memory, as a direct reading of the papers would have it. One thread, and turns within one process.
"""

from __future__ import annotations

import torch
from _timing import in_turns, options, report

from mmcourse.cards import environment
from mmcourse.vqgan import ResidualPrior, sample_raster


def main() -> None:
    """Time both."""
    asked = options("Time drawing codes with and without a key-value cache.", rounds=5)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    batch, words, size = (2, 6, {"grid": (2, 2), "width": 64, "depth": 1})
    if not asked.small:
        batch, words, size = (8, 90, {})
    prior = ResidualPrior(916, **size).eval()
    ids = torch.randint(4, 916, (batch, words), generator=torch.Generator().manual_seed(0))

    def draw(cached: bool) -> torch.Tensor:
        dice = torch.Generator().manual_seed(1)
        return sample_raster(prior, ids, generator=dice, cached=cached)

    if not torch.equal(draw(True), draw(False)):  # the same work, or the times mean nothing
        raise SystemExit("the two drew different pictures")
    ours, peer = in_turns(lambda: draw(True), lambda: draw(False), asked.rounds)
    report(
        {
            "quantity": f"seconds for {batch} pictures from the prior, in raster order",
            "ours": ours,
            "peer": peer,
            "peer_name": "the same weights without a key-value cache",
            "ratio": ours / peer,
            "better": "lower",
            "sizes": {
                "batch": batch,
                "words": words,
                "places": prior.cells,
                "levels": prior.levels,
                "rounds": asked.rounds,
            },
            "versions": environment(),
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
