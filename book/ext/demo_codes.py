"""Chapter 2's demo: paint one picture with the codes of others, and the decoder draws it."""

import json
from functools import cache
from itertools import count
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from mmcourse.export import export_parts
from mmcourse.storyworld import Scene, caption, render, render_bytes, sample_scene
from mmcourse.storyworld.drawing.depth import LABELS
from mmcourse.vqvae import VQVAE
from mmcourse.vqvae.batches import decode_pictures, encode_pictures
from mmcourse.vqvae.edit import cells_showing, transplant
from mmcourse.vqvae.export import vqvae_parts

WEIGHTS = "vqvae"
SCENES = 8
SIDE = 128  # pixels of an original in the sheet; the model reads them at 64
CANVAS, PAINT = 7, 4
"""The scene that is painted on, and the one that is painted with, when the demo starts."""
REGIONS = {
    "sky": ("sky",),
    "land": ("land",),
    "animal": tuple(label for label in LABELS if label.startswith("character")),
}


@cache
def scenes() -> list[Scene]:
    """Held-out scenes with one animal each: no two of them share the animal, nor place and time."""
    found: list[Scene] = []
    for scene in (sample_scene("test", i) for i in count()):
        if len(scene.characters) != 1 or scene.style != "flat" or scene.weather != "clear":
            continue
        told = {(s.place, s.time) for s in found}
        species = {s.characters[0].species for s in found}
        if (scene.place, scene.time) not in told and scene.characters[0].species not in species:
            found.append(scene)
        if len(found) == SCENES:
            break
    return found


@cache
def model() -> VQVAE:
    """The shipped autoencoder."""
    return VQVAE.from_pretrained(WEIGHTS).eval()


@cache
def codes() -> torch.Tensor:
    """(scenes, 16, 16): the scenes in code numbers."""
    return encode_pictures(model(), render_bytes(scenes()))


def region(scene: int, name: str) -> torch.Tensor:
    """(16, 16) bool: the cells that show this part of a scene."""
    return cells_showing(scenes()[scene], REGIONS[name])


def painted(canvas: int, paint: int, name: str) -> torch.Tensor:
    """A picture uint8 (64, 64, 3) after a region of another one was painted into it."""
    grid = transplant(codes()[canvas], codes()[paint], region(paint, name))
    return decode_pictures(model(), grid[None])[0]


def sheet() -> Image.Image:
    """The originals, side by side."""
    whole = Image.new("RGB", (SCENES * SIDE, SIDE))
    for i, scene in enumerate(scenes()):
        whole.paste(render(scene, SIDE), (i * SIDE, 0))
    return whole


def build(folder: Path) -> None:
    """decode.onnx, the scenes' codes and regions, and the sheet of originals."""
    export_parts(vqvae_parts(model()), folder)
    sheet().save(folder / "sheet.webp", quality=84)
    data = {
        "codes": codes().flatten(1).tolist(),
        "captions": [caption(scene) for scene in scenes()],
        "regions": [
            {name: region(i, name).flatten().nonzero()[:, 0].tolist() for name in REGIONS}
            for i in range(SCENES)
        ],
        "canvas": CANVAS,
        "paint": PAINT,
    }
    (folder / "data.json").write_text(json.dumps(data, separators=(",", ":")))


def still() -> Image.Image:
    """Two scenes, and the first with the second one's animal painted into it by its codes."""
    side, gap = 300, 34
    pictures = [
        *(decode_pictures(model(), codes()[i : i + 1])[0] for i in (CANVAS, PAINT)),
        painted(CANVAS, PAINT, "animal"),
    ]
    whole = Image.new("RGB", (3 * side + 2 * gap, side), "#fffdf8")
    for i, (picture, sign) in enumerate(zip(pictures, ("+", "=", ""), strict=True)):
        drawn = Image.fromarray(picture.numpy()).resize((side, side), Image.Resampling.BICUBIC)
        whole.paste(drawn, (i * (side + gap), 0))
        at = ((i + 1) * (side + gap) - gap // 2, side // 2)
        ImageDraw.Draw(whole).text(at, sign, "#2b2a33", font_size=34, anchor="mm")
    return whole
