"""The judge: a small network that reads a picture back into the facts that it shows.

It scores the models of every chapter and is itself scored first: its confusion matrices are in its
card. It is never a loss and never a feature network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from mmcourse.hub import Pretrained
from mmcourse.nn.conv import ResidualBlock
from mmcourse.storyworld.dataset import to_pixels
from mmcourse.storyworld.judge.reading import (
    CHARACTER_FIELDS,
    FIELDS,
    NOBODY,
    SCENE_FIELDS,
    THING_FIELDS,
    Reading,
    arises,
    stated,
)
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.identity import TRAITS

SLOTS = 2 * len(v.POSITIONS) + 1
SIDE = 128
"""Pictures are enlarged or reduced to this side before they are read."""


COLUMNS = {"people": (0.27, 0.50, 0.73), "things": (0.085, 0.50, 0.915), "scene": (0.0,)}
FIRST_GLANCES: dict[str, tuple[tuple[float, float], ...]] = {
    "people": ((0, 0.58), (0.20, 0.60), (-0.20, 0.60), (0, 0.72), (0, 0.87), (0, 0.42)),
    "things": ((0, 0.90), (0, 0.48), (0, 0.25), (0.16, 0.72), (-0.16, 0.72), (0, 0.70)),
    "scene": ((0.385, 0.52), (0.615, 0.52), (0.50, 0.45), (0.50, 0.95), (0.50, 0.15), (0.50, 0.80)),
}
"""Where the glances of a slot start to look, in parts of the picture: at eyes, hands, mouth, feet
and hat; beside, above and between the characters; where signs are. For people and things x is
relative to their column. From a uniform gaze it takes thousands of steps to find a raised hand."""
SPREAD, FLOOR = 0.11, -4.0
"""Width of a first glance, and how much less likely than its middle all the rest is, in nats."""


class Sight(NamedTuple):
    """What the judge makes of a batch of pictures.

    logits: of each field, (B, values).
    identities: (B, 3, D) normalised, for each position.
    traits: (B, 3, 8), what shows of an identity, see `identity.visible`.
    summary: (B, C), which tells how unusual a picture is.
    """

    logits: dict[str, Tensor]
    identities: Tensor
    traits: Tensor
    summary: Tensor


def first_gaze(glances: int, slots: Sequence[str] = ("people", "things", "scene")) -> Tensor:
    """(slots glances, cells): the attention that a judge starts from, as logits."""
    centres = torch.tensor(
        [
            (x + dx, y)
            for k in slots
            for x in COLUMNS[k]
            for dx, y in _cycled(FIRST_GLANCES[k], glances)
        ]
    )
    side = SIDE // 8
    grid = (torch.arange(side) + 0.5) / side
    across = (grid[None] - centres[:, :1]).square()  # (S G, side)
    down = (grid[None] - centres[:, 1:]).square()
    distance = (down[:, :, None] + across[:, None]).flatten(1)  # (S G, cells)
    return (-distance / (2 * SPREAD**2)).clamp(min=FLOOR)


def _cycled(places: Sequence[tuple[float, float]], n: int) -> list[tuple[float, float]]:
    return [places[i % len(places)] for i in range(n)]


def strangeness(distance: Tensor, sureness: Tensor | float) -> Tensor:
    """How strange pictures are, in one number: far from the usual ones, and read hesitantly.

    Logarithms, so that either is measured by factors. Among the weights tried, 0.05 told pictures
    of `val` from the same ones scrambled best; either of the two alone misses more.

    Args:
        distance: see `Judge.unusual`.
        sureness: mean confidence over the questions that arise.
    """
    doubt = 1 - torch.as_tensor(sureness, dtype=distance.dtype) + 1e-4
    return distance.log() + 0.05 * doubt.log()


class Judge(Pretrained):
    """Convolutions, then a few glances per position: each slot (three characters, three things, the
    scene) attends to the places on the map that it has learnt to look at. Who a character is, is
    looked for with glances of its own: markings lie elsewhere than moods.

    Args:
        channels: of the four stages, which halve the picture thrice.
        glances: attention maps of each slot.
        identity: length of an identity vector.
    """

    temperature: Tensor
    centre: Tensor
    whitening: Tensor
    strangest: Tensor

    def __init__(
        self, channels: Sequence[int] = (24, 40, 64, 72), glances: int = 6, identity: int = 32
    ) -> None:
        super().__init__()
        a, b, c, d = channels
        self.glances = glances
        self.body = nn.Sequential(
            nn.Conv2d(3, a, 5, stride=2, padding=2),
            nn.SiLU(),
            nn.Conv2d(a, b, 3, stride=2, padding=1),
            ResidualBlock(b),
            nn.Conv2d(b, c, 3, stride=2, padding=1),
            ResidualBlock(c),
            ResidualBlock(c),
            nn.Conv2d(c, d, 3, padding=1),
            ResidualBlock(d),
            nn.GroupNorm(8, d),
            nn.SiLU(),
        )
        self.look = nn.Conv2d(d, SLOTS * glances, 1)
        self.where = nn.Parameter(first_gaze(glances))
        wide = d * glances
        self.character = nn.Sequential(nn.Linear(wide, 104), nn.SiLU(), nn.LayerNorm(104))
        self.thing = nn.Sequential(nn.Linear(wide, 64), nn.SiLU(), nn.LayerNorm(64))
        self.scene = nn.Sequential(nn.Linear(wide, 64), nn.SiLU(), nn.LayerNorm(64))
        self.heads = nn.ModuleDict(
            {f"character_{k}": nn.Linear(104, len(x)) for k, x in CHARACTER_FIELDS.items()}
            | {f"thing_{k}": nn.Linear(64, len(x)) for k, x in THING_FIELDS.items()}
            | {f"scene_{k}": nn.Linear(64, len(x)) for k, x in SCENE_FIELDS.items()}
        )
        self.look_closer = nn.Conv2d(d, len(v.POSITIONS) * glances, 1)
        self.where_closer = nn.Parameter(first_gaze(glances, ("people",)))
        self.individual = nn.Sequential(nn.Linear(wide, 80), nn.SiLU(), nn.LayerNorm(80))
        self.identity = nn.Linear(80, identity)
        self.traits = nn.Linear(80, len(TRAITS))
        self.identity_scale = nn.Parameter(torch.tensor(2.3))
        self.register_buffer("temperature", torch.ones(len(FIELDS)))
        self.register_buffer("centre", torch.zeros(d))
        self.register_buffer("whitening", torch.zeros(d * (d + 1) // 2))
        self.register_buffer("strangest", torch.tensor(float("inf")))

    def forward(self, pixels: Tensor) -> Sight:
        """Read pictures: float32 (B, 3, H, W) in [-1, 1], square."""
        if pixels.shape[-1] != SIDE:
            pixels = F.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
        found = self.body(pixels)  # (B, C, 16, 16)
        slots = self._glance(found, self.look(found), self.where)  # (B, 7, G C)
        logits: dict[str, Tensor] = {}
        people = self.character(slots[:, :3])  # (B, 3, 104)
        objects = self.thing(slots[:, 3:6])  # (B, 3, 64)
        whole = self.scene(slots[:, 6])  # (B, 64)
        for i, p in enumerate(v.POSITIONS):
            for k in CHARACTER_FIELDS:
                logits[f"character:{p}.{k}"] = self.heads[f"character_{k}"](people[:, i])
        for i, p in enumerate(v.POSITIONS):
            for k in THING_FIELDS:
                logits[f"thing:{p}.{k}"] = self.heads[f"thing_{k}"](objects[:, i])
        for k in SCENE_FIELDS:
            logits[f"scene.{k}"] = self.heads[f"scene_{k}"](whole)
        closer = self._glance(found, self.look_closer(found), self.where_closer)  # (B, 3, G C)
        individual = self.individual(closer)  # (B, 3, 80)
        identities = F.normalize(self.identity(individual), dim=-1)  # (B, 3, D)
        return Sight(logits, identities, self.traits(individual), found.mean((2, 3)))

    def _glance(self, found: Tensor, look: Tensor, where: Tensor) -> Tensor:
        """(B, C, 16, 16) features to (B, slots, G C), what each slot's glances meet."""
        attention = (look.flatten(2) + where).softmax(-1)  # (B, slots G, 256)
        glances = attention @ found.flatten(2).transpose(1, 2)  # (B, slots G, C)
        return glances.unflatten(1, (-1, self.glances)).flatten(2)

    def unusual(self, summary: Tensor) -> Tensor:
        """(B, C) to (B,): squared Mahalanobis distance from the training pictures."""
        d = len(self.centre)
        lower = self.whitening.new_zeros(d, d)
        lower[tuple(torch.tril_indices(d, d))] = self.whitening
        return ((summary - self.centre) @ lower).square().sum(-1)

    def take_as_usual(self, centre: Tensor, covariance: Tensor) -> None:
        """Measure distances from a centre (C,) in units of a covariance (C, C) from now on.

        The triangular root of the inverse is kept: half of the numbers.
        """
        root = torch.linalg.cholesky(torch.linalg.inv(covariance))
        self.centre.copy_(centre)
        self.whitening.copy_(root[tuple(torch.tril_indices(*root.shape))])

    @torch.no_grad()
    def read(self, pixels: Tensor) -> list[Reading]:
        """(B, 3, H, W) in [-1, 1] to what each picture shows.

        Raises:
            ValueError: another shape, or pixels that are not finite.
        """
        if pixels.ndim != 4 or pixels.shape[1] != 3 or pixels.shape[2] != pixels.shape[3]:
            raise ValueError(f"pixels must be (B, 3, S, S) in [-1, 1], got {tuple(pixels.shape)}")
        if not pixels.isfinite().all():
            raise ValueError("pixels must be finite, got NaN or infinity; look at what drew them")
        logits, identities, _, summary = self(pixels.to(self.temperature.device))
        sure = [
            (row / t).softmax(-1).max(-1)
            for row, t in zip(logits.values(), self.temperature, strict=True)
        ]
        distance, strangest = self.unusual(summary).cpu(), float(self.strangest)
        out = []
        for b in range(len(pixels)):
            said = {f: x[int(s.indices[b])] for (f, x), s in zip(FIELDS.items(), sure, strict=True)}
            asked = [f for f in FIELDS if arises(f, said)]
            every = dict(zip(FIELDS, (float(s.values[b]) for s in sure), strict=True))
            confidence = {f: every[f] for f in asked}
            mean = sum(confidence.values()) / len(confidence)
            readable = float(strangeness(distance[b], mean)) <= strangest
            people = {
                p: identities[b, i].cpu()
                for i, p in enumerate(v.POSITIONS)
                if said[f"character:{p}.species"] != NOBODY
            }
            out.append(Reading(stated(said), confidence, people, readable))
        return out

    def read_pictures(self, pictures: Sequence[Image.Image], batch: int = 64) -> list[Reading]:
        """RGB pictures of one size to readings."""
        out: list[Reading] = []
        for i in range(0, len(pictures), batch):
            out += self.read(to_pixels(pictures[i : i + batch]))
        return out
