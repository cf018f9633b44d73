"""A codebook that follows the encoder as a running mean, and wakes codes that nobody chooses."""

from __future__ import annotations

import torch
from torch import Tensor

from mmcourse.processes import gather
from mmcourse.vqvae.losses import commitment_loss
from mmcourse.vqvae.quantizer import Quantized, VectorQuantizer, to_rows


def ema_update(
    counts: Tensor,
    sums: Tensor,
    rows: Tensor,
    index: Tensor,
    decay: float = 0.99,
    epsilon: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """Statistics and codes after one more batch; what is given stays as it is.

    Source: van den Oord et al., 2017, appendix A.1.

    Args:
        counts: (K,), the running mean of how many rows of a batch choose each code.
        sums: (K, D), the running mean of what those rows add up to.
        rows: (N, D), the batch.
        index: (N,) int64, the code that each row chose.
        decay: share of the old that is kept.
        epsilon: of the Laplace smoothing.

    Returns:
        Counts, sums and codebook (K, D).
    """
    counts, sums = counts.clone(), sums.clone()
    add_batch_(counts, sums, rows, index, decay)
    return counts, sums, running_means(counts, sums, epsilon)


def add_batch_(counts: Tensor, sums: Tensor, rows: Tensor, index: Tensor, decay: float) -> None:
    """Move both statistics in place; arguments as `ema_update`'s."""
    here = torch.bincount(index, minlength=len(counts)).to(counts.dtype)  # (K,)
    counts.lerp_(here, 1 - decay)
    sums.mul_(decay).index_add_(0, index, rows, alpha=1 - decay)


def running_means(
    counts: Tensor, sums: Tensor, epsilon: float, out: Tensor | None = None
) -> Tensor:
    """Codes (K, D): sums by smoothed counts, none of which is 0, and whose total is the same."""
    total = counts.sum()
    smooth = (counts + epsilon) / (total + len(counts) * epsilon) * total
    return torch.div(sums, smooth[:, None], out=out)


class EMAVectorQuantizer(VectorQuantizer):
    """Each code is the running mean of the vectors that chose it: online k-means.

    There is no codebook loss, and the codebook is no parameter: statistics and gradients would pull
    at it together. Counts and sums are buffers, so they are saved, and they change in training
    only. A code that is chosen less than `restart_below` times in a running batch is put onto a
    vector of the batch drawn at random, with both statistics set to match.

    Source: van den Oord et al., 2017, appendix A.1; restarts as in Dhariwal et al., Jukebox, 2020.

    Args:
        num_codes: K.
        dim: D.
        beta: weight of the commitment loss.
        estimator: "straight-through" or "rotation".
        decay: of the running means.
        epsilon: of the Laplace smoothing, which keeps a code with no vectors from division by 0.
        restart_below: the count at which a code is dead; 0 for no restarts.
        seed: of the draws for restarts; with the number of updates it decides them.
    """

    counts: Tensor
    sums: Tensor
    updates: Tensor

    def __init__(
        self,
        num_codes: int = 512,
        dim: int = 32,
        beta: float = 0.25,
        estimator: str = "straight-through",
        decay: float = 0.99,
        epsilon: float = 1e-5,
        restart_below: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(num_codes, dim, beta, estimator)
        codebook = self.codebook.detach().clone()
        del self.codebook
        self.decay, self.epsilon, self.restart_below, self.seed = (
            decay, epsilon, restart_below, seed)  # fmt: skip
        self.register_buffer("codebook", codebook)
        self.register_buffer("counts", torch.ones(num_codes))
        self.register_buffer("sums", codebook.clone())
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def forward(self, z: Tensor) -> Quantized:
        """Choose; in training, also let the codes follow."""
        found = super().forward(z)
        if self.training:
            with torch.autocast(z.device.type, enabled=False):
                self.follow(to_rows(z.detach()).float(), found.indices.flatten())
        return found

    def loss(self, rows: Tensor, chosen: Tensor) -> Tensor:
        """The encoder's side alone."""
        return self.beta * commitment_loss(rows, chosen)

    @torch.no_grad()
    def follow(self, rows: Tensor, index: Tensor) -> None:
        """Move counts, sums and codes by one batch, in place: `ema_update` with restarts.

        Of several processes each follows the vectors of all, in one order, so there is one codebook
        and one draw of restarts. A batch without vectors moves nothing.
        """
        rows, index = gather(rows), gather(index)
        if not len(rows):
            return
        add_batch_(self.counts, self.sums, rows, index, self.decay)
        if self.restart_below > 0:
            self.restart(rows)
        running_means(self.counts, self.sums, self.epsilon, out=self.codebook)
        self.updates += 1

    def restart(self, rows: Tensor) -> None:
        """Put dead codes onto vectors of the batch, and start their statistics anew."""
        dead = (self.counts < self.restart_below).nonzero()[:, 0]
        dice = torch.Generator().manual_seed(self.seed * 1_000_003 + int(self.updates))
        draw = torch.randint(len(rows), (len(dead),), generator=dice).to(rows.device)
        self.counts[dead] = self.restart_below
        # In parts: all at once, the vectors would take as much memory as the codebook.
        for some, drawn in zip(dead.split(512), draw.split(512), strict=True):
            self.sums[some] = self.restart_below * rows[drawn]

    @torch.no_grad()
    def start_from(self, z: Tensor, generator: torch.Generator | None = None) -> None:
        """As `VectorQuantizer.start_from`, statistics included."""
        super().start_from(z, generator)
        self.counts.fill_(max(1.0, self.restart_below))
        self.sums.copy_(self.codebook * self.counts[:, None])
