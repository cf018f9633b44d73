"""Small functions around a training loop: seeds, device, precision, data order, averaged weights.

There is no trainer class. Each chapter's `train.py` keeps its own loop, a generator that yields a
dict of metrics after each optimiser step, and calls what it needs from here:

    seed_everything(0)
    device = pick_device()
    for step in range(start, total):
        index = batch_indices(step, batch_size, len(data), seed=0)
        ...
        ema.update(model)
        save_checkpoint("run.pt", step=step + 1, model=model, optimizer=optimizer, ema=ema)

Everything that a step reads is a function of the seed and of the step's number, or is in the
checkpoint, so a run that is killed and resumed ends with the weights of one that was not.
"""

from __future__ import annotations

import functools
import math
import operator
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from mmcourse.cards import device_name, environment, sources_hash
from mmcourse.checkpoints import describe_mismatch, load_checkpoint, save_checkpoint
from mmcourse.devices import cpu_flags, pick_device, pick_precision

__all__ = [
    "EMA",
    "TIERS",
    "batch_indices",
    "brief_now",
    "check_finite",
    "check_seed",
    "cosine_schedule",
    "count_parameters",
    "cpu_flags",
    "device_name",
    "environment",
    "evaluating",
    "load_checkpoint",
    "pick_device",
    "pick_precision",
    "plain",
    "save_checkpoint",
    "seed_everything",
    "sources_hash",
    "tier",
]

TIERS = ("smoke", "cpu", "gpu", "full")
COMPLETE = 0.85
"""Share of a run in which all captions are complete; then every second one is brief."""


def check_seed(seed: int | np.integer) -> int:
    """The seed as a plain integer.

    Raises:
        ValueError: if it is no integer in [0, 2**32), the range that NumPy takes.
    """
    try:
        plain = operator.index(seed)
    except TypeError:
        kind = type(seed).__name__
        raise ValueError(f"seed is {seed!r}, a {kind}: give an integer") from None
    if not 0 <= plain < 2**32:
        raise ValueError(f"seed is {plain}, expected 0 to {2**32 - 1}: choose a smaller one")
    return plain


