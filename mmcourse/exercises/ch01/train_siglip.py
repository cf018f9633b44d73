"""Stretch: train with the sigmoid loss, and be scored by retrieval."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmcourse.exercises.kit import Broken, Task, close, holds, number, tensor
from mmcourse.joint import linear
from mmcourse.joint.losses import siglip_loss

STUB = '''
@exercise("ch01.train_siglip")
def train_siglip(text, image, text_map, image_map, steps):
    """Train two linear towers with the sigmoid loss. You are scored by retrieval.

    text: (N, A), a row for each text.  image: (N, E), row i is the picture of text i.
    text_map: (A, D), image_map: (E, D), where to start; leave them as they are, and train clones.
    The vector of a text is the row text @ text_map brought to length 1, that of a picture
    image @ image_map, likewise.
    steps: how many optimiser steps you have. Batch and optimiser are yours to choose; all pairs at
    once and torch.optim.Adam(..., lr=0.05) will do.
    Returns (text_map, image_map, logit_scale, logit_bias) as they are after training: two tensors
    and two numbers. Start at scale 10 and bias -10 and learn both (the scale or its logarithm).
    Of pairs that were not trained on, 80 % of the texts must find their picture, and the reverse.
    Use `mmcourse.joint.siglip_loss`, or your own of the exercise before.
    """
    raise NotImplementedError
'''

TRAINED_ON, UNSEEN, WIDTH, STEPS = 256, 200, 6, 150
NAMES = ("text_map", "image_map", "logit_scale", "logit_bias")


def _views(n: int, seed: int, world: int) -> tuple[Tensor, Tensor]:
    """n things, each seen in two ways: what both see is six numbers, the rest is each one's own."""
    dice = torch.Generator().manual_seed(world)
    shared = [torch.randn(WIDTH, a, generator=dice) for a in (12, 16)]
    own = [torch.randn(WIDTH, a, generator=dice) for a in (12, 16)]
    dice = torch.Generator().manual_seed(1000 * world + seed)
    things = torch.randn(n, WIDTH, generator=dice)
    text, image = (
        things @ s + 0.6 * torch.randn(n, WIDTH, generator=dice) @ o
        for s, o in zip(shared, own, strict=True)
    )
    return text, image


def _start() -> tuple[Tensor, Tensor]:
    dice = torch.Generator().manual_seed(7)
    text_map, image_map = (0.3 * torch.randn(a, WIDTH, generator=dice) for a in (12, 16))
    return text_map, image_map


def _trained(answer: Any, world: int, steps: int = STEPS, longer: bool = False) -> linear.Trained:
    text, image = _views(TRAINED_ON, 0, world)
    if longer:  # other lengths, the same angles
        text = text * torch.linspace(0.2, 5.0, TRAINED_ON)[:, None]
    with torch.enable_grad():
        given = answer(text, image, *_start(), steps)
    if not isinstance(given, tuple | list) or len(given) != 4:
        raise Broken(
            "Return four things: both maps, the scale and the bias.",
            f"{type(given).__name__}",
            "(text_map, image_map, logit_scale, logit_bias)",
        )
    for m, s in zip(given, _start(), strict=False):
        tensor(m, tuple(s.shape))
    maps = [m.detach().float() for m in given[:2]]
    rest = [x.reshape(()) if isinstance(x, Tensor) and x.numel() == 1 else x for x in given[2:]]
    numbers = [number(x) for x in rest]
    for name, found in zip(NAMES, [*maps, *map(torch.tensor, numbers)], strict=True):
        if not bool(torch.isfinite(found).all()):
            raise Broken(f"There is a NaN or an infinity in `{name}`.", found, "finite numbers")
    return maps[0], maps[1], numbers[0], numbers[1]


def _cosines(text_map: Tensor, image_map: Tensor, world: int) -> Tensor:
    """(200, 200), of texts and pictures that were not trained on."""
    text, image = _views(UNSEEN, 1, world)
    return F.normalize(text @ text_map, dim=1) @ F.normalize(image @ image_map, dim=1).T


def _recall(cosines: Tensor) -> float:
    own = torch.arange(len(cosines))
    return (cosines.argmax(1) == own).float().mean().item()


@holds("with 0 steps the start comes back: both maps, scale 10, bias -10")
def no_steps(answer: Any) -> None:
    *maps, scale, bias = _trained(answer, 0, steps=0)
    for name, m, start in zip(NAMES, maps, _start(), strict=False):
        close(m, start, f"`steps` is 0, and yet `{name}` has changed.")
    if abs(scale - 10) > 0.05 or abs(bias + 10) > 0.05:
        told = f"scale {scale:.4g}, bias {bias:.4g}"
        raise Broken("Before the first step, scale and bias are others.", told, "10 and -10")


@holds("scale and bias are learnt as well, what was learnt is returned, and every step counts")
def learns_both(answer: Any) -> None:
    text_map, _, scale, bias = _trained(answer, 0, steps=30)
    if torch.equal(text_map, _trained(answer, 0, steps=1)[0]):
        raise Broken("One step gives the very maps of thirty.", text_map, "others")
    for name, value, start in (("scale", scale, 10.0), ("bias", bias, -10.0)):
        if abs(value - start) < 0.005 * abs(start):
            message = f"After training the {name} is still what it was at the start."
            raise Broken(message, value, "another number: it is one of the optimiser's parameters")


