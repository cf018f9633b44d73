"""Bug hunt: a test that tells a right masked mean from wrong ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mmcourse.exercises.kit import Hunt
from mmcourse.nn import pooling

Pool = Callable[[Tensor, Tensor], Tensor]

STUB = '''
@exercise("ch01.hunt_pooling")
def test_pool(pool):
    """Assert what is true of a mean over the words that are there, and false of a broken one.

    pool(tokens, mask): the pooling on trial. tokens is (B, T, D), mask (B, T) bool, True where
    there is a word; each row has at least one. It returns (B, D): for each text the mean of its
    own words, whatever finite numbers stand in the padding.
    It will be given to you in right and in broken forms. Pass on every right one, and fail with an
    AssertionError on each broken one.
    """
    raise NotImplementedError
'''


def reference_test(pool: Pool) -> None:
    """Texts of different lengths, against a mean of the words cut out one text at a time."""
    tokens = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0))
    lengths = (4, 2, 1)
    mask = torch.arange(4)[None] < torch.tensor(lengths)[:, None]
    pooled = pool(tokens, mask)
    assert pooled.shape == (3, 2)
    for row, text, length in zip(pooled, tokens, lengths):
        assert torch.allclose(row, text[:length].mean(0), atol=1e-5)


def _one_by_one(tokens: Tensor, mask: Tensor) -> Tensor:
    return torch.stack([text[there].mean(0) for text, there in zip(tokens, mask)])


def _by_weights(tokens: Tensor, mask: Tensor) -> Tensor:
    weight = mask.double() / mask.double().sum(1, keepdim=True)
    return torch.einsum("bt,btd->bd", weight, tokens.double()).to(tokens.dtype)


BUGS = """
averages the padding in: tokens.mean(1)
    - Missed: something about what is read.
    - Change what stands in the padding. May the result change?
    - Put noise where the mask is False; the result must stay. The broken one is tokens.mean(1).
divides by T, padding included: (tokens * mask[..., None]).mean(1)
    - Missed: something about what the sum is divided by.
    - A text of two words in a batch of length four: what is its mean, by hand?
    - If every word is the same vector, the mean is that vector, however much padding follows. The
      broken one gives a fraction of it.
divides by the batch's average length:
        (tokens * mask[..., None]).sum(1) / mask.sum(1).float().mean()
    - Missed: something about one text and its neighbours.
    - Do all the texts in your test have the same length?
    - Pool texts of different lengths in one batch, each against the mean of its own words. The
      broken one divides all by the average length.
reads the mask the wrong way round:
        ignored = (~mask)[..., None]
        return (tokens * ignored).sum(1) / ignored.sum(1).clamp(min=1)
    - Missed: something about what True means.
    - Which words would a pooling read that takes True for "ignore"?
    - Use different values in words and padding, and compare with the words' mean. The broken one
      averages the padding.
takes the last word: tokens[torch.arange(len(tokens)), mask.sum(1) - 1]
    - Missed: something about how many words are used.
    - Change the first word of a text of two. Must the result change?
    - Compare with a mean of at least two different words. The broken one returns the last one.
sums and never divides: (tokens * mask[..., None]).sum(1)
    - Missed: something about the size of the result.
    - Say a word twice: what happens to a mean, and what to a sum?
    - Compare with a mean that you work out over two or more words. The broken one returns their
      sum.
takes the largest value instead of the mean:
        tokens.masked_fill(~mask[..., None], float("-inf")).amax(1)
    - Missed: something about how words are combined.
    - Are all the words of your test alike? Then many things look like a mean.
    - Compare with the mean of different words. The broken one takes the maximum.
one mean for the whole batch: tokens[mask].mean(0).expand(len(tokens), -1)
    - Missed: something about who shares with whom.
    - Does the result for text 0 depend on text 1? Is there a text 1 in your test?
    - Pool two different texts in one batch. The broken one gives all texts the mean of all words.
"""

MISTAKES = """
looks at the shape only:
        assert pool(torch.randn(2, 5, 3), torch.ones(2, 5, dtype=torch.bool)).shape == (2, 3)
    Every broken pooling returns the right shape. Compare values: cut the words out of one text,
    take their mean, and ask for the same.
has no padding in it:
        tokens = torch.randn(2, 5, 3)
        mask = torch.ones(2, 5, dtype=torch.bool)
        assert torch.allclose(pool(tokens, mask), tokens.mean(1), atol=1e-5)
    With a mask that is True everywhere, what is wrong with masks can't show. Give the texts
    different lengths.
all words are alike:
        mask = torch.tensor([[True, True, False], [True, False, False]])
        assert torch.allclose(pool(torch.ones(2, 3, 4), mask), torch.ones(2, 4), atol=1e-5)
    If all words are the same vector, the first, the last, the largest and the mean are one and the
    same. Use random words.
divides by T itself:
        mask = torch.tensor([[True, True, False, False]])
        tokens = torch.randn(1, 4, 3) * mask[..., None]
        assert torch.allclose(pool(tokens, mask), tokens.mean(1), atol=1e-5)
    Zeros in the padding still count as words in `tokens.mean(1)`. The expected value is the sum
    over the words divided by how many words there are.
all texts have the same length:
        tokens, mask = torch.randn(2, 4, 3), torch.tensor([[True, True, True, False]] * 2)
        assert torch.allclose(pool(tokens, mask), tokens[:, :3].mean(1), atol=1e-5)
    A batch whose texts are equally long hides what leaks from one text's length into another's
    result. Use different lengths in one batch.
tests the padding and nothing else:
        mask = torch.tensor([[True, True, False], [True, False, False]])
        tokens = torch.randn(2, 3, 4)
        noisy = torch.where(mask[..., None], tokens, torch.full_like(tokens, 9.0))
        assert torch.allclose(pool(tokens, mask), pool(noisy, mask), atol=1e-5)
    Whatever ignores the padding passes, be it a mean or not. Say what the value should be as well.
returns its verdict instead of asserting it:
        tokens = torch.randn(1, 4, 3)
        mask = torch.tensor([[True, True, False, False]])
        return torch.allclose(pool(tokens, mask), tokens[:, :2].mean(1), atol=1e-5)
    A test that returns False has passed. Write `assert` in front of the comparison.
"""

EXERCISE = Hunt(
    title="Bug hunt: pooling with a mask",
    difficulty=2,
    minutes=15,
    stub=STUB,
    reference=reference_test,
    on_trial=pooling.masked_mean,
    right=(pooling.masked_mean, _one_by_one, _by_weights),
    bugs=BUGS,
    mistakes=MISTAKES,
    hints=(
        "Make a batch of texts of different lengths, with random words and random padding.",
        "For each text, cut out its words with its length and average them: that is what pooling "
        "must give, row by row, up to rounding.",
    ),
)
