"""The diffusion transformer of the course: patches of latents that look at each other, at words,
and at whoever they are to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mmcourse.diffusion.cond import Cond
from mmcourse.diffusion.schedule import FlowPath
from mmcourse.diffusion.text import TextCondition, Words
from mmcourse.dit.attention import waves
from mmcourse.dit.block import DiTBlock, SharedModulation, modulate
from mmcourse.dit.patches import (
    beside_it,
    grid_of,
    patchify,
    sincos_at,
    spread_positions,
    unpatchify,
)
from mmcourse.hub import Pretrained
from mmcourse.nn import TimestepEmbedding, rotary_angles, zeroed

REFERENCE = 4
"""Tokens that a reference's vector becomes."""


class DiT(Pretrained):
    """A transformer over the patches of noisy latents, which predicts their velocity.

        cond = dit.read(reader(["a red fox on the beach"]))                # once a caption
        hero = encoder(portrait)                                           # an IdentityEncoder
        cond = dit.read(reader(["a red fox on the beach"]), None, hero)    # and this fox
        velocity = dit(x, t, cond)                                         # at every step

    Tokens of a reference stand beside the picture's own in every self-attention, as if the picture
    went on there. Latents may have any size that the patch divides.

    Source: Peebles & Xie, Scalable Diffusion Models with Transformers, 2023; the blocks after Chen
    et al., PixArt-alpha, 2024; the reference as one vector after Wang et al., InstantID, 2024.

    Args:
        shape: of the latents that it is trained on, (channels, height, width).
        patch: side of a patch.
        dim: width.
        depth: blocks.
        heads: of each.
        words: width of the frozen tower's tokens.
        hero: length of a reference's vector.
        shift: of the levels that a sampler visits, see `FlowPath`.
        windows: of a student of few steps, the pieces in which its path is straight; 0 for a
            model whose path is curved.
        latents: hash of the autoencoder's weights, so that no other latents are decoded.
        tower: hash of the joint weights that read the words.
        identity: hash of the encoder's weights that read portraits.
    """

    objective = "flow"
    recompute = False
    """Whether a training step keeps only what goes from block to block, and computes the rest again
    on the way back: less memory for a larger model or batch, and a slower step with the same
    gradients. Source: Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016."""

    def __init__(  # noqa: PLR0913 - the names are those of the config
        self,
        shape: Sequence[int] = (8, 16, 16),
        patch: int = 2,
        dim: int = 192,
        depth: int = 6,
        heads: int = 3,
        words: int = 128,
        hero: int = 160,
        shift: float = 0.3,
        windows: int = 0,
        latents: str | None = None,
        tower: str | None = None,
        identity: str | None = None,
    ) -> None:
        super().__init__()
        grid_of(shape[1], shape[2], patch)
        self.shape, self.patch, self.dim, self.heads = tuple(shape), patch, dim, heads
        self.windows, self.latents, self.tower = windows, latents, tower
        self.identity = identity
        self.path = FlowPath(shift=shift)
        self.text = TextCondition(words)
        numbers = shape[0] * patch**2
        self.to_tokens = nn.Linear(numbers, dim)
        self.to_reference = nn.Linear(hero, REFERENCE * dim)
        self.time = TimestepEmbedding(dim)
        self.pooled = nn.Linear(words, dim)
        self.modulation = SharedModulation(dim)
        self.blocks = nn.ModuleList(DiTBlock(dim, heads, words, i > 0) for i in range(depth))
        self.last_modulation = zeroed(nn.Linear(dim, 2 * dim))
        self.to_numbers = zeroed(nn.Linear(dim, numbers))

    def read(
        self, words: Words, dropped: Tensor | None = None, reference: Tensor | None = None
    ) -> Cond:
        """What the model is told.

        Args:
            words: of B captions, as the frozen tower reads them.
            dropped: (B,) bool, True where words and reference are withheld.
            reference: (B, hero), of a portrait of the hero, by an `IdentityEncoder`, or of several
                heroes (B, R, hero); a row of zeros is none. The training shows one.

        Raises:
            ValueError: a reference of another length, or one that is not finite.
        """
        cond = self.text(words, dropped)
        if reference is None:
            return cond
        self.check_reference(reference)
        shown = reference if reference.ndim == 3 else reference[:, None]
        shown = shown.to(cond.text.dtype)  # (B, R, hero)
        if dropped is not None:
            shown = shown.masked_fill(dropped.to(shown.device)[:, None, None], 0)
        return replace(cond, reference=shown)

    def null(self, n: int = 1, reference: bool = False) -> Cond:
        """The condition of n empty texts, for guidance; with `reference` that of n empty texts to
        whom nobody is shown, to be compared with one to whom somebody is."""
        cond = self.text.nothing(n)
        if not reference:
            return cond
        length = self.to_reference.in_features
        return replace(cond, reference=cond.text.new_zeros(n, 1, length))  # type: ignore[union-attr]

    def check(self, x: Tensor) -> None:
        """Refuse latents that the model has no weights for.

        Raises:
            ValueError: other channels, sides that the patch does not divide, NaN or infinity.
        """
        if x.ndim != 4 or x.shape[1] != self.shape[0]:
            raise ValueError(
                f"latents must be (B, {self.shape[0]}, H, W), got {tuple(x.shape)}: encode them "
                "with the autoencoder of these weights"
            )
        grid_of(x.shape[2], x.shape[3], self.patch)
        if not x.isfinite().all():
            raise ValueError("the latents hold NaN or infinity: look at what made them")

    def check_reference(self, reference: Tensor) -> None:
        """Refuse what is no vector of a portrait.

        Raises:
            ValueError: another length, NaN or infinity.
        """
        length = self.to_reference.in_features
        if reference.ndim not in (2, 3) or reference.shape[-1] != length:
            raise ValueError(
                f"references must be (B, {length}) or (B, R, {length}), got "
                f"{tuple(reference.shape)}: encode portraits with the identity encoder of these "
                "weights"
            )
        if not reference.isfinite().all():
            raise ValueError("the references hold NaN or infinity: look at what encoded them")

    def forward(self, x: Tensor, t: Tensor, cond: Cond | None = None) -> Tensor:
        """x (B, C, H, W) at times t (B,) in [0, 1000] to the velocity, the same shape; without
        cond, of an empty text.

        Raises:
            ValueError: sides that the patch does not divide.
        """
        return self.look(x, t, cond)[0]

    def look(
        self, x: Tensor, t: Tensor, cond: Cond | None = None, after: int = 0
    ) -> tuple[Tensor, Tensor]:
        """The velocity, and what the patches hold after so many blocks, (B, N, dim).

        Args:
            x: (B, C, H, W).
            t: (B,).
            cond: what the model is told.
            after: 0 for the patches as they come in.

        Raises:
            ValueError: a condition of another batch or without words, or sides that the patch does
                not divide.
        """
        cond = self.null(len(x)) if cond is None else cond
        if cond.text is None or cond.pooled is None:
            told = " and ".join(cond.parts()) or "nothing"
            raise ValueError(
                f"a DiT is told words, as text, mask and pooled together, got {told}: make the "
                "condition by read(words), or by null(n) for no words"
            )
        if len(cond) != len(x):
            raise ValueError(f"a condition of {len(cond)} rows cannot serve {len(x)} pictures")
        rows, columns = grid_of(x.shape[2], x.shape[3], self.patch)
        picture, side = rows * columns, self.shape[1] // self.patch
        places = spread_positions(rows, columns, side)
        h = self.to_tokens(patchify(x, self.patch))  # (B, N, dim)
        h = h + sincos_at(places, self.dim).to(h)
        mask = None
        if cond.reference is not None:
            beside, seen = self._reference(cond.reference)
            h = torch.cat([h, beside], 1)  # (B, N + R, dim)
            mask = torch.cat([seen.new_ones(len(x), picture), seen], 1)[:, None, None]
            places = torch.cat([places, *[beside_it(REFERENCE, side)] * cond.reference.shape[1]])
        turns = waves(rotary_angles(places.to(x.device), self.dim // self.heads), h.dtype)
        c = self.time(t) + self.pooled(cond.pooled)  # (B, dim)
        modulation = self.modulation(c)  # (B, 6, dim)
        words = cond.text.to(h.dtype), cond.mask[:, None, None]  # type: ignore[index]
        first, held = None, h
        for i, block in enumerate(self.blocks, start=1):
            h, values = self._block(block)(h, modulation, turns, words, first, mask)
            first = values if first is None else first
            held = h if i == after else held
        shift, scale = self.last_modulation(F.silu(c)).unsqueeze(1).chunk(2, -1)
        out = self.to_numbers(modulate(h[:, :picture], shift, scale))  # (B, N, C p p)
        return unpatchify(out, self.patch, x.shape[2], x.shape[3]), held[:, :picture]

    def _block(self, block: nn.Module) -> Callable[..., tuple[Tensor, Tensor]]:
        """The block, or the block as a function that keeps nothing between its ends."""
        if self.recompute and torch.is_grad_enabled():
            return partial(checkpoint, block, use_reentrant=False)
        return block

    def _reference(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B, R, hero) as the blocks see them, (B, R · REFERENCE, dim), and which are
        there, (B, R · REFERENCE)."""
        tokens = self.to_reference(vectors).unflatten(2, (REFERENCE, self.dim)).flatten(1, 2)
        return tokens, (vectors.abs().amax(-1) > 0).repeat_interleave(REFERENCE, 1)
