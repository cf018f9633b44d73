"""Vectors of pictures, kept beside them: they can be made again, so keeping them is no step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

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
