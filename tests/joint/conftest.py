"""Towers small enough to train in a test."""

from collections.abc import Callable

import pytest
import torch

from mmcourse.joint import JointModel
from mmcourse.storyworld import Tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer()


@pytest.fixture
def tiny(tokenizer: Tokenizer) -> Callable[..., JointModel]:
    """Build 16-pixel towers from a seed."""

    def build(seed: int = 0, **arguments: object) -> JointModel:
        torch.manual_seed(seed)
        plain = {"size": 16, "dim": 32, "text_depth": 1, "image_depth": 1, "joint_dim": 16}
        return JointModel(len(tokenizer), **{**plain, **arguments})

    return build
