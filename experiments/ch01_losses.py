"""What breaks two towers? The same recipe with one thing changed at a time.

Run `python experiments/ch01_losses.py`; it writes ch01_losses.json beside itself. The lab of
chapter 1 plots that file.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.cards import device_name, environment, sources_hash
from mmcourse.joint import JointModel, clip_loss, recall_at_k
from mmcourse.joint.evaluate import distinct_scenes, embed_pictures, embed_texts
from mmcourse.joint.recipe import SOURCES, build
from mmcourse.joint.train import storyworld_pairs, train
from mmcourse.storyworld import caption, render_bytes
from mmcourse.training import pick_device, seed_everything

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def text_side_only(text: Tensor, image: Tensor, scale: Tensor) -> Tensor:
    """Captions choose among pictures; pictures never choose among captions."""
    target = torch.arange(len(text), device=text.device)
    return F.cross_entropy(scale * text @ image.T, target)


def scale_of(value: float) -> Loss:
    """The right loss with a scale that never learns."""
    return lambda text, image, scale: clip_loss(text, image, value + 0 * scale)


def attraction_only(text: Tensor, image: Tensor, scale: Tensor) -> Tensor:
    """True pairs attract; nothing pushes strangers apart."""
    return (1 - (text * image).sum(1)).mean() + 0 * scale


def multiplied_by_temperature(text: Tensor, image: Tensor, scale: Tensor) -> Tensor:
    """The cosines are multiplied by the temperature instead of divided by it."""
    return clip_loss(text, image, 1 / scale)


@dataclass(frozen=True)
class Variant:
    """One thing changed in the loss."""

    label: str
    loss: Loss = clip_loss


VARIANTS = {
    "right": Variant("as it should be"),
    "one_sided": Variant("captions choose, pictures don't", text_side_only),
    "scale_1": Variant("scale frozen at 1", scale_of(1.0)),
    "multiplied": Variant("multiplied by the temperature", multiplied_by_temperature),
    "collapse": Variant("no negatives", attraction_only),
}


def measure(model: JointModel, n: int) -> dict[str, float]:
    """Recall@1 both ways and the mean cosine of different pictures, on validation scenes."""
    scenes = distinct_scenes("val", n)
    text = embed_texts(model, [caption(s) for s in scenes])
    image = embed_pictures(model, render_bytes(scenes))
    strangers = ~torch.eye(n, dtype=torch.bool)
    return {
        "recall_at_1": recall_at_k(text @ image.T, 1),
        "recall_at_1_reverse": recall_at_k(image @ text.T, 1),
        "crowding": (image @ image.T)[strangers].mean().item(),
        "scale": model.logit_scale.exp().item(),
    }


def train_all(steps: int, scenes: int, n: int, seeds: list[int]) -> dict[str, object]:
    """Train every variant with every seed; one list of numbers per variant and quantity."""
    results: dict[str, object] = {}
    for name, variant in VARIANTS.items():
        rows = []
        for seed in seeds:
            seed_everything(seed)
            model = build()
            pairs = storyworld_pairs(scenes, seed=seed)
            run = train(
                model, pairs, steps=steps, batch_size=min(64, scenes), loss_function=variant.loss
            )
            deque(run, maxlen=0)
            rows.append(measure(model, n))
            print(name, seed, rows[-1], flush=True)
        columns = {key: [row[key] for row in rows] for key in rows[0]}
        results[name] = {"label": variant.label, **columns}
    return results


def main() -> None:
    """Run at the size that the book shows, or at the size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--scenes", type=int, default=8_000)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    given = parser.parse_args()
    started = time.time()
    results = train_all(given.steps, given.scenes, given.n, given.seeds)
    report = {
        "command": "python experiments/ch01_losses.py",
        "sources": sources_hash(SOURCES),
        "device": device_name(pick_device()),
        "wall_time_s": round(time.time() - started),
        "versions": environment(),
        "steps": given.steps,
        "scenes": given.scenes,
        "n": given.n,
        "seeds": given.seeds,
        "results": results,
    }
    given.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
