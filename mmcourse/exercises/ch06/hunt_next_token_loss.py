"""Bug hunt: a test that tells a right next-token loss from wrong ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.exercises.kit import Hunt
from mmcourse.lora import loss as book

STUB = '''
@exercise("ch06.hunt_next_token_loss")
def test_next_token_loss(loss):
    """Assert what is true of a right next-token loss, and false of a broken one.

    loss(logits, labels): the loss on trial, a scalar.
    logits: (B, T, words) float32.  labels: (B, T) int64, -100 where nothing is asked; every other
    number from 0 to words - 1 is a token, 0 among them. At least one label after a row's first
    place is asked.
    A right one is the mean, over all labels that are asked, of the cross-entropy of the label at
    place t with the logits at place t - 1 of the same row; a label at a row's first place has no
    place before it and does not count. Its gradient reaches the logits.
    Pass on every right one, and fail with an AssertionError on each broken one. The book's
    `next_token_loss` is replaced by the one on trial in here.
    """
    raise NotImplementedError
'''

Loss = Callable[[Tensor, Tensor], Tensor]


def reference_test(loss: Loss) -> None:
    """Two rows with labels of unlike numbers, token 0 among them, by hand; and the gradient."""
    dice = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 6, 5, generator=dice).requires_grad_()
    labels = torch.tensor(
        [[1, -100, 0, 4, 2, 3], [-100, -100, -100, -100, 1, -100], [3, 2, -100, 0, -100, -100]]
    )
    asked = [(b, t) for b in range(3) for t in range(1, 6) if labels[b, t] != -100]
    terms = [logits[b, t - 1].logsumexp(0) - logits[b, t - 1, labels[b, t]] for b, t in asked]
    wanted = torch.stack(terms).mean()
    found = loss(logits, labels)
    assert torch.isclose(found, wanted, rtol=1e-4)
    (slope,) = torch.autograd.grad(found, logits, allow_unused=True)
    assert slope is not None
    assert torch.allclose(slope, torch.autograd.grad(wanted, logits)[0], atol=1e-5)


def _by_log_softmax(logits: Tensor, labels: Tensor) -> Tensor:
    """Picked out of the log-probabilities, with a mask."""
    wanted = labels[:, 1:]
    asked = wanted != -100
    told = logits[:, :-1].log_softmax(-1).gather(-1, wanted.clamp(min=0)[..., None])[..., 0]
    return -torch.where(asked, told, 0.0).sum() / asked.sum()


def _by_moved_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """The labels moved to the left, the last place ignored."""
    moved = torch.nn.functional.pad(labels, (0, 1), value=-100)[:, 1:]
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), moved)


def batch() -> tuple[Tensor, Tensor]:
    dice = torch.Generator().manual_seed(4)
    logits = torch.randn(2, 5, 6, generator=dice)
    labels = torch.tensor([[-100, -100, 3, 4, 2], [-100, 5, 2, -100, -100]])
    return logits, labels


def right(logits: Tensor, labels: Tensor) -> float:
    """By hand."""
    terms = [
        -float(logits[b, t - 1].double().log_softmax(-1)[labels[b, t]])
        for b in range(len(labels))
        for t in range(1, labels.shape[1])
        if labels[b, t] != -100
    ]
    return sum(terms) / len(terms)


def _mean(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())


BUGS = """
nothing is shifted: _mean(logits, labels)
    - Missed: something about which logits belong to which label.
    - Work the value out by hand: the label at t with the logits at t - 1.
    - The broken one compares each place with itself: the model would learn to repeat what it reads.
shifted the wrong way: _mean(logits[:, 1:], labels[:, :-1])
    - Missed: something about what comes first, logits or label.
    - Do the logits at t - 1 answer for the label at t, or the other way round?
    - The broken one lets each place predict the token before it.
shifted twice: _mean(logits[:, :-2], labels[:, 2:])
    - Missed: something about how far the shift goes.
    - By hand again: is it the next token that is learned, or the one after it?
    - The broken one lets each place predict the token after the next.
the shift runs across rows: F.cross_entropy(logits.flatten(0, 1)[:-1].float(), labels.flatten()[1:])
    - Missed: something about where one row ends and another begins.
    - Give a row a label at its very first place. Does it count?
    - The broken one predicts a row's first token from the row before it.
