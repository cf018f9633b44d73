"""A training step of our `UNet` beside diffusers' `UNet2DConditionModel`, at equal parameters.

    python benchmarks/unet.py [--json] [--rounds N]

Both denoise the same latents, 8 x 16 x 16, at three sizes, looking at the same 64 words at the two
coarser ones, and take the same step: forward, mean squared error, backward, AdamW. The peer is as
wide as gives it about our number of parameters (theirs go up in large steps, so ours is not the
shipped shape but one that they meet). Each runs in the precision, and the peer in the memory
layout, that suit it best. One core.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import product

import torch
from _dit import precisions
from _timing import in_turns, options, report
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from mmcourse.cards import environment
from mmcourse.diffusion import Cond, UNet
from mmcourse.training import count_parameters

WORDS, CONTEXT = 64, 128


def peer_of(width: int, channels: int, side: int) -> UNet2DConditionModel:
    """Theirs, its three sizes `width`, 3/2 and 3/2 of it wide, as ours are."""
    return UNet2DConditionModel(
        sample_size=side,
        in_channels=channels,
        out_channels=channels,
        layers_per_block=1,
        block_out_channels=(width, width * 3 // 2, width * 3 // 2),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=CONTEXT,
        attention_head_dim=3,  # which is their number of heads
        norm_num_groups=8,
    )


def as_large(parameters: int, channels: int, side: int) -> int:
    """The width at which theirs has about so many parameters."""

    def away(width: int) -> int:
        with torch.device("meta"):
            return abs(count_parameters(peer_of(width, channels, side)) - parameters)

    return min(range(16, 129, 16), key=away)


def step_of(
    model: nn.Module,
    denoise: Callable[[Tensor], Tensor],
    x: Tensor,
    wanted: Tensor,
    precision: str,
) -> Callable[[], float]:
    """One optimiser step, as a call that returns the loss."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = (denoise(x).float() - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def seconds(call: Callable[[], object]) -> float:
    """Of the second call."""
    call()
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    asked = options("Our UNet's training step beside diffusers'.", rounds=12)
    torch.set_num_threads(1)
    batch, side, channels, widths = 16, 16, 8, (64, 96, 160)
    if asked.small:
        batch, side, channels, widths = 2, 8, 4, (32, 32, 32)
    dice = torch.Generator().manual_seed(0)
    x, wanted = torch.randn(2, batch, channels, side, side, generator=dice)
    t = torch.rand(batch, generator=dice) * 1000
    words = torch.randn(batch, WORDS, CONTEXT, generator=dice)
    lengths = torch.randint(16, WORDS, (batch, 1), generator=dice)
    mask = torch.arange(WORDS).expand(batch, -1) < lengths
    cond = Cond(text=words, mask=mask, pooled=words.mean(1))
    torch.manual_seed(0)
    ours = UNet(channels, widths, 1, (1, 2), 128, CONTEXT).train()
    size = count_parameters(ours)
    theirs = peer_of(as_large(size, channels, side), channels, side).train()

    def our_step(precision: str) -> Callable[[], float]:
        start = x.contiguous(memory_format=torch.channels_last)
        return step_of(ours, lambda z: ours(z, t, cond), start, wanted, precision)

    def their_step(form: torch.memory_format, precision: str) -> Callable[[], float]:
        theirs.to(memory_format=form)
        return step_of(
            theirs,
            lambda z: theirs(z, t, words, encoder_attention_mask=mask).sample,
            x.contiguous(memory_format=form),
            wanted,
            precision,
        )

    ours.to(memory_format=torch.channels_last)
    precision = min(precisions(), key=lambda kind: seconds(our_step(kind)))
    layouts = (torch.contiguous_format, torch.channels_last)
    best = min(product(layouts, precisions()), key=lambda way: seconds(their_step(*way)))
    mine, peer = our_step(precision), their_step(*best)
    for call in (mine, peer):  # the same work, or the times mean nothing
        if not 0.5 < call() < 5:
            raise ValueError("a step did not have the loss of an untrained model")
    our_seconds, peer_seconds = in_turns(mine, peer, asked.rounds)
    report(
        {
            "quantity": "milliseconds of a U-Net's training step",
            "ours": 1000 * our_seconds,
            "peer": 1000 * peer_seconds,
            "peer_name": f"diffusers {version('diffusers')}",
            "ratio": our_seconds / peer_seconds,
            "better": "lower",
            "sizes": {
                "batch": batch,
                "latents": [channels, side, side],
                "words": WORDS,
                "parameters": size,
                "peer_parameters": count_parameters(theirs),
                "precision": precision,
                "peer_layout": str(best[0]).removeprefix("torch."),
                "peer_precision": best[1],
                "rounds": asked.rounds,
            },
            "versions": {**environment(), "diffusers": version("diffusers")},
            "threads": torch.get_num_threads(),
        },
        asked.json,
    )


if __name__ == "__main__":
    main()
