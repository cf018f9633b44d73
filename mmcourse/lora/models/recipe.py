"""How the four are trained: their recipes at every tier, and their cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mmcourse.cards import sources_hash
from mmcourse.lora.models.clip_train import SEEING, VISION, train_pairs
from mmcourse.lora.models.folders import build, save
from mmcourse.lora.models.measure import (
    Blip2,
    Clip,
    Llava,
    Measurement,
    Pair,
    QwenVL,
    measure_blip2,
    measure_clip,
    measure_llava,
    measure_qwen,
    sides_of,
)
from mmcourse.lora.models.seeing import Seeing, sights
from mmcourse.lora.models.shapes import SMOKE, Shape
from mmcourse.lora.models.tasks import SCENES, TASKS
from mmcourse.lora.models.train import Plan, Stage, train
from mmcourse.lora.models.vision import take_vision
from mmcourse.runs import Run, check_precision, history
from mmcourse.storyworld.drawing.sources import DRAWING
from mmcourse.training import pick_device, seed_everything

SOURCES = (
    *("mmcourse.storyworld.language", *DRAWING, "mmcourse.training", "mmcourse.lora.loss"),
    *(f"mmcourse.lora.models.{part}" for part in ("words", "shapes", "folders", "collate")),
    *(f"mmcourse.lora.models.{part}" for part in ("tasks", "structure", "vision", "train")),
    *(f"mmcourse.lora.models.{part}" for part in ("extraction", "neighbours", "clip_train")),
    *("mmcourse.lora.models.seeing", "mmcourse.nn.muon", "mmcourse.optimisers"),
)
"""What the weights depend on."""
LANGUAGE = r"(model\.)?(language_model|lm_head)"
"""The parameters of a language model, to learn words before pictures."""
BRIDGE = r"(model\.multi_modal_projector|model\.visual\.merger|qformer|query_tokens|language_proj)"
"""What lies between a vision tower and a language model."""
TOWER = r"model\.visual"
"""Qwen's vision tower, up to the places that the language model reads."""
SIGHTS = 8_000
"""Pictures of each size that a tower learns to see from."""


@dataclass(frozen=True)
class Recipe:
    """Numbers of one tier: the run's plan, and examples to measure on (None: the card's)."""

    plan: Plan
    measured: int | None = None


@dataclass(frozen=True)
class Steps:
    """How long the stages of a model that answers are.

    Args:
        words: of the language model by itself.
        bridge: of what lies between it and the tower.
        first: on what is easy.
        then: on all.
        seeing: of Qwen's tower by itself.
        copying: of LLaVA on structure alone, before all.
        last: of LLaVA on structure and talk in turn, after all.
    """

    words: int
    bridge: int
    first: int
    then: int
    seeing: int = 0
    copying: int = 0
    last: int = 0


def stages(name: str, steps: Steps, tower: bool = False) -> tuple[Stage, ...]:
    """Of a model that answers: words alone, then the bridge, then everything.

    Qwen's kind has a tower that no CLIP can lend, so it learns to see before anything else.
    Captions come first, since each of their words is a question about the picture, and easy kinds
    of questions; pages last. LLaVA reads pages as structure, much of which is copied from the
    prompt. Copying is learned late, all at once, and only where there is nothing easier to learn:
    so structure has a stage of its own before it is mixed with the rest.

    Args:
        name: which.
        steps: of each stage.
        tower: the vision tower was trained before as it is. LLaVA's then learns in the last two
            stages alone, when those who read it know what to ask of it.
    """
    easy, all_ = {
        "blip2": (("captions",), ("captions", "glimpses", "captions")),
        "llava": (
            ("captions", "easy talk"),
            (
                *("talk", "questions", "structure", "captions"),
                *("talk", "questions", "structure", "talk"),
            ),
        ),
        "qwen-vl": (("captions", "easy talk"), ("talk", "questions", "captions", "pages")),
    }[name]
    whole = f"{LANGUAGE}|{BRIDGE}" if tower and name == "llava" else ""
    seen, copied, last = (
        (Stage(steps.seeing, ("sights",), TOWER),),
        (Stage(steps.copying, ("structure",), whole),),
        (Stage(steps.last, ("structure", "talk")),),
    )
    return (
        *(seen if name == "qwen-vl" else ()),
        Stage(steps.words, ("words",), LANGUAGE),
        Stage(steps.bridge, ("captions",), BRIDGE),
        Stage(steps.first, easy, whole),
        *(copied if name == "llava" else ()),
        Stage(steps.then, all_),
        *(last if name == "llava" else ()),
    )


def pair_stages(seeing: int, pairs: int) -> tuple[Stage, ...]:
    """Of CLIP: its tower by itself, then with words, for so many steps."""
    return (Stage(seeing, (SEEING,), VISION), Stage(pairs, ()))


