"""The right quantizers of chapter 2's bug hunts withstand every fair test."""

import pytest
import torch
import torch.nn.functional as F

from mmcourse.exercises import load

from .test_every_exercise import graded

QUANTIZERS = load("ch02.hunt_quantizer").right
CODEBOOKS = load("ch02.hunt_ema").right


def nearest(z: torch.Tensor, codebook: torch.Tensor) -> torch.Tensor:
    places = z.double().movedim(1, -1)[..., None, :]
    return (places - codebook.double()).square().sum(-1).argmin(-1)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("quantize", QUANTIZERS)
def test_a_right_quantizer_finds_the_nearest_code_far_from_the_origin(quantize, offset) -> None:
    dice = torch.Generator().manual_seed(0)
    z = torch.randn(2, 3, 8, 9, generator=dice) + offset
    codebook = torch.randn(12, 3, generator=dice) + offset
    assert torch.equal(quantize(z, codebook)[1], nearest(z, codebook))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("make", CODEBOOKS)
def test_so_does_a_right_codebook_in_either_precision(make, offset, dtype) -> None:
    q = make(num_codes=12, dim=3, decay=0.9, epsilon=1e-5, restart_below=0.5).eval()
    q.codebook += offset
    z = (torch.randn(2, 3, 8, 9, generator=torch.Generator().manual_seed(0)) + offset).to(dtype)
    assert torch.equal(q(z)[1], nearest(z.float(), q.codebook))


def step_by_step(quantize) -> None:
    """One graph, two calls of backward(), as a learner may well write it."""
    dice = torch.Generator().manual_seed(0)
    z = torch.randn(2, 3, 4, 5, generator=dice).requires_grad_()
    codebook = torch.randn(6, 3, generator=dice).requires_grad_()
    codes, indices, loss = quantize(z, codebook)
    assert torch.equal(indices, nearest(z.detach(), codebook.detach()))
    chosen = F.embedding(indices, codebook.detach()).movedim(-1, 1)
    assert torch.allclose(codes, chosen, atol=1e-5)
    error = z.detach() - chosen
    assert torch.allclose(loss, 1.25 * error.square().mean(), rtol=1e-4)
    w = torch.randn(2, 3, 4, 5, generator=dice)
    assert codes.requires_grad
    (codes * w).sum().backward()
    assert z.grad is not None
    assert torch.allclose(z.grad, w, atol=1e-5)
    assert codebook.grad is None or codebook.grad.abs().max() < 1e-6
    z.grad = codebook.grad = None
    assert loss.requires_grad
    loss.backward()
    assert z.grad is not None
    assert codebook.grad is not None
    assert torch.allclose(z.grad, 0.5 * error / error.numel(), atol=1e-6)


def test_gradients_may_be_taken_one_after_the_other() -> None:
    report = graded("ch02.hunt_quantizer", step_by_step)
    assert report.passed, report
