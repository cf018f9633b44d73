"""The command line: `mmcourse --help`."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from mmcourse import sampling_command
from mmcourse.exercises import commands as exercises
from mmcourse.paths import user_path
from mmcourse.story import commands as storyteller

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Multimodal AI from scratch: train, measure and explore the models of the book.",
)

app.add_typer(exercises.app, name="exercises")
app.command()(exercises.check)
app.command()(exercises.progress)
app.command()(sampling_command.sample)
app.command("app")(storyteller.app)
app.command()(storyteller.story)

TRAINABLE = {
    "judge": "mmcourse.storyworld.judge.recipe:train_judge",
    "joint": "mmcourse.joint.recipe:train_joint",
    "vqvae": "mmcourse.vqvae.recipe:train_vqvae",
    "vqvae-prior": "mmcourse.vqvae.prior_recipe:train_vqvae_prior",
    "vqvae-sound": "mmcourse.vqvae.sound_recipe:train_vqvae_sound",
    "features": "mmcourse.vqgan.features_recipe:train_features",
    "latents-128": "mmcourse.vqgan.latents_recipe:train_latents",
    "vqgan-64": "mmcourse.vqgan.recipe:train_vqgan",
    "vqgan-64-mse": "mmcourse.vqgan.recipe:train_squares",
    "prior": "mmcourse.vqgan.prior_recipe:train_picture_prior",
    "unet": "mmcourse.diffusion.recipe:train_unet",
    "text-unet": "mmcourse.diffusion.recipe:train_text_unet",
    "clip": "mmcourse.lora.models.recipe:train_clip",
    "blip2": "mmcourse.lora.models.recipe:train_blip2",
    "llava": "mmcourse.lora.models.recipe:train_llava",
    "qwen-vl": "mmcourse.lora.models.recipe:train_qwen_vl",
    "writer": "mmcourse.lora.writer_recipe:train_writer",
    "identity": "mmcourse.dit.identity_recipe:train_identity",
    "dit": "mmcourse.dit.recipe:train_dit",
    "dit-fast": "mmcourse.dit.fast_recipe:train_dit_fast",
}
MEASURABLE = {
    "judge": (
        "mmcourse.storyworld.judge.network:Judge",
        "mmcourse.storyworld.judge.measure:measure_judge",
    ),
    "joint": ("mmcourse.joint:JointModel", "mmcourse.joint.measure:measure_joint"),
    "vqvae": ("mmcourse.vqvae:VQVAE", "mmcourse.vqvae.measure:measure_vqvae"),
    "vqvae-prior": ("mmcourse.vqvae:CodePrior", "mmcourse.vqvae.prior_measure:measure_prior"),
    "vqvae-sound": (
        "mmcourse.vqvae.sound_model:SoundVQVAE",
        "mmcourse.vqvae.sound_recipe:measure_sound",
    ),
    "features": (
        "mmcourse.vqgan.features:Features",
        "mmcourse.vqgan.features_measure:measure_features",
    ),
    "latents-128": (
        "mmcourse.vqgan.latents:LatentAutoencoder",
        "mmcourse.vqgan.latents_measure:measure_latents",
    ),
    "vqgan-64": ("mmcourse.vqgan:VQGAN", "mmcourse.vqgan.measure:measure_vqgan"),
    "vqgan-64-mse": ("mmcourse.vqgan:VQGAN", "mmcourse.vqgan.measure:measure_vqgan"),
    "prior": (
        "mmcourse.vqgan:ResidualPrior",
        "mmcourse.vqgan.prior_measure:measure_picture_prior",
    ),
    "unet": ("mmcourse.diffusion:PixelUNet", "mmcourse.diffusion.measure:measure_unet"),
    "text-unet": ("mmcourse.diffusion:TextUNet", "mmcourse.diffusion.measure:measure_text_unet"),
    "clip": ("mmcourse.lora.models.measure:Clip", "mmcourse.lora.models.measure:measure_clip"),
    "blip2": ("mmcourse.lora.models.measure:Blip2", "mmcourse.lora.models.measure:measure_blip2"),
    "llava": ("mmcourse.lora.models.measure:Llava", "mmcourse.lora.models.measure:measure_llava"),
    "qwen-vl": ("mmcourse.lora.models.measure:QwenVL", "mmcourse.lora.models.measure:measure_qwen"),
    "writer": ("mmcourse.lora.writer:Writer", "mmcourse.lora.writer_recipe:measure_writer"),
    "identity": (
        "mmcourse.dit:IdentityEncoder",
        "mmcourse.dit.identity_measure:measure_identity",
    ),
    "dit": ("mmcourse.dit:DiT", "mmcourse.dit.measure:measure_dit"),
    "dit-fast": ("mmcourse.dit:DiT", "mmcourse.dit.measure:measure_dit"),
}
EXPORTABLE = {
    "joint": ("mmcourse.joint:JointModel", "mmcourse.joint.export:joint_parts"),
    "vqvae": ("mmcourse.vqvae:VQVAE", "mmcourse.vqvae.export:vqvae_parts"),
    "dit": ("mmcourse.dit:DiT", "mmcourse.dit.export:drawing_parts"),
    "dit-fast": ("mmcourse.dit:DiT", "mmcourse.dit.export:drawing_parts"),
}


def _load(reference: str) -> object:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def _known(name: str, table: dict) -> None:
    if name not in table:
        raise ValueError(f"no model is called {name!r}; choose one of {', '.join(table)}")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="Which model, such as joint.")],
    tier: Annotated[str, typer.Option(help="smoke, cpu, gpu or full.")] = "cpu",
    out: Annotated[Path | None, typer.Option(help="Folder to save to (runs/NAME).")] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights and data.")] = 0,
    precision: Annotated[
        str, typer.Option(help="auto (what this device is fastest in), no (float32), bf16 or fp16.")
    ] = "auto",
) -> None:
    """Train a model as its card says, with a card of its own. Killed runs go on where they were."""
    from mmcourse.processes import rank
    from mmcourse.training import TIERS, check_seed, pick_device, pick_precision

    _known(name, TRAINABLE)
    if tier not in TIERS:
        raise ValueError(f"tier {tier!r} does not exist; choose one of {', '.join(TIERS)}")
    check_seed(seed)
    if precision == "auto":
        device = pick_device()
        precision = pick_precision(device)
        if rank() == 0:
            typer.echo(f"on this {device.type}: --precision {precision}", err=True)
    _load(TRAINABLE[name])(user_path(out or Path("runs") / name), tier, seed, precision)  # type: ignore[operator]


@app.command()
def measure(
    name: Annotated[str, typer.Argument(help="A shipped model, such as joint.")],
    n: Annotated[int | None, typer.Option(help="Scenes per metric (the card's).")] = None,
    weights: Annotated[str | None, typer.Option(help="A folder to measure instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure every metric of a model's card again, on held-out scenes."""
    _known(name, MEASURABLE)
    if n is not None and n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    model_class, function = (_load(reference) for reference in MEASURABLE[name])
    model = model_class.from_pretrained(weights or name)  # type: ignore[attr-defined]
    metrics = function(model, n)  # type: ignore[operator]
    if as_json:
        typer.echo(json.dumps({"name": name, "metrics": metrics}))
        return
    for metric, m in metrics.items():
        chance = "none" if m["chance"] is None else f"{m['chance']:.4f}"
        typer.echo(f"{metric:32} {m['value']:.4f}   n={m['n']}   chance {chance}")


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="A shipped model, such as joint.")],
    out: Annotated[Path | None, typer.Option(help="Folder (default: NAME-onnx).")] = None,
    weights: Annotated[str | None, typer.Option(help="A folder to export instead.")] = None,
) -> None:
    """Write a model as ONNX, which runs in a browser, and check it against torch."""
    from mmcourse.export import export_parts

    _known(name, EXPORTABLE)
    model_class, parts = (_load(reference) for reference in EXPORTABLE[name])
    folder = user_path(out or f"{name}-onnx")
    model = model_class.from_pretrained(weights or name)  # type: ignore[attr-defined]
    for part, note in export_parts(parts(model), folder).items():  # type: ignore[operator]
        far, size = note["largest_difference"], note["bytes"] / 1e6
        typer.echo(f"{folder / note['file']}: {size:.1f} MB, at most {far:.1e} from torch ({part})")


@app.command()
def doctor() -> None:
    """Look this machine over and say in plain words what is missing."""
    from mmcourse.doctor import main as look

    raise typer.Exit(look())


def main() -> None:
    """Run the command line; what a user can mend is one line, without a traceback."""
    try:
        app()
    except (ValueError, OSError) as error:
        print(f"mmcourse: {error}", file=sys.stderr)
        raise SystemExit(2) from None
