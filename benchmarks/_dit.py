"""Our diffusion transformer and diffusers', of one width, depth and number of tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import DiTTransformer2DModel
from torch import Tensor, nn

from mmcourse.diffusion.text import Words
from mmcourse.dit import DiT
from mmcourse.dit.optimise import Plan, optimisers_for
from mmcourse.dit.perflow import Straightened
from mmcourse.training import pick_precision

WORDS = 48
"""As many words and marks has a complete caption, on average."""
CLASSES = 1000
SIZES = {"dim": 192, "depth": 6, "heads": 3}
SMALL = {"dim": 32, "depth": 2, "heads": 2}


def build_ours(sizes: dict[str, int], shape: tuple[int, int, int]) -> DiT:
    """As it is shipped, untrained."""
    torch.manual_seed(0)
    return DiT(shape=shape, **sizes)


def build_peer(sizes: dict[str, int], shape: tuple[int, int, int]) -> DiTTransformer2DModel:
    """Theirs: adaLN-Zero in each block, classes for words. It has no attention to words to pay for,
    and more parameters."""
    torch.manual_seed(0)
    return DiTTransformer2DModel(
        num_attention_heads=sizes["heads"],
        attention_head_dim=sizes["dim"] // sizes["heads"],
        in_channels=shape[0],
        num_layers=sizes["depth"],
        sample_size=shape[1],
        num_embeds_ada_norm=CLASSES,
    )


def our_step(model: DiT, batch: int, precision: str) -> Callable[[], float]:
    """A step as `train` takes one, by AdamW alone: read the words, predict, learn."""
    x, wanted, t = inputs(model.shape, batch)
    dice = torch.Generator().manual_seed(1)
    width = model.pooled.in_features
    lengths = torch.randint(WORDS // 2, WORDS * 3 // 2, (batch, 1), generator=dice)
    words = Words(
        torch.randn(batch, WORDS * 3 // 2, width, generator=dice),
        torch.arange(WORDS * 3 // 2).expand(batch, -1) < lengths,
    )
    trained = Straightened(model).train()
    (optimiser,) = optimisers_for(trained, Plan(1, muon=None))
    return _step(trained, lambda: trained(x, t, words, None), wanted, optimiser, precision)


def peer_step(model: DiTTransformer2DModel, batch: int, precision: str) -> Callable[[], float]:
    """The same of theirs."""
    shape = model.config.in_channels, model.config.sample_size, model.config.sample_size
    x, wanted, t = inputs(shape, batch)
    labels = torch.arange(batch) % CLASSES
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    model.train()
    return _step(
        model, lambda: model(x, t.long(), class_labels=labels).sample, wanted, optimiser, precision
    )


def inputs(shape: tuple[int, int, int], batch: int) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy latents, a velocity to learn, and times."""
    dice = torch.Generator().manual_seed(0)
    x, wanted = torch.randn(2, batch, *shape, generator=dice)
    return x, wanted, 999 * torch.rand(batch, generator=dice)


def _step(
    model: nn.Module,
    predict: Callable[[], Tensor],
    wanted: Tensor,
    optimiser: torch.optim.Optimizer,
    precision: str,
) -> Callable[[], float]:
    def step() -> float:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = (predict().float() - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def precisions() -> list[str]:
    """What this machine can compute in at a bearable pace."""
    return ["no", "bf16"] if pick_precision("cpu") == "bf16" else ["no"]
