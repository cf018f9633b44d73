"""Adherence: how much of what complete captions say does the judge read in pictures of them?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import count

import torch
from torch import Tensor

from mmcourse.storyworld.judge.measure import ATTRIBUTES, Measurement, observe
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.reading import FIELDS, targets
from mmcourse.storyworld.world.sampling import sample_scene
from mmcourse.storyworld.world.scene import Scene

SHARES = {1: 0.5, 2: 0.35, 3: 0.15}
"""Of the scenes, by how many characters they have."""
SCENES = 2000


@cache
def asked_scenes(n: int = SCENES, split: str = "test") -> tuple[Scene, ...]:
    """The first n held-out scenes that make up `SHARES`, in the order of their numbers of
    characters.

    Raises:
        ValueError: fewer than 2, where no other scene is left for chance.
    """
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    three, two = round(n * SHARES[3]), round(n * SHARES[2])
    wanted = {1: n - two - three, 2: two, 3: three}
    found: dict[int, list[Scene]] = {k: [] for k in wanted}
    for i in count():
        scene = sample_scene(split, i)
        kind = found[len(scene.characters)]
        if len(kind) < wanted[len(scene.characters)]:
            kind.append(scene)
        if all(len(found[k]) == wanted[k] for k in wanted):
            return tuple(scene for k in sorted(found) for scene in found[k])
    raise AssertionError("unreachable")


def measure_adherence(
    judge: Judge, scenes: Sequence[Scene], pictures: Tensor
) -> dict[str, Measurement]:
    """Shares of what the judge reads as the scenes have it, in uint8 pictures (N, S, S, 3).

    Of each attribute, over all that a complete caption mentions: an empty place is not mentioned,
    so nobody gains by drawing nothing. `attributes` is the share over all attributes together.
    `whole_of_k` is the share of scenes with k characters of which every answer is right, the empty
    places included. `number` is the share of pictures with as many characters as asked.

    Raises:
        ValueError: another number of pictures than of scenes.
    """
    if len(scenes) != len(pictures):
        raise ValueError(f"one picture for each scene, got {len(pictures)} for {len(scenes)}")
    logits, order = observe(judge, pictures)[0], list(FIELDS)
    said = torch.stack([logits[f].argmax(-1) for f in order], 1)  # (N, fields)
    truth = torch.tensor([targets(s) for s in scenes])
    right = said == truth
    asked = truth >= 0
    mentioned = asked.clone()
    who = [i for i, f in enumerate(order) if f.endswith((".species", ".kind"))]
    mentioned[:, who] &= truth[:, who] > 0  # 0 is nobody, and nothing
    found: dict[str, Measurement] = {}

    def note(name: str, hits: Tensor) -> None:
        if hits.numel():
            value = float(hits.double().mean())
            found[name] = {"value": value, "n": hits.numel(), "chance": None}

    columns = {name: [order.index(f) for f in fields] for name, fields in ATTRIBUTES.items()}
    told = sorted({i for some in columns.values() for i in some})
    note("attributes", right[:, told][mentioned[:, told]])
    for name, some in columns.items():
        note(name, right[:, some][mentioned[:, some]])
    people = [i for i in who if order[i].startswith("character")]
    note("number", (said[:, people] > 0).sum(1) == (truth[:, people] > 0).sum(1))
    whole = (right | ~asked).all(1)
    number = torch.tensor([len(s.characters) for s in scenes])
    for k in SHARES:
        note(f"whole_of_{k}", whole[number == k])
    return found