def recipes(name: str, tower: bool = False) -> dict[str, Recipe]:
    """One of the four models' recipes by tier; `tower`: as in `stages`."""
    if name == "clip":
        return {
            "smoke": Recipe(Plan(pair_stages(2, 3), 8, 4), 4),
            "cpu": Recipe(Plan(pair_stages(50, 100), 1_000, 64), 100),
            "gpu": Recipe(Plan(pair_stages(12_000, 12_000), 40_000, 256, muon=2e-3)),
            "full": Recipe(Plan(pair_stages(8_000, 8_000), 30_000, 64, muon=2e-3)),
        }
    full = {
        "blip2": Steps(1_000, 200, 3_000, 4_000),
        "llava": Steps(1_000, 200, 2_000, 5_000, copying=700, last=1_800),
        "qwen-vl": Steps(1_000, 200, 2_500, 3_000, seeing=2_000),
    }[name]
    gpu = Steps(3_000, 1_000, 4_000, 12_000, seeing=6_000, copying=2_100, last=6_000)
    cpu, smoke = Steps(40, 20, 30, 90, 40, 20, 20), Steps(1, 1, 1, 3, 1, 1, 1)
    return {
        "smoke": Recipe(Plan(stages(name, smoke), 8, 2), 2),
        "cpu": Recipe(Plan(stages(name, cpu), 1_000, 16), 50),
        "gpu": Recipe(Plan(stages(name, gpu, tower), 80_000, 128, muon=2e-3)),
        "full": Recipe(Plan(stages(name, full, tower), 80_000, 32, muon=2e-3)),
    }


BANDS = {
    **{"recall": 0.05, "true": 0.05, "told": 0.05, "right": 0.08, "blank": 0.08},
    **{"pages": 0.1, "extraction": 0.05, "exchange": 0.05, "read": 0.08},
}
"""How far a new measurement, of fewer examples, may lie from the card's; by the metric's kind."""
MEASURES: Mapping[str, tuple[type[Pair], Callable[..., dict[str, Measurement]]]] = {
    "clip": (Clip, measure_clip),
    "blip2": (Blip2, measure_blip2),
    "llava": (Llava, measure_llava),
    "qwen-vl": (QwenVL, measure_qwen),
}


def train_one(name: str, out: Path, tier: str, seed: int = 0, precision: str = "no") -> None:
    """Train, save and measure one of the four, and write its card.

    Progress is kept in `out`/checkpoint.pt, so a killed run goes on when the same command is given
    again. BLIP-2 and LLaVA take over the vision tower of the shipped `clip`, where there is one.

    Args:
        name: "clip", "blip2", "llava" or "qwen-vl".
        out: folder for the transformers folder, card.json and log.jsonl.
        tier: which recipe.
        seed: of the weights and of the order.
        precision: "no" (float32), "bf16" or "fp16".

    Raises:
        ValueError: an unknown precision, or a folder that holds another run.
    """
    check_precision(precision)
    shape = SMOKE if tier == "smoke" else Shape()
    command = f"mmcourse train {name} --tier {tier} --seed {seed} --precision {precision}"
    seed_everything(seed)
    model, processor = build(name, shape)
    tower = take_vision(model, name)
    recipe = recipes(name, bool(tower))[tier]
    run = Run(out, f"{command}{tower and f' on clip {tower}'}", sources_hash(SOURCES))
    if pick_device().type == "cpu":  # the fused attention of a CPU is slower than its two products
        model.set_attn_implementation("eager")
    how: dict[str, Any] = {
        "precision": precision,
        "checkpoint": out / "checkpoint.pt",
        "seed": seed,
    }
    if name == "clip":
        loop = train_pairs(model, processor, recipe.plan, **how)
    else:
        sides = sides_of(model)
        tasks: dict[str, Any] = {task: partial(_made, make, sides) for task, make in TASKS.items()}
        learning: Any = model
        if name == "qwen-vl":
            few = min(SIGHTS, recipe.plan.examples)
            learning = Seeing(model)
            tasks["sights"] = sights(processor, sides, few, recipe.plan.batch_size, seed)
        loop = train(learning, processor, recipe.plan, tasks, **how)
    run.follow(loop, recipe.plan.steps, ("loss", "gradient"))
    if not run.main:
        return
    save(model.cpu(), processor, out, dtype="float16")
    kind, measured = MEASURES[name]
    pair: Any = kind.from_pretrained(str(out))
    pair.model.to(pick_device())
    metrics = measured(pair, recipe.measured)
    banded = {k: {**m, "band": BANDS[k.split("_")[0]]} for k, m in metrics.items()}
    what = (
        "scenes, each with a neighbour,"
        if name == "clip"
        else f"examples of each task, {SCENES} scenes,"
    )
    data = (
        f"StoryWorld train, {recipe.plan.examples} {what} at "
        f"{' and '.join(map(str, sides_of(model)))} pixels"
        f"{tower and f', the vision tower of clip {tower}'}"
    )
    run.command = command  # without what is hashed
    shown = history(run.log_rows(), ("loss", "gradient"))
    run.finish(name, tier, seed, data=data, metrics=banded, history=shown)


def _made(make: Callable[[int, str, int], Any], sides: Sequence[int], index: int) -> Any:
    """An example for training; a scene has one size, and a batch all of them."""
    return make(index, "train", sides[index // 16 % len(sides)])


train_clip = partial(train_one, "clip")
train_blip2 = partial(train_one, "blip2")
train_llava = partial(train_one, "llava")
train_qwen_vl = partial(train_one, "qwen-vl")
