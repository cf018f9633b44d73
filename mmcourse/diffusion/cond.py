"""What a denoiser is told: words, a reference, a camera, each of them optional."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Cond:
    """The condition of a batch. Whatever is None was not told.

    Args:
        text: (B, T, D), a vector for each token.
        mask: (B, T) bool, True where there is a token to attend to.
        pooled: (B, D), one vector for the whole text.
        reference: (B, R, D), tokens of a picture whose hero is to be drawn again.
        camera: (B, C), where the scene is looked at from.

    Raises:
        ValueError: parts of batches of different sizes, a text without its mask, or a row of the
            mask without any token, over which attention has no mean.
    """

    text: Tensor | None = None
    mask: Tensor | None = None
    pooled: Tensor | None = None
    reference: Tensor | None = None
    camera: Tensor | None = None

    def __post_init__(self) -> None:
        sizes = {name: len(value) for name, value in self.parts().items()}
        if len(set(sizes.values())) > 1:
            told = ", ".join(f"{name} {size}" for name, size in sizes.items())
            raise ValueError(f"the parts of a condition are of one batch, got rows: {told}")
        if (self.text is None) != (self.mask is None):
            raise ValueError("text and mask come together: pass both, or neither")
        if self.text is None or self.mask is None:
            return
        shape = tuple(self.text.shape[:2])
        if shape != tuple(self.mask.shape) or self.mask.dtype != torch.bool:
            raise ValueError(
                f"text {tuple(self.text.shape)} needs a bool mask of {shape}, "
                f"got {self.mask.dtype} {tuple(self.mask.shape)}"
            )
        looked_at = self.mask.device.type == "cpu" and not torch.compiler.is_exporting()
        if looked_at and not self.mask.any(1).all():  # elsewhere it would wait for the device
            raise ValueError(
                "a row of the mask holds no token, over which attention has no mean: keep the null "
                "token of an empty text"
            )

    def parts(self) -> dict[str, Tensor]:
        """What is told, by name."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in told.items() if value is not None}

    def __len__(self) -> int:
        """Rows of the batch; 0 if nothing is told."""
        return next((len(value) for value in self.parts().values()), 0)

    def to(self, device: str | torch.device) -> Self:
        """The same on another device."""
        return replace(self, **{name: value.to(device) for name, value in self.parts().items()})

    def expand(self, n: int) -> Self:
        """A condition of one row as one of n rows.

        Raises:
            ValueError: a condition of several rows that are not n.
        """
        if len(self) == n:
            return self
        if len(self) != 1:
            raise ValueError(f"a condition of {len(self)} rows cannot serve {n} pictures")
        parts = self.parts().items()
        return replace(self, **{name: value.expand(n, *value.shape[1:]) for name, value in parts})


def join(first: Cond, second: Cond) -> Cond:
    """Two conditions as one batch, the shorter text padded. Both must tell the same things.

    Raises:
        ValueError: one tells what the other does not.
    """
    a, b = first.parts(), second.parts()
    if a.keys() != b.keys():
        raise ValueError(
            f"conditions of one batch tell the same things, got {sorted(a)} and {sorted(b)}"
        )
    joined = {}
    for name in a:
        x, y = a[name], b[name]
        if name in ("text", "mask", "reference"):
            x, y = _padded(x, y.shape[1]), _padded(y, x.shape[1])
        joined[name] = torch.cat([x, y])
    return Cond(**joined)


def _padded(x: Tensor, length: int) -> Tensor:
    """(B, T, ...) to at least `length` tokens, zeros (False) behind."""
    missing = length - x.shape[1]
    if missing <= 0:
        return x
    return torch.cat([x, x.new_zeros(len(x), missing, *x.shape[2:])], 1)
