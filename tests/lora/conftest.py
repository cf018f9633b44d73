"""A small model with every kind of layer that can be adapted, and some that can't."""

import pytest
import torch
from torch import Tensor, nn

from mmcourse.lora import adapted_layers


class Block(nn.Module):
    """Attention's four projections in name, a sum of them in fact."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.v_proj(torch.tanh(self.q_proj(self.norm(x))))


class Model(nn.Module):
    """Words, two blocks, a picture's patches, and a head."""

    def __init__(self, width: int = 16, words: int = 20) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width, padding_idx=0)
        self.patches = nn.Conv2d(3, width, 2, stride=2, bias=False)
        self.text = nn.ModuleList(Block(width) for _ in range(2))
        self.vision = nn.ModuleList([Block(width)])
        self.head = nn.Linear(width, words)

    def forward(self, ids: Tensor, pixels: Tensor) -> Tensor:
        x = self.words(ids)  # (B, T, D)
        for block in self.text:
            x = block(x)
        y = self.patches(pixels).flatten(2).mT  # (B, N, D)
        y = self.vision[0](y).mean(1, keepdim=True)
        return self.head(x + y)


@pytest.fixture(scope="session")
def fresh():
    """The model anew; another seed, another base."""

    def made(seed: int = 0) -> Model:
        torch.manual_seed(seed)
        return Model().eval()

    return made


@pytest.fixture
def model(fresh) -> Model:
    return fresh()


@pytest.fixture(scope="session")
def batch() -> tuple[Tensor, Tensor]:
    dice = torch.Generator().manual_seed(1)
    return torch.randint(0, 20, (2, 5), generator=dice), torch.randn(2, 3, 4, 4, generator=dice)


@pytest.fixture(scope="session")
def stir():
    """Give every adapter of a model other weights than those it starts with."""

    def stirred(model: nn.Module, seed: int = 2) -> nn.Module:
        dice = torch.Generator().manual_seed(seed)
        for layer in adapted_layers(model).values():
            for parameter in layer.adapters.parameters():
                parameter.data.add_(torch.randn(parameter.shape, generator=dice), alpha=0.2)
        return model

    return stirred
