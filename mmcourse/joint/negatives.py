"""Negatives that are none: captions that are true of another picture of their batch as well."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product

import torch
from torch import Tensor

from mmcourse.storyworld import Caption, Scene
from mmcourse.storyworld.facts import Fact, truths


def _named_by(attribute: str, facts: frozenset[Fact]) -> list[str]:
    """Whoever has a species, or whatever is of a kind."""
    return [who for who, what, _ in facts if what == attribute]


def is_true(said: frozenset[Fact], shown: frozenset[Fact]) -> bool:
    """Whether a text is true of a scene, whomever of the scene it may mean.

    "A fox" is true wherever there is a fox, on the left or on the right, in a hat or not.

    Args:
        said: what the text says, of those that it mentions (`Caption.said`).
        shown: all that may be said of the scene (`storyworld.facts.truths`).
    """
    people, things = _named_by("species", said), _named_by("kind", said)
    meant = product(
        permutations(_named_by("species", shown), len(people)),
        permutations(_named_by("kind", shown), len(things)),
    )
    for who, what in meant:
        name = dict(zip([*people, *things], [*who, *what], strict=True))
        if all((name.get(a, a), k, name.get(b, b)) in shown for a, k, b in said):
            return True
    return False


def true_of_siblings(captions: Sequence[Caption], scenes: Sequence[Scene], family: int) -> Tensor:
    """Which captions are true of which siblings of their own scene: (B, B) bool.

    Row i, column j is True where caption i is true of scene j too, j in the family of i but not i
    itself. Families are `family` consecutive scenes; between them nothing is looked for.
    """
    shown = [truths(scene) for scene in scenes]
    found = torch.zeros(len(scenes), len(scenes), dtype=torch.bool)
    for i, caption in enumerate(captions):
        first = i - i % family
        for j in range(first, first + family):
            found[i, j] = j != i and is_true(caption.said, shown[j])
    return found
