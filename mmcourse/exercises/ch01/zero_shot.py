"""Core: name pictures with classes that are only described in words."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.exercises.kit import Task, calls, gives, holds, raw, unchanged, whole
from mmcourse.joint import retrieval

STUB = '''
@exercise("ch01.zero_shot")
def zero_shot_predict(image_emb, class_text_emb):
    """Name each picture by the class whose prompts it is closest to.

    image_emb: (B, D), of any length.  class_text_emb: (C, P, D), P prompts for each of C classes,
    of any length. A class stands where its prompts point on average: bring each prompt to length
    1, average over the prompts, bring the mean to length 1 again.
    Returns (B,) int64, the index of the class with the largest cosine.
    """
    raise NotImplementedError
'''


def by_hand(image_emb: Tensor, class_text_emb: Tensor) -> Tensor:
    """Picture by picture, class by class."""
    names = []
    for picture in image_emb:
        best, name = -2.0, -1
        for c, prompts in enumerate(class_text_emb):
            mean = sum(p / p.square().sum().sqrt() for p in prompts)
            lengths = picture.square().sum().sqrt() * mean.square().sum().sqrt()
            cosine = float((picture * mean).sum() / lengths)
            if cosine > best:
                best, name = cosine, c
        names.append(name)
    return torch.tensor(names)


def _directions(*degrees: float) -> Tensor:
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([angle.cos(), angle.sin()], -1)


one_prompt = gives(
    "with one prompt per class, the closest prompt wins",
    ((_directions(10, 170, 80, 350), _directions(0, 90, 180)[:, None]), torch.tensor([0, 2, 1, 0])),
    compare=whole,
)


def _two_classes() -> tuple[Tensor, Tensor]:
    return _directions(30, 50, 66, 70), torch.stack([_directions(0, 80), _directions(90, 100)])


long_prompt = unchanged(
    "a long prompt has no more say than a short one",
    _two_classes,
    lambda x, classes: (x, classes * torch.tensor([[[1.0], [100.0]], [[1.0], [1.0]]])),
    "With one prompt 100 times as long, others are named.",
)


@holds("a class whose prompts disagree is not punished for it")
def spread(answer: Any) -> None:
    classes = torch.stack([_directions(-70, 70), _directions(58, 62)])  # means: 0°, short, and 60°
    whole(answer(_directions(20, 40), classes), torch.tensor([0, 1]))


def _some() -> tuple[Tensor, Tensor]:
    return raw(6, 3, seed=3), raw(4, 3, 3, seed=4)


long_picture = unchanged(
    "the length of a picture's vector makes no difference",
    _some,
    lambda x, classes: (x * torch.tensor([0.01, 1.0, 5.0, 100.0, 0.5, 2.0])[:, None], classes),
    "With longer and shorter pictures, others are named.",
)
prompt_order = unchanged(
    "the order of the prompts does not matter",
    _some,
    lambda pictures, classes: (pictures, classes[:, [2, 0, 1]]),
    "With the prompts in another order, others are named.",
)


def _cases() -> list[tuple[Any, ...]]:
    sizes = ((1, 1, 1, 2), (1, 4, 3, 5), (6, 2, 5, 3), (4, 5, 1, 2), (8, 4, 2, 5))
    return [(raw(b, d, seed=b), raw(c, p, d, seed=c + 10)) for b, c, p, d in sizes]


def _probes() -> list[tuple[Any, ...]]:
    spread_out = torch.stack([_directions(-70, 70), _directions(58, 62)])
    return [
        (_directions(*range(0, 360, 15)), spread_out),
        (raw(40, 3, seed=5), raw(4, 3, 3, seed=6) * raw(4, 3, 1, seed=7).exp()),
        (raw(30, 5, seed=8), raw(3, 4, 5, seed=9)),
    ]


def _cosines(image_emb: Tensor, class_text_emb: Tensor) -> Tensor:
    prototypes = F.normalize(F.normalize(class_text_emb, dim=-1).mean(1), dim=-1)
    return F.normalize(image_emb, dim=-1) @ prototypes.T


MISTAKES = """
averages prompts of unequal length:
        (image_emb @ F.normalize(class_text_emb.mean(1), dim=-1).T).argmax(-1)
    The prompts were averaged as they came, so the longest vector decides. Only directions should
    vote: bring each prompt to length 1 before averaging.
forgets to normalise the mean:
        (image_emb @ F.normalize(class_text_emb, dim=-1).mean(1).T).argmax(-1)
    The mean of unit vectors is shorter than 1, and the more the prompts disagree, the shorter. Such
    a class loses however well it points. Normalise the mean again.
normalises nothing: (image_emb @ class_text_emb.mean(1).T).argmax(-1)
    Neither the prompts nor their mean were brought to length 1, so long vectors win. Compare
    directions: normalise, average, normalise again.
the single closest prompt:
        prompts = F.normalize(class_text_emb, dim=-1)
        return torch.einsum("bd,cpd->bcp", image_emb, prompts).amax(-1).argmax(-1)
    The maximum over prompts lets one odd prompt decide. Here a class is the average of its prompts.
only the first prompt: (image_emb @ F.normalize(class_text_emb[:, 0], dim=-1).T).argmax(-1)
    Prompts 1 to P - 1 are never used. Average over dimension 1.
averages over classes:
        means = F.normalize(F.normalize(class_text_emb, dim=-1).mean(0), dim=-1)
        return (image_emb @ means.T).argmax(-1)
    `class_text_emb` is (C, P, D): the mean was taken over dimension 0, the classes. The prompts are
    dimension 1.
the best picture of each class: _cosines(image_emb, class_text_emb).argmax(0)
    argmax ran over the pictures (dimension 0). Each picture chooses a class: the last dimension of
    a (B, C) matrix.
argmin of a similarity: _cosines(image_emb, class_text_emb).argmin(-1)
    A distance is smallest for the best class, a cosine largest. This picks the worst.
the cosines themselves: _cosines
    These are the (B, C) cosines. The name of a picture is the index of its largest one.
"""

EXERCISE = Task(
    title="Naming without training",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=retrieval.zero_shot_predict,
    formula=by_hand,
    cases=_cases,
    result="indices",
    probe=calls(_probes, gradients=False),
    mistakes=MISTAKES,
    hints=(
        "First make one vector per class, (C, D); then it is a similarity matrix and a choice.",
        "Which dimension of (C, P, D) holds the prompts? Normalise over the last dimension before "
        "you average over it, and once more after.",
        "prototypes = F.normalize(F.normalize(class_text_emb, dim=-1).mean(1), dim=-1); then the "
        "argmax over classes of the (B, C) cosines. A picture's own length can't change its "
        "argmax.",
    ),
)
