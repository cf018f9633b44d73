"""Folders of chapter 6's models, of the real classes and as small as they run, without anything
learned: what shipped weights are to the code that loads them."""

import torch

from mmcourse.lora.models.folders import build, save
from mmcourse.lora.models.shapes import SMOKE
from mmcourse.lora.writer import Writer, build_writer


def make(kind, folder):
    """One of the four, or "writer"."""
    torch.manual_seed(0)
    if kind == "writer":
        Writer(*build_writer(SMOKE)).save(folder)
    else:
        save(*build(kind, SMOKE), folder)
    return str(folder)
