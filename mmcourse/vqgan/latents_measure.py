"""Everything that the card of `latents-128` states, on scenes that no training step has seen."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.pictures import to_bytes
from mmcourse.storyworld import sample_scene
from mmcourse.storyworld.judge.measure import Measurement
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.world.vocabulary import STYLES
from mmcourse.vqgan.latents import LatentAutoencoder
from mmcourse.vqgan.latents_data import BATCH, draw_pictures, encode_bytes
from mmcourse.vqvae.measure import psnr_by_style, read_alike

SIZE = 128
FITTED = 64
"""Pictures that the linear baseline is fitted to."""


def decode_bytes(model: LatentAutoencoder, latents: Tensor) -> Tensor:
    """Latents (N, dim, h, w) to uint8 pictures (N, H, W, 3), a few at a time."""
    device = next(model.parameters()).device
    parts = [to_bytes(model.decode(z.to(device)).cpu()) for z in latents.split(BATCH)]
    return torch.cat(parts).movedim(1, -1)


def tiles(pictures: Tensor, side: int) -> Tensor:
    """uint8 pictures (N, H, W, 3) to their tiles, float64 (N, h, w, 3 side²)."""
    n, height, width, _ = pictures.shape
    cut = pictures.double().view(n, height // side, side, width // side, side, 3)
    return cut.transpose(2, 3).flatten(3)


def untiled(rows: Tensor, side: int) -> Tensor:
    """The way back from `tiles`, rounded to uint8."""
    n, h, w, _ = rows.shape
    whole = rows.view(n, h, w, side, side, 3).transpose(2, 3).reshape(n, h * side, w * side, 3)
    return whole.round().clamp(0, 255).to(torch.uint8)


def best_linear(fitted: Tensor, pictures: Tensor, side: int, dim: int) -> Tensor:
    """The baseline: each tile by its `dim` principal components, the best that a linear encoder
    and decoder of tiles can do. uint8 pictures to uint8 pictures.

    Args:
        fitted: pictures (N, H, W, 3) that the components are of.
        pictures: to be reconstructed.
        side: of a tile.
        dim: numbers kept of each tile.
    """
    rows = tiles(fitted, side).flatten(0, 2)  # (tiles, 3 side²)
    mean = rows.mean(0)
    _, _, components = torch.linalg.svd(torch.cov((rows - mean).T))
    kept = components[:dim]  # (dim, 3 side²)
    return untiled((tiles(pictures, side) - mean) @ kept.T @ kept + mean, side)


def measure_latents(model: LatentAutoencoder, n: int | None = None) -> dict[str, Measurement]:
    """PSNR by style, and the share of the judge's answers that a reconstruction leaves as they
    were, on `n` held-out scenes at 128 pixels; beside each what principal components of as many
    numbers reach (`linear_psnr_all` and so on).

    "spread" is the deviation of the latents over all channels; training made it 1.

    Raises:
        ValueError: n below 1.
    """
    n = 1000 if n is None else n
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    scenes = [sample_scene("test", i) for i in range(n)]
    pictures = draw_pictures(n, SIZE, "test")
    latents = encode_bytes(model, pictures)
    drawn = decode_bytes(model, latents)
    some = draw_pictures(FITTED, SIZE)
    linear = best_linear(some, pictures, model.factor, model.dim)
    styles = {s: sum(scene.style == s for scene in scenes) for s in STYLES}
    found: dict[str, Measurement] = {}
    for name, result in (("psnr", drawn), ("linear_psnr", linear)):
        for style, value in psnr_by_style(scenes, result, pictures).items():
            found[f"{name}_{style}"] = {"value": value, "n": styles.get(style, n), "chance": None}
    judge = Judge.from_pretrained("judge").eval()
    blind = read_alike(judge, scenes, pictures.roll(1, 0), pictures)  # of another picture
    for name, result in (("read_alike", drawn), ("linear_read_alike", linear)):
        same = read_alike(judge, scenes, result, pictures)
        found[name] = {"value": same, "n": n, "chance": blind}
    found["spread"] = {"value": latents.std().item(), "n": n, "chance": None}
    return found
