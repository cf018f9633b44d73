"""The world's own pen: everything exact, always there, the ceiling of every measurement."""

from __future__ import annotations

from mmcourse._version import __version__
from mmcourse.story.backends.parts import Parts
from mmcourse.story.backends.towers import Towers
from mmcourse.story.backends.world_answers import PictureAnswerer, StoryAnswerer
from mmcourse.story.backends.world_checker import WorldChecker
from mmcourse.story.backends.world_names import (
    NamingAnswerer,
    NamingCaptioner,
    NamingChecker,
    NamingExtractor,
    NamingIllustrator,
    NamingWriter,
)
from mmcourse.story.backends.world_pictures import WorldCaptioner, WorldIllustrator
from mmcourse.story.backends.world_reader import WorldExtractor, WorldMoodReader
from mmcourse.story.backends.world_writer import WorldWriter


def world_backend() -> Parts:
    """The plot grammar writes, the renderer draws, the parser reads, chapter 1's towers look. Its
    revision is the package's version, for it has no weights but the towers'."""
    towers = Towers()
    makers = {
        "writer": lambda: NamingWriter(WorldWriter()),
        "extractor": lambda: NamingExtractor(WorldExtractor()),
        "captioner": lambda: NamingCaptioner(WorldCaptioner(towers)),
        "picture answerer": lambda: NamingAnswerer(PictureAnswerer(towers)),
        "story answerer": lambda: NamingAnswerer(StoryAnswerer()),
        "encoder": lambda: towers,
        "illustrator": lambda: NamingIllustrator(WorldIllustrator()),
        "mood reader": WorldMoodReader,
        "checker": lambda: NamingChecker(WorldChecker()),
    }
    return Parts(
        "world",
        "the world's own pen",
        {name: (__version__, make) for name, make in makers.items()},
        {"narrator": "has no voice; a narrator is an extra"},
    )
