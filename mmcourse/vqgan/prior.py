"""Which codes stand at the next place? A transformer over words and places, a small head for the
codes of one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.hub import Pretrained
from mmcourse.nn.attention import attend, split
from mmcourse.vqgan.autoencoder import VQGAN
from mmcourse.vqvae.quantizer import check_indices

HEAD = 64
"""Width of an attention head."""
RANK = 64
"""Width of what the output layers see."""
LONGEST = 128
"""Words of a text at most, start and end counted."""


class Memory:
    """Keys and values (B, heads, room, d) of what a block has read, with room for what comes.

    They are written in place: nothing is copied when a token is added, and nothing is read twice.
    """

    def __init__(self, shape: tuple[int, int, int, int], like: Tensor) -> None:
        self.keys, self.values = like.new_zeros(shape), like.new_zeros(shape)
        self.length = 0

    def with_(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values up to and with these (B, heads, T, d), which stand at the end; they
        stay there only if `length` is moved on."""
        end = self.length + k.shape[2]
        self.keys[:, :, self.length : end], self.values[:, :, self.length : end] = k, v
        return self.keys[:, :, :end], self.values[:, :, :end]


class PriorBlock(nn.Module):
    """Attention and a two-layer network, each added to what came in; pre-norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_qkv, self.to_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor, mask: Tensor | None, past: Memory | None = None) -> Tensor:
        """(B, T, width), seen by mask (B or 1, 1, T or 1, S), to the same; S counts the past."""
        q, k, v = (
            split(part, x.shape[-1] // HEAD) for part in self.to_qkv(self.norm1(x)).chunk(3, -1)
        )
        if past is not None:
            k, v = past.with_(k, v)
        x = x + self.to_out(attend(q, k, v, mask).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class LevelHead(nn.Module):
    """The codes of one place, one after another: each level knows those before it.

    Source: Lee et al., Autoregressive Image Generation using Residual Quantization, 2022, with a
    two-layer network in the place of their depth transformer.
    """

    def __init__(self, levels: int, codes: int, dim: int, width: int) -> None:
        super().__init__()
        self.levels = levels
        self.before = nn.Linear(levels * dim, width, bias=False)
        self.which = nn.Parameter(torch.randn(levels, width) * 0.02)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, RANK))
        self.out = nn.Parameter(torch.randn(levels, codes, RANK) * 0.02)
        self.bias = nn.Parameter(torch.zeros(levels, codes))

    def forward(self, hidden: Tensor, vectors: Tensor) -> Tensor:
        """All levels at once, for training: hidden (..., width) and the vectors (..., L, D) of the
        true codes to logits (..., L, K)."""
        known = torch.ones(self.levels, self.levels, device=hidden.device).tril(-1)
        seen = vectors[..., None, :, :] * known[:, :, None]  # (..., L, L, D)
        x = hidden[..., None, :] + self.before(seen.flatten(-2)) + self.which  # (..., L, width)
        x = self.mlp(self.norm(x))  # (..., L, rank)
        return torch.einsum("...lr,lkr->...lk", x, self.out) + self.bias

    def level(self, hidden: Tensor, vectors: Tensor) -> Tensor:
        """The next level: hidden (..., width) and the vectors (..., l, D) of the l codes that are
        chosen to logits (..., K)."""
        at = vectors.shape[-2]
        seen = F.pad(vectors, (0, 0, 0, self.levels - at)).flatten(-2)
        x = self.mlp(self.norm(hidden + self.before(seen) + self.which[at]))
        return x @ self.out[at].T + self.bias[at]


class Prefix(NamedTuple):
    """What stands before the places: the memories of each block, and which keys are there."""

    memories: list[Memory]
    mask: Tensor
    """(B, S) bool."""


class ResidualPrior(Pretrained):
    """The chances of each place's codes: after those before it, or given any others.

    Words come first, and look at one another alone. Then come the places, each of which asks for
    its own codes. In raster order a place is shown the codes of the one before it, and looks back.
    With some places `known`, each is shown its own codes or that they are missing, and looks
    everywhere; so the same weights draw one place after another or many at once, and fill gaps. A
    `source` picture may stand between words and places, to be drawn anew.

    Source: Ramesh et al., Zero-Shot Text-to-Image Generation, 2021 (words before codes); Lee et
    al., 2022 (one place a step); Chang et al., MaskGIT, 2022 (places that are missing).

    Args:
        words: size of the tokenizer's vocabulary.
        codes: size of each codebook.
        levels: codes at each place.
        dim: width of a code's vector.
        grid: rows and columns of places.
        width: of the transformer, whose heads are 64 wide.
        depth: blocks.
        vocabulary: fingerprint of the tokenizer that it was trained with.
    """

    def __init__(
        self,
        words: int,
        codes: int = 1024,
        levels: int = 4,
        dim: int = 16,
        grid: Sequence[int] = (8, 8),
        width: int = 192,
        depth: int = 5,
        vocabulary: str | None = None,
    ) -> None:
        super().__init__()
        if width % HEAD:
            raise ValueError(f"width must be a multiple of {HEAD}, got {width}")
        self.codes, self.levels, self.grid = codes, levels, (grid[0], grid[1])
        self.cells, self.vocabulary = grid[0] * grid[1], vocabulary
        self.vectors = nn.Parameter(torch.randn(levels, codes, dim) * dim**-0.5)
        self.see = nn.Linear(levels * dim, width)
        self.words = nn.Embedding(words, width)
        self.word_places = nn.Parameter(torch.zeros(LONGEST, width))
        self.places = nn.Parameter(torch.zeros(self.cells, width))
        self.first, self.missing = (nn.Parameter(torch.zeros(width)) for _ in range(2))
        self.in_order, self.as_source = (nn.Parameter(torch.zeros(width)) for _ in range(2))
        for table in (self.words.weight, self.word_places, self.places, self.first, self.missing,
                      self.in_order, self.as_source):  # fmt: skip
            nn.init.normal_(table, std=0.02)
        self.blocks = nn.ModuleList(PriorBlock(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = LevelHead(levels, codes, dim, width)

    @torch.no_grad()
    def start_from(self, model: VQGAN) -> None:
        """Let the codes' vectors start as the autoencoder's, scaled to a variance of 1 in all."""
        books = [model.quantizer.level(i).codebook for i in range(self.levels)]  # type: ignore[operator]
        vectors = torch.stack([book.detach() for book in books])  # (L, K, D)
        self.vectors.copy_(vectors / vectors.std())

    def look_up(self, codes: Tensor) -> Tensor:
        """Codes (..., l) of the first l levels to their vectors (..., l, D)."""
        levels = torch.arange(codes.shape[-1], device=codes.device)
        return self.vectors[levels, codes]

    def shown(self, codes: Tensor, known: Tensor | None) -> Tensor:
        """What the places are shown: codes (B, cells, L) and which are known (B, cells), None for
        raster order, to (B, cells, width)."""
        seen = self.see(self.look_up(codes).flatten(-2))  # (B, cells, width)
        if known is None:
            first = self.first.expand(len(seen), 1, -1).to(seen.dtype)
            return torch.cat([first, seen[:, :-1]], 1) + self.places + self.in_order
        return torch.where(known[..., None], seen, self.missing.to(seen.dtype)) + self.places

    def next_shown(self, codes: Tensor, cell: int) -> Tensor:
        """Of `shown` in raster order one place alone: (B, 1, width)."""
        if cell == 0:
            seen = self.first.expand(len(codes), 1, -1)
        else:
            seen = self.see(self.look_up(codes[:, cell - 1 : cell]).flatten(-2))
        return seen + self.places[cell] + self.in_order

    def before(self, ids: Tensor, source: Tensor | None) -> tuple[Tensor, Tensor]:
        """Words (B, T), 0 pads, and a source's codes (B, cells, L) to tokens and their mask."""
        if ids.shape[1] > LONGEST:
            raise ValueError(f"a text of {ids.shape[1]} words, start and end counted; at most "
                             f"{LONGEST} fit: shorten it")  # fmt: skip
        x, mask = self.words(ids) + self.word_places[: ids.shape[1]], ids != 0
        if source is not None:
            seen = self.see(self.look_up(source).flatten(-2)) + self.places + self.as_source
            x = torch.cat([x, seen], 1)
            mask = torch.cat([mask, mask.new_ones(seen.shape[:2])], 1)
        return x, mask

    def forward(
        self, ids: Tensor, codes: Tensor, known: Tensor | None = None, source: Tensor | None = None
    ) -> Tensor:
        """Logits (B, cells, L, K) of each place's codes, the levels before each being known.

        Args:
            ids: (B, T), the tokenizer's, 0 pads; `[start] [end]` alone is no text.
            codes: (B, h, w, L).
            known: (B, h, w) bool, which places are shown; None: raster order.
            source: codes of a picture (B, h, w, L) that is to be drawn anew.

        Raises:
            ValueError: another grid, a code that does not exist, a text that is too long.
        """
        return self.look(ids, codes, known, source)[0]

    def look(
        self, ids: Tensor, codes: Tensor, known: Tensor | None = None, source: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """`forward`, with what it raises, and the hidden states (B, cells, width) behind it."""
        flat = self.check(codes)
        shown = self.shown(flat, None if known is None else known.flatten(1))
        before = None if source is None else self.check(source)
        states = self.states(ids, shown, known is None, before)
        return self.head(states, self.look_up(flat)), states

    def states(
        self, ids: Tensor, shown: Tensor, in_order: bool, source: Tensor | None = None
    ) -> Tensor:
        """The hidden states (B, T, width) of places that are shown (B, T, width), everything read
        anew; `in_order`: each looks at itself and back alone."""
        x, there = self.before(ids, source)
        told, cells = x.shape[1], shown.shape[1]
        seen = torch.ones(cells, cells, dtype=torch.bool, device=ids.device)
        mask = x.new_zeros(len(ids), told + cells, told + cells, dtype=torch.bool)
        mask[:, :, :told] = there[:, None]
        mask[:, told:, told:] = seen.tril() if in_order else seen
        x = torch.cat([x, shown], 1)
        for block in self.blocks:
            x = block(x, mask[:, None])
        return self.norm(x[:, told:])

    def check(self, codes: Tensor) -> Tensor:
        """Codes (B, h, w, L) as (B, cells, L), refused if they are of another grid."""
        check_indices(codes, self.codes)
        if codes.shape[1:] != (*self.grid, self.levels):
            raise ValueError(f"codes must be (B, {self.grid[0]}, {self.grid[1]}, {self.levels}), "
                             f"got {tuple(codes.shape)}")  # fmt: skip
        return codes.flatten(1, 2)

    def read(self, ids: Tensor, source: Tensor | None = None) -> Prefix:
        """Read the words, and a source (B, cells, L), once, with room for all places."""
        x, there = self.before(ids, source)
        shape = (len(x), x.shape[2] // HEAD, x.shape[1] + self.cells, HEAD)
        memories = [Memory(shape, x) for _ in self.blocks]
        for block, memory in zip(self.blocks, memories, strict=True):
            x = block(x, there[:, None, None], memory)
            memory.length = x.shape[1]
        return Prefix(memories, there)

    def go_on(self, prefix: Prefix, shown: Tensor, keep: bool) -> Tensor:
        """The hidden state (B, T, width) of places after what was read.

        Args:
            prefix: what was read.
            shown: (B, T, width): one place in raster order, or all of them at once.
            keep: whether they are remembered.
        """
        added = prefix.memories[0].length - prefix.mask.shape[1] + shown.shape[1]
        mask = F.pad(prefix.mask, (0, added), value=True)[:, None, None]  # (B, 1, 1, S)
        x = shown
        for block, memory in zip(self.blocks, prefix.memories, strict=True):
            x = block(x, mask, memory)
            memory.length += shown.shape[1] if keep else 0
        return self.norm(x)

    def loss(
        self, ids: Tensor, codes: Tensor, known: Tensor | None = None, source: Tensor | None = None
    ) -> Tensor:
        """Cross-entropy in nats a code, of those that are not known: a scalar, the mean.

        Raises:
            ValueError: as `forward`, and no pictures, which have no mean.
        """
        if len(codes) == 0:
            raise ValueError("no pictures, so no mean of their losses: give one or more")
        return self.loss_of(self(ids, codes, known, source), codes, known)

    @staticmethod
    def loss_of(logits: Tensor, codes: Tensor, known: Tensor | None) -> Tensor:
        """`loss`, of logits (B, cells, L, K) that are there."""
        nats = F.cross_entropy(
            logits.float().flatten(0, 2), codes.flatten(), reduction="none"
        ).unflatten(0, logits.shape[:3])  # (B, cells, L)
        if known is None:
            return nats.mean()
        asked = ~known.flatten(1)
        return (nats.mean(-1) * asked).sum() / asked.sum().clamp(min=1)
