"""Core: of a prompt with its answer, learn the answer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmcourse.exercises.kit import Task, holds, whole
from mmcourse.lora import loss

STUB = '''
@exercise("ch06.answer_labels")
def answer_labels(ids, starts, mask, picture):
    """Labels for a batch of prompts with their answers, for a model that predicts the next token.

    ids: (B, T) int64, pictures' places, prompt, answer, the token that ends it, padding.
    starts: (B,) int64, where in its row each answer begins.
    mask: (B, T) bool, False at padding, which may be on either side.
    picture: the id that stands for a piece of a picture. It is never learned, wherever it stands.
    Returns (B, T) int64: the ids of the answers, their end token among them, and -100 elsewhere.
    Nothing is shifted: the loss does that. The padding's id may be that of the end token.
    """
    raise NotImplementedError
'''

END, PICTURE = 2, 7


def by_hand(ids: Tensor, starts: Tensor, mask: Tensor, picture: int) -> Tensor:
    """Place by place."""
    out = torch.full_like(ids, -100)
    for b in range(len(ids)):
        for t in range(ids.shape[1]):
            if t >= int(starts[b]) and bool(mask[b, t]) and int(ids[b, t]) != picture:
                out[b, t] = ids[b, t]
    return out


def _batch() -> tuple[Any, ...]:
    """Three rows; padding and the end token have one id."""
    ids = torch.tensor(
        [
            [7, 7, 11, 12, 21, 22, END, END],
            [7, 7, 13, 23, END, END, END, END],
            [14, 15, 16, 17, 18, 24, 25, END],
        ]
    )
    mask = torch.arange(8) < torch.tensor([7, 5, 8])[:, None]
    return ids, torch.tensor([4, 3, 5]), mask, PICTURE


@holds("a prompt of 11 and 12, an answer of 21 and 22 and its end: these three are learned")
def one_row(answer: Any) -> None:
    given = torch.tensor([[11, 12, 21, 22, 2]]), torch.tensor([2])
    found = answer(*given, torch.ones(1, 5, dtype=torch.bool), PICTURE)
    whole(found, torch.tensor([[-100, -100, 21, 22, 2]]), "The labels are wrong.")


@holds("each row has its own start")
def starts(answer: Any) -> None:
    ids = torch.arange(10, 22).view(3, 4)
    given = ids, torch.tensor([1, 3, 2]), torch.ones(3, 4, dtype=torch.bool), PICTURE
    whole(answer(*given), by_hand(*given), "The labels are wrong.")


@holds("padding is not learned, and the end token is, though they have one id")
def ends(answer: Any) -> None:
    whole(answer(*_batch()), by_hand(*_batch()), "The labels are wrong.")


@holds("padding on the left: starts count from the row's first place all the same")
def left(answer: Any) -> None:
    ids = torch.tensor([[END, END, 11, 12, 21, END], [11, 12, 13, 21, 22, END]])
    mask = torch.tensor([[False, False, *[True] * 4], [True] * 6])
    given = ids, torch.tensor([4, 3]), mask, PICTURE
    whole(answer(*given), by_hand(*given), "The labels are wrong.")


@holds("a picture's places are never learned, not even within an answer")
def pictures(answer: Any) -> None:
    ids = torch.tensor([[11, 12, 21, 7, 7, 22, END], [7, 7, 7, 11, 21, 22, END]])
    given = ids, torch.tensor([2, 4]), torch.ones(2, 7, dtype=torch.bool), PICTURE
    whole(answer(*given), by_hand(*given), "The labels are wrong.")


@holds("a row that is all answer, and one that has none")
def extremes(answer: Any) -> None:
    ids = torch.tensor([[21, 22, END], [11, 12, 13]])
    given = ids, torch.tensor([0, 3]), torch.ones(2, 3, dtype=torch.bool), PICTURE
    whole(answer(*given), by_hand(*given), "The labels are wrong.")


@holds("another picture's id, another end: nothing depends on their values")
def other_ids(answer: Any) -> None:
    ids, at, mask, _ = _batch()
    moved = torch.where(ids == PICTURE, 0, ids + 100)
    whole(answer(moved, at, mask, 0), by_hand(moved, at, mask, 0), "The labels are wrong.")


def _probes() -> list[tuple[Any, ...]]:
    ids = torch.tensor([[END, 7, 11, 21, 7, 22, END], [7, 7, 11, 12, 21, END, END]])
    mask = torch.tensor([[False, *[True] * 6], [*[True] * 6, False]])
    dice = torch.Generator().manual_seed(0)
    long = torch.randint(0, 9, (3, 400), generator=dice) + torch.tensor([0, 3, 151_900])[:, None]
    drawn = long, torch.tensor([0, 170, 300]), torch.rand(3, 400, generator=dice) < 0.8
    first = torch.tensor([[0]]), torch.tensor([0]), torch.ones(1, 1, dtype=torch.bool), 3
    return [first, (*drawn, 5), (*drawn, 151_903), (ids, torch.tensor([3, 4]), mask, PICTURE),
            _batch()]  # fmt: skip


MISTAKES = """
everything is learned: (place >= starts[:, None]) & mask & (ids != picture) => place >= 0
    Prompt, pictures and padding are labels too. The model then learns to write questions, and the
    loss is mostly theirs.
the prompt is learned: (place >= starts[:, None]) & =>
    The prompt has labels. It is given; only the answer is to be learned.
padding is learned: & mask =>
    Padding after the answer has labels: in a batch of short answers it is most of the loss. Use the
    mask.
pictures are learned: & (ids != picture) =>
    The places of a picture within the answer have labels: nobody can predict them.
padding told by the end token: & mask => & (ids != 2)
    The end of the answer was masked with the padding, since both have one id. A model that never
    saw an end never stops. Tell padding by the mask.
one token late: >= => >
    The answer's first token is missing: `starts` is its place, so `>=`.
one token early: starts[:, None] => starts[:, None] - 1
    The prompt's last token is a label. That token is where the answer's first one is predicted; the
    loss does this shift itself.
the prompt instead of the answer: >= => <
    It is the prompt that has labels here, and the answer that is ignored.
shifted by hand:
        labels = loss.answer_labels(ids, starts, mask, picture)
        return torch.cat((labels[:, 1:], torch.full_like(labels[:, :1], -100)), 1)
    The labels were moved one place to the left. The loss does that, so they would be moved twice,
    and the model would learn the token after the next.
zeros for what is ignored: IGNORED => 0
    0 is a token, and would be learned. What the loss ignores is -100.
-1 for what is ignored: IGNORED => -1
    The loss of PyTorch and of transformers ignores -100; -1 is an error there.
starts counted from the first token:
        starts[:, None] => starts[:, None] + mask.int().argmax(1)[:, None]
    With padding on the left, starts were counted from the first real token. They are places in the
    row.
"""

EXERCISE = Task(
    title="Which tokens are learned",
    level="core",
    difficulty=2,
    minutes=15,
    stub=STUB,
    reference=loss.answer_labels,
    formula=by_hand,
    cases=_probes,
    result="indices",
    mistakes=MISTAKES,
    hints=(
        "A place is learned if three things are true: it is not before the start, it is no "
        "padding, and it is no picture's.",
        "`torch.arange(T)` is (T,), `starts[:, None]` (B, 1): compared, they are (B, T).",
        "`ids.masked_fill(~learned, -100)` makes a new tensor.",
    ),
)
