"""Bug hunt: a test that tells a right quantizer from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.exercises.kit import Hunt
from mmcourse.vqvae import nearest_codes, quantizer

Quantize = Callable[..., Any]
Found = tuple[Tensor, Tensor, Tensor]

STUB = '''
@exercise("ch02.hunt_quantizer")
def test_quantizer(quantize):
    """Assert what is true of a right quantizer, and false of a broken one.

    codes, indices, loss = quantize(z, codebook): the quantizer on trial. z is (B, D, H, W), the
    codebook (K, D). At each of the B * H * W places it takes the code that is nearest to the D
    numbers of that place. It returns
    codes: (B, D, H, W), the codes at their places; their gradient goes straight through to z, and
    none of it to the codebook.
    indices: (B, H, W) int64, which codes they are.
    loss: a scalar, the codebook loss plus 0.25 times the commitment loss, both the mean of the
    squared differences over all numbers, each with its gradient to its own side alone.
    It will be given to you in right and in broken forms. Pass on every right one, and fail with an
    AssertionError on each broken one. Inside this test the book's
    `VectorQuantizer` is replaced by the one on trial, so you can't compare with it. A gradient that
    does not arrive is None.
    """
    raise NotImplementedError
'''


def reference_test(quantize: Quantize) -> None:
    """Place by place what is chosen, then where each gradient goes."""
    dice = torch.Generator().manual_seed(0)
    z = torch.randn(2, 3, 4, 5, generator=dice).requires_grad_()
    codebook = (1.5 * torch.randn(6, 3, generator=dice)).requires_grad_()
    codes, indices, loss = quantize(z, codebook)
    assert codes.shape == (2, 3, 4, 5)
    assert indices.shape == (2, 4, 5)

    places = z.detach().movedim(1, -1)  # (B, H, W, D)
    distance = (places[..., None, :] - codebook.detach()).square().sum(-1)  # (B, H, W, K)
    nearest = distance.argmin(-1)
    assert torch.equal(indices, nearest)
    chosen = codebook.detach()[nearest].movedim(-1, 1)
    assert torch.allclose(codes, chosen, atol=1e-5)
    error = z.detach() - chosen
    assert torch.allclose(loss, 1.25 * error.square().mean(), rtol=1e-4)

    told = torch.randn(2, 3, 4, 5, generator=dice)
    assert codes.requires_grad
    to_z, to_codes = torch.autograd.grad(
        (codes * told).sum(), (z, codebook), retain_graph=True, allow_unused=True
    )
    assert to_z is not None
    assert torch.allclose(to_z, told, atol=1e-5)
    assert to_codes is None or to_codes.abs().max() < 1e-6

    assert loss.requires_grad
    to_z, to_codes = torch.autograd.grad(loss, (z, codebook), allow_unused=True)
    assert to_z is not None
    assert to_codes is not None
    assert torch.allclose(to_z, 0.25 * 2 * error / error.numel(), atol=1e-6)
    pulled = torch.zeros(6, 3).index_add(0, nearest.flatten(), error.movedim(1, -1).reshape(-1, 3))
    assert torch.allclose(to_codes, -2 * pulled / error.numel(), atol=1e-6)


def _by_one_hot(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    """With a matrix of zeros and ones."""
    rows = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
    index = nearest_codes(rows, codebook)
    chosen = F.one_hot(index, len(codebook)).to(codebook.dtype) @ codebook
    loss = ((chosen - rows.detach()) ** 2).mean() + 0.25 * ((chosen.detach() - rows) ** 2).mean()
    codes = (rows + (chosen - rows).detach()).reshape(z.permute(0, 2, 3, 1).shape)
    return codes.permute(0, 3, 1, 2).contiguous(), index.reshape(z[:, 0].shape), loss


class _Through(torch.autograd.Function):
    """The codes forwards; backwards the gradient as it is, to z."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, q: Tensor) -> Tensor:
        return q.clone()

    @staticmethod
    def backward(ctx: Any, *told: Tensor) -> Any:
        return told[0], None


def _nearest(places: Tensor, codebook: Tensor) -> Tensor:
    """(P,), of places (D, P), without the squares that round far from 0."""
    exact = "donot_use_mm_for_euclid_dist"
    return torch.cdist(places.T, codebook.detach(), compute_mode=exact).argmin(1)


