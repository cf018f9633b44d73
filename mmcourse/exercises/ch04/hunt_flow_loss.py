"""Bug hunt: a test that tells a right flow matching loss from wrong ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.diffusion import flow
from mmcourse.exercises.kit import Hunt

STUB = '''
@exercise("ch04.hunt_flow_loss")
def test_flow_loss(loss):
    """Assert what is true of a right flow matching loss, and false of a broken one.

    loss(model, x0, noise, t): the loss on trial, a scalar.
    model: called once, as model(x, time), for the velocity of each row of x. You write it: it may
    keep what it is told.
    x0, noise: (B, ...).  t: (B,), 0 at the data and 1 at the noise; a time for each row.
    A right one calls the model with x = (1 - t) x0 + t noise and time = 1000 t, float, (B,), and
    returns the mean over all numbers of the squared difference from noise - x0. Its gradient
    reaches what the model returned.
    Pass on every right one, and fail with an AssertionError on each broken one. The book's
    `flow_matching_loss` is replaced by the one on trial in here.
    """
    raise NotImplementedError
'''

Loss = Callable[..., Tensor]


def reference_test(loss: Loss) -> None:
    """What the model is told, what it is held to, and whether it can learn from it."""
    dice = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 3, 2, 4, generator=dice)
    t = torch.tensor([0.25, 0.5, 0.873])
    said = torch.randn(3, 2, 4, generator=dice).requires_grad_()
    seen = []

    def model(x: Tensor, time: Tensor) -> Tensor:
        seen.append((x, time))
        return said

    found = loss(model, x0, noise, t)
    assert len(seen) == 1
    x, time = seen[0]
    u = t[:, None, None]
    assert torch.allclose(x, (1 - u) * x0 + u * noise, atol=1e-5)
    assert time.is_floating_point()
    assert torch.allclose(time, 1000 * t, atol=1e-2)
    assert torch.allclose(found, (said - (noise - x0)).square().mean(), rtol=1e-4)
    (slope,) = torch.autograd.grad(found, said, allow_unused=True)
    assert slope is not None
    assert torch.allclose(slope, 2 * (said - (noise - x0)) / said.numel(), atol=1e-5)


def _by_steps(model: Loss, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """From the data on, in the direction of the noise. The broken ones are edits of it."""
    velocity = noise - x0
    u, time = t.view(-1, *[1] * (x0.ndim - 1)), 1000 * t
    said = model(x0 + u * velocity, time)
    return F.mse_loss(said, velocity)


def _by_rows(model: Loss, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """The mean of the rows' means."""
    x = torch.stack([torch.lerp(a, b, float(w)) for a, b, w in zip(x0, noise, t)])
    error = model(x, 1000 * t) - noise + x0
    return error.pow(2).reshape(len(x), -1).mean(1).mean()


def batch() -> tuple[Tensor, Tensor, Tensor]:
    dice = torch.Generator().manual_seed(4)
    x0, noise = torch.randn(2, 3, 2, 4, generator=dice)
    return x0, noise, torch.tensor([0.25, 0.5, 0.87])


def nothing(x: Tensor, t: Tensor) -> Tensor:
    return torch.zeros_like(x)


