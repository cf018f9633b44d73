"""Negatives that are none: captions that are true of another picture of their batch as well."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product

import torch
from torch import Tensor

from mmcourse.storyworld import Caption, Scene
from mmcourse.storyworld.world.facts import Fact, truths


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


def true_of(captions: Sequence[Caption], scenes: Sequence[Scene]) -> Tensor:
    """Which captions are true of which scenes: (captions, scenes) bool.

    Whatever a caption tells of somebody has to be true of one animal of the scene. That sorts out
    nearly all pairs, for all at once; only captions of several need to be looked at singly.
    """
    shown = [truths(scene) for scene in scenes]
    told, there = [c.said for c in captions], [_by_name(facts) for facts in shown]
    asked = [_by_name(facts) for facts in told]
    columns = {pair: k for k, pair in enumerate({p for a in asked for one in a for p in one})}
    needs, whose = _table(asked, columns)  # (R, F), (R,): what each caption asks of each
    has, where = _table(there, columns)  # (E, F), (E,): what each of the scenes is
    met = (needs @ (1 - has).T == 0).int()  # (R, E)
    somewhere = met.new_zeros(len(met), len(scenes)).index_add_(1, where, met) > 0  # (R, scenes)
    unmet = met.new_zeros(len(captions), len(scenes)).index_add_(0, whose, (~somewhere).int())
    found = unmet == 0
    several = torch.tensor([len({who for who, _, _ in said} - {"scene"}) > 1 for said in told])
    for i, j in (found & several[:, None]).nonzero().tolist():
        found[i, j] = is_true(told[i], shown[j])
    return found


def _by_name(facts: frozenset[Fact]) -> list[set[tuple[str, str]]]:
    """What is told of each, relations left out."""
    found: dict[str, set[tuple[str, str]]] = {who: set() for who, _, _ in facts}
    for who, attribute, value in facts:
        if value not in found:
            found[who].add((attribute, value))
    return list(found.values())


def _table(
    texts: Sequence[Sequence[set[tuple[str, str]]]], columns: dict[tuple[str, str], int]
) -> tuple[Tensor, Tensor]:
    """A row of zeros and ones for each who is told of, and the number of the text that tells."""
    rows = [(i, one) for i, those in enumerate(texts) for one in those]
    table = torch.zeros(len(rows), len(columns))
    at = [(r, columns[pair]) for r, (_, one) in enumerate(rows) for pair in one if pair in columns]
    if at:
        table[tuple(torch.tensor(at).T)] = 1.0
    return table, torch.tensor([i for i, _ in rows], dtype=torch.long)
