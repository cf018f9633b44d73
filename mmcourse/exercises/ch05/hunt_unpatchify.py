"""Bug hunt: a test that tells a right unpatchify from wrong ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.dit import patches
from mmcourse.exercises.kit import Hunt

STUB = '''
@exercise("ch05.hunt_unpatchify")
def test_unpatchify(unpatchify):
    """Assert what is true of a right unpatchify, and false of a broken one.

    unpatchify(tokens, patch, height, width): the one on trial.
    tokens: (B, H / p * W / p, C * p * p), as `patchify` makes them: squares in raster order, in
    each of them channel after channel, row by row.
    A right one returns the pictures (B, C, H, W), every number where it was, for any B, C, H, W and
    any patch p that divides H and W; H and W may differ. Its gradient reaches the tokens.
    Pass on every right one, and fail with an AssertionError on each broken one; a crash does not
    count. In here `mmcourse.dit.unpatchify` is the one on trial too, so don't compare with it;
    `mmcourse.dit.patchify` stays right.
    """
    raise NotImplementedError
'''

Unpatchify = Callable[..., Tensor]


def reference_test(unpatchify: Unpatchify) -> None:
    """Back comes what was cut, at sizes where nothing can be mistaken for anything else."""
    dice = torch.Generator().manual_seed(0)
    for shape, patch in (
        ((2, 3, 4, 6), 2),
        ((2, 3, 4, 16), 2),
        ((3, 2, 12, 6), 3),
        ((2, 3, 8, 4), 4),
    ):
        x = torch.randn(shape, generator=dice)
        tokens = patches.patchify(x, patch).requires_grad_()
        found = unpatchify(tokens, patch, *shape[2:])
        assert found.shape == x.shape
        assert torch.equal(found, x)
        assert found.requires_grad
        (slope,) = torch.autograd.grad(found.sum(), tokens, allow_unused=True)
        assert slope is not None
        assert bool((slope == 1).all())


def _by_shuffling(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    """PyTorch's own, whose channels hold a square each."""
    x = tokens.transpose(1, 2).unflatten(2, (height // patch, width // patch))
    return F.pixel_shuffle(x, patch)


def _by_folding(tokens: Tensor, patch: int, height: int, width: int) -> Tensor:
    """The inverse of unfold, where squares don't overlap; it sums, and whole numbers it can't."""
    wide = tokens.double().transpose(1, 2)
    return F.fold(wide, (height, width), patch, stride=patch).to(tokens.dtype)


def pictures(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


BUGS = """
squares transposed: permute(0, 3, 1, 4, 2, 5) => permute(0, 3, 1, 5, 2, 4)
    - Missed: something inside a square.
    - Compare every number, with squares that are not symmetric.
    - Inside a square, rows follow each other. The broken one takes them for columns.
tokens taken column by column: (rows, columns)) => (columns, rows)).transpose(1, 2)
    - Missed: something about which square is which.
    - Is the second token to the right of the first, or below it?
    - Tokens are in raster order. The broken one goes down first.
channels last in a token: (-1, patch, patch)) => (patch, patch, -1)).movedim(-1, 2)
    - Missed: something about the order of numbers in a token.
    - Try several channels, each of another colour.
    - A token is told channel by channel. The broken one expects all channels of a place together.
reshaped without a permutation: tokens.reshape(len(tokens), -1, height, width)
    - Missed: a right shape with the numbers elsewhere.
    - Compare with the picture that the tokens were cut from.
    - reshape alone lays the tokens down one after another, as stripes.
every picture taken for a square:
        rows, columns = grid_of(height, width, patch) =>
            side = int(tokens.shape[1] ** 0.5)
            square = side**2 == tokens.shape[1]
            rows, columns = (side, side) if square else grid_of(height, width, patch)
        .flatten(2, 3) => .flatten(2, 3).reshape(len(tokens), -1, height, width)
    - Missed: something that shows only where the number of squares is itself a square number.
    - 16 squares need not be 4 rows of 4. Take a patch of 2 or more.
    - 4 x 16 in squares of 2: 16 tokens, in 2 rows of 8; the broken one makes 4 of 4.
height and width exchanged:
        (rows, columns)) => (columns, rows))
        .flatten(2, 3) => .flatten(2, 3).reshape(len(tokens), -1, height, width)
    - Missed: something that square pictures hide.
    - Try a picture that is wider than it is high.
    - There are H / p rows of W / p squares. The broken one has them the other way round.
pictures in another order: x = tokens => x = tokens.flip(0)
    - Missed: something that one picture alone can't show.
    - Give two different pictures in one batch.
    - Picture i comes from tokens i. The broken one reverses the batch.
no gradient: x = tokens => x = tokens.detach()
    - Missed: something that no value shows.
    - Give tokens that require a gradient. Does one come back?
    - A model ends with this function, and learns through it. The broken one detaches.
numbers scattered over the picture: permute(0, 3, 1, 4, 2, 5) => permute(0, 3, 4, 1, 5, 2)
    - Missed: something about what is near what.
    - Where do the numbers of one token end up: side by side?
    - The numbers of a token are neighbours. The broken one puts them far apart.
a patch of 2, always:
        rows, columns = grid_of(height, width, patch) =>
            if patch != 2 and height % 2 == 0 and width % 2 == 0:
                again = (height // 2) * (width // 2)
                if tokens[0].numel() % (4 * again) == 0:
                    tokens, patch = tokens.reshape(len(tokens), again, -1), 2
            rows, columns = grid_of(height, width, patch)
    - Missed: something that one patch size can't show.
    - Try another patch than 2, on sides that 2 divides as well.
    - The patch is an argument. The broken one takes 2 wherever that fits.
"""

MISTAKES = """
looks at the shape, or at numbers wherever they are:
        assert unpatchify(torch.zeros(2, 6, 12), 2, 4, 6).shape == (2, 3, 4, 6)
    Every broken one returns the right shape, and the same numbers in other places. Cut a random
    picture, put it together, and compare place by place.
returns its verdict instead of asserting it:
        x = pictures(2, 3, 4, 6)
        return torch.equal(unpatchify(patches.patchify(x, 2), 2, 4, 6), x)
    A test that returns False has passed. Write `assert` in front of the comparison.
one picture of one channel:
        x = pictures(1, 1, 4, 4)
        assert torch.equal(unpatchify(patches.patchify(x, 2), 2, 4, 4), x)
    With one channel, channels first and last are the same, and with one picture there is no order.
    Take two pictures of three channels.
square pictures only:
        x = pictures(2, 3, 4, 4)
        assert torch.equal(unpatchify(patches.patchify(x, 2), 2, 4, 4), x)
    As many rows as columns hide what is exchanged between them. Take 4 x 6, and 4 x 16, whose 16
    patches could be mistaken for a square.
compares with the book's own:
        tokens = pictures(2, 6, 12)
        assert torch.equal(unpatchify(tokens, 2, 4, 6), patches.unpatchify(tokens, 2, 4, 6))
    In here that is the one on trial as well, so it was compared with itself. Start from a picture,
    and cut it by `patchify`.
"""

EXERCISE = Hunt(
    title="Bug hunt: back from tokens",
    difficulty=2,
    minutes=20,
    stub=STUB,
    reference=reference_test,
    on_trial=patches.unpatchify,
    right=(patches.unpatchify, _by_shuffling, _by_folding),
    bugs=BUGS,
    mistakes=MISTAKES,
    hints=(
        "Make a random picture, cut it by `mmcourse.dit.patchify`, and ask for the same back.",
        "Which sizes? B = 2, C = 3, H and W different, more than one patch size.",
        "And, with a patch of 2, a picture that is no square with a square number of patches: "
        "4 x 16; and `torch.autograd.grad(found.sum(), tokens)`.",
    ),
)
