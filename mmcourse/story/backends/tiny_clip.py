"""Chapter 6's CLIP: unit vectors of texts and pictures, and moods of drawn faces."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mmcourse.story.abilities import Mood, MoodRequest
from mmcourse.story.backends.tiny_models import Seer, in_known_words
from mmcourse.story.backends.towers import file_hash
from mmcourse.story.backends.world_reader import WorldMoodReader
from mmcourse.story.grammar.telling import TONE_OF_MOOD
from mmcourse.storyworld.world import vocabulary as v

if TYPE_CHECKING:
    from PIL.Image import Image

AHEAD = 0.02
"""A mood is read off a picture if its prompts are nearer than any other mood's by this much
(cosine): of 200 animals of the split "val" 88 % get an answer then, 95 % of them the right one. It
does not tell a face from anything else: of a grey square a mood is read as surely."""


class ClipEncoder:
    """Texts and pictures as CLIP's vectors.

    Args:
        weights: a shipped name or a folder.
    """

    def __init__(self, weights: str = "clip") -> None:
        self.seer = Seer("clip", weights)

    @cached_property
    def name(self) -> str:
        """Under which name its vectors are stored: they belong to these very weights."""
        return f"{self.seer.weights}@{file_hash(self.seer.weights)}"

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """(N, D) float32 unit vectors. Everyday words are read as the world's, unknown ones passed
        over, and what is too long is cut at its end.

        Raises:
            ValueError: a text without any known word.
        """
        from mmcourse.lora.models.measure import embed

        return embed(self.seer.pair, texts=[self._known(text) for text in texts]).cpu().numpy()

    def _known(self, text: str) -> str:
        words = in_known_words(text, self.seer).split()
        if not words:
            raise ValueError(f"{text!r} has no word that CLIP knows; use words of the world")
        return " ".join(words[: self.seer.pair.processor.tokenizer.model_max_length - 2])

    def pictures(self, pictures: Sequence[Image]) -> np.ndarray:
        """(N, D) float32 unit vectors of the pictures' centred squares."""
        from mmcourse.lora.models.measure import embed

        shown = [self.seer.shown(picture) for picture in pictures]
        return embed(self.seer.pair, pictures=shown).cpu().numpy()

    @cached_property
    def moods(self) -> np.ndarray:
        """(moods, D): the mean vector of each mood's prompts, of length 1."""
        from mmcourse.joint.evaluate import prompts

        rows = np.stack([self.texts(group).mean(0) for group in prompts("mood")])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class ClipMoodReader(WorldMoodReader):
    """Reads moods: words by the world's words for them, a few strokes by their shapes, and any
    other picture of a face by CLIP."""

    def __init__(self, encoder: ClipEncoder) -> None:
        self.encoder = encoder

    def read(self, request: MoodRequest) -> Mood:
        """What was told goes before what was written, and that before what was drawn."""
        found = super().read(request)
        if found.mood or request.face is None:
            return found
        likeness = self.encoder.moods @ self.encoder.pictures([request.face])[0]
        best, second = np.argsort(-likeness)[:2]
        if likeness[best] - likeness[second] < AHEAD:
            return Mood("", "", f"{found.because}; CLIP finds no mood nearest")
        mood = v.MOODS[best]
        return Mood(mood, TONE_OF_MOOD[mood], f"drawn: nearest to CLIP's words for {mood}")
