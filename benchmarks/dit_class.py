"""A training step of our `ClassDiT` beside diffusers' `DiTTransformer2DModel`.

    python benchmarks/dit_class.py [--json] [--rounds N]

Both are one model, with the same weights: 6 blocks of adaLN-Zero, width 192, over the 64 patches of
latents 8 x 16 x 16, told a class. Both take the same step: forward, mean squared error, backward,
AdamW. Each runs in the precision that suits it better. One core.

The two differ most in how they attend. How much of its time theirs takes when its attention costs
nothing (queries, keys and values are added) is `floor`, under "sizes": who wants to be below it
must do the rest faster too.
"""

from __future__ import annotations

import copy
from functools import partial

import torch
from _dit import compare, inputs, sizes_of, step_of
from _timing import options
from diffusers import DiTTransformer2DModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from mmcourse.dit.class_dit import ClassDiT
from mmcourse.dit.convert import LONGEST, diffusers_config, to_diffusers


class NoAttention:
    """A processor for diffusers that keeps the four projections, and adds up the first three."""

    def __call__(self, attention: Attention, x: Tensor, **rest: object) -> Tensor:
        """(B, T, D) to the same."""
        return attention.to_out[0](attention.to_q(x) + attention.to_k(x) + attention.to_v(x))


def without_attention(model: DiTTransformer2DModel) -> DiTTransformer2DModel:
    """A copy that only does what is around attention."""
    rest = copy.deepcopy(model)
    for block in rest.transformer_blocks:
        block.attn1.set_processor(NoAttention())
    return rest


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

    def mine() -> torch.Tensor:
        return ours(x, t, labels)

    def peers(model: DiTTransformer2DModel = theirs) -> torch.Tensor:
        return model(x, t, class_labels=labels).sample

    with torch.no_grad():
        torch.testing.assert_close(mine(), peers(), atol=1e-4, rtol=1e-4)
    both = []
    for model, predict in ((ours, mine), (theirs, peers)):
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
        both.append((model, partial(step_of, model, predict, wanted, optimiser)))
    rest = without_attention(theirs)
    optimiser = torch.optim.AdamW(rest.parameters(), lr=1e-4, fused=True)
    least = partial(step_of, rest, partial(peers, rest), wanted, optimiser)
    compare(
        asked,
        "milliseconds of a training step of the paper's diffusion transformer",
        *both,
        {"batch": batch, "latents": list(shape), **sizes},
        ("floor", least),
    )


if __name__ == "__main__":
    main()
