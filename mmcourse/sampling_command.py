"""`mmcourse sample`: from a sentence to a picture file, by whichever model of the book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from mmcourse.paths import user_path

DRAWERS = {
    "vqvae-prior": "mmcourse.vqvae.draw:draw_captions",
    "prior": "mmcourse.vqgan.draw:draw_captions",
    "text-unet": "mmcourse.diffusion.draw:draw_captions",
    "dit": "mmcourse.dit.draw:draw_captions",
    "dit-fast": "mmcourse.dit.draw:draw_fast",
}
"""The models that draw sentences. Each function takes (texts, seeds, weights, guidance, steps),
where None stands for the model's own choice, and returns uint8 pictures (N, H, W, 3)."""
REFERRING = ("dit", "dit-fast")
"""Those that draw somebody again, whose functions take a reference, a file, too."""


def in_the_worlds_words(prompt: str) -> tuple[str, str]:
    """A prompt as the world says it, and how it was read, in a sentence ("" if as it stands).

    Raises:
        ValueError: an empty prompt, or a word that neither the world nor the lexicon knows.
    """
    from mmcourse.storyworld.language.lexicon import read_prompt

    reading = read_prompt(prompt)
    if not reading.ok:
        raise ValueError(reading.explain())
    if not reading.text.strip():
        raise ValueError(
            "the prompt holds nothing that a picture could show; try "
            '"a red fox and a blue owl on the beach at night"'
        )
    return reading.text, reading.explain()


def completed(text: str, seed: int) -> str:
    """A text with what it leaves open drawn by dice, or as it is where it leaves nothing open."""
    from mmcourse.storyworld import caption
    from mmcourse.storyworld.completing import complete

    scene = complete(text, seed)
    return text if scene is None else caption(scene, key=seed)


def drawer(model: str) -> Callable:
    """The function that draws with this model.

    Raises:
        ValueError: a model that draws no sentences.
    """
    if model not in DRAWERS:
        raise ValueError(f"{model!r} draws no sentences; choose one of {', '.join(DRAWERS)}")
    module, _, name = DRAWERS[model].partition(":")
    return getattr(import_module(module), name)


def shown_to(model: str, reference: Path | None) -> dict[str, Path]:
    """What a model's function is given beside the words.

    Raises:
        ValueError: a reference for a model that takes none.
    """
    if reference is None:
        return {}
    if model not in REFERRING:
        raise ValueError(
            f"{model} draws nobody again: leave --reference out, or choose one of"
            f" {', '.join(REFERRING)}"
        )
    return {"reference": reference}


def sample(  # noqa: PLR0913 - each is an option of the command
    prompt: Annotated[str, typer.Argument(help='What to draw: "a red fox on the beach".')],
    model: Annotated[str, typer.Option(help=f"Who draws: {', '.join(DRAWERS)}.")] = "dit",
    out: Annotated[Path, typer.Option(help="The picture's file, a PNG.")] = Path("sample.png"),
    seed: Annotated[int, typer.Option(help="Same seed, same picture.")] = 0,
    guidance: Annotated[float | None, typer.Option(help="Its scale; 1 is off.")] = None,
    steps: Annotated[int | None, typer.Option(help="Of the sampler.")] = None,
    weights: Annotated[str | None, typer.Option(help="A folder to draw with instead.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="A portrait of whom to draw again, cut closely.")
    ] = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="Draw it as it stands, with what it leaves open.")
    ] = False,
) -> None:
    """Draw a sentence. Everyday words are read as the world's, and dice, which the seed throws,
    say what it leaves open; you are told both."""
    draw = drawer(model)
    if out.suffix.lower() != ".png":
        raise ValueError(f"{out} is no PNG: give a name that ends in .png")
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed is {seed}, expected 0 or more")
    shown = shown_to(model, reference)
    text, told = in_the_worlds_words(prompt)
    typer.echo(told or f'Read as it stands: "{text}".')
    drawn = text if brief else completed(text, seed)
    if drawn != text:
        typer.echo(f'Completed by dice: "{drawn}".')
    elif told:
        typer.echo(f'Drawn: "{text}".')
    save(draw([drawn], [seed], weights, guidance, steps, **shown), user_path(out))
    typer.echo(f"{out}: {model}, seed {seed}")


def save(pictures: Sequence, out: Path) -> None:
    """Write the first of uint8 pictures (N, H, W, 3) as a PNG.

    Raises:
        OSError: if the folder cannot be written.
    """
    import io

    from PIL import Image

    from mmcourse.checkpoints import write_atomically

    packed = io.BytesIO()
    Image.fromarray(pictures[0].numpy()).save(packed, "PNG")
    write_atomically({out: packed.getvalue()})
