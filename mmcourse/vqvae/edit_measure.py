"""What the judge reads in a picture after a character has moved into it by its codes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import torch
from torch import Tensor

from mmcourse.storyworld import Scene, render_bytes, sample_scene
from mmcourse.storyworld.judge.measure import observe
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.judge.reading import FIELDS
from mmcourse.vqvae.autoencoder import VQVAE
from mmcourse.vqvae.batches import decode_pictures, encode_pictures
from mmcourse.vqvae.edit import cells_showing, transplant

MOVED = ("species", "colour", "accessory", "mood")
"""What should come along with a character."""
STAYS = ("place", "time")
"""What should stay."""


def pairs(n: int) -> list[tuple[Scene, Scene]]:
    """n pairs of held-out scenes of one style, each with one character, in the same position."""

    waiting: dict[tuple[str, str], Scene] = {}

    def alike() -> Iterator[tuple[Scene, Scene]]:
        for scene in (sample_scene("test", i) for i in count()):
            if len(scene.characters) != 1:
                continue
            kind = scene.style, scene.characters[0].position
            if kind in waiting:
                yield waiting.pop(kind), scene
            else:
                waiting[kind] = scene

    return list(islice(alike(), n))


def move(model: VQVAE, into: list[Scene], of: list[Scene]) -> tuple[Tensor, Tensor]:
    """Each scene of `into` with the character of its partner, by codes; and the partners' own round
    trips. Both uint8 (N, 64, 64, 3)."""
    grids, others = (encode_pictures(model, render_bytes(scenes)) for scenes in (into, of))
    mixed = []
    for a, b, grid, other in zip(into, of, grids, others, strict=True):
        label = [f"character:{b.characters[0].position}"]
        where = [cells_showing(scene, label, factor=model.factor) for scene in (a, b)]
        mixed.append(transplant(grid, other, where[0] | where[1]))
    return decode_pictures(model, torch.stack(mixed)), decode_pictures(model, others)


def measure_moved(model: VQVAE, n: int = 100) -> dict[str, dict[str, float]]:
    """Share of what the judge reads as it should be after a move, by attribute.

    Of a character's attributes `round_trip` is the share in the picture that it came from, encoded
    and decoded: what can be hoped for. Of the scene's, `carried` is the share that reads as in that
    picture instead.

    Raises:
        ValueError: n below 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    into, of = (list(scenes) for scenes in zip(*pairs(n), strict=True))
    edited, trips = move(model, into, of)
    judge = Judge.from_pretrained("judge").eval()
    seen, before = (observe(judge, pictures)[0] for pictures in (edited, trips))

    def read(logits: dict[str, Tensor], i: int, field: str) -> str:
        return FIELDS[field][int(logits[field][i].argmax())]

    def share(right: list[bool]) -> float:
        return sum(right) / n

    found: dict[str, dict[str, float]] = {}
    for name in MOVED:
        asked = [(f"character:{s.characters[0].position}.{name}", s.characters[0]) for s in of]
        found[name] = {
            key: share(
                [read(x, i, f) == str(getattr(who, name)) for i, (f, who) in enumerate(asked)]
            )
            for key, x in (("moved", seen), ("round_trip", before))
        }
    for name in STAYS:
        found[name] = {
            key: share(
                [read(seen, i, f"scene.{name}") == getattr(s, name) for i, s in enumerate(those)]
            )
            for key, those in (("stays", into), ("carried", of))
        }
    return found
