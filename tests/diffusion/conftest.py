"""Small models whose random weights are always the same."""

import pytest
import torch

from mmcourse.diffusion.text import TextReader
from mmcourse.diffusion.text_unet import TextUNet
from mmcourse.joint import TextTower
from mmcourse.storyworld import Tokenizer


@pytest.fixture(scope="session")
def reader():
    """An untrained tower that reads."""
    torch.manual_seed(0)
    words = Tokenizer()
    return TextReader(TextTower(len(words), 32, 1, 2), words, "tower")


def small_unet(**changed):
    torch.manual_seed(1)
    arguments = {"shape": (4, 8, 8), "widths": (32, 32), "looking": (1,), "middle": 1, "words": 32}
    return TextUNet(**{**arguments, **changed})


def awake(model):
    """The same model with a last convolution that is no longer 0, in eval mode."""
    torch.manual_seed(2)
    torch.nn.init.normal_(model.net.last[-1].weight, std=0.1)
    return model.eval()
