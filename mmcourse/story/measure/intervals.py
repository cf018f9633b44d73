"""How sure a number is that was measured on some stories: bootstrap intervals over the stories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmcourse.story.measure.pages import Tally


def interval(
    groups: Sequence[Sequence[Tally]], draws: int = 2000, seed: int = 0
) -> dict[str, float | int | None]:
    """A measure with its 95 % interval.

    Pages of one story are alike, and so are stories from one prompt, so what belongs together is
    drawn together: so many groups as there are, with replacement, `draws` times (Efron, 1979).

    Args:
        groups: for each prompt, the parts of its stories.
        draws: how many samples of groups are drawn.
        seed: of the draws.

    Returns:
        "value", "low" and "high" (2.5 and 97.5 % of the draws), "n" (what was divided by),
        "groups"; None where nothing was counted, or drawn.

    Raises:
        ValueError: no groups.
    """
    if not groups:
        raise ValueError("an interval needs at least one group of stories, got none")
    hits = np.array([sum(t.hits for t in group) for group in groups], np.float64)
    of = np.array([sum(t.of for t in group) for group in groups], np.float64)
    told: dict[str, float | int | None] = {"n": round(float(of.sum())), "groups": len(groups)}
    if not of.sum():
        return {"value": None, "low": None, "high": None, **told}
    chosen = np.random.default_rng(seed).integers(0, len(groups), (draws, len(groups)))
    drawn, out_of = hits[chosen].sum(1), of[chosen].sum(1)  # (draws,)
    some = out_of > 0
    if not some.any():
        return {"value": float(hits.sum() / of.sum()), "low": None, "high": None, **told}
    low, high = np.quantile(drawn[some] / out_of[some], (0.025, 0.975))
    return {"value": float(hits.sum() / of.sum()), "low": float(low), "high": float(high), **told}
