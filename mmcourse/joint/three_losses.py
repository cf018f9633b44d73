"""The objective of towers and fused encoder together: contrast, matching, masked words."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcourse.joint.masking import IGNORED, mask_words, masked_word_loss
from mmcourse.joint.matching import draw_negatives, matching_loss
from mmcourse.joint.model import JointModel
from mmcourse.joint.pairs import Batch, Pairs
from mmcourse.joint.towers import by_length
from mmcourse.joint.train import contrast, in_float32, picked, read
from mmcourse.processes import gather, my_rows, weight_of


class ThreeLosses(nn.Module):
    """The sum of three losses over one batch.

    The towers are told which text belongs to which picture. What they confuse, the fused encoder
    is asked about, with one text of each picture: half of its questions are true pairs, a quarter
    are texts with a picture that the towers take for theirs, a quarter are pictures with such a
    text. And it has to name words that were hidden in these texts.

    Source: Li et al., Align before Fuse, 2021, section 3.2.

    Args:
        model: with a fused encoder.
        pairs: what is trained on; `pairs.truth` tells which drawn pairs would be true.
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
        tokens = (*read(model, batch), *model.image_tower(batch.pixels))
        # (N, dim), (N, T, dim), (B, dim), (B, S, dim), of all processes
        pooled, words, seen, cells = map(gather, tokens)
        text, image = model.project_text(pooled), model.project_image(seen)
        scale = model.logit_scale.exp()
        one = self._one_each(len(cells), dice).to(text.device)  # (B,)
        own = torch.eye(len(cells), dtype=torch.bool, device=text.device)
        true = own if batch.true is None else batch.true[one]  # (B, B)
        with in_float32(text.device):
            text, image = text.float(), image.float()
            told_apart = contrast(text, image[batch.of], scale, batch.ignored)
            accuracy = picked(text, image, batch.of)
            texts, pictures = self._questions(scale * text[one] @ image.T, true, dice)
        mine = my_rows(len(texts))  # each process asks about its own part
        texts, pictures = texts[mine], pictures[mine]
        fit = true[texts, pictures]
        texts = one[texts]
        answers = self._answers(words[texts], batch.mask[texts], cells[pictures])  # (B,)
        matching = matching_loss(answers, fit)
        names, hidden = self._names(batch.ids[one], batch.mask[one], cells, dice)
        asked = torch.tensor(len(hidden), device=text.device)
        masked = masked_word_loss(names[None], hidden[None]) * weight_of(asked)
        return told_apart + matching + masked, {
            "accuracy": accuracy,
            "scale": scale,
            "contrast": told_apart,
            "matching": matching,
            "matched": ((answers > 0) == fit).float().mean(),
            "masked": masked,
            "named": (names.argmax(-1) == hidden).float().mean(),
        }

    def _one_each(self, n: int, dice: torch.Generator) -> Tensor:
        """The number (n,) of one text of each of n pictures, at random."""
        captions = self.pairs.captions
        return torch.arange(n) * captions + torch.randint(captions, (n,), generator=dice)

    def _questions(
        self, logits: Tensor, true: Tensor, dice: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Which texts (B,) are shown with which pictures (B,), by the logits (B, B) of all.

        Every second text comes with its own picture, every fourth with a wrong one, and every
        fourth picture with a wrong text. A text that is true of all is asked about all the same.
        """
        own = torch.arange(len(logits), device=logits.device)
        # at random: captions' completeness goes by their index, and must not tell the answer
        turn = torch.randperm(len(own), generator=dice).to(own.device) % 4
        wrong_picture = draw_negatives(logits, dice, true & ~true.all(1, keepdim=True))
        wrong_text = draw_negatives(logits.T, dice, true.T & ~true.T.all(1, keepdim=True))
        texts = torch.where(turn == 1, wrong_text, own)
        pictures = torch.where(turn == 3, wrong_picture, own)
        return texts, pictures

    def _answers(self, words: Tensor, mask: Tensor, cells: Tensor) -> Tensor:
        """(B,): the logits of "this text fits this picture"."""
        reader, answers = self.model.reader, torch.empty(len(words), device=words.device)
        for rows, length in by_length(mask):
            there = mask[rows, :length]
            fused = reader(words[rows, :length], there, cells[rows])
            answers[rows] = reader.match(fused, there)
        return answers

    def _names(
        self, ids: Tensor, mask: Tensor, cells: Tensor, dice: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Logits (hidden words, V) of the words that were hidden, and these words' ids, for this
        process's part of the texts."""
        shown, labels = mask_words(ids, len(self.pairs.tokenizer), dice, self.rate)
        mine = my_rows(len(ids))
        shown, labels, mask, cells = shown[mine], labels[mine], mask[mine], cells[mine]
        names, hidden = [], []
        for rows, length in by_length(mask):
            asked = labels[rows, :length]
            fused = self.model.fuse(shown[rows, :length], mask[rows, :length], cells[rows])
            names.append(self.model.name(fused[asked != IGNORED]))
            hidden.append(asked[asked != IGNORED])
        return torch.cat(names), torch.cat(hidden)
