"""Draw captions with the shipped diffusion transformer or its student, for `mmcourse sample`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor

from mmcourse.diffusion.draw import companions
from mmcourse.dit.generate import draw_heroes, encoder_of, way_of
from mmcourse.dit.identity import SIDE, IdentityEncoder
from mmcourse.dit.model import DiT
from mmcourse.pictures import to_tensor
from mmcourse.training import pick_device


def reference_of(picture: str | Path | Image, encoder: IdentityEncoder, n: int = 1) -> Tensor:
    """A portrait as vectors (n, D), all alike; its largest centred square is taken.

    Raises:
        ValueError: no picture.
    """
    return encoder(to_tensor(picture, SIDE)[None].to(encoder.usual.device)).expand(n, -1)


def draw_captions(
    texts: Sequence[str],
    seeds: Sequence[int],
    weights: str | None = None,
    guidance: float | None = None,
    steps: int | None = None,
    reference: str | Path | None = None,
) -> Tensor:
    """A picture for each caption, uint8 (N, 128, 128, 3), by `dit`.

    Args:
        texts: captions in the world's words.
        seeds: one a caption.
        weights: of a DiT; None for the shipped ones.
        guidance: None for that of `GUIDED`.
        steps: likewise.
        reference: a portrait of one of the caption's characters, cut closely; that one is drawn
            again, as far as the caption allows.

    Raises:
        ValueError: weights of other companions, a text that is too long, a reference that is no
            picture, guidance for a student.
    """
    return drawn_by("dit", texts, seeds, weights, guidance, steps, reference)


def drawn_by(
    name: str,
    texts: Sequence[str],
    seeds: Sequence[int],
    weights: str | None,
    guidance: float | None,
    steps: int | None,
    reference: str | Path | None,
) -> Tensor:
    """`draw_captions` by `dit`, or by `dit-fast`.

    Raises:
        ValueError: as there, and weights of the other of the two.
    """
    device = pick_device()
    model = DiT.from_pretrained(weights or name, device=device)
    other = "dit" if model.windows == 0 else "dit-fast"
    if other != name:
        what = f"a student of {model.windows} steps" if model.windows else "no student of few steps"
        raise ValueError(f"{weights} holds {what}: draw with --model {other}")
    way = way_of(model, guidance, steps)
    latents, reader = companions(model, device)
    with torch.no_grad():
        shown = None
        if reference is not None:
            shown = reference_of(reference, encoder_of(model, device), len(texts))
    return draw_heroes(model, latents, reader, texts, shown, way, seeds)


def draw_fast(
    texts: Sequence[str],
    seeds: Sequence[int],
    weights: str | None = None,
    guidance: float | None = None,
    steps: int | None = None,
    reference: str | Path | None = None,
) -> Tensor:
    """The same by the student of four steps, `dit-fast`."""
    return drawn_by("dit-fast", texts, seeds, weights, guidance, steps, reference)