@holds("of 200 unseen pairs, at least 80 % of texts find their picture (by chance 0.5 %)")
def texts_find_pictures(answer: Any) -> None:
    found = _recall(_cosines(*_trained(answer, 0)[:2], 0))
    if found < 0.8:
        raise Broken("Too few texts find their picture.", f"{100 * found:.1f} %", "80 %")


@holds("and at least 80 % of pictures find their text")
def pictures_find_texts(answer: Any) -> None:
    found = _recall(_cosines(*_trained(answer, 1)[:2], 1).T)
    if found < 0.8:
        raise Broken("Too few pictures find their text.", f"{100 * found:.1f} %", "80 %")


@holds("sigmoid(scale * cosine + bias) is far higher for unseen pairs than for negatives")
def says_yes_and_no(answer: Any) -> None:
    text_map, image_map, scale, bias = _trained(answer, 3)
    said = (scale * _cosines(text_map, image_map, 3) + bias).sigmoid()
    pairs = said.diagonal().mean().item()
    negatives = said[~torch.eye(UNSEEN, dtype=torch.bool)].mean().item()
    if not (pairs > 0.05 and pairs > 10 * negatives):
        raise Broken(
            "As probabilities, what scale and bias make of the cosines is off. Were both learnt by "
            "the sigmoid loss, and returned in this order, the scale not as a logarithm?",
            f"{pairs:.3f} for pairs, {negatives:.3f} for negatives",
            "more than 0.05 for pairs, and ten times as much as for negatives",
        )


def _probe(function: Any) -> list[Any]:
    """Facts about the towers that come out of a short training."""
    try:
        text_map, image_map, _, _ = _trained(function, 0, steps=60)
        first, longer = (_trained(function, 0, 3, longer=x)[0] for x in (False, True))
        at_first = _trained(function, 0, steps=0)[3]
    except Exception as error:
        return [type(error).__name__]
    cosines = _cosines(text_map, image_map, 0)
    pairs = cosines.diagonal().mean().item()
    negatives = cosines[~torch.eye(UNSEEN, dtype=torch.bool)].mean().item()
    return [
        torch.equal(text_map, _start()[0]),
        torch.equal(image_map, _start()[1]),
        bool((text_map - _start()[0]).norm() > 0.3),  # it has moved at all
        not torch.allclose(first, longer, atol=1e-3),  # lengths count
        negatives > 0.5,  # all are alike
        pairs > negatives + 0.1,  # pairs are known
        at_first > -5.0,  # where the bias starts
    ]


def _units(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    return F.normalize(u, dim=1), F.normalize(v, dim=1)


def _one_tower(u: Tensor, v: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return siglip_loss(*_units(u, v.detach()), scale, bias)


def _pairs_only(u: Tensor, v: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    u, v = _units(u, v)
    return -F.logsigmoid(scale * (u * v).sum(1) + bias).mean()


MISTAKES = """
nothing was trained: text_map.clone(), image_map.clone(), 10.0, -10.0
    Both maps came back as they were given. Do the optimiser's parameters include them, with
    requires_grad, and do you return those and not the arguments?
one tower stands still: linear.fit(text, image, text_map, image_map, steps, _one_tower)
    The image map came back as it was given. Put both maps into the optimiser, and let the gradient
    reach both: no detach.
vectors of any length: linear.fit(text, image, text_map, image_map, steps, siglip_loss)
    The vectors were not brought to length 1 in training, so length did the work of the angle;
    retrieval compares angles alone. Normalise the rows inside the loop.
pairs that do not belong together:
        dice = torch.Generator().manual_seed(0)

        def loss(u: Tensor, v: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
            return siglip_loss(*_units(u, v[torch.randperm(len(v), generator=dice)]), scale, bias)

        return linear.fit(text, image, text_map, image_map, steps, loss)
    The maps moved, but unseen pairs are no more alike than negatives, as if each step had shown
    texts with the wrong pictures. If you draw or shuffle, draw one set of indices and use it for
    both.
pairs only, no negatives: linear.fit(text, image, text_map, image_map, steps, _pairs_only)
    Only true pairs were asked about. What tells one pair from another is learnt from the B² - B
    negatives of the batch: here all vectors have come to lie in one direction.
a bias of 0 at the start:
        def loss(u: Tensor, v: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
            return siglip_loss(*_units(u, v), scale, bias + 10)

        text_map, image_map, scale, bias = linear.fit(text, image, text_map, image_map, steps, loss)
        return text_map, image_map, scale, bias + 10
    With a bias of 0 every stranger starts at even odds, and all these steps go into learning to say
    no. In a batch nearly all pairs are negatives: start at -10.
"""

EXERCISE = Task(
    title="Train with the sigmoid loss",
    level="stretch",
    difficulty=4,
    minutes=25,
    stub=STUB,
    reference=linear.train_siglip,
    probe=_probe,
    mistakes=MISTAKES,
    seconds=15.0,
    hints=(
        "Clone both maps, call requires_grad_() on the clones, and give them to Adam together with "
        "the logarithm of the scale and the bias.",
        "In each step: multiply, F.normalize(..., dim=1), siglip_loss(u, v, log_scale.exp(), "
        "bias), then zero_grad, backward, step.",
        "At the end return the maps with .detach(), log_scale.exp().item() and bias.item().",
    ),
)
