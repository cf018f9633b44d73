"""Core: how loudly may the critic speak?"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Broken, Raised, Task, close, holds, raw, tensor
from mmcourse.vqgan.adaptive import adaptive_weight

STUB = '''
@exercise("ch03.adaptive_weight")
def adaptive_weight(reconstruction, adversarial, last, limit=10.0):
    """By how much the critic's loss is multiplied, so that it moves the last layer as much as the
    reconstruction's does.

    reconstruction, adversarial: scalars that both depend on `last`, with their graphs.
    last: the weight of the decoder's last layer, a parameter.
    Returns a scalar tensor: the length (L2 norm) of the gradient of `reconstruction` at `last`, by
    the length of the gradient of `adversarial` there plus 1e-4, no more than `limit`. It is a
    constant: no gradient flows through it. Afterwards both graphs can still be used, and no `.grad`
    has changed.
    """
    raise NotImplementedError
'''


def _losses(w: Tensor, a: Tensor, b: Tensor, limit: float) -> tuple[Any, ...]:
    """Losses whose gradients at w are a + 2 w and b."""
    w = w if w.requires_grad else w.detach().clone().requires_grad_()
    return (w * a).sum() + w.square().sum(), (w * b).sum(), w, limit


def _call(answer: Any, *inputs: Any) -> Any:
    """The answer on these very tensors: of clones, as it is given elsewhere, the losses would have
    no gradient."""
    answer.inputs = inputs
    try:
        return answer.function(*inputs)
    except BaseException as error:
        raise Raised(error) from None


def _ask(answer: Any, a: Any, b: Any, limit: float = 1e9, w: Tensor | None = None) -> Any:
    a, b = (x if isinstance(x, Tensor) else torch.tensor(x, dtype=torch.float64) for x in (a, b))
    w = torch.zeros_like(a) if w is None else w
    return _call(answer, *_losses(w, a, b, limit))


@holds("gradients of lengths 6 and 2 give 3")
def three(answer: Any) -> None:
    close(_ask(answer, [6.0, 0.0], [0.0, 2.0]), 6 / 2.0001)


@holds("the length is the L2 norm over all numbers of the weight, whatever their signs")
def length(answer: Any) -> None:
    close(_ask(answer, [[3.0, -4.0], [0.0, 12.0]], [[1.0, 0.0], [0.0, -1.0]]),
          13 / (math.sqrt(2) + 1e-4))  # fmt: skip
    a, b = raw(2, 3, 1, 1, seed=13).float(), raw(2, 3, 1, 1, seed=14).float()
    close(_ask(answer, a, b), a.norm() / (b.norm() + 1e-4), "Of a convolution's weight, float32.")


@holds("a critic without a gradient makes it 1e4 times the other's length, not infinite")
def epsilon(answer: Any) -> None:
    close(_ask(answer, [3.0, 4.0], [0.0, 0.0]), 5e4)
    close(_ask(answer, [0.0, 0.0], [0.0, 0.0]), 0.0)


@holds("1e-4 is added to the critic's length, however short that is")
def added(answer: Any) -> None:
    for b in (1e-3, 1e-4, 1e-6):
        close(_ask(answer, [1.0, 0.0], [0.0, b]), 1 / (b + 1e-4))


@holds("it is never more than the limit, and may well be less than 1")
def limited(answer: Any) -> None:
    close(_ask(answer, [6.0, 0.0], [0.0, 0.1], limit=10.0), 10.0)
    close(_ask(answer, [6.0, 0.0], [0.0, 2.0], limit=2.5), 2.5)
    close(_ask(answer, [0.5, 0.0], [0.0, 8.0], limit=10.0), 0.5 / 8.0001)


@holds("the losses' own values do not matter")
def values(answer: Any) -> None:
    w = torch.tensor([2.0, -1.0], dtype=torch.float64)
    close(_ask(answer, [2.0, 2.0], [0.0, 4.0], w=w), 6 / 4.0001)  # 2 w is added


@holds("it is a constant, and leaves the graphs and every `.grad` as they were")
def constant(answer: Any) -> None:
    first, second, w, limit = _losses(raw(3, seed=1), raw(3, seed=2), raw(3, seed=3), 1e9)
    other = torch.ones_like(w, requires_grad=True)
    first, second = first + (other * w).sum(), second + (other * w).sum()
    told = first.item(), second.item()
    w.grad, before = torch.full_like(w, 7.0), w.detach().clone()
    weight = tensor(_call(answer, first, second, w, limit), ())
    if told != (first.item(), second.item()):
        raise Broken("The losses are others than before.", (first.item(), second.item()), told)
    if not w.requires_grad or not torch.equal(w.detach(), before):
        raise Broken("`last` is another than before.", w, before)
    if weight.requires_grad:
        raise Broken("A gradient flows through the weight.", "requires_grad is True", "a constant")
    if w.grad is None or not bool((w.grad == 7).all()):
        raise Broken("`last.grad` has changed.", w.grad, "as before: use torch.autograd.grad")
    try:
        (first + weight * second).backward()
    except RuntimeError as error:
        raise Broken(
            "The graph of a loss is gone, though the training step still needs it.",
            str(error).partition(":")[0],
            "retain_graph=True",
        ) from None
    w.grad = other.grad = None
    _call(answer, *_losses(w, w.detach(), other, limit))
    if w.grad is not None or other.grad is not None:
        raise Broken("A `.grad` that was None is there now.", "a tensor", "None")


def _probes() -> list[tuple[Any, ...]]:
    return [
        (raw(2, 3, seed=4), raw(2, 3, seed=5), raw(2, 3, seed=6), 1e9),
        (raw(4, seed=7), 30 * raw(4, seed=8), 0.01 * raw(4, seed=9), 10.0),
        (raw(4, seed=7), raw(4, seed=8), torch.zeros(4, dtype=torch.float64), 1e9),
        (0.01 * raw(3, seed=10), raw(3, seed=11), 50 * raw(3, seed=12), 10.0),
    ]


def _by_norms(reconstruction: Tensor, adversarial: Tensor, last: Tensor, limit: float) -> Tensor:
    """The one that wrong answers are edits of."""
    losses = reconstruction, adversarial
    a, b = (torch.autograd.grad(x, last, retain_graph=True)[0].norm() for x in losses)
    return (a / (b + 1e-4)).clamp(max=limit).detach()


def _probe(function: Any) -> list[Any]:
    """What it gives, whether that is a constant, and what it leaves behind."""
    function = function() if isinstance(function, type) else function
    seen: list[Any] = []
    for inputs in _probes():
        try:
            got = function(*_losses(*inputs))
        except Exception as error:
            seen.append(type(error).__name__)
            continue
        seen += [
            float(torch.as_tensor(got).detach()),
            isinstance(got, Tensor) and got.requires_grad,
        ]
    first, second, w, limit = _losses(raw(3, seed=1), raw(3, seed=2), raw(3, seed=3), 1e9)
    w.grad = torch.full_like(w, 7.0)
    try:
        function(first, second, w, limit)
        seen.append(w.grad is not None and bool((w.grad == 7).all()))
        first.backward()
        second.backward()
    except Exception:
        seen.append("the graph is gone")
    return seen


MISTAKES = """
upside down: a / (b + 1e-4) => b / (a + 1e-4)
    The critic's length stands above. A critic with tiny gradients needs a large weight to be heard:
    the reconstruction's length goes above, the critic's below.
