"""Wrong answers that compute the right thing and lose a part of it: cut off, or rounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BITS = {"bfloat16": 8, "float16": 11}
"""Of a number's digits, so many are kept, the first one included."""


def narrowed(got: list[np.ndarray], right: list[np.ndarray]) -> Iterator[str]:
    """How what came out is what it should be, but for a limit or its last digits."""
    if any(a.shape != b.shape for a, b in zip(got, right)):
        return
    mine, theirs = (np.concatenate([x.ravel() for x in many]) for many in (got, right))
    low, high = mine.min(), mine.max()
    above, below = (theirs - high > 1e-3 * (1 + abs(high)), low - theirs > 1e-3 * (1 + abs(low)))
    cut = above | below
    if cut.sum() > 1 and np.allclose(mine, theirs.clip(low, high), rtol=1e-4, atol=1e-6):
        limits = [f"{x:.4g}" for x, some in ((low, below), (high, above)) if some.any()]
        yield f"what it should be, cut off at {' and '.join(limits)}"
        return
    for name, bits in BITS.items():
        near = np.allclose(mine, theirs, rtol=2.0 ** (3 - bits), atol=2.0 ** (1 - bits))
        if near and np.array_equal(mine, rounded(mine, bits)) and (mine != theirs).sum() > 4:
            yield f"nearly what it should be, with no more digits than {name} holds"
            return


def rounded(x: np.ndarray, bits: int) -> np.ndarray:
    """Numbers with so many binary digits."""
    share, power = np.frexp(x)
    return np.ldexp(np.round(share * 2.0**bits) / 2.0**bits, power)
