"""The objective of towers and fused encoder together: contrast, matching, masked words."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mmcourse.joint.losses import clip_loss, masked_clip_loss
from mmcourse.joint.masking import IGNORED, mask_words, masked_word_loss
from mmcourse.joint.matching import draw_negatives, matching_loss
from mmcourse.joint.model import JointModel
from mmcourse.joint.pairs import Batch, Pairs
from mmcourse.joint.train import in_float32, picked


def by_length(mask: Tensor, parts: int = 4) -> Iterator[tuple[Tensor, int]]:
    """Rows of texts (B, T) in parts of about equal length, so that short ones are not padded to
    the longest: the rows of each part, and the length of its longest text."""
    lengths = mask.sum(1)
    for rows in lengths.argsort().tensor_split(parts):
        if len(rows):
            yield rows, int(lengths[rows].max())


class ThreeLosses(nn.Module):
    """The sum of three losses over one batch.

    The towers are told which text belongs to which picture. What they confuse, the fused encoder
    is asked about: half of its questions are true pairs, a quarter are texts with a picture that
    the towers take for theirs, a quarter are pictures with such a text; those that happen to be
    true are answered so. And it has to name words
    that were hidden.

    Source: Li et al., Align before Fuse, 2021, section 3.2.

    Args:
        model: with a fused encoder.
        pairs: what is trained on; `pairs.fits` tells of a drawn pair whether it is wrong at all.
        rate: share of the words that are asked for.

    Raises:
        ValueError: the model has towers only.
    """

    def __init__(self, model: JointModel, pairs: Pairs, rate: float = 0.25) -> None:
        super().__init__()
        model.reader  # noqa: B018 - towers alone are refused here, not in the first step
        self.model, self.pairs, self.rate = model, pairs, rate

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and what it is made of."""
        model = self.model
        dice = torch.Generator().manual_seed(1_000_003 * self.pairs.seed + batch.step)
        pooled, words = model.text_tower(batch.ids, batch.mask)  # (B, dim), (B, T, dim)
        seen, cells = model.image_tower(batch.pixels)  # (B, dim), (B, S, dim)
        text, image = model.project_text(pooled), model.project_image(seen)
        scale = model.logit_scale.exp()
        with in_float32(text.device):
            text, image = text.float(), image.float()
            if batch.ignored is None:
                contrast = clip_loss(text, image, scale)
            else:
                contrast = masked_clip_loss(text, image, scale, batch.ignored)
            accuracy = picked(text, image)
            texts, pictures, fit = self._questions(scale * text @ image.T, batch, dice)
        answers = self._answers(words[texts], batch.mask[texts], cells[pictures])  # (B,)
        matching = matching_loss(answers, fit)
        names, hidden = self._names(batch, cells, dice)  # (hidden words, V), (hidden words,)
        masked = masked_word_loss(names[None], hidden[None])
        return contrast + matching + masked, {
            "accuracy": accuracy,
            "scale": scale,
            "contrast": contrast,
            "matching": matching,
            "matched": ((answers > 0) == fit).float().mean(),
            "masked": masked,
            "named": (names.argmax(-1) == hidden).float().mean(),
        }

    def _questions(
        self, logits: Tensor, batch: Batch, dice: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Which texts (B,) are shown with which pictures (B,), and whether they fit (B,).

        Every second text comes with its own picture, every fourth with a wrong one, and every
        fourth picture with a wrong text.
        """
        own = torch.arange(len(logits), device=logits.device)
        # at random: captions' completeness goes by their index, and must not tell the answer
        turn = torch.randperm(len(own), generator=dice).to(own.device) % 4
        wrong_picture = draw_negatives(logits, dice, batch.ignored)
        excluded = None if batch.ignored is None else batch.ignored.T
        wrong_text = draw_negatives(logits.T, dice, excluded)
        texts = torch.where(turn == 1, wrong_text, own)
        pictures = torch.where(turn == 3, wrong_picture, own)
        fits = self.pairs.fits or (lambda i, step, j: i == j)
        at = batch.index
        drawn = zip(texts.tolist(), pictures.tolist(), strict=True)
        fit = [fits(at[i], batch.step, at[j]) for i, j in drawn]
        return texts, pictures, torch.tensor(fit, device=logits.device)

    def _answers(self, words: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """(B,): the logits of "this text fits this picture"."""
        reader, answers = self.model.reader, torch.empty(len(words), device=words.device)
        for rows, length in by_length(mask):
            there = mask[rows, :length]
            read = reader(words[rows, :length], there, cells[rows])
            answers[rows] = reader.match(read, there)
        return answers

    def _names(self, batch: Batch, cells: Tensor, dice: torch.Generator) -> tuple[Tensor, Tensor]:
        """Logits (hidden words, V) of the words that were hidden, and these words' ids."""
        shown, labels = mask_words(batch.ids, len(self.pairs.tokenizer), dice, self.rate)
        names, hidden = [], []
        for rows, length in by_length(batch.mask):
            asked = labels[rows, :length]
            read = self.model.fuse(shown[rows, :length], batch.mask[rows, :length], cells[rows])
            names.append(self.model.reader.word(read[asked != IGNORED]))
            hidden.append(asked[asked != IGNORED])
        return torch.cat(names), torch.cat(hidden)
