"""What an implementation does on a few inputs, to be compared with what a known mistake does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from mmcourse.exercises.answer import Answer, Raised
from mmcourse.exercises.definition import Mutant


def calls(
    inputs: Callable[[], Iterable[tuple[Any, ...]]],
    gradients: bool = True,
    through: Callable[..., tuple[Any, ...]] = lambda *x: x,
) -> Callable[[Callable[..., Any]], list[Any]]:
    """A probe: the values for each input, the gradients, and whether the input was changed."""

    def probe(function: Callable[..., Any]) -> list[Any]:
        return [_call(function, arguments, gradients, through) for arguments in inputs()]

    return probe


def _call(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    gradients: bool,
    through: Callable[..., tuple[Any, ...]],
) -> Any:
    watched = Answer(function, ())
    leaves = [
        x.detach().clone().requires_grad_()
        if gradients and isinstance(x, torch.Tensor) and x.is_floating_point()
        else x
        for x in arguments
    ]
    try:
        result = watched(*through(*leaves))
    except Raised as raised:
        return "raised", type(raised.error).__name__
    seen: list[Any] = [type(result).__name__, result, watched.changed is not None]
    if isinstance(result, torch.Tensor):
        seen.append(str(result.dtype))
        if gradients:
            seen.append(_gradients(result, leaves))
    return seen


def _gradients(result: torch.Tensor, leaves: list[Any]) -> Any:
    if not result.requires_grad:
        return "no gradient"
    wanted = [x for x in leaves if isinstance(x, torch.Tensor) and x.requires_grad]
    try:
        return list(torch.autograd.grad(result.sum(), wanted, allow_unused=True))
    except RuntimeError:  # a graph that in-place work has broken
        return "broken graph"


def alike(a: Any, b: Any) -> bool:
    """Whether two observations are the same up to rounding."""
    if isinstance(a, torch.Tensor | np.ndarray | float) or isinstance(b, torch.Tensor):
        return _numbers_alike(a, b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and bool(a == b)


def _numbers_alike(a: Any, b: Any) -> bool:
    try:
        x, y = (
            np.asarray(v.detach().cpu().tolist() if isinstance(v, torch.Tensor) else v, np.float64)
            for v in (a, b)
        )
    except (TypeError, ValueError):
        return False
    return x.shape == y.shape and np.allclose(x, y, rtol=1e-4, atol=1e-6, equal_nan=True)


def known_mistake(
    function: Callable[..., Any],
    probe: Callable[[Callable[..., Any]], Any],
    mutants: tuple[Mutant, ...],
) -> Mutant | None:
    """The mutant that does the same as this function, if there is one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        seen = probe(function)
        for mutant in mutants:
            torch.manual_seed(0)
            if alike(seen, probe(mutant.answer)):
                return mutant
    return None
