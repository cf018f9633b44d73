"""Four things that a denoiser may predict. Each holds the others, once x_t is known.

`epsilon` is the noise; at pure noise it says nothing of the picture. `x0` is the picture; at the
picture it says nothing new. `v` is alpha epsilon - sigma x0: at pure noise minus the picture, at
the picture the noise. `flow` is epsilon - x0, the same at every time.

alpha and sigma are numbers, or tensors that multiply x.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

Objective = Literal["epsilon", "x0", "v", "flow"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
Number = Tensor | float


def x0_from_epsilon(x: Tensor, epsilon: Tensor, alpha: Number, sigma: Number) -> Tensor:
    """Solve x = alpha x0 + sigma epsilon for x0 (Ho et al., 2020, equation 15)."""
    return (x - sigma * epsilon) / alpha


def epsilon_from_x0(x: Tensor, x0: Tensor, alpha: Number, sigma: Number) -> Tensor:
    """Solve it for epsilon."""
    return (x - alpha * x0) / sigma


def x0_from_v(x: Tensor, v: Tensor, alpha: Number, sigma: Number) -> Tensor:
    """Turn back: alpha x - sigma v, where alpha² + sigma² = 1; divided by that sum elsewhere.

    Source: Salimans and Ho, Progressive Distillation for Fast Sampling of Diffusion Models, 2022,
    appendix D.
    """
    return (alpha * x - sigma * v) / (alpha**2 + sigma**2)


def epsilon_from_v(x: Tensor, v: Tensor, alpha: Number, sigma: Number) -> Tensor:
    """sigma x + alpha v, likewise."""
    return (sigma * x + alpha * v) / (alpha**2 + sigma**2)


def x0_from_flow(x: Tensor, flow: Tensor, alpha: Number, sigma: Number) -> Tensor:
    """Go back along the straight line: x - sigma flow, where alpha + sigma = 1."""
    return (x - sigma * flow) / (alpha + sigma)


def epsilon_from_flow(x: Tensor, flow: Tensor, alpha: Number, sigma: Number) -> Tensor:
    """Go on along it: x + alpha flow, likewise."""
    return (x + alpha * flow) / (alpha + sigma)


def parts(
    kind: Objective, x: Tensor, predicted: Tensor, alpha: Number, sigma: Number
) -> tuple[Tensor, Tensor]:
    """The picture and the noise that a prediction means, (B, ...) each.

    Raises:
        ValueError: an unknown kind; epsilon where alpha is 0, or x0 where sigma is 0: there the
            prediction says nothing of the other part.
    """
    if kind == "epsilon":
        _refuse_zero(
            alpha, "alpha is 0: epsilon says nothing of the picture at pure noise; predict v"
        )
        return x0_from_epsilon(x, predicted, alpha, sigma), predicted
    if kind == "x0":
        _refuse_zero(sigma, "sigma is 0: a picture without noise says nothing of the noise")
        return predicted, epsilon_from_x0(x, predicted, alpha, sigma)
    levels = alpha, sigma
    if kind == "v":
        return x0_from_v(x, predicted, *levels), epsilon_from_v(x, predicted, *levels)
    if kind == "flow":
        return x0_from_flow(x, predicted, *levels), epsilon_from_flow(x, predicted, *levels)
    raise ValueError(f"no objective is called {kind!r}; choose one of {', '.join(OBJECTIVES)}")


def _refuse_zero(value: Number, message: str) -> None:
    if bool((torch.as_tensor(value) == 0).any()):
        raise ValueError(message)


def target(kind: Objective, x0: Tensor, epsilon: Tensor, alpha: Number, sigma: Number) -> Tensor:
    """What a denoiser of this kind should say about x0 with this noise.

    Raises:
        ValueError: an unknown kind.
    """
    if kind == "epsilon":
        return epsilon
    if kind == "x0":
        return x0
    if kind == "v":
        return alpha * epsilon - sigma * x0
    if kind == "flow":
        return epsilon - x0
    raise ValueError(f"no objective is called {kind!r}; choose one of {', '.join(OBJECTIVES)}")


def convert(
    predicted: Tensor, x: Tensor, alpha: Number, sigma: Number, *, source: Objective, to: Objective
) -> Tensor:
    """The same prediction in other terms."""
    x0, epsilon = parts(source, x, predicted, alpha, sigma)
    return target(to, x0, epsilon, alpha, sigma)


def min_snr_weight(kind: Objective, alpha: Tensor, sigma: Tensor, gamma: float = 5.0) -> Tensor:
    """Weight of the squared error at each level, (B,): the error of the picture counts by its
    signal-to-noise ratio, gamma at most, whatever the network predicts.

    Where alpha² + sigma² = 1, an error of v is sqrt(SNR + 1) times that of x0, one of epsilon
    sqrt(SNR) times, one of flow sqrt(SNR) + 1 times; dividing by the square brings all to the same
    loss.

    Source: Hang et al., Efficient Diffusion Training via Min-SNR Weighting Strategy, 2023,
    section 3.4; the line for flow follows from the same argument.

    Args:
        kind: what is predicted.
        alpha: (B,).
        sigma: (B,), more than 0.
        gamma: the cap.

    Raises:
        ValueError: an unknown kind, or a gamma that is not more than 0.
    """
    if gamma <= 0:
        raise ValueError(f"gamma is {gamma}, expected more than 0; 5 is usual")
    snr = (alpha / sigma).square()
    capped = snr.clamp(max=gamma)
    if kind == "epsilon":  # min(SNR, gamma) / SNR, also where the SNR is 0
        return (gamma / snr).clamp(max=1.0)
    if kind == "x0":
        return capped
    if kind == "v":
        return capped * (sigma / (alpha**2 + sigma**2)).square()
    if kind == "flow":
        return capped / (snr.sqrt() + 1).square()
    raise ValueError(f"no objective is called {kind!r}; choose one of {', '.join(OBJECTIVES)}")
