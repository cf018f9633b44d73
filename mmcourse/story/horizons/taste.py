"""A reader's taste from a handful of choices: which of two pictures do they like better?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.storyworld import Scene
from mmcourse.storyworld.world import vocabulary as v

LIKED: dict[str, tuple[str, ...]] = {
    "style": v.STYLES,
    "place": v.PLACES,
    "time": v.TIMES,
    "weather": v.WEATHERS,
    "species": v.SPECIES,
    "colour": v.COLOURS,
    "mood": v.MOODS,
}
"""What a simulated reader may like or dislike: of the scene, and of its first character."""
STEPS = 30


def attributes(scene: Scene) -> Tensor:
    """(D,): a 1 for each value of `LIKED` that the scene has, its character's share of them."""
    rows = []
    for name, values in LIKED.items():
        has = getattr(scene if hasattr(scene, name) else scene.characters[0], name)
        rows += [float(value == has) for value in values]
    return torch.tensor(rows)


def fit_taste(
    chosen: Tensor, rejected: Tensor, strength: float = 1.0, before: Tensor | None = None
) -> Tensor:
    """The weights w under which a reader's choices are likeliest, held near what was believed
    before.

    A picture x is worth w · x, and the chosen one of a pair is the better one with probability
    sigmoid(w · (chosen - rejected)). What is maximised is the logarithm of these probabilities
    minus strength / 2 times the squared distance of w to the belief. It has one maximum, which
    Newton's method finds.

    Source: Bradley & Terry, Rank Analysis of Incomplete Block Designs, 1952, with features.

    Args:
        chosen: (N, D) features of the pictures that were chosen.
        rejected: (N, D) features of the other of each pair.
        strength: how firmly the belief is held; 1 / variance of a normal distribution.
        before: (D,) the belief, 0 by default.

    Returns:
        (D,), in float64.

    Raises:
        ValueError: shapes that do not fit, or a strength that is not above 0: with fewer choices
            than features the weights would run away.
    """
    if chosen.shape != rejected.shape or chosen.ndim != 2:
        raise ValueError(
            f"chosen and rejected must both be (N, D), got {tuple(chosen.shape)} and "
            f"{tuple(rejected.shape)}"
        )
    if not strength > 0:
        raise ValueError(f"strength must be above 0, got {strength}")
    d = (chosen - rejected).double()  # (N, D)
    start = torch.zeros(d.shape[1], dtype=torch.float64) if before is None else before.double()
    w, now = start.clone(), _surprise(start, d, start, strength)
    for _ in range(STEPS):
        wrong = torch.sigmoid(-d @ w)  # (N,): how surprising each choice still is
        slope = d.T @ wrong - strength * (w - start)
        step = torch.linalg.solve(certainty(d, w, strength), slope)
        after = _surprise(w + step, d, start, strength)
        while after > now and float(step.norm()) > 1e-10:  # too far: the curve is no parabola
            step = step / 2
            after = _surprise(w + step, d, start, strength)
        w, now = w + step, after
        if float(step.norm()) < 1e-9:
            break
    return w


def _surprise(w: Tensor, d: Tensor, start: Tensor, strength: float) -> float:
    """What `fit_taste` minimises."""
    return float(F.softplus(-d @ w).sum() + strength / 2 * (w - start).square().sum())


def certainty(differences: Tensor, w: Tensor, strength: float) -> Tensor:
    """(D, D): how sharply the choices (N, D) determine the weights, the inverse of the posterior's
    covariance in Laplace's approximation."""
    d = differences.double()
    p = torch.sigmoid(d @ w)
    return d.T @ (d * (p * (1 - p))[:, None]) + strength * torch.eye(len(w), dtype=torch.float64)


def most_telling(pairs: Tensor, asked: Tensor, w: Tensor, strength: float) -> int:
    """Which pair to ask next: the one whose answer is least known.

    Args:
        pairs: (M, D) differences of the pairs that could be asked.
        asked: (N, D) differences of those that were.
        w: (D,) the taste so far.
        strength: as in `fit_taste`.

    Returns:
        the place in `pairs` of the largest p (1 - p) · variance of w · difference.
    """
    spread = torch.linalg.inv(certainty(asked, w, strength))
    d = pairs.double()
    p = torch.sigmoid(d @ w)
    return int((p * (1 - p) * ((d @ spread) * d).sum(1)).argmax())


def near_the_mean(chosen: Tensor, pictures: Tensor) -> Tensor:
    """(M,): minus the distance of pictures (M, D) to the mean of the chosen (N, D): a baseline that
    forgets what was rejected.

    Raises:
        ValueError: nothing was chosen.
    """
    if not len(chosen):
        raise ValueError(
            "the mean of nothing is nowhere; give at least one picture that was chosen"
        )
    return -(pictures - chosen.mean(0)).square().sum(1)


def agreement(scores: Tensor, worth: Tensor, pairs: Tensor) -> float:
    """Share of pairs (P, 2) of pictures of which the scores (M,) and the true worth (M,) prefer the
    same one; a tie of scores counts half."""
    said = scores[pairs[:, 0]] - scores[pairs[:, 1]]
    true = worth[pairs[:, 0]] - worth[pairs[:, 1]]
    same = (said.sign() * true.sign() + 1) / 2
    return float(same.mean())


def simulated_reader(
    common: Tensor, own: float, share: float, generator: torch.Generator
) -> Tensor:
    """(D,): a taste: what all have in common, and an own part about a few kinds of things.

    Args:
        common: (D,) the part that all readers share.
        own: size of the own part.
        share: of the kinds in `LIKED`, how many a reader has an own opinion of.
        generator: dice.
    """
    parts = []
    for values in LIKED.values():
        cares = float(torch.rand((), generator=generator) < share)
        parts.append(own * cares * torch.randn(len(values), generator=generator))
    return common + torch.cat(parts)


def choices(
    worth: Tensor, pairs: Sequence[Sequence[int]] | Tensor, generator: torch.Generator
) -> Tensor:
    """(P, 2): pairs (P, 2) with the one in front that a reader chooses, by Bradley and Terry."""
    rows = torch.as_tensor(pairs)
    first = torch.sigmoid((worth[rows[:, 0]] - worth[rows[:, 1]]).float())
    wins = torch.rand(len(rows), generator=generator) < first
    return torch.where(wins[:, None], rows, rows.flip(1))


def loss(w: Tensor, chosen: Tensor, rejected: Tensor) -> Tensor:
    """Mean surprise in nats of choices (N, D), (N, D) under the weights (D,): log 2 for a coin."""
    return F.softplus(-(chosen - rejected).double() @ w).mean()
