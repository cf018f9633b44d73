"""Errors of torch, told in the terms of what a model was given.

A method that fails inside torch speaks of kernels and scalar types. What is wrong is nearly always
simpler: an empty batch, numbers of another type, or on another device than the weights. Nothing is
looked at beforehand, so this costs nothing; only when a method has failed is it asked why.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

TORCHS = (RuntimeError, IndexError, AttributeError, TypeError, ZeroDivisionError, ValueError)
"""What torch raises where it was given what it cannot compute with."""

MISFITS = ("Sizes of tensors", "The size of tensor", "mat1 and mat2 shapes", "Given groups=",
           "Given normalized_shape", "too many indices", "Dimension out of range",
           "tuple index out of range")  # fmt: skip
"""How torch begins to say that shapes do not go together."""


class Refused(ValueError):
    """What was given cannot be computed with, in one line; torch's own error is its cause."""


def explained(method: Callable[..., Any]) -> Callable[..., Any]:
    """A model's method whose failures are a `ValueError` in one line, where what was given explains
    them; all other errors pass as they are."""

    @functools.wraps(method)
    def run(self: nn.Module, *given: Any, **named: Any) -> Any:
        try:
            return method(self, *given, **named)
        except TORCHS as error:
            cause = error.__cause__ if isinstance(error, Refused) else error
            reason = why(self, method, cause, given, named)  # in the words of who was called first
            if reason is None:
                raise
            raise Refused(reason) from cause

    return run


def why(
    model: nn.Module,
    method: Callable[..., Any],
    error: BaseException | None,
    given: tuple[Any, ...],
    named: Mapping[str, Any],
) -> str | None:
    """What was wrong with the arguments of a method of a model that failed; None if nothing was."""
    said = str(error)
    if error is None or isinstance(error, torch.OutOfMemoryError):
        return None
    if isinstance(error, ValueError):
        if model.training and said.startswith("Expected more than 1 value per channel"):
            return (
                "in training each number is standardised over its batch, and of one value there is "
                "nothing to standardise by: give two examples or more, or call eval() first"
            )
        return None
    try:
        bound = inspect.signature(method).bind(model, *given, **named)
    except TypeError:  # too many or too few arguments: Python's own message says it best
        return None
    arguments = dict(list(bound.arguments.items())[1:])
    for name, value in arguments.items():
        wanted = inspect.signature(method).parameters[name].annotation
        if wanted in ("Tensor", Tensor) and not isinstance(value, Tensor):
            return (
                f"{name} is a {type(value).__name__}, expected a tensor: torch.as_tensor makes one "
                "of numbers, mmcourse.pictures.to_tensor one of a picture"
            )
    tensors = dict(_tensors(arguments))
    return (
        _empty(tensors)
        or _elsewhere(tensors, model)
        or _of_another_type(tensors, model, said)
        or _out_of_range(tensors, error)
        or _of_other_shapes(tensors, said)
    )