BUGS = """
times from 0 to 1: 1000 * t => t
    - Missed: something about what the model is told.
    - Let your model keep its second argument. On which scale is it?
    - The time must be 1000 t. The broken one passes t, and the embeddings of 0.1 and 0.9 are nearly
      the same.
times that are rounded: 1000 * t => (10 * t).long() * 100.0
    - Missed: something about how exactly the model is told.
    - Try a t that is no tenth, such as 0.873.
    - The time must be 1000 t for every t. The broken one rounds it down to hundreds.
the time told backwards: 1000 * t => 1000 * (1 - t)
    - Missed: something about where the model believes it is.
    - Is the model told little near the data and much near the noise?
    - The time must be 1000 t. The broken one tells 1000 (1 - t), which is right at 1/2 alone.
data and noise swapped in the mixture: x0 + u * velocity => noise - u * velocity
    - Missed: something about what the model sees.
    - What is x at t = 0.25: mostly data, or mostly noise?
    - x must be (1 - t) x0 + t noise. The broken one mixes the other way round, which is right at
      1/2 alone.
the velocity points to the data: (said, velocity) => (said, -velocity)
    - Missed: something about the target's direction.
    - Which answer of the model gives a loss of 0?
    - The target must be noise - x0. The broken one wants x0 - noise; a model that says 0 costs the
      same.
the noise as target: (said, velocity) => (said, noise)
    - Missed: something about what the model is held to.
    - Compare the loss with that of noise - x0, for an answer that is not 0.
    - The target must be noise - x0. The broken one wants the noise.
one time for all rows: u, time = t => u, time = t[:1]
    - Missed: something that a batch of one time can't show.
    - Give each row another t, and look at every row of x.
    - Row i must be mixed by t[i]. The broken one mixes all with the first.
another noise in the target: (said, velocity) => (said, noise.flip(-1) - x0)
    - Missed: something about which noise is meant.
    - Is the noise in the target the one in the mixture, number by number?
    - The target must hold the very noise that was mixed in. The broken one uses another order of
      it.
nothing can be learned from it: (said, => (said.detach().requires_grad_(),
    - Missed: something that no value shows.
    - Let the model return a tensor with requires_grad. What gradient does it get?
    - The gradient must reach what the model returned. The broken one detaches it.
a sum within each row:
        (said, velocity) => (said, velocity, reduction="none").flatten(1).sum(1).mean()
    - Missed: something about the size of the loss.
    - Twice as many numbers in a row: what should become of the loss?
    - The mean is over all numbers. The broken one sums over a row's numbers.
"""

MISTAKES = """
looks at the shape only:
        found = loss(nothing, *batch())
        assert found.shape == ()
        assert found > 0
    Every broken one returns a scalar above 0. Say which number it must be.
returns its verdict instead of asserting it:
        x0, noise, t = batch()
        return bool(torch.isclose(loss(nothing, x0, noise, t), (noise - x0).square().mean()))
    A test that returns False has passed. Write `assert` in front of the comparison.
a model that says 0:
        x0, noise, t = batch()
        assert torch.isclose(loss(nothing, x0, noise, t), (noise - x0).square().mean(), rtol=1e-4)
    A model that always says 0 does not show what it was told, and 0 lies in the middle between both
    directions. Let it keep its inputs, and return something else.
a model that knows the answer:
        x0, noise, t = batch()
        assert loss(lambda x, t: noise - x0, x0, noise, t) < 1e-6
    With the right answer every size of the loss is 0, and what the model was told does not matter.
    Let it be wrong, by a known amount, and keep its inputs.
half way only:
        x0, noise, _ = batch()
        seen: list[Any] = []

        def model(x: Tensor, t: Tensor) -> Tensor:
            seen.append((x, t))
            return torch.zeros_like(x)

        found = loss(model, x0, noise, torch.full((3,), 0.5))
        assert torch.isclose(found, (noise - x0).square().mean(), rtol=1e-4)
        x, t = seen[0]
        assert torch.allclose(x, (x0 + noise) / 2, atol=1e-5)
        assert torch.allclose(t, torch.full((3,), 500.0))
    At t = 1/2 data and noise count alike and 1000 t is 1000 (1 - t): both directions look right.
    Give each row another time.
compares with the book's own loss:
        args = batch()
        assert torch.isclose(loss(nothing, *args), flow.flow_matching_loss(nothing, *args))
    In here that is the loss on trial as well, so it was compared with itself. Work out what must
    come out.
asks floats to be equal to the last bit:
        x0, noise, t = batch()
        assert loss(nothing, x0, noise, t).item() == (noise.double() - x0.double()).square().mean()
    A mean in another order differs in the last digit. Use `torch.isclose`.
    Satisfied by: (said, velocity) => (said.double(), noise.double() - x0.double())
"""

EXERCISE = Hunt(
    title="Bug hunt: flow matching",
    difficulty=3,
    minutes=30,
    stub=STUB,
    reference=reference_test,
    on_trial=flow.flow_matching_loss,
    right=(flow.flow_matching_loss, _by_steps, _by_rows),
    bugs=BUGS,
    edits=_by_steps,
    mistakes=MISTAKES,
    hints=(
        "Write a model that appends (x, time) to a list and returns a fixed random tensor.",
        "Three parts: x is the mixture, row by row; time is 1000 t; the loss is the mean squared "
        "difference of what was returned and noise - x0.",
        "Let what it returns have requires_grad, and ask `torch.autograd.grad(loss, said)`.",
    ),
)
