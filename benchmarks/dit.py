"""A training step of our `DiT` beside diffusers' `DiTTransformer2DModel`.

    python benchmarks/dit.py [--json] [--rounds N]

Both are 6 blocks of width 192 over the 64 patches of latents 8 x 16 x 16, and take the same step:
forward, mean squared error, backward, AdamW. Ours also reads 48 words by two blocks and looks at
them in each of its own; theirs is told a class. Each runs in the precision that suits it better.
One core.
"""

from __future__ import annotations

from importlib.metadata import version

import torch
from _dit import SIZES, SMALL, WORDS, build_ours, build_peer, our_step, peer_step, precisions
from _timing import in_turns, options, report

from mmcourse.cards import environment
from mmcourse.training import count_parameters


def main() -> None:
    """Measure and print."""
    asked = options("Our DiT's training step beside diffusers'.", rounds=8)
    torch.set_num_threads(1)
    batch, shape, sizes = 64, (8, 16, 16), SIZES
    if asked.small:
        batch, shape, sizes = 2, (4, 8, 8), SMALL
    ours, theirs = build_ours(sizes, shape), build_peer(sizes, shape)
    best = {}
    for name, model, step_of in (("ours", ours, our_step), ("peer", theirs, peer_step)):
        steps = {kind: step_of(model, batch, kind) for kind in precisions()}  # type: ignore[operator]
        least = min(steps, key=lambda kind: in_turns(steps[kind], steps[kind], 1)[0])
        best[name] = least, steps[least]
    for _, call in best.values():  # the same work, or the times mean nothing
        if not 0.5 < call() < 5:
            raise ValueError("a step did not have the loss of an untrained model")
    our_seconds, peer_seconds = in_turns(best["ours"][1], best["peer"][1], asked.rounds)
    report(
        {
            "quantity": "milliseconds of a diffusion transformer's training step",
            "ours": 1000 * our_seconds,
            "peer": 1000 * peer_seconds,
            "peer_name": f"diffusers {version('diffusers')}",
            "ratio": our_seconds / peer_seconds,
            "better": "lower",
            "sizes": {
                "batch": batch,
                "latents": list(shape),
                **sizes,
                "words": WORDS,
                "parameters": count_parameters(ours),
                "peer_parameters": count_parameters(theirs),
                "precision": best["ours"][0],
                "peer_precision": best["peer"][0],
                "rounds": asked.rounds,
            },
            "versions": {**environment(), "diffusers": version("diffusers")},
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
