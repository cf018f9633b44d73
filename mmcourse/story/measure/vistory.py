"""Criteria of ViStoryBench that carry over to StoryWorld, by the formulas of its published code.

Zhuang et al. (2025), arXiv 2505.24862; https://github.com/ViStoryBench/vistorybench, version 1.3.0
(`cids_evaluator.py`, `csd_evaluator.py`). Only the formulas are theirs. Who looks is another: they
find characters with Grounding DINO and compare them by CLIP or face recognition; here the judge
finds them and knows them apart, and chapter 1's towers compare cut-outs for `copy_paste`. They
compare with reference pictures that belong to the story, here with the first page that somebody is
on. So the numbers can stand beside theirs, but not be held against them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

TEMPERATURE = 0.01


def occm(expected: int, detected: int) -> float:
    """Onstage character count matching of one page: 100 exp(-d / expected) where they
    differ by d.

    Raises:
        ValueError: nobody is expected, or fewer than nobody detected.
    """
    if expected < 1 or detected < 0:
        raise ValueError(f"at least one is expected, got {expected} and {detected} detected")
    return float(100 * np.exp(-abs(detected - expected) / (1e-6 + expected)))


def cids_cross(later: ArrayLike, reference: ArrayLike) -> float:
    """Character identification similarity of one character to their reference: the mean cosine of
    (N, D) vectors of length 1 on the pages where they were found, and (D,); 0 if on none."""
    rows = np.asarray(later, np.float64)
    return float((rows @ np.asarray(reference, np.float64)).mean()) if len(rows) else 0.0


def cids_self(found: ArrayLike) -> float:
    """Character identification similarity of one character to themselves: the mean cosine of all
    pairs of (N, D) vectors of length 1; 1 if there is only one, 0 if there is none."""
    rows = np.asarray(found, np.float64)
    if len(rows) < 2:
        return float(len(rows))
    above = np.triu_indices(len(rows), 1)
    return float((rows @ rows.T)[above].mean())


def copy_paste(later: ArrayLike, reference: ArrayLike, turned: ArrayLike) -> float:
    """How surely one character was pasted: is each page's picture of them more like the reference,
    or more like its mirror image? A picture that is drawn anew is about as much like the one as
    like the other (0.5); a pasted one is the reference itself (1), a mirrored one the other (0).
    So the encoder must not know left from right better than it knows somebody: of the judge's
    vectors, which tell a patch on the left eye from one on the right, honest pages get 0.8.

    Args:
        later: (N, D), vectors of length 1 of the pages where they were found.
        reference: (D,), of the reference.
        turned: (D,), of its mirror image.

    Returns:
        The mean over pages of a softmax over the two cosines, at temperature 0.01.

    Raises:
        ValueError: no page.
    """
    rows = np.asarray(later, np.float64)
    if not len(rows):
        raise ValueError("there is no page on which they were found")
    ahead = rows @ (np.asarray(reference, np.float64) - np.asarray(turned, np.float64))  # (N,)
    return float((1 / (1 + np.exp(-ahead / TEMPERATURE))).mean())


def csd_self(styles: Sequence[ArrayLike]) -> float:
    """Style similarity within a story: the mean cosine of all pairs of pages' style vectors.

    Raises:
        ValueError: fewer than two pages.
    """
    rows = np.asarray(styles, np.float64)
    if len(rows) < 2:
        raise ValueError(f"styles are compared on two pages or more, got {len(rows)}")
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return cids_self(rows)
