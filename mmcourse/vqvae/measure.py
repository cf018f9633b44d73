"""Everything that the card of `vqvae` states, on scenes that no training step has seen."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from mmcourse.pictures import to_bytes
from mmcourse.storyworld import Scene, from_bytes, render_bytes, sample_scene
from mmcourse.storyworld.judge.measure import Measurement, observe
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.reading import FIELDS, targets
from mmcourse.storyworld.world.vocabulary import STYLES
from mmcourse.vqvae.autoencoder import VQVAE, Autoencoder
from mmcourse.vqvae.batches import decode_pictures, encode_pictures
from mmcourse.vqvae.distortion import psnr
from mmcourse.vqvae.usage import perplexity, usage
from mmcourse.watching import watched


@cache
def held_out(n: int, split: str = "test") -> tuple[list[Scene], Tensor]:
    """The first n scenes of a split and their pictures (n, 64, 64, 3) uint8."""
    scenes = [sample_scene(split, i) for i in range(n)]
    return scenes, render_bytes(watched(scenes, "drawing scenes"))


def through(model: Autoencoder, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 pictures (N, H, W, 3) to their codes (N, h, w) and reconstructions, uint8 again."""
    codes = encode_pictures(model, pictures)
    return codes, decode_pictures(model, codes)


def tile_means(pictures: Tensor, side: int) -> Tensor:
    """The baseline: each tile in its mean colour. uint8 (N, H, W, 3) to the same."""
    means = F.avg_pool2d(from_bytes(pictures), side)
    return to_bytes(F.interpolate(means, scale_factor=side, mode="nearest")).movedim(1, -1)


def psnr_by_style(scenes: list[Scene], drawn: Tensor, pictures: Tensor) -> dict[str, float]:
    """Mean PSNR in dB over all pictures ("all") and over those of each style."""
    each = psnr(from_bytes(drawn), from_bytes(pictures))
    found = {"all": each.mean().item()}
    for style in STYLES:
        of_it = torch.tensor([s.style == style for s in scenes])
        if of_it.any():
            found[style] = each[of_it].mean().item()
    return found


def read_alike(judge: Judge, scenes: list[Scene], drawn: Tensor, pictures: Tensor) -> float:
    """Share of the judge's answers that a reconstruction leaves as they were.

    Asked is what arises in each scene. How right the answers are about the scene is the judge's
    affair; here its reading of the true drawing is compared with that of the reconstruction.
    """
    asked = torch.tensor([targets(s) for s in scenes]) >= 0  # (N, fields)
    before, after = (observe(judge, p)[0] for p in (pictures, drawn))
    same = torch.stack([before[f].argmax(1) == after[f].argmax(1) for f in FIELDS], 1)
    return same[asked].double().mean().item()


def measure_vqvae(model: VQVAE, n: int | None = None) -> dict[str, Measurement]:
    """PSNR by style, use of the codebook, and what the judge still reads, on `n` held-out scenes.

    `tiles` is the PSNR of the baseline that keeps each tile's mean colour and nothing else, in 24
    bits a tile; the code numbers take log2 K.

    Raises:
        ValueError: n below 1.
    """
    n = 2000 if n is None else n
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    scenes, pictures = held_out(n)
    codes, drawn = through(model, pictures)
    flat = tile_means(pictures, model.factor)
    styles = {s: sum(scene.style == s for scene in scenes) for s in STYLES}
    found: dict[str, Measurement] = {}
    for name, value in psnr_by_style(scenes, drawn, pictures).items():
        found[f"psnr_{name}"] = {"value": value, "n": styles.get(name, n), "chance": None}
    for name, value in psnr_by_style(scenes, flat, pictures).items():
        found[f"tiles_{name}"] = {"value": value, "n": styles.get(name, n), "chance": None}
    size = model.quantizer.num_codes
    found["usage"] = {"value": float(usage(codes, size)), "n": n, "chance": None}
    found["perplexity"] = {"value": float(perplexity(codes, size)), "n": n, "chance": None}
    judge = Judge.from_pretrained("judge").eval()
    same = read_alike(judge, scenes, drawn, pictures)
    blind = read_alike(judge, scenes, pictures.roll(1, 0), pictures)  # of another picture
    found["read_alike"] = {"value": same, "n": n, "chance": blind}
    flat_alike = read_alike(judge, scenes, flat, pictures)
    found["tiles_read_alike"] = {"value": flat_alike, "n": n, "chance": blind}
    return found
