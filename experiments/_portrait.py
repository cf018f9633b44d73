"""What does a portrait say about who it shows? Read from its pixels, and from its latents.

    python experiments/portrait.py [--small]

Writes portrait.json. Chapter 5's first transformer was shown a portrait of 64 pixels as the latents
of the shipped autoencoder, and did not use it. Here a small convolutional network is asked outright
for the eight traits of the hero's identity, once from the pixels and once from the latents, with
the same portraits, order, steps and rates, and about as many weights. Measured on portraits of the
split `val`: how much of each trait's variance is read, and how often what is read is nearer to the
hero than to a double of the same words, whose identity is drawn anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from _result import write
from torch import Tensor, nn

from mmcourse.dit.portraits import Portraits, draw_portraits
from mmcourse.nn.conv import ResidualBlock
from mmcourse.storyworld import from_bytes
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.identity import TRAITS, visible
from mmcourse.storyworld.world.sampling import sample_identity
from mmcourse.training import batch_indices, count_parameters
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqgan.latents_data import encode_bytes

SEED, SHOWN, HELD, STEPS, BATCH, RATE = 0, 12_000, 2_000, 2_500, 64, 1e-3
SOURCES = (
    *("mmcourse.storyworld.drawing", "mmcourse.storyworld.world", "mmcourse.dit.heroes"),
    *("mmcourse.dit.portraits", "mmcourse.nn.conv"),
)


def reader(channels: int, halvings: int, wide: int) -> nn.Module:
    """A convolutional network from (B, channels, H, W), halved so often to 8 x 8, to the traits
    (B, 8)."""
    widths, layers = (24, 40, 64), list[nn.Module]()
    here = channels
    for i in range(halvings):
        layers += [nn.Conv2d(here, widths[i], 3, 2, 1), ResidualBlock(widths[i])]
        here = widths[i]
    layers += [nn.Conv2d(here, wide, 3, 1, 1), ResidualBlock(wide), ResidualBlock(wide)]
    layers += [nn.Conv2d(wide, 96, 3, 2, 1), ResidualBlock(96), nn.Flatten()]  # 8 x 8 to 4 x 4
    return nn.Sequential(*layers, nn.Linear(96 * 16, len(TRAITS)))


def trained(model: nn.Module, shown: Tensor, traits: Tensor, steps: int) -> nn.Module:
    """The model after its steps."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50, 2 * (steps - step) / steps)
        index = batch_indices(step, min(BATCH, len(shown)), len(shown), SEED)
        loss = (model(shown[index]) - traits[index]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


def main(small: bool) -> None:
    """Both readers, and write."""
    n, held, steps = (8, 4, 2) if small else (SHOWN, HELD, STEPS)
    shown, others = (
        draw_portraits(k, split, SEED, every=0) for k, split in ((n, "train"), (held, "val"))
    )
    mean, spread = shown.traits.mean(0), shown.traits.std(0).clamp_min(1e-3)
    dice = Dice("double", SEED)
    doubles = torch.tensor([visible(sample_identity(dice)) for _ in range(held)])
    wanted, hers, double = ((x - mean) / spread for x in (shown.traits, others.traits, doubles))
    autoencoder = LatentAutoencoder.from_pretrained("latents-128").eval()
    ways: dict[str, tuple[tuple[int, int, int], Callable[[Portraits], Tensor]]] = {
        "pixels": ((3, 3, 64), lambda data: from_bytes(data.pixels)),
        "latents": ((8, 0, 80), lambda data: encode_bytes(autoencoder, data.pixels)),
    }
    read: dict[str, object] = {}
    for name, (shape, prepare) in ways.items():
        torch.manual_seed(SEED)
        with torch.no_grad():
            seen, unseen = prepare(shown), prepare(others)
        model = trained(reader(*shape), seen, wanted, steps)
        with torch.no_grad():
            said = torch.cat([model(part) for part in unseen.split(100)])
        explained = 1 - (said - hers).square().mean(0) / hers.var(0).clamp_min(1e-6)
        nearer = (said - hers).square().sum(1) < (said - double).square().sum(1)
        read[name] = {
            "nearer": float(nearer.float().mean()),
            "explained": float(explained.mean()),
            "traits": dict(zip(TRAITS, explained.tolist())),
            "parameters": count_parameters(model),
        }
        print(name, read[name], flush=True)
    if small:
        return
    sizes = {"seed": SEED, "shown": n, "n": held, "steps": steps, "batch": BATCH}
    write(__file__, SOURCES, {**sizes, "read": read})


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
