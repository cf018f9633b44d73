"""Fréchet distance: how far one crowd of pictures is from another, as a network sees both."""

from __future__ import annotations

import torch
from torch import Tensor


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D) of features (N, D), in float64.

    Raises:
        ValueError: fewer than two rows, which have no covariance.
    """
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(
            f"features must be (N, D) with N of 2 or more, got {tuple(features.shape)}"
        )
    rows = features.double()
    return rows.mean(0), torch.cov(rows.T).reshape(rows.shape[1], rows.shape[1])


def root(matrix: Tensor) -> Tensor:
    """The square root (D, D) of a symmetric matrix without negative eigenvalues; those that
    rounding made are taken as 0."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def frechet_distance(features: Tensor, others: Tensor) -> float:
    """‖m - n‖² + tr(S + T - 2 (S T)^½), with m, n and S, T the means and covariances of two crowds.

    It is the squared Wasserstein distance of the normal distributions that have these moments. As
    S T is no symmetric matrix, its root's trace is taken of S^½ T S^½, which has the same
    eigenvalues.

    Source: Dowson & Landau, The Fréchet Distance between Multivariate Normal Distributions, 1982;
    of features, Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017.

    Args:
        features: (N, D) of one crowd of pictures.
        others: (M, D) of the other. Distances of small crowds are too large, so compare only those
            of equal size.

    Returns:
        0 or more.

    Raises:
        ValueError: widths that differ, features that are not finite, or fewer than two rows.
    """
    if features.shape[1:] != others.shape[1:]:
        raise ValueError(
            f"both must have one width, got {tuple(features.shape)} and {tuple(others.shape)}"
        )
    if not (features.isfinite().all() and others.isfinite().all()):
        raise ValueError("the features hold NaN or infinity; look at the pictures they are of")
    (m, s), (n, t) = moments(features), moments(others)
    half = root(s)
    values = torch.linalg.eigvalsh(half @ t @ half)
    distance = (m - n).square().sum() + s.trace() + t.trace() - 2 * values.clamp(min=0).sqrt().sum()
    return max(0.0, float(distance))
