"""Chapter 5's demo: type a sentence, and the student of four steps draws it in the browser."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch
from PIL import Image

from mmcourse.diffusion.draw import companions
from mmcourse.dit import DiT, draw_heroes
from mmcourse.dit.export import dit_parts
from mmcourse.export import export_parts
from mmcourse.storyworld.language import words as w
from mmcourse.storyworld.language.phrases import phrasebook
from mmcourse.storyworld.language.tokenizer import Tokenizer
from mmcourse.storyworld.world import vocabulary as v
from mmcourse.storyworld.world.scene import AWAKE

from .demo_joint import KINDS, words_of_the_world

WEIGHTS = "dit-fast"
EXAMPLES = (
    "a happy orange fox in a hat is waving in the middle, on the beach by day in clear weather",
    "a sad blue owl stands on the left, in the mountains at night while it snows",
    "a happy red cat stands on the left and a surprised white mouse stands on the right, "
    "in the meadow by day in clear weather",
    "from close by, a happy green frog with a crown is sitting in the middle, "
    "at the pond at sunset in clear weather, in watercolour",
    "a happy yellow puppy is jumping on the right at the seaside by day in the rain",
)
SHOWN = (0, 2, 3)
"""Which of them the still picture shows."""
VALUES = ("quarrel", "sleeping", "left of", "right of")
"""What complete.js looks for by itself, beside whole kinds of phrases."""


@cache
def parts() -> tuple:
    """(the student, the autoencoder, the reader of captions), as shipped."""
    model = DiT.from_pretrained(WEIGHTS).eval()
    return model, *companions(model, "cpu")


def levels() -> list[float]:
    """The times between which the student takes its steps, from 1 to 0."""
    model = parts()[0]
    return [level.t / 1000 for level in model.path.levels(model.windows)]


def drawn(text: str, noise: torch.Tensor) -> torch.Tensor:
    """Latents (1, C, H, W) of a text in the world's words, as the page's script draws them."""
    model, _, reader = parts()
    x = noise
    with torch.no_grad():
        cond = model.read(reader([text]))
        for here, there in pairwise(levels()):
            x = x + (there - here) * model(x, torch.full((1,), 1000 * here), cond)
    return x


def phrases() -> dict:
    """What complete.js says and looks for: all phrases of a kind, and of each value the first."""
    said: dict[str, list[str]] = {}
    for phrase, item in phrasebook().items():
        kinds = {"does": ["action"], "doing": ["action"], "both": ["act"], "act": ["act"]}
        names = kinds.get(item.kind, [item.kind])
        names = names + [item.value] if item.value in VALUES else names
        for name in names:
            said.setdefault(name, []).append(" ".join(phrase))
    kinds = ("mood", "action", "act", "position", "relation", *VALUES)
    return {
        "said": {kind: said[kind] for kind in (*kinds, "place", "time", "weather")},
        "animals": v.SPECIES,
        "things": v.KINDS,
        "colours": v.COLOURS,
        "adjectives": [phrase for phrase in said["action"] if " " not in phrase],
        "moods": v.MOODS,
        "resting": [mood for mood in v.MOODS if mood not in AWAKE],
        "actions": [w.DOES[action][0] for action in v.ACTIONS if action != "sleeping"],
        "positions": v.POSITIONS,
        "where": {at: told[0] for at, told in w.WHERE_CHARACTER.items()},
        "setting": {
            "place": [told[0] for told in w.PLACE.values()],
            "time": [told[0] for told in w.TIME.values()],
            "weather": [told[0] for told in w.WEATHER.values()],
        },
    }


def build(folder: Path) -> None:
    """words.onnx, step.onnx, picture.onnx, and the words."""
    model, latents, reader = parts()
    export_parts(dit_parts(model, latents, reader), folder)
    data = {
        "words": Tokenizer().words,
        "lexicon": words_of_the_world(),
        "kinds": KINDS,
        "phrases": phrases(),
        "examples": EXAMPLES,
        "shape": model.shape,
        "levels": levels(),
        "side": latents.factor * model.shape[1],
    }
    (folder / "data.json").write_text(json.dumps(data, separators=(",", ":")))


def still() -> Image.Image:
    """What some of the sentences give."""
    from mmcourse.sampling_command import in_the_worlds_words

    model, latents, reader = parts()
    texts = [in_the_worlds_words(EXAMPLES[i])[0] for i in SHOWN]
    pictures = draw_heroes(model, latents, reader, texts)
    side, gap = 256, 16
    whole = Image.new("RGB", (len(SHOWN) * (side + gap) - gap, side), "#fffdf8")
    for i, picture in enumerate(pictures):
        large = Image.fromarray(picture.numpy()).resize((side, side), Image.Resampling.BICUBIC)
        whole.paste(large, (i * (side + gap), 0))
    return whole
