"""Guidance in two directions: towards what was said, and towards whom was shown."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import torch
from torch import Tensor

from mmcourse.diffusion.cond import Cond, join
from mmcourse.diffusion.guidance import rescale
from mmcourse.diffusion.samplers import Denoiser


class LikenessGuided:
    """A denoiser that goes further away from what it would draw without the portrait, and, below a
    time, from what it would draw without anything.

        c + (r - 1) (c - w) + (s - 1) (c - u)

    Here c is told words and portrait, w the words alone, and u nothing. With a likeness r = 1 it is
    `Guided`. All answers come from one batch of twice or three times the rows.

    Source: Brooks et al., InstructPix2Pix, 2023, section 3.2.1, who also guide by two conditions,
    and drop the words first.

    Args:
        model: a denoiser that takes references.
        null: of one row, that nothing was said and nobody shown.
        scale: s.
        likeness: r.
        highest: guide away from u at times below this only, in [0, 1000].
        rescaled: the share of `rescale`.
    """

    def __init__(
        self,
        model: Denoiser,
        null: Cond,
        scale: float,
        likeness: float,
        highest: float,
        rescaled: float = 0.0,
    ) -> None:
        self.model, self.null, self.highest = model, null, highest
        self.scale, self.likeness, self.rescaled = scale, likeness, rescaled

    def __call__(self, x: Tensor, t: Tensor, cond: Cond | None = None) -> Tensor:
        """x (B, ...) at times (B,), all the same, to the guided answer (B, ...).

        Raises:
            ValueError: a condition that shows nobody.
        """
        if cond is None or cond.reference is None:
            raise ValueError("likeness to nobody: pass a condition with a reference, or use Guided")
        cond = cond.expand(len(x))
        nobody = torch.zeros_like(cond.reference)  # type: ignore[arg-type]
        pairs = [(self.likeness, replace(cond, reference=nobody))]
        if float(t[0]) <= self.highest:
            pairs.append((self.scale, self.null.expand(len(x))))
        pairs = [(scale, other) for scale, other in pairs if scale != 1]
        n = 1 + len(pairs)
        told = reduce(join, [cond, *(other for _, other in pairs)])
        said, *others = self.model(torch.cat([x] * n), torch.cat([t] * n), told).chunk(n)
        found = said
        for (scale, _), other in zip(pairs, others, strict=True):
            found = found + (scale - 1) * (said - other)
        return rescale(found, said, self.rescaled) if self.rescaled and pairs else found
