"""What a joint space is for: finding, and naming without being taught the names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def recall_at_k(similarity: Tensor, k: int) -> float:
    """How often the match of a row is among the row's k best columns.

    Args:
        similarity: (N, N); the match of row i is column i.
        k: how many of the best columns count.

    Returns:
        A share in [0, 1]. Ties count against: a model that gives every pair the same score finds
        nothing. NaN finds nothing either.

    Raises:
        ValueError: a matrix that isn't square, or k out of range.
    """
    if similarity.ndim != 2 or similarity.shape[0] != similarity.shape[1]:
        raise ValueError(f"similarity must be (N, N), got {tuple(similarity.shape)}")
    if not 1 <= k <= len(similarity):
        raise ValueError(f"k must be 1 to {len(similarity)}, got {k}")
    match = similarity.diagonal()[:, None]  # (N, 1)
    ahead = (~(similarity < match)).sum(1) - 1  # (N,) as good or better, the match itself left out
    return (ahead < k).double().mean().item()


def zero_shot_predict(image_emb: Tensor, class_text_emb: Tensor) -> Tensor:
    """Name pictures by the class whose prompts they are closest to.

    Args:
        image_emb: (B, D), of any length.
        class_text_emb: (C, P, D): P prompts for each of C classes, of any length. A class is the
            mean of its prompts' directions.

    Returns:
        (B,) int64, the index of the class.

    Raises:
        ValueError: no class, or one without a prompt; an embedding that is not finite, which is
            close to nothing.
    """
    if class_text_emb.ndim != 3 or 0 in class_text_emb.shape[:2]:
        raise ValueError(
            f"class_text_emb must be (C, P, D), a class and a prompt at least, got "
            f"{tuple(class_text_emb.shape)}"
        )
    if not (image_emb.isfinite().all() and class_text_emb.isfinite().all()):
        raise ValueError("the embeddings hold NaN or infinity: the towers that made them broke")
    prototypes = F.normalize(class_text_emb, dim=-1).mean(1)  # (C, D)
    return (F.normalize(image_emb, dim=-1) @ F.normalize(prototypes, dim=-1).T).argmax(-1)


def nearest(query: Tensor, candidates: Tensor, k: int) -> Tensor:
    """Indices of the k candidates (N, D) closest to each query (B, D): (B, k), best first."""
    if not 1 <= k <= len(candidates):
        raise ValueError(f"k must be 1 to {len(candidates)}, got {k}")
    similarity = F.normalize(query, dim=-1) @ F.normalize(candidates, dim=-1).T
    return torch.topk(similarity, k, dim=-1).indices
