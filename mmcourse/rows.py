"""Matrices in eight bits, with a scale for each row: half of a file in float16.

A row's largest number becomes 127 or -127, and every other is rounded to the nearest of the 255
steps between, so that no number is off by more than a 254th of its row's largest.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = ":scale"
"""Ends the name under which the scales of a matrix are stored."""


def pack(name: str, value: Tensor) -> dict[str, Tensor]:
    """A parameter as it is stored: a matrix in int8 beside its scales, all else in float16.

    Args:
        name: of the parameter.
        value: (R, ...) for a matrix, of any number of axes from two on.

    Returns:
        by name, what to write into the file.
    """
    if value.ndim < 2:
        return {name: value.half()}
    rows = value.float().flatten(1)  # (R, ...)
    scale = (rows.abs().amax(1) / 127).clamp(min=2.0**-24).half()  # (R,), no less than half can be
    while bool((big := rows.abs().amax(1) > 127.5 * scale.float()).any()):  # rounded down too far
        scale = torch.where(big, torch.nextafter(scale, scale.new_tensor(torch.inf)), scale)
    whole = (rows / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
    return {name: whole.view(value.shape), name + SCALE: scale}


def unpack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `pack` stored, matrices in float32; tensors without scales as they are.

    Raises:
        ValueError: scales of a matrix that is not there, or not for each of its rows.
    """
    found = {name: value for name, value in tensors.items() if not name.endswith(SCALE)}
    for name, scale in tensors.items():
        if not name.endswith(SCALE):
            continue
        matrix = name.removesuffix(SCALE)
        if matrix not in found or len(found[matrix]) != len(scale):
            raise ValueError(f"{name} are no scales of a matrix beside them: save the model again")
        shape = (-1, *[1] * (found[matrix].ndim - 1))
        found[matrix] = found[matrix].float() * scale.float().view(shape)
    return found
