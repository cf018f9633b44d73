"""Chapter 1's towers as encoder and as reader of attributes: what the course's first weights see.

They know this world's pictures and words only. Of a picture from outside they say the nearest thing
that they know, and the caption says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from mmcourse.story.abilities import Captioned
from mmcourse.story.facts import Fact
from mmcourse.storyworld.world.dice import Dice
from mmcourse.storyworld.world.sampling import sample_identity

if TYPE_CHECKING:
    from PIL.Image import Image

ATTRIBUTES = ("species", "colour", "accessory", "mood", "action", "place", "time", "weather")
HOW = "looked at by chapter 1's towers, which know nothing but StoryWorld"


def shipped(weights: str) -> bool:
    """Whether weights of this name come with the package."""
    return files("mmcourse").joinpath("weights", weights, "model.safetensors").is_file()


def file_hash(weights: str) -> str:
    """The first digits of the hash of the weights' file, without loading torch for shipped ones.

    Raises:
        ValueError: there are no such weights.
    """
    file = files("mmcourse").joinpath("weights", weights, "model.safetensors")
    if not file.is_file():
        from mmcourse.hub import find_folder

        file = find_folder(weights) / "model.safetensors"
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


class Towers:
    """The joint model, loaded when it is first needed.

    Args:
        weights: a shipped name or a folder.
    """

    def __init__(self, weights: str = "joint") -> None:
        self.weights = weights

    @property
    def name(self) -> str:
        """Under which name its vectors are stored: they belong to these very weights."""
        return f"{self.weights}@{self.revision}"

    @cached_property
    def revision(self) -> str:
        """The first digits of the hash of the weights' file."""
        return file_hash(self.weights)

    @cached_property
    def model(self) -> Any:
        """The towers, in eval mode, on the CPU."""
        from mmcourse.joint.model import JointModel

        return JointModel.from_pretrained(self.weights)

    @cached_property
    def tokenizer(self) -> Any:
        """The words that they know."""
        from mmcourse.joint.evaluate import known_words

        return known_words(self.model)

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """(N, D) float32 unit vectors. Everyday words are read as the world's; words that remain
        unknown are passed over.

        Raises:
            ValueError: a text without any known word.
        """
        from mmcourse.joint.evaluate import embed_texts

        return embed_texts(self.model, [self._known(t) for t in texts]).numpy()

    def _known(self, text: str) -> str:
        from mmcourse.storyworld.language.lexicon import read_prompt
        from mmcourse.storyworld.language.phrases import tokens

        said = (
            text if all(w in self.tokenizer.ids for w in tokens(text)) else read_prompt(text).text
        )
        words = [w for w in tokens(said) if w in self.tokenizer.ids]
        if not words:
            raise ValueError(f"{text!r} has no word that the towers know; use words of the world")
        return " ".join(words[: self.model.text_tower.max_length - 2])

    def pictures(self, pictures: Sequence[Image]) -> np.ndarray:
        """(N, D) float32 unit vectors of the pictures' centred squares."""
        import torch

        from mmcourse.joint.evaluate import embed_pictures
        from mmcourse.pictures import load_picture

        side = self.model.image_tower.size
        rows = [np.asarray(load_picture(p, side)) for p in pictures]
        return embed_pictures(self.model, torch.from_numpy(np.stack(rows))).numpy()

    def classes(self, attribute: str) -> np.ndarray:
        """(C, P, D): the prompts of each value of an attribute, as unit vectors."""
        return self._classes[attribute]

    @cached_property
    def _classes(self) -> dict[str, np.ndarray]:
        from mmcourse.joint.evaluate import class_embeddings

        return {k: class_embeddings(self.model, k).numpy() for k in ATTRIBUTES}

    def attributes(self, picture: Image) -> dict[str, tuple[str, float]]:
        """For each attribute the likeliest value, and how far it is ahead of the second (cosine).
        Meant for pictures of one animal; of several, one is described."""
        from mmcourse.storyworld.world.vocabulary import ATTRIBUTES as VALUES

        vector = self.pictures([picture])[0]
        out = {}
        for attribute, prompts in self._classes.items():
            means = prompts.mean(1)
            means /= np.linalg.norm(means, axis=1, keepdims=True)
            likeness = means @ vector
            best, second = np.argsort(-likeness)[:2]
            ahead = float(likeness[best] - likeness[second])
            out[attribute] = (VALUES[attribute][best], ahead)
        return out

    def caption(self, picture: Image) -> Captioned:
        """What a picture shows, as far as the towers can tell."""
        from mmcourse.storyworld.language.captions import caption
        from mmcourse.storyworld.world.scene import AWAKE, Character, Scene

        seen = {k: value for k, (value, _) in self.attributes(picture).items()}
        if seen["action"] == "sleeping" and seen["mood"] in AWAKE:
            seen["action"] = "standing"
        dice = Dice("seen", *seen.values())
        look = {k: seen[k] for k in ("species", "colour", "accessory", "mood", "action")}
        animal = Character(**look, identity=sample_identity(dice))
        place = {k: seen[k] for k in ("place", "time", "weather")}
        scene = Scene((animal,), **place)  # type: ignore[arg-type]
        facts = [Fact("scene", k, x) for k, x in place.items()]
        facts += [Fact("character 1", k, x) for k, x in look.items()]
        return Captioned(caption(scene), tuple(facts), False, HOW, scene.to_json())
