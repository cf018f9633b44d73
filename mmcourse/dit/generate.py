"""From sentences and portraits to pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mmcourse.diffusion.generate import Latents, Way, check_words, noise_and_dice
from mmcourse.diffusion.guidance import Guided
from mmcourse.diffusion.samplers import Denoiser, Step, last, sample
from mmcourse.diffusion.schedule import TIME
from mmcourse.diffusion.text import TextReader
from mmcourse.dit.guidance import LikenessGuided
from mmcourse.dit.identity import IdentityEncoder
from mmcourse.dit.model import DiT
from mmcourse.hub import weights_hash
from mmcourse.pictures import to_bytes
from mmcourse.refusals import check_seeds, whole
from mmcourse.training import evaluating

GUIDED = Way(steps=12, guidance=2.5, highest=800.0, sampler="euler", likeness=2.0)
"""How `dit` draws, and is measured on its card."""


def way_of(model: DiT, guidance: float | None = None, steps: int | None = None) -> Way:
    """How a model draws: as `GUIDED`, or, for a student, one step a window and unguided.

    Args:
        model: the model, or its student.
        guidance: another scale; None for the model's own.
        steps: likewise.

    Raises:
        ValueError: guidance for a student, which has its teacher's in its weights, or steps that do
            not divide its windows.
    """
    way = GUIDED
    if model.windows:
        if guidance not in (None, 1.0):
            raise guided_student(model, guidance)
        way = Way(steps=model.windows, guidance=1.0, sampler="euler")
    if guidance is not None:
        way = replace(way, guidance=guidance)
    way = way if steps is None else replace(way, steps=steps)
    check_way(model, way)
    return way


def check_way(model: DiT, way: Way) -> None:
    """Refuse a way that a student cannot go; any other model goes all of them.

    Raises:
        ValueError: guidance, which a student has in its weights, or steps that do not divide its
            windows.
    """
    if not model.windows:
        return
    for scale in (way.guidance, way.likeness):
        if scale != 1:
            raise guided_student(model, scale)
    if way.steps % model.windows:
        raise ValueError(
            f"{way.steps} steps for a student whose path has {model.windows} straight pieces: take "
            f"a multiple of {model.windows}"
        )


def guided_student(model: DiT, scale: float | None) -> ValueError:
    """The error of a student that is to be guided."""
    return ValueError(
        f"guidance {scale} on a student of {model.windows} steps: its teacher's is in its weights; "
        "leave --guidance out, or draw with dit"
    )


def guided(model: DiT, way: Way, shown: bool) -> Denoiser:
    """The model, guided away from "nothing was said, nobody was shown", and, where somebody is
    shown, from "nobody was shown"."""
    if shown and way.likeness != 1:
        null = model.null(1, shown)
        return LikenessGuided(model, null, way.guidance, way.likeness, way.highest, way.rescaled)
    if way.guidance == 1:
        return model
    interval = (0.0, min(way.highest, TIME))
    return Guided(model, model.null(1, shown), way.guidance, interval, way.rescaled)


def encoder_of(model: DiT, device: torch.device | str) -> IdentityEncoder:
    """The reader of portraits that a model was trained with, by its `identity`.

    Raises:
        ValueError: the shipped one is another.
    """
    found = weights_hash("identity")
    if model.identity not in (None, found):
        raise ValueError(
            f"these weights were shown vectors of identity {model.identity}, here is {found}: load "
            "the encoder that they came with, or train them again"
        )
    return IdentityEncoder.from_pretrained("identity", device=str(device)).eval()


def check_together(texts: Sequence[str], seeds: Sequence[int], references: Tensor | None) -> None:
    """Refuse captions, seeds and references that do not go together.

    Raises:
        ValueError: as `check_seeds`, or not one reference for each text.
    """
    check_seeds(texts, seeds)
    if references is not None and len(references) != len(texts):
        raise ValueError(
            f"a reference for each text: got {len(texts)} texts, {len(references)} references"
        )


def steps_to_pictures(
    model: DiT,
    reader: TextReader,
    texts: Sequence[str],
    way: Way,
    seeds: Sequence[int],
    references: Tensor | None = None,
    size: tuple[int, int] | None = None,
) -> Iterator[Step]:
    """Every step from noise to the latents of these captions, to be looked at on the way.

    Args:
        model: draws.
        reader: of captions.
        texts: in the world's words.
        way: how to draw.
        seeds: one for each caption.
        references: (N, D), the vector of a portrait for each; zeros for none.
        size: height and width of the latents; those of the training if None.

    Raises:
        ValueError: not one seed and one reference for each text, words or weights that do not fit,
            a size that the patch does not divide, a way that a student cannot go.
    """
    check_together(texts, seeds, references)
    check_way(model, way)
    check_words(model, reader)
    device = next(model.parameters()).device
    shape = (model.shape[0], *(size or model.shape[1:]))
    noise, dice = noise_and_dice(shape, seeds)
    x = noise.to(device)
    model.check(x)
    with evaluating(model):
        shown = None if references is None else references.to(device)
        cond = model.read(reader(texts), None, shown).to(device)
        denoiser = guided(model, way, cond.reference is not None)
    return sample(
        denoiser,
        x,
        model.path.levels(way.steps),
        objective="flow",
        sampler=way.walker(),
        cond=cond,
        generator=dice,
    )


def draw_heroes(
    model: DiT,
    latents: Latents,
    reader: TextReader,
    texts: Sequence[str],
    references: Tensor | None = None,
    way: Way | None = None,
    seeds: Sequence[int] | None = None,
    batch: int = 32,
) -> Tensor:
    """A picture for each caption, uint8 (N, H, W, 3), on the CPU.

    Args:
        model: draws.
        latents: decodes.
        reader: of captions.
        texts: in the world's words.
        references: (N, D), the vector of a portrait for each; zeros for none.
        way: the model's own if None.
        seeds: 0, 1, ... if None.
        batch: captions at once.

    Raises:
        ValueError: as `steps_to_pictures`, or a batch below 1.
    """
    way, seeds = way or way_of(model), range(len(texts)) if seeds is None else seeds
    check_together(texts, seeds, references)
    batch = whole("batch", batch)
    drawn = []
    with evaluating(model):
        for at in range(0, len(texts), batch):
            part = slice(at, at + batch)
            shown = None if references is None else references[part]
            steps = steps_to_pictures(model, reader, texts[part], way, seeds[part], shown)
            drawn.append(to_bytes(latents.decode(last(steps))).movedim(1, -1).cpu())
    return torch.cat(drawn)
