"""How a pretrained model is asked for: `NAME`, `NAME@REVISION`, and what else after commas.

Qwen/Qwen2.5-VL-3B-Instruct@main,4bit
stabilityai/sdxl-turbo,steps=4,guidance=0
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmcourse.paths import user_path

KNOWN = {
    "encoder": "openai/clip-vit-base-patch32",
    "captioner": "Salesforce/blip2-opt-2.7b",
    "answerer": "llava-hf/llava-1.5-7b-hf",
    "writer": "Qwen/Qwen2.5-VL-3B-Instruct",
    "illustrator": "stable-diffusion-v1-5/stable-diffusion-v1-5",
}
"""Models that the book speaks of. None is fetched unless it is asked for by name."""
STEPS, GUIDANCE = 25, 7.5
FEW = {"stabilityai/sdxl-turbo": (4, 0.0), "stabilityai/sd-turbo": (4, 0.0)}
"""Steps and guidance of pipelines that were distilled to few steps: with guidance they burn."""


@dataclass(frozen=True)
class Model:
    """A model as it was asked for.

    name: a folder or a hub id. revision: of a hub id; None is whatever its main branch holds.
    four: whether its matrices are packed to four bits.
    steps, guidance: of an illustrator.
    """

    name: str
    revision: str | None = None
    four: bool = False
    steps: int = STEPS
    guidance: float = GUIDANCE

    def shown(self) -> str:
        """What a record says of it: its name, and its revision where that is pinned."""
        folder = user_path(self.name).is_dir()
        four = ",4bit" if self.four else ""
        return (
            f"{Path(self.name).name if folder else self.name}@{self.revision or 'unpinned'}{four}"
        )


def model_called(text: str, revision: str | None = None) -> Model:
    """A model by what was typed. A folder's name is taken as it is, commas and all.

    Args:
        text: as in this module's head.
        revision: where the text has none.

    Raises:
        ValueError: something after a comma that is none of 4bit, steps=N, guidance=X.
    """
    if user_path(text).is_dir():
        return Model(text, revision)
    whole, *wishes = text.split(",")
    name, _, pinned = whole.partition("@")
    if user_path(whole).is_dir():
        name, pinned = whole, ""
    steps, guidance = FEW.get(name, (STEPS, GUIDANCE))
    four = False
    for wish in wishes:
        key, _, value = wish.strip().partition("=")
        try:
            if wish.strip() == "4bit":
                four = True
            elif key == "steps" and 1 <= int(value) <= 1000:
                steps = int(value)
            elif key == "guidance" and 0 <= float(value) <= 100:
                guidance = float(value)
            else:
                raise ValueError
        except ValueError:
            raise ValueError(
                f"{wish!r} after {name!r} is nothing that can be asked of a model; what can be: "
                "4bit, steps=25, guidance=7.5"
            ) from None
    return Model(name, pinned or revision, four, steps, guidance)
