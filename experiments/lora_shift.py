"""A new style: full tuning, LoRA over ranks, and a frozen tower, on the shipped CLIP.

    python experiments/lora_shift.py [--small]

Writes lora_shift.json. The shift is the negative of a picture: white is black, red is blue-green,
and the captions stay what they were, so every colour has to be learned anew while shapes, places
and words stay. All ways get the same pictures, the same steps and the same batches, and each its
own best rate of three. Measured is recall@1 by complete captions among `n` held-out scenes, on
negatives (the target) and on the pictures as they were before (what is forgotten); beside them what
is trained, the bytes that gradients and Adam's moments take, and the seconds of a step.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from _result import write
from torch import Tensor, nn

from mmcourse.joint.evaluate import distinct_scenes
from mmcourse.joint.losses import clip_loss
from mmcourse.joint.retrieval import recall_at_k
from mmcourse.lora import LoRAConfig, deltas, inject, trainable
from mmcourse.lora.detect import entropy_rank
from mmcourse.lora.models.folders import build
from mmcourse.lora.models.measure import Clip
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.models.targets import targets_of
from mmcourse.storyworld import Scene, caption, from_bytes, render_bytes, sample_scene
from mmcourse.training import batch_indices

SEEDS = (0, 1, 2)
RANKS = (1, 2, 4, 8, 16, 32)
RATES = (3e-4, 1e-3, 3e-3)
BATCH = 64
PART = "vision_model"
SOURCES = ("mmcourse.lora", "mmcourse.storyworld.drawing", "mmcourse.storyworld.language")


@dataclass(frozen=True)
class Work:
    """Pictures and the vectors of their captions, which no way changes: the words stay."""

    pictures: Tensor
    texts: Tensor


def work_of(pair: Clip, scenes: list[Scene]) -> Work:
    """Draw scenes and read their captions."""
    rows = []
    with torch.no_grad():
        for at in range(0, len(scenes), 50):
            texts = [caption(scene) for scene in scenes[at : at + 50]]
            given = pair.processor.tokenizer(texts, padding=True, return_tensors="pt")
            rows.append(pair.model.get_text_features(**given).pooler_output)
    side = pair.model.config.vision_config.image_size
    return Work(from_bytes(render_bytes(scenes, side)), F.normalize(torch.cat(rows), dim=-1))


def embedded(model: Any, pictures: Tensor) -> Tensor:
    """Unit vectors of pictures in [-1, 1]."""
    parts = [model.get_image_features(pixel_values=x).pooler_output for x in pictures.split(64)]
    return F.normalize(torch.cat(parts), dim=-1)


@torch.no_grad()
def recalls(model: Any, work: Work) -> tuple[float, float]:
    """Recall@1 on negatives, and on pictures as they were."""
    new, old = (recall_at_k(work.texts @ embedded(model, x).T, 1)
                for x in (-work.pictures, work.pictures))  # fmt: skip
    return new, old


def frozen(model: Any, _: int) -> None:
    """The tower stays; what projects its vector learns."""
    model.requires_grad_(False)
    model.visual_projection.requires_grad_(True)


def full(model: Any, _: int) -> None:
    """The whole vision tower learns."""
    model.requires_grad_(False)
    model.vision_model.requires_grad_(True)
    model.visual_projection.requires_grad_(True)


def lora(model: Any, rank: int) -> None:
    """Adapters in the tower's blocks learn, at alpha = 2 r."""
    inject(model, LoRAConfig(targets_of("clip", model, PART), rank=rank, alpha=2.0 * rank))


def ways(ranks: tuple[int, ...]) -> Iterator[tuple[str, int, Callable[[Any, int], None]]]:
    """Everything that is compared."""
    yield "frozen", 0, frozen
    yield "full", 0, full
    for rank in ranks:
        yield "lora", rank, lora


