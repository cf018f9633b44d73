"""A training step of our `ClassDiT` beside diffusers' `DiTTransformer2DModel`.

    python benchmarks/dit_class.py [--json] [--rounds N]

Both are one model, with the same weights: 6 blocks of adaLN-Zero, width 192, over the 64 patches of
latents 8 x 16 x 16, told a class. Both take the same step: forward, mean squared error, backward,
AdamW. Each runs in the precision that suits it better. One core.
"""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

import torch
from _dit import best_step, inputs, sizes_of, step_of
from _timing import in_turns, options, report
from diffusers import DiTTransformer2DModel

from mmcourse.cards import environment
from mmcourse.dit.class_dit import ClassDiT
from mmcourse.dit.convert import LONGEST, diffusers_config, to_diffusers
from mmcourse.training import count_parameters


def main() -> None:
    """Measure and print."""
    asked = options("The paper's transformer as ours and as diffusers'.", rounds=8)
    torch.set_num_threads(1)
    batch, shape, sizes = sizes_of(asked.small)
    torch.manual_seed(0)
    ours = ClassDiT(shape, longest=LONGEST, **sizes)
    theirs = DiTTransformer2DModel(**diffusers_config(ours))
    theirs.load_state_dict(to_diffusers(ours))
    x, wanted, t = inputs(shape, batch)
    t, labels = t.long(), torch.arange(batch) % ours.classes
    for model in (ours, theirs):
        model.eval()  # theirs drops labels while it trains; and the time of both is the same
    calls = {
        ours: lambda: ours(x, t, labels),
        theirs: lambda: theirs(x, t, class_labels=labels).sample,
    }
    with torch.no_grad():
        torch.testing.assert_close(calls[ours](), calls[theirs](), atol=1e-4, rtol=1e-4)
    best = {}
    for model, predict in calls.items():
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
        best[model] = best_step(partial(step_of, model, predict, wanted, optimiser))
    our_precision, our_best = best[ours]
    peer_precision, peer_best = best[theirs]
    our_seconds, peer_seconds = in_turns(our_best, peer_best, asked.rounds)
    report(
        {
            "quantity": "milliseconds of a training step of the paper's diffusion transformer",
            "ours": 1000 * our_seconds,
            "peer": 1000 * peer_seconds,
            "peer_name": f"diffusers {version('diffusers')}",
            "ratio": our_seconds / peer_seconds,
            "better": "lower",
            "sizes": {
                "batch": batch,
                "latents": list(shape),
                **sizes,
                "parameters": count_parameters(ours),
                "peer_parameters": count_parameters(theirs),
                "precision": our_precision,
                "peer_precision": peer_precision,
                "rounds": asked.rounds,
            },
            "versions": {**environment(), "diffusers": version("diffusers")},
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
