"""The objective of towers and fused encoder together: contrast, matching, masked words."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmcourse.joint.losses import clip_loss, masked_clip_loss
from mmcourse.joint.masking import IGNORED, mask_words, masked_word_loss
from mmcourse.joint.matching import draw_negatives, matching_loss
from mmcourse.joint.model import JointModel
from mmcourse.joint.pairs import Batch, Pairs
from mmcourse.joint.train import in_float32, picked


class ThreeLosses(nn.Module):
    """The sum of three losses over one batch.

    The towers are told which text belongs to which picture. What they confuse, the fused encoder
    is asked about: half of its wrong pairs are texts with a picture that the towers take for
    theirs, half are pictures with such a text. And it has to name words that were hidden.

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
        model, mask = self.model, batch.mask
        dice = torch.Generator().manual_seed(1_000_003 * self.pairs.seed + batch.step)
        pooled, words = model.text_tower(batch.ids, mask)  # (B, dim), (B, T, dim)
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
        asked = model.reader(words[texts], mask[texts], cells[pictures])  # (2 B, T, dim)
        answers = model.reader.match(asked, mask[texts])  # (2 B,)
        matching = matching_loss(answers, fit)
        shown, labels = mask_words(batch.ids, len(self.pairs.tokenizer), dice, self.rate)
        hidden = labels != IGNORED  # (B, T)
        read = model.fuse(shown, mask, cells)[hidden]  # (hidden words, dim)
        names = model.reader.word(read)[None]  # (1, hidden words, V)
        masked = masked_word_loss(names, labels[hidden][None])
        return contrast + matching + masked, {
            "accuracy": accuracy,
            "scale": scale,
            "contrast": contrast,
            "matching": matching,
            "matched": ((answers > 0) == fit).float().mean(),
            "masked": masked,
            "named": (names[0].argmax(-1) == labels[hidden]).float().mean(),
        }

    def _questions(
        self, logits: Tensor, batch: Batch, dice: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Which texts (2 B,) are shown with which pictures (2 B,), and whether they fit (2 B,)."""
        own = torch.arange(len(logits), device=logits.device)
        wrong_picture = draw_negatives(logits, dice, batch.ignored)
        excluded = None if batch.ignored is None else batch.ignored.T
        wrong_text = draw_negatives(logits.T, dice, excluded)
        even = own % 2 == 0
        texts = torch.cat([own, torch.where(even, own, wrong_text)])
        pictures = torch.cat([own, torch.where(even, wrong_picture, own)])
        fits = self.pairs.fits or (lambda i, step, j: i == j)
        at = batch.index
        drawn = zip(texts.tolist(), pictures.tolist(), strict=True)
        fit = [fits(at[i], batch.step, at[j]) for i, j in drawn]
        return texts, pictures, torch.tensor(fit, device=logits.device)
