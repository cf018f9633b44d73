"""What is learned from an answer: its labels and its loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

IGNORED = -100
"""The label of what is not to be learned: prompts, pictures, padding."""


def answer_labels(ids: Tensor, starts: Tensor, mask: Tensor, picture: int) -> Tensor:
    """Labels of prompts with their answers: the ids of the answers, `IGNORED` elsewhere.

    Padding is told by the mask and not by its id: where one token pads and ends, as in many
    tokenizers, the end would be masked as well, and the model would never learn to stop.

    Args:
        ids: (B, T) int64.
        starts: (B,) int64, where each answer begins.
        mask: (B, T) bool, False at padding.
        picture: the id that stands for a piece of a picture, and is never learned.

    Returns:
        (B, T) int64. They are not shifted; the loss does that.
    """
    place = ids.new_ones(ids.shape).cumsum(1) - 1  # (B, T)
    learned = (place >= starts[:, None]) & mask & (ids != picture)
    return ids.masked_fill(~learned, IGNORED)


def next_token_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of the labelled tokens, each predicted from the place before it.

    Args:
        logits: (B, T, words), at each place for the token after it.
        labels: (B, T) int64, `IGNORED` where nothing is asked.

    Returns:
        A scalar, in float32 or finer: NaN if nothing is labelled.
    """
    said = logits[:, :-1].flatten(0, 1)
    return F.cross_entropy(
        said if said.element_size() > 4 else said.float(),
        labels[:, 1:].flatten(),
        ignore_index=IGNORED,
    )


def answer_loss(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """`next_token_loss` of a transformers model, whose head is asked where there is a label, alone.

    The model's own loss asks the head about every place, pictures and prompts and all, and throws
    most of the logits away: with a short answer to a long prompt, they are the largest tensors of
    the whole step.

    Args:
        model: a transformers model that predicts the next token, with or without adapters.
        batch: what its processor gives, and "labels" (B, T).

    Raises:
        ValueError: labels of another shape than the ids, or none to learn from.
    """
    labels = batch["labels"]
    if labels.shape != batch["input_ids"].shape:
        raise ValueError(
            f"labels are {tuple(labels.shape)}, the ids {tuple(batch['input_ids'].shape)}: there "
            "is one label for each id"
        )
    wanted = labels[:, 1:]
    asked = F.pad(wanted != IGNORED, (0, 1))  # (B, T)
    if not asked.any():
        raise ValueError("no token is labelled, so the mean is NaN: was the answer cut off?")
    head: nn.Module = model.get_output_embeddings()  # type: ignore[operator]

    def asked_alone(_: nn.Module, given: tuple[Any, ...]) -> tuple[Tensor]:
        return (given[0][asked.to(given[0].device)][None],)  # (1, N, width)

    hook = head.register_forward_pre_hook(asked_alone)
    try:
        inputs = {k: v for k, v in batch.items() if k != "labels"}
        logits = model(**inputs, use_cache=False).logits  # (1, N, words)
    finally:
        hook.remove()
    return F.cross_entropy(logits[0].float(), wanted[wanted != IGNORED].to(logits.device))
