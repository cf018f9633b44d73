"""Style transfer: the same scene, drawn in another style."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from mmcourse.storyworld import Scene, Tokenizer
from mmcourse.storyworld.language.words import STYLE
from mmcourse.storyworld.world.vocabulary import STYLES
from mmcourse.vqgan.filters import Drawing
from mmcourse.vqgan.masked import PASSES, sample_masked
from mmcourse.vqgan.prior import ResidualPrior

GENTLE = Drawing(temperature=0.5)
"""A style leaves little to chance, so what is likely is drawn."""


def style_words(style: str) -> str:
    """What asks the prior for a style: "in watercolour".

    Raises:
        ValueError: a style that does not exist.
    """
    if style not in STYLES:
        raise ValueError(f"no style is called {style!r}; choose one of {', '.join(STYLES)}")
    return STYLE[style][0]


def other_style(scene: Scene, turn: int) -> Scene:
    """The scene in another style, each of the others in turn."""
    others = [style for style in STYLES if style != scene.style]
    return replace(scene, style=others[turn % len(others)])


def restyle(
    prior: ResidualPrior,
    codes: Tensor,
    style: str,
    how: Drawing = GENTLE,
    *,
    passes: int = PASSES,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Codes (B, h, w, L) of pictures to those of the same pictures in this style.

    The picture stands before the places as a source, the words name the style, and all places are
    drawn anew in a few passes.

    Raises:
        ValueError: a style that does not exist, or codes of another grid.
    """
    ids, _ = Tokenizer().encode([style_words(style)] * len(codes))
    return sample_masked(prior, ids, how, passes=passes, source=codes, generator=generator)
