"""Change a picture that is there: all of it a little, or one part altogether."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.generate import Latents, Way, noise_and_dice
from mmcourse.diffusion.samplers import last, sample
from mmcourse.diffusion.schedule import Level
from mmcourse.diffusion.text import TextReader
from mmcourse.training import evaluating


def redraw(
    model: Any,
    latents: Latents,
    pictures: Tensor,
    strength: float,
    way: Way,
    words: tuple[TextReader, Sequence[str]] | None = None,
    seeds: Sequence[int] | None = None,
) -> Tensor:
    """Image to image: add noise up to a level, and come back by the words of another caption.

    What that level of noise drowns is drawn anew (detail at a low strength, composition at a high
    one); what it leaves is kept. A sketch becomes a watercolour so.

    Source: Meng et al., SDEdit: Guided Image Synthesis and Editing with Stochastic Differential
    Equations, 2022.

    Args:
        model: a denoiser of these latents.
        latents: encodes and decodes.
        pictures: (B, 3, H, W) in [-1, 1].
        strength: 0 to 1, how far up; 1 leaves nothing of the pictures on a path that ends in pure
            noise.
        way: how to draw; of its steps that share is taken.
        words: reader and a caption for each picture, for a model that reads.
        seeds: of the noise, one a picture (default: 0, 1, ...).

    Returns:
        (B, 3, H, W) in [-1, 1].

    Raises:
        ValueError: a strength outside (0, 1]; captions, seeds or latents that do not fit; bytes in
            place of pictures, or none.
    """
    seeds = range(len(pictures)) if seeds is None else seeds
    levels = model.path.levels(way.steps, strength)
    z, noise, dice, cond, guided = _prepared(model, latents, pictures, way, words, seeds)
    x = levels[0].alpha * z + levels[0].sigma * noise
    steps = sample(
        guided,
        x,
        levels,
        objective=model.objective,
        sampler=way.walker(),
        cond=cond,
        generator=dice,
    )
    with evaluating(model):
        return latents.decode(last(steps))


def inpaint(
    model: Any,
    latents: Latents,
    pictures: Tensor,
    mask: Tensor,
    way: Way,
    words: tuple[TextReader, Sequence[str]] | None = None,
    seeds: Sequence[int] | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw a part anew and leave the rest alone, in the latents and in the pixels, to the last bit.

    After each step the places outside the mask are set to what they are known to be at that level;
    the denoiser draws inside what fits them. At the end they are the true latents. A decoder looks
    at its neighbourhood, so pixels outside would still move a little: they are taken from the
    picture itself.

    Source: Lugmayr et al., RePaint: Inpainting Using Denoising Diffusion Probabilistic Models,
    2022, without its repeated steps; Avrahami et al., Blended Latent Diffusion, 2023.

    Args:
        model: a denoiser of these latents.
        latents: encodes and decodes.
        pictures: (B, 3, H, W) in [-1, 1].
        mask: (B, 1, H, W) bool, True where to draw anew.
        way: how to draw.
        words: reader and a caption of each whole picture, for a model that reads.
        seeds: of the noise, one a picture (default: 0, 1, ...).

    Returns:
        The pictures (B, 3, H, W), and their latents (B, C, h, w).

    Raises:
        ValueError: a mask of another size or type, or one that holds nothing to draw; else as
            `redraw`.
    """
    _check_mask(mask, pictures)
    seeds = range(len(pictures)) if seeds is None else seeds
    levels = model.path.levels(way.steps)
    z, noise, dice, cond, guided = _prepared(model, latents, pictures, way, words, seeds)
    inside = latent_mask(mask.to(z.device), z)  # (B, 1, h, w)

    def keep(x: Tensor, level: Level) -> Tensor:
        if level.sigma == 0:
            return torch.where(inside, x, z)
        return torch.where(inside, x, level.alpha * z + level.sigma * noise)

    steps = sample(
        guided,
        keep(noise, levels[0]),
        levels,
        objective=model.objective,
        sampler=way.walker(),
        cond=cond,
        generator=dice,
        keep=keep,
    )
    end = last(steps)
    with evaluating(model):
        drawn = latents.decode(end)
    where = mask.to(drawn.device)
    return torch.where(where, drawn, pictures.to(drawn.device)), end


