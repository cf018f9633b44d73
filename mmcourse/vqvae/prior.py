"""What code comes next? A small transformer over sequences of words and codes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.hub import Pretrained
from mmcourse.nn import attend
from mmcourse.vqvae.sequence import SharedVocabulary

Cache = list[tuple[Tensor, Tensor]]
"""The keys and values (B, heads, T, D / heads) of each block, so that nothing is read twice."""


class CausalBlock(nn.Module):
    """A transformer block in which each token looks at itself and at what stands before it."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.to_qkv, self.to_out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(
        self, x: Tensor, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(B, T, dim) after `past` to (B, T, dim), and the keys and values of both.

        With a past, T is 1.
        """
        qkv = self.to_qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, T, D / heads) each
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        out = attend(q, k, v, causal=past is None)
        x = x + self.to_out(out.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x)), (k, v)


class CodePrior(Pretrained, nn.Module):
    """The probability of each token after those before it.

    The output is the embedding's transpose, so what a token means is learnt once.

    Source: van den Oord et al., 2017, section 3.3 (a prior over the codes); Ramesh et al.,
    Zero-Shot Text-to-Image Generation, 2021 (words and codes in one sequence).

    Args:
        words: size of the tokenizer's vocabulary.
        codes: size of the codebook.
        cells: codes of a picture.
        longest: words of a text at most, start and end counted.
        dim: width.
        depth: blocks.
        heads: of each block.
        vocabulary: fingerprint of the tokenizer that it was trained with.
    """

    def __init__(
        self,
        words: int,
        codes: int = 1024,
        cells: int = 256,
        longest: int = 128,
        dim: int = 128,
        depth: int = 4,
        heads: int = 4,
        vocabulary: str | None = None,
    ) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim must be a multiple of heads, got dim={dim} and heads={heads}")
        self.shared = SharedVocabulary(words, codes, cells, longest)
        self.vocabulary = vocabulary
        self.tokens = nn.Embedding(len(self.shared), dim)
        self.places = nn.Embedding(self.shared.places, dim)
        nn.init.normal_(self.tokens.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        self.blocks = nn.ModuleList(CausalBlock(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        """Logits (B, T, all tokens) of what follows each of tokens (B, T) at places (B, T)."""
        return self.step(tokens, places)[0]

    def step(
        self, tokens: Tensor, places: Tensor, cache: Cache | None = None
    ) -> tuple[Tensor, Cache]:
        """The same for tokens that follow those of a cache, one at a time; and the next cache."""
        if cache is not None and tokens.shape[1] != 1:
            raise ValueError(f"with a cache, one token at a time, got {tokens.shape[1]}")
        x = self.tokens(tokens) + self.places(places)  # (B, T, dim)
        seen: Cache = []
        for i, block in enumerate(self.blocks):
            x, memory = block(x, None if cache is None else cache[i])
            seen.append(memory)
        return self.norm(x) @ self.tokens.weight.T, seen

    def loss(self, tokens: Tensor, places: Tensor) -> Tensor:
        """Cross-entropy in nats of each token (B, T) after the first, padding left out: a scalar,
        the mean.

        Raises:
            ValueError: no token after a first one, of which there is no mean.
        """
        if len(tokens) == 0 or tokens.shape[1] < 2:
            raise ValueError(
                f"tokens are {tuple(tokens.shape)}, expected one row or more, of two or more: "
                "nothing follows the first"
            )
        return self.loss_of(self(tokens[:, :-1], places[:, :-1]), tokens)

    @staticmethod
    def loss_of(logits: Tensor, tokens: Tensor) -> Tensor:
        """`loss`, of logits (B, T - 1, all tokens) that are known."""
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=0)

    def code_logits(self, logits: Tensor) -> Tensor:
        """(..., all tokens) to (..., codes): what is known to be a code can be no word."""
        return logits[..., self.shared.words : self.shared.words + self.shared.codes]