def _tensors(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """The tensors among arguments, and among the parts of those that have named parts."""
    for name, value in arguments.items():
        if isinstance(value, Tensor):
            yield name, value
        elif is_dataclass(value) and not isinstance(value, type):
            parts = {field.name: getattr(value, field.name) for field in fields(value)}
            yield from _tensors({f"{name}.{part}": x for part, x in parts.items()})
        elif isinstance(value, tuple):
            names = getattr(value, "_fields", range(len(value)))
            yield from _tensors({f"{name}.{part}": x for part, x in zip(names, value)})


def _empty(tensors: Mapping[str, Tensor]) -> str | None:
    for name, x in tensors.items():
        if x.numel() == 0:
            return (
                f"{name} is {tuple(x.shape)}, so there is nothing in it: give one example or more"
            )
    return None


def _elsewhere(tensors: Mapping[str, Tensor], model: nn.Module) -> str | None:
    home = next((p.device for p in model.parameters()), None)
    for name, x in tensors.items():
        if home is not None and x.device != home:
            return (
                f"{name} is on {x.device}, the model on {home}: move one of them, with "
                f"{name}.to({str(home)!r}) or model.to({str(x.device)!r})"
            )
    return None


def _of_another_type(tensors: Mapping[str, Tensor], model: nn.Module, said: str) -> str | None:
    kinds = {p.dtype for p in model.parameters() if p.is_floating_point()}
    if "argument #1 'indices'" in said:
        names = [name for name, x in tensors.items() if x.is_floating_point()]
        return (
            f"ids, codes and labels are whole numbers, got floats as {' or '.join(names)}: .long()"
        )
    for name, x in tensors.items():
        if x.dtype == torch.uint8:
            return (
                f"{name} is uint8, the bytes of a picture, expected numbers in [-1, 1]: "
                f"mmcourse.pictures.from_bytes({name})"
            )
        if kinds and x.ndim > 2 and not x.is_floating_point() and said.startswith("Input type"):
            return (
                f"{name} is {x.dtype}, expected floats in [-1, 1]: mmcourse.pictures.from_bytes of "
                f"{name}.to(torch.uint8) if these are bytes, else {name}.float()"
            )
        if kinds and x.is_floating_point() and x.dtype not in kinds:
            kind = str(next(iter(kinds)))
            return (
                f"{name} is {x.dtype}, the model's weights are {kind}: {name}.to({kind}), or "
                f"model.to({x.dtype})"
            )
    cast = kinds & {torch.float16, torch.bfloat16}
    if cast and "same dtype" in said:
        return (
            f"the model was cast to {next(iter(cast))}, and a part of it computes in float32: "
            "use model.float(); torch.autocast saves time all the same"
        )
    return None


def _out_of_range(tensors: Mapping[str, Tensor], error: BaseException) -> str | None:
    if not isinstance(error, IndexError) or "index out of range" not in str(error):
        return None
    for name, x in tensors.items():
        if not x.is_floating_point() and x.dtype != torch.bool:
            return (
                f"{name} holds {int(x.min())} to {int(x.max())}, and the model has no vector for "
                "some of these: are they of another tokenizer or codebook?"
            )
    return None


def _of_other_shapes(tensors: Mapping[str, Tensor], said: str) -> str | None:
    if not tensors or not said.startswith(MISFITS):
        return None
    rows = {name: len(x) for name, x in tensors.items() if x.ndim}
    if len(set(rows.values())) > 1:
        told = ", ".join(f"{n} of {name}" for name, n in rows.items())
        return f"what is given together has as many rows each, got {told}"
    told = ", ".join(f"{name} {tuple(x.shape)}" for name, x in tensors.items())
    return f"the model takes other shapes than {told} ({said.splitlines()[0]})"


def check_saveable(model: nn.Module) -> None:
    """Refuse a model whose layers are no longer those that its class builds: saved, it could not
    be loaded again.

    Raises:
        ValueError: layers with adapters, or packed to four bits.
    """
    for path, layer in model.named_modules():
        if hasattr(layer, "adapters") and hasattr(layer, "base"):
            raise ValueError(
                f"{path} has adapters, so nothing was saved: save them by save_adapter, or call "
                "merge and strip first"
            )
        if getattr(layer, "packed_linear", False) or type(layer).__name__ == "Linear4bit":
            raise ValueError(
                f"{path} is packed to four bits, so nothing was saved: unpack it first"
            )


def whole(name: str, value: object, least: int = 1, most: int | None = None) -> int:
    """A count as a plain int.

    Args:
        name: what a message calls it.
        value: as it was given.
        least: the smallest that is taken.
        most: the largest, if there is one.

    Raises:
        ValueError: no whole number, or one outside that range.
    """
    try:
        found = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        found = least - 1
    if found < least or (most is not None and found > most):
        span = f"from {least} on" if most is None else f"{least} to {most}"
        raise ValueError(f"{name} is {value!r}, expected a whole number, {span}")
    return found


def check_bytes(pictures: Tensor, channels: int) -> None:
    """Refuse what is no batch of pictures in bytes, channels last.

    Raises:
        ValueError: another type, another shape than (N, H, W, channels), or no pictures.
    """
    if pictures.dtype != torch.uint8:
        raise ValueError(
            f"pictures must be uint8 (N, H, W, {channels}), got {pictures.dtype}: "
            "mmcourse.pictures.to_bytes makes bytes of numbers in [-1, 1]"
        )
    if pictures.ndim != 4 or pictures.shape[-1] != channels:
        raise ValueError(
            f"uint8 pictures must be (N, H, W, {channels}), got {tuple(pictures.shape)}; channels "
            "come last: pictures.movedim(1, -1)"
        )
    if not len(pictures):
        raise ValueError(f"pictures are {tuple(pictures.shape)}: give one or more")


def check_floats(data: Tensor) -> None:
    """Refuse what is no batch of pictures or latents to denoise.

    Raises:
        ValueError: another shape than (N, C, H, W) with one row at least, bytes, NaN or infinity.
    """
    if not data.is_floating_point():
        raise ValueError(
            f"the data are {data.dtype}, expected floats, pictures in [-1, 1] or latents: "
            "mmcourse.pictures.from_bytes makes them of bytes"
        )
    if not len(data):
        raise ValueError(f"the data are {tuple(data.shape)}, so there is nothing to learn from")
    if not data.isfinite().all():
        raise ValueError("the data hold NaN or infinity: look at what encoded them")


def check_seeds(texts: Sequence[str], seeds: Sequence[int]) -> None:
    """Refuse to draw nothing, or two pictures by one seed.

    Raises:
        ValueError: no texts, one text in place of a list, or not as many seeds.
    """
    if isinstance(texts, str):
        raise ValueError(f"texts are a list of captions, got one string, {texts!r}: [{texts!r}]")
    if not texts or len(texts) != len(seeds):
        raise ValueError(
            f"a text at least, and a seed for each: got {len(texts)} texts and {len(seeds)} seeds"
        )