def latent_mask(mask: Tensor, z: Tensor) -> Tensor:
    """(B, 1, H, W) bool to (B, 1, h, w): a place is drawn anew if any of its pixels is.

    Raises:
        ValueError: latents whose sides do not divide the mask's.
    """
    sides = mask.shape[-2] // z.shape[-2], mask.shape[-1] // z.shape[-1]
    if (sides[0] * z.shape[-2], sides[1] * z.shape[-1]) != tuple(mask.shape[-2:]):
        raise ValueError(
            f"a mask of {tuple(mask.shape[-2:])} pixels does not divide into {tuple(z.shape[-2:])} "
            "places: give it the size of the picture"
        )
    return F.max_pool2d(mask.float(), sides).bool()


def outside_change(before: Tensor, after: Tensor, mask: Tensor) -> float:
    """The largest difference of two batches (B, C, H, W) where the mask (B, 1, H, W) is False:
    0 when what is outside was left alone.

    Raises:
        ValueError: a mask that leaves nothing outside.
    """
    outside = ~mask.expand_as(before)
    if not outside.any():
        raise ValueError("the mask covers everything, so nothing is outside")
    return float((after - before)[outside].abs().max())


def _check_mask(mask: Tensor, pictures: Tensor) -> None:
    wanted = (len(pictures), 1, *pictures.shape[2:])
    if tuple(mask.shape) != wanted or mask.dtype != torch.bool:
        raise ValueError(
            f"the mask is {mask.dtype} {tuple(mask.shape)}, expected torch.bool {wanted}: "
            "as large as the pictures, True where to draw"
        )
    if not mask.flatten(1).any(1).all():
        raise ValueError("a mask is False everywhere: there is nothing to draw in it")


def _prepared(
    model: Any,
    latents: Latents,
    pictures: Tensor,
    way: Way,
    words: tuple[TextReader, Sequence[str]] | None,
    seeds: Sequence[int],
) -> tuple[Tensor, Tensor, list[torch.Generator], Cond | None, Any]:
    """Latents of the pictures, noise in their shape and what drew it, the condition, and the guided
    model."""
    if not pictures.is_floating_point() or not len(pictures):
        raise ValueError(
            "pictures must be numbers in [-1, 1], (B, 3, H, W) with one at least, got "
            f"{pictures.dtype} {tuple(pictures.shape)}; mmcourse.pictures.from_bytes makes them of "
            "bytes"
        )
    if len(seeds) != len(pictures):
        raise ValueError(f"a seed for each picture, got {len(seeds)} for {len(pictures)}")
    device = next(model.parameters()).device
    with evaluating(model):
        z = latents.encode(pictures.to(device))
        if tuple(z.shape[1:]) != tuple(model.shape):
            raise ValueError(
                f"the model draws latents of {tuple(model.shape)}, these pictures have "
                f"{tuple(z.shape[1:])}: resize the pictures"
            )
        if not z.isfinite().all():
            raise ValueError("the latents hold NaN or infinity: look at the pictures")
        if words is None and hasattr(model, "null") and way.guidance != 1:
            raise ValueError("guidance needs words: pass them, or use guidance 1")
        cond = None
        if words is not None:
            reader, texts = words
            if not hasattr(model, "read"):
                raise ValueError("this model draws without words: leave them out, or use text-unet")
            reader.check(model.tower)
            if len(texts) != len(pictures):
                raise ValueError(
                    f"a caption for each picture, got {len(texts)} for {len(pictures)}"
                )
            cond = model.read(reader(texts)).to(device)
        noise, dice = noise_and_dice(model.shape, seeds)
        return z, noise.to(device), dice, cond, way.guided(model)
