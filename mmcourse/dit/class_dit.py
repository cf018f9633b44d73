"""The diffusion transformer of the paper: classes instead of words, one block out of four."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.dit.block import modulate
from mmcourse.dit.conditionings import CONDITIONINGS, AdaLNBlock
from mmcourse.dit.patches import grid_of, patchify, unpatchify
from mmcourse.hub import Pretrained
from mmcourse.nn import sincos_positions, timestep_embedding, zeroed

WAVES = 256
"""Width of the sinusoidal features of the time."""


class ClassDiT(Pretrained):
    """Patches, blocks, a last norm that the condition modulates, patches.

    Source: Peebles & Xie, Scalable Diffusion Models with Transformers, 2023.

    Args:
        shape: of the pictures, (channels, height, width).
        patch: side of a patch.
        dim: width.
        depth: blocks.
        heads: of each.
        classes: labels that there are; one more stands for "no class", to be dropped to and guided
            away from.
        conditioning: which block, one of `CONDITIONINGS`.
        longest: of the wavelengths of the time, see `nn.timestep_embedding`.

    Raises:
        ValueError: a conditioning that does not exist, or sides that the patch does not divide.
    """

    positions: Tensor

    def __init__(
        self,
        shape: Sequence[int] = (4, 32, 32),
        patch: int = 2,
        dim: int = 384,
        depth: int = 12,
        heads: int = 6,
        classes: int = 1000,
        conditioning: str = "adaLN-Zero",
        longest: float = 10_000.0,
    ) -> None:
        super().__init__()
        if conditioning not in CONDITIONINGS:
            raise ValueError(
                f"no conditioning is called {conditioning!r}; choose one of "
                f"{', '.join(CONDITIONINGS)}"
            )
        grid = grid_of(shape[1], shape[2], patch)
        self.shape, self.patch, self.classes, self.longest = tuple(shape), patch, classes, longest
        block = CONDITIONINGS[conditioning]
        self.appended = block.appended
        self.by_vector = issubclass(block, AdaLNBlock)
        numbers = shape[0] * patch**2
        self.to_tokens = nn.Linear(numbers, dim)
        self.register_buffer("positions", sincos_positions(*grid, dim), persistent=False)
        self.time = nn.Sequential(nn.Linear(WAVES, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.label = nn.Embedding(classes + 1, dim)
        self.blocks = nn.ModuleList(block(dim, heads) for _ in range(depth))
        self.modulation = zeroed(nn.Linear(dim, 2 * dim))
        self.to_numbers = zeroed(nn.Linear(dim, numbers))

    def forward(self, x: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        """Predict.

        Args:
            x: (B, C, H, W).
            t: (B,) in [0, 1000].
            labels: (B,) int64, 0 to classes; `classes`, and None, mean no class.

        Returns:
            (B, C, H, W).

        Raises:
            ValueError: another size than the model's, whose positions are learned by heart.
        """
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"pictures must be (B, *{self.shape}), got {tuple(x.shape)}")
        if labels is None:
            labels = torch.full((len(x),), self.classes, device=x.device)
        tokens = self.to_tokens(patchify(x, self.patch))  # (B, N, D)
        tokens = tokens + self.positions.to(tokens.dtype)  # so that autocast keeps its type
        time = self.time(timestep_embedding(t, WAVES, self.longest).to(x.dtype))  # (B, D)
        told = time, self.label(labels)  # (B, D) each
        condition = sum(told) if self.by_vector else torch.stack(told, 1)  # (B, D) or (B, 2, D)
        n = tokens.shape[1]
        if self.appended:
            tokens = torch.cat([tokens, condition], 1)  # (B, N + 2, D)
        for block in self.blocks:
            tokens = block(tokens, condition)
        shift, scale = self.modulation(F.silu(sum(told))).unsqueeze(1).chunk(2, -1)
        out = self.to_numbers(modulate(tokens[:, :n], shift, scale))  # (B, N, C p p)
        return unpatchify(out, self.patch, *self.shape[1:])
