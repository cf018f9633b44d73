"""How the writer is trained and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from mmcourse.cards import sources_hash
from mmcourse.lora.models.measure import Measurement, asked, share
from mmcourse.lora.models.shapes import SMOKE, Shape
from mmcourse.lora.models.train import Plan, Stage, train
from mmcourse.lora.writer import (
    SHAPE,
    Writer,
    beginning,
    build_writer,
    cast_example,
    facts_example,
    page_example,
)
from mmcourse.lora.writing import faults, kept, longest_run, named, write_stories
from mmcourse.runs import Run, check_precision, history
from mmcourse.storyworld import Tokenizer
from mmcourse.storyworld.language.tell import tell
from mmcourse.training import pick_device, seed_everything

SOURCES = (
    *("mmcourse.storyworld.language", "mmcourse.training", "mmcourse.lora.loss"),
    *(f"mmcourse.lora.models.{part}" for part in ("words", "shapes", "collate", "structure")),
    *("mmcourse.lora.models.train", "mmcourse.lora.writer"),
)
"""What the weights depend on."""
N, BATCH, PAGES = 500, 50, 5
KNOWN = 2_000
"""Stories of training that a new one is compared with."""
BANDS = {"before": 0.08, "after": 0.05, "kept": 0.05, "distinct": 0.05, "new": 0.1, "run": 12.0}


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: the run's plan, its sizes, and stories to measure on (None: the
    card's)."""

    plan: Plan
    shape: Shape = SHAPE
    measured: int | None = None


TASKS = {"casts": cast_example, "facts": facts_example, "pages": page_example}


def _plan(
    casts: int, facts: int, pages: int, stories: int, batch: int, muon: float | None = None
) -> Plan:
    """Casts first, which are copied, then facts, then pages.

    Began with pages, a writer learns their prose and never whom it is about: after 2,100 steps it
    called the hero by another name in each sentence. To copy is learned within 200 steps where
    there is nothing else to learn, and stays. What was never copied there is not copied later: of
    casts that were repeated as they stood, names and species came over, and one colour in ten.
    """
    steps = {"casts": casts, "facts": facts, "pages": pages}
    return Plan(tuple(Stage(n, (k,)) for k, n in steps.items()), stories, batch, muon=muon)


RECIPES = {
    "smoke": Recipe(_plan(1, 1, 1, 8, 2), SMOKE, 2),
    "cpu": Recipe(_plan(20, 10, 30, 1_000, 8), measured=10),
    "gpu": Recipe(_plan(1_000, 1_000, 10_000, 200_000, 64, 3e-3)),
    "full": Recipe(_plan(600, 200, 1_600, 60_000, 16, 3e-3)),
}


def train_writer(out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure the writer, and write its card; a killed run goes on.

    Args:
        out: folder for the transformers folder, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights and of the order.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    recipe = RECIPES[tier]
    command = f"mmcourse train writer --tier {tier} --seed {seed} --precision {precision}"
    run = Run(out, command, sources_hash(SOURCES))
    seed_everything(seed)
    model, processor = build_writer(recipe.shape)
    if pick_device().type == "cpu":  # the fused attention of a CPU is slower than its two products
        model.set_attn_implementation("eager")
    tasks: dict[str, Any] = {k: partial(make, split="train") for k, make in TASKS.items()}
    loop = train(
        model,
        processor,
        recipe.plan,
        tasks,
        precision=precision,
        checkpoint=out / "checkpoint.pt",
        seed=seed,
    )
    run.follow(loop, recipe.plan.steps, ("loss", "gradient"))
    if not run.main:
        return
    Writer(model.cpu(), processor).save(out)
    writer = Writer.from_pretrained(str(out))
    writer.model.to(pick_device())
    metrics = {
        name: {**m, "band": BANDS[name]}
        for name, m in measure_writer(writer, recipe.measured).items()
    }
    data = f"one page of each of {recipe.plan.examples} stories, StoryWorld train"
    shown = history(run.log_rows(), ("loss", "gradient"))
    run.finish("writer", tier, seed, data=data, metrics=metrics, history=shown)


def measure_writer(writer: Writer, n: int | None = None) -> dict[str, Measurement]:
    """`n` stories of five pages for heroes, places and goals of the held-out split.

    - `before`, `after`: stories without a contradiction, in which every word can be read and nobody
      appears who was not introduced, if each page is written once, and if a page with a fault is
      written up to `TRIES` times. Up to its first fault a story is the same in both, so one run
      tells both.
    - `kept`: of what was asked for, the share that the first page tells.
    - `distinct`: of the stories, the share that are written once alone.
    - `new`: of the pages, the share that is no page of 2,000 stories of training; `run`: the median
      of the longest run of words that a page shares with any of those. The chance of both is what
      the world's own held-out pages give: its grammar says many a thing again.
    """
    n = asked(n if n is not None else N)
    stories = []
    for at in range(0, n, BATCH):
        begun = [beginning(held_out(i)) for i in range(at, min(n, at + BATCH))]
        stories += list(zip(begun, write_stories(writer, begun, seed=at), strict=True))
    texts = ["\n\n".join(story.pages) for _, story in stories]
    sound = [
        not any(faults(story.pages[: k + 1], known=named(begun)) for k in range(len(story.pages)))
        for begun, story in stories
    ]
    first = [fine and not story.again for fine, (_, story) in zip(sound, stories)]
    told = [fact for begun, story in stories for fact in kept(begun, story.pages[0])]
    known = [_words(page.text) for i in range(min(KNOWN, 40 * n)) for page in tell(i).pages]
    new, run, some = _told_before([page for _, story in stories for page in story.pages], known)
    usual = _told_before([page.text for i in range(n) for page in held_out(i).pages], known)
    once = sum(texts.count(text) == 1 for text in texts)
    return {
        "before": share(sum(first) / n, n, None),
        "after": share(sum(sound) / n, n, None),
        "kept": share(sum(told) / len(told), len(told), None),
        "distinct": share(once / n, n, None),
        "new": share(new, sum(len(story.pages) for _, story in stories), usual[0]),
        "run": share(run, some, usual[1]),
    }


def _told_before(texts: Sequence[str], known: list[list[str]]) -> tuple[float, float, int]:
    """Of pages the share that is none of the known ones, the median of the longest run of words
    that a page has in common with those, and of how many pages."""
    pages, seen = [_words(text) for text in texts], {tuple(page) for page in known}
    some = pages[:: max(1, len(pages) // 40)]
    runs = sorted(longest_run(page, known) for page in some)
    new = sum(tuple(page) not in seen for page in pages) / len(pages)
    return new, float(runs[len(runs) // 2]), len(runs)


@cache
def _five_at(index: int) -> int:
    at = _five_at(index - 1) + 1 if index else 0
    while len(tell(at, "test").pages) != PAGES:
        at += 1
    return at


def held_out(index: int) -> Any:
    """The index-th held-out story of five pages."""
    return tell(_five_at(index), "test")


def _words(text: str) -> list[str]:
    return Tokenizer.split(text.lower())
