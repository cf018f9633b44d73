"""Contrastive losses with a bug each: known mistakes of one exercise, suspects of another."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def _logits(text_emb: Tensor, image_emb: Tensor) -> tuple[Tensor, Tensor]:
    cosines = text_emb @ image_emb.T
    return cosines, torch.arange(len(cosines), device=cosines.device)


def texts_only(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb)
    return F.cross_entropy(logit_scale * cosines, target)


def pictures_only(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb)
    return F.cross_entropy(logit_scale * cosines.T, target)


def divided(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb)
    return _both(cosines / logit_scale, target)


def squared(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb)
    return _both(logit_scale * logit_scale * cosines, target)


def exponentiated(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb)
    return _both(torch.as_tensor(logit_scale).exp() * cosines, target)


def unscaled(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    return _both(*_logits(text_emb, image_emb))


def not_halved(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb)
    return 2 * _both(logit_scale * cosines, target)


def summed(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb)
    return _both(logit_scale * cosines, target) * len(cosines)


def shifted(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb)
    return _both(logit_scale * cosines, target.roll(1))


def softmax_twice(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb)
    rows, columns = (logit_scale * cosines).softmax(1), (logit_scale * cosines.T).softmax(1)
    return (F.cross_entropy(rows, target) + F.cross_entropy(columns, target)) / 2


def detached(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    cosines, target = _logits(text_emb, image_emb.detach())
    return _both(logit_scale * cosines, target)


def _both(logits: Tensor, target: Tensor) -> Tensor:
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
