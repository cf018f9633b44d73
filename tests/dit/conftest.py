"""Small models whose random weights are always the same."""

import pytest
import torch

from mmcourse.diffusion.text import TextReader
from mmcourse.dit.data import Heroes
from mmcourse.dit.model import DiT
from mmcourse.dit.whom import Whom
from mmcourse.joint import TextTower
from mmcourse.storyworld import Tokenizer


@pytest.fixture(scope="session")
def reader():
    """An untrained tower that reads."""
    torch.manual_seed(0)
    words = Tokenizer()
    return TextReader(TextTower(len(words), 32, 1, 2), words, "tower")


def small_dit(**changed):
    """Eight by eight latents of four channels, in sixteen patches."""
    torch.manual_seed(1)
    arguments = {"shape": (4, 8, 8), "dim": 32, "depth": 2, "heads": 2, "words": 32, "hero": 12}
    return DiT(**{**arguments, **changed})


def awake(model):
    """The same model, no layer of which is 0 any more, in eval mode."""
    torch.manual_seed(2)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def heroes(n=4):
    """Random scenes with portraits, as small as `small_dit` takes them."""
    dice = torch.Generator().manual_seed(0)
    return Heroes(
        torch.randn(n, 4, 8, 8, generator=dice),
        torch.randn(n, 16, 6, generator=dice),
        torch.zeros(n, dtype=torch.bool),
        Whom(
            torch.randn(n, 12, generator=dice),
            torch.rand(n, 8, generator=dice),
            torch.rand(n, 16, generator=dice),
        ),
    )
