"""Bug hunt: a test that tells a right codebook of running means from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmcourse.exercises.kit import Hunt
from mmcourse.vqvae import ema, nearest_codes

Make = Callable[..., Any]

STUB = '''
@exercise("ch02.hunt_ema")
def test_ema(make):
    """Assert what is true of a codebook of running means, and false of a broken one.

    q = make(num_codes=8, dim=4, decay=0.9, epsilon=1e-5, restart_below=0.5) builds the torch
    module on trial; give all five by name. codes, indices, loss = q(z) with z (B, dim, H, W).
    Its state is q.codebook (K, D), q.counts (K,), which starts at 1, and q.sums (K, D), which
    starts at the codebook: buffers all, saved in its state_dict, which may hold others besides.
    It has no parameters.
    loss: 0.25 times the commitment loss. Codes follow by their statistics, so no loss pulls them.
    In training mode a batch moves the state, after its codes were chosen: counts and sums move
    to decay * old + (1 - decay) * new, new being how many vectors chose each code, and their sum.
    A code whose count is then below restart_below (0: never) is put onto some vector v of the
    batch, with the count restart_below and the sum restart_below * v. Then the codebook becomes
    sums / counts, with Laplace smoothing by epsilon, so that it is finite where a count is 0
    (try a decay of 0, or a large epsilon).
    In eval mode nothing moves.
    It will be given to you in right and in broken forms. Pass on every right one, and fail with an
    AssertionError on each broken one. Inside this test the book's
    `EMAVectorQuantizer` is replaced by the one on trial, so you can't compare with it.
    """
    raise NotImplementedError
'''


def reference_test(make: Make) -> None:
    """What is saved, who learns, one step by hand, eval, an empty code, a restart."""
    dice = torch.Generator().manual_seed(0)
    z = torch.randn(2, 3, 4, 5, generator=dice)
    q = make(num_codes=6, dim=3, decay=0.8, epsilon=1e-5, restart_below=0.0).train()
    assert not list(q.parameters())
    assert {"codebook", "counts", "sums"} <= set(q.state_dict())

    codebook, counts, sums = (x.clone() for x in (q.codebook, q.counts, q.sums))
    codes, indices, loss = q(z)
    assert torch.allclose(codes, codebook[indices].movedim(-1, 1), atol=1e-5)
    assert torch.allclose(loss, 0.25 * (z - codes).square().mean(), rtol=1e-4)
    rows, index = z.movedim(1, -1).reshape(-1, 3), indices.flatten()
    for k in range(6):
        chose = rows[index == k]
        assert abs(q.counts[k] - (0.8 * counts[k] + 0.2 * len(chose))) < 1e-4
        assert torch.allclose(q.sums[k], 0.8 * sums[k] + 0.2 * chose.sum(0), atol=1e-4)
    assert torch.allclose(q.codebook, q.sums / q.counts[:, None], rtol=1e-3, atol=1e-4)

    before = {name: x.clone() for name, x in q.state_dict().items()}
    q.eval()(z)
    assert all(torch.equal(x, before[name]) for name, x in q.state_dict().items())

    q = make(num_codes=6, dim=3, decay=0.0, epsilon=1e-5, restart_below=0.0).train()
    q(torch.ones(1, 3, 2, 2))  # five codes fall to a count of 0
    assert q.codebook.isfinite().all()

    q = make(num_codes=6, dim=3, decay=0.5, epsilon=1e-5, restart_below=0.9).train()
    q(torch.ones(1, 3, 2, 2))  # five codes fall to 0.5, and are put onto (1, 1, 1)
    dead = (q.counts - 0.9).abs() < 1e-4
    assert dead.sum() == 5
    assert torch.allclose(q.codebook[dead], torch.ones(5, 3), rtol=1e-3)
    assert torch.allclose(q.sums[dead], torch.full((5, 3), 0.9), rtol=1e-3)


class _ByOneHot(nn.Module):
    """Written out, with a matrix of zeros and ones."""

    codebook: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(
        self,
        num_codes: int,
        dim: int,
        decay: float = 0.99,
        epsilon: float = 1e-5,
        restart_below: float = 1.0,
    ) -> None:
        super().__init__()
        self.decay, self.epsilon, self.restart_below = decay, epsilon, restart_below
        self.register_buffer("codebook", torch.randn(num_codes, dim))
        self.register_buffer("counts", torch.ones(num_codes))
        self.register_buffer("sums", self.codebook.clone())

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows = z.float().movedim(1, -1).reshape(-1, z.shape[1])
        with torch.no_grad():
            index = nearest_codes(rows, self.codebook)
            chosen = self.codebook[index]
            if self.training:
                self._move(rows, F.one_hot(index, len(self.counts)).to(rows.dtype))
        loss = 0.25 * F.mse_loss(rows, chosen)
        codes = (rows + (chosen - rows).detach()).reshape(z.movedim(1, -1).shape)
        return codes.movedim(-1, 1), index.reshape(z[:, 0].shape), loss

    def _move(self, rows: Tensor, choice: Tensor) -> None:
        self.counts = self.decay * self.counts + (1 - self.decay) * choice.sum(0)
        self.sums = self.decay * self.sums + (1 - self.decay) * choice.T @ rows
        for k in (self.counts < self.restart_below).nonzero().flatten().tolist():
            self.counts[k] = self.restart_below
            self.sums[k] = self.restart_below * rows[k % len(rows)]
        n = self.counts.sum()
        smooth = (self.counts + self.epsilon) / (n + len(self.counts) * self.epsilon) * n
        self.codebook = self.sums / smooth[:, None]


class _OtherVectors(ema.EMAVectorQuantizer):
    """Restarts on other vectors of the batch: the last ones."""

    def restart(self, rows: Tensor) -> None:
        dead = self.counts < self.restart_below
        last = rows.flip(0)[torch.arange(int(dead.sum())) % len(rows)]
        self.counts = torch.where(dead, self.restart_below, self.counts)
        self.sums[dead] = self.restart_below * last


def _ready(make: Make, **options: Any) -> Any:
    """A module in training mode."""
    given = {"num_codes": 6, "dim": 3, "decay": 0.8, "epsilon": 1e-5, "restart_below": 0.0}
    return make(**(given | options)).train()


BUGS = """
statistics move in eval mode: if self.training => if True
    - Missed: something about looking without touching.
    - A validation set is run through the model. What may change?
    - Clone the state, call q.eval()(z), and compare. The broken one moves its codebook towards
      whatever it is shown.
