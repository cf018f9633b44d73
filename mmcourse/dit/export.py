"""The student as a page calls it: a sentence's ids to words, a step, and latents to a picture.

The page draws one picture at a time, so nothing is padded and no mask is passed. The noise comes
from the page: noise inside a graph would be the same in every session.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.draw import companions
from mmcourse.diffusion.text import TextReader, Words
from mmcourse.dit.model import DiT
from mmcourse.export import Part
from mmcourse.storyworld import caption, sample_scene


class WordsOf(nn.Module):
    """The frozen tower and the model's own blocks over it."""

    def __init__(self, model: DiT, reader: TextReader) -> None:
        super().__init__()
        self.tower, self.text = reader.tower, model.text

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (1, T) int64 to a vector for the null token and for each word, (1, 1 + T, D)."""
        mask = torch.ones_like(ids, dtype=torch.bool)
        found = self.text(Words(self.tower(ids, mask)[1], mask)).text
        assert found is not None
        return found


class StepOf(nn.Module):
    """One look of the model."""

    def __init__(self, model: DiT) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, t: Tensor, words: Tensor) -> Tensor:
        """x (1, C, H, W) at t (1,) in [0, 1000], told words (1, S, D), to the velocity."""
        mask = torch.ones_like(words[..., 0], dtype=torch.bool)
        return self.model(x, t, Cond(words, mask, words.mean(1)))


class PictureOf(nn.Module):
    """The autoencoder's decoder."""

    def __init__(self, latents: nn.Module) -> None:
        super().__init__()
        self.decoder = latents.decoder

    def forward(self, z: Tensor) -> Tensor:
        """Latents (1, C, h, w) to a picture (1, 3, H, W) in [-1, 1]."""
        return self.decoder(z).clamp(-1, 1)  # type: ignore[operator]


def dit_parts(model: DiT, latents: nn.Module, reader: TextReader) -> list[Part]:
    """`words`, `step` and `picture`, checked on held-out captions of several lengths and on noise.

    Args:
        model: a student, or any `DiT`.
        latents: the autoencoder that it draws for.
        reader: of its captions.
    """
    texts = [caption(sample_scene("test", i)) for i in (0, 3, 5)]
    captions = [reader.tokenizer.encode([text])[0] for text in texts]
    dice = torch.Generator().manual_seed(0)
    noise = [torch.randn(1, *model.shape, generator=dice) for _ in texts]
    times = [torch.tensor([t]) for t in (1000.0, 250.0, 500.0)]
    told = WordsOf(model, reader).eval()
    with torch.no_grad():
        words = [told(ids) for ids in captions]
    free = {1: "tokens"}
    return [
        Part("words", told, ("ids",), "words", (free,), [(ids,) for ids in captions]),
        Part("step", StepOf(model), ("x", "t", "words"), "velocity", ({}, {}, free),
             list(zip(noise, times, words, strict=True))),
        Part("picture", PictureOf(latents), ("z",), "pixels", ({},), [(z,) for z in noise]),
    ]  # fmt: skip


def drawing_parts(model: DiT) -> list[Part]:
    """`dit_parts` with the shipped autoencoder and tower, for `mmcourse export`.

    Raises:
        ValueError: the model was trained with others.
    """
    return dit_parts(model, *companions(model, "cpu"))
