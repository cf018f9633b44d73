"""Core: the cosine of every text with every picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, calls, gives, raw, unchanged
from mmcourse.joint import similarity

STUB = '''
@exercise("ch01.normalise_similarity")
def cosine_similarity_matrix(text_emb, image_emb):
    """Cosine of the angle between every text and every picture.

    text_emb: (Bt, D), image_emb: (Bi, D), vectors of any length.
    Returns (Bt, Bi): entry [i, j] belongs to text i and picture j, in the dtype of the inputs.
    """
    raise NotImplementedError
'''


def by_hand(text_emb: Tensor, image_emb: Tensor) -> Tensor:
    """One entry at a time: the dot product over the product of the two lengths."""
    rows = [
        torch.stack(
            [(t * i).sum() / ((t * t).sum().sqrt() * (i * i).sum().sqrt()) for i in image_emb]
        )
        for t in text_emb
    ]
    return torch.stack(rows)


def _numbers(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


angles = gives(
    "vectors that point the same way have cosine 1, at a right angle 0",
    ((_numbers((3, 4)), _numbers((6, 8), (-4, 3))), torch.tensor([[1.0, 0.0]])),
)
longer_texts = unchanged(
    "making a text's vector longer or shorter changes nothing",
    lambda: (raw(2, 3, seed=3), raw(2, 3, seed=4)),
    lambda text, image: (text * _numbers((10,), (0.1,)), image),
    "It depends on how long the texts' vectors are.",
)
longer_pictures = unchanged(
    "nor does a picture's",
    lambda: (raw(2, 3, seed=3), raw(2, 3, seed=4)),
    lambda text, image: (text, image * _numbers((10,), (0.1,))),
    "It depends on how long the pictures' vectors are.",
)


def _cases() -> list[tuple[Any, ...]]:
    sizes = ((1, 1, 2), (1, 3, 3), (3, 1, 3), (2, 4, 3), (3, 3, 3))
    return [(raw(t, d, seed=t + 5), raw(i, d, seed=i + 15)) for t, i, d in sizes]


MISTAKES = """
dot products instead of cosines: text_emb @ image_emb.T
    A dot product grows with the length of the vectors, so a long vector is similar to everything.
    Bring each vector to length 1 first: divide it by its own norm.
normalises over the batch instead of over the vector:
        F.normalize(text_emb, dim=0) @ F.normalize(image_emb, dim=0).T
    The norm was taken along dimension 0, across the examples, so each example's result depends on
    its neighbours. A vector's length is taken along its last dimension.
rows and columns swapped: F.normalize(image_emb, dim=-1) @ F.normalize(text_emb, dim=-1).T
    Rows should be texts and columns pictures. The loss and recall@k rely on that order: `text @
    image.T`, not `image @ text.T`.
only the texts are normalised: F.normalize(text_emb, dim=-1) @ image_emb.T
    The pictures' lengths still count. A cosine divides by both lengths.
each text with its own picture only: F.cosine_similarity(text_emb, image_emb, dim=-1)
    `F.cosine_similarity` pairs row i with row i. Here every text meets every picture: a matrix
    product of normalised vectors, or unsqueeze one side so that rows broadcast.
divides by the squared length:
        text = text_emb / text_emb.square().sum(-1, keepdim=True)
        return text @ (image_emb / image_emb.square().sum(-1, keepdim=True)).T
    The length of a vector is the square root of the sum of its squares; the root is missing, so
    each vector ends at length 1 / length.
one norm for the whole batch: (text_emb / text_emb.norm()) @ (image_emb / image_emb.norm()).T
    `x.norm()` without `dim` is one number for all vectors together. Each vector needs its own:
    `x.norm(dim=-1, keepdim=True)`.
normalises in place:
        text_emb /= text_emb.norm(dim=-1, keepdim=True)
        image_emb /= image_emb.norm(dim=-1, keepdim=True)
        return text_emb @ image_emb.T
    The values are right, but `/=` wrote into the caller's tensors. Whoever passed them in now has
    other vectors than before. Make new ones: `x = x / x.norm(...)`.
"""

EXERCISE = Task(
    title="Cosine similarity",
    level="core",
    difficulty=1,
    minutes=5,
    stub=STUB,
    reference=similarity.cosine_similarity_matrix,
    formula=by_hand,
    cases=_cases,
    probe=calls(lambda: _cases()[-2:]),
    mistakes=MISTAKES,
    hints=(
        "The cosine of two vectors is their dot product, once both have length 1.",
        "Divide each row by its own length (`dim=-1, keepdim=True`, or `F.normalize`); then all "
        "dot products at once are one matrix product.",
        "`F.normalize(text_emb, dim=-1)` is (Bt, D). Which of the two sides has to be transposed "
        "to give (Bt, Bi)?",
    ),
)
