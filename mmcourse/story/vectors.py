"""Vectors of pictures, kept beside them: they can be made again, so keeping them is no step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from mmcourse.story.library import Library


def embedding(library: Library, hash: str, encoder: str) -> np.ndarray | None:
    """A picture's vector by an encoder, float32 (D,), if it was kept."""
    rows = library.database.rows(
        "SELECT vector FROM embeddings WHERE hash = ? AND encoder = ?", hash, encoder
    )
    return np.frombuffer(rows[0][0], np.float32).copy() if rows else None


def keep_embeddings(library: Library, encoder: str, vectors: Mapping[str, np.ndarray]) -> None:
    """Keep vectors of pictures by their hashes.

    Raises:
        ValueError: a vector that is not finite.
    """
    rows = []
    for name, vector in vectors.items():
        if not np.isfinite(vector).all():
            raise ValueError(f"the vector of picture {name[:12]} holds NaN or infinity")
        rows.append((name, encoder, np.asarray(vector, np.float32).tobytes()))
    with library.database.transaction() as db:
        db.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", rows)


def nearest_on_path(
    query: ArrayLike, vectors: ArrayLike, scenes: Sequence[int], path: Sequence[int], k: int
) -> list[tuple[int, float]]:
    """The memories along a path that are most like a query.

    Args:
        query: D numbers.
        vectors: N rows of D numbers, one a memory, of any length.
        scenes: N ids, the scene of each.
        path: the ids of the scenes that the reader has been through.
        k: how many at most.

    Returns:
        (row, cosine of the angle to the query), the likest first, of equal ones the earlier row;
        fewer than k where the path holds fewer. A vector of zeros has the cosine 0 to everything.

    Raises:
        ValueError: not a scene for each row, rows of another width than the query, or NaN.
    """
    if len(scenes) != len(np.asarray(vectors)):
        raise ValueError(f"a scene for each row, got {len(scenes)} for {len(np.asarray(vectors))}")
    here = [i for i, scene in enumerate(scenes) if scene in set(path)]
    if not here or k < 1:
        return []
    asked, rows = np.asarray(query, np.float64), np.asarray(vectors, np.float64)[here]  # (M, D)
    if rows.ndim != 2 or rows.shape[1:] != asked.shape or np.isnan(asked).any():
        raise ValueError(
            f"a query of D numbers and rows of D numbers, none of them NaN: got {asked.shape} and "
            f"{rows.shape}"
        )
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(asked)
    cosine = np.divide(rows @ asked, lengths, out=np.zeros(len(here)), where=lengths > 0)
    best = np.argsort(-cosine.round(12), kind="stable")[:k]
    return [(here[i], float(cosine[i])) for i in best]
