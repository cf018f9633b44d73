"""Chapter 1's demo: a sentence ranks held-out pictures, by the text tower in the browser."""

import json
from functools import cache
from itertools import islice
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from mmcourse.export import export_parts
from mmcourse.joint import JointModel
from mmcourse.joint.evaluate import distinct_scenes, embed_pictures, embed_texts, lone_scenes
from mmcourse.joint.export import joint_parts
from mmcourse.storyworld import Scene, caption, render, render_bytes
from mmcourse.storyworld.language.lexicon import lexicon
from mmcourse.storyworld.language.phrases import phrasebook
from mmcourse.storyworld.language.tokenizer import Tokenizer
from mmcourse.storyworld.world import vocabulary as v

WEIGHTS = "joint"
LONE, PAIRS = 400, 200
COLUMNS = 24
SIDE = 128  # pixels of a picture in the sheet; the model sees them at 64
START = "a sad orange fox in a hat"
EXAMPLES = (
    START,
    "a happy elephant in the snow",
    "a cat by the pond at night",
    "a sleeping owl in the snow",
    "an orange cat and a white mouse",
    "a furious puppy at the seaside",
)
KINDS = {
    **{name: v.ATTRIBUTES[name] for name in ("species", "colour", "mood", "action")},
    "accessory": v.ACCESSORIES[1:],
    "thing": v.KINDS,
    "place": v.PLACES,
    "time": v.TIMES,
    "weather": v.WEATHERS[1:],
    "style": v.STYLES[1:],
    "position": v.POSITIONS,
}
"""Words that the page offers to exchange, by what they say."""


@cache
def scenes() -> list[Scene]:
    """The held-out scenes that are searched: one animal alone, and two together."""
    pairs = (s for s in distinct_scenes("test", 4 * PAIRS) if len(s.characters) == 2)
    return [*lone_scenes("test", LONE), *islice(pairs, PAIRS)]


@cache
def model() -> JointModel:
    """The shipped towers."""
    return JointModel.from_pretrained(WEIGHTS)


@cache
def vectors() -> torch.Tensor:
    """(pictures, D): where the image tower puts the pictures."""
    return embed_pictures(model(), render_bytes(scenes()))


def scores(text: str) -> torch.Tensor:
    """(pictures,): cosines with a text in the world's words."""
    return vectors() @ embed_texts(model(), [text])[0]


def ranking(text: str) -> list[int]:
    """Indices of all pictures, the best match first."""
    return scores(text).argsort(descending=True).tolist()


def sheet() -> Image.Image:
    """All pictures in rows of `COLUMNS`."""
    whole = Image.new("RGB", (COLUMNS * SIDE, -(-(LONE + PAIRS) // COLUMNS) * SIDE))
    for i, scene in enumerate(scenes()):
        whole.paste(render(scene, SIDE), (i % COLUMNS * SIDE, i // COLUMNS * SIDE))
    return whole


def words_of_the_world() -> dict[str, str]:
    """What is read as what: everyday words that the tower cannot read, to words that it can."""
    known = Tokenizer().ids
    return {
        " ".join(key): target
        for key, target in sorted(lexicon().items())
        if target and not all(word in known for word in key)
    }


def synonyms() -> dict[str, str]:
    """Single words of the world that say a value of `KINDS` in another way: furious is angry."""
    values = {value for values in KINDS.values() for value in values}
    return {
        phrase[0]: item.value
        for phrase, item in phrasebook().items()
        if len(phrase) == 1 and item.value in values and phrase[0] not in values
    }


def shown(scene: Scene) -> list[str]:
    """The words of `KINDS` that are true of somebody or something in the scene."""
    characters = [
        value
        for c in scene.characters
        for value in (c.species, c.colour, c.mood, c.action, c.accessory, c.position)
    ]
    things = [value for t in scene.things for value in (t.kind, t.colour, t.position)]
    told = [*characters, *things, scene.place, scene.time, scene.weather, scene.style]
    return sorted({word for word in told for values in KINDS.values() if word in values})


def build(folder: Path) -> None:
    """text.onnx, the vectors and the sheet of the pictures, and the words."""
    text = [part for part in joint_parts(model()) if part.name == "text"]
    export_parts(text, folder)
    (folder / "vectors.bin").write_bytes(vectors().numpy().astype("<f4").tobytes())
    sheet().save(folder / "sheet.webp", quality=80)
    data = {
        "words": Tokenizer().words,
        "lexicon": words_of_the_world(),
        "kinds": KINDS,
        "synonyms": synonyms(),
        "shown": [shown(scene) for scene in scenes()],
        "captions": [caption(scene) for scene in scenes()],
        "columns": COLUMNS,
        "examples": EXAMPLES,
    }
    (folder / "data.json").write_text(json.dumps(data, separators=(",", ":")))


def still() -> Image.Image:
    """The six best pictures for `START`, as the demo ranks them."""
    side, gap = 224, 14
    whole = Image.new("RGB", (3 * side + 2 * gap, 2 * side + gap), "#fffdf8")
    for place, i in enumerate(ranking(START)[:6]):
        picture = render(scenes()[i], side)
        at = (place % 3 * (side + gap), place // 3 * (side + gap))
        whole.paste(picture, at)
        ImageDraw.Draw(whole).text((at[0] + 8, at[1] + 6), f"{place + 1}", "#fffdf8",
                                   font_size=24, stroke_width=3, stroke_fill="#2b2a33")  # fmt: skip
    return whole
