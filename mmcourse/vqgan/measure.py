"""Everything that the card of `vqgan-64` states, on scenes that no training step has seen."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.storyworld.judge.measure import Measurement, observe
from mmcourse.storyworld.judge.network import Judge
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.frechet import frechet_distance
from mmcourse.vqvae.measure import held_out, psnr_by_style, read_alike, through
from mmcourse.vqvae.usage import perplexity, usage

SCENES = 2000


def sharpness(drawn: Tensor, pictures: Tensor) -> float:
    """The mean squared difference of neighbouring pixels in drawn pictures, by that in true ones;
    both uint8 (N, H, W, 3). 1 is as sharp; a blurred picture lies below.

    Raises:
        ValueError: no pictures, or both of different shapes.
    """
    if drawn.shape != pictures.shape or not len(pictures):
        raise ValueError(
            "as many drawn pictures as true ones, of one size, and one at least: got "
            f"{tuple(drawn.shape)} and {tuple(pictures.shape)}"
        )

    def rough(x: Tensor) -> Tensor:
        x = x.float()
        return x.diff(dim=1).square().mean() + x.diff(dim=2).square().mean()

    return (rough(drawn) / rough(pictures)).item()


def judged_distance(judge: Judge, drawn: Tensor, pictures: Tensor) -> float:
    """The Fréchet distance of two crowds of uint8 pictures (N, S, S, 3) in the judge's features.

    The features are scaled to a variance of 1 over the true pictures, so that the number does not
    hang on how the judge scales its channels, and 1 is what a shift of one feature by its own
    deviation costs.
    """
    seen, true = (observe(judge, p)[2].double() for p in (drawn, pictures))
    spread = true.std(0).clamp(min=1e-6)
    return frechet_distance(seen / spread, true / spread)


def measure_vqgan(model: VQGAN, n: int | None = None) -> dict[str, Measurement]:
    """What is measured of reconstructions of `n` held-out scenes (None: 2,000).

    `psnr_...` in dB by style, `frechet` in the judge's features, `read_alike` the share of the
    judge's answers that stay the same, `sharpness`, and of each level `usage_...` and
    `perplexity_...`. The chance of `frechet` is that of other true pictures, as many: what two
    crowds of the same world are apart. `bits` is what a picture takes.

    Raises:
        ValueError: n below 2.
    """
    n = SCENES if n is None else n
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    scenes, pictures = held_out(n)
    codes, drawn = through(model, pictures)
    found: dict[str, Measurement] = {}

    def note(name: str, value: float, chance: float | None = None) -> None:
        found[name] = {"value": float(value), "n": n, "chance": chance}

    for style, value in psnr_by_style(scenes, drawn, pictures).items():
        note(f"psnr_{style}", value)
    judge = Judge.from_pretrained("judge").eval()
    _, others = held_out(n, "val")
    note("frechet", judged_distance(judge, drawn, pictures),
         judged_distance(judge, others, pictures))  # fmt: skip
    note("read_alike", read_alike(judge, scenes, drawn, pictures),
         read_alike(judge, scenes, pictures.roll(1, 0), pictures))  # fmt: skip
    note("sharpness", sharpness(drawn, pictures))
    size = model.quantizer.num_codes
    for level, some in enumerate(codes.unbind(-1)):
        note(f"usage_{level}", usage(some, size))
        note(f"perplexity_{level}", float(perplexity(some, size)))
    bits = codes[0].numel() * torch.log2(torch.tensor(size)).item()
    note("bits", bits)
    return found
