"""This course's weights: each chapter's models do what they were trained for.

Chapter 6's models read, look and write, chapter 3's eye checks what chapter 5's transformer draws;
chapter 1's towers are encoder and captioner as long as chapter 6 has no weights for these. What has
none yet is named as missing, so that a team's fall-back says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path

from mmcourse.story.backends.parts import Parts
from mmcourse.story.backends.tiny_answers import TinyPictureAnswerer, TinyStoryAnswerer
from mmcourse.story.backends.tiny_captions import Blip2Captioner, TowersCaptioner
from mmcourse.story.backends.tiny_clip import ClipEncoder, ClipMoodReader
from mmcourse.story.backends.tiny_eye import EyeChecker
from mmcourse.story.backends.tiny_models import Seer
from mmcourse.story.backends.tiny_pictures import DitIllustrator
from mmcourse.story.backends.tiny_reader import LlavaExtractor
from mmcourse.story.backends.tiny_writer import TinyWriter
from mmcourse.story.backends.towers import Towers, file_hash, shipped
from mmcourse.story.backends.world_names import (
    NamingAnswerer,
    NamingChecker,
    NamingExtractor,
    NamingWriter,
)

LATER = {
    "illustrator": "chapter 5's transformer has no weights yet",
    "writer": "chapter 6's writer has no weights yet",
    "extractor": "chapter 6's LLaVA has no weights that read well enough who is on a page",
    "picture answerer": "chapter 6's LLaVA and Qwen-VL have no weights yet",
    "story answerer": "chapter 6's LLaVA and Qwen-VL have no weights yet",
    "mood reader": "chapter 6's CLIP has no weights yet",
    "checker": "chapter 3's eye has no weights yet",
    "narrator": "has no voice; a narrator is an extra",
}
READS = 0.8
"""F1 of the characters of a page from which on a LLaVA is trusted to read stories."""
Makers = dict[str, tuple[str, Callable[[], object]]]


def tiny_backend(
    weights: str = "joint",
    illustrator: str = "dit",
    eye: str = "features",
    clip: str = "clip",
    blip2: str = "blip2",
    llava: str = "llava",
    qwen: str = "qwen-vl",
    writer: str = "writer",
) -> Parts:
    """The course's weights as a backend. Each argument is a shipped name or a folder; what is
    neither is missing.

    Args:
        weights: chapter 1's towers.
        illustrator: a `DiT`.
        eye: `Features`.
        clip: encoder, and mood reader.
        blip2: captioner.
        llava: both answerers and, if its card says that it reads who is on a page, extractor.
        qwen: a Qwen-VL: both answerers where there is no LLaVA.
        writer: the writer.
    """
    towers = Towers(weights)
    makers: Makers = {
        "encoder": (towers.name, lambda: towers),
        "captioner": (towers.name, lambda: TowersCaptioner(towers)),
    }
    if known(clip):
        encoder = cache(lambda: ClipEncoder(clip))
        makers["encoder"] = (named(clip), encoder)
        makers["mood reader"] = (named(clip), lambda: ClipMoodReader(encoder()))
    if known(blip2):
        makers["captioner"] = (named(blip2), lambda: Blip2Captioner(blip2))
    makers |= answering(llava, qwen)
    if known(writer):
        makers["writer"] = (named(writer), lambda: NamingWriter(TinyWriter(writer)))
    if known(illustrator):
        makers["illustrator"] = (named(illustrator), lambda: DitIllustrator(illustrator))
    if known(eye):
        makers["checker"] = (named(eye), lambda: NamingChecker(EyeChecker(eye)))
    return Parts("tiny", "the course's own weights", makers, LATER)


def answering(llava: str, qwen: str) -> Makers:
    """Who reads and answers: one LLaVA for all of it, or a Qwen-VL, which looks and does not
    read."""
    if not known(llava) and not known(qwen):
        return {}
    kind, weights = ("llava", llava) if known(llava) else ("qwen-vl", qwen)
    reads = kind == "llava" and reads_pages(llava)
    seer, revision = Seer(kind, weights), named(weights)
    reading = cache(lambda: LlavaExtractor(seer))
    looking = cache(lambda: TinyPictureAnswerer(seer))
    makers: Makers = {
        "picture answerer": (revision, lambda: NamingAnswerer(looking())),
        "story answerer": (
            revision,
            lambda: NamingAnswerer(TinyStoryAnswerer(reading() if reads else None, looking())),
        ),
    }
    if reads:
        makers["extractor"] = (revision, lambda: NamingExtractor(reading()))
    return makers


def known(weights: str) -> bool:
    """Whether there are such weights, shipped or in a folder."""
    return shipped(weights) or (Path(weights) / "model.safetensors").is_file()


def reads_pages(weights: str) -> bool:
    """Whether a LLaVA's card says that it reads who is on a page. A folder without a card is its
    owner's to judge."""
    folder = files("mmcourse").joinpath("weights", weights) if shipped(weights) else Path(weights)
    card = folder.joinpath("card.json")
    if not card.is_file():
        return True
    metric = json.loads(card.read_text("utf-8"))["metrics"].get("extraction_character")
    return metric is None or bool(metric["value"] >= READS)


def named(weights: str) -> str:
    """A revision for the record: these very weights."""
    return f"{Path(weights).name}@{file_hash(weights)}"