def _with_channels_first(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    """The places stay where they are; the codes come to them."""
    flat = z.flatten(2)  # (B, D, P)
    index = torch.stack([_nearest(x, codebook) for x in flat.detach()])  # (B, P)
    chosen = F.embedding(index, codebook).transpose(1, 2)  # (B, D, P)
    loss = F.mse_loss(chosen, flat.detach()) + 0.25 * F.mse_loss(flat, chosen.detach())
    codes: Tensor = _Through.apply(flat, chosen.detach())  # or backward() would free its graph
    return codes.reshape(z.shape), index.reshape(z[:, 0].shape), loss


def _in_rows(z: Tensor, codebook: Tensor, *rest: Any) -> Found:
    """A place is a row: the one that the broken ones are edits of."""
    b, d, h, w = z.shape
    rows = z.permute(0, 2, 3, 1).reshape(-1, d)  # (B H W, D)
    index = nearest_codes(rows, codebook)
    chosen = codebook[index]
    codes = (rows + (chosen - rows).detach()).reshape(b, h, w, d).permute(0, 3, 1, 2)
    loss = F.mse_loss(chosen, rows.detach()) + 0.25 * F.mse_loss(rows, chosen.detach())
    return codes, index.reshape(b, h, w), loss


def _random(*shape: int) -> tuple[Tensor, Tensor]:
    return torch.randn(*shape), 1.5 * torch.randn(6, shape[1])


def _expected(z: Tensor, codebook: Tensor) -> tuple[Tensor, Tensor]:
    """Codes and indices."""
    index = (z.movedim(1, -1)[..., None, :] - codebook).square().sum(-1).argmin(-1)
    return codebook[index].movedim(-1, 1), index


BUGS = """
flattened without the permute:
        z.permute(0, 2, 3, 1).reshape(-1, d) => z.reshape(-1, d)
        reshape(b, h, w, d).permute(0, 3, 1, 2) => reshape(b, d, h, w)
    - Missed: something about which numbers belong together.
    - Which D numbers are one vector? Look at a single place of a picture with several.
    - For each b, y, x compare with the code nearest to z[b, :, y, x]. The broken one reshapes (B,
      D, H, W) to (-1, D) as it lies in memory, and mixes places.
the codes come back without the permute:
        reshape(b, h, w, d).permute(0, 3, 1, 2) => reshape(b, d, h, w)
    - Missed: something about where the codes are put.
    - The indices may be right and the codes not. Does codes[b, :, y, x] belong to indices[b, y, x]?
    - codebook[indices].movedim(-1, 1) must be the codes. The broken one reshapes rows to (B, D, H,
      W) as they lie in memory.
indices by columns:
        index.reshape(b, h, w) => index.reshape(b, h, w).transpose(1, 2).reshape(b, h, w)
    - Missed: something about the order of the indices.
    - Do the indices lie at the places of their codes? Use a picture that is no square.
    - codebook[indices].movedim(-1, 1) must be the codes. The broken one numbers the places column
      by column.
the farthest code: nearest_codes(rows, codebook) => torch.cdist(rows, codebook).argmax(1)
    - Missed: something about which code is chosen.
    - Compute all distances of one place to all codes. Which one should it be?
    - indices must be the argmin of the distances. The broken one takes the argmax.
the largest dot product in place of the smallest distance:
        nearest_codes(rows, codebook) => (rows @ codebook.T).argmax(1)
    - Missed: something about which code is chosen, seen only where codes differ in length.
    - Do all the codes of your test have the same length? Then many things look near.
    - Use random codes and the argmin of true distances. The broken one takes the argmax of z·c
      without |c|².
no gradient to the encoder from its codes: (rows + (chosen - rows).detach()) => chosen
    - Missed: something that no value shows.
    - What does z receive of a gradient that arrives at the codes?
    - The gradient of (codes * w).sum() to z must be w. The broken one returns the codes without a
      straight-through gradient, and theirs goes to the codebook.
both terms of the loss detached the same way:
        F.mse_loss(chosen, rows.detach()) => F.mse_loss(chosen.detach(), rows)
    - Missed: something about who learns.
    - The loss has the right value. To whom does its gradient go?
    - The gradient of the loss alone to the codebook must not be None. The broken one detaches the
      codes in both terms.
beta on the codebook's term:
        loss = F => loss = 0.25 * F
        + 0.25 * => +
    - Missed: something about how strongly each side is pulled.
    - The loss has the right value and moves both sides. By how much each?
    - The loss's gradient to z must be 0.25 * 2 * (z - codes) / z.numel(). In the broken one it is
      four times that, and the codebook's a quarter of what it should be.
the loss is a sum: index.reshape(b, h, w), loss => index.reshape(b, h, w), loss * z.numel()
    - Missed: something about the size of the loss.
    - Quantize the same picture twice in one batch. What should the loss do?
    - The loss must be 1.25 times the mean squared distance. The broken one is the sum.
"""

MISTAKES = """
looks at shapes only:
        z, codebook = _random(2, 3, 4, 5)
        codes, indices, loss = quantize(z, codebook)
        assert codes.shape == z.shape
        assert indices.shape == (2, 4, 5)
        assert torch.isfinite(loss)
    All the broken ones return the right shapes. Compute what must be chosen at each place, and
    compare.
returns its verdict instead of asserting it:
        z, codebook = _random(2, 3, 4, 5)
        return torch.equal(quantize(z, codebook)[1], _expected(z, codebook)[1])
    A test that returns False has passed. Write `assert` in front of the comparison.
values without gradients:
        z, codebook = _random(2, 3, 4, 5)
        codes, indices, loss = quantize(z, codebook)
        chosen, index = _expected(z, codebook)
        assert torch.equal(indices, index)
        assert torch.allclose(codes, chosen, atol=1e-5)
        assert torch.allclose(loss, 1.25 * F.mse_loss(z, chosen), rtol=1e-4)
    A quantizer's values can all be right while nothing learns. Set requires_grad on z and the
    codebook, and look at the gradients of the codes and of the loss, each alone.
a picture of one place:
        dice = torch.Generator().manual_seed(1)
        z = torch.randn(1, 3, 1, 1, generator=dice).requires_grad_()
        codebook = torch.randn(6, 3, generator=dice).requires_grad_()
        codes, indices, loss = quantize(z, codebook)
        chosen, index = _expected(z.detach(), codebook.detach())
        assert torch.equal(indices, index)
        assert torch.allclose(codes, chosen, atol=1e-5)
        error = z.detach() - chosen
        assert torch.allclose(loss, 1.25 * error.square().mean(), rtol=1e-4)
        to_z = torch.autograd.grad(codes.sum(), z, retain_graph=True, allow_unused=True)[0]
        assert to_z is not None
        assert torch.allclose(to_z, torch.ones_like(to_z))
        to_z, to_codes = torch.autograd.grad(loss, (z, codebook), allow_unused=True)
        assert to_z is not None
        assert to_codes is not None
        assert torch.allclose(to_z, 0.25 * 2 * error / 3, atol=1e-6)
    With one place there is nothing to mix up: whatever is done to the layout, it looks right. Use
    several pictures with several places, and H other than W.
compares with the book's own quantizer:
        z, codebook = _random(2, 3, 4, 5)
        for mine, books in zip(quantize(z, codebook), quantizer.quantize(z, codebook)):
            assert torch.allclose(mine, books)
    In here that is the quantizer on trial as well, so it was compared with itself. Work out what
    must come out from z and the codebook.
asks floats to be equal to the last bit:
        z, codebook = _random(4, 3, 8, 8)
        assert torch.equal(quantize(z, codebook)[0], _expected(z, codebook)[0])
    z + (q - z) is q up to rounding only. Compare codes with a tolerance: `torch.allclose(...,
    atol=1e-5)`. Indices may be compared exactly.
vectors that lie on their codes:
        codebook = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        z = codebook[torch.tensor([[[0, 1], [1, 1]]])].movedim(-1, 1)
        codes, _, loss = quantize(z, codebook)
        assert torch.allclose(codes, z)
        assert loss == 0
    Where the distance is 0 every loss is 0, with any beta and any sum, and so are its gradients.
    Use vectors that lie between the codes.
any gradient will do:
        z, codebook = (x.requires_grad_() for x in _random(2, 3, 4, 5))
        codes, _, loss = quantize(z, codebook)
        (codes.sum() + loss).backward()
        assert z.grad is not None
        assert codebook.grad is not None
    That z has a gradient says little: it may come from the loss alone. Take the gradient of the
    codes and that of the loss apart, and say what each should be.
"""

EXERCISE = Hunt(
    title="Bug hunt: quantizers",
    difficulty=3,
    minutes=40,
    stub=STUB,
    reference=reference_test,
    on_trial=quantizer.quantize,
    right=(quantizer.quantize, _by_one_hot, _with_channels_first),
    bugs=BUGS,
    edits=_in_rows,
    mistakes=MISTAKES,
    hints=(
        "Use random z with H other than W, a random codebook, and compute at each place which "
        "code is nearest: `z.movedim(1, -1)` puts the D numbers of a place side by side.",
        "Three parts: what is chosen (indices, codes), what it costs (1.25 times the mean squared "
        "distance), and who learns from what (four gradients: of codes and loss, to z and "
        "codebook).",
        "`torch.autograd.grad(x, (z, codebook), allow_unused=True, retain_graph=True)` gives "
        "gradients without backward(), None where there is none, and may be called again. Give "
        "(codes * w).sum() a random w.",
    ),
)
