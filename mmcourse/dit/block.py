"""The block of the course's diffusion transformer: all blocks share one adaLN."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.dit.attention import PatchAttention
from mmcourse.nn import WordAttention, zeroed


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Normalise each token, let the condition stretch and move it: norm(x) (1 + scale) + shift.

    The norm has no weights of its own: these two are its weights. With both 0 it is the plain norm,
    which is why 1 is added.

    Source: Peebles & Xie, Scalable Diffusion Models with Transformers, 2023, section 3.2.

    Args:
        x: (B, T, D).
        shift: (B, 1, D).
        scale: (B, 1, D).
    """
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=1e-6), 1 + scale)


class SharedModulation(nn.Module):
    """adaLN-single: one layer gives all blocks their shifts, scales and gates.

    In the paper's DiT each block has such a layer, a third of all weights. Here a block adds six
    vectors of its own to the common ones.

    Source: Chen et al., PixArt-alpha, 2024, section 2.3.

    Args:
        dim: width.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = zeroed(nn.Linear(dim, 6 * dim))

    def forward(self, c: Tensor) -> Tensor:
        """(B, dim) to (B, 6, dim), for `DiTBlock`."""
        return self.linear(F.silu(c)).unflatten(1, (6, -1))


class DiTBlock(nn.Module):
    """Among the patches, to the words, each patch for itself; each added to what came in.

    At the start it is the identity: the gates are 0, and so is the last layer of the words' part.

    Args:
        dim: width.
        heads: of both attentions.
        words: width of the words.
        mixed: whether values are mixed with the first block's.
        mlp_ratio: how much wider the two-layer network is.
    """

    def __init__(
        self, dim: int, heads: int, words: int, mixed: bool = True, mlp_ratio: int = 4
    ) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.zeros(6, dim))
        self.among = PatchAttention(dim, heads, mixed)
        self.norm = nn.LayerNorm(dim)
        self.to_words = WordAttention(dim, heads, words)
        zeroed(self.to_words.to_out)
        self.mlp = nn.Sequential(
            nn.Linear(dim, mlp_ratio * dim),
            nn.GELU(),
            nn.Linear(mlp_ratio * dim, dim),
        )

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        places: tuple[Tensor, Tensor],
        words: tuple[Tensor, Tensor],
        first: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """x (B, T, dim) to the same, and the values of its attention.

        Args:
            x: tokens.
            modulation: (B, 6, dim), of `SharedModulation`.
            places: where the tokens stand, as `attention.waves`.
            words: (B, S, D), and their mask (B, 1, 1, S).
            first: values of the first block.
            mask: (B, 1, 1, T), which tokens are there.
        """
        parts = (
            (modulation + self.own.to(modulation.dtype)).unsqueeze(2).unbind(1)
        )  # six of (B, 1, dim)
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = parts
        seen, values = self.among(modulate(x, shift, scale), places, first, mask)
        x = torch.addcmul(x, gate, seen)
        x = x + self.to_words(self.norm(x), *words)
        return torch.addcmul(x, mlp_gate, self.mlp(modulate(x, mlp_shift, mlp_scale))), values
