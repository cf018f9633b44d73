"""What an implementation does on a few inputs, to be compared with what a known mistake does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from mmcourse.exercises.answer import Answer, Raised
from mmcourse.exercises.definition import Mutant

Inputs = Callable[[], Iterable[tuple[Any, ...]]]
Through = Callable[..., tuple[Any, ...]]


def as_given(*inputs: Any) -> tuple[Any, ...]:
    """Nothing comes before the answer."""
    return inputs


def constants(*places: int) -> Through:
    """What comes before an answer whose inputs at these places are no variables."""

    def detached(x: Any) -> Any:
        if type(x) is tuple:
            return tuple(map(detached, x))
        return x.detach() if isinstance(x, torch.Tensor) else x

    return lambda *inputs: tuple(detached(x) if n in places else x for n, x in enumerate(inputs))


class Calls:
    """A probe: the values for each input, the gradients, and whether the input was changed."""

    def __init__(self, inputs: Inputs, gradients: bool, through: Through) -> None:
        self.inputs, self.gradients, self.through = inputs, gradients, through

    def __call__(self, function: Callable[..., Any]) -> list[Any]:
        return [self._call(function, arguments) for arguments in self.inputs()]

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        watched = Answer(function, ())
        leaves = [
            x.detach().clone().requires_grad_() if self.gradients and _learns(x) else x
            for x in arguments
        ]
        try:
            result = watched(*self.through(*leaves))
        except Raised as raised:
            return "raised", type(raised.error).__name__
        seen: list[Any] = [result, watched.changed is not None]
        return [*seen, _gradients(result, leaves) if self.gradients else []]


def calls(inputs: Inputs, gradients: bool = True, through: Through = as_given) -> Calls:
    """A probe: the values for each input, the gradients, and whether the input was changed."""
    return Calls(inputs, gradients, through)


def _learns(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.is_floating_point()


def _gradients(result: Any, leaves: list[Any]) -> Any:
    """For each leaf its gradient; a gradient that does not arrive is one of zeros."""
    wanted = [x for x in leaves if isinstance(x, torch.Tensor) and x.requires_grad]
    nothing = [torch.zeros_like(x) for x in wanted]
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return nothing
    try:
        found = torch.autograd.grad(result.sum(), wanted, allow_unused=True)
    except RuntimeError:  # a graph that in-place work has broken
        return "broken graph"
    return [none if x is None else x for x, none in zip(found, nothing)]


def alike(a: Any, b: Any) -> bool:
    """Whether two observations are the same up to rounding and form.

    A number is the same as a tensor or an array that holds it, a list as a tuple.
    """
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if _numeric(a) and _numeric(b):
        return _numbers_alike(a, b)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and bool(a == b)


def _numeric(x: Any) -> bool:
    return isinstance(x, torch.Tensor | np.ndarray | np.generic | int | float)


def plain(x: Any) -> np.ndarray:
    """Numbers in any form as an array of float64."""
    return np.asarray(x.detach().cpu().tolist() if isinstance(x, torch.Tensor) else x, np.float64)


def _numbers_alike(a: Any, b: Any) -> bool:
    try:
        x, y = plain(a), plain(b)
    except (TypeError, ValueError):
        return False
    if x.size == y.size == 1:  # a number, however it is wrapped
        x, y = x.reshape(()), y.reshape(())
    return x.shape == y.shape and np.allclose(x, y, rtol=1e-4, atol=1e-6, equal_nan=True)


def _values(seen: Any) -> Any:
    """What came out, without gradients and without what happened to the inputs."""
    if not isinstance(seen, list):
        return seen
    return [x[0] if isinstance(x, list) and len(x) == 3 else x for x in seen]


def _no_gradient(seen: Any) -> bool:
    """Whether nothing that came out has a gradient."""
    return isinstance(seen, list) and all(
        isinstance(x, list) and len(x) == 3 and isinstance(x[2], list)
        and all(not bool(g.any()) for g in x[2])
        for x in seen
    )  # fmt: skip


@lru_cache(maxsize=256)
def _observed(probe: Callable[[Callable[..., Any]], Any], mutant: Callable[..., Any]) -> Any:
    """What a probe sees of a mutant, which is the same each time."""
    torch.manual_seed(0)
    return probe(mutant)


def known_mistake(
    function: Callable[..., Any],
    probe: Callable[[Callable[..., Any]], Any],
    mutants: tuple[Mutant, ...],
    right: Callable[..., Any] | None = None,
) -> Mutant | None:
    """The mutant that does the same as this function, if there is one.

    An answer without any gradient, or one that spoils its inputs as well, is told of its values'
    mistake if values alone show it: if `right` has others.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        seen, observed = probe(function), []
        for mutant in mutants:
            observed.append(_observed(probe, mutant.answer))
            if alike(seen, observed[-1]):
                return mutant
        if right is None or not isinstance(probe, Calls):
            return None
        torch.manual_seed(0)
        values, correct = _values(seen), _values(probe(right))
        spoiled = isinstance(seen, list) and any(isinstance(x, list) and x[1] for x in seen)
        if alike(values, correct) or not (spoiled or _no_gradient(seen)):
            return None
        matching = [m for m, other in zip(mutants, observed) if alike(values, _values(other))]
    return matching[0] if len(matching) == 1 else None
