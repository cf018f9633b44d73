"""Calibrate the judge on `val`, and measure it on `test`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.storyworld.dataset import from_bytes, render_bytes
from mmcourse.storyworld.judge.data import draw_album
from mmcourse.storyworld.judge.network import Judge, strangeness
from mmcourse.storyworld.judge.reading import FIELDS, targets
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.sampling import sample_scene
from mmcourse.storyworld.world.scene import Scene
from mmcourse.watching import watched

Measurement = dict[str, float | int | None]
ATTRIBUTES = {
    **{k: [f for f in FIELDS if f.startswith("character") and f.endswith("." + k)]
       for k in v.CHARACTER_ATTRIBUTES},
    "thing": [f for f in FIELDS if f.endswith(".kind")],
    "thing_colour": [f for f in FIELDS if f.startswith("thing") and f.endswith(".colour")],
    **{f.removeprefix("scene."): [f] for f in FIELDS if f.startswith("scene.")},
}  # fmt: skip
"""The fields that each attribute of a card stands for, at whatever position."""
KEPT = 0.997
"""Share of ordinary pictures that must stay readable."""


@torch.no_grad()
def observe(
    model: Judge, pictures: Tensor, batch: int = 128
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """uint8 (N, S, S, 3) to logits, identities and summaries, on the CPU."""
    rows = []
    for part in watched(pictures.split(batch), "reading pictures"):
        logits, identities, _, summary = model(from_bytes(part).to(model.temperature.device))
        rows.append(({k: x.cpu().float() for k, x in logits.items()}, identities.cpu(),
                     summary.cpu().float()))  # fmt: skip
    joined = {k: torch.cat([r[0][k] for r in rows]) for k in FIELDS}
    return joined, torch.cat([r[1] for r in rows]), torch.cat([r[2] for r in rows])


def calibrate(model: Judge, n: int = 4000, seed: int = 0) -> None:
    """Fit the temperatures, the summary of ordinary pictures, and what counts as unreadable.

    Each field's temperature minimises the cross-entropy on `val`, half at 64 and half at 128 px
    (Guo et al., 2017). A picture is unreadable if it is stranger than all but three in a thousand.
    """
    model.eval()
    scenes = [sample_scene("val", i, seed) for i in range(n)]
    seen = [observe(model, render_bytes(part, size)) for part, size in
            ((scenes[: n // 2], 64), (scenes[n // 2 :], 128))]  # fmt: skip
    logits = {f: torch.cat([s[0][f] for s in seen]) for f in FIELDS}
    summary = torch.cat([s[2] for s in seen]).double()
    truth = torch.tensor([targets(s) for s in scenes])
    grid = torch.linspace(-0.7, 1.6, 47).exp()
    for i, f in enumerate(FIELDS):
        asked = truth[:, i] >= 0
        loss = torch.stack([F.cross_entropy(logits[f][asked] / t, truth[asked, i]) for t in grid])
        model.temperature[i] = grid[int(loss.argmin())] if asked.any() else 1.0
    centre = summary.mean(0)
    spread = torch.cov((summary - centre).T)
    ridge = 3e-3 * spread.diagonal().mean() * torch.eye(len(spread))
    model.take_as_usual(centre, spread + ridge)
    away = model.unusual(summary.float().to(model.centre.device)).cpu()
    strange = strangeness(away, _sureness(model, logits, truth))
    model.strangest.fill_(float(torch.quantile(strange, KEPT)))


def _sureness(model: Judge, logits: dict[str, Tensor], truth: Tensor) -> Tensor:
    """(N,): mean confidence over the questions that arise."""
    top = torch.stack(
        [(logits[f] / t).softmax(-1).amax(-1) for f, t in
         zip(FIELDS, model.temperature.cpu(), strict=True)], 1)  # fmt: skip
    asked = (truth >= 0).float()
    return (top * asked).sum(1) / asked.sum(1)


def expected_calibration_error(sure: Tensor, right: Tensor, bins: int = 15) -> float:
    """Mean distance of confidence and accuracy over equal bins, weighted by their size."""
    bin_of = (sure * bins).long().clamp(max=bins - 1)
    total = 0.0
    for b in range(bins):
        here = bin_of == b
        if here.any():
            gap = abs(float(sure[here].mean()) - float(right[here].float().mean()))
            total += float(here.float().mean()) * gap
    return total


def measure_reading(
    model: Judge, scenes: Sequence[Scene], size: int, prefix: str
) -> tuple[dict[str, Measurement], dict[str, list[list[int]]]]:
    """Accuracy of each attribute and of whole scenes, with confusion matrices (truth by answer)."""
    logits, _, _ = observe(model, render_bytes(watched(scenes, "drawing scenes"), size))
    truth = torch.tensor([targets(s) for s in scenes])  # (N, F), -1 where nothing is asked
    said = torch.stack([logits[f].argmax(-1) for f in FIELDS], 1)
    number = torch.tensor([len(s.characters) for s in scenes])
    order = list(FIELDS)
    out: dict[str, Measurement] = {}
    confusion: dict[str, list[list[int]]] = {}
    for name, fields in ATTRIBUTES.items():
        values = len(FIELDS[fields[0]])
        tables = np.zeros((4, values, values), dtype=int)  # for 1, 2, 3 characters; [0] for all
        for f in fields:
            i = order.index(f)
            asked = truth[:, i] >= 0
            at = (number[asked].numpy(), truth[asked, i].numpy(), said[asked, i].numpy())
            np.add.at(tables, at, 1)
        tables[0] = tables[1:].sum(0)
        for k, table in enumerate(tables):
            if table.sum():
                key = f"{prefix}_{name}_of_{k}" if k else f"{prefix}_{name}"
                value = float(np.trace(table) / table.sum())
                out[key] = {"value": value, "n": int(table.sum()), "chance": 1 / values}
        if tables[0].sum():
            confusion[f"{prefix}_{name}"] = tables[0].tolist()
    right = (said == truth) | (truth < 0)
    for k in (1, 2, 3):
        chosen = number == k
        if chosen.any():
            value = float(right[chosen].all(1).float().mean())
            out[f"{prefix}_whole_of_{k}"] = {"value": value, "n": int(chosen.sum()), "chance": None}
    top = torch.stack([(logits[f] / t).softmax(-1).amax(-1) for f, t in
                       zip(FIELDS, model.temperature.cpu(), strict=True)], 1)  # fmt: skip
    asked = truth >= 0
    ece = expected_calibration_error(top[asked], right[asked])
    out[f"{prefix}_calibration_error"] = {"value": ece, "n": int(asked.sum()), "chance": None}
    return out, confusion


def measure_identity(model: Judge, n: int, size: int, style: str | None = "flat") -> Measurement:
    """How often a hero is closer to itself elsewhere than to a double of the same caption."""
    album = draw_album(n, size, seed=1, splits=("test",), style=style)
    _, identities, _ = observe(model, album.pixels.flatten(0, 1))
    where = album.heroes.flatten()
    first, again, double = (
        identities[torch.arange(len(where)), where].unflatten(0, (-1, 3)).unbind(1)
    )
    told = (first * again).sum(-1) > (first * double).sum(-1)
    return {"value": float(told.float().mean()), "n": n, "chance": 0.5}


def measure_unreadable(model: Judge, n: int = 500) -> dict[str, Measurement]:
    """How often noise, blur beyond recognition and scrambled pictures are called unreadable, and
    how often ordinary ones are called readable."""
    scenes = [sample_scene("test", i) for i in range(n)]
    ordinary = from_bytes(render_bytes(watched(scenes, "drawing scenes"), 64))
    generator = torch.Generator().manual_seed(0)
    tiles = (
        ordinary.unflatten(2, (8, 8)).unflatten(4, (8, 8)).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    )
    mixed = tiles[:, torch.randperm(64, generator=generator)].unflatten(1, (8, 8))
    strange = {
        "noise": torch.rand(ordinary.shape, generator=generator) * 2 - 1,
        "blur": F.interpolate(F.avg_pool2d(ordinary, 16), (64, 64), mode="bilinear"),
        "scrambled": mixed.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3),
    }

    def share(pixels: Tensor, readable: bool) -> float:
        found = [r.readable == readable for part in pixels.split(64) for r in model.read(part)]
        return sum(found) / len(found)

    rates: dict[str, Measurement] = {
        f"unreadable_{k}": {"value": share(x, False), "n": n, "chance": None}
        for k, x in strange.items()
    }
    rates["readable_ordinary"] = {"value": share(ordinary, True), "n": n, "chance": None}
    return rates


def measure_judge(model: Judge, n: int | None = None) -> dict[str, Measurement]:
    """Every metric of the judge's card; n scenes instead of 5,000 (2,000 for styles) if given."""
    return measure_with_confusion(model, n)[0]


def measure_with_confusion(
    model: Judge, n: int | None = None
) -> tuple[dict[str, Measurement], dict[str, list[list[int]]]]:
    """The same, with the confusion matrices of each style.

    Raises:
        ValueError: n below 2, too few to tell a hero from another.
    """
    if n is not None and n < 2:
        raise ValueError(f"n must be at least 2, got {n}")
    model.eval()
    out: dict[str, Measurement] = {}
    confusion: dict[str, list[list[int]]] = {}
    base = [sample_scene("test", i, style="flat") for i in range(n or 5000)]
    for style in v.STYLES:
        count = (n or 5000) if style == "flat" else min(n or 2000, 2000)
        scenes = [replace(s, style=style) for s in base[:count]]
        found, tables = measure_reading(model, scenes, 64, style)
        out |= found
        confusion |= tables
    unseen = [sample_scene("compositional", i, style="flat") for i in range(min(n or 2000, 2000))]
    out |= measure_reading(model, unseen, 64, "compositional")[0]
    for size in (64, 128):
        out[f"identity_{size}px"] = measure_identity(model, min(n or 2000, 2000), size)
    return out | measure_unreadable(model, min(n or 500, 500)), confusion
