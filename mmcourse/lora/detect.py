"""What goes wrong without a word, and the number that shows it.

Each detector looks at a model, a batch or an optimiser and returns a number or names, so that a lab
can plot it and a training can assert it before its first hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmcourse.lora.injection import adapted_layers, matches
from mmcourse.lora.loss import IGNORED, answer_loss
from mmcourse.training import evaluating


def dead_layers(model: nn.Module, batch: Mapping[str, Tensor]) -> list[str]:
    """Adapted layers that no gradient reaches: both factors are zero, or the output isn't used.

    Args:
        model: with adapters in use. Its gradients are cleared.
        batch: as for `answer_loss`.
    """
    model.zero_grad()
    answer_loss(model, batch).backward()
    dead = []
    for path, layer in adapted_layers(model).items():
        own = [p for adapter, _ in layer.active for p in adapter.parameters()]
        if own and not any(p.grad is not None and bool(p.grad.any()) for p in own):
            dead.append(path)
    model.zero_grad()
    return dead


def missing_from(optimiser: torch.optim.Optimizer, model: nn.Module) -> list[str]:
    """Parameters that take gradients and that an optimiser does not hold: it was built before the
    adapters were injected, and will never move them."""
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    return [n for n, p in model.named_parameters() if p.requires_grad and id(p) not in held]


def adapted_outside(model: nn.Module, pattern: str) -> list[str]:
    """Adapted layers whose path a pattern does not mean, such as a vision tower's."""
    return [path for path in adapted_layers(model) if not matches(path, pattern)]


def labelled_share(batch: Mapping[str, Tensor]) -> float:
    """Share of a batch's real tokens that are learned. With short answers it is small; near 1 the
    prompt is in the loss.

    Raises:
        ValueError: a batch without any token.
    """
    if not batch["attention_mask"].any():
        raise ValueError("the batch holds no token, so no share of them: give one row or more")
    mask = batch["attention_mask"].bool()
    return float((batch["labels"][mask] != IGNORED).float().mean())


def gain_by_looking(model: nn.Module, batch: Mapping[str, Tensor]) -> float:
    """By how much the loss falls when each row has its own picture rather than its neighbour's.

    About 0 in a model that answers without looking, or whose processor puts in no place for the
    picture.

    Raises:
        ValueError: a batch of one, or pictures of unlike sizes.
    """
    rows = len(batch["input_ids"])
    pixels = batch["pixel_values"]
    if rows < 2 or len(pixels) % rows:
        raise ValueError(
            f"{rows} rows and {len(pixels)} pieces of pictures: give at least two rows, each with "
            "a picture of one size"
        )
    moved = pixels.unflatten(0, (rows, -1)).roll(1, 0).flatten(0, 1)
    with evaluating(model):
        own, other = (answer_loss(model, {**batch, "pixel_values": p}) for p in (pixels, moved))
    return float(other - own)


def merging_error(model: nn.Module, batch: Mapping[str, Tensor]) -> float:
    """The largest change of a logit when the adapters in use are merged; the model is left as it
    was, even on error. Rounding alone is below 1e-4 in float32; an update that is scaled otherwise,
    or merged a second time, is not."""
    inputs = {k: v for k, v in batch.items() if k != "labels"}
    layers = adapted_layers(model).values()
    merged = [layer.merged for layer in layers]
    with evaluating(model):
        apart: Any = model(**inputs).logits
        try:
            for layer in layers:
                layer.unmerge() if any(merged) else layer.merge()
            together: Any = model(**inputs).logits
        finally:
            for layer, was in zip(layers, merged):
                layer.merge() if was else layer.unmerge()
    return float((together - apart).abs().max())


def spectrum(A: Tensor, B: Tensor) -> Tensor:
    """The singular values of B A, (r,), largest first, without multiplying it out.

    Of a rank that is larger than a task needs the last ones are small.

    Args:
        A: (r, in).
        B: (out, r).

    Raises:
        ValueError: NaN or infinity in one of them.
    """
    if not (A.isfinite().all() and B.isfinite().all()):
        raise ValueError("A or B holds NaN or infinity, which have no spectrum: see the training")
    outer = torch.linalg.qr(B.float()).R  # (k, r)
    inner = torch.linalg.qr(A.float().T).R  # (k, r)
    return torch.linalg.svdvals(outer @ inner.T)


def entropy_rank(values: Tensor) -> float:
    """How many directions a spectrum spreads over: e to the entropy of its shares, 1 for one
    direction and r for r equal ones; 0 where all are 0.

    Source: Roy and Vetterli, The Effective Rank, 2007.
    """
    if not bool(values.any()):
        return 0.0
    shares = values / values.sum()
    return float(torch.special.entr(shares).sum().exp())
