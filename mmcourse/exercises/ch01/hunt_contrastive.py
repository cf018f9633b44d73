"""Bug hunt: a test that tells a right contrastive loss from wrong ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.exercises.kit import Hunt
from mmcourse.joint import losses

Loss = Callable[..., Tensor]

STUB = '''
@exercise("ch01.hunt_contrastive")
def test_loss(loss):
    """Assert what is true of a right contrastive loss, and false of a broken one.

    loss(text_emb, image_emb, logit_scale): the loss on trial. It takes (B, D) rows of length 1
    and the scale that is multiplied onto the cosines, and returns a scalar.
    It will be given to you in right and in broken forms. Pass on every right one, and fail with an
    AssertionError on each broken one. There is no right loss to compare with: whichever
    `clip_loss` you call in here, it is the one on trial.
    """
    raise NotImplementedError
'''


def reference_test(loss: Loss) -> None:
    """Known values, symmetry, and a gradient for both towers."""
    pairs = torch.eye(3)
    for scale in (1.0, 3.0):
        expected = math.log(1 + 2 * math.exp(-scale))  # one right partner, two at a right angle
        assert abs(loss(pairs, pairs, scale) - expected) < 1e-4
    generator = torch.Generator().manual_seed(0)
    text, image = (F.normalize(torch.randn(4, 5, generator=generator), dim=-1) for _ in "ti")
    assert torch.allclose(loss(text, image, 5.0), loss(image, text, 5.0), atol=1e-5)
    text.requires_grad_()
    image.requires_grad_()
    loss(text, image, 5.0).backward()
    assert text.grad is not None
    assert text.grad.abs().sum() > 0
    assert image.grad is not None
    assert image.grad.abs().sum() > 0


def _in_float64(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    logits = logit_scale * text_emb.double() @ image_emb.double().T
    own = logits.diagonal()
    both = logits.logsumexp(0) - own + logits.logsumexp(1) - own
    return (both.mean() / 2).to(text_emb.dtype)


def _by_log_softmax(text_emb: Tensor, image_emb: Tensor, logit_scale: Any) -> Tensor:
    logits = torch.einsum("td,id->ti", text_emb, image_emb) * logit_scale
    both = logits.log_softmax(0) + logits.log_softmax(1)
    return -both.trace() / (2 * len(logits))


BUGS = """
only texts choose pictures: + F.cross_entropy(logits.T, target)) / 2 => )
    - Missed: something about two things that should be treated alike.
    - Which two arguments play the same part? What should happen if they swap?
    - Compare loss(a, b, s) with loss(b, a, s) for random a and b. The broken loss has only the
      text-to-image half.
divides by the scale: logit_scale * text_emb => text_emb / logit_scale
    - Missed: something about the temperature.
    - At scale 1 it can't be seen. What does a larger scale do to the loss of well matched pairs?
    - Work out loss(eye, eye, s) by hand for an s other than 1. The broken loss divides where it
      should multiply.
applies the scale twice: logit_scale * => logit_scale**2 *
    - Missed: something about the temperature, and subtler than the wrong direction.
    - A larger scale does make the loss of matched pairs smaller, but by how much? You need an exact
      value.
    - log(1 + (B - 1) e^-s) is the loss of B pairs at right angles. The broken loss uses s².
the targets are shifted by one: device=logits.device) => device=logits.device).roll(1)
    - Missed: something about who belongs to whom.
    - Should a batch of perfect matches have a small loss, or a large one?
    - loss(x, x, 100) must be near 0. The broken loss wants text i next to picture i - 1.
sums over the batch instead of averaging: / 2 => / 2 * len(logits)
    - Missed: something about the size of the batch.
    - What is the loss of B vectors that are all the same? And for 2 B of them?
    - If all vectors are equal, the loss is log B, the cost of guessing. The broken loss gives B log
      B.
softmax before cross_entropy:
        (logits, => (logits.softmax(1),
        (logits.T, => (logits.T.softmax(1),
    - Missed: something about how low the loss can go.
    - With perfect pairs and a large scale, what should the loss become?
    - loss(eye, eye, 100) should be almost 0. The broken loss applies softmax twice and never gets
      below log(1 + (B - 1)/e).
no gradient to the pictures: image_emb.T => image_emb.detach().T
    - Missed: something that no value shows.
    - What is a loss for? Look at what comes back, rather than at what comes out.
    - Set requires_grad on both inputs, call backward, and assert that both have a gradient that
      isn't zero. The broken loss detaches the pictures.
"""

MISTAKES = """
looks at the form of the result only:
        x = F.normalize(torch.randn(4, 8), dim=-1)
        value = loss(x, x, 10.0)
        assert value.shape == ()
        assert torch.isfinite(value)
    A wrong loss is a finite scalar too. Assert values that you can work out: vectors at right
    angles, all vectors equal, perfect matches at a large scale.
returns its verdict instead of asserting it:
        pairs = torch.eye(3)
        return bool(abs(loss(pairs, pairs, 1.0) - math.log(1 + 2 * math.exp(-1.0))) < 1e-4)
    A test that returns False has passed. Write `assert` in front of the comparison.
expects a loss of 0 for perfect pairs:
        pairs = torch.eye(3)
        assert torch.allclose(loss(pairs, pairs, 1.0), torch.tensor(0.0), atol=1e-4)
    Even perfect pairs cost something at a small scale: at a right angle the others have e^-s of the
    right one's weight each, so B pairs cost log(1 + (B - 1) e^-s). It is near 0 only for a large
    scale.
    Satisfied by:
        least = _by_log_softmax(text_emb, text_emb, logit_scale)
        return (_by_log_softmax(text_emb, image_emb, logit_scale) - least).clamp(min=0)
compares with the book's own loss:
        text, image = F.normalize(torch.randn(2, 4, 8), dim=-1)
        assert torch.allclose(loss(text, image, 10.0), losses.clip_loss(text, image, 10.0))
    In here that is the loss on trial as well, so it was compared with itself. Work out what must
    come out, independently of any implementation.
asks floats to be equal to the last bit:
        text, image = F.normalize(torch.randn(2, 16, 8), dim=-1)
        logits, target = 10.0 * text @ image.T, torch.arange(16)
        expected = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        assert loss(text, image, 10.0) == expected
    Another order of the same sums rounds differently. Compare with a tolerance: `torch.allclose`,
    `torch.testing.assert_close`, or abs(a - b) < 1e-4.
tests symmetry and nothing else:
        text, image = F.normalize(torch.randn(2, 4, 8), dim=-1)
        assert torch.allclose(loss(text, image, 10.0), loss(image, text, 10.0), atol=1e-4)
    Symmetry catches a loss with one direction only. A loss can treat both sides alike and still be
    wrong: pin down a value at a scale other than 1.
better than guessing is enough:
        pairs = torch.eye(4)
        assert loss(pairs, pairs, 10.0) < math.log(4)
    Below log B is a weak demand: many broken losses meet it. Say what the value should be, not only
    on which side of a bound it lies.
"""

EXERCISE = Hunt(
    title="Bug hunt: contrastive losses",
    difficulty=3,
    minutes=20,
    stub=STUB,
    reference=reference_test,
    on_trial=losses.clip_loss,
    right=(losses.clip_loss, _in_float64, _by_log_softmax),
    bugs=BUGS,
    mistakes=MISTAKES,
    hints=(
        "You know the loss exactly in a few cases: all vectors equal (log B), one pair (0), B "
        "pairs at right angles (log(1 + (B - 1) e^-s)).",
        "Beyond values: what may be swapped, what may be shuffled, and where must gradients go?",
    ),
)