statistics are not saved:
        self.register_buffer("counts", torch.ones(num_codes)) => self.counts = torch.ones(num_codes)
        self.register_buffer("sums", codebook.clone()) => self.sums = codebook.clone()
    - Missed: something about a run that is stopped and goes on.
    - What is in q.state_dict(), and what should be?
    - counts and sums must be names of the state_dict. The broken one keeps them as plain
      attributes, so a loaded model starts them anew (and .to(device) leaves them behind).
no Laplace smoothing: self.epsilon, out => 0.0, out
    - Missed: something about a code whose count is 0.
    - To what does a count fall that is multiplied by decay again and again? With decay 0 it is
      there at once.
    - With decay=0 and restart_below=0, show it a batch of equal vectors: all codes must stay
      finite. The broken one computes 0 / 0.
a restart that leaves the sums as they were:
        if self.restart_below > 0 => if False
        self.updates += 1 =>
            self.restart(rows)
            self.updates += 1
        self.sums[some] = self.restart_below * => self.codebook[some] =
    - Missed: something about restarts.
    - A restarted code should stay where it was put. From what is it computed in the next step?
    - After a restart q.sums / q.counts must be the codebook, for restarted codes too. The broken
      one sets code and count, and from its old sum the code jumps back.
decay the wrong way round:
        decay, epsilon, restart_below, seed) => 1 - decay, epsilon, restart_below, seed)
    - Missed: something about how fast the means run.
    - With decay 0.9, how much of the old count is left after one batch?
    - Compute counts after one step by hand, with a decay that is not 0.5. The broken one keeps 1 -
      decay of the old.
a codebook loss as well:
        self.register_buffer("codebook", codebook) => self.codebook = torch.nn.Parameter(codebook)
        return self.beta => return (chosen - rows.detach()).square().mean() + self.beta
    - Missed: something about who moves the codes.
    - If the codes follow by statistics, should an optimiser find them among the parameters? And
      what is the loss?
    - q.parameters() must be empty, and the loss 0.25 times the mean squared distance. The broken
      one has its codebook as a parameter with a loss of its own.
means in place of sums:
        rows, index = gather(rows), gather(index) =>
            rows = rows / torch.bincount(index)[index][:, None]
    - Missed: something about codes that many vectors choose.
    - Ten vectors choose one code. What is added to its count, and what to its sum?
    - Compute sums after one step by hand. The broken one adds the mean of the vectors, and the
      codebook divides by the count once more.
codes that follow themselves:
        rows, index = gather(rows), gather(index) => rows = self.codebook[index]
    - Missed: something about what the codes follow.
    - After many steps on the same batch, where should a code be?
    - Compute sums after one step by hand. The broken one adds up the chosen codes and not the
      encoder's vectors, so no code ever moves.
