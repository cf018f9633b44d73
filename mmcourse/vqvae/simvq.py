"""All codes move together: a fixed random codebook, seen through a linear map that is learnt."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcourse.vqvae.quantizer import VectorQuantizer, to_rows


class SimVQ(VectorQuantizer):
    """Codes that nobody chooses move too, because the map that places them serves all codes.

    The codebook is drawn once and never changes; only the map has gradients. So a single chosen
    code turns and stretches the whole book towards the vectors.

    Source: Zhu et al., Addressing Representation Collapse in Vector Quantized Models with One
    Linear Layer, 2025.

    Args:
        num_codes: K.
        dim: D.
        beta: weight of the commitment loss.
        estimator: "straight-through" or "rotation".
    """

    def __init__(
        self,
        num_codes: int = 512,
        dim: int = 32,
        beta: float = 0.25,
        estimator: str = "straight-through",
    ) -> None:
        super().__init__(num_codes, dim, beta, estimator)
        codebook = self.codebook.detach().clone()
        del self.codebook
        self.register_buffer("codebook", codebook)
        self.turn = nn.Linear(dim, dim, bias=False)

    def codes(self) -> Tensor:
        """The fixed codes (K, D) through the map."""
        return self.turn(self.codebook)

    @torch.no_grad()
    def start_from(self, z: Tensor, generator: torch.Generator | None = None) -> None:
        """Spread the codes as z's vectors (B, D, ...) are spread about the origin.

        The codes are normal with variance 1 / D, so a root of the vectors' second moments, times
        the square root of D, gives them these moments.

        Raises:
            ValueError: no vectors.
        """
        rows = to_rows(z.float())
        if not len(rows):
            raise ValueError(f"z is {tuple(z.shape)}, which holds no vector to start from")
        moments = rows.T @ rows / len(rows)
        ridge = 1e-4 * moments.diagonal().mean().clamp(min=1e-12) * torch.eye(self.dim).to(rows)
        self.turn.weight.copy_(torch.linalg.cholesky(moments + ridge) * self.dim**0.5)
