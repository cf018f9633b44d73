"""Words and pictures in one sequence: a vocabulary that holds the words, then the codes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mmcourse.vqvae.quantizer import check_indices


@dataclass(frozen=True)
class SharedVocabulary:
    """Tokens 0 to words - 1 are words, the next `codes` are the codes of pictures, and the last
    says that a picture begins. The first four words are pad, start, end and mask.

    A place is what a position embedding is looked up by: 0 for the token that opens a picture,
    1 to `cells` for the codes in raster order, and after these the words in their order.
    """

    words: int
    codes: int
    cells: int = 256
    longest: int = 128
    """Words of a text, start and end counted."""

    @property
    def picture(self) -> int:
        """The token that opens a picture."""
        return self.words + self.codes

    def __len__(self) -> int:
        return self.words + self.codes + 1

    @property
    def places(self) -> int:
        """How many places there are."""
        return 1 + self.cells + self.longest

    def of_codes(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Grids (B, h, w) to tokens (B, 1 + cells), the opening one first, and their places.

        Raises:
            ValueError: another number of cells, or an index that no code has.
        """
        check_indices(codes, self.codes)
        if codes.ndim != 3 or codes.shape[1] * codes.shape[2] != self.cells:
            raise ValueError(
                f"codes must be (B, h, w) with h w = {self.cells}, got {tuple(codes.shape)}"
            )
        flat = codes.flatten(1) + self.words
        tokens = torch.cat([flat.new_full((len(flat), 1), self.picture), flat], 1)
        return tokens, torch.arange(1 + self.cells, device=codes.device).expand_as(tokens)

    def of_words(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """A tokenizer's ids (B, T), 0 pads, as tokens and their places.

        Raises:
            ValueError: a text that is too long.
        """
        if ids.shape[1] > self.longest:
            raise ValueError(
                f"a text of {ids.shape[1]} words, start and end counted; at most {self.longest} fit"
            )
        place = torch.arange(ids.shape[1], device=ids.device) + 1 + self.cells
        return ids, place.expand_as(ids)

    def join(self, ids: Tensor, codes: Tensor, words_first: bool) -> tuple[Tensor, Tensor]:
        """Texts (B, T) and grids (B, h, w) in one sequence each, padding last: tokens, places
        (B, T + 1 + cells)."""
        words, pictures = self.of_words(ids), self.of_codes(codes)
        parts = (words, pictures) if words_first else (pictures, words)
        tokens, places = (torch.cat(both, 1) for both in zip(*parts, strict=True))
        order = (tokens == 0).long().argsort(dim=1, stable=True)  # the padding behind everything
        return tokens.gather(1, order), places.gather(1, order)
