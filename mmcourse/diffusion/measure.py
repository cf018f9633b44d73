"""Everything that the cards of `unet` and `text-unet` state, on scenes that no step has seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mmcourse.diffusion.adherence import Asked, Share, adherence, asked, relative, unseen_pairs
from mmcourse.diffusion.data import encoded
from mmcourse.diffusion.draw import GUIDED, companions
from mmcourse.diffusion.generate import Latents, Pixels, Way, draw_freely, draw_texts
from mmcourse.diffusion.text import TextReader
from mmcourse.diffusion.text_unet import TextUNet
from mmcourse.diffusion.unet import PixelUNet
from mmcourse.pictures import to_bytes
from mmcourse.storyworld import from_bytes, render_bytes, sample_scene
from mmcourse.storyworld.judge.measure import Measurement
from mmcourse.storyworld.judge.measure_adherence import asked_scenes
from mmcourse.storyworld.judge.network import Judge
from mmcourse.storyworld.world.facts import Fact
from mmcourse.vqgan.measure import judged_distance

SIZE = 128
CAPTIONS = 2000
"""Adherence is measured on so many captions; a half of it on fewer, as its `n` says."""
BEYOND = 10**6
"""Scenes of the training split from here on are in no recipe."""
CROWDS = 20
"""Crowds of n true pictures in which the nearest is sought."""
FREELY = Way(steps=50, guidance=1.0, sampler="dpm-solver++")
"""How the pictures without words are drawn."""


def read_facts(judge: Judge, pictures: Tensor) -> list[frozenset[Fact]]:
    """What the judge reads in uint8 pictures (N, H, W, 3)."""
    return [r.facts for part in from_bytes(pictures).split(64) for r in judge.read(part)]


def gaussian_pictures(pictures: Tensor, n: int, seed: int = 0) -> Tensor:
    """The strongest cheap baseline: pictures of the normal distribution that has the mean and
    covariance of these. uint8 (N, H, W, 3) to uint8 (n, H, W, 3).

    Raises:
        ValueError: fewer than two pictures, which have no covariance.
    """
    if len(pictures) < 2:
        raise ValueError(f"two pictures have a covariance, got {len(pictures)}: give more")
    rows = from_bytes(pictures)
    mean = rows.mean(0)
    weight = torch.randn(n, len(rows), generator=torch.Generator().manual_seed(seed))
    drawn = mean + (weight @ (rows - mean).flatten(1) / (len(rows) - 1) ** 0.5).view(n, *mean.shape)
    return to_bytes(drawn).movedim(1, -1)


def nearest(drawn: Tensor, crowds: Iterable[Tensor]) -> Tensor:
    """How far each drawn picture is from the nearest one of some crowds, in pixels, (N,). All uint8
    (N, H, W, 3).

    Raises:
        ValueError: a crowd of none, or none that is drawn.
    """
    rows, found = drawn.float().flatten(1), []
    for crowd in crowds:
        if not (len(drawn) and len(crowd)):
            raise ValueError(
                f"one drawn picture and one of a crowd at least, got {len(drawn)} and {len(crowd)}"
            )
        found.append(torch.cdist(rows, crowd.float().flatten(1)).amin(1))
    return torch.stack(found).amin(0)


def measure_unet(model: PixelUNet, n: int | None = None) -> dict[str, Measurement]:
    """Pictures without words beside true ones, in the judge's features.

    `frechet` is of drawn pictures, `frechet_gaussian` of `gaussian_pictures`; the chance of both is
    what two crowds of true pictures are apart. `readable` is the share of drawn pictures that the
    judge finds ordinary, its chance that of the Gaussian ones. `nearest` tells of copies:
    the share of drawn pictures that lie nearer to one of the first `CROWDS` n training pictures,
    which are all of the `full` tier's, than to any of as many held-out ones. Its chance is what it
    is for scenes of the training's split that no recipe reaches.

    Raises:
        ValueError: n below 2.
    """
    n = 1000 if n is None else n
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    size = model.shape[-1]

    def crowd(split: str, first: int = 0) -> Tensor:
        return render_bytes([sample_scene(split, first + i) for i in range(n)], size)

    judge = Judge.from_pretrained("judge").eval()
    true, others, trained = crowd("test"), crowd("val"), crowd("train")
    drawn = draw_freely(model, Pixels(), n, FREELY)
    plain = gaussian_pictures(trained, n)
    floor = judged_distance(judge, others, true)

    def away(split: str, first: int = 0) -> Tensor:
        return nearest(drawn, (crowd(split, first + n * k) for k in range(CROWDS)))

    held_out = away("val")

    def readable(pictures: Tensor) -> float:
        seen = [r.readable for part in from_bytes(pictures).split(64) for r in judge.read(part)]
        return sum(seen) / len(seen)

    values = {
        "frechet": (judged_distance(judge, drawn, true), floor),
        "frechet_gaussian": (judged_distance(judge, plain, true), floor),
        "readable": (readable(drawn), readable(plain)),
        "readable_true": (readable(true), readable(plain)),
        "nearest": tuple(
            float((away("train", first) < held_out).float().mean()) for first in (0, BEYOND)
        ),
    }
    return {name: {"value": v, "n": n, "chance": c} for name, (v, c) in values.items()}


def measure_text_unet(model: TextUNet, n: int | None = None) -> dict[str, Measurement]:
    """How much of `n` complete captions (None: 2,000) the judge reads in pictures drawn from them.

    `drawn_...` are the shares of `adherence` with `GUIDED`; `oracle_...` those of the true
    pictures, `round_trip_...` those of the true pictures through the autoencoder, the ceiling;
    `relative_...` are drawn by ceiling. The chance is what is read in pictures of other captions.
    `unguided_...` and `steps_200_...` draw a part of the captions otherwise. `pairs` is of pairs
    that training never showed. `frechet` is in the judge's features, its chance that of the round
    trip.

    Raises:
        ValueError: n below 2, or latents of another autoencoder.
    """
    n = CAPTIONS if n is None else n
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    device = next(model.parameters()).device
    latents, reader = companions(model, device)
    judge = Judge.from_pretrained("judge", device=str(device)).eval()
    return text_metrics(model, latents, reader, judge, n)


def through(latents: Latents, pictures: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """uint8 pictures (N, H, W, 3) as the autoencoder gives them back: the ceiling."""
    z = encoded(latents, pictures, device)
    parts = [to_bytes(latents.decode(part.to(device))).cpu() for part in z.split(32)]
    return torch.cat(parts).movedim(1, -1)


def text_metrics(
    model: Any,
    latents: Latents,
    reader: TextReader,
    judge: Judge,
    n: int,
    size: int = SIZE,
    way: Way | None = None,
    many: int | None = 200,
) -> dict[str, Measurement]:
    """`measure_text_unet`, of these parts: a model that reads, drawn from in its own way, and in
    `many` steps if that is not None."""
    usual = way or GUIDED
    part = slice(None, None, max(1, min(5, n // 2)))  # a fifth of each number of characters
    wanted = asked(asked_scenes(n))
    strange = asked(asked_scenes(max(2, n // 4), "compositional"))
    true = render_bytes([one.scene for one in wanted], size)
    device = next(model.parameters()).device

    def draw(asks: Sequence[Asked], way: Way = usual, seeds: Sequence[int] | None = None) -> Tensor:
        return draw_texts(model, latents, reader, [a.text for a in asks], way, seeds)

    drawn, back = draw(wanted), through(latents, true, device)
    shares = {
        "drawn": adherence(wanted, read_facts(judge, drawn)),
        "oracle": adherence(wanted, read_facts(judge, true)),
        "round_trip": adherence(wanted, read_facts(judge, back)),
    }
    shares["relative"] = relative(shares["drawn"], shares["round_trip"])
    few, seeds = wanted[part], range(n)[part]
    others = {f"steps_{usual.steps}": usual}
    if many is not None:
        others[f"steps_{many}"] = replace(usual, steps=many)
    if usual.guidance != 1:
        others["unguided"] = replace(usual, guidance=1.0)
    for name, other in others.items():
        seen = drawn[part] if other == usual else draw(few, other, seeds)
        found = adherence(few, read_facts(judge, seen))
        shares[name] = {k: found[k] for k in ("attributes", "scene")}
    blind = adherence(wanted, read_facts(judge, true.roll(1, 0)))
    out = {
        f"{kind}_{name}": measurement(share, blind.get(name))
        for kind, named in shares.items()
        for name, share in named.items()
    }
    unseen = render_bytes([one.scene for one in strange], size)
    chance = unseen_pairs(strange, read_facts(judge, unseen.roll(1, 0)))
    for name, pictures in (
        ("drawn", draw(strange)),
        ("oracle", unseen),
        ("round_trip", through(latents, unseen, device)),
    ):
        share = unseen_pairs(strange, read_facts(judge, pictures))
        out[f"{name}_pairs"] = measurement(share, chance)
    distance = judged_distance(judge, drawn, true), judged_distance(judge, back, true)
    out["frechet"] = {"value": distance[0], "n": n, "chance": distance[1]}
    return out


def measurement(share: Share, chance: Share | None) -> Measurement:
    """A share as a card states it."""
    return {"value": share[0], "n": share[1], "chance": None if chance is None else chance[0]}
