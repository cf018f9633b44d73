"""Chapter 5: a transformer that draws."""

from mmcourse.dit.attention import PatchAttention
from mmcourse.dit.block import DiTBlock, SharedModulation, modulate
from mmcourse.dit.generate import draw_heroes, steps_to_pictures, way_of
from mmcourse.dit.heroes import Starring, portrait, starring
from mmcourse.dit.identity import IdentityEncoder
from mmcourse.dit.model import DiT
from mmcourse.dit.patches import patchify, unpatchify

__all__ = [
    "DiT",
    "DiTBlock",
    "IdentityEncoder",
    "PatchAttention",
    "SharedModulation",
    "Starring",
    "draw_heroes",
    "modulate",
    "patchify",
    "portrait",
    "starring",
    "steps_to_pictures",
    "unpatchify",
    "way_of",
]
