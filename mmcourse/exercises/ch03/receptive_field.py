"""Core: how much of a picture does one logit see?"""

from __future__ import annotations

from typing import Any

from mmcourse.exercises.kit import Task, holds, near
from mmcourse.vqgan.discriminator import receptive_field

STUB = '''
@exercise("ch03.receptive_field")
def receptive_field(layers):
    """How many pixels wide is the square of the input that one output depends on.

    layers: (kernel, stride) of each convolution, a list of pairs, the one next to the input first.
    Returns a whole number. Without a layer an output is its own pixel: 1.
    """
    raise NotImplementedError
'''

PIX2PIX = [(4, 2), (4, 2), (4, 2), (4, 1), (4, 1)]


def by_walking_back(layers: list[tuple[int, int]]) -> int:
    """From one output back: n outputs of a layer see (n - 1) stride + kernel of its inputs."""
    seen = 1
    for kernel, stride in reversed(layers):
        seen = (seen - 1) * stride + kernel
    return seen


@holds("no layer: 1; one layer: its kernel, whatever its stride")
def one_layer(answer: Any) -> None:
    near(answer([]), 1)
    near(answer([(5, 1)]), 5)
    near(answer([(4, 2)]), 4)


@holds("two kernels of 3 without strides see 5, three of them 7")
def no_strides(answer: Any) -> None:
    near(answer([(3, 1), (3, 1)]), 5)
    near(answer([(3, 1)] * 3), 7)


@holds("after a stride of 2 a kernel of 3 reaches over four more pixels: 3 + 4 = 7")
def one_stride(answer: Any) -> None:
    near(answer([(3, 2), (3, 1)]), 7)
    near(answer([(3, 1), (3, 2)]), 5, "A stride counts for the layers after it only.")


@holds("strides multiply: 4, 10, 22")
def strides_multiply(answer: Any) -> None:
    for n, field in ((1, 4), (2, 10), (3, 22)):
        near(answer([(4, 2)] * n), field)


@holds("pix2pix's critic sees 70 pixels, with two strided layers 34")
def known_critics(answer: Any) -> None:
    near(answer(list(PIX2PIX)), 70)
    near(answer(PIX2PIX[1:]), 34)


@holds("it is what walking back from one output gives")
def walking(answer: Any) -> None:
    for layers in (
        [(7, 3), (1, 1), (2, 2), (5, 1)],
        [(1, 2), (3, 2), (3, 3)],
        [(3, 1)] * 40,
        [(3, 2)] * 13,
    ):
        near(answer(list(layers)), by_walking_back(layers))


def _probes() -> list[tuple[Any, ...]]:
    return [([],), ([(5, 2)],), ([(3, 2), (3, 1)],), ([(4, 2)] * 3,), (list(PIX2PIX),),
            ([(7, 3), (1, 1), (2, 2), (5, 1)],)]  # fmt: skip


MISTAKES = """
a layer's own stride:
        field, step = 1, 1
        for kernel, stride in layers:
            step *= stride
            field += (kernel - 1) * step
        return field
    A layer's stride is how far its own outputs lie apart; its kernel reaches over its inputs. Widen
    the field first, then multiply the step by the stride.
strides unused: 1 + sum(kernel - 1 for kernel, _ in layers)
    Strides don't count here. After a stride of 2, neighbours lie two pixels apart, and the next
    kernel reaches twice as far.
strides added:
        field, step = 1, 1
        for kernel, stride in layers:
            field += (kernel - 1) * step
            step += stride - 1
        return field
    Two strides of 2 put neighbours four pixels apart, three of them eight: steps multiply. Here
    they were added.
the last stride alone:
        field, step = 1, 1
        for kernel, stride in layers:
            field += (kernel - 1) * step
            step = stride
        return field
    Only the stride of the layer before was counted. All of those before it count, multiplied.
whole kernels:
        field, step = 1, 1
        for kernel, stride in layers:
            field += kernel * step
            step *= stride
        return field
    A kernel of 3 adds two neighbours to the one that is there: kernel - 1, not kernel.
from the wrong end: receptive_field(layers[::-1])
    The layers were taken from the output on with the rule for the other direction. The first of the
    list stands next to the input.
starting at 0: receptive_field(layers) - 1
    One output of no layer at all is one pixel: start at 1.
the product of the kernels:
        field = 1
        for kernel, _ in layers:
            field *= kernel
        return field
    Two kernels of 3 see 5 pixels, not 9: windows of neighbours overlap. Each layer adds (kernel -
    1) steps.
"""

EXERCISE = Task(
    title="What one logit sees",
    level="core",
    difficulty=2,
    minutes=10,
    stub=STUB,
    reference=receptive_field,
    formula=by_walking_back,
    cases=_probes,
    result="number",
    mistakes=MISTAKES,
    hints=(
        "Draw two layers of kernel 3 and stride 2 on squared paper, and mark what one output sees.",
        "Keep two numbers: the field, and how many pixels apart two neighbours of this layer's "
        "input lie. Both start at 1.",
        "For each layer: `field += (kernel - 1) * step`, then `step *= stride`.",
    ),
)
