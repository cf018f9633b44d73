"""The chapter's formulas on plain tensors, as they stand on its page."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def update_scale(alpha: float, rank: int, rs: bool = False) -> float:
    """By what B A x is multiplied: alpha / r, so that another rank needs no other learning rate.

    With `rs` it is alpha / sqrt(r). The entries of B A x grow like sqrt(r) once B is learned, so
    dividing by r lets large ranks learn ever more slowly.

    Source: Hu et al., LoRA, 2022, section 4.1; Kalajdzievski, 2023, for sqrt(r).

    Args:
        alpha: strength.
        rank: r, from 1 on.
        rs: whether to divide by the root.

    Raises:
        ValueError: a rank below 1.
    """
    if rank < 1:
        raise ValueError(f"rank is {rank}, expected 1 or more")
    return alpha / math.sqrt(rank) if rs else alpha / rank


def lora_linear(
    x: Tensor, weight: Tensor, bias: Tensor, A: Tensor, B: Tensor, alpha: float
) -> Tensor:
    """W x + b + alpha / r B A x, for rows x. The weight of out x in numbers is never changed.

    Source: Hu et al., LoRA, 2022, equation 3.

    Args:
        x: (..., in).
        weight: (out, in).
        bias: (out,).
        A: (r, in).
        B: (out, r).
        alpha: strength.

    Returns:
        (..., out).
    """
    scale = update_scale(alpha, len(A))
    return F.linear(x, weight, bias) + scale * F.linear(F.linear(x, A), B)


def merged_weight(weight: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    """The weight with its update in it, (out, in), in the weight's type.

    Summed in float32 (or finer, if they are) and rounded once, so that no error of the product or
    the scale comes on top.

    Args:
        weight: (out, in).
        A: (r, in).
        B: (out, r).
        alpha: strength.
    """
    wide = torch.promote_types(weight.dtype, torch.float32)
    update = update_scale(alpha, len(A)) * B.to(wide) @ A.to(wide)
    return (weight.to(wide) + update).to(weight.dtype)