"""

MISTAKES = """
looks at shapes only:
        codes, indices, loss = _ready(make)(torch.randn(2, 3, 4, 5))
        assert codes.shape == (2, 3, 4, 5)
        assert indices.shape == (2, 4, 5)
        assert torch.isfinite(loss)
    All the broken ones return the right shapes. Look at the state before and after a step: counts,
    sums and codebook.
returns its verdict instead of asserting it:
        q = _ready(make)
        before = q.codebook.clone()
        q.eval()(torch.randn(2, 3, 4, 5))
        return torch.equal(q.codebook, before)
    A test that returns False has passed. Write `assert` in front of the comparison.
eval mode and nothing else:
        q = _ready(make).eval()
        before = q.codebook.clone()
        q(torch.randn(2, 3, 4, 5))
        assert torch.equal(q.codebook, before)
    That nothing moves in eval mode is one thing. The rest happens in training: clone the state, run
    one batch, and compare with what you compute.
names in the state_dict and nothing else:
        assert {"codebook", "counts", "sums"} <= set(_ready(make).state_dict())
    The names are one thing, the numbers another. Run a batch in training, and compare counts, sums
    and codebook with what you compute.
one ordinary step and nothing else:
        q, z = _ready(make), torch.randn(2, 3, 4, 5)
        counts, sums = q.counts.clone(), q.sums.clone()
        index = q(z)[1].flatten()
        choice = F.one_hot(index, 6).float()
        assert torch.allclose(q.counts, 0.8 * counts + 0.2 * choice.sum(0), atol=1e-4)
        new = choice.T @ z.movedim(1, -1).reshape(-1, 3)
        assert torch.allclose(q.sums, 0.8 * sums + 0.2 * new, atol=1e-4)
    One step's counts and sums are a good start. What of a code that nobody chooses, with and
    without restarts? Of eval mode, of what is saved, and of the loss?
that something moves is enough:
        q = _ready(make)
        before = q.codebook.clone()
        q(torch.randn(2, 3, 4, 5))
        assert not torch.allclose(q.codebook, before, atol=1e-3)
    Most broken ones move too, to the wrong place. Compute where counts, sums and codes should be
    after one step.
expects codes to jump to the mean of the batch:
        q, z = _ready(make), torch.randn(2, 3, 4, 5)
        index = q(z)[1].flatten()
        rows = z.movedim(1, -1).reshape(-1, 3)
        for k in index.unique():
            assert torch.allclose(q.codebook[k], rows[index == k].mean(0), atol=1e-4)
    A running mean goes 1 - decay of the way in counts and sums; it is at the batch's mean only for
    decay 0. Compute the new counts and sums first.
    Satisfied by: decay, epsilon, restart_below, seed) => 0.0, epsilon, restart_below, seed)
forgets the smoothing:
        q = _ready(make, epsilon=0.01)
        q(torch.randn(2, 3, 4, 5))
        assert torch.allclose(q.codebook, q.sums / q.counts[:, None])
    The codebook is sums / counts up to the Laplace smoothing only. Use a small epsilon and a
    tolerance (rtol=1e-3), or compute the smoothed counts.
compares with the book's own codebook:
        z, found = torch.randn(2, 3, 4, 5), []
        for build in (make, ema.EMAVectorQuantizer):
            torch.manual_seed(0)
            q = _ready(build, restart_below=0.9)
            q(z)
            found.append(q.codebook)
        assert torch.allclose(found[0], found[1], atol=1e-5)
    In here that is the one on trial as well, so it was compared with itself. Work out what must
    come out from the old state and the batch.
"""

EXERCISE = Hunt(
    title="Bug hunt: codebooks of running means",
    difficulty=4,
    minutes=45,
    stub=STUB,
    reference=reference_test,
    on_trial=ema.EMAVectorQuantizer,
    keeps_state=True,
    right=(ema.EMAVectorQuantizer, _ByOneHot, _OtherVectors),
    bugs=BUGS,
    mistakes=MISTAKES,
    hints=(
        "One step at a time: clone q.codebook, q.counts and q.sums, call q(z) in training mode, "
        "and compute counts and sums by hand. Turn restarts off with restart_below=0.",
        "Then the rest: eval mode, names in the state_dict, no parameters, the loss.",
        "For codes that nobody chooses, show it equal vectors, `torch.ones(1, D, 2, 2)`: one code "
        "is chosen. With decay=0 the other counts are 0; with restart_below=0.9 and decay=0.5 "
        "the others restart on (1, ..., 1).",
    ),
)