the mean over all places:
        wanted = labels[:, 1:].flatten()
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), wanted, reduction="sum") / len(wanted)
    - Missed: something about what the sum is divided by.
    - Ignore more places, and compare the value.
    - The broken one divides by all places, ignored ones too: long prompts make the loss small.
the mean of the rows' means:
        rows = [_mean(a[None, :-1], b[None, 1:]) for a, b in zip(logits, labels)]
        return torch.stack(rows).nanmean()
    - Missed: something about rows with unlike numbers of labels.
    - Give one row four labels and another one.
    - The broken one takes the mean of each row first, so that a label in a short answer counts
      more.
token 0 is ignored:
        wanted = labels[:, 1:].flatten()
        return _mean(logits[:, :-1], wanted.masked_fill(wanted == 0, -100).view(len(labels), -1))
    - Missed: something about one of the tokens.
    - Let 0 be among the labels.
    - The broken one ignores token 0 as if it were padding.
what is ignored is learned as token 0: _mean(logits[:, :-1], labels[:, 1:].clamp(min=0))
    - Missed: something about what -100 means.
    - Does the value change with the logits before an ignored place?
    - The broken one makes -100 a 0 and learns it.
a sum: F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum")
    - Missed: something about the size of the loss.
    - Twice as many labels: what should become of the loss?
    - The broken one sums over the labels.
nothing can be learned from it: _mean(logits.detach()[:, :-1], labels[:, 1:]).requires_grad_()
    - Missed: something that no value shows.
    - Let the logits have requires_grad. What gradient do they get?
    - The broken one detaches the logits.
softmax before the cross-entropy: _mean(logits[:, :-1].softmax(-1), labels[:, 1:])
    - Missed: something about how the logits become a cost.
    - Compare with -log_softmax of the label's logit, for logits not all alike.
    - The broken one takes the softmax first, and the cross-entropy takes it again.
"""

MISTAKES = """
looks at the form only:
        found = loss(*batch())
        assert found.shape == ()
        assert found > 0
    Every broken one returns a scalar above 0. Say which number it must be.
returns its verdict instead of asserting it: abs(float(loss(*batch())) - right(*batch())) < 1e-4
    A test that returns False has passed. Write `assert` in front of the comparison.
logits that are all alike:
        logits, labels = batch()
        found = float(loss(0 * logits, labels))
        assert abs(found - torch.tensor(6.0).log().item()) < 1e-4
    With equal logits every token costs the same, whichever place answers for it. Use random ones.
one row, nothing ignored:
        logits, _ = batch()
        labels = torch.tensor([[1, 2, 3, 4, 2]])
        assert abs(float(loss(logits[:1], labels)) - right(logits[:1], labels)) < 1e-4
    With one row in which everything is asked, -100, the rows' lengths and the edge between rows
    can't be seen. Take several rows with unlike numbers of labels.
one batch of values:
        assert abs(float(loss(*batch())) - right(*batch())) < 1e-4
    The value is right, on a batch in which 0 is no label, no row's first place has one, and whose
    gradient nobody asked for.
compares with the book's own loss:
        given: Any = batch()
        assert torch.isclose(loss(*given), book.next_token_loss(*given))
    In here that is the loss on trial as well, so it was compared with itself. Work out what must
    come out.
asks floats to be equal to the last bit:
        assert float(loss(*batch())) == right(*batch())
    A mean in another order differs in the last digit. Use `torch.isclose`.
    Satisfied by: F.cross_entropy(logits[:, :-1].flatten(0, 1).double(), labels[:, 1:].flatten())
"""

EXERCISE = Hunt(
    title="Bug hunt: the loss of an answer",
    difficulty=3,
    minutes=30,
    stub=STUB,
    reference=reference_test,
    on_trial=book.next_token_loss,
    right=(book.next_token_loss, _by_log_softmax, _by_moved_labels),
    bugs=BUGS,
    mistakes=MISTAKES,
    hints=(
        "Random logits and a few labels; then a double loop over rows and places that collects "
        "-log_softmax(logits[b, t - 1])[labels[b, t]].",
        "Let the rows have unlike numbers of labels, one of them 0, and one at a row's first "
        "place.",
        "Let the logits have requires_grad, and compare `torch.autograd.grad` of both.",
    ),
)