no 1e-4: (b + 1e-4) => b
    Where the critic has no gradient, say at its very start, this is infinite, or NaN if the other
    has none either. Add 1e-4 to the length below.
1e-4 added to the quotient: a / (b + 1e-4) => a / b + 1e-4
    1e-4 was added to the quotient, where it saves nobody from division by 0. It belongs to the
    length below the line.
no limit: .clamp(max=limit) =>
    Nothing keeps it below `limit`. A new critic has hardly any gradient, and its opinion would be
    multiplied by thousands. `.clamp(max=limit)`.
a gradient flows through it:
        retain_graph => create_graph
        .detach() =>
    The weight depends on the parameters, and without `.detach()` the step would also change them so
    that the weight becomes smaller. It is a constant of the step.
the losses' values: (reconstruction.abs() / (adversarial.abs() + 1e-4)).clamp(max=limit).detach()
    This compares how large the losses are. A hinge loss may be 0 and pull hard: what counts is how
    long their gradients at the last layer are.
backward():
        reconstruction.backward(retain_graph=True)
        a = last.grad.norm()
        adversarial.backward(retain_graph=True)
        b = last.grad.norm()
        return (a / (b + 1e-4)).clamp(max=limit).detach()
    `backward()` adds to `.grad`: the second length is that of both gradients together, and the
    training step finds them there again. `torch.autograd.grad` returns a gradient and leaves
    everything as it was.
sums of absolute values: .norm() => .abs().sum()
    That is the L1 norm. The length is the root of the sum of squares: `.norm()`.
squared lengths: a / (b + 1e-4) => a**2 / (b**2 + 1e-4)
    The lengths were squared, so a critic ten times as loud is weighed a hundred times less. Take
    their roots.
the graph is freed: , retain_graph=True =>
    The losses are still to be minimised, and their graph is gone. Ask for it to be kept:
    `retain_graph=True`.
never below 1: max=limit => 1.0, max(1.0, limit)
    It is kept from falling below 1. A loud critic must be turned down: only the upper side has a
    limit.
"""

EXERCISE = Task(
    title="The adaptive weight",
    level="core",
    difficulty=2,
    minutes=15,
    stub=STUB,
    reference=adaptive_weight,
    probe=_probe,
    mistakes=MISTAKES,
    edits=_by_norms,
    hints=(
        "`torch.autograd.grad(loss, last, retain_graph=True)` returns a tuple with the gradient.",
        "`.norm()` of each. Which stands below the line, where 1e-4 keeps it from 0?",
        "With a and b the two lengths: `(a / (b + 1e-4)).clamp(max=limit).detach()`.",
    ),
)
