"""How alike are two vectors? The cosine of the angle between them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def cosine_similarity_matrix(text_emb: Tensor, image_emb: Tensor) -> Tensor:
    """Cosine of every text with every picture.

    Args:
        text_emb: (Bt, D), of any length.
        image_emb: (Bi, D), of any length.

    Returns:
        (Bt, Bi) in [-1, 1].
    """
    return F.normalize(text_emb, dim=-1) @ F.normalize(image_emb, dim=-1).T