def tuned(base: Any, work: Work, prepare: Callable[[Any, int], None], rank: int, seed: int,
          rate: float, steps: int) -> tuple[Any, float]:  # fmt: skip
    """A copy of the base after its steps on negatives, and the seconds of a step."""
    torch.manual_seed(seed)
    model = deepcopy(base)
    prepare(model, rank)
    optimiser = torch.optim.AdamW(trainable(model), lr=rate, weight_decay=0.0)
    begun = time.process_time()
    for step in range(steps):
        index = batch_indices(step, min(BATCH, len(work.pictures)), len(work.pictures), seed)
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 20, 3 * (steps - step) / steps)
        seen = embedded(model, -work.pictures[index])
        loss = clip_loss(work.texts[index], seen, model.logit_scale.exp().detach())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trainable(model), 1.0)
        optimiser.step()
    return model, (time.process_time() - begun) / steps


def spectra(model: Any) -> dict[str, object]:
    """Of the last block's queries and of its first linear layer: the singular values of the
    update, and over how many directions it spreads."""
    found: dict[str, object] = {}
    for path, delta in deltas(model).items():
        values = torch.linalg.svdvals(delta)
        if path.endswith(("3.self_attn.q_proj", "3.mlp.fc1")):
            found[path] = {"values": values[:32].tolist(), "spread": entropy_rank(values)}
    return found


def main(small: bool) -> None:
    """Every way with every seed, at the rate that is best on other scenes; and write."""
    ranks, seeds, rates = (RANKS[:1], SEEDS[:1], RATES[1:2]) if small else (RANKS, SEEDS, RATES)
    pictures, steps, n = (8, 2, 8) if small else (3_000, 250, 1_000)
    if small:
        torch.manual_seed(0)
        pair = Clip(*build("clip", SMOKE))
    else:
        pair = Clip.from_pretrained("clip")  # type: ignore[assignment]
    base = pair.model.eval()
    shown = work_of(pair, [sample_scene("train", i) for i in range(pictures)])
    chosen = work_of(pair, distinct_scenes("val", n // 2))
    held = work_of(pair, distinct_scenes("test", n))
    new, old = recalls(base, held)
    print(f"before: negatives {new:.3f}, pictures as they were {old:.3f}", flush=True)
    rows = []
    for name, rank, prepare in ways(ranks):
        tried = {
            rate: recalls(tuned(base, shown, prepare, rank, 9, rate, steps // 2)[0], chosen)[0]
            for rate in rates
        }
        best = max(tried, key=lambda rate: tried[rate])
        runs = []
        for seed in seeds:
            model, seconds = tuned(base, shown, prepare, rank, seed, best, steps)
            target, kept = recalls(model, held)
            learned = sum(p.numel() for p in trainable(model))
            runs.append({"seed": seed, "target": target, "kept": kept, "seconds": seconds})
        row = {"way": name, "rank": rank, "rate": best, "parameters": learned,
               "share": learned / sum(p.numel() for p in base.vision_model.parameters()),
               "training_bytes": 12 * learned, "runs": runs}  # fmt: skip
        if name == "lora":
            row["spectra"] = spectra(model)
        rows.append(row)
        print(name, rank, best, [(r["target"], r["kept"]) for r in runs], flush=True)
    told: dict[str, dict[str, float]] = {}
    for row in rows:
        name = row["way"] if row["way"] != "lora" else f"lora_{row['rank']}"
        told[name] = {"share": row["share"], "rate": row["rate"]}
        for key in ("target", "kept"):
            values = [run[key] for run in row["runs"]]
            told[name][key] = sum(values) / len(values)
            told[name][f"{key}_apart"] = max(values) - min(values)
        told[name]["forgotten"] = old - told[name]["kept"]
        told[name]["seconds"] = sum(run["seconds"] for run in row["runs"]) / len(row["runs"])
    gain = (told["full"]["target"] - new) or 1.0
    for one in told.values():
        one["recovered"] = (one["target"] - new) / gain
    results: dict[str, object] = {
        "n": n, "seeds": list(seeds), "pictures": pictures, "steps": steps, "batch": BATCH,
        "before": {"target": new, "kept": old}, "told": told, "rows": rows,
    }  # fmt: skip
    if small:
        return
    write(__file__, SOURCES, results)


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
