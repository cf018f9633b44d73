"""Vector quantisation: each vector of the encoder is replaced by the nearest of K codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.vqvae.gradient import pick_estimator, straight_through
from mmcourse.vqvae.losses import vq_loss
from mmcourse.vqvae.nearest import nearest_codes


class Quantized(NamedTuple):
    """What every quantizer returns."""

    codes: Tensor
    """(B, D, ...), of the shape that was given; gradients reach the encoder through it."""
    indices: Tensor
    """(B, ...) int64."""
    loss: Tensor
    """A scalar that is added to the loss of reconstruction; 0 where none is needed."""


def to_rows(z: Tensor) -> Tensor:
    """(B, D, ...) to (N, D): one row for each place. The channels must come last first, or a row
    would mix neighbouring places of one channel."""
    return z.movedim(1, -1).reshape(-1, z.shape[1])


def from_rows(rows: Tensor, like: Tensor) -> Tensor:
    """(N, D) back to the shape of `like` (B, D, ...)."""
    return rows.reshape(*like.movedim(1, -1).shape).movedim(-1, 1)


def check_width(z: Tensor, dim: int) -> None:
    """Refuse vectors of another width than the codes'.

    Raises:
        ValueError: a z that is not (B, dim, ...).
    """
    if z.ndim < 3 or z.shape[1] != dim:
        raise ValueError(f"z must be (B, {dim}, ...), got {tuple(z.shape)}")


def check_indices(indices: Tensor, num_codes: int) -> None:
    """Refuse indices that no code has.

    Raises:
        ValueError: another type than int64, or an index out of range.
    """
    if indices.dtype != torch.int64:
        raise ValueError(f"indices must be int64, got {indices.dtype}")
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < num_codes:
        raise ValueError(
            f"indices must be 0 to {num_codes - 1}, got {int(indices.min())} to "
            f"{int(indices.max())}; were they made by a model with another codebook?"
        )


def quantize(
    z: Tensor,
    codebook: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor] = vq_loss,
    estimate: Callable[[Tensor, Tensor], Tensor] = straight_through,
) -> Quantized:
    """Choose the nearest code for each place of z, fetched by its index: no one-hot matrix.

    Args:
        z: (B, D, ...).
        codebook: (K, D).
        loss: of vectors and their codes, both (N, D).
        estimate: takes the same two; gives the codes, and z their gradient.
    """
    rows = to_rows(z)  # (N, D)
    index = nearest_codes(rows, codebook)  # (N,)
    chosen = F.embedding(index, codebook)  # (N, D)
    codes = from_rows(estimate(rows, chosen), z)
    return Quantized(codes, index.reshape(z.shape[0], *z.shape[2:]), loss(rows, chosen))


class VectorQuantizer(nn.Module):
    """A codebook that is learnt by gradients.

    Everything is computed in float32, under autocast too.

    Source: van den Oord et al., Neural Discrete Representation Learning, 2017.

    Args:
        num_codes: K.
        dim: D.
        beta: weight of the commitment loss.
        estimator: "straight-through" or "rotation", see `gradient`.
    """

    def __init__(
        self,
        num_codes: int = 512,
        dim: int = 32,
        beta: float = 0.25,
        estimator: str = "straight-through",
    ) -> None:
        super().__init__()
        self.num_codes, self.dim, self.beta = num_codes, dim, beta
        self.estimate = pick_estimator(estimator)
        self.codebook = nn.Parameter(torch.randn(num_codes, dim) / dim**0.5)

    def forward(self, z: Tensor) -> Quantized:
        """Choose a code for each place of z (B, D, ...).

        Raises:
            ValueError: another width, or NaN.
        """
        check_width(z, self.dim)
        with torch.autocast(z.device.type, enabled=False):
            return quantize(self.prepare(z.float()), self.codes(), self.loss, self.estimate)

    def prepare(self, vectors: Tensor) -> Tensor:
        """Vectors (B, D, ...) or codes (K, D), as they are compared."""
        return vectors

    def codes(self) -> Tensor:
        """The codes (K, D) that are chosen from."""
        return self.prepare(self.codebook)

    def loss(self, rows: Tensor, chosen: Tensor) -> Tensor:
        """Each side of the distance has a gradient of its own (equation 3 of the paper)."""
        return vq_loss(rows, chosen, self.beta)

    def lookup(self, indices: Tensor) -> Tensor:
        """Indices (B, ...) to their codes (B, D, ...).

        Raises:
            ValueError: an index out of range.
        """
        check_indices(indices, self.num_codes)
        return F.embedding(indices, self.codes()).movedim(-1, 1)

    @torch.no_grad()
    def start_from(self, z: Tensor, generator: torch.Generator | None = None) -> None:
        """Put the codes where the encoder's vectors are: K of z's (B, D, ...), drawn at random.

        A codebook far from the encoder's scale has one code that is nearest to everything.
        """
        rows = to_rows(z.float())
        draw = torch.randint(len(rows), (self.num_codes,), generator=generator)
        self.codebook.copy_(rows[draw.to(rows.device)])


class CosineQuantizer(VectorQuantizer):
    """Codes and vectors of length 1: the nearest is the one that points the same way.

    Lengths cannot drift, so no code is far from everything merely because it is long.

    Source: Yu et al., Vector-Quantized Image Modeling with Improved VQGAN, 2022, section 3.2.
    """

    def prepare(self, vectors: Tensor) -> Tensor:
        """Vectors and codes at length 1."""
        return F.normalize(vectors, dim=1)