def seed_everything(seed: int | np.integer) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators (CPU and accelerator).

    Raises:
        ValueError: if the seed is no integer in [0, 2**32).
    """
    seed = check_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - other libraries draw from NumPy's global state
    torch.manual_seed(seed)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode in this block, so that a result does not depend on its company,
    without gradients; afterwards in the mode that it had."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes:
            part.training = training


def tier() -> str:
    """How much to compute: the environment variable MMCOURSE_TIER, else what the device can bear.

    Raises:
        ValueError: if MMCOURSE_TIER is none of smoke, cpu, gpu, full.
    """
    value = os.environ.get("MMCOURSE_TIER") or ("gpu" if torch.cuda.is_available() else "cpu")
    if value not in TIERS:
        raise ValueError(f"MMCOURSE_TIER is {value!r}: set it to one of {', '.join(TIERS)}")
    return value


@functools.lru_cache(maxsize=4)
def _permutation(n: int, seed: int, epoch: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng((seed, epoch)).permutation(n))


def batch_indices(step: int, batch_size: int, n: int, seed: int = 0) -> Tensor:
    """The indices of a step's batch, (batch_size,) int64: a pure function of its arguments.

    Each epoch is a new permutation of the n samples, cut into n // batch_size batches; the few left
    over sit this epoch out, so no batch is smaller and none holds a sample twice. To share the data
    among processes, pass step * num_processes + process_index.

    Raises:
        ValueError: if the step is negative or a batch does not fit into the data.
    """
    if step < 0:
        raise ValueError(f"step is {step}, expected 0 or more")
    if not 1 <= batch_size <= n:
        raise ValueError(f"batch_size is {batch_size}, expected 1 to {n}, the number of samples")
    epoch, batch = divmod(step, n // batch_size)
    start = batch * batch_size
    return _permutation(n, seed, epoch)[start : start + batch_size].clone()  # (batch_size,)


def brief_now(index: int, step: int, steps: int) -> bool:
    """Whether a caption leaves things out: complete ones come first, for a model that learns from
    brief ones learns to ignore words.

    Args:
        index: of the row.
        step: from 0.
        steps: of the run.
    """
    return step >= COMPLETE * steps and (step + index) % 2 == 1


def cosine_schedule(step: int, total: int, warmup: int = 0, floor: float = 0.0) -> float:
    """The learning rate's multiplier at a step: a linear rise to 1, then half a cosine to `floor`.

    The rise starts above 0, so that no step is wasted. For `torch.optim.lr_scheduler.LambdaLR`,
    fix the rest with `functools.partial(cosine_schedule, total=10_000, warmup=200)`.
    Source: Loshchilov & Hutter, SGDR, 2017, equation 5, without restarts.

    Raises:
        ValueError: if the warm-up is not shorter than the whole run.
    """
    if not 0 <= warmup < total:
        raise ValueError(f"warmup is {warmup}, expected 0 to {total - 1}, less than total={total}")
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = min((step - warmup) / (total - warmup), 1.0)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


class EMA:
    """An exponential moving average of a model's parameters; buffers are copied as they are.

    After k updates the decay is min(decay, (1 + k) / (10 + k)): while there is little to average,
    the average follows the model closely. Averages of half-precision parameters are kept in
    float32, since a small step towards the model would round to none. A model that is compiled or
    trained data-parallel is looked through.

        ema = EMA(model, decay=0.999)
        ema.update(model)              # after each optimiser step
        with ema.averaged(model):      # the model has the averaged weights in this block
            evaluate(model)

    Raises:
        ValueError: if the decay is not in [0, 1).
    """

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay is {decay}, expected 0 <= decay < 1")
        self.decay = decay
        self.updates = 0
        self.average = {
            name: value.float() if value.dtype in (torch.float16, torch.bfloat16) else value.clone()
            for name, value in plain(model).state_dict().items()
        }

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model by one step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in plain(model).state_dict(keep_vars=True).items():
            average = self.average[name]
            if isinstance(value, nn.Parameter) and value.is_floating_point():
                average.lerp_(value.to(average.dtype), 1 - decay)
            else:
                average.copy_(value)

    def copy_to(self, model: nn.Module) -> None:
        """Overwrite the model's parameters and buffers with the averaged ones."""
        plain(model).load_state_dict(self.average)

    @contextmanager
    def averaged(self, model: nn.Module) -> Iterator[nn.Module]:
        """Lend the model the averaged weights, and give back its own at the end, even on error."""
        own = {name: value.clone() for name, value in plain(model).state_dict().items()}
        self.copy_to(model)
        try:
            yield model
        finally:
            plain(model).load_state_dict(own)

    def state_dict(self) -> dict[str, object]:
        """What `load_state_dict` needs to go on: the decay, the count of updates, the average."""
        return {"decay": self.decay, "updates": self.updates, "average": self.average}

    def load_state_dict(self, state: dict) -> None:
        """Take over a saved average, on the device that this one is on.

        Raises:
            ValueError: if it is the average of another architecture.
        """
        difference = describe_mismatch(self.average, state["average"])
        if difference:
            raise ValueError(f"this average is of another model: it has {difference}")
        self.decay, self.updates = state["decay"], state["updates"]
        for name, average in self.average.items():
            average.copy_(state["average"][name])


def check_finite(loss: Tensor, step: int | None = None) -> None:
    """Stop a run before it takes a step by a loss that is NaN or infinite; weights that did would
    never heal, nor would their average.

    Args:
        loss: a scalar.
        step: its number, from 1; None where it is not known.

    Raises:
        ValueError: naming the step and what may help.
    """
    if not loss.isfinite():
        which = "this step" if step is None else f"step {step}"
        raise ValueError(
            f"the loss of {which} is {loss.item()}, so it was not taken: lower the learning "
            "rate, look at the data, or train in float32; the last checkpoint is as it was"
        )


def plain(model: nn.Module) -> nn.Module:
    """The model itself, without what `torch.compile` or data-parallel training wraps around it."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, nn.parallel.DistributedDataParallel):
            inner = model.module
        if inner is None:
            return model
        model = inner


def count_parameters(model: nn.Module, trainable_only: bool = False) -> int:
    """The number of parameters; one that is shared between layers counts once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable_only)
