"""Everything that the card of `prior` states, on scenes that no training step has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mmcourse.joint.pairs import draw
from mmcourse.pictures import to_bytes
from mmcourse.storyworld import Scene, Tokenizer, caption, from_bytes, render_bytes
from mmcourse.storyworld.judge.measure import Measurement
from mmcourse.storyworld.judge.measure_adherence import asked_scenes, measure_adherence
from mmcourse.storyworld.judge.network import Judge
from mmcourse.training import evaluating
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqgan.inpaint import inpaint
from mmcourse.vqgan.masked import sample_masked
from mmcourse.vqgan.measure import judged_distance
from mmcourse.vqgan.prior import ResidualPrior
from mmcourse.vqgan.sample import FREELY, TOLD, no_text, sample_raster
from mmcourse.vqgan.style import other_style, restyle
from mmcourse.vqvae.batches import decode_pictures, encode_pictures

BATCH = 50
Found = dict[str, Measurement]


def in_batches(n: int, draw: Callable[[slice, torch.Generator], Tensor]) -> Tensor:
    """What `draw` draws of n pictures, a batch at a time, each with a generator of its own."""
    parts = []
    for start in range(0, n, BATCH):
        dice = torch.Generator().manual_seed(start)
        parts.append(draw(slice(start, min(n, start + BATCH)), dice))
    return torch.cat(parts)


def nearest_distances(pictures: Tensor, others: Tensor, side: int = 16) -> Tensor:
    """How far each picture is from the nearest of others: root mean square over pixels in [-1, 1],
    both uint8 (N, S, S, 3) averaged down to `side`. 0 is a copy.

    Raises:
        ValueError: no others.
    """
    if not len(others):
        raise ValueError("no others to be near to: give one picture or more")

    def small(x: Tensor) -> Tensor:
        part = torch.nn.functional.adaptive_avg_pool2d(from_bytes(x), side)
        return part.flatten(1)

    near = small(others)
    rows = [torch.cdist(small(p), near).amin(1) for p in pictures.split(256)]
    return torch.cat(rows) / near.shape[1] ** 0.5


def bits_of(prior: ResidualPrior, ids: Tensor, codes: Tensor) -> float:
    """Mean bits a picture in raster order, its text (N, T) being known.

    Raises:
        ValueError: no pictures.
    """
    if not len(codes):
        raise ValueError("no pictures, so no mean of bits: give the codes of one or more")
    total = 0.0
    with evaluating(prior):
        device = prior.vectors.device
        for some, grid in zip(ids.split(BATCH), codes.split(BATCH), strict=True):
            total += float(prior.loss(some.to(device), grid.to(device))) * len(grid)
    return total / len(codes) * codes[0].numel() / float(torch.log(torch.tensor(2.0)))


def measure_styles(prior: ResidualPrior, model: VQGAN, judge: Judge, n: int) -> Found:
    """Of n held-out pictures drawn anew in another style: `style_read` how often that style is
    read, `style_content` the share of all else that is mentioned, and of both what the true drawing
    in that style gives after the autoencoder (`style_..._ceiling`). The chance of content is what
    pictures of other scenes give."""
    scenes = asked_scenes(2 * n)[::2]
    wanted = [other_style(s, i) for i, s in enumerate(scenes)]
    codes = encode_pictures(model, render_bytes(scenes))
    drawn = torch.zeros_like(codes)
    for style in sorted({s.style for s in wanted}):
        at = [i for i, s in enumerate(wanted) if s.style == style]
        drawn[at] = restyle(
            prior, codes[at], style, generator=torch.Generator().manual_seed(0)
        ).cpu()
    true = decode_pictures(model, encode_pictures(model, render_bytes(wanted)))
    pictures = decode_pictures(model, drawn)
    found: Found = {}
    for name, shown in (("", pictures), ("_ceiling", true), ("_chance", pictures.roll(1, 0))):
        seen = measure_adherence(judge, wanted, shown)
        read, everything = seen["style"], seen["attributes"]
        others = everything["n"] - read["n"]  # type: ignore[operator]
        content = (everything["value"] * everything["n"] - read["value"] * read["n"]) / others  # type: ignore[operator]
        found[f"style_read{name}"] = {"value": float(read["value"]), "n": n, "chance": None}  # type: ignore[arg-type]
        found[f"style_content{name}"] = {"value": content, "n": others, "chance": None}
    found["style_content"]["chance"] = found.pop("style_content_chance")["value"]
    del found["style_read_chance"]
    return found


def measure_filled(
    prior: ResidualPrior, model: VQGAN, judge: Judge, scenes: Sequence[Scene], ids: Tensor
) -> Found:
    """The right half of held-out pictures drawn anew by their captions: what the judge reads of
    the whole."""
    pictures = from_bytes(render_bytes(scenes))
    hole = torch.zeros(pictures.shape[2:], dtype=torch.bool)
    hole[:, hole.shape[1] // 2 :] = True

    def fill(part: slice, dice: torch.Generator) -> Tensor:
        given = pictures[part].to(prior.vectors.device)
        return inpaint((prior, model), given, hole, ids[part], TOLD, generator=dice).cpu()

    filled = to_bytes(in_batches(len(scenes), fill)).movedim(1, -1)
    seen = measure_adherence(judge, scenes, filled)["attributes"]
    return {"filled_attributes": seen}


def measure_picture_prior(prior: ResidualPrior, n: int | None = None) -> Found:
    """What is measured of the prior on `n` fixed held-out captions (None: 1,000).

    `oracle_...` is what the judge reads in true drawings, `trip_...` in their reconstructions, the
    ceiling; `drawn_...` in pictures drawn in raster order, `masked_...` in those of the masked
    sampler, both drawn as `TOLD`; `unguided_attributes` in raster order as `FREELY`. `relative_...`
    is the drawn share by the reconstructions'. `frechet` is the distance of pictures of no text
    from true ones in the judge's features, with that of reconstructions in `frechet_trip`. `copies`
    is the share of those pictures that lie as near to a training picture as the nearest one in a
    hundred held-out pictures, of which chance is one in a hundred; `bits_caption` and `bits_empty`
    are what a picture takes.

    Raises:
        ValueError: n below 2.
    """
    n = 1000 if n is None else n
    scenes = asked_scenes(n)
    device = str(prior.vectors.device)
    model = VQGAN.from_pretrained("vqgan-64", device=device).eval()
    judge = Judge.from_pretrained("judge", device=device).eval()
    pictures = render_bytes(scenes)
    codes = encode_pictures(model, pictures)
    ids, _ = Tokenizer().encode([caption(s) for s in scenes])
    trips = decode_pictures(model, codes)
    found: Found = {}
    read = {
        "oracle": measure_adherence(judge, scenes, pictures),
        "trip": measure_adherence(judge, scenes, trips),
    }
    for name, drawing in (
        ("drawn", lambda p, dice: sample_raster(prior, ids[p], TOLD, generator=dice).cpu()),
        ("masked", lambda p, dice: sample_masked(prior, ids[p], TOLD, generator=dice).cpu()),
        ("unguided", lambda p, dice: sample_raster(prior, ids[p], FREELY, generator=dice).cpu()),
    ):
        read[name] = measure_adherence(
            judge, scenes, decode_pictures(model, in_batches(n, drawing))
        )
    other = measure_adherence(judge, scenes, pictures.roll(1, 0))
    for name, shares in read.items():
        for attribute, m in shares.items():
            if name != "unguided" or attribute == "attributes":
                chance = other[attribute]["value"]
                found[f"{name}_{attribute}"] = {**m, "chance": chance}
    for attribute, m in read["drawn"].items():
        ceiling = read["trip"][attribute]["value"]
        if ceiling:
            value = m["value"] / ceiling  # type: ignore[operator]
            found[f"relative_{attribute}"] = {"value": value, "n": m["n"], "chance": None}
    bits = codes[0].numel() * float(torch.log2(torch.tensor(float(prior.codes))))
    for name, texts in (("caption", ids), ("empty", no_text(n))):
        value = bits_of(prior, texts, codes)
        found[f"bits_{name}"] = {"value": value, "n": n, "chance": bits}
    free = decode_pictures(
        model,
        in_batches(n, lambda p, dice: sample_raster(
            prior, no_text(p.stop - p.start), FREELY, generator=dice).cpu()),
    )  # fmt: skip
    for name, shown in (("frechet", free), ("frechet_trip", trips)):
        value = judged_distance(judge, shown, pictures)
        found[name] = {"value": value, "n": n, "chance": None}
    found["copies"] = {"value": _copies(free, trips), "n": n, "chance": 0.01}
    some = min(n, 200)
    first = scenes[:some]
    found |= measure_filled(prior, model, judge, first, ids[:some])
    return found | measure_styles(prior, model, judge, max(2, some // 2))


def _copies(free: Tensor, held_out: Tensor) -> float:
    """The share of drawn pictures that lie nearer to one of the first training pictures than all
    but one in a hundred of the held-out ones do."""
    known = draw(max(50, 4 * len(free)))[1]
    usual = nearest_distances(held_out, known).quantile(0.01)
    return float((nearest_distances(free, known) < usual).double().mean())
