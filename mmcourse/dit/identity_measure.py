"""What the identity encoder reads of portraits that no step has seen, and of drawn ones."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.dit.identity import IdentityEncoder
from mmcourse.dit.portraits import Portraits, draw_portraits
from mmcourse.storyworld import from_bytes
from mmcourse.storyworld.judge.measure import Measurement
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.identity import TRAITS, visible
from mmcourse.storyworld.world.sampling import sample_identity

N = 2_000
BATCH = 100


def embedded(model: IdentityEncoder, pixels: Tensor) -> Tensor:
    """The vectors of portraits (N, 64, 64, 3) uint8, (N, dim), on the CPU."""
    device = next(model.parameters()).device
    with torch.no_grad():
        parts = [model(from_bytes(part).to(device)).float().cpu() for part in pixels.split(BATCH)]
    return torch.cat(parts)


def read_traits(model: IdentityEncoder, data: Portraits) -> tuple[Tensor, Tensor]:
    """What is read of the portraits and what is true of them, (N, 8) each, in units of the usual
    spread."""
    device = model.usual.device
    with torch.no_grad():
        said = model.answer(embedded(model, data.pixels).to(device)).traits.cpu()
    return said, (data.traits - model.usual.cpu()) / model.spread.cpu()


def measure_identity(model: IdentityEncoder, n: int | None = None) -> dict[str, Measurement]:
    """What the encoder reads of `n` portraits of the split `test` (None: 2,000).

    `explained_<trait>`: the share of a trait's variance that is read. `species`, `colours`: shares
    read. `nearer`: how often what is read is nearer to the hero than to a double of the same words,
    whose identity is drawn anew; `nearer_decoded` when the pictures have been through the
    autoencoder, as whatever a model draws.

    Raises:
        ValueError: n below 2.
    """
    n = N if n is None else n
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    clean = draw_portraits(n, "test", every=0)
    dice = Dice("double", 0)
    doubles = torch.tensor([visible(sample_identity(dice)) for _ in range(n)])
    double = (doubles - model.usual.cpu()) / model.spread.cpu()
    out: dict[str, Measurement] = {}
    for name, data in (("nearer", clean), ("nearer_decoded", draw_portraits(n, "test", every=1))):
        said, true = read_traits(model, data)
        nearer = (said - true).square().sum(1) < (said - double).square().sum(1)
        out[name] = {"value": nearer.float().mean().item(), "n": n, "chance": 0.5}
    said, true = read_traits(model, clean)
    explained = 1 - (said - true).square().mean(0) / true.var(0).clamp_min(1e-6)
    for trait, share in zip(TRAITS, explained.tolist(), strict=True):
        out[f"explained_{trait}"] = {"value": share, "n": n, "chance": 0.0}
    answers = model.answer(embedded(model, clean.pixels).to(model.usual.device))
    words = (("species", answers.species, v.SPECIES), ("colours", answers.colours, v.COLOURS))
    for name, logits, values in words:
        right = (logits.argmax(1).cpu() == getattr(clean, name)).float().mean().item()
        out[name] = {"value": right, "n": n, "chance": 1 / len(values)}
    return out
