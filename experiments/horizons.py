"""Beyond chapter 7: seven small experiments around the storyteller.

    python experiments/horizons.py [--small] [PART ...]

Writes horizons.json. The parts are memory, taste, small, arcs, music, clip and fusion. What a part
found is kept in _build/horizons, so that a killed run goes on with the next one. Those that are
named are run anew, and no other. Each takes seconds to a few minutes of one core.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean, stdev

import torch
from _horizons_trained import clip, fusion, music, small
from _result import write
from torch import Tensor

from mmcourse.joint import JointModel
from mmcourse.joint.evaluate import distinct_scenes, embed_pictures
from mmcourse.story.context import count_tokens
from mmcourse.story.horizons import arcs as a
from mmcourse.story.horizons import reach, taste
from mmcourse.story.story import Story
from mmcourse.storyworld import render_bytes

BUDGETS = (50, 100, 200, 400, 800, 1600)
WINDOW = 64
READERS, CHOICES = 100, 10


def memory(tiny: bool) -> dict[str, object]:
    """Which questions can still be answered from what fits into a budget."""
    stories, scenes = (1, 20) if tiny else (20, 50)
    budgets = BUDGETS[:2] if tiny else BUDGETS
    told = [reach.long_story(seed, scenes) for seed in range(stories)]
    asked = [(story, q) for story in told for q in reach.questions(story)]
    found: dict[str, object] = {}
    for name, way in reach.WAYS.items():
        rows: dict[str, list[float]] = {"now": [], "then": [], "overtaken": []}
        for budget in budgets:
            said = [(q.kind, reach.found_in(way(s, q.text, budget), q)) for s, q in asked]
            for kind in ("now", "then"):
                mine = [answer for k, answer in said if k == kind]
                rows[kind].append(mean(answer == "right" for answer in mine))
            now = [answer for k, answer in said if k == "now"]
            rows["overtaken"].append(mean(answer == "overtaken" for answer in now))
        found[name] = rows
    masks = {layers: reach.farthest(reach.sliding_mask(2048, WINDOW), layers) for layers in (1, 4)}
    return {
        "seeds": list(range(stories)),
        "n": len(asked),
        "now": sum(q.kind == "now" for _, q in asked),
        "then": sum(q.kind == "then" for _, q in asked),
        "scenes": scenes,
        "tokens": mean(sum(count_tokens(n.text) for n in s.path()) for s in told),
        "budgets": list(budgets),
        "ways": found,
        "window": WINDOW,
        "reach": masks,
        "pairs": float(reach.sliding_mask(2048, WINDOW).double().sum() / (2048 * 2049 / 2)),
    }


def _readers(features: Tensor, world: Tensor, seed: int, counts: Iterable[int], tiny: bool) -> dict:
    """How often each way to guess agrees with readers that it has not met, by number of choices."""
    dice = torch.Generator().manual_seed(seed)
    common = 0.5 * torch.randn(world.shape[1], generator=dice)
    many = 4 if tiny else READERS
    others, mine = ([taste.simulated_reader(common, 1.5, 0.5, dice) for _ in range(many)]
                    for _ in range(2))  # fmt: skip
    n = len(world)
    unseen = torch.randint(n, (300, 2), generator=dice)

    def ask(reader: Tensor, pairs: int) -> Tensor:
        return taste.choices(world @ reader, torch.randint(n, (pairs, 2), generator=dice), dice)

    def agrees(weights: Tensor, reader: Tensor) -> float:
        return taste.agreement(features @ weights.float(), world @ reader, unseen)

    pool = torch.cat([ask(reader, CHOICES) for reader in others])
    liked = taste.fit_taste(features[pool[:, 0]], features[pool[:, 1]])

    def strongest() -> float:
        """What suits the readers whom one knows already."""
        asked = [(reader, ask(reader, CHOICES)) for reader in others]
        scores = {
            strength: mean(
                agrees(taste.fit_taste(features[c[:, 0]], features[c[:, 1]], strength, liked), r)
                for r, c in asked
            )
            for strength in (0.3, 1.0, 3.0)
        }
        return max(scores, key=scores.__getitem__)

    strength = strongest()
    rows: dict[str, list[float]] = {k: [] for k in ("popular", "mean", "difference", "own", "both")}
    chosen_well: list[float] = []
    by_count: dict[int, list[float]] = {k: [] for k in counts}
    for reader in mine:
        c = ask(reader, max(CHOICES, *by_count))
        x, y = features[c[:, 0]], features[c[:, 1]]
        near = taste.near_the_mean(x[:CHOICES], features)
        rows["popular"].append(agrees(liked, reader))
        rows["mean"].append(taste.agreement(near, world @ reader, unseen))
        rows["difference"].append(agrees((x[:CHOICES] - y[:CHOICES]).mean(0), reader))
        own = taste.fit_taste(x[:CHOICES], y[:CHOICES], strength)
        rows["own"].append(agrees(own, reader))
        for k in by_count:
            both = taste.fit_taste(x[:k], y[:k], strength, liked)
            by_count[k].append(agrees(both, reader))
        rows["both"].append(by_count[CHOICES][-1])
        chosen_well.append(
            agrees(_asked_well(features, world @ reader, liked, strength, dice), reader)
        )
    return {
        "strength": strength,
        **{k: mean(v) for k, v in rows.items()},
        "asked_well": mean(chosen_well),
        "by_count": {str(k): mean(v) for k, v in by_count.items()},
    }


def _asked_well(
    features: Tensor, worth: Tensor, liked: Tensor, strength: float, dice: torch.Generator
) -> Tensor:
    """The taste after as many choices, each between the pair whose answer is least known."""
    pairs = torch.randint(len(features), (200, 2), generator=dice)
    offered = features[pairs[:, 0]] - features[pairs[:, 1]]
    w, chosen = liked, torch.zeros(0, 2, dtype=torch.long)
    for _ in range(CHOICES):
        asked = features[chosen[:, 0]] - features[chosen[:, 1]]
        next_ = taste.most_telling(offered, asked, w, strength)
        chosen = torch.cat([chosen, taste.choices(worth, pairs[next_ : next_ + 1], dice)])
        w = taste.fit_taste(features[chosen[:, 0]], features[chosen[:, 1]], strength, liked)
    return w


def taste_of(tiny: bool) -> dict[str, object]:
    """Ten choices of readers who are simulated, by what a picture shows and by its vector."""
    scenes = distinct_scenes("test", 20 if tiny else 400)
    world = torch.stack([taste.attributes(s) for s in scenes])
    vectors = embed_pictures(JointModel.from_pretrained("joint"), render_bytes(scenes, 64))
    vectors = (vectors - vectors.mean(0)) / vectors.std(0)
    vectors = vectors * (world.std(0).square().sum() / vectors.shape[1]).sqrt()  # as far apart
    seeds, counts = ((0,), (10,)) if tiny else ((0, 1, 2), (2, 5, 10, 20, 40))
    found: dict[str, dict] = {}
    for name, features in (("attributes", world), ("vectors", vectors)):
        runs = [_readers(features, world, seed, counts, tiny) for seed in seeds]
        keys = [k for k in runs[0] if k not in ("strength", "by_count")]
        found[name] = {
            **{k: mean(r[k] for r in runs) for k in keys},
            "spread": {k: _spread([r[k] for r in runs]) for k in keys},
            "strength": [r["strength"] for r in runs],
            "by_count": [mean(r["by_count"][str(k)] for r in runs) for k in counts],
        }
    widest = max(max(part["spread"].values()) for part in found.values())
    return {
        "seeds": list(seeds),
        "n": READERS * len(seeds),
        "pictures": len(scenes),
        "counts": list(counts),
        "widest": widest,
        **found,
    }


def _spread(values: list[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def arcs(tiny: bool) -> dict[str, object]:
    """Arcs that are read, and arcs that are planned."""
    scenes, seeds, width = (4, range(1), 2) if tiny else (12, range(10), 6)
    shapes = list(a.SHAPES)[: 1 if tiny else None]
    rows: dict[str, dict[str, list[float]]] = {}
    shown: dict[str, object] = {}
    written: list[int] = []

    def note(way: str, story: Story, target: list[float]) -> None:
        row = rows.setdefault(way, {"off": [], "alike": [], "off_read": [], "open": []})
        row["off"].append(a.off(a.told(story), target))
        row["alike"].append(a.alike(a.told(story), target))
        row["off_read"].append(a.off(a.read(story), target))
        row["open"].append(a.tension(story)[-1])

    for name in shapes:
        target = a.shape(name, scenes)
        for seed in seeds:
            plan, cost = a.planned(target, seed, width)
            written.append(cost)
            anyhow = a.any_story(seed, scenes)
            note("planned", plan, target)
            note("any", anyhow, target)
            note("best", a.best_of(target, seed, max(2, cost // scenes)), target)
            if seed == 0:
                curves = {"planned": a.told(plan), "any": a.told(anyhow)}
                shown[name] = {"target": a.smooth(target)} | {
                    k: a.smooth(arc) for k, arc in curves.items()
                }
    told = [a.any_story(1000 + seed, scenes) for seed in range(2 if tiny else 60)]
    truth = [a.told(story) for story in told]
    signs = [(x > 0) - (x < 0) for arc in truth for x in arc]
    reading = {
        "read": mean(a.agree(a.read(s), t) for s, t in zip(told, truth, strict=True)),
        "counted": mean(a.agree(a.counted(s), t) for s, t in zip(told, truth, strict=True)),
        "commonest": max(signs.count(x) for x in (-1, 0, 1)) / len(signs),
        "stories": len(told),
    }
    return {
        "seeds": list(seeds),
        "n": len(rows["planned"]["off"]),
        "scenes": scenes,
        "width": width,
        "written": mean(written),
        "ways": {way: {k: mean(v) for k, v in row.items()} for way, row in rows.items()},
        "spread": {way: _spread(row["off"]) for way, row in rows.items()},
        "reading": reading,
        "shown": shown,
    }


PARTS: dict[str, Callable[[bool], dict[str, object]]] = {
    "memory": memory,
    "taste": taste_of,
    "small": small,
    "arcs": arcs,
    "music": music,
    "clip": clip,
    "fusion": fusion,
}


def main(arguments: list[str]) -> None:
    """Every part that is not there yet, or those that are named; then write all that there is."""
    tiny = "--small" in arguments
    named = [name for name in arguments if not name.startswith("--")]
    unknown = sorted(set(named) - set(PARTS))
    if unknown:
        raise SystemExit(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch if tiny else "_build/horizons")
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in PARTS.items():
            file = folder / f"{name}.json"
            if name in named or not (named or file.exists()):
                print(name, flush=True)
                file.write_text(json.dumps(part(tiny)), encoding="utf-8")
            if file.exists():
                results[name] = json.loads(file.read_text(encoding="utf-8"))
    if not tiny:
        write(__file__, ["mmcourse.story.horizons"], results)


if __name__ == "__main__":
    main(sys.argv[1:])
